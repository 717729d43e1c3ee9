"""What Knock makes of the workflow in `knock/`: which messages it sends, when, and how they read.

It knows the parts of Knock's workflow format that ours uses, and refuses the others.
- Steps, branches, conditions: https://docs.knock.app/designing-workflows/branch-function
- Data that a step sets, and objects: https://docs.knock.app/designing-workflows/update-data-function
- Workflows that a step starts: https://docs.knock.app/designing-workflows/trigger-workflow-function
- Layouts, `content` and `pre_content`: https://docs.knock.app/integrations/email/layouts
- Files and the keys that end with `@`: https://docs.knock.app/cli/workflow/file-structure
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from liquid import Environment, StrictDefaultUndefined
from liquid.exceptions import LiquidError
from liquid.extra import JSON

Json = dict[str, Any]

_liquid = Environment(undefined=StrictDefaultUndefined)

UNSUBSCRIBE_URL = "https://example.com/unsubscribe"
"""Knock makes one for each recipient of a workflow that is commercial."""


class WorkflowError(Exception):
    """The files are not whole, or use something that is not known here."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One email as the customer sees it; `after` is the time since the order."""

    ref: str
    name: str
    after: timedelta
    subject: str
    preheader: str
    html: str
    text: str


@dataclass(frozen=True, kw_only=True)
class WorkflowRun:
    """What one order leads to; `branch` is the name of the first branch that was taken."""

    branch: str
    messages: tuple[Message, ...]


def read(path: Path) -> Json:
    """A workflow.json or layout.json as `knock push` sends it, each file put in its place."""
    try:
        content: Json = _with_files(json.loads(path.read_text(encoding="utf-8")), path.parent)
    except (OSError, ValueError) as error:
        raise WorkflowError(f"{path}: {error}") from error
    content.pop("$schema", None)
    return content


def render(
    knock_dir: Path,
    data: Mapping[str, Any],
    variables: Mapping[str, str],
    ended: Mapping[str, timedelta] | None = None,
) -> WorkflowRun:
    """What Knock sends for this trigger data, with these variables of the Knock environment.

    Every variable that a template names without a default has to be there. `ended`: which purchases
    are lost, and how long after the order the run is told.
    """
    walk = _Walk(knock_dir, {"data": data, "vars": variables}, ended or {})
    walk.run("post-purchase")
    return WorkflowRun(branch=walk.branches[0], messages=tuple(walk.sent))


class _Walk:
    """One run of a workflow, without the waiting."""

    def __init__(
        self,
        knock_dir: Path,
        scope: Json,
        ended: Mapping[str, timedelta],
        after: timedelta = timedelta(0),
    ) -> None:
        self._knock_dir = knock_dir
        self._scope = scope
        self._ended = ended
        self._after = after
        self.sent: list[Message] = []
        self.branches: list[str] = []

    def run(self, key: str) -> None:
        workflow = read(self._knock_dir / "workflows" / key / "workflow.json")
        unsubscribe = UNSUBSCRIBE_URL if workflow["settings"]["is_commercial"] else None
        variables = {**self._scope["vars"], "commercial_unsubscribe_url": unsubscribe}
        self._scope = {**self._scope, "vars": variables}
        self.take(workflow["steps"])

    def take(self, steps: list[Json]) -> bool:
        """Whether the run goes on after these steps."""
        return all(self._take(step) for step in steps)

    def _take(self, step: Json) -> bool:
        if not holds(step.get("conditions"), self._scope):
            return True
        match step["type"]:
            case "channel":
                self.sent.append(_message(self._knock_dir, step, self._after, self._scope))
            case "delay":
                duration = step["settings"]["delay_for"]
                self._after += timedelta(**{duration["unit"]: duration["value"]})
            case "branch":
                return self._branch(step["branches"])
            case "update_data":
                news = evaluate(step, "data", self._scope, self._order())
                self._scope = {**self._scope, "data": {**self._scope["data"], **news}}
            case "trigger_workflow":
                told = evaluate(step, "data", self._scope, self._order())
                scope = {**self._scope, "data": told}
                started = _Walk(self._knock_dir, scope, self._ended, self._after)
                started.run(step["settings"]["workflow_key"])
                self.sent += started.sent
            case kind:
                raise WorkflowError(f"a step of type {kind}")
        return True

    def _order(self) -> Json:
        """The order's object as it is at this time."""
        lost = [each for each, told_after in self._ended.items() if told_after <= self._after]
        return {"ended_purchases": " ".join(lost)} if lost else {}

    def _branch(self, branches: list[Json]) -> bool:
        taken = next(each for each in branches if holds(each.get("conditions"), self._scope))
        self.branches.append(taken["name"])
        return self.take(taken["steps"]) and not taken.get("terminates", False)


def evaluate(step: Json, setting: str, scope: Mapping[str, Any], order: Json) -> Json:
    """A setting that is Liquid and comes to JSON, where the order's object is this."""
    environment = Environment(undefined=StrictDefaultUndefined)
    environment.add_filter("json", JSON())
    environment.add_filter("object", lambda _id, _collection: order)
    try:
        rendered = environment.from_string(step["settings"][setting]).render(scope)
        found: Json = json.loads(rendered)
    except (LiquidError, ValueError) as error:
        raise WorkflowError(f"{step['ref']}: {error}") from error
    return found


def holds(conditions: Json | None, scope: Mapping[str, Any]) -> bool:
    if conditions is None:
        return True
    if conditions.keys() != {"all"}:
        raise WorkflowError(f"conditions other than 'all': {', '.join(conditions)}")
    return all(_is_met(each, scope) for each in conditions["all"])


def _is_met(condition: Json, scope: Mapping[str, Any]) -> bool:
    value: Any = scope
    for name in condition["variable"].split("."):
        value = value[name]
    match condition["operator"]:
        case "contains":
            return condition["argument"] in value
        case "not_contains":
            return condition["argument"] not in value
        case operator:
            raise WorkflowError(f"the operator {operator}")


def _message(knock_dir: Path, step: Json, after: timedelta, scope: Mapping[str, Any]) -> Message:
    template = step["template"]
    settings = template["settings"]
    layout = read(knock_dir / "layouts" / settings["layout_key"] / "layout.json")
    before = settings["pre_content"]

    def render(source: str, **more: str) -> str:
        try:
            return _liquid.from_string(source).render({**scope, **more})
        except LiquidError as error:
            raise WorkflowError(f"{step['ref']}: {error}") from error

    def whole(body: str, frame: str) -> str:
        return render(before + frame, content=render(before + body).strip())

    return Message(
        ref=step["ref"],
        name=step["name"],
        after=after,
        subject=render(template["subject"]),
        preheader=render(before + "{{ preview_text }}"),
        html=whole(template["html_body"], layout["html_layout"]),
        text=whole(template["text_body"], layout["text_layout"]),
    )


def _with_files(node: Any, folder: Path) -> Any:
    if isinstance(node, list):
        return [_with_files(each, folder) for each in node]
    if not isinstance(node, dict):
        return node
    return dict(_entries(node, folder))


def _entries(node: Json, folder: Path) -> Iterator[tuple[str, Any]]:
    for key, value in node.items():
        if key.endswith("@"):
            yield key.removesuffix("@"), (folder / value).read_text(encoding="utf-8")
        else:
            yield key, _with_files(value, folder)
