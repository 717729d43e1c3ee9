"""Supabase Auth: whoever bought can sign up, and nobody can sign up as somebody else.

Facts this file stands on:
- What anybody with a key may know of a project's Auth is at `/auth/v1/settings`.
- The rest is at the Management API, `GET /v1/projects/{ref}/config/auth`, for whoever has a
  personal access token. https://supabase.com/docs/reference/api/v1-get-auth-service-config
- Without a mail server of the project's own, Supabase sends two emails an hour, and only to members
  of the team. https://supabase.com/docs/guides/auth/auth-smtp
- With one, 30 an hour is the limit until it is raised.
  https://supabase.com/docs/guides/auth/rate-limits
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

import httpx

from thetis.doctor.asking import ask, bearer, content, host, said
from thetis.doctor.checks import Check, Finding, failed, passed, unknown, warned
from thetis.doctor.known import Known

FEW_EMAILS = 100
"""An hour. A launch brings more sign-ups than Supabase's 30."""

SHORT_PASSWORD = 8

LONG_LINK_SECONDS = 24 * 3600

PAGE = "Supabase: Authentication > "


class AuthPart:
    def __init__(self, known: Known, http: httpx.AsyncClient) -> None:
        self._known = known
        self._http = http
        self._settings: dict[str, Any] = {}
        self._config: dict[str, Any] = {}

    def checks(self) -> tuple[Check, ...]:
        part, public, managed = "Auth", ("auth.settings",), ("auth.management",)
        return (
            Check(
                id="auth.settings", part=part, name="settings", run=self.settings,
                settings=("supabase_url", "supabase_secret_key"),
                remedy="check SUPABASE_URL and SUPABASE_SECRET_KEY",
                by_hand=f"set both; or look at {PAGE}Sign In / Providers: Confirm email is on",
            ),
            Check(
                id="auth.confirmation", part=part, name="email confirmation",
                run=self.confirmation, after=public,
                remedy=f"{PAGE}Sign In / Providers > Email: switch on Confirm email",
            ),
            Check(
                id="auth.sign_up", part=part, name="sign-up", run=self.sign_up, after=public,
                remedy=f"{PAGE}Sign In / Providers: allow new users to sign up, by email",
            ),
            Check(
                id="auth.management", part=part, name="mail and sessions", run=self.management,
                settings=("supabase_access_token",),
                remedy="check SUPABASE_ACCESS_TOKEN and SUPABASE_PROJECT_REF",
                by_hand=f"look at {PAGE}Emails > SMTP Settings, Rate Limits, Sessions and URL"
                " Configuration; or set SUPABASE_ACCESS_TOKEN",
            ),
            Check(
                id="auth.mail_server", part=part, name="mail server", run=self.mail_server,
                after=managed, remedy=f"{PAGE}Emails > SMTP Settings: enter Resend's, or your own",
            ),
            Check(
                id="auth.mail_limit", part=part, name="emails an hour", run=self.mail_limit,
                after=managed, remedy=f"{PAGE}Rate Limits: raise the emails an hour",
            ),
            Check(
                id="auth.passwords", part=part, name="passwords", run=self.passwords,
                after=managed, remedy=f"{PAGE}Sign In / Providers > Email",
            ),
            Check(
                id="auth.sessions", part=part, name="sessions", run=self.sessions, after=managed,
                remedy=f"{PAGE}Sessions",
            ),
            Check(
                id="auth.addresses", part=part, name="addresses", run=self.addresses,
                settings=("course_app_url",), after=managed,
                remedy=f"{PAGE}URL Configuration",
            ),
        )  # fmt: skip

    async def settings(self) -> Finding:
        url = self._known.text("supabase_url")
        key = self._known.text("supabase_secret_key")
        answer = await ask(self._http, "GET", f"{url}/auth/v1/settings", headers={"apikey": key})
        if answer.status_code in {401, 403}:
            return failed(
                f"{host(url)} does not take the key ({said(answer)})",
                "copy SUPABASE_SECRET_KEY again: Supabase: Project Settings > API Keys",
            )
        if answer.status_code != 200:
            return failed(f"{host(url)} answers {said(answer)}", "is SUPABASE_URL right?")
        self._settings = content(answer)
        return passed(f"{host(url)} tells them")

    async def confirmation(self) -> Finding:
        is_off = self._settings.get("mailer_autoconfirm")
        if is_off is True:
            return failed("off: whoever types a customer's address gets what that customer bought")
        if is_off is False:
            return passed("on: an address counts once its mailbox was read")
        return unknown("Auth does not tell it")

    async def sign_up(self) -> Finding:
        external = self._settings.get("external")
        has_email = external.get("email") if isinstance(external, dict) else None
        if self._settings.get("disable_signup") is True:
            return failed("closed: customers cannot make the account that their course is for")
        if has_email is False:
            return failed("by email is off: customers cannot prove the address they bought with")
        if self._settings.get("disable_signup") is None or has_email is None:
            return unknown("Auth does not tell it")
        return passed("open, by email")

    async def management(self) -> Finding:
        ref = self._ref()
        if ref is None:
            return unknown(
                "which project it is, SUPABASE_URL does not tell", "set SUPABASE_PROJECT_REF"
            )
        base = self._known.text("supabase_management_url")
        token = self._known.text("supabase_access_token")
        url = f"{base}/v1/projects/{ref}/config/auth"
        answer = await ask(self._http, "GET", url, headers=bearer(token))
        if answer.status_code == 401:
            return failed(
                "SUPABASE_ACCESS_TOKEN is not taken",
                "make a new one: Supabase: Account > Access Tokens",
            )
        if answer.status_code in {403, 404}:
            return failed(f"this token sees no project {ref} ({said(answer)})")
        if answer.status_code != 200:
            return unknown(f"{host(base)} answers {said(answer)}")
        self._config = content(answer)
        return passed(f"of project {ref} are told")

    def _ref(self) -> str | None:
        if not self._known.missing("supabase_project_ref"):
            return self._known.text("supabase_project_ref")
        if self._known.missing("supabase_url"):
            return None
        found = re.fullmatch(
            r"([a-z]{20})\.supabase\.co", urlsplit(self._known.text("supabase_url")).hostname or ""
        )
        return found[1] if found else None

    async def mail_server(self) -> Finding:
        server = self._config.get("smtp_host")
        if not server:
            return failed("Supabase's own: two emails an hour, and only to members of your team")
        return passed(f"{server}")

    async def mail_limit(self) -> Finding:
        limit = self._config.get("rate_limit_email_sent")
        if not isinstance(limit, int):
            return unknown("the Management API does not tell it")
        if limit < FEW_EMAILS:
            return warned(f"{limit}: on the day of a launch, more customers than that sign up")
        return passed(f"{limit}")

    async def passwords(self) -> Finding:
        config = self._config
        if config.get("mailer_allow_unverified_email_sign_ins") is True:
            return failed(
                "one may sign in before the address is confirmed",
                f"{PAGE}Sign In / Providers: switch off unverified email sign-ins",
            )
        length = config.get("password_min_length")
        if isinstance(length, int) and length < SHORT_PASSWORD:
            return warned(f"{length} characters are enough: 8 should be the least")
        if config.get("mailer_secure_email_change_enabled") is False:
            return warned("a new address is not confirmed at the old one (Secure email change)")
        lifetime = config.get("mailer_otp_exp")
        if isinstance(lifetime, int) and lifetime > LONG_LINK_SECONDS:
            return warned(f"links in emails work for {lifetime // 3600} hours")
        return passed(f"{length} characters or more, addresses are confirmed")

    async def sessions(self) -> Finding:
        if self._config.get("refresh_token_rotation_enabled") is False:
            return warned("a stolen refresh token works for ever (Detect and revoke is off)")
        return passed("refresh tokens are renewed with each use")

    async def addresses(self) -> Finding:
        app = self._known.text("course_app_url")
        site = str(self._config.get("site_url") or "")
        allowed = [
            each.strip() for each in str(self._config.get("uri_allow_list") or "").split(",")
        ]
        if _origin(site) == _origin(app):
            return passed(f"Site URL is {host(app)}")
        if any(fnmatchcase(f"{app}/claim", each) for each in allowed if each):
            return passed(f"{host(app)} is among the redirect URLs")
        return failed(
            f"links in Auth's emails lead to {host(site) or 'nowhere'}, not to {host(app)}",
            f"{PAGE}URL Configuration: set Site URL to {app}, or allow {app}/**",
        )

    async def close(self) -> None:
        """Nothing is kept open."""


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
