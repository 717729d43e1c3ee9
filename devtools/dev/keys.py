"""The keys of the local Supabase project. All of them open something on loopback, nothing else."""

from __future__ import annotations

import time
from typing import Any

import jwt

JWT_SECRET = "local-development-only-at-least-32-characters"  # noqa: S105 - as the module says
WEBHOOK_SECRET = "local-development-only"  # noqa: S105 - likewise
PUBLISHABLE = "sb_publishable_local_development"
SECRET = "sb_secret_local_development"  # noqa: S105 - likewise

_YEAR = 365 * 24 * 3600


def token(role: str, **claims: Any) -> str:
    """A JWT as Supabase signs it."""
    now = int(time.time())
    told = {"role": role, "iat": now, "exp": now + _YEAR, **claims}
    return jwt.encode(told, JWT_SECRET, algorithm="HS256")


def tokens() -> dict[str, str]:
    """Each API key with the token that it stands for. The older keys are tokens themselves."""
    anon, service = token("anon"), token("service_role")
    return {PUBLISHABLE: anon, anon: anon, SECRET: service, service: service}
