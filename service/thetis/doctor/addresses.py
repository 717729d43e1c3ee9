"""The two addresses that the world sees: ours, where webhooks arrive, and the course app's."""

from __future__ import annotations

import base64
import hmac
import time
from urllib.parse import urlsplit

import httpx

from thetis.app import DELIVERIES, WEBHOOKS
from thetis.doctor.asking import LOCAL, ask, host
from thetis.doctor.checks import Check, Finding, failed, passed, unknown, warned
from thetis.doctor.clock import ahead_of, skew
from thetis.doctor.known import Known

PATIENCE_SECONDS = 5.0
"""Shopify's, for the whole answer."""

NO_TOPIC = "thetis/doctor"
"""A topic that nobody sends: an authentic webhook of it is answered `ignored`, and leaves nothing
behind.
"""


class AddressesPart:
    def __init__(self, known: Known, http: httpx.AsyncClient) -> None:
        self._known = known
        self._http = http

    def checks(self) -> tuple[Check, ...]:
        part, public = "Addresses", ("public_url",)
        return (
            Check(
                id="addresses.course_app", part=part, name="course app", run=self.course_app,
                settings=("course_app_url",),
                remedy="COURSE_APP_URL must be where the course app is, and have the page /claim",
            ),
            Check(
                id="addresses.webhooks", part=part, name="webhooks", run=self.webhooks,
                settings=public, remedy="is `thetis serve` running behind PUBLIC_URL?",
                by_hand="set PUBLIC_URL; or send a POST without a signature to"
                f" https://…{WEBHOOKS}: it is answered 401",
            ),
            Check(
                id="addresses.secrets", part=part, name="webhook secrets", run=self.secrets,
                after=("addresses.webhooks",),
                remedy="give the service the same SHOPIFY_WEBHOOK_SECRETS, and restart it",
            ),
            Check(
                id="addresses.deliveries", part=part, name="events of Resend",
                run=self.deliveries, settings=public, after=("addresses.webhooks",),
                remedy="give the service the same RESEND_WEBHOOK_SECRETS, and restart it",
            ),
            Check(
                id="addresses.health", part=part, name="health", run=self.health,
                settings=public, after=("addresses.webhooks",),
                by_hand="ask the service itself: GET /healthz and /readyz at its own port",
            ),
            Check(
                id="addresses.clock", part=part, name="clock", run=self.clock,
                settings=("knock_base_url", "resend_base_url"),
                remedy="set this machine's clock by NTP",
            ),
        )  # fmt: skip

    async def course_app(self) -> Finding:
        url = self._known.text("course_app_url")
        answer = await ask(self._http, "GET", f"{url}/claim", follow_redirects=True)
        if answer.status_code != 200:
            return failed(f"{url}/claim answers {answer.status_code}")
        if _is_open_to_all(url):
            return warned(f"{url} is not https", "set COURSE_APP_URL to its https address")
        return passed(f"{url}/claim is there")

    async def webhooks(self) -> Finding:
        """One without a signature has to be refused, in our own words."""
        url = self._known.text("public_url")
        started = time.monotonic()
        answer = await ask(self._http, "POST", url + WEBHOOKS, content=b"{}")
        took = time.monotonic() - started
        if answer.is_redirect:
            return failed(
                f"{host(url)} redirects to {answer.headers.get('location', 'elsewhere')}:"
                " Shopify does not follow",
                "set PUBLIC_URL to the address in its last form",
            )
        if answer.status_code in {502, 503, 504}:
            return failed(f"{host(url)} answers {answer.status_code}: nothing runs behind it")
        if answer.status_code != 401 or not _is_ours(answer):
            return failed(
                f"{host(url)} answers {answer.status_code} to a webhook without a signature,"
                " where our service says 401",
                f"let the proxy pass {WEBHOOKS} on to `thetis serve`, unchanged",
            )
        if took > PATIENCE_SECONDS / 2:
            return warned(f"took {took:.1f} s to answer; Shopify waits for 5 s")
        return passed("what is not signed is refused")

    async def secrets(self) -> Finding:
        known = self._known.webhook_secrets()
        if not known:
            return unknown("no secret is set")
        refused = 0
        for secret in known:
            body = b"{}"
            digest = base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
            headers = {"X-Shopify-Topic": NO_TOPIC, "X-Shopify-Hmac-Sha256": digest}
            url = self._known.text("public_url") + WEBHOOKS
            answer = await ask(self._http, "POST", url, content=body, headers=headers)
            refused += answer.status_code == 401
        if refused:
            return failed(f"the service refuses {refused} of {len(known)} that are set here")
        return passed(
            f"the service takes {'it' if len(known) == 1 else f'each of the {len(known)}'}"
        )

    async def deliveries(self) -> Finding:
        answer = await ask(
            self._http, "POST", self._known.text("public_url") + DELIVERIES, content=b"{}"
        )
        secrets = self._known.texts("resend_webhook_secrets")
        if answer.status_code == 401:
            return passed("what is not signed is refused")
        if answer.status_code == 404 and not secrets:
            return passed("not received: RESEND_WEBHOOK_SECRETS is not set")
        if answer.status_code == 404:
            return failed(
                f"the service answers 404 at {DELIVERIES}: it has no RESEND_WEBHOOK_SECRETS,"
                " or the proxy passes nothing on"
            )
        return failed(f"{DELIVERIES} answers {answer.status_code} to what is not signed")

    async def health(self) -> Finding:
        url = self._known.text("public_url")
        answer = await ask(self._http, "GET", f"{url}/healthz")
        if answer.status_code in {401, 403, 404}:
            return unknown("not open to the public, which is as well")
        if answer.status_code != 200:
            return failed(f"/healthz answers {answer.status_code}")
        return passed("/healthz answers")

    async def clock(self) -> Finding:
        """By the clocks of those who check our signatures and tokens."""
        for name in ("resend_base_url", "knock_base_url"):
            url = self._known.text(name)
            if (ahead := await ahead_of(self._http, url)) is not None:
                return skew(ahead, host(url))
        return unknown("nobody told the time")

    async def close(self) -> None:
        """Nothing is kept open."""


def _is_open_to_all(url: str) -> bool:
    """Whether it crosses a network in clear."""
    parts = urlsplit(url)
    return parts.scheme != "https" and parts.hostname not in LOCAL


def _is_ours(answer: httpx.Response) -> bool:
    try:
        return "signature" in str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return False
