"""What a token is worth: only Supabase Auth makes them, for the user and the time that they say."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest

from tests.support import supabase_api
from tests.support.database import Database
from tests.support.shopify import COURSE, order
from tests.system.course_app.apps import Answer, App
from tests.system.course_app.conftest import People, claim_purchases, has_access, purchases

REFUSED = "PGRST301"

NOTHING = [Answer(data=False), Answer(data=0), Answer(data=[])]


@pytest.fixture
def ada(database: Database) -> str:
    database.record_orders(order(1, COURSE), order(2, COURSE, email="nobody@example.com"))
    return database.accounts.sign_up("ada@example.com")


def token(user_id: str, *, secret: str = supabase_api.JWT_SECRET, **changes: Any) -> str:
    """One of this user's, but for these claims; a claim that is None is left out."""
    now = int(time.time())
    claims = {
        "sub": user_id,
        "role": "authenticated",
        "aud": "authenticated",
        "iat": now,
        "exp": now + 3600,
        **changes,
    }
    given = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(given, secret, algorithm="HS256")


def part(content: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def answers(app: App, people: People, presented: str) -> list[Answer]:
    user = people.with_token(presented)
    return [has_access(app, user, COURSE), claim_purchases(app, user), purchases(app, user)]


def all_refused(code: str) -> list[Answer]:
    return [Answer(code=code)] * 3


def test_one_that_is_as_it_should_be_is_believed(app: App, people: People, ada: str) -> None:
    access, claimed, seen = answers(app, people, token(ada))

    assert (access, claimed) == (Answer(data=True), Answer(data=0))
    assert len(seen.data) == 1


def test_one_that_somebody_else_signed_is_refused(app: App, people: People, ada: str) -> None:
    forged = token(ada, secret="another-secret-of-thirty-two-characters")

    assert answers(app, people, forged) == all_refused(REFUSED)


def test_one_whose_user_was_exchanged_is_refused(
    app: App, people: People, database: Database, ada: str
) -> None:
    eve = database.accounts.sign_up("eve@example.com")
    head, _, signature = token(eve).split(".")
    _, claims, _ = token(ada).split(".")

    assert answers(app, people, f"{head}.{claims}.{signature}") == all_refused(REFUSED)


@pytest.mark.parametrize("signature", ["", "AAAA"])
def test_one_that_says_it_needs_no_signature_is_refused(
    app: App, people: People, ada: str, signature: str
) -> None:
    claims = {"sub": ada, "role": "authenticated"}
    unsigned = f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}.{signature}"

    assert answers(app, people, unsigned) == all_refused(REFUSED)


@pytest.mark.parametrize("presented", ["not-a-token", "a.b", "a.b.c"])
def test_what_is_no_token_is_refused(app: App, people: People, ada: str, presented: str) -> None:
    assert answers(app, people, presented) == all_refused(REFUSED)


@pytest.mark.parametrize("claim", [{"exp": -60}, {"nbf": 3600}, {"iat": 3600}], ids=str)
def test_one_that_is_over_or_has_not_begun_is_refused(
    app: App, people: People, ada: str, claim: dict[str, int]
) -> None:
    """PostgREST allows clocks to differ by half a minute."""
    at: dict[str, Any] = {name: int(time.time()) + seconds for name, seconds in claim.items()}

    assert answers(app, people, token(ada, **at)) == all_refused(REFUSED)


@pytest.mark.parametrize(
    ("role", "code"),
    [
        ("postgres", "42501"),
        ("supabase_admin", "42501"),
        ("supabase_auth_admin", "42501"),
        ("no_such_role", "22023"),
    ],
)
def test_one_for_a_role_that_the_api_does_not_have_is_refused(
    app: App, people: People, ada: str, role: str, code: str
) -> None:
    """Even if its signature is right: the role that PostgREST logs in as may become no other."""
    assert answers(app, people, token(ada, role=role)) == all_refused(code)


def test_one_without_a_role_is_nobody_signed_in(app: App, people: People, ada: str) -> None:
    assert answers(app, people, token(ada, role=None)) == all_refused("42501")


def test_one_of_role_anon_is_nobody_signed_in_whoever_it_names(
    app: App, people: People, ada: str
) -> None:
    assert answers(app, people, token(ada, role="anon")) == all_refused("42501")


def test_one_without_a_user_has_nothing(app: App, people: People, ada: str) -> None:
    assert answers(app, people, token(ada, sub=None)) == NOTHING


@pytest.mark.parametrize("user_id", ["", "ada@example.com"])
def test_one_whose_user_is_no_id_is_refused(
    app: App, people: People, ada: str, user_id: str
) -> None:
    assert answers(app, people, token(ada, sub=user_id)) == all_refused("22P02")


def test_one_that_outlives_its_account_has_nothing(
    app: App, people: People, database: Database, ada: str
) -> None:
    database.execute("delete from auth.users where id = %s", ada)

    assert answers(app, people, token(ada)) == NOTHING


def test_claims_that_a_user_chooses_decide_nothing(app: App, people: People, ada: str) -> None:
    """An address in the token proves nothing; what counts is the confirmed one of the account."""
    chosen: dict[str, Any] = {
        "email": "nobody@example.com",
        "user_metadata": {"email": "nobody@example.com", "email_verified": True},
        "app_metadata": {"role": "service_role"},
    }
    access, claimed, seen = answers(app, people, token(ada, **chosen))

    assert (access, claimed) == (Answer(data=True), Answer(data=0))
    assert [row["shopify_order_id"] for row in seen.data] == ["1"]


def test_the_audience_is_not_looked_at(app: App, people: People, ada: str) -> None:
    """Supabase gives PostgREST none to compare with; the signature and the role decide.

    https://github.com/supabase/cli/blob/develop/apps/cli-go/internal/start/start.go
    """
    access, _, seen = answers(app, people, token(ada, aud="https://elsewhere.example.com"))

    assert access == Answer(data=True)
    assert len(seen.data) == 1
