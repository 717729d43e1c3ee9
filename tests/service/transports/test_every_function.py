"""Each method of thetis.database.Database means the same over both ways."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.service.transports.conftest import TransportCase
from tests.support.database import Database
from tests.support.shopify import COURSE, SPLINT, dispute, order, refund
from tests.support.supabase_api import SupabaseApi
from thetis.database import Database as Client
from thetis.disputes import Disputes
from thetis.errors import DatabaseRefused
from thetis.model import Outcome, Product, Settlement, WebhookOutcome


def test_orders_come_back_one_by_one_in_their_order(way: TransportCase, database: Database) -> None:
    database.record_orders(order(2, COURSE))
    foreign = order(3, COURSE)
    foreign["line_items"][0]["product_id"] = 632910392

    outcomes = way.ask(
        lambda client: client.record_orders(
            [order(9, SPLINT), order(2, COURSE), foreign, order(1, COURSE, email=None)]
        )
    )

    assert outcomes == [
        Outcome(shopify_order_id="9", outcome=WebhookOutcome.RECORDED),
        Outcome(shopify_order_id="2", outcome=WebhookOutcome.UNCHANGED),
        Outcome(shopify_order_id="3", outcome=WebhookOutcome.IGNORED),
        Outcome(shopify_order_id="1", outcome=WebhookOutcome.REJECTED, reason="no email address"),
    ]
    assert {row["shopify_order_id"] for row in database.purchases()} == {"2", "9"}


def test_refunds_come_back_one_by_one_in_their_order(
    way: TransportCase, database: Database
) -> None:
    database.record_orders(order(1, COURSE), order(2, COURSE))

    outcomes = way.ask(
        lambda client: client.record_refunds(
            [refund(72, 2, standard_course=1), refund(73, 1), refund(71, 1, standard_course=1)]
        )
    )

    assert [each.outcome for each in outcomes] == ["recorded", "ignored", "recorded"]
    assert [each.shopify_order_id for each in outcomes] == ["2", "1", "1"]
    assert {row["status"] for row in database.purchases()} == {"refunded"}


def test_disputes_come_back_one_by_one_in_their_order(
    way: TransportCase, database: Database
) -> None:
    database.record_orders(order(1, COURSE), order(2, COURSE))

    told = [dispute(72, 2), dispute(73, None), dispute(71, 1, "sold"), dispute(74, 1, "won")]
    outcomes = way.ask(lambda client: Disputes(client).record_disputes(told))

    assert [each.outcome for each in outcomes] == ["recorded", "ignored", "rejected", "recorded"]
    assert [each.shopify_order_id for each in outcomes] == ["2", None, "1", "1"]
    assert [row["status"] for row in database.purchases()] == ["active", "cancelled"]
    assert way.ask(lambda client: Disputes(client).honor_disputes("ignore", max_count=10)) == 1
    assert {row["status"] for row in database.purchases()} == {"active"}


def test_no_orders_have_no_outcomes(way: TransportCase) -> None:
    assert way.ask(lambda client: client.record_orders([])) == []


def test_ids_beyond_a_float_arrive_exactly(way: TransportCase, database: Database) -> None:
    number = 820982911946154508

    way.ask(lambda client: client.record_orders([order(number, COURSE)]))

    assert [row["shopify_order_id"] for row in database.purchases()] == [str(number)]


@pytest.mark.parametrize("body", [b"", b"\x00\xff\xfe not text", bytes(range(256)) * 400])
def test_a_rejected_body_is_kept_byte_for_byte(
    way: TransportCase, database: Database, body: bytes
) -> None:
    kept_as = way.ask(
        lambda client: client.store_rejected_webhook(
            topic="orders/paid", webhook_id="a-b-c", body=body, reason="'; \\ ünusable"
        )
    )

    [row] = database.rows("select * from thetis.rejected_webhooks")
    assert row["id"] == kept_as
    assert bytes(row["body"]) == body
    assert (row["topic"], row["webhook_id"]) == ("orders/paid", "a-b-c")
    assert row["reason"] == "'; \\ ünusable"


def test_a_claimed_message_is_leased_and_can_be_settled(
    way: TransportCase, database: Database
) -> None:
    database.record_orders(order(1, COURSE))

    async def claim_and_settle(client: Client) -> None:
        [claimed] = await client.claim_notifications(
            provider="resend", max_count=10, lease_seconds=60
        )
        assert (claimed.kind, claimed.attempt) == ("course_access", 1)
        assert claimed.shopify_order_id == "1"
        assert claimed.payload["courses"] == [{"slug": COURSE, "name": "Standard Course"}]
        assert claimed.id == str(database.notifications(1)["course_access"]["id"])
        again = await client.claim_notifications(provider="resend", max_count=10, lease_seconds=60)
        assert again == []
        await client.settle_notifications([Settlement(id=claimed.id, attempt=1, result="sent")])

    way.ask(claim_and_settle)

    assert database.notifications(1)["course_access"]["status"] == "sent"
    assert database.notifications(1)["post_purchase"]["status"] == "pending"


def test_a_retry_says_why_and_waits_as_long_as_was_asked(
    way: TransportCase, database: Database
) -> None:
    database.record_orders(order(1, SPLINT))
    [claimed] = database.claim("knock")
    why = Settlement(
        id=str(claimed["id"]), attempt=1, result="retry", error="busy", retry_after_seconds=600.5
    )

    way.ask(lambda client: client.settle_notifications([why]))

    row = database.notifications(1)["post_purchase"]
    assert (row["status"], row["last_error"]) == ("pending", "busy")
    wait = database.value("select extract(epoch from %s - now())::float", row["due_at"])
    assert 590 < wait <= 600.5


def test_what_a_paused_provider_refused_is_due_at_once(
    way: TransportCase, database: Database
) -> None:
    database.record_orders(order(1, SPLINT))
    [claimed] = database.claim("knock")
    refused = Settlement(
        id=str(claimed["id"]), attempt=1, result="paused", error="knock 401", is_refused=True
    )

    way.ask(lambda client: client.settle_notifications([refused]))

    row = database.notifications(1)["post_purchase"]
    assert (row["status"], row["uncertain_since"]) == ("pending", None)
    assert [each["id"] for each in database.claim("knock")] == [claimed["id"]]


def test_the_backlog_tells_of_each_provider(way: TransportCase, database: Database) -> None:
    database.record_orders(order(1, COURSE), order(2, SPLINT))
    database.execute(
        "update thetis.notifications set due_at = now() - interval '90 seconds'"
        " where shopify_order_id = '2'"
    )
    [claimed] = database.claim("resend")
    database.settle({"id": str(claimed["id"]), "attempt": 1, "result": "dead"})

    backlog = {each.provider: each for each in way.ask(Client.notification_backlog)}

    assert (backlog["knock"].pending, backlog["knock"].dead) == (2, 0)
    assert 89 < backlog["knock"].oldest_due_seconds < 120
    assert (backlog["resend"].pending, backlog["resend"].dead) == (0, 1)
    assert backlog["resend"].oldest_due_seconds == 0.0


def test_what_became_of_emails_is_recorded_one_by_one_and_counted(
    way: TransportCase, database: Database
) -> None:
    database.record_orders(order(1, COURSE))
    email = str(database.notifications(1)["course_access"]["id"])
    told = {"notification_id": email, "provider_message_id": "re_1", "reason": '"ünknown" user'}
    moment = datetime.now(UTC).isoformat()

    async def record(client: Client) -> tuple[list[WebhookOutcome], dict[str, int]]:
        outcomes = await client.record_deliveries(
            [
                {**told, "state": "bounced", "occurred_at": moment},
                {**told, "notification_id": None, "state": "sent", "occurred_at": moment},
            ]
        )
        outcomes += await client.record_deliveries(
            [{**told, "state": "delivered", "occurred_at": moment}]
        )
        return outcomes, await client.undelivered_emails()

    outcomes, undelivered = way.ask(record)

    assert outcomes == ["recorded", "ignored", "unchanged"]
    assert undelivered == {"failed": 0, "suppressed": 0, "bounced": 1, "complained": 0}
    [row] = database.rows("select state::text, reason from thetis.email_deliveries")
    assert row == {"state": "bounced", "reason": told["reason"]}


def test_the_catalogue_can_be_read_and_changed(way: TransportCase) -> None:
    async def change(client: Client) -> list[Product]:
        details: dict[str, Any] = {"slug": "brace", "name": 'The "Brace"', "category": "device"}
        await client.add_product(**details, shopify_product_id="77", access_period="1 year")
        await client.add_product(**details, shopify_product_id="78", access_period="2 years")
        products = await client.list_products()
        assert await client.remove_product("brace") is True
        assert await client.remove_product("brace") is False
        return products

    products = {each.slug: each for each in way.ask(change)}

    assert products["brace"] == Product(
        slug="brace",
        name='The "Brace"',
        category="device",
        access_period="2 years",
        shopify_product_ids=["77", "78"],
    )
    assert products[COURSE].access_period is None
    assert len(products) == 6


def test_an_id_that_means_another_product_is_refused_as_th001(way: TransportCase) -> None:
    with pytest.raises(DatabaseRefused, match="is already standard_course") as caught:
        way.ask(
            lambda client: client.add_product(
                slug="brace",
                name="Brace",
                category="device",
                shopify_product_id="9846187786568",
                access_period=None,
            )
        )
    assert caught.value.code == "TH001"


def test_a_product_that_was_bought_is_refused_as_th002(
    way: TransportCase, database: Database
) -> None:
    database.record_orders(order(1, COURSE))

    with pytest.raises(DatabaseRefused, match="there are purchases of") as caught:
        way.ask(lambda client: client.remove_product(COURSE))
    assert caught.value.code == "TH002"


def test_the_legacy_service_role_key_works_too(
    supabase_api: SupabaseApi, database: Database
) -> None:
    settings = {"supabase_url": supabase_api.url, "supabase_secret_key": supabase_api.service_key}
    way = TransportCase(name="supabase", settings=settings)

    [outcome] = way.ask(lambda client: client.record_orders([order(1, COURSE)]))

    assert outcome.outcome == "recorded"
    assert len(database.purchases(1)) == 1


def test_what_is_kept_holds_the_body_and_not_its_base64(
    way: TransportCase, database: Database
) -> None:
    body = base64.b64encode(b"already base64")

    way.ask(
        lambda client: client.store_rejected_webhook(
            topic="orders/paid", webhook_id=None, body=body, reason="none"
        )
    )

    [row] = database.rows("select body, webhook_id from thetis.rejected_webhooks")
    assert (bytes(row["body"]), row["webhook_id"]) == (body, None)
