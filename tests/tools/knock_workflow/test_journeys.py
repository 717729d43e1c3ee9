"""Which order leads to which messages, on which days."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from devtools import knock_workflow
from tests.support.docs import code, document, rows
from tests.tools.knock_workflow.post_purchase import (
    CATEGORIES,
    KNOCK,
    VARIABLES,
    WORKFLOW,
    every_step,
    render,
    trigger_data,
)

TIPS = [(1, "splint_crutches"), (2, "splint_straps"), (3, "splint_toes_down")]

DAYS = {
    "both": [
        (0, "both_welcome"),
        *TIPS,
        (5, "both_course_nudge"),
        (7, "splint_reinforcement"),
        (10, "splint_review"),
    ],
    "splint_only": [
        (0, "splint_thank_you"),
        *TIPS,
        (7, "splint_reinforcement"),
        (10, "splint_review"),
    ],
    "course_only": [(0, "course_welcome"), (4, "course_nudge")],
    "default": [(0, "thank_you")],
}


@pytest.mark.parametrize("branch", DAYS)
def test_a_branch_ends_with_exactly_these_messages_on_these_days(branch: str) -> None:
    found = render(*CATEGORIES[branch])
    assert found.branch == branch
    assert [(message.after.days, message.ref) for message in found.messages] == DAYS[branch]


LOST: dict[str, tuple[list[str], dict[str, float], list[str]]] = {
    "the splint on day 2, and the course is kept": (
        ["course", "device"],
        {"device": 1.5},
        ["both_welcome", "splint_crutches", "both_course_nudge"],
    ),
    "the splint on the day before the review": (
        ["device"],
        {"device": 9},
        ["splint_thank_you", *(ref for _, ref in TIPS), "splint_reinforcement"],
    ),
    "the course, and the splint is kept": (
        ["course", "device"],
        {"course": 0.5},
        ["both_welcome", *(ref for _, ref in TIPS), "splint_reinforcement", "splint_review"],
    ),
    "the only course": (["course"], {"course": 3}, ["course_welcome"]),
    "everything": (["course", "device"], {"course": 0.5, "device": 0.5}, ["both_welcome"]),
    "something else": (
        ["course", "accessory"],
        {"accessory": 1},
        ["course_welcome", "course_nudge"],
    ),
}
"""What is bought, what is lost after how many days, and what is sent."""


@pytest.mark.parametrize("what", LOST)
def test_nothing_is_sent_about_what_went_back_and_the_rest_goes_on(what: str) -> None:
    categories, ended, refs = LOST[what]
    assert [message.ref for message in render(*categories, ended=ended).messages] == refs


def test_one_of_two_splints_that_is_kept_goes_on() -> None:
    data = trigger_data("device")
    data["purchases"].append({"id": "another", "product": "a_device", "category": "device"})
    run = knock_workflow.render(KNOCK, data, VARIABLES, {"another": timedelta(days=1)})
    assert run == render("device")


def test_what_was_lost_before_an_addition_leaves_the_additions_messages_alone() -> None:
    """The object holds all that the order lost, also what an earlier trigger announced."""
    data = trigger_data("course", is_addition=True)
    run = knock_workflow.render(KNOCK, data, VARIABLES, {"purchase of a device": timedelta(0)})
    assert [(each.after.days, each.ref) for each in run.messages] == DAYS["course_only"]


@pytest.mark.parametrize("branch", DAYS)
def test_an_addition_is_followed_like_an_order(branch: str) -> None:
    data = trigger_data(*CATEGORIES[branch], is_addition=True)
    assert knock_workflow.render(KNOCK, data, VARIABLES) == render(*CATEGORIES[branch])


@pytest.mark.parametrize("order", [{}, {"ended_purchases": None}, {"ended_purchases": ""}])
def test_an_order_of_which_nothing_is_known_to_be_lost_is_kept(
    order: dict[str, str | None],
) -> None:
    data = trigger_data("course", "device")
    [look, *_] = [
        step
        for step in every_step(knock_workflow.read(WORKFLOW)["steps"])
        if step["type"] == "update_data"
    ]
    found = knock_workflow.evaluate(look, "data", {"data": data}, order)
    assert found == {"categories_kept": ["course", "device"]}


def test_a_run_looks_at_what_is_kept_right_before_each_later_message() -> None:
    """And always in the same words."""
    steps = [*every_step(knock_workflow.read(WORKFLOW)["steps"])]
    looks = [step for step in steps if step["type"] == "update_data"]
    asked = [step for step in steps if "data.categories_kept" in str(step.get("conditions"))]
    assert len({step["settings"]["data"] for step in looks}) == 1
    assert [steps[steps.index(each) - 1] for each in asked] == looks
    assert len(asked) == 7


def test_the_guide_names_the_same_branches_and_days() -> None:
    table = rows(document("docs/KNOCK.md").section("What it does"))
    shown = {code(row[0])[0]: [int(day) for day in re.findall(r"\d+", row[2])] for row in table}
    assert shown == {branch: [day for day, _ in messages] for branch, messages in DAYS.items()}


@pytest.mark.parametrize(
    ("categories", "branch"),
    [
        (["accessory", "course"], "course_only"),
        (["accessory", "device"], "splint_only"),
        (["accessory", "course", "device"], "both"),
        (["accessory", "other"], "default"),
    ],
)
def test_what_else_is_in_the_order_changes_nothing(categories: list[str], branch: str) -> None:
    assert render(*categories).messages == render(*CATEGORIES[branch]).messages


def test_the_order_of_the_branches_does_not_matter() -> None:
    steps = knock_workflow.read(WORKFLOW)["steps"]
    *conditional, _ = steps[0]["branches"]
    for categories in CATEGORIES.values():
        scope = {"data": trigger_data(*categories), "vars": VARIABLES}
        true = [each for each in conditional if knock_workflow.holds(each["conditions"], scope)]
        assert len(true) <= 1


@pytest.mark.parametrize("branch", DAYS)
def test_nobody_is_told_the_same_thing_twice(branch: str) -> None:
    paragraphs = [
        paragraph
        for message in render(*CATEGORIES[branch]).messages
        for paragraph in message.text.split("\n\n")[:-1]
        if paragraph not in {"Hello,", "Thank you for your order"}
    ]
    assert len(paragraphs) == len(set(paragraphs))


def test_whoever_bought_both_is_welcomed_and_nudged_once() -> None:
    names = [message.name for message in render("course", "device").messages]
    assert sum(name.startswith(("Welcome", "Thank-you")) for name in names) == 1
    assert sum(name.startswith("Nudge") for name in names) == 1
