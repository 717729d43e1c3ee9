"""The files are what `knock push` accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from liquid import Environment

from devtools import knock_workflow
from tests.support.docs import document, named
from tests.support.published import KNOCK_MANAGEMENT
from tests.tools.knock_workflow.post_purchase import (
    KNOCK,
    LAYOUT,
    REVIEW,
    WORKFLOW,
    every_step,
    render,
)
from thetis.providers import knock

GUIDE = document("docs/KNOCK.md")
STEPS = list(every_step(knock_workflow.read(WORKFLOW)["steps"]))
EMAILS = [
    (path, step)
    for path in (WORKFLOW, REVIEW)
    for step in every_step(knock_workflow.read(path)["steps"])
    if step["type"] == "channel"
]


def linked_files(node: Any) -> Iterator[str]:
    """What keys that end with `@` lead to."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key.endswith("@"):
                yield value
            else:
                yield from linked_files(value)
    elif isinstance(node, list):
        for each in node:
            yield from linked_files(each)


def texts(node: Any) -> Iterator[str]:
    """Every text in it, wherever it stands."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for each in node.values() if isinstance(node, dict) else node:
            yield from texts(each)


@pytest.mark.parametrize(
    ("schema", "path"),
    [("WorkflowRequest", WORKFLOW), ("WorkflowRequest", REVIEW), ("EmailLayoutRequest", LAYOUT)],
)
def test_they_satisfy_the_management_api(schema: str, path: Path) -> None:
    assert KNOCK_MANAGEMENT.faults(schema, knock_workflow.read(path)) == []


def test_the_schema_would_notice_a_mistake() -> None:
    workflow = knock_workflow.read(WORKFLOW)
    workflow["steps"][1]["settings"]["delay_for"]["unit"] = "fortnights"
    assert KNOCK_MANAGEMENT.faults("WorkflowRequest", workflow)
    workflow = knock_workflow.read(WORKFLOW)
    workflow["steps"][2]["settings"]["datum"] = workflow["steps"][2]["settings"].pop("data")
    assert KNOCK_MANAGEMENT.faults("WorkflowRequest", workflow)
    workflow = knock_workflow.read(WORKFLOW)
    del workflow["steps"][0]["branches"][0]["conditions"]["all"][0]["operator"]
    assert KNOCK_MANAGEMENT.faults("WorkflowRequest", workflow)


def test_the_project_file_leads_to_the_workflow_that_is_triggered_and_what_that_starts() -> None:
    project = json.loads((KNOCK / "knock.json").read_text())
    workflows = KNOCK / project["knockDir"] / "workflows"
    started = {s["settings"]["workflow_key"] for s in STEPS if s["type"] == "trigger_workflow"}
    assert {workflow.name for workflow in workflows.iterdir()} == {knock.WORKFLOW, *started}


def test_what_may_be_advertising_is_commercial_and_can_be_unsubscribed_from() -> None:
    assert not knock_workflow.read(WORKFLOW)["settings"]["is_commercial"]
    assert knock_workflow.read(REVIEW)["settings"]["is_commercial"]
    *others, review = render("device").messages
    assert all(knock_workflow.UNSUBSCRIBE_URL in part for part in (review.html, review.text))
    assert not [each for each in others if "nsubscribe" in each.html + each.text]


def test_a_started_workflow_has_no_actor_since_an_orders_id_alone_would_be_a_users() -> None:
    """Knock's default is `{{ actor.id }}`, which is empty where there is no actor."""
    [step] = [each for each in STEPS if each["type"] == "trigger_workflow"]
    assert step["settings"]["actor"] == ""


def test_a_started_workflow_gets_the_data_that_it_demands() -> None:
    [step] = [each for each in STEPS if each["type"] == "trigger_workflow"]
    required = knock_workflow.read(REVIEW)["trigger_data_json_schema"]["required"]
    assert all(
        f'"{name}": {{{{ data.{name} | json }}}}' in step["settings"]["data"] for name in required
    )


@pytest.mark.parametrize("path", [WORKFLOW, REVIEW, LAYOUT], ids=["workflow", "review", "layout"])
def test_every_file_is_linked_once_and_lies_within(path: Path) -> None:
    links = list(linked_files(json.loads(path.read_text())))
    assert len(links) == len(set(links))
    files = {file.relative_to(path.parent) for file in path.parent.rglob("*") if file.is_file()}
    assert {Path(link) for link in links} == files - {Path(path.name)}


@pytest.mark.parametrize(("path", "step"), EMAILS, ids=[step["ref"] for _, step in EMAILS])
def test_an_email_has_its_own_folder_a_text_part_and_our_layout(
    path: Path, step: dict[str, Any]
) -> None:
    [found] = [
        each
        for each in every_step(json.loads(path.read_text())["steps"])
        if each["ref"] == step["ref"]
    ]
    assert found["template"]["html_body@"] == f"{step['ref']}/html_body.html"
    assert found["template"]["text_body@"] == f"{step['ref']}/text_body.txt"
    assert step["template"]["settings"]["layout_key"] == LAYOUT.parent.name


def test_steps_have_references_of_their_own() -> None:
    references = [step["ref"] for step in STEPS]
    assert len(references) == len(set(references))


def test_a_branch_step_ends_with_its_default_and_gives_every_other_a_condition() -> None:
    [step] = [each for each in STEPS if each["type"] == "branch"]
    *conditional, default = step["branches"]
    assert all(each["conditions"]["all"] for each in conditional)
    assert (default["name"], "conditions" in default) == ("default", False)


def test_branches_ask_for_categories_and_for_no_product() -> None:
    asked = set(re.findall(r'"variable": "([^"]+)"', WORKFLOW.read_text()))
    assert asked == {"data.categories_ordered", "data.categories_kept"}


def test_names_are_as_short_as_knock_wants_them() -> None:
    workflow = knock_workflow.read(WORKFLOW)
    assert len(workflow["name"]) <= 255
    assert len(workflow["description"]) <= 280


def test_every_email_goes_through_the_one_channel_that_the_guide_names() -> None:
    [channel] = {step["channel_key"] for _, step in EMAILS}
    assert f"`{channel}`" in GUIDE.section("The channel")


def test_every_variable_is_in_the_guide_and_no_other() -> None:
    sources = [file.read_text() for file in KNOCK.rglob("*") if file.suffix in {".html", ".txt"}]
    for workflow in (WORKFLOW, REVIEW):
        sources += texts(json.loads(workflow.read_text()))
    used = {
        ".".join(str(part) for part in variable)
        for source in sources
        for variable in Environment().from_string(source).global_variable_segments()
    }
    documented = named(GUIDE.section("The variables"))
    data = set(knock_workflow.read(WORKFLOW)["trigger_data_json_schema"]["properties"])
    known = {*documented, *(f"data.{name}" for name in data), "content", "preview_text"}
    known |= {"recipient.id", "workflow.cancellation_key"}
    assert used <= known
    assert {name for name in used if name.startswith("vars.")} == set(documented)
