"""The "soft" deletion of an account: Supabase Auth keeps the row, without its address."""

from __future__ import annotations

from typing import LiteralString

from tests.support.database import Database

MARK: LiteralString = "update auth.users set email = md5(email), deleted_at = now() where id = %s"


def mark_as_deleted(database: Database, user_id: str) -> None:
    with database.connect("supabase_auth_admin") as auth:
        auth.execute(MARK, [user_id])


def mark_as_deleted_unseen(database: Database, user_id: str) -> None:
    """As when the trigger gave up, because it waited too long for a lock."""
    with database.connect("supabase_admin") as admin, admin.transaction():
        admin.execute("set local session_replication_role = replica")
        admin.execute(MARK, [user_id])
