from __future__ import annotations

import json

import pytest

from devtools.fake_providers import Answer, FakeProviders, refusal
from tests.service.providers.conftest import PURCHASES, Post, notification
from tests.support.docs import ROOT
from thetis.errors import TemporaryFailure
from thetis.providers.knock import BRANCHED_CATEGORIES, WORKFLOW


def test_a_trigger_is_made_of_the_facts_of_the_order(
    knock: Post, fake_providers: FakeProviders
) -> None:
    knock.send(notification("post_purchase"))
    [received] = fake_providers.effects
    assert received.path == "/v1/workflows/post-purchase/trigger"
    assert received.body == {
        "recipients": [{"id": "ada.lovelace@example.com", "email": "ada.lovelace@example.com"}],
        "actor": {"id": "6001", "collection": "orders", "order_number": "1001"},
        "data": {
            "order_id": "6001",
            "order_number": "1001",
            "products_ordered": ["splint", "standard_course"],
            "categories_ordered": ["course", "device"],
            "purchases": PURCHASES,
            "is_addition": False,
        },
        "cancellation_key": "6001",
    }


@pytest.mark.parametrize("kind", ["post_purchase", "post_purchase_cancel"])
def test_a_later_run_of_an_order_has_a_cancellation_key_of_its_own(
    knock: Post, fake_providers: FakeProviders, kind: str
) -> None:
    knock.send(notification(kind, run=2))
    [received] = fake_providers.effects
    assert received.body["cancellation_key"] == "6001/2"


@pytest.mark.parametrize("ended", [[], ["a"], ["a", "b"]])
def test_what_was_lost_is_written_to_the_order_as_a_whole(
    knock: Post, fake_providers: FakeProviders, ended: list[str]
) -> None:
    knock.send(notification("post_purchase_update", ended=ended))
    [received] = fake_providers.effects
    assert (received.method, received.path) == ("PUT", "/v1/objects/orders/6001")
    assert received.body == {"ended_purchases": " ".join(ended)}


@pytest.mark.parametrize(
    "answer", [Answer(status=204), Answer(status=200, body={"id": "another"}), Answer(status=201)]
)
def test_an_update_that_is_not_confirmed_is_tried_again(
    knock: Post, fake_providers: FakeProviders, answer: Answer
) -> None:
    fake_providers.answer_with("knock", answer)
    failure = knock.failure(notification("post_purchase_update"))
    assert isinstance(failure, TemporaryFailure) and not failure.is_refused


def test_a_cancel_stops_the_run_of_that_order_for_that_recipient(
    knock: Post, fake_providers: FakeProviders
) -> None:
    knock.send(notification("post_purchase_cancel"))
    [received] = fake_providers.effects
    assert received.path == "/v1/workflows/post-purchase/cancel"
    assert received.body == {
        "cancellation_key": "6001",
        "recipients": ["ada.lovelace@example.com"],
    }


def test_somebody_forgotten_is_deleted_when_their_runs_are_stopped(
    knock: Post, fake_providers: FakeProviders
) -> None:
    runs = [{"order_id": "6001", "run": 1}, {"order_id": "6002", "run": 2}]
    knock.send(notification("forget_recipient", runs=runs))
    *cancels, delete = fake_providers.requests
    assert {each.body["cancellation_key"] for each in cancels} == {"6001", "6002/2"}
    assert {each.path for each in cancels} == {"/v1/workflows/post-purchase/cancel"}
    assert (delete.method, delete.path) == ("DELETE", "/v1/users/ada.lovelace@example.com")


def test_somebody_whom_knock_does_not_know_is_forgotten(
    knock: Post, fake_providers: FakeProviders
) -> None:
    unknown = refusal("knock", 404, "resource_missing", "The resource you requested does not exist")
    fake_providers.answer_with("knock", unknown)
    knock.send(notification("forget_recipient"))
    assert len(fake_providers.requests) == 1


def test_nobody_is_deleted_whose_runs_could_not_be_stopped(
    knock: Post, fake_providers: FakeProviders
) -> None:
    fake_providers.answer_with("knock", Answer(status=503))
    runs = [{"order_id": "6001", "run": 1}]
    failure = knock.failure(notification("forget_recipient", runs=runs))
    assert isinstance(failure, TemporaryFailure)
    assert [each.method for each in fake_providers.requests] == ["POST"]


def test_wrong_parameters_are_named_in_the_reason(
    knock: Post, fake_providers: FakeProviders
) -> None:
    errors = [{"field": "recipients", "message": "is too long"}]
    body = {"code": "invalid_params", "errors": errors, "status": 422}
    fake_providers.answer_with("knock", Answer(status=422, body=body))
    assert knock.failure().reason == f"knock 422 invalid_params: {errors}"


def test_the_categories_are_those_that_the_branches_of_the_workflow_ask_for() -> None:
    workflow = json.loads((ROOT / "knock" / "workflows" / WORKFLOW / "workflow.json").read_text())
    [step] = [each for each in workflow["steps"] if each["type"] == "branch"]
    asked = {
        condition["argument"]
        for branch in step["branches"]
        for condition in branch.get("conditions", {}).get("all", ())
    }
    assert asked == BRANCHED_CATEGORIES
