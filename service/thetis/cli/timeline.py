"""A customer's timeline and what an act changed, in words for people: the answer first.

What the reasons mean is decided in SQL (customer_timeline); here they only get their words.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import click

Json = dict[str, Any]

_RESEND = "thetis messages resend --order {order_number} --reason '…'"
_TRANSFER = "thetis customer transfer --purchase {purchase_id} --to ADDRESS --reason '…'"

REASONS: dict[str, tuple[str, str | None, str | None]] = {
    "has_access": ("yes", None, None),
    "not_linked": (
        "no: {address} has an account that does not have it yet",
        "Ask them to open the claim page; that links it.",
        None,
    ),
    "address_not_confirmed": (
        "no: {address} is not confirmed yet{account_since}",
        "Ask them to follow the link in the mail that they got when they signed up.",
        None,
    ),
    "no_account": (
        "no: nobody has signed up with {address} yet",
        "Ask them to sign up with that address. The mail that says so can be sent again:",
        _RESEND,
    ),
    "single_sign_on": (
        "no: the account of {address} is one of single sign-on, which gets no purchases",
        "Transfer it to an address of theirs that has a password or gets codes:",
        _TRANSFER,
    ),
    "other_account": (
        "no: the account of {owner_address} owns it",
        "If that is theirs, ask them to sign in there. Else find out who that is, and transfer it:",
        _TRANSFER,
    ),
    "account_deleted": (
        "no: the account that had it was deleted",
        "Ask them to sign up again with {address}.",
        None,
    ),
    "expired": (
        "no: it ended on {since}",
        "They can buy it again. If they should have had longer:",
        "thetis customer extend {purchase_id} --until DATE --reason '…'",
    ),
    "revoked": (
        "no: it was revoked",
        "The time line says by whom and why. To undo it:",
        "thetis customer restore {purchase_id} --reason '…'",
    ),
    "cancelled": ("no: the order was cancelled on {since}", None, None),
    "refunded": ("no: it was refunded on {since}", None, None),
    "waiting_for_payment": (
        "no: the order is not paid yet, as far as Shopify has told",
        "Look at the payment in Shopify.",
        None,
    ),
    "no_address": (
        "no: the order has no address",
        "Add the address to the order in Shopify; the purchase follows by itself. Or here:",
        "thetis customer transfer --order {order_number} --to ADDRESS --reason '…'",
    ),
    "erased": ("no: this person was forgotten", None, None),
    "product_unknown": (
        "no: this product is not in the catalogue",
        "If it is a course, the developer adds it and lets Shopify send the order again:",
        "thetis products unmapped",
    ),
}
"""For each reason: the answer, the next step, and a command for it."""


def show(told: Json) -> None:
    """The answer, purchases and accounts, the time line and what else may have been meant."""
    if told["found_by"] is None:
        _echo(f"Nothing is known of {told['query'].strip() or 'nobody'}.", bold=True)
    else:
        _show_found(told)
    near = told["near_misses"]
    for query in (*near["addresses"], *(f"#{number}" for number in near["orders"])):
        _echo(f"Did you mean: thetis customer show '{query}'")


def _show_found(told: Json) -> None:
    if told["addresses"]:
        _echo(f"About {', '.join(told['addresses'])}", bold=True)
    for answer in told["answer"]:
        _show_answer(answer)
    if not told["answer"]:
        _echo("  no product was bought or granted")
    _list("Purchases", [_of_purchase(each) for each in told["purchases"]])
    _list("Accounts", [_of_account(each) for each in told["accounts"]])
    _echo("Time line", bold=True)
    for moment, words in sorted(_events(told), key=lambda event: event[0][:19]):
        _wrap(f"  {moment[:19].replace('T', ' ')}  {words}", indent=23)


def _list(title: str, lines: list[str]) -> None:
    if lines:
        _echo(title, bold=True)
    for line in lines:
        _echo(f"  {line}")


def show_act(answer: Json) -> None:
    """What changed, or would."""
    would = "would be " if answer["dry_run"] else ""
    if answer["outcome"] == "unchanged":
        _echo("nothing to do: it is so already")
        return
    before = {each["id"]: each for each in answer["before"]}
    for each in answer["after"]:
        order = f" of order #{each['order_number']}" if each["order_number"] else ""
        _echo(f"{each['product']}{order}  {each['id']}")
        old = before.get(each["id"])
        for name, words in (("address", _text), ("user_id", _text), ("status", _text)):
            _change(name.replace("user_id", "account"), old and old[name], each[name], words)
        _change("ends", old and (old["expires_at"] or "never"), each["expires_at"] or "never", _day)
    for each in answer["messages"]:
        to = f" to {each['address']}" if each["address"] else ""
        _echo(f"{each['kind']}{to} {would}{each['change']}")
    if answer["dry_run"]:
        _echo("nothing was changed: this was a dry run")


def _change(name: str, old: str | None, new: str | None, words: Any) -> None:
    if old is None or old == new:
        _echo(f"  {name}: {words(new)}")
    else:
        _echo(f"  {name}: {words(old)} → {words(new)}")


def _text(value: str | None) -> str:
    return value or "nobody"


def _day(value: str | None) -> str:
    return (value or "never")[:10] if value != "never" else "never"


def _show_answer(answer: Json) -> None:
    verdict, step, command = REASONS[answer["reason"]]
    values = {key: value or "?" for key, value in answer.items()}
    values["since"] = _day(answer["since"])
    values["account_since"] = f"; they signed up on {values['since']}" if answer["since"] else ""
    values["order_number"] = answer["order_number"] or "NUMBER"
    text = verdict.format(**values)
    if answer["has_access"]:
        text += f", until {_day(answer['until'])}" if answer["until"] else ", for ever"
        text += f", in the account of {answer['owner_address']}" if answer["owner_address"] else ""
    order = f", order #{answer['order_number']}" if answer["order_number"] else ""
    color = "green" if answer["has_access"] else "red"
    _wrap(f"  {_style(answer['product'], bold=True)}{order}: {_style(text, fg=color)}", indent=4)
    if step:
        _wrap(f"    {step.format(**values)}", indent=4)
    if command:
        _echo(f"      {command.format(**values)}")


def _of_purchase(purchase: Json) -> str:
    name = f"#{purchase['order_number']}" if purchase["order_number"] else purchase["source"]
    ends = f"until {_day(purchase['expires_at'])}" if purchase["expires_at"] else "for ever"
    reason = purchase["reason"].replace("_", " ")
    return f"{purchase['id']}  {purchase['product']}  {name}  {reason}, {ends}"


def _of_account(account: Json) -> str:
    if account["deleted_at"]:
        state = f"deleted on {_day(account['deleted_at'])}"
    elif account["is_single_sign_on"]:
        state = "single sign-on"
    elif account["confirmed_at"]:
        state = f"confirmed on {_day(account['confirmed_at'])}"
    else:
        state = "not confirmed"
    return f"{account['address']}  {state}  {account['user_id']}"


def _events(told: Json) -> Iterator[tuple[str, str]]:
    """A time and words, in no order."""
    numbers = {
        order["shopify_order_id"]: f"order #{order['order_number']}"
        if order["order_number"]
        else f"order {order['shopify_order_id']}"
        for order in told["orders"]
    }
    for events in (
        _account_events(told["accounts"]),
        _order_events(told["orders"], numbers),
        _message_events(told["messages"], numbers),
        _act_events(told["acts"]),
        (
            (
                each["received_at"],
                f"webhook {each['topic']} rejected as number {each['id']}: {each['reason']}",
            )
            for each in told["rejected"]
        ),
    ):
        yield from ((moment, words) for moment, words in events if moment)


def _account_events(accounts: list[Json]) -> Iterator[tuple[str | None, str]]:
    for each in accounts:
        yield each["created_at"], f"{each['address']} signed up"
        yield each["confirmed_at"], f"{each['address']} confirmed"
        yield each["deleted_at"], f"account {each['user_id']} deleted"


def _order_events(orders: list[Json], numbers: dict[str, str]) -> Iterator[tuple[str | None, str]]:
    for each in orders:
        name = numbers[each["shopify_order_id"]]
        products = ", ".join(sorted({line["product_slug"] or "?" for line in each["lines"]}))
        test = " (a test order)" if each["is_test"] else ""
        yield each["purchased_at"], f"{name} bought{test}: {products or 'nothing of ours'}"
        yield each["first_recorded_at"], f"{name} first heard of"
        if each["paid_as_of"] != "-infinity":
            yield each["paid_as_of"], f"{name} paid"
        yield each["voided_as_of"], f"{name}: payment voided"
        yield each["cancelled_at"], f"{name} cancelled"
        yield each["refunded_as_of"], f"{name} refunded"
        yield each["erased_at"], f"{name}: customer forgotten"


def _message_events(
    messages: list[Json], numbers: dict[str, str]
) -> Iterator[tuple[str | None, str]]:
    for each in messages:
        name = f"{each['kind']} of {numbers.get(each['shopify_order_id'], 'no order')}"
        to = f" to {each['address']}" if each["address"] else ""
        state = each["delivery"] or each["status"]
        why = each["delivery_reason"] or each["last_error"]
        again = f", sent again: {each['resend_reason']}" if each["resend_reason"] else ""
        words = f"{name}{to}: {state}{f' ({why})' if why else ''}{again}"
        yield each["settled_at"] or each["due_at"], words


def _act_events(acts: list[Json]) -> Iterator[tuple[str | None, str]]:
    for each in acts:
        if each["action"] == "show":
            continue  # who looked is in --json
        reason = f": {each['reason']}" if each["reason"] else ""
        yield each["occurred_at"], f"{each['operator']} did {each['action']}{reason}"


def _is_terminal() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _style(text: str, **style: Any) -> str:
    return click.style(text, **style) if _is_terminal() else text


def _echo(text: str, **style: Any) -> None:
    click.echo(_style(text, **style) if style else text)


def _wrap(text: str, *, indent: int) -> None:
    """As wide as the terminal; whole in a pipe."""
    if sys.stdout.isatty():
        width = max(shutil.get_terminal_size().columns, 40)
        text = textwrap.fill(
            text,
            width,
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
            drop_whitespace=True,
            replace_whitespace=False,
        )
    click.echo(text)
