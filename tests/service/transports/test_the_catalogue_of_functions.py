"""Every function that service_role may execute is called here, over both transports, until it has
given every kind of answer that it can give. The list comes from the catalogue, so a new function
fails this test until it is called here too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString
from uuid import uuid4

import pytest

from tests.service.transports.conftest import TransportCase
from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, SPLINT, dispute, order, refund
from thetis.calls import CALLS
from thetis.database import Database as Client
from thetis.disputes import Disputes
from thetis.errors import DatabaseRefused, DatabaseUnavailable
from thetis.installation import Installation
from thetis.model import SCHEMA_VERSION, Backlog, Settlement, WebhookOutcome
from thetis.operators import Operators
from thetis.syncs import LEASE_SECONDS, OrderSyncs
from thetis.transports import Row, Transport

Answers = set[tuple[str, str]]

CALLERS = (Client, Operators, Disputes, OrderSyncs, Installation)

KINDS = {
    "rows": {"rows", "nothing"},
    "void": {"nothing"},
    "text": {"str", "NoneType"},
    "integer": {"int"},
    "bigint": {"int"},
    "boolean": {"True", "False"},
    "jsonb": {"dict", "NoneType"},
}
"""The kinds of answers, by what a function returns."""

ALWAYS_ROWS = {"check_schema", "notification_backlog", "resend_notification", "undelivered_emails"}

NEVER_NULL = {
    "begin_order_sync",
    "check_installation",
    "customer_timeline",
    "export_customer",
    "extend_purchase",
    "forget_customer",
    "grant_access",
    "prune",
    "record_privacy_request",
    "restore_purchase",
    "revoke_purchase",
    "transfer_order",
    "transfer_purchase",
}


class _Recording:
    """A transport that remembers the kinds of answers it brought."""

    def __init__(self, transport: Transport, answers: Answers) -> None:
        self._transport = transport
        self._answers = answers
        self.open, self.close = transport.open, transport.close

    async def call(self, function: LiteralString, arguments: dict[str, Any]) -> list[Row]:
        rows = await self._transport.call(function, arguments)
        self._answers.add((function, _kind(function, rows)))
        return rows


def _kind(function: str, rows: Sequence[Row]) -> str:
    if not rows:
        return "nothing"
    if rows[0].keys() != {function}:
        return "rows"
    value = rows[0][function]
    return str(value) if isinstance(value, bool) else type(value).__name__


def _expected(database: Database) -> Answers:
    return {
        (name, kind)
        for name, returned, _ in _functions(database)
        for kind in KINDS[returned]
        - ({"nothing"} if name in ALWAYS_ROWS else set())
        - ({"NoneType"} if name in NEVER_NULL else set())
    }


def _functions(database: Database) -> list[tuple[str, str, tuple[str, ...]]]:
    """The name, what it returns, and the names of the arguments of each."""
    rows = database.rows(
        """
        select
            function.proname as name,
            case when function.proretset then 'rows' else function.prorettype::regtype::text end
            as returned,
            coalesce(function.proargnames[1:function.pronargs], '{}') as arguments
        from pg_proc as function
        where
            function.pronamespace = 'public'::regnamespace
            and has_function_privilege('service_role', function.oid, 'execute')
        """
    )
    return [(row["name"], row["returned"], tuple(row["arguments"])) for row in rows]


def test_each_function_gives_every_kind_of_answer_that_it_can(
    way: TransportCase, database: Database
) -> None:
    answers: Answers = set()

    async def ask_everything() -> None:
        client = Client(_Recording(way.transport(), answers), timeout=4)
        await client.open()
        try:
            await _orders_and_refunds(client)
            await _disputes(Disputes(client))
            await _syncs(client)
            await _rejected_webhooks(client)
            await _notifications(client)
            await _messages(client, Operators(client, "sue"))
            await _operators(Operators(client, "sue"), database)
            await _privacy(client, Operators(client, "sue"))
            await _catalogue(client)
            await _schema(client)
            database.execute("truncate public.products cascade")
            assert await client.list_products() == []
        finally:
            await client.close()

    asyncio.run(ask_everything())

    assert answers == _expected(database)


async def _orders_and_refunds(client: Client) -> None:
    assert await client.record_orders([]) == await client.record_refunds([]) == []
    [recorded] = await client.record_orders([order(1, COURSE, SPLINT)])
    assert recorded.outcome is WebhookOutcome.RECORDED
    [refunded] = await client.record_refunds([refund(7, 1, splint=1)])
    assert refunded.outcome is WebhookOutcome.RECORDED


async def _disputes(disputes: Disputes) -> None:
    assert await disputes.record_disputes([]) == []
    [recorded] = await disputes.record_disputes([dispute(8, 99)])
    assert recorded.outcome is WebhookOutcome.RECORDED
    assert await disputes.honor_disputes("ignore", max_count=10) == 0
    assert await disputes.honor_disputes("honor", max_count=10) == 0


async def _syncs(client: Client) -> None:
    mine, others = (OrderSyncs(client, holder=name) for name in ("one", "two"))
    assert await mine.reconcile_status() is None
    sync = await mine.begin_order_sync("reconcile", None, None)
    assert (sync.state, sync.until - sync.since) == ("begun", timedelta(days=3))
    busy = await others.begin_order_sync("reconcile", None, None)
    assert (busy.state, busy.id) == ("busy", sync.id) and 0 < busy.leased_seconds <= LEASE_SECONDS

    await mine.give_back(sync, 1)
    resumed = await others.begin_order_sync("reconcile", None, None)
    assert (resumed.state, resumed.pages) == ("resumed", 1)
    page = await others.record_order_page(
        resumed,
        2,
        [order(1, COURSE, SPLINT)],
        unreadable=[{"order_id": "9", "reason": "a fault"}],
        reached=datetime(2026, 11, 20, tzinfo=UTC),
        is_last=True,
    )
    assert [each.outcome for each in page] == [WebhookOutcome.UNCHANGED]
    with pytest.raises(DatabaseRefused, match="another run has taken over"):
        await mine.give_back(sync, 3)
    status = await mine.reconcile_status()
    assert status is not None and (status.missed, status.lag_seconds < 60) == (0, True)
    [kept] = await client.list_rejected_webhooks(include_replayed=False)
    await client.mark_webhook_replayed(kept.id)

    assert await mine.preview_orders([]) == []
    [preview] = await mine.preview_orders([order(1, COURSE, SPLINT)])
    assert preview.outcome is WebhookOutcome.UNCHANGED
    assert await mine.record_exported_orders([], dry_run=False) == []
    exported = {"id": "77", "created_at": "2026-01-01T00:00:00Z", "lines": []}
    [ignored] = await mine.record_exported_orders([exported], dry_run=True)
    assert (ignored.outcome, ignored.shopify_order_id) == (WebhookOutcome.IGNORED, "77")


async def _rejected_webhooks(client: Client) -> None:
    assert await client.list_rejected_webhooks(include_replayed=False) == []
    assert await client.get_rejected_webhook(99) is None
    body = b'{"id": "\xff\x00'
    kept_as = await client.store_rejected_webhook(
        topic="orders/paid", webhook_id=None, body=body, reason='"'
    )
    [listed] = await client.list_rejected_webhooks(include_replayed=False)
    assert (listed.id, listed.reason, listed.body) == (kept_as, '"', None)
    kept = await client.get_rejected_webhook(kept_as)
    assert kept is not None and (kept.body, kept.topic) == (body, "orders/paid")
    await client.mark_webhook_replayed(kept_as)
    assert await client.list_rejected_webhooks(include_replayed=False) == []


async def _notifications(client: Client) -> None:
    assert {type(each) for each in await client.notification_backlog()} == {Backlog}
    assert await client.count_address_conflicts() == 0
    lease: dict[str, int] = {"max_count": 10, "lease_seconds": 60}
    [claimed] = await client.claim_notifications(provider="resend", **lease)
    assert await client.claim_notifications(provider="resend", **lease) == []
    await client.settle_notifications([])
    await client.settle_notifications([Settlement(id=claimed.id, attempt=1, result="sent")])


async def _messages(client: Client, operators: Operators) -> None:
    assert await client.record_deliveries([]) == []
    told = {"state": "bounced", "occurred_at": "2026-11-20T10:00:00Z", "notification_id": None}
    assert await client.record_deliveries([told]) == [WebhookOutcome.IGNORED]
    assert set(await client.undelivered_emails()) == {
        "failed",
        "suppressed",
        "bounced",
        "complained",
    }
    assert await client.list_notifications(order=None, state="dead") == []
    listed = await client.list_notifications(order="1", state=None)
    [email] = [each for each in listed if each.kind == "course_access"]
    stored = await client.get_notification(email.id)
    assert stored is not None and stored["payload"]["email"] == email.email
    assert await client.get_notification(str(uuid4())) is None
    assert await operators.retry_notifications([], reason=None, dry_run=False) == []
    [retried] = await operators.retry_notifications([email.id], reason="it is late", dry_run=True)
    assert (retried.id, retried.outcome, retried.refusal) == (email.id, "refused", "it was sent")


async def _operators(operators: Operators, database: Database) -> None:
    told = await operators.customer_timeline("1")
    course, _ = sorted(told["purchases"], key=lambda each: each["product"], reverse=True)
    assert (told["found_by"], course["product"]) == ("order", COURSE)
    again: dict[str, Any] = {"order": "1", "kind": "course_access", "reason": "it is lost"}
    [resent] = await operators.resend_notification(**again, dry_run=False)
    assert (resent.outcome, resent.email) == ("enqueued", "ada@example.com")
    [resent] = await operators.resend_notification(**again, dry_run=False)
    assert (resent.outcome, resent.id) == ("refused", None)

    why: dict[str, Any] = {"reason": "she asked", "dry_run": False}
    is_hers: dict[str, Any] = {**why, "expected_address": "ada@example.com"}
    given: dict[str, Any] = {**why, "slug": PREMIUM, "recipient": "eve@example.com"}
    grant_id, until = str(uuid4()), "2100-01-01T23:59:59+00:00"
    act = await operators.grant_access(**given, until=until, grant_id=grant_id)
    assert (act.outcome, act.before, act.after[0]["id"]) == ("done", [], grant_id)
    assert act.after[0]["expires_at"] == until
    act = await operators.grant_access(**given, until=until, grant_id=grant_id)
    assert act.outcome == "unchanged"
    act = await operators.extend_purchase(grant_id, **why, expected_address=None, until="infinity")
    assert (act.before[0]["expires_at"], act.after[0]["expires_at"]) == (until, None)

    act = await operators.revoke_purchase(course["id"], **is_hers)
    assert (act.before[0]["status"], act.after[0]["status"]) == ("active", "cancelled")
    assert {each["change"] for each in act.messages} == {"withdrawn"}
    act = await operators.restore_purchase(course["id"], **is_hers)
    assert act.after[0]["status"] == "active"
    act = await operators.transfer_purchase(course["id"], **is_hers, address="grace@example.com")
    assert act.after[0]["address"] == "grace@example.com"
    act = await operators.transfer_order("#1", **is_hers, address="lin@example.com")
    assert {each["address"] for each in act.after} == {"lin@example.com"}
    await operators.require_second_factor(is_required=False, reason="nobody has one yet")
    assert not database.value("select needs_second_factor from thetis.staff_rules")
    assert database.value("select count(distinct operator) from thetis.audit_log") == 1


async def _privacy(client: Client, operators: Operators) -> None:
    assert await operators.list_privacy_requests(include_answered=True) == []
    asked = {"topic": "customers/data_request", "email": "lin@example.com", "shop": "a"}
    assert await client.record_privacy_request(asked) is WebhookOutcome.RECORDED
    assert await client.record_privacy_request(asked) is WebhookOutcome.UNCHANGED
    [request] = await operators.list_privacy_requests(include_answered=False)
    assert (request.email, request.shopify_order_ids) == ("lin@example.com", [])
    told = await operators.export_customer("lin@example.com")
    assert told["address"] == "lin@example.com"
    assert await client.count_privacy_requests() == 1
    await operators.mark_privacy_request_answered(request.id)
    assert await client.count_privacy_requests() == 0
    assert await operators.list_privacy_requests(include_answered=False) == []
    answer = await operators.forget_customer("lin@example.com", reason="asked", dry_run=True)
    assert (answer["outcome"], answer["dry_run"]) == ("done", True)
    assert await client.expire_purchases(max_count=10) == 0
    assert sum((await client.prune(older_than="1 year", max_count=10)).values()) == 0


async def _catalogue(client: Client) -> None:
    assert await client.list_unmapped_products() == []
    sold = {**order(3, COURSE), "line_items": [{"id": 5, "product_id": 4242, "quantity": 1}]}
    await client.record_orders([sold])
    [unmapped] = await client.list_unmapped_products()
    assert (unmapped.shopify_product_id, unmapped.order_count) == ("4242", 1)
    brace: dict[str, Any] = {"slug": "brace", "name": "Brace", "category": "device"}
    await client.add_product(**brace, shopify_product_id="77", access_period=None)
    assert await client.remove_shopify_product("77") == "brace"
    assert await client.remove_shopify_product("77") is None
    assert await client.remove_product("brace") is True
    assert await client.remove_product("brace") is False
    assert "brace" not in {each.slug for each in await client.list_products()}


async def _schema(client: Client) -> None:
    status = await client.check_schema()
    assert (status.version, status.missing) == (SCHEMA_VERSION, [])
    installation = Installation(client)
    await installation.note_webhook("orders/paid", "w1")
    found = await installation.check_installation()
    assert found.webhooks["orders/paid"].webhook_id == "w1"
    assert (found.open_functions, found.open_tables, found.is_linking) == ([], [], True)


def test_what_the_client_may_call_is_what_the_database_lets_the_service_call(
    database: Database,
) -> None:
    assert {name: set(arguments) for name, _, arguments in _functions(database)} == {
        name: set(arguments) for name, arguments in CALLS.items()
    }


def test_each_function_that_is_called_has_a_method_of_its_name() -> None:
    assert all(
        [callable(getattr(kind, name, None)) for kind in CALLERS].count(True) == 1 for name in CALLS
    )


def test_a_function_that_is_gone_or_has_other_arguments_is_missing(
    way: TransportCase, database: Database
) -> None:
    database.execute("drop function public.mark_webhook_replayed(bigint)")
    database.execute("revoke execute on function public.list_products() from service_role")
    database.execute("drop function public.remove_product(text)")
    database.execute("create function public.remove_product(name text) returns boolean return true")

    status = way.ask(Client.check_schema)

    gone = {"mark_webhook_replayed", "remove_product"}
    # The owner of the functions, whom DATABASE_URL names here, may execute them anyway.
    refused = {"list_products"} if way.name == "supabase" else set()
    assert set(status.missing) == gone | refused


def test_a_database_without_check_schema_is_unavailable(
    way: TransportCase, database: Database
) -> None:
    database.execute("drop function public.check_schema(jsonb)")

    with pytest.raises(DatabaseUnavailable) as caught:
        way.ask(Client.check_schema)
    assert caught.value.code in {"42883", "PGRST202"}
