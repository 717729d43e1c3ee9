"""The fake of a project's API, which other tests take for Supabase's."""

from __future__ import annotations

import uuid

import httpx
import pytest

from tests.support.database import Database
from tests.support.supabase_api import SupabaseApi

USER = str(uuid.uuid4())


@pytest.fixture(autouse=True)
def _whoami(database: Database) -> None:
    """A function that says who calls it; it is there before PostgREST reads the schema."""
    database.execute(
        "create function public.whoami() returns text language sql as"
        " $$ select current_user || ' ' || coalesce(auth.uid()::text, 'nobody') $$"
    )
    database.execute(
        "grant execute on function public.whoami() to anon, authenticated, service_role"
    )


def whoami(api: SupabaseApi, **headers: str) -> httpx.Response:
    return httpx.post(f"{api.url}/rest/v1/rpc/whoami", json={}, headers=headers)


@pytest.mark.parametrize("key", ["anon_key", "publishable_key"])
def test_the_public_keys_are_anon(supabase_api: SupabaseApi, key: str) -> None:
    assert whoami(supabase_api, apikey=getattr(supabase_api, key)).json() == "anon nobody"


@pytest.mark.parametrize("key", ["service_key", "secret_key"])
def test_the_secret_keys_are_service_role(supabase_api: SupabaseApi, key: str) -> None:
    assert whoami(supabase_api, apikey=getattr(supabase_api, key)).json() == "service_role nobody"


def test_a_users_token_beside_a_key_is_that_user(supabase_api: SupabaseApi) -> None:
    answer = whoami(
        supabase_api,
        apikey=supabase_api.publishable_key,
        Authorization=f"Bearer {supabase_api.user_token(USER)}",
    )

    assert answer.json() == f"authenticated {USER}"


def test_a_new_key_sent_as_a_bearer_token_too_is_tolerated(supabase_api: SupabaseApi) -> None:
    key = supabase_api.secret_key

    answer = whoami(supabase_api, apikey=key, Authorization=f"Bearer {key}")

    assert answer.json() == "service_role nobody"


def test_a_token_signed_by_somebody_else_is_refused(supabase_api: SupabaseApi) -> None:
    forged = supabase_api.user_token(USER)[:-4] + "AAAA"

    answer = whoami(supabase_api, apikey=supabase_api.anon_key, Authorization=f"Bearer {forged}")

    assert (answer.status_code, answer.json()["code"]) == (401, "PGRST301")


@pytest.mark.parametrize(
    ("headers", "message"),
    [({}, "No API key found in request"), ({"apikey": "made up"}, "Invalid API key")],
)
def test_without_a_key_nobody_gets_in(
    supabase_api: SupabaseApi, headers: dict[str, str], message: str
) -> None:
    answer = whoami(supabase_api, **headers)

    assert (answer.status_code, answer.json()["message"]) == (401, message)


def test_only_schema_public_is_exposed(supabase_api: SupabaseApi) -> None:
    answer = httpx.get(
        f"{supabase_api.url}/rest/v1/orders",
        headers={"apikey": supabase_api.secret_key, "Accept-Profile": "thetis"},
    )

    assert (answer.status_code, answer.json()["code"]) == (406, "PGRST106")
