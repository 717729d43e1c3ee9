"""Auth and API of `make dev`, where @supabase/lite would answer otherwise than Supabase does."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import jwt

from devtools.dev import keys, staff
from tests.support.dev import Dev, Json

Address = Callable[[str], str]


def test_an_account_is_unconfirmed_until_its_code_comes_back(dev: Dev, address: Address) -> None:
    guest = address("guest")
    dev.buy(guest, "standard_course")
    dev.auth("/otp", {"email": guest, "create_user": True})
    code = dev.mail(guest, "Auth")["code"]
    assert owner(dev, guest) is None

    wrong = dev.auth("/verify", {"email": guest, "token": "000000", "type": "email"})
    assert wrong.status_code == 403
    assert owner(dev, guest) is None

    dev.auth("/verify", {"email": guest, "token": code, "type": "email"})
    assert owner(dev, guest) == guest


def test_postgrest_takes_the_token_that_auth_signs(dev: Dev, address: Address) -> None:
    buyer, stranger = address("buyer"), address("stranger")
    dev.buy(buyer, "standard_course")
    answers = {
        who: dev.rest("/rpc/has_access", {"slug": "standard_course"}, token_of(dev.sign_up(who)))
        for who in (buyer, stranger)
    }
    assert answers[buyer].json() is True
    assert answers[stranger].json() is False


def test_the_token_says_who_is_staff_and_who_has_a_second_factor(dev: Dev) -> None:
    claims = {who: claims_of(dev.sign_up(who)) for who in staff.ROLES}
    said = {who: (told["app_metadata"]["role"], told["aal"]) for who, told in claims.items()}
    assert said == {
        staff.SUPPORT: ("support", "aal2"),
        staff.VIEWER: ("support_viewer", "aal2"),
        staff.WITHOUT_SECOND_FACTOR: ("support", "aal1"),
    }


def test_a_link_in_an_email_of_auth_signs_in_and_leads_to_the_page_that_asked(
    dev: Dev, address: Address
) -> None:
    guest = address("guest")
    page = f"{dev.app_url}/claim"
    dev.auth(f"/otp?redirect_to={page}", {"email": guest, "create_user": True})
    link = re.search(r"http\S+", dev.text(dev.mail(guest, "Auth")))
    assert link is not None
    assert link[0].startswith(f"{dev.url}/auth/v1/verify?")
    led = dev.http.get(link[0])
    assert led.status_code == 303
    place, _, fragment = led.headers["location"].partition("#")
    assert place == page
    token = httpx.QueryParams(fragment)["access_token"]
    assert dev.rest("/rpc/claim_purchases", {}, token).status_code == 200


def test_a_link_leads_to_no_other_site(dev: Dev, address: Address) -> None:
    guest = address("guest")
    dev.auth("/otp?redirect_to=https://elsewhere.example.com/", {"email": guest})
    link = re.search(r"http\S+", dev.text(dev.mail(guest, "Auth")))
    assert link is not None
    location = dev.http.get(link[0]).headers["location"]
    assert location.startswith(f"{dev.app_url}#access_token=")


def test_signing_out_everywhere_ends_what_refreshes(dev: Dev, address: Address) -> None:
    session = dev.sign_up(address("guest"))
    bearer = {"authorization": f"Bearer {token_of(session)}"}
    assert dev.auth("/logout?scope=global", {}, **bearer).status_code == 204
    again = {"refresh_token": session["refresh_token"]}
    assert dev.auth("/token?grant_type=refresh_token", again).status_code == 400


def test_without_a_key_there_is_no_answer(dev: Dev) -> None:
    assert dev.http.post("/rest/v1/rpc/claim_purchases", json={}).status_code == 401
    assert dev.http.post("/auth/v1/otp", json={}).status_code == 401


def test_a_secret_key_is_refused_from_a_browser(dev: Dev) -> None:
    headers = {"apikey": keys.SECRET}
    assert dev.http.get("/rest/v1/products", headers=headers).status_code == 200
    headers["user-agent"] = "Mozilla/5.0"
    assert dev.http.get("/rest/v1/products", headers=headers).status_code == 401


def token_of(session: Json) -> str:
    return str(session["access_token"])


def claims_of(session: Json) -> Json:
    claims: Json = jwt.decode(
        token_of(session), keys.JWT_SECRET, algorithms=["HS256"], audience="authenticated"
    )
    return claims


def owner(dev: Dev, address: str) -> str | None:
    """The account that owns what was bought with this address."""
    [row] = dev.rows(
        "select users.email from public.purchases left join auth.users on users.id = user_id"
        " where shopify_customer_email = %s",
        address,
    )
    email: str | None = row["email"]
    return email
