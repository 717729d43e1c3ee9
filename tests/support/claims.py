"""A signed-in user who proves another address, and the mailbox where the code arrives."""

from __future__ import annotations

from typing import LiteralString

from tests.support.database import Database, Row

ASK: LiteralString = "select * from public.request_claim_code(%s)"
REDEEM: LiteralString = "select * from public.redeem_claim_code(%s)"
REMOVE: LiteralString = "select public.remove_proven_address(%s) as removed"
NOTED = {"outcome": "noted", "address": None, "linked": 0, "owned_elsewhere": 0}
REFUSED = {"outcome": "refused", "address": None, "linked": 0, "owned_elsewhere": 0}


def request_code(database: Database, user_id: str, email: str) -> Row:
    with database.accounts.as_user(user_id) as user:
        [row] = user.execute(ASK, [email]).fetchall()
    return row


def redeem(database: Database, user_id: str, code: str | None) -> Row:
    """What a code comes to: the first call may only note it."""
    answer = note(database, user_id, code)
    return note(database, user_id, code) if answer["outcome"] == "noted" else answer


def note(database: Database, user_id: str, code: str | None) -> Row:
    """Calls once."""
    with database.accounts.as_user(user_id) as user:
        [row] = user.execute(REDEEM, [code]).fetchall()
    return row


def proven(database: Database, user_id: str) -> dict[str, int]:
    """The user's proven addresses, and how many purchases they have by each."""
    with database.accounts.as_user(user_id) as user:
        rows = user.execute("select * from public.list_proven_addresses()").fetchall()
    return {row["address"]: row["purchases"] for row in rows}


def remove(database: Database, user_id: str, email: str) -> int:
    with database.accounts.as_user(user_id) as user:
        [row] = user.execute(REMOVE, [email]).fetchall()
    return int(row["removed"])


def written_code(database: Database, email: str) -> str:
    """The code of the message that waits for this address."""
    return str(
        database.value(
            "select payload ->> 'code' from thetis.notifications"
            " where kind = 'claim_code' and status = 'pending' and email = %s",
            email.strip().lower(),
        )
    )


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def prove(database: Database, user_id: str, email: str) -> Row:
    """Asks for a code and types it in; what was asked for before is long ago."""
    codes_were_asked_for(database, hours_ago=48)
    request_code(database, user_id, email)
    return redeem(database, user_id, written_code(database, email))


def codes_were_asked_for(database: Database, *, hours_ago: float) -> None:
    """As if all codes that there are had been asked for so much earlier."""
    database.execute(
        "update thetis.claim_codes set"
        " requested_at = requested_at - make_interval(secs => %s),"
        " valid_until = valid_until - make_interval(secs => %s)",
        hours_ago * 3600,
        hours_ago * 3600,
    )
