from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from devtools.fake_providers import Answer
from tests.service.worker.conftest import Outbox
from tests.support.claims import redeem, request_code
from tests.support.service import eventually
from tests.support.shopify import COURSE, SPLINT, order, refund


def test_what_is_due_is_sent_and_settled(outbox: Outbox) -> None:
    outbox.database.record_orders(order(1, COURSE))

    with outbox.working():
        outbox.wait_for(1, "post_purchase", "sent")
        outbox.wait_for(1, "course_access", "sent")

    for kind in ("post_purchase", "course_access"):
        row = outbox.message(1, kind)
        assert (row["attempts"], row["last_error"]) == (1, None)
        [sent] = [
            each for each in outbox.fake_providers.effects if each.idempotency_key == str(row["id"])
        ]
        assert sent.provider == row["provider"]


def test_a_code_goes_to_its_address_and_works_and_another_goes_nowhere(outbox: Outbox) -> None:
    old, unknown = "ada.old@example.com", "nobody@example.com"
    database = outbox.database
    database.record_orders(order(1, COURSE, email=old))
    ada = database.accounts.sign_up("ada@example.com")
    request_code(database, database.accounts.sign_up("eve@example.com"), unknown)
    request_code(database, ada, old)

    with outbox.working():
        eventually(lambda: not database.value(_PENDING))

    emails = [each.body for each in outbox.fake_providers.effects if each.provider == "resend"]
    assert {address for body in emails for address in body["to"]} == {old}
    [text] = [body["text"] for body in emails if body["subject"] == "Your code for The shop"]
    [code] = re.findall(r"^ +([0-9]{6})$", text, re.MULTILINE)
    assert code not in str(database.rows("select payload from thetis.notifications"))
    assert redeem(database, ada, code)["linked"] == 1


def test_nothing_is_sent_twice_however_long_it_runs(outbox: Outbox) -> None:
    outbox.database.record_orders(order(1, COURSE))

    with outbox.working():
        outbox.wait_for(1, "post_purchase", "sent")
        outbox.database.record_orders(order(2, COURSE), order(1, COURSE))
        outbox.wait_for(2, "course_access", "sent")
        outbox.wait_for(2, "post_purchase", "sent")

    assert len(outbox.fake_providers.requests) == 4


def test_a_full_batch_is_followed_by_the_next_without_a_rest(outbox: Outbox) -> None:
    outbox.database.record_orders(*(order(number, SPLINT) for number in range(1, 26)))

    with outbox.working(poll_seconds=3600):
        eventually(lambda: len(outbox.fake_providers.effects) == 25)


def test_two_workers_send_each_message_once(outbox: Outbox) -> None:
    outbox.database.record_orders(*(order(number, COURSE) for number in range(1, 41)))
    for provider in ("knock", "resend"):
        outbox.fake_providers.answer_with(provider, *[Answer(delay=0.02)] * 40)

    with outbox.working(), outbox.working():
        eventually(lambda: not outbox.database.value(_PENDING))

    keys = [each.idempotency_key for each in outbox.fake_providers.requests]
    assert len(keys) == len(set(keys)) == 80


_PENDING = "select count(*) from thetis.notifications where status = 'pending'"


def test_a_cancellation_waits_until_knock_will_not_miss_it(outbox: Outbox) -> None:
    outbox.database.record_orders(order(1, SPLINT))
    with outbox.working():
        outbox.wait_for(1, "post_purchase", "sent")
        outbox.database.record_refunds(refund(9, 1, splint=1))
        assert 4 < outbox.seconds_to_wait(outbox.message(1, "post_purchase_cancel")) <= 6
        # One that is due at once goes out, and this one is still here.
        outbox.database.record_orders(order(2, SPLINT))
        outbox.wait_for(2, "post_purchase", "sent")
        assert outbox.status(1, "post_purchase_cancel") == "pending"

        outbox.bring_forward()
        outbox.wait_for(1, "post_purchase_cancel", "sent")

    *_, cancel = outbox.fake_providers.requests
    assert cancel.path == "/v1/workflows/post-purchase/cancel"
    assert cancel.body == {"cancellation_key": "1", "recipients": ["ada@example.com"]}


def test_stopping_settles_what_is_claimed_and_claims_no_more(outbox: Outbox) -> None:
    outbox.database.record_orders(*(order(number, SPLINT) for number in range(1, 31)))
    outbox.fake_providers.answer_with("knock", *[Answer(delay=0.3)] * 30)

    with outbox.working():
        eventually(lambda: outbox.fake_providers.requests)

    requests = len(outbox.fake_providers.requests)
    assert 0 < requests < 30
    assert outbox.database.value(_SENT) == requests
    assert outbox.database.value("select count(leased_until) from thetis.notifications") == 0


_SENT = "select count(*) from thetis.notifications where status = 'sent'"


def test_a_message_recorded_meanwhile_is_not_overlooked(outbox: Outbox) -> None:
    """Ten writers beside one worker."""
    with outbox.working(), ThreadPoolExecutor(10) as pool:
        for number in range(1, 31):
            pool.submit(outbox.database.call, "record_orders", [order(number, COURSE)])
        eventually(lambda: outbox.database.value(_SENT) == 60)
    assert len(outbox.fake_providers.effects) == 60
