"""Why a customer has access or not, and what to do, in words. The reasons are those of the SQL
functions explain_purchases and explain_missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from thetis.cli.acting import day, end

WORDS = {
    "has_access": "yes, {until}",
    "other_account": "no: it belongs to the account of {owner}",
    "not_linked": "no: the account of {address} is confirmed, but does not have it yet",
    "address_not_confirmed": "no: who signed up with {address} has not confirmed the address yet",
    "single_sign_on": "no: the only account with {address} is one of single sign-on, which gets"
    " nothing",
    "no_account": "no: nobody has signed up with {address} yet",
    "account_deleted": "no: the account that had it was deleted on {since}",
    "expired": "no: its time was over on {since}",
    "charged_back": "no: its payment was charged back, as we heard on {since}, and that is not won",
    "revoked": "no: an operator took it away on {since}",
    "cancelled": "no: it was cancelled on {since}",
    "refunded": "no: it was paid back on {since}",
    "waiting_for_payment": "no: it was ordered on {since}, and is not paid for yet",
    "no_address": "no: its order has no email address",
    "erased": "no: whose it was is forgotten, as they had asked",
    "product_unknown": "no: it is not in the catalogue",
}

_TRANSFER = "thetis customer transfer --purchase {purchase} --to {asked} --reason …"
_GRANT = "thetis customer grant {slug} {recipient} --reason …"

STEPS = {
    "other_account": (
        ("They sign in with {owner}. Or, if that account is not theirs:", _TRANSFER),
    ),
    "not_linked": (
        ("They open the claim page while they are signed in: that gives it to them.", ""),
    ),
    "address_not_confirmed": (
        (
            "They follow the link in the confirmation email; signing up again sends another.",
            "",
        ),
    ),
    "single_sign_on": (
        ("They sign up with a password and {address}, and confirm it.", ""),
        ("Or give it to another address of theirs:", _TRANSFER),
    ),
    "no_account": (
        ("They sign up in the course app with {address}, and confirm it.", ""),
        (
            "To send the email again that says so:",
            "thetis messages resend --order {announced} --reason …",
        ),
        ("If that is not their address, or is misspelt:", _TRANSFER),
    ),
    "account_deleted": (
        ("They sign up again with {address}, and confirm it.", ""),
        ("Or give it to another address of theirs:", _TRANSFER),
    ),
    "expired": (
        (
            "They buy it again, or you let it end later:",
            "thetis customer extend {purchase} --until DATE --reason …",
        ),
    ),
    "charged_back": (
        ("Look at the dispute in Shopify. If it is won, access comes back by itself.", ""),
        ("If they are to have it all the same:", _GRANT),
    ),
    "revoked": (
        (
            "Who did it, and why, is below. To undo it:",
            "thetis customer restore {purchase} --reason …",
        ),
    ),
    "cancelled": (("If they are to have it all the same:", _GRANT),),
    "refunded": (("If they are to have it all the same:", _GRANT),),
    "waiting_for_payment": (("Look at the payment in Shopify. Access comes by itself.", ""),),
    "no_address": (
        ("Add the address to the order in Shopify: access comes by itself.", ""),
        ("Or say it here:", "thetis customer transfer --order {order} --to {asked} --reason …"),
    ),
    "erased": (("If they prove that they paid for it:", _GRANT),),
    "product_unknown": (
        (
            "If it should be, a developer adds it, and lets Shopify send the order again.",
            "",
        ),
    ),
}
"""For each reason what to do next, and the command for it. Who acts says why, in place of the …"""


@dataclass(frozen=True, kw_only=True)
class Step:
    words: str
    command: tuple[str, ...]
    """Its words; empty if there is no command for it."""


def why(answer: dict[str, Any]) -> str:
    """Whether there is access to one product of the answer, and why."""
    return WORDS.get(answer["reason"], "no: {reason}").format_map(_fields(answer, "", ""))


def next_steps(
    answer: dict[str, Any], *, order_id: str, is_announced: bool, asked: str
) -> Iterator[Step]:
    """What a "no" leads to. `asked` is the address of the customer who is meant, and `is_announced`
    says whether there ever was a course email of the order.
    """
    fields = _fields(answer, order_id, asked)
    fields["announced"] = fields["order"] if is_announced else ""
    for words, template in STEPS.get(answer["reason"], ()):
        command = tuple(word.format_map(fields) for word in template.split())
        if all(command):  # without an order there is nothing to resend
            yield Step(words=words.format_map(fields), command=command)


def _fields(answer: dict[str, Any], order_id: str, asked: str) -> dict[str, str]:
    address, owner = answer["address"], answer["owner_address"]
    return {
        "slug": answer["product"],
        "reason": answer["reason"],
        "since": day(answer["since"]) if answer["since"] else "a day that nobody knows",
        "until": end(answer["until"]),
        "address": address or "the address",
        "recipient": address or asked or "ADDRESS",
        "owner": owner or "somebody else",
        "purchase": answer["purchase_id"] or "",
        "order": answer["order_number"] or order_id,
        "asked": "ADDRESS" if asked in {"", address, owner} else asked,
    }
