"""What everybody's clicks cost, with ten thousand purchases behind them and with ten million."""

from __future__ import annotations

import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count, cycle
from statistics import median
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from bench import database, seed_data, webhook_bodies
from bench.report import Report
from devtools.accounts import Accounts
from devtools.platform import Platform
from thetis.shopify import translate_order

FLAT = 1.5
"""What may pass for flat: each call ends with a flush to a disk that has moods."""

Times = dict[str, list[float]]

_orders = count(200_000_000)


def measure(report: Report, sizes: tuple[int, ...], *, rounds: int = 5) -> None:
    """A database of each size, asked in turn, so that a busy moment touches all of them alike."""
    times: dict[int, Times] = {size: defaultdict(list) for size in sizes}
    with ExitStack() as stack:
        places = {}
        for size in sizes:
            report.say(f"purchases: {size:,}")
            places[size] = stack.enter_context(database.postgres())
            seed_data.grow(places[size], purchases=size)
        for number in range(rounds + 1):
            for size, at in places.items():
                found = _times(at, size // seed_data.LINES, number)
                if number > 0:  # the first finds no connection, plan or page warm
                    for what, each in found.items():
                        times[size][what] += each
    _tell(report, sizes, {size: {w: median(t) for w, t in times[size].items()} for size in sizes})


def _times(at: Platform, customers: int, number: int) -> Times:
    """Of each call, in seconds."""
    chance = random.Random(number)  # noqa: S311 - the same customers each time

    def some(count: int, *, with_account: bool) -> list[int]:
        return [2 * chance.randrange(customers // 2) + with_account for _ in range(count)]

    found = _reading(at, some(300, with_account=True))
    with Accounts(at.admin_url) as accounts:
        found["sign-up, linking"] = _each(
            [number * 40 + 2 * each for each in range(20)],  # who has not signed up yet
            lambda customer: accounts.sign_up(f"past-{customer}@example.com"),
        )
        found["claim_purchases"] = _claiming(accounts, at, some(20, with_account=True))
    with psycopg.connect(at.database_url, autocommit=True, row_factory=dict_row) as service:
        found["customer_timeline"] = _each(
            some(20, with_account=True), partial(_explaining, service)
        )
        found["record_orders"] = list(_recording(service, 80))
        found["claim_notifications"] = list(_sending(service))
    return found


def _each(customers: list[int], ask: Callable[[int], object]) -> list[float]:
    return [_seconds(partial(ask, each)) for each in dict.fromkeys(customers)]


def _seconds(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started


def _reading(at: Platform, customers: list[int]) -> Times:
    """has_access and a look-up by key, each three times for a customer, as a page with three
    courses asks; by turns, so that neither finds the other's pages in memory. Prepared, as
    PostgREST does it.
    """
    times: Times = {"has_access": [], "look-up by primary key": []}
    with _as_user(at) as user:
        for customer, (what, seen) in zip(customers, cycle(times.items()), strict=False):
            claims = json.dumps({"sub": seed_data.user_id(customer), "role": "authenticated"})
            user.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
            for place, slug in enumerate(webhook_bodies.PRODUCTS, start=1):
                if what == "has_access":
                    query, value = "select public.has_access(%s)", slug
                else:
                    query = "select status from public.purchases where id = %s"
                    value = seed_data.purchase_id(customer, place)
                seen.append(_seconds(partial(_ask, user, query, value)))
    return times


def _ask(user: psycopg.Connection, query: str, value: Any) -> None:
    [(answer,)] = user.execute(query.encode(), (value,), prepare=True).fetchall()
    assert answer, "they bought it"


@contextmanager
def _as_user(at: Platform) -> Iterator[psycopg.Connection]:
    with psycopg.connect(at.url("authenticator"), autocommit=True) as user, user.transaction():
        user.execute("set local role authenticated")
        yield user


def _claiming(accounts: Accounts, at: Platform, customers: list[int]) -> list[float]:
    """Users who have an account but, for once, not yet their purchases."""
    with psycopg.connect(at.admin_url, autocommit=True) as admin:
        admin.execute(
            "update public.purchases set user_id = null where shopify_customer_email in"
            " (select 'past-' || i || '@example.com' from unnest(%s::integer[]) as i)",
            (customers,),
        )
    return _each(customers, lambda customer: accounts.claim_purchases(seed_data.user_id(customer)))


def _explaining(service: psycopg.Connection[dict[str, Any]], customer: int) -> None:
    query = "select public.customer_timeline(%s, 'bench') as told"
    [row] = service.execute(query, (f"past-{customer}@example.com",)).fetchall()
    assert row["told"]["answer"], "they bought it"


def _recording(service: psycopg.Connection[dict[str, Any]], number: int) -> Iterator[float]:
    for body in webhook_bodies.bodies(number, first=next(_orders) * 1000):
        order = Jsonb([translate_order(body)])
        yield _seconds(partial(service.execute, "select * from public.record_orders(%s)", (order,)))


def _sending(service: psycopg.Connection[dict[str, Any]]) -> Iterator[float]:
    """Claims of ten messages, as a worker makes them, until nothing is enqueued."""
    claimed: list[dict[str, Any]] = [{}]
    while claimed:
        started = time.perf_counter()
        claimed = service.execute(
            "select * from public.claim_notifications('knock', 10, 60)"
        ).fetchall()
        if claimed:
            yield time.perf_counter() - started
        results = [
            {"id": str(row["id"]), "attempt": row["attempt"], "result": "sent"} for row in claimed
        ]
        service.execute("select public.settle_notifications(%s)", (Jsonb(results),))


def _tell(report: Report, sizes: tuple[int, ...], found: dict[int, dict[str, float]]) -> None:
    small, large = found[sizes[0]], found[sizes[-1]]
    growth = f"at {sizes[-1]:,} purchases to {sizes[0]:,}"
    for what in small:
        at_most = 1.3 if what == "has_access" else FLAT
        if what != "look-up by primary key":
            report.ratio(f"{what} {growth}", large[what] / small[what], at_most=at_most)
    report.ratio(
        f"customer_timeline at {sizes[-1]:,}, in milliseconds",
        large["customer_timeline"] * 1e3,
        at_most=20.0,
    )
    report.ratio(
        f"has_access to a look-up by primary key at {sizes[-1]:,}",
        large["has_access"] / large["look-up by primary key"],
        at_most=2.0,
    )
    report.table(
        "Median time of a call, in milliseconds, by the number of purchases",
        ("Call", *(f"{size:,}" for size in sizes)),
        [(what, *(f"{found[size][what] * 1e3:.2f}" for size in sizes)) for what in small],
    )
