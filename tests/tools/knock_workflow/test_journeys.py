"""Which order leads to which messages, on which days."""

from __future__ import annotations

import re

import pytest

from devtools import knock_workflow
from tests.support.docs import code, document, rows
from tests.tools.knock_workflow.post_purchase import (
    CATEGORIES,
    VARIABLES,
    WORKFLOW,
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


def test_the_guide_names_the_same_branches_and_days() -> None:
    table = rows(document("docs/POST_PURCHASE_SETUP.md").section("What it does"))
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
