"""Accounts on the local platform: what Supabase Auth would write, and what a user may then do."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, LiteralString, Self

import psycopg
from psycopg.rows import dict_row

Connection = psycopg.Connection[dict[str, Any]]


INSTANCE_ID = str(uuid.UUID(int=0))
"""Of every account that Auth makes, and of no other that it lets sign in."""


class Accounts:
    """Acts as Supabase Auth, and as the users, through one superuser connection."""

    def __init__(self, admin_url: str) -> None:
        self._admin: Connection = psycopg.connect(admin_url, autocommit=True, row_factory=dict_row)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._admin.close()

    def sign_up(self, email: str, *, confirmed: bool = True) -> str:
        """The new user's id. As Supabase Auth does it: first unconfirmed, then confirmed."""
        user_id = str(uuid.uuid4())
        with self._as("supabase_auth_admin") as auth:
            auth.execute(
                "insert into auth.users (instance_id, id, aud, role, email, created_at)"
                " values (%s, %s, %s, %s, %s, now())",
                (INSTANCE_ID, user_id, "authenticated", "authenticated", email.lower()),
            )
            if confirmed:
                self._confirm(auth, user_id)
        return user_id

    def confirm(self, user_id: str) -> None:
        """The user follows the link in the confirmation email."""
        with self._as("supabase_auth_admin") as auth:
            self._confirm(auth, user_id)

    def _confirm(self, auth: Connection, user_id: str) -> None:
        auth.execute("update auth.users set email_confirmed_at = now() where id = %s", (user_id,))

    def change_email(self, user_id: str, email: str) -> None:
        """The user has followed the links that Auth sent to the old and the new address."""
        with self._as("supabase_auth_admin") as auth:
            self._move(auth, user_id, email)

    def unlink_identity(self, user_id: str, email: str) -> None:
        """The account falls back to the address of another identity, which nobody has proven."""
        with self._as("supabase_auth_admin") as auth:
            self._move(auth, user_id, email)
            auth.execute(
                "update auth.users set email_confirmed_at = null where id = %s", (user_id,)
            )

    def _move(self, auth: Connection, user_id: str, email: str) -> None:
        values = (email.lower(), user_id)
        auth.execute("update auth.users set email = %s where id = %s", values)

    def delete(self, user_id: str) -> None:
        with self._as("supabase_auth_admin") as auth:
            auth.execute("delete from auth.users where id = %s", (user_id,))

    def soft_delete(self, user_id: str, *, is_seen: bool = True) -> None:
        """Marked as deleted, and the address replaced; the confirmation stays, as Auth leaves it.

        With `is_seen` false our trigger misses it, as one does that gives up waiting for a lock.
        """
        mark = (
            "update auth.users set deleted_at = now(), email = md5(id::text) || '@deleted.invalid'"
            " where id = %s"
        )
        if is_seen:
            with self._as("supabase_auth_admin") as auth:
                auth.execute(mark, (user_id,))
            return
        with self._admin.transaction():
            self._admin.execute("set local session_replication_role = replica")
            self._admin.execute(mark, (user_id,))

    def has_access(self, user_id: str, slug: str) -> bool:
        [row] = self._ask(user_id, "select public.has_access(%s)", slug)
        return bool(row["has_access"])

    def claim_purchases(self, user_id: str) -> int:
        [row] = self._ask(user_id, "select public.claim_purchases()")
        return int(row["claim_purchases"])

    def purchases(self, user_id: str) -> list[dict[str, Any]]:
        """What the user sees of the table."""
        return self._ask(user_id, "select * from public.purchases order by created_at")

    def _ask(self, user_id: str, query: LiteralString, *values: Any) -> list[dict[str, Any]]:
        with self.as_user(user_id) as user:
            return user.execute(query, values).fetchall()

    @contextmanager
    def as_user(self, user_id: str, **claims: Any) -> Iterator[Connection]:
        """A transaction as PostgREST opens it for a signed-in user, whose token says this too."""
        with self._as("authenticated") as user:
            token = json.dumps({"sub": user_id, "role": "authenticated", **claims})
            user.execute("select set_config('request.jwt.claims', %s, true)", (token,))
            yield user

    @contextmanager
    def _as(self, role: LiteralString) -> Iterator[Connection]:
        with self._admin.transaction():
            self._admin.execute(
                psycopg.sql.SQL("set local role {}").format(psycopg.sql.Identifier(role))
            )
            yield self._admin
