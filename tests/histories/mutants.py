"""Deliberate faults, each of which the histories must catch: `make mutants`.

Each is one change to a copy of the checkout, in which tests/histories is then run on Postgres 16.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """`old` stands exactly once in the file and becomes `new`."""

    fault: str
    file: str
    old: str
    new: str


def _sql(fault: str, chapter: str, old: str, new: str) -> Mutant:
    [path] = (ROOT / "supabase" / "migrations").glob(f"*_{chapter}.sql")
    return Mutant(fault, str(path.relative_to(ROOT)), old, new)


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
        "v_news := private.hear_refunds(v_usable);",
        "v_news := (select private.hear_refunds(v_usable)"
        " where v_order_ids[1] = any((private.judge_orders(v_order_ids)).tracked));",
    ),
    _sql(
        "overlooks a cancellation",
        "shopify_shapes",
        "then 'cancelled'::private.purchase_status",
        "then null::private.purchase_status",
    ),
    _sql(
        "compares addresses with their case",
        "private_schema",
        "nullif(lower(btrim(p_email, E' \\t\\r\\n')), '')",
        "nullif(btrim(p_email, E' \\t\\r\\n'), '')",
    ),
    _sql(
        "links only when the account is made, not when a purchase follows",
        "purchases_from_facts",
        "private.confirmed_user_id(known.email) as user_id",
        "null::uuid as user_id",
    ),
    _sql(
        "links an account when it is made, before it is confirmed",
        "linking",
        "after insert or update of email, email_confirmed_at on auth.users",
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
        "        perform private.owe_cancellations(v_revised);\n",
        "",
    ),
    _sql(
        "does not withdraw a message that lost its reason",
        "messages",
        "        perform private.revise_messages(v_revised);\n",
        "",
    ),
    _sql(
        "touches rows that did not change",
        "purchases_from_facts",
        "            (stored.user_id is null and excluded.user_id is not null)\n",
        "            true\n",
    ),
)


def is_caught(mutant: Mutant) -> bool:
    """Whether tests/histories fails in a copy with this fault."""
    with tempfile.TemporaryDirectory(prefix="thetis-mutant-") as folder:
        Path(folder).chmod(0o755)
        copy = Path(folder) / "checkout"
        leave = shutil.ignore_patterns(".venv", ".git", "node_modules", "__pycache__", ".*_cache")
        shutil.copytree(ROOT, copy, ignore=leave)
        path = copy / mutant.file
        path.write_text(path.read_text().replace(mutant.old, mutant.new))
        command = [sys.executable, "-m", "pytest", "-q", "-x", "tests/histories", "-k", "pg16"]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
        failed = 1
        if done.returncode not in {0, failed}:
            sys.exit(done.stdout + done.stderr)
        return done.returncode == failed


def main() -> None:
    survivors = []
    for mutant in MUTANTS:
        caught = is_caught(mutant)
        print(f"{'caught  ' if caught else 'SURVIVED'}  {mutant.fault}", flush=True)
        if not caught:
            survivors.append(mutant.fault)
    print(f"{len(MUTANTS) - len(survivors)} of {len(MUTANTS)} caught")
    sys.exit(bool(survivors))


if __name__ == "__main__":
    main()
