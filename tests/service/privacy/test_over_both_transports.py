"""What the service asks of the database for a person's data, over both transports."""

from __future__ import annotations

from typing import Any

from tests.service.transports.conftest import TransportCase, way
from tests.support.database import Database
from tests.support.shopify import COURSE, order
from thetis.database import Database as Client
from thetis.model import PrivacyRequest, WebhookOutcome
from thetis.operators import Operators

__all__ = ["way"]


def test_a_person_is_exported_and_forgotten(
    way: TransportCase, database: Database, order_id: int
) -> None:
    address = f"mary-{way.name}@example.com"
    database.record_orders(order(order_id, COURSE, email=address))

    async def ask(client: Client) -> list[dict[str, Any]]:
        operators = Operators(client, "sue")
        told = await operators.export_customer(address)
        return [
            told,
            *[
                await operators.forget_customer(address, reason="asked", dry_run=dry_run)
                for dry_run in (True, False)
            ],
        ]

    told, tried, done = way.ask(ask)

    assert told["orders"][0]["email"] == address
    assert tried.pop("dry_run") and not done.pop("dry_run")
    assert tried == done
    assert done["loses_access"] == [{"product": COURSE, "order_number": str(order_id)}]
    assert database.purchases(order_id)[0]["shopify_customer_email"] == ""


def test_requests_are_recorded_listed_and_answered(way: TransportCase) -> None:
    asked = {
        "topic": "customers/data_request",
        "shop": way.name,
        "email": "mary@example.com",
        "shopify_order_ids": ["1", "2"],
        "request_id": "7",
    }

    async def ask(client: Client) -> tuple[list[WebhookOutcome], PrivacyRequest]:
        outcomes = [await client.record_privacy_request(asked) for _ in range(2)]
        operators = Operators(client, "sue")
        [listed] = await operators.list_privacy_requests(include_answered=False)
        await operators.mark_privacy_request_answered(listed.id)
        assert await operators.list_privacy_requests(include_answered=False) == []
        return outcomes, listed

    outcomes, listed = way.ask(ask)

    assert outcomes == [WebhookOutcome.RECORDED, WebhookOutcome.UNCHANGED]
    assert (listed.topic, listed.email, listed.shopify_order_ids, listed.answered_at) == (
        "customers/data_request",
        "mary@example.com",
        ["1", "2"],
        None,
    )


def test_what_is_over_and_what_is_old_is_counted(way: TransportCase, database: Database) -> None:
    database.execute(
        "insert into thetis.untracked_sales values ('1', '1', now() - interval '2 years')"
    )

    async def ask(client: Client) -> tuple[int, dict[str, int]]:
        return (
            await client.expire_purchases(max_count=10),
            await client.prune(older_than="1 year", max_count=10),
        )

    expired, dropped = way.ask(ask)

    assert expired == 0
    assert dropped["untracked_sales"] == 1
    assert set(dropped) == {
        "claim_codes",
        "messages",
        "withdrawn",
        "rejected_webhooks",
        "privacy_requests",
        "untracked_sales",
    }
