"""Deliberate faults, each of which the suite must catch: `make mutants`.

Each is one change to a copy of the checkout, in which tests/system/histories (or the folder named)
is then run. They are about

- what Shopify says: payment, ends, refunds, deleted products, times, addresses
- linking: case, confirmation, the deferred trigger, owners that must stay
- messages: twice, without a reason, never, too early, withdrawn or not
- the translation in Python, what concurrent webhooks share, and what is told to whom
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Mutant:
    """`old` stands exactly once in the file and becomes `new`."""

    fault: str
    file: str
    old: str
    new: str
    tests: str = "tests/system/histories"


def _sql(fault: str, chapter: str, old: str, new: str, **others: str) -> Mutant:
    [path] = (ROOT / "supabase" / "migrations").glob(f"*_{chapter}.sql")
    return Mutant(fault, str(path.relative_to(ROOT)), old, new, **others)


MUTANTS = (
    _sql(
        "grants what is only pending",
        "shopify_shapes",
        "in ('paid', 'partially_refunded', 'refunded')",
        "in ('paid', 'partially_refunded', 'refunded', 'pending')",
    ),
    _sql(
        "forgets a payment when an older event comes later",
        "record_orders",
        "is_granted = known.is_granted or excluded.is_granted",
        "is_granted = excluded.is_granted",
    ),
    _sql(
        "takes away what was paid after an earlier payment was voided",
        "purchases_from_facts",
        "when known.voided_as_of >= coalesce(known.paid_as_of, '-infinity')",
        "when known.voided_as_of is not null",
    ),
    _sql(
        "lets the last event decide instead of the furthest",
        "record_orders",
        "ended = greatest(known.ended, excluded.ended)\n",
        "ended = excluded.ended\n",
    ),
    _sql(
        "takes a line away when its product was deleted",
        "record_orders",
        "product_slug = coalesce(known.product_slug, excluded.product_slug)",
        "product_slug = excluded.product_slug",
    ),
    _sql(
        "does not remember lines without a product",
        "shopify_shapes",
        "or line.entry ->> 'product_id' is null",
        "or false",
    ),
    _sql(
        "takes any refund of a line for a refund of all of it",
        "purchases_from_facts",
        ") >= line.quantity then",
        ") >= 1 then",
    ),
    _sql(
        "counts only the latest refund of a line",
        "purchases_from_facts",
        "select sum(refund.quantity)",
        "select max(refund.quantity)",
    ),
    _sql(
        "forgets refunds that come before their order",
        "record_refunds",
        "v_news := thetis.hear_refunds(v_usable);",
        "v_news := (select thetis.hear_refunds(v_usable)"
        " where v_order_ids[1] = any((thetis.judge_orders(v_order_ids)).tracked));",
    ),
    _sql(
        "overlooks a cancellation",
        "shopify_shapes",
        "then 'cancelled'::thetis.purchase_status",
        "then null::thetis.purchase_status",
    ),
    _sql(
        "compares addresses with their case",
        "schema",
        "nullif(lower(btrim(p_email, E' \\t\\r\\n')), '')",
        "nullif(btrim(p_email, E' \\t\\r\\n'), '')",
    ),
    _sql(
        "links only when the account is made, not when a purchase follows",
        "purchases_from_facts",
        "select thetis.confirmed_user_id(known.email)\n",
        "select null::uuid\n",
    ),
    _sql(
        "links an account when it is made, before it is confirmed",
        "linking",
        "after insert or update of email, email_confirmed_at, deleted_at on auth.users",
        "after insert on auth.users",
    ),
    _sql(
        "owes the messages again at every event",
        "messages",
        "(notifications.status = 'pending' and notifications.attempts = 0)\n",
        "true\n",
    ),
    _sql(
        "cancels the run while something is still theirs",
        "messages",
        "where kept.shopify_order_id = started.shopify_order_id and kept.status = 'active'",
        "where false",
    ),
    _sql(
        "never cancels a run",
        "messages",
        "        perform thetis.owe_cancellations(v_revised);\n",
        "",
    ),
    _sql(
        "does not withdraw a message that lost its reason",
        "messages",
        "        perform thetis.revise_messages(v_revised);\n",
        "",
    ),
    _sql(
        "compares times strictly, so that of two in one second the first to come stands",
        "record_orders",
        "or (excluded.email_as_of, excluded.email) > (known.email_as_of, known.email)",
        "or excluded.email_as_of > known.email_as_of",
    ),
    _sql(
        "lets the last address to come stand",
        "record_orders",
        "order by address.email is null asc, address.as_of desc, address.email desc\n"
        "            limit 1",
        "order by address.email is null asc limit 1 offset 1",
    ),
    _sql(
        "links before the transaction ends, in which Auth takes the confirmation away",
        "linking",
        "deferrable initially deferred\n",
        "",
    ),
    _sql(
        "gives purchases to an address that nobody has proven",
        "linking",
        "            and users.email_confirmed_at is not null\n",
        "",
    ),
    _sql(
        "does not link when an address changes",
        "linking",
        "after insert or update of email, email_confirmed_at, deleted_at on auth.users",
        "after insert or update of email_confirmed_at, deleted_at on auth.users",
        tests="tests/database/linking",
    ),
    _sql(
        "takes purchases from their owner when an account proves their address",
        "linking",
        "where shopify_customer_email = v_email and user_id is null;",
        "where shopify_customer_email = v_email;",
    ),
    _sql(
        "takes purchases from their owner when the shop corrects the address",
        "purchases_from_facts",
        "user_id = coalesce(stored.user_id, excluded.user_id)",
        "user_id = coalesce(excluded.user_id, stored.user_id)",
        tests="tests/database/record_orders",
    ),
    _sql(
        "cancels a run before Knock would notice",
        "messages",
        "interval '6 seconds'",
        "interval '0 seconds'",
        tests="tests/database/outbox",
    ),
    _sql(
        "does not owe again what was tried in vain and withdrawn",
        "messages",
        "notifications.status = 'skipped'\n            and not exists",
        "notifications.status = 'skipped' and notifications.attempts = 0\n"
        "            and not exists",
        tests="tests/database/outbox",
    ),
    _sql(
        "does not withdraw a cancellation when something is theirs again",
        "messages",
        "        and waiting.kind = 'knock.cancel'\n",
        "        and false\n",
        tests="tests/database/outbox",
    ),
    Mutant(
        "does not read what is left of a line",
        "service/thetis/shopify.py",
        "    current_quantity: Quantity | None = None\n",
        "",
        tests="tests/service/shopify",
    ),
    Mutant(
        "does not read that an order was cancelled",
        "service/thetis/shopify.py",
        "    cancelled_at: Instant | None = None\n",
        "",
        tests="tests/service/shopify",
    ),
    Mutant(
        "does not read the refunds inside an order",
        "service/thetis/shopify.py",
        "    refunds: Annotated[list[OrderRefund], FailFast(), AfterValidator(_distinct)] = []\n",
        "",
        tests="tests/service/shopify",
    ),
    Mutant(
        "does not read how many of a line were given back",
        "service/thetis/shopify.py",
        "    line_item_id: Id\n    quantity: Quantity\n",
        "    line_item_id: Id\n    quantity: int = Field(1, alias='number')\n",
        tests="tests/service/shopify",
    ),
    Mutant(
        "gives the results of a shared call to the wrong webhooks",
        "service/thetis/batching.py",
        "zip(group, results, strict=False)",
        "zip(group, results[::-1], strict=False)",
        tests="tests/service/batching",
    ),
    Mutant(
        "hands over only the first of those that wait, and answers all",
        "service/thetis/batching.py",
        "results = await self._call([item for item, _ in group])",
        "results = list(await self._call([group[0][0]])) * len(group)",
    ),
    Mutant(
        "answers 200 when the database does not answer",
        "service/thetis/webhook_route.py",
        'return _refusal(WebhookOutcome.UNAVAILABLE, "the database does not answer", LATER)',
        "return _Answer(_done(WebhookOutcome.RECORDED), WebhookOutcome.RECORDED)",
        tests="tests/system/chaos",
    ),
    Mutant(
        "tells Knock another idempotency key at each attempt",
        "service/thetis/providers/knock.py",
        '                cancellation_key=payload["cancellation_key"],\n'
        "                idempotency_key=notification.id,",
        '                cancellation_key=payload["cancellation_key"],\n'
        '                idempotency_key=f"{notification.id}-{notification.attempt}",',
        tests="tests/system/chaos",
    ),
    Mutant(
        "leases for a day what a killed process had claimed",
        "service/thetis/worker.py",
        "lease_seconds=self._lease_seconds\n",
        "lease_seconds=86400\n",
        tests="tests/system/chaos",
    ),
    _sql(
        "touches rows that did not change",
        "purchases_from_facts",
        "            (stored.user_id is null and excluded.user_id is not null)\n",
        "            true\n",
    ),
)


def is_caught(mutant: Mutant) -> bool:
    """Whether the tests fail in a copy with this fault: the quick ones, or else the long ones."""
    with tempfile.TemporaryDirectory(prefix="thetis-mutant-") as folder:
        Path(folder).chmod(0o755)
        copy = Path(folder) / "checkout"
        leave = shutil.ignore_patterns(".venv", ".git", "node_modules", "__pycache__", ".*_cache")
        shutil.copytree(ROOT, copy, ignore=leave)
        path = copy / mutant.file
        path.write_text(path.read_text().replace(mutant.old, mutant.new))
        if mutant.tests != Mutant.tests:
            return _fails(copy, mutant.tests)
        options = ["-k", "pg16 and not deliberate", "--hypothesis-profile=unshrunk"]
        return any(_fails(copy, mutant.tests, *options, seconds=long) for long in (0, 60, 60))


def _fails(copy: Path, *arguments: str, seconds: int = 0) -> bool:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-qx", "-p", "no:xdist", "--timeout=900", *arguments],
        cwd=copy,
        env={**os.environ, "SOAK_SECONDS": str(seconds)},
        capture_output=True,
        text=True,
        check=False,
    )
    passed, failed = 0, 1
    if done.returncode not in {passed, failed}:
        sys.exit(done.stdout + done.stderr)
    return done.returncode == failed


def main() -> None:
    chosen = [mutant for mutant in MUTANTS if all(word in mutant.fault for word in sys.argv[1:])]
    for tests in sorted({mutant.tests for mutant in chosen}):
        if is_caught(Mutant("nothing", "README.md", "", "", tests)):
            sys.exit(f"{tests} fails without any fault, so that it fails with one proves nothing")
    survivors = []
    for mutant in chosen:
        caught = is_caught(mutant)
        print(f"{'caught  ' if caught else 'SURVIVED'}  {mutant.fault}", flush=True)
        if not caught:
            survivors.append(mutant.fault)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} caught")
    sys.exit(bool(survivors))


if __name__ == "__main__":
    main()
