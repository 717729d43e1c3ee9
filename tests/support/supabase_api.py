"""A project's API as Supabase serves it: PostgREST behind a gateway, with keys and tokens."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from devtools import postgrest
from tests.support import gateway
from tests.support.database import Database

POSTGREST = postgrest.PROGRAM

MISSING = "PostgREST is not there: npm is not installed, or has no PostgREST for this machine"

JWT_SECRET = "a-secret-of-at-least-thirty-two-characters"


def token(role: str, **claims: Any) -> str:
    """A JWT as Supabase signs it."""
    lifetime = {"iat": int(time.time()), "exp": int(time.time()) + 3600}
    return jwt.encode({"role": role, **lifetime, **claims}, JWT_SECRET, algorithm="HS256")


@dataclass(frozen=True, kw_only=True)
class SupabaseApi:
    """Where the API is, and how to be let in."""

    url: str
    anon_key: str
    service_key: str
    """The legacy service_role key, which is a JWT."""
    publishable_key: str = "sb_publishable_made_up"
    secret_key: str = "sb_secret_made_up"

    def user_token(self, user_id: str) -> str:
        """What a signed-in user sends as `Authorization: Bearer ...`, next to an API key."""
        return token("authenticated", sub=user_id, aud="authenticated")


@contextmanager
def serving(
    database: Database, others: Mapping[str, object] | None = None
) -> Iterator[SupabaseApi]:
    """`others`: what is answered at paths beside those of PostgREST."""
    anon, service = token("anon"), token("service_role")
    keys = {
        anon: anon,
        service: service,
        SupabaseApi.publishable_key: anon,
        SupabaseApi.secret_key: service,
    }
    with _postgrest(database) as postgrest, gateway.serving(postgrest, keys, others) as url:
        yield SupabaseApi(url=url, anon_key=anon, service_key=service)


@contextmanager
def _postgrest(database: Database) -> Iterator[Path]:
    """Yields the socket of a PostgREST that has read the database's schema."""
    with tempfile.TemporaryDirectory(prefix="postgrest-") as folder:
        listening = Path(folder) / "socket"
        url = database.platform.url("authenticator", database.name)
        with postgrest.running(url, JWT_SECRET, listening):
            yield listening
