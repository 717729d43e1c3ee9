"""Deliberate faults, each of which the suite must catch: `make mutants`.

Each is one change to a copy of the checkout, in which tests/system/histories (or the folder named)
is then run. They are about

- what Shopify says: payment, ends, refunds, disputes, deleted products, times, addresses
- linking: case, confirmation, the deferred trigger, owners that must stay
- what operators decide: who may, what outranks what, and the ends that follow from it
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
    chapters = (ROOT / "supabase" / "migrations").glob("*.sql")
    [path] = [each for each in chapters if each.stem.partition("_")[2] == chapter]
    return Mutant(fault, str(path.relative_to(ROOT)), old, new, **others)


MUTANTS = (
    _sql(
        "gives two exported lines to one that Shopify tells",
        "exported_orders",
        "                        and stored.shopify_line_item_id = told.shopify_line_item_id\n",
        "                        and stored.shopify_line_item_id = told.shopify_line_item_id\n"
        "                        and false\n",
        tests="tests/database/exported_orders",
    ),
    _sql(
        "adds to an order what Shopify has told of it already",
        "exported_orders",
        "                    and known.product_slug = told.slug\n            )\n",
        "                    and known.product_slug = told.slug\n                    and false\n"
        "            )\n",
        tests="tests/database/exported_orders",
    ),
    _sql(
        "counts a page of a sync twice",
        "order_syncs",
        "where mine.id = v_sync.id and mine.pages < record_order_page.page;",
        "where mine.id = v_sync.id;",
        tests="tests/database/order_syncs",
    ),
    _sql(
        "lets two runs of a sync be at work",
        "order_syncs",
        "if v_running.leased_until > now() and v_running.holder",
        "if v_running.leased_until < now() and v_running.holder",
        tests="tests/database/order_syncs",
    ),
    _sql(
        "leaves out of a reconcile what Shopify told late",
        "order_syncs",
        "max(past.through) - interval '1 hour'",
        "max(past.through)",
        tests="tests/database/order_syncs",
    ),
    _sql(
        "grants what is only pending",
        "read_shopify",
        "told.financial_status = 'paid'\n",
        "told.financial_status in ('paid', 'pending')\n",
    ),
    _sql(
        "grants although something is outstanding",
        "read_shopify",
        "and coalesce(told.total_outstanding, 0) <= 0\n",
        "",
    ),
    _sql(
        "forgets a payment when an older event comes later",
        "record_orders",
        "paid_as_of = least(existing.paid_as_of, excluded.paid_as_of),\n            end_status",
        "paid_as_of = excluded.paid_as_of,\n            end_status",
    ),
    _sql(
        "ends what was paid for after all was paid back",
        "refresh_purchases",
        "orders.refunded_as_of >= line.paid_as_of",
        "orders.refunded_as_of is not null",
    ),
    _sql(
        "takes away what was paid after an earlier payment was voided",
        "refresh_purchases",
        "when orders.voided_as_of > coalesce(orders.paid_as_of, '-infinity')",
        "when orders.voided_as_of is not null",
    ),
    _sql(
        "takes away what was paid in the second in which a payment was voided",
        "refresh_purchases",
        "when orders.voided_as_of > coalesce(orders.paid_as_of, '-infinity')",
        "when orders.voided_as_of >= coalesce(orders.paid_as_of, '-infinity')",
    ),
    _sql(
        "lets the last event decide instead of the furthest",
        "record_orders",
        "end_status = greatest(existing.end_status, excluded.end_status)\n        where",
        "end_status = excluded.end_status\n        where",
    ),
    _sql(
        "takes a line away when its product was deleted",
        "record_orders",
        "product_slug = coalesce(existing.product_slug, excluded.product_slug)",
        "product_slug = excluded.product_slug",
    ),
    _sql(
        "does not remember lines without a product",
        "read_shopify",
        "or line.product_id is null\n",
        "or false\n",
    ),
    _sql(
        "takes any refund of a line for a refund of all of it",
        "refresh_purchases",
        ") >= line.quantity\n",
        ") >= 1\n",
    ),
    _sql(
        "counts only the latest refund of a line",
        "refresh_purchases",
        "select sum(refund.quantity)",
        "select max(refund.quantity)",
    ),
    _sql(
        "takes an inquiry for a chargeback",
        "disputes",
        "coalesce(is_chargeback and status < 'prevented', false)",
        "coalesce(status < 'prevented', false)",
    ),
    _sql(
        "lets the last word about a chargeback decide instead of the furthest",
        "record_disputes",
        "            status = greatest(existing.status, excluded.status),\n",
        "            status = excluded.status,\n",
    ),
    _sql(
        "does not give back what a chargeback ended when it is won",
        "chargebacks",
        "            and existing.status = 'cancelled'\n",
        "            and false\n",
    ),
    _sql(
        "gives back what was revoked when a chargeback is won",
        "chargebacks",
        "where override.purchase_id = existing.id and override.is_revoked",
        "where override.purchase_id = existing.id and false",
        tests="tests/database/operators",
    ),
    _sql(
        "forgets refunds that come before their order",
        "record_refunds",
        "v_news := thetis.merge_refunds(v_incoming);",
        "v_news := (select thetis.merge_refunds(v_incoming) where exists ("
        " select from thetis.order_lines as line where line.shopify_order_id = v_order_ids[1]));",
    ),
    _sql(
        "overlooks a cancellation",
        "read_shopify",
        "when told.cancelled_at is not null then 'cancelled'",
        "when false then 'cancelled'",
    ),
    _sql(
        "compares addresses with their case",
        "schema",
        "nullif(lower(btrim(p_email, E' \\t\\r\\n')), '')",
        "nullif(btrim(p_email, E' \\t\\r\\n'), '')",
    ),
    _sql(
        "links only when the account is made, not when a purchase follows",
        "refresh_purchases",
        "select thetis.owner_of(orders.holder_email)\n",
        "select null::uuid\n",
    ),
    _sql(
        "does not find an account that is stored in mixed case",
        "linking",
        "and lower(imported.email) = p_email",
        "and imported.email = p_email",
        tests="tests/database/linking",
    ),
    _sql(
        "does not give what is bought later to who has proven its address",
        "linking",
        "        v_user_id := thetis.prover_of(p_email);\n",
        "        v_user_id := null;\n",
        tests="tests/database/claim_codes",
    ),
    _sql(
        "lets who has proven an address come before who signs in with it",
        "linking",
        "    v_user_id uuid := thetis.confirmed_user_id(p_email);\nbegin\n"
        "    if v_user_id is null then\n        v_user_id := thetis.prover_of(p_email);\n",
        "    v_user_id uuid := thetis.prover_of(p_email);\nbegin\n"
        "    if v_user_id is null then\n        v_user_id := thetis.confirmed_user_id(p_email);\n",
        tests="tests/database/claim_codes",
    ),
    _sql(
        "does not count wrong guesses",
        "claim_by_code",
        "attempts = tried.attempts + 1",
        "attempts = tried.attempts",
        tests="tests/database/claim_codes",
    ),
    _sql(
        "answers a guess in the call that notes it",
        "claim_by_code",
        " and v_sent.guessed_in <> pg_current_xact_id()",
        "",
        tests="tests/database/claim_codes",
    ),
    _sql(
        "takes a code that is over",
        "claim_by_code",
        "        and live.valid_until > now()\n",
        "",
        tests="tests/database/claim_codes",
    ),
    _sql(
        "writes to strangers whose address somebody typed",
        "claim_codes",
        "            and thetis.is_known_address(code.email)\n",
        "",
        tests="tests/database/claim_codes",
    ),
    _sql(
        "links an account when it is made, before it is confirmed",
        "linking",
        "after insert or update of email, email_confirmed_at, deleted_at on auth.users",
        "after insert on auth.users",
    ),
    _sql(
        "announces the same at every event",
        "compose_messages",
        "                    where named.shopify_order_id = any(p_order_ids)\n",
        "                    where false\n",
    ),
    _sql(
        "never announces what is added",
        "compose_messages",
        "(live.shopify_order_id, kind.kind, live.email, live.id) in (\n"
        "                    select named.shopify_order_id, named.kind, named.email,"
        " named.purchase_id\n",
        "(live.shopify_order_id, kind.kind, live.email) in (\n"
        "                    select named.shopify_order_id, named.kind, named.email\n",
    ),
    _sql(
        "never enqueues the course email",
        "compose_messages",
        "and (kind.kind = 'post_purchase' or live.category = 'course')\n",
        "and kind.kind = 'post_purchase'\n",
    ),
    _sql(
        "tells nobody at a corrected address what another address was told",
        "compose_messages",
        "(live.shopify_order_id, kind.kind, live.email, live.id) in (\n"
        "                    select named.shopify_order_id, named.kind, named.email,"
        " named.purchase_id\n",
        "(live.shopify_order_id, kind.kind, live.id) in (\n"
        "                    select named.shopify_order_id, named.kind, named.purchase_id\n",
    ),
    _sql(
        "tries again at the address before a correction",
        "enqueue_notifications",
        "where live.id = any(message.purchase_ids) and live.email = message.email\n",
        "where live.id = any(message.purchase_ids)\n",
        tests="tests/database/outbox",
    ),
    _sql(
        "lets the run at the old address go on",
        "compose_messages",
        "    on named.purchase_id = live.id and message.email = live.email\n",
        "    on named.purchase_id = live.id\n",
    ),
    _sql(
        "gives what comes after a cancellation the run that was cancelled",
        "compose_messages",
        "                    select max(begun.run) + 1 from",
        "                    select max(begun.run) from",
        tests="tests/database/outbox",
    ),
    _sql(
        "cancels the run while something is still theirs",
        "enqueue_notifications",
        "            bool_or(named.is_live) as is_live\n",
        "            bool_and(named.is_live) as is_live\n",
    ),
    _sql(
        "does not withdraw what was tried and lost its reason",
        "enqueue_notifications",
        "        perform thetis.refresh_tried_messages(p_order_ids);\n",
        "        null;\n",
        tests="tests/database/outbox",
    ),
    _sql(
        "does not withdraw what was not tried and lost its reason",
        "enqueue_notifications",
        "        perform thetis.withdraw_untried_messages(p_order_ids);\n",
        "        null;\n",
    ),
    _sql(
        "never tells a run what went back",
        "enqueue_notifications",
        "        perform thetis.refresh_updates(p_order_ids);\n",
        "        null;\n",
    ),
    _sql(
        "lets an older word about what went back overtake a newer",
        "enqueue_notifications",
        "                (wanted.is_news and waiting.attempts > 0)\n",
        "                false\n",
        tests="tests/database/outbox",
    ),
    _sql(
        "does not enqueue again what was tried in vain and withdrawn",
        "enqueue_notifications",
        "                    and message.uncertain_since is not null\n"
        "                    and not message.is_stripped\n",
        "                    and false\n",
        tests="tests/database/outbox",
    ),
    _sql(
        "does not withdraw a cancellation when something is theirs again",
        "enqueue_notifications",
        "            and runs.is_live\n",
        "            and false\n",
        tests="tests/database/outbox",
    ),
    _sql(
        "takes an order for historic by when its first product of ours came",
        "record_orders",
        "        v_incoming.orders, v_tracked, least(record_orders.received_at, now())\n",
        "        array(select each from unnest(v_incoming.orders) as each"
        " where each.shopify_order_id = any(v_order_ids)),"
        " v_tracked, least(record_orders.received_at, now())\n",
        tests="tests/database/outbox",
    ),
    _sql(
        "counts a replay from when it is replayed",
        "record_orders",
        "least(record_orders.received_at, now())",
        "now()",
        tests="tests/database/outbox",
    ),
    _sql(
        "never cancels a run",
        "enqueue_notifications",
        "        perform thetis.refresh_cancellations(p_order_ids);\n",
        "        null;\n",
    ),
    _sql(
        "compares times strictly, so that of two in one second the first to come stands",
        "record_orders",
        "and (excluded.email_as_of, excluded.email) > (existing.email_as_of, existing.email)",
        "and excluded.email_as_of > existing.email_as_of",
    ),
    _sql(
        "lets the last address to come stand",
        "record_orders",
        "            when\n"
        "                excluded.email is not null\n"
        "                and (\n"
        "                    existing.email is null\n"
        "                    or (excluded.email_as_of, excluded.email)\n"
        "                    > (existing.email_as_of, existing.email)\n"
        "                )\n"
        "                then excluded.email\n",
        "            when excluded.email is not null then excluded.email\n",
    ),
    _sql(
        "keeps the address of an order that holds nothing of ours",
        "record_orders",
        "(where incoming.email is not null and incoming.shopify_order_id = any(p_tracked))",
        "(where incoming.email is not null)",
        tests="tests/database/record_orders",
    ),
    _sql(
        "brings the address of an erased order back",
        "record_orders",
        "            when existing.erased_at is not null then null\n",
        "",
        tests="tests/database/record_orders",
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
        "                        and exact.email_confirmed_at is not null\n",
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
        "where shopify_customer_email = any(v_emails) and user_id is null;",
        "where shopify_customer_email = any(v_emails);",
    ),
    _sql(
        "leaves a purchase to an account that was deleted unseen",
        "linking",
        "users.id = p_user_id and users.deleted_at is not null",
        "users.id = p_user_id and false",
    ),
    _sql(
        "gives access to an account that is marked as deleted",
        "access",
        "            and users.deleted_at is null\n",
        "",
        tests="tests/database/has_access",
    ),
    _sql(
        "takes purchases from their owner when the shop corrects the address",
        "refresh_purchases",
        "case when found.is_free then found.owner_id else existing.user_id end",
        "coalesce(found.owner_id, existing.user_id)",
        tests="tests/database/record_orders",
    ),
    _sql(
        "shows the corrected address to whoever owns the purchase",
        "refresh_purchases",
        "when found.is_free then found.email else",
        "when true then found.email else",
    ),
    _sql(
        "keeps an old enrollment without a line item when its order ends",
        "refresh_purchases",
        "            || thetis.end_purchases_without_line(p_order_ids);\n",
        "            || null;\n",
        tests="tests/database/enrollments",
    ),
    _sql(
        "cancels a run before Knock would notice",
        "enqueue_notifications",
        "interval '6 seconds'",
        "interval '0 seconds'",
        tests="tests/database/outbox",
    ),
    _sql(
        "hands out what was to be given up when there is too much of it",
        "notifications",
        "waiting.uncertain_since < now() - thetis.repeatable_for(waiting.kind)\n",
        "false\n",
        tests="tests/database/outbox/test_claiming.py",
    ),
    _sql(
        "deletes the webhook of somebody else who only named the forgotten",
        "privacy",
        "and orders.email <> p_email\n            )\n        )\n",
        "and orders.email <> p_email\n            )\n        )\n        or true\n",
        tests="tests/database/privacy/test_webhooks_of_somebody_else.py",
    ),
    _sql(
        "starts the clock of 23 hours with a refusal",
        "notifications",
        "when result.is_refused and settled.uncertain_since = settled.claimed_at then null",
        "when false then null",
        tests="tests/database/outbox",
    ),
    _sql(
        "lets pg_temp supply the types of a function that runs as its owner",
        "linking",
        "security definer\nset search_path = pg_catalog, pg_temp\nas $$\nbegin\n    return thetis.",
        "security definer\nset search_path = ''\nas $$\nbegin\n    return thetis.",
        tests="tests/database/privileges",
    ),
    _sql(
        "lets what Shopify tells undo a transfer of one purchase",
        "refresh_purchases",
        "coalesce(override.transferred_to, derived.shopify_customer_email) as email",
        "derived.shopify_customer_email as email",
    ),
    _sql(
        "gives what was transferred to the account of the order's address",
        "refresh_purchases",
        "when override.transferred_to is null then owner.user_id",
        "when true then owner.user_id",
        tests="tests/database/operators",
    ),
    _sql(
        "lets the address that Shopify tells undo a transfer of an order",
        "order_facts",
        "coalesce(transferred_to, email)",
        "coalesce(email, transferred_to)",
    ),
    _sql(
        "brings back what was revoked when a refund is outgrown",
        "refresh_purchases",
        "        case when p_is_revoked then 'cancelled'::thetis.purchase_status end,\n",
        "",
        tests="tests/database/operators",
    ),
    _sql(
        "returns what was transferred to the order's address when its owner's account goes",
        "linking",
        "            where override.purchase_id = new.id\n",
        "            where false\n",
        tests="tests/database/operators",
    ),
    _sql(
        "leaves the ends of the old owner's purchases as they are at a transfer",
        "transfers",
        "            perform thetis.refresh_expiry(\n"
        "                array[v_purchase.user_id], array[v_purchase.shopify_customer_email]\n"
        "            );\n",
        "",
        tests="tests/database/operators",
    ),
    _sql(
        "leaves the ends of the old owner's purchases as they are when an order is transferred",
        "transfers",
        "            perform thetis.refresh_expiry(v_owner_ids, v_emails);\n",
        "",
        tests="tests/database/concurrency",
    ),
    _sql(
        "lets what was given put off the end of what was bought",
        "grants_and_extensions",
        "            v_act := thetis.conclude_act(\n                v_operator, 'grant'",
        "            insert into thetis.access_periods values (grant_access.grant_id, '30 days');\n"
        "            v_act := thetis.conclude_act(\n                v_operator, 'grant'",
    ),
    _sql(
        "counts a period from the purchase although it was bought again early",
        "expiry",
        "greatest(v_each.purchased_at, v_end) + v_each.period",
        "v_each.purchased_at + v_each.period",
    ),
    _sql(
        "begins a period after one that was taken away",
        "expiry",
        "            and stored.status in ('active', 'expired')\n",
        "",
    ),
    _sql(
        "leaves the ends as they are when an account gets its purchases",
        "linking",
        "        perform thetis.refresh_expiry(array[p_user_id], v_emails);\n",
        "        null;\n",
        tests="tests/database/operators",
    ),
    _sql(
        "forgets an extension at the next event",
        "expiry",
        "            v_each.extended_to, greatest(",
        "            null, greatest(",
    ),
    _sql(
        "gives access after its end",
        "access",
        "            and (purchases.expires_at is null or purchases.expires_at > now())\n",
        "",
        tests="tests/database/operators",
    ),
    _sql(
        "takes a user's own metadata for a role of the shop's staff",
        "operators",
        "p_claims #>> '{app_metadata,role}' = 'support'\n",
        "coalesce(p_claims #>> '{app_metadata,role}', p_claims #>> '{user_metadata,role}')"
        " = 'support'\n",
        tests="tests/database/operators",
    ),
    _sql(
        "lets who may only look act",
        "operators",
        "'support_viewer' and not p_is_write",
        "'support_viewer' and true",
        tests="tests/database/operators",
    ),
    _sql(
        "lets staff act whose account is marked as deleted",
        "operators",
        " and users.deleted_at is null\n",
        "\n",
        tests="tests/database/operators",
    ),
    _sql(
        "lets staff act without their second factor",
        "operators",
        "(v_claims ->> 'aal') is distinct from 'aal2'",
        "(v_claims ->> 'aal') is distinct from 'aal2' and false",
        tests="tests/database/operators",
    ),
    _sql(
        "believes staff who say they are somebody else",
        "operators",
        "    return v_user_id;\n",
        "    return coalesce(p_name, v_user_id);\n",
        tests="tests/database/operators",
    ),
    _sql(
        "locks an address of the order only when it refreshes it",
        "access_by_hand",
        "        where stored.shopify_order_id = p_order_id\n    );\n    perform thetis.lock_",
        "        where false\n    );\n    perform thetis.lock_",
        tests="tests/database/concurrency",
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
        "await call(notification.payload, notification.id)",
        'await call(notification.payload, f"{notification.id}-{notification.attempt}")',
        tests="tests/system/chaos",
    ),
    Mutant(
        "takes text that the API answers for an answer that is not JSON",
        "service/thetis/transports.py",
        "        response.json()\n",
        "        if isinstance(response.json(), str):\n            raise ValueError\n",
        tests="tests/service/transports",
    ),
    Mutant(
        "counts as sent whatever Knock answers to a cancellation",
        "service/thetis/providers/knock.py",
        "            idempotency_key=key,\n        )\n        if answer.status_code != 204:\n",
        "            idempotency_key=key,\n        )\n        if answer.status_code > 599:\n",
        tests="tests/service/providers",
    ),
    Mutant(
        "is ready although functions are missing",
        "service/thetis/readiness.py",
        "return _lacks(schema.missing) if schema.missing else None",
        "return None",
        tests="tests/service/http",
    ),
    Mutant(
        "leases for a day what a killed process had claimed",
        "service/thetis/worker.py",
        "lease_seconds=self._lease_seconds\n",
        "lease_seconds=86400\n",
        tests="tests/system/chaos",
    ),
    _sql(
        "counts a test order among the real ones",
        "notifications",
        "            and pending.status = 'pending'\n            and not pending.is_test\n",
        "            and pending.status = 'pending'\n",
        tests="tests/database/record_orders",
    ),
    _sql(
        "touches rows that did not change",
        "refresh_purchases",
        "                found.was <> found.status\n",
        "                true\n",
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
