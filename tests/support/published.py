"""The schemas that Knock and Resend publish, as far as we use them.

The extracts in `published/` are shipped, so that the tests need nothing else. Where the whole
specifications are at hand, in WHOLE, `tests/senders/test_published_schemas.py` compares.
To renew the extracts: `python -m tests.support.published`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from openapi_schema_validator import OAS30Validator, OAS31Validator

from tests.support.docs import ROOT

EXTRACTS = Path(__file__).parent / "published"
WHOLE = ROOT.parent / "shared" / "specs"

Json = dict[str, Any]

_PREFIX = "#/components/schemas/"
_DESCRIPTIVE = {"description", "example", "examples", "title"}


@dataclass(frozen=True, kw_only=True)
class Specification:
    """One provider's, with the schemas of what we send; `leave_out` names what we never do."""

    file: str
    roots: tuple[str, ...]
    leave_out: Collection[str] = ()

    @property
    def extract_path(self) -> Path:
        return EXTRACTS / f"{self.file.partition('.')[0]}.json"

    @property
    def whole_path(self) -> Path:
        return WHOLE / self.file

    def shipped(self) -> Json:
        extract: Json = json.loads(self.extract_path.read_text())
        return extract

    def extract(self) -> Json:
        """Computed from the whole specification."""
        whole = yaml.load(self.whole_path.read_text(), Loader=yaml.CSafeLoader)
        schemas = whole["components"]["schemas"]
        kept: Json = {}
        wanted = list(self.roots)
        while wanted:
            if (name := wanted.pop()) not in kept:
                kept[name] = _trimmed(schemas[name], self.leave_out)
                wanted += _references(kept[name])
        return {"openapi": whole["openapi"], "components": {"schemas": dict(sorted(kept.items()))}}

    def faults(self, schema: str, value: object, *, is_ours: bool = True) -> list[str]:
        """What is wrong with this value; of our own, also a property that is not in the schema."""
        document = _closed(self.shipped()) if is_ours else self.shipped()
        kind = OAS31Validator if document["openapi"].startswith("3.1") else OAS30Validator
        validator = kind({**document, "$ref": _PREFIX + schema})
        return [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(value)]


KNOCK_MANAGEMENT = Specification(
    file="knock-management.openapi.yml",
    roots=(
        "WorkflowRequest",
        "EmailLayoutRequest",
        "ShowWorkflowResponse",
        "Channel",
        "WhoamiResponse",
    ),
    # All kinds of step but those of our workflow.
    leave_out=(
        "GoalAttachment",
        "EmailVisualBlocks",
        *(
            f"Workflow{kind}Step"
            for kind in (
                "AIAgent", "Batch", "Chat", "Fetch", "InAppFeed", "InAppGuide", "Push",
                "RandomCohort", "Sms", "Throttle", "UpdateObject", "UpdateTenant", "UpdateUser",
                "WaitForEvent", "Webhook",
            )
        ),
    ),
)  # fmt: skip
KNOCK = Specification(
    file="knock-api.openapi.yml",
    roots=(
        "TriggerWorkflowRequest",
        "CancelWorkflowRequest",
        "SetObjectRequest",
        "ListObjectsResponse",
    ),
    leave_out=(
        "InlineChannelDataRequest",
        "InlinePreferenceSetRequest",
        "InlineTenantRequest",
    ),
)
EVENTS = tuple(
    f"Email{each}Event"
    for each in (
        "Sent", "Delivered", "DeliveryDelayed", "Bounced", "Complained", "Failed", "Suppressed"
    )
)  # fmt: skip
"""What Resend tells of an email."""

RESEND = Specification(
    file="resend.openapi.json",
    roots=(
        "SendEmailRequest",
        "ListDomainsResponse",
        "ListWebhooksResponse",
        "GetWebhookResponse",
        "ListSuppressionsResponseSuccess",
        *EVENTS,
    ),
    leave_out=("EmailTemplateInput",),
)

SPECIFICATIONS = (KNOCK_MANAGEMENT, KNOCK, RESEND)


def _trimmed(schema: Any, leave_out: Collection[str]) -> Any:
    """Without prose, and without the alternatives that we never use."""
    if isinstance(schema, list):
        return [_trimmed(each, leave_out) for each in schema if not _is_left_out(each, leave_out)]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _properties(value, leave_out) if key == "properties" else _trimmed(value, leave_out)
        for key, value in schema.items()
        if key not in _DESCRIPTIVE and not key.startswith("x-")
    }


def _properties(schemas: Json, leave_out: Collection[str]) -> Json:
    return {
        name: _trimmed(schema, leave_out)
        for name, schema in schemas.items()
        if not any(
            _is_left_out(each, leave_out)
            for each in (schema, *schema.get("anyOf", ()), *schema.get("allOf", ()))
        )
    }


def _is_left_out(schema: object, leave_out: Collection[str]) -> bool:
    return isinstance(schema, dict) and schema.get("$ref", "").removeprefix(_PREFIX) in leave_out


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].removeprefix(_PREFIX)
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)


def _closed(schema: Any) -> Any:
    """The schema made strict: no unknown properties.

    And "or null" no longer lets everything through, as the published `{nullable: true}` does. Of
    alternatives one or more may fit: what is published overlaps, since an object with properties
    of its own is a user, too.
    """
    if isinstance(schema, list):
        return [_closed(each) for each in schema if each != {"nullable": True}]
    if not isinstance(schema, dict):
        return schema
    closed = {"anyOf" if key == "oneOf" else key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        closed.setdefault("additionalProperties", False)
    return closed


def _written(extract: Json) -> str:
    """A schema a line."""
    schemas = extract["components"]["schemas"].items()
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(schema)}" for name, schema in schemas)
    version = json.dumps(extract["openapi"])
    return f'{{"openapi": {version}, "components": {{"schemas": {{\n{lines}\n}}}}}}\n'


if __name__ == "__main__":
    for specification in SPECIFICATIONS:
        specification.extract_path.write_text(_written(specification.extract()))
