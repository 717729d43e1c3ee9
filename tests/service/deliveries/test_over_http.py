"""Resend's webhooks over real HTTP: signed, in time, recorded or kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from tests.service.deliveries.events import ADDRESS, BOUNCE, told
from tests.support.database import Database
from tests.support.program import thetis
from tests.support.service import NO_TLS, NOWHERE, Service, eventually, running
from tests.support.shopify import COURSE, order

SECRET = "whsec_" + base64.b64encode(b"the signing secret of a webhook").decode()
OTHER = "whsec_" + base64.b64encode(b"the one that comes after it").decode()


@pytest.fixture
def service(database: Database) -> Iterator[Service]:
    given = {"database_url": database.url, "resend_webhook_secrets": f"{OTHER},{SECRET}"}
    with running(given) as started:
        yield started


@pytest.fixture
def email(service: Service, database: Database) -> str:
    """The id of a course email that was sent."""
    service.outcome("orders/paid", order(1, COURSE))
    eventually(lambda: database.notifications(1)["course_access"]["status"] == "sent")
    return str(database.notifications(1)["course_access"]["id"])


def event(kind: str = "email.bounced", **data: Any) -> bytes:
    return json.dumps(told(kind, **data)).encode()


def signed(body: bytes, secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    moment = at or datetime.now(UTC)
    return {
        "svix-id": "msg_1",
        "svix-timestamp": str(int(moment.timestamp())),
        "svix-signature": Webhook(secret).sign("msg_1", moment, body.decode()),
    }


def post(service: Service, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
    url = f"{service.url}/webhooks/resend"
    given = signed(body) if headers is None else headers
    return httpx.post(url, content=body, headers=dict(given), timeout=10, verify=NO_TLS)


def outcome(service: Service, body: bytes) -> str:
    answer = post(service, body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["outcome"])


def stored(database: Database) -> list[tuple[str, str | None]]:
    rows = database.rows("select state::text, reason from thetis.email_deliveries")
    return [(row["state"], row["reason"]) for row in rows]


@pytest.mark.parametrize("form", ["object", "list"])
def test_a_bounce_is_recorded_with_its_reason_and_without_the_address(
    service: Service, database: Database, email: str, form: str
) -> None:
    tags: object = {"notification_id": email}
    if form == "list":
        tags = [{"name": "notification_id", "value": email}]
    bounce = {**BOUNCE, "message": f"no mailbox {ADDRESS} here"}

    assert outcome(service, event(tags=tags, bounce=bounce)) == "recorded"
    assert outcome(service, event(tags=tags, bounce=bounce)) == "unchanged"
    assert stored(database) == [("bounced", "Permanent: NoEmail: no mailbox [address] here")]


def test_an_email_carries_the_tag_and_is_known_by_the_id_that_resend_gave(
    service: Service, database: Database, email: str
) -> None:
    [sent] = [each for each in service.fake_providers.effects if each.provider == "resend"]
    assert sent.body["tags"] == [{"name": "notification_id", "value": email}]
    taken_as = database.notifications(1)["course_access"]["provider_message_id"]

    assert outcome(service, event("email.delivered", email_id=taken_as)) == "recorded"
    assert stored(database) == [("delivered", None)]


@pytest.mark.parametrize("tags", ["x", ["x"], [{"key": "x"}], [{"name": []}], {"a": 1}, None])
def test_tags_of_another_form_do_not_keep_an_event_from_being_used(
    service: Service, database: Database, email: str, tags: object
) -> None:
    taken_as = database.notifications(1)["course_access"]["provider_message_id"]
    assert outcome(service, event("email.delivered", email_id=taken_as, tags=tags)) == "recorded"


@pytest.mark.parametrize("kind", ["email.opened", "email.clicked", "contact.created", "domain.x"])
def test_events_about_something_else_are_ignored(service: Service, kind: str) -> None:
    assert outcome(service, event(kind)) == "ignored"


def test_an_email_of_somebody_elses_is_ignored(service: Service) -> None:
    assert outcome(service, event()) == "ignored"


def test_a_signature_made_by_hand_is_accepted(service: Service) -> None:
    body, moment = event(), str(int(datetime.now(UTC).timestamp()))
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = hmac.digest(key, f"msg_7.{moment}.".encode() + body, hashlib.sha256)
    signature = f"v1,{base64.b64encode(b'another').decode()} v1,{base64.b64encode(digest).decode()}"
    headers = {"svix-id": "msg_7", "svix-timestamp": moment, "svix-signature": signature}
    assert post(service, body, headers).status_code == 200


@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_any_of_the_secrets_may_have_signed(service: Service, secret: str) -> None:
    assert post(service, event(), signed(event(), secret)).status_code == 200


def _without(name: str) -> dict[str, str]:
    headers = signed(event())
    del headers[name]
    return headers


UNSIGNED: dict[str, Callable[[], dict[str, str]]] = {
    "nothing": dict,
    "no id": lambda: _without("svix-id"),
    "no time": lambda: _without("svix-timestamp"),
    "no signature": lambda: _without("svix-signature"),
    "another secret": lambda: signed(
        event(), "whsec_" + base64.b64encode(b"a stranger's").decode()
    ),
    "another body": lambda: signed(event("email.delivered")),
    "six minutes old": lambda: signed(event(), at=datetime.now(UTC) - timedelta(minutes=6)),
    "six minutes early": lambda: signed(event(), at=datetime.now(UTC) + timedelta(minutes=6)),
    "not a signature": lambda: {**signed(event()), "svix-signature": "v1"},
    "not base64": lambda: {**signed(event()), "svix-signature": "v1,*"},
    "not a time": lambda: {**signed(event()), "svix-timestamp": "soon"},
}
"""Made when they are sent, since their time counts."""


@pytest.mark.parametrize("what", UNSIGNED)
def test_what_resend_did_not_sign_just_now_is_refused(
    service: Service, database: Database, what: str
) -> None:
    assert post(service, event(), UNSIGNED[what]()).status_code == 401
    assert stored(database) == []
    assert database.value("select count(*) from thetis.rejected_webhooks") == 0


UNUSABLE = {
    "no json": b"{",
    "no type": b"{}",
    "no data": b'{"type": "email.bounced", "created_at": "2026-11-20T10:00:00Z"}',
    "no email id": event(email_id=None),
    "no time": event().replace(b"2026-11-20T10:00:00.000Z", b"soon"),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_what_cannot_be_used_is_kept_whole_and_can_be_replayed(
    service: Service, database: Database, what: str
) -> None:
    body = UNUSABLE[what]
    assert outcome(service, body) == "rejected"
    [kept] = database.rows("select * from thetis.rejected_webhooks")
    assert (bytes(kept["body"]), kept["topic"]) == (body, "resend/events")
    assert kept["webhook_id"] == "msg_1"
    assert ADDRESS not in kept["reason"]

    again = thetis("rejected", "replay", str(kept["id"]), DATABASE_URL=database.url)
    assert (again.returncode, again.stdout) == (1, f"{kept['id']}\trejected\n")


def test_a_replay_records_what_could_not_be_used_before(
    service: Service, database: Database, email: str
) -> None:
    body = event(tags={"notification_id": email})
    kept_as = database.call(
        "store_rejected_webhook", "resend/events", None, base64.b64encode(body).decode(), "a fault"
    )[0]["store_rejected_webhook"]

    again = thetis("rejected", "replay", str(kept_as), DATABASE_URL=database.url)
    assert again.stdout == f"{kept_as}\trecorded\n"
    assert stored(database) == [("bounced", None)]


def test_what_did_not_arrive_is_a_metric(service: Service, database: Database, email: str) -> None:
    outcome(service, event(tags={"notification_id": email}))
    database.execute("update thetis.email_deliveries set occurred_at = now()")
    metrics = service.metrics()
    assert metrics['thetis_emails_undelivered{state="bounced"}'] == 1
    assert metrics['thetis_emails_undelivered{state="complained"}'] == 0
    name = 'thetis_resend_webhooks_total{outcome="recorded",type="email.bounced"}'
    assert metrics[name] == 1


def test_webhooks_are_counted_by_type_and_what_is_not_signed_by_none(service: Service) -> None:
    outcome(service, event("email.opened"))
    outcome(service, event(email_id=None))
    post(service, event(), {})
    counted = service.metrics()
    for labels in (
        'outcome="ignored",type="other"',
        'outcome="rejected",type="email.bounced"',
        'outcome="unauthorized",type="other"',
    ):
        assert counted[f"thetis_resend_webhooks_total{{{labels}}}"] == 1


def test_without_a_secret_there_is_no_such_route(database: Database) -> None:
    with running({"database_url": database.url}) as service:
        answer = post(service, event())
    assert answer.status_code == 404
    assert "RESEND_WEBHOOK_SECRETS" in answer.json()["error"]


def test_a_database_that_does_not_answer_makes_resend_send_again() -> None:
    given = {"database_url": NOWHERE, "resend_webhook_secrets": SECRET}
    with running(given) as service:
        answer = post(service, event())
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


def test_a_body_that_is_too_large_is_refused(database: Database) -> None:
    given = {
        "database_url": database.url,
        "resend_webhook_secrets": SECRET,
        "max_body_bytes": 100,
    }
    with running(given) as service:
        assert post(service, event()).status_code == 413


def test_no_address_is_logged(
    service: Service, email: str, capfd: pytest.CaptureFixture[str]
) -> None:
    bounce = {"message": f"<{ADDRESS}> is unknown"}
    outcome(service, event(tags={"notification_id": email}, bounce=bounce))
    outcome(service, event(email_id=None))
    post(service, event(), {})
    said = capfd.readouterr()
    assert "ada@" not in said.out + said.err
