"""The same lives, as whole payloads, through the real endpoint, many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import Phase, given
from hypothesis import strategies as st

from tests.support.database import Database
from tests.support.service import Service, eventually, running
from tests.system.histories.lives import Life, deliveries, lives
from tests.system.histories.runs import examples
from tests.system.histories.shop import Webhook
from tests.system.histories.truth import stored_statuses, true_statuses
from thetis.cli import shopify_payloads

OURS = {product.shopify_id for product in shopify_payloads.SAMPLE_PRODUCTS.values()}


def deliver_at_once(service: Service, webhooks: list[Webhook]) -> None:
    """Each is answered, and the answer is its own, although they share calls to the database."""
    with ThreadPoolExecutor(8) as senders:
        answers = senders.map(
            lambda webhook: service.outcome(webhook.topic, webhook.whole_payload()), webhooks
        )
        for webhook, outcome in zip(webhooks, answers, strict=True):
            if webhook.is_refund:
                assert (outcome == "ignored") == (not webhook.payload["refund_line_items"])
            elif webhook.is_dispute or has_something_of_ours(webhook):
                assert outcome in {"recorded", "unchanged"}


def has_something_of_ours(webhook: Webhook) -> bool:
    return any(line["product_id"] in OURS for line in webhook.payload["line_items"])


def outbox_is_empty(database: Database) -> bool:
    database.execute(
        "update thetis.notifications set due_at = now()"
        " where status = 'pending' and leased_until is null and due_at > now()"
    )
    return not database.rows("select from thetis.notifications where status = 'pending'")


@examples(8, per_second=1, phases=[Phase.generate])  # what depends on timing does not shrink
@given(life=lives(), data=st.data())
def test_concurrent_deliveries_come_to_the_truth_and_each_message_goes_out_once(
    database: Database, life: Life, data: st.DataObject
) -> None:
    news = data.draw(deliveries(life.webhooks))
    with running({"database_url": database.url}, poll_seconds=0.05) as service:
        deliver_at_once(service, news)
        eventually(lambda: outbox_is_empty(database))
        before = database.purchases()
        deliver_at_once(service, news)

        assert stored_statuses(database, life) == true_statuses(life)
        assert database.purchases() == before
        for path in ("/emails", "/trigger", "/cancel"):
            effects = [str(effect) for effect in service.effects(path)]
            assert len(effects) == len(set(effects))
        for order in (each for each in life.orders if not each.disputes):
            assert_messages_are_right(service, order.id, order.statuses())


def assert_messages_are_right(service: Service, order_id: int, truth: dict[int, str]) -> None:
    started, stopped = (
        [each for each in service.effects(path) if each["cancellation_key"] == str(order_id)]
        for path in ("/trigger", "/cancel")
    )
    if "active" in truth.values():
        # A line whose product was known late is announced by a run of its own.
        announced = [bought["id"] for each in started for bought in each["data"]["purchases"]]
        assert announced and not stopped
        assert len(announced) == len(set(announced))
    else:
        assert len(stopped) == len(started) <= 1
