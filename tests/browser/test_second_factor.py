"""The second factor of support staff. Auth here has none: what it would answer is put in its place,
as its API is described, and the token says `aal2` as its own would. The database is the real one.
https://supabase.com/docs/guides/auth/auth-mfa/totp
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jwt
from playwright.sync_api import Page, Route, expect

from devtools.dev import keys, staff
from tests.support.browser import Visitor
from tests.support.dev import Dev
from tests.support.signing_in import sign_in

Address = Callable[[str], str]

FACTOR = {"id": "f0000001-0000-4000-8000-000000000001", "factor_type": "totp"}
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M1 1h7v7H1z"/></svg>'
ENROLLED = {
    "id": FACTOR["id"],
    "type": "totp",
    "totp": {"qr_code": PICTURE, "secret": "KEYFORTHEAPP", "uri": "otpauth://totp/desk"},
}
RIGHT_CODE = "123456"
WRONG = {"code": 422, "error_code": "mfa_verification_failed", "msg": "Invalid TOTP code entered"}
FROM_ANYWHERE = {
    "access-control-allow-origin": "*",
    "access-control-allow-headers": "*",
    "access-control-allow-methods": "*",
    "x-supabase-api-version": "2024-01-01",
    "access-control-expose-headers": "x-supabase-api-version",
}


class Factors:
    """What Auth would say of the factors of whoever is signed in on this page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.is_set_up = False
        page.route("**/auth/v1/user", self._user)
        page.route("**/auth/v1/factors**", self._factors)

    def _user(self, route: Route) -> None:
        if route.request.method != "GET":
            route.continue_()
            return
        response = route.fetch()
        route.fulfill(response=response, json={**response.json(), "factors": self._listed()})

    def _listed(self) -> list[dict[str, str]]:
        return [{**FACTOR, "status": "verified"}] if self.is_set_up else []

    def _factors(self, route: Route) -> None:
        request = route.request
        status, body = 200, self._answer(request.url.rsplit("/", 1)[1], request.post_data)
        if body == WRONG:
            status = 422
        route.fulfill(status=status, json=body, headers=FROM_ANYWHERE)

    def _answer(self, call: str, sent: str | None) -> dict[str, Any]:
        if call == "factors":
            return ENROLLED
        if call == "challenge":
            return {"id": FACTOR["id"], "type": "totp", "expires_at": 4102444800}
        if sent and json.loads(sent)["code"] != RIGHT_CODE:
            return WRONG
        self.is_set_up = True
        return self._session_with_factor()

    def _session_with_factor(self) -> dict[str, Any]:
        stored = self._page.evaluate(
            "JSON.parse(Object.entries(localStorage).find(([name]) => /auth-token$/.test(name))[1])"
        )
        claims = jwt.decode(stored["access_token"], options={"verify_signature": False})
        token = jwt.encode({**claims, "aal": "aal2"}, keys.JWT_SECRET, algorithm="HS256")
        user = {**stored["user"], "factors": self._listed()}
        return {**stored, "access_token": token, "user": user}


def test_staff_set_a_second_factor_up_and_are_let_in(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    page, buyer = visitor.page, address("buyer")
    dev.buy(buyer, "standard_course")
    Factors(page)
    sign_in(page, dev, staff.WITHOUT_SECOND_FACTOR, f"/support?q={buyer}")
    expect(page.get_by_role("heading", name="A second factor is needed")).to_be_visible()
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_text("KEYFORTHEAPP")).to_be_visible()
    visitor.look("support-second-factor-set-up")

    page.get_by_label("Code that the app shows now").fill("000000")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
    page.get_by_label("Code that the app shows now").fill(RIGHT_CODE)
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("heading", name="Time line")).to_be_visible()


def test_who_set_one_up_elsewhere_is_asked_for_it(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    page, buyer = visitor.page, address("buyer")
    dev.buy(buyer, "standard_course")
    Factors(page).is_set_up = True
    sign_in(page, dev, staff.WITHOUT_SECOND_FACTOR, f"/support?q={buyer}")
    expect(page.get_by_label("Code of your authenticator app")).to_be_focused()
    visitor.look("support-second-factor-asked")

    page.keyboard.type("123 456")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Time line")).to_be_visible()
