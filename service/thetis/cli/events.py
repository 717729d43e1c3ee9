"""What happened to a customer, out of all that their document tells, as dated events in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from thetis.cli.acting import DONE, MESSAGES, day, end, minute, state

Row = dict[str, Any]
Told = Iterator[tuple[str | None, str]]
"""What a row tells: when, and what."""

SOURCES = {"grant": "granted", "enrollment": "taken over from the old enrollments"}
DISPUTED = {
    None: "in a state that we do not know",
    "needs_response": "waiting for the shop's answer",
    "under_review": "waiting for the bank",
    "accepted": "accepted by the shop",
    "charge_refunded": "paid back",
}
SETTLED = {"dead": "given up", "skipped": "withdrawn"}


@dataclass(frozen=True, kw_only=True, order=True)
class Event:
    """In their order: of two of the same second, the cause before its effect."""

    at: datetime
    rank: int
    place: int
    """Purchases and messages that came about together are told in the order of their words."""
    words: str

    @property
    def when(self) -> str:
        return minute(self.at.isoformat())


def account(row: Row) -> str:
    """One line about one."""
    told = [f"created {day(row['created_at'])}"] if row["created_at"] else []
    told.append(f"confirmed {day(row['confirmed_at'])}" if row["confirmed_at"] else "not confirmed")
    if row["last_sign_in_at"]:
        told.append(f"last signed in {day(row['last_sign_in_at'])}")
    if row["is_single_sign_on"]:
        told.append("by single sign-on")
    told += [f"has proven {each['address']}" for each in row["proven_addresses"]]
    if row["deleted_at"]:
        told.append(f"deleted {day(row['deleted_at'])}")
    return f"{row['address']}: {', '.join(told)}; id {row['user_id']}"


def events(document: dict[str, Any]) -> list[Event]:
    """All that happened, in the order of time."""
    found = []
    for rank, (kind, read) in enumerate(
        (
            ("orders", _of_order),
            ("accounts", _of_account),
            ("purchases", _of_purchase),
            ("rejected", _of_rejected),
            ("acts", _of_act),
            ("messages", _of_message),
            ("acts", _of_look),
        )
    ):
        told = ((moment, words) for row in document[kind] for moment, words in read(row))
        for number, (moment, words) in enumerate(told):
            if moment and moment not in {"infinity", "-infinity"}:
                at = datetime.fromisoformat(moment).astimezone(UTC).replace(microsecond=0)
                place = 0 if kind in {"purchases", "messages"} else number
                found.append(Event(at=at, rank=rank, place=place, words=words))
    return sorted(found)


def _of_account(row: Row) -> Told:
    yield row["created_at"], f"account created with {row['address']}"
    yield row["confirmed_at"], f"address {row['address']} confirmed"
    yield row["deleted_at"], f"account of {row['address']} deleted"


def _order_name(number: str | None, order_id: str) -> str:
    return f"order #{number}" if number else f"order {order_id}"


def _of_order(row: Row) -> Told:
    name = _order_name(row["order_number"], row["shopify_order_id"])
    lines = ", ".join(_line(line, row["refunds"]) for line in row["lines"]) or "nothing of ours"
    address = f"by {row['email']}" if row["email"] else "without an address"
    test = ", a test" if row["is_test"] else ""
    made_at = row["purchased_at"] or row["first_recorded_at"]
    yield made_at, f"{name} made {address}: {lines}{test}"
    yield row["paid_as_of"], f"{name} paid"
    yield row["voided_as_of"], f"payment of {name} voided"
    yield row["refunded_as_of"], f"all money of {name} paid back"
    yield row["cancelled_at"], f"{name} cancelled"
    yield row["erased_at"], f"person of {name} forgotten"
    for dispute in row["disputes"]:
        yield dispute["first_recorded_at"], _dispute(dispute, name)
    if row["is_historic"]:
        yield row["first_recorded_at"], f"{name} heard of for the first time, too late for messages"


def _dispute(row: Row, order: str) -> str:
    kind = "chargeback" if row["is_chargeback"] else "inquiry"
    state = row["status"] or (None if row["is_chargeback"] else row["inquiry_status"])
    return f"{kind} about {order} heard of; now {DISPUTED.get(state, state)}"


def _line(line: Row, refunds: list[Row]) -> str:
    told = line["product_slug"] or "an unknown product"
    if (line["quantity"] or 1) != 1:
        told = f"{line['quantity']} {told}"
    back = sum(
        each["quantity"]
        for each in refunds
        if each["shopify_line_item_id"] == line["shopify_line_item_id"]
    )
    if back:
        return f"{told} ({back} given back)"
    return f"{told} ({line['end_status']})" if line["end_status"] else told


def _of_purchase(row: Row) -> Told:
    in_order = f"bought in {_order_name(row['order_number'], row['shopify_order_id'])}"
    source = SOURCES.get(row["source"], in_order)
    yield (
        row["purchased_at"],
        f"{row['product']} {source}; now {state(row)}{_by_proof(row)} (purchase {row['id']})",
    )


def _by_proof(row: Row) -> str:
    if row["owned_by"] != "proven_address":
        return ""
    return f", of an account that has proven {row['address']}"


def _of_message(row: Row) -> Told:
    kind = MESSAGES.get(row["kind"], row["kind"])
    address = f" to {row['address']}" if row["address"] else ""
    told = [str(SETTLED.get(row["status"], row["status"]))]
    if row["status"] == "pending":
        told = [f"due {minute(row['due_at'])}"]
    if row["delivery"] and row["delivery"] != "sent":
        told.append(row["delivery"])
    error = row["delivery_reason"] or row["last_error"]
    because = f", because: {error}" if error else ""
    yield (
        row["settled_at"] or row["enqueued_at"],
        f"{kind}{address} {', '.join(told)}{because} (message {row['id']})",
    )


LOOKS = {"show": "looked", "export": "exported what is held"}


CLAIMS = {
    "request_code": "asked for a code, to prove {address}",
    "prove_address": "proved {address} by a code",
    "remove_address": "gave up the proven {address}",
}
"""What a customer does; their account stands where an operator does."""


def _of_look(row: Row) -> Told:
    if row["action"] in LOOKS:
        yield row["occurred_at"], f"{row['operator']} {LOOKS[row['action']]}"


def _of_act(row: Row) -> Told:
    if row["action"] in LOOKS:
        return
    if row["action"] in CLAIMS:
        words = CLAIMS[row["action"]].format(address=row["email"] or "an address")
        yield row["occurred_at"], f"account {row['operator']} {words}"
        return
    match row["action"]:
        case "retry":
            words = f"had {_kind(row)} tried again"
        case "answer":
            words = "said that a request to Shopify was answered"
        case "resend":
            words = f"had {_kind(row)} sent again"
        case "forget":
            words = "had a person forgotten"
        case action:
            words = f"{DONE.get(action, action)} {_changes(row)}"
    because = f", because: {row['reason']}" if row["reason"] else ""
    erased = ", and it was erased since" if row["erased_at"] else ""
    yield row["occurred_at"], f"{row['operator']} {words}{because}{erased}"


def _kind(row: Row) -> str:
    kind = str((row["after"] or {}).get("kind", "a message"))
    return MESSAGES.get(kind, kind)


def _changes(row: Row) -> str:
    """What became of the purchases."""
    before, after = row["before"] or [], row["after"] or []
    if not isinstance(after, list):
        return "the settings"
    earlier = {each["id"]: each for each in before}
    changes = []
    for each in after:
        told = [
            f"{_shown(name, earlier[each['id']])} → {_shown(name, each)}"
            if each["id"] in earlier
            else _shown(name, each)
            for name in ("address", "status", "expires_at")
            if each["id"] not in earlier or earlier[each["id"]][name] != each[name]
        ]
        changes.append(f"{each['product']} ({', '.join(told)})" if told else each["product"])
    return ", ".join(changes) or f"purchase {row['purchase_id']}"


def _shown(name: str, purchase: Row) -> str:
    if name == "expires_at":
        return end(purchase[name])
    return str(purchase[name] or "no address")


def _of_rejected(row: Row) -> Told:
    name = f"webhook {row['topic']}"
    yield (
        row["received_at"],
        f"{name} could not be used: {row['reason']} (thetis rejected show {row['id']})",
    )
    yield row["replayed_at"], f"{name} handled after all"
