"""Resend: the key may send from our address, and Resend tells us what becomes of our emails.

Facts this file stands on:
- A key with "Sending access" can do nothing else: 401 `restricted_api_key`.
  https://resend.com/docs/api-reference/errors
- An email without anything is refused for what it lacks, 422, once the key is taken: so whether a
  key may send is known without an email.
- A webhook's signing secret is told to a key with full access.
  https://resend.com/docs/api-reference/webhooks/get-webhook
- An address that is suppressed gets nothing, receipts included.
  https://resend.com/docs/dashboard/suppressions
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Any

import httpx

from thetis.app import DELIVERIES
from thetis.deliveries import STATES
from thetis.doctor.asking import NoAnswer, ask, bearer, content, host, said
from thetis.doctor.checks import Check, Finding, Found, failed, passed, unknown, warned
from thetis.doctor.known import Known

PAGE_SIZE = 100

PAGES = 10

PERSONAL = frozenset({"gmail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com"})
"""Domains of mailboxes, which nobody can verify at Resend."""


class ResendPart:
    def __init__(self, known: Known, http: httpx.AsyncClient) -> None:
        self._known = known
        self._http = http

    def checks(self) -> tuple[Check, ...]:
        part, key = "Resend", ("resend_api_key", "resend_base_url")
        may_read = "Resend: "
        return (
            Check(
                id="resend.key", part=part, name="key", run=self.key, settings=key,
                remedy="make a new one: Resend: API Keys", by_hand="set RESEND_API_KEY",
            ),
            Check(
                id="resend.domain", part=part, name="domain", run=self.domain,
                settings=("email_from",), after=("resend.key",),
                remedy="Resend: Domains: add it, and the DNS records that it shows",
                by_hand=f"{may_read}Domains: the domain of EMAIL_FROM is verified",
            ),
            Check(
                id="resend.webhook", part=part, name="webhook", run=self.webhook,
                settings=("public_url",), after=("resend.key",),
                remedy="Resend: Webhooks",
                by_hand=f"{may_read}Webhooks: one is at the public address, followed by"
                f" {DELIVERIES}",
            ),
            Check(
                id="resend.suppressions", part=part, name="suppressions", run=self.suppressions,
                after=("resend.key",),
                remedy="Resend: Suppressions: remove those who wrote to you and want your emails",
                by_hand=f"{may_read}Suppressions: nobody is there who waits for an email",
            ),
        )  # fmt: skip

    async def key(self) -> Finding:
        answer = await self._ask("POST", "/emails", json={})
        if answer.status_code in {401, 403}:
            return failed(f"Resend does not take RESEND_API_KEY ({said(answer)})")
        if answer.status_code == 429:
            return warned(f"Resend asks for a pause ({said(answer)})", "look again in a minute")
        if answer.status_code != 422:
            base = self._known.text("resend_base_url")
            return failed(f"{host(base)} answers {said(answer)}", "is RESEND_BASE_URL right?")
        return passed("may send")

    async def domain(self) -> Finding:
        _, address = parseaddr(self._known.text("email_from"))
        name = address.rpartition("@")[2].lower()
        if name in PERSONAL:
            return failed(f"nobody can send as {name}", "set EMAIL_FROM to a domain of your own")
        domains = {str(each.get("name")).lower(): each for each in await self._all("/domains")}
        if name not in domains:
            return failed(f"{name}, of EMAIL_FROM, is not at Resend")
        if domains[name].get("status") != "verified":
            return failed(f"{name} is not verified: {domains[name].get('status')}")
        if (domains[name].get("capabilities") or {}).get("sending") == "disabled":
            return failed(f"{name} is verified, but sending is switched off")
        return passed(f"{name} is verified")

    async def webhook(self) -> Finding:
        url = self._known.text("public_url").rstrip("/") + DELIVERIES
        hooks = [each for each in await self._all("/webhooks") if each.get("endpoint") == url]
        secrets = self._known.texts("resend_webhook_secrets")
        if not hooks and not secrets:
            return warned(
                "none: nobody learns which emails did not arrive",
                f"Resend: Webhooks: add {url}, and set RESEND_WEBHOOK_SECRETS",
            )
        if not hooks:
            return failed("none is at our address", f"Resend: Webhooks: add {url}")
        if not secrets:
            return failed("one is there, but RESEND_WEBHOOK_SECRETS is not set")
        findings = [await self._fault(each, secrets) for each in hooks]
        return next((each for each in findings if each is None), findings[0]) or passed(
            f"at {url}, with our secret"
        )

    async def _fault(self, hook: dict[str, Any], secrets: list[str]) -> Finding | None:
        """What is wrong with a webhook at our address."""
        if hook.get("status") != "enabled":
            return failed(f"is {hook.get('status')}", "Resend: Webhooks: enable it")
        wanted = set(STATES)
        if isinstance(events := hook.get("events"), list) and (lacking := wanted - set(events)):
            return failed(f"does not tell of {', '.join(sorted(lacking))}")
        told = content(await self._read(f"/webhooks/{hook.get('id')}")).get("signing_secret")
        if told and told not in secrets:
            return failed(
                "is signed with a secret that RESEND_WEBHOOK_SECRETS does not have",
                "copy it from Resend: Webhooks, and restart the service",
            )
        return None

    async def suppressions(self) -> Finding:
        suppressed = await self._all("/suppressions")
        since = (datetime.now(UTC) - timedelta(days=7)).isoformat()
        fresh = [each for each in suppressed if _moment(each.get("created_at")) >= since]
        if not fresh:
            return passed(f"none within 7 days, {len(suppressed)} in all")
        reasons = Counter(str(each.get("origin")) for each in fresh)
        told = ", ".join(f"{count} by {origin}" for origin, count in sorted(reasons.items()))
        return warned(f"{len(fresh)} addresses get no email since this week: {told}")

    async def _all(self, path: str) -> list[dict[str, Any]]:
        """Every entry of a list, page by page."""
        found: list[dict[str, Any]] = []
        query = {"limit": str(PAGE_SIZE)}
        for _ in range(PAGES):
            page = content(await self._read(path, **query))
            entries = page.get("data")
            if not isinstance(entries, list):
                raise NoAnswer(f"Resend lists {path} in a form that is not known")
            found += entries
            if not page.get("has_more") or not entries:
                break
            query["after"] = str(entries[-1].get("id"))
        return found

    async def _read(self, path: str, **query: str) -> httpx.Response:
        """What only a key with full access may read."""
        answer = await self._ask("GET", path, params=query)
        if answer.status_code in {401, 403}:
            raise Found(unknown("this key may only send"))
        if answer.status_code != 200:
            raise Found(unknown(f"Resend answers {said(answer)}"))
        return answer

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Waits once where Resend asks for a pause: a few requests a second is its limit."""
        url = self._known.text("resend_base_url") + path
        headers = bearer(self._known.text("resend_api_key"))
        answer = await ask(self._http, method, url, headers=headers, **more)
        if answer.status_code == 429 and answer.headers.get("retry-after", "").isdigit():
            await asyncio.sleep(min(int(answer.headers["retry-after"]), 5))
            answer = await ask(self._http, method, url, headers=headers, **more)
        return answer

    async def close(self) -> None:
        """Nothing is kept open."""


def _moment(told: object) -> str:
    """In a form that sorts; an odd one is old."""
    try:
        return datetime.fromisoformat(str(told)).astimezone(UTC).isoformat()
    except ValueError:
        return ""
