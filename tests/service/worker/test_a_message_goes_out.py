from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from devtools.fake_providers import Answer
from tests.service.worker.conftest import Desk
from tests.support.service import eventually
from tests.support.shopify import COURSE, SPLINT, order, refund


def test_what_is_owed_is_sent_and_settled(desk: Desk) -> None:
    desk.database.record_orders(order(1, COURSE))

    with desk.working():
        desk.wait_for(1, "knock.trigger", "sent")
        desk.wait_for(1, "resend.course_access", "sent")

    for kind in ("knock.trigger", "resend.course_access"):
        row = desk.message(1, kind)
        assert (row["attempts"], row["last_error"]) == (1, None)
        [sent] = [
            each for each in desk.fake_providers.effects if each.idempotency_key == str(row["id"])
        ]
        assert sent.provider == row["provider"]


def test_nothing_is_sent_twice_however_long_it_runs(desk: Desk) -> None:
    desk.database.record_orders(order(1, COURSE))

    with desk.working():
        desk.wait_for(1, "knock.trigger", "sent")
        desk.database.record_orders(order(2, COURSE), order(1, COURSE))
        desk.wait_for(2, "resend.course_access", "sent")
        desk.wait_for(2, "knock.trigger", "sent")

    assert len(desk.fake_providers.requests) == 4


def test_a_full_batch_is_followed_by_the_next_without_a_rest(desk: Desk) -> None:
    desk.database.record_orders(*(order(number, SPLINT) for number in range(1, 26)))

    with desk.working(poll_seconds=3600):
        eventually(lambda: len(desk.fake_providers.effects) == 25)


def test_two_dispatchers_send_each_message_once(desk: Desk) -> None:
    desk.database.record_orders(*(order(number, COURSE) for number in range(1, 41)))
    for provider in ("knock", "resend"):
        desk.fake_providers.answer_with(provider, *[Answer(delay=0.02)] * 40)

    with desk.working(), desk.working():
        eventually(lambda: not desk.database.value(_PENDING))

    keys = [each.idempotency_key for each in desk.fake_providers.requests]
    assert len(keys) == len(set(keys)) == 80


_PENDING = "select count(*) from thetis.notifications where status = 'pending'"


def test_a_cancellation_waits_until_knock_will_not_miss_it(desk: Desk) -> None:
    desk.database.record_orders(order(1, SPLINT))
    with desk.working():
        desk.wait_for(1, "knock.trigger", "sent")
        desk.database.record_refunds(refund(9, 1, splint=1))
        assert 4 < desk.seconds_to_wait(desk.message(1, "knock.cancel")) <= 6
        # One that is due at once goes out, and this one is still here.
        desk.database.record_orders(order(2, SPLINT))
        desk.wait_for(2, "knock.trigger", "sent")
        assert desk.status(1, "knock.cancel") == "pending"

        desk.bring_forward()
        desk.wait_for(1, "knock.cancel", "sent")

    *_, cancel = desk.fake_providers.requests
    assert cancel.path == "/v1/workflows/post-purchase/cancel"
    assert cancel.body == {"cancellation_key": "1", "recipients": ["ada@example.com"]}


def test_stopping_settles_what_is_claimed_and_claims_no_more(desk: Desk) -> None:
    desk.database.record_orders(*(order(number, SPLINT) for number in range(1, 31)))
    desk.fake_providers.answer_with("knock", *[Answer(delay=0.3)] * 30)

    with desk.working():
        eventually(lambda: desk.fake_providers.requests)

    requests = len(desk.fake_providers.requests)
    assert 0 < requests < 30
    assert desk.database.value(_SENT) == requests
    assert desk.database.value("select count(leased_until) from thetis.notifications") == 0


_SENT = "select count(*) from thetis.notifications where status = 'sent'"


def test_a_message_recorded_meanwhile_is_not_overlooked(desk: Desk) -> None:
    """Ten writers beside one worker."""
    with desk.working(), ThreadPoolExecutor(10) as pool:
        for number in range(1, 31):
            pool.submit(desk.database.call, "record_orders", [order(number, COURSE)])
        eventually(lambda: desk.database.value(_SENT) == 60)
    assert len(desk.fake_providers.effects) == 60
