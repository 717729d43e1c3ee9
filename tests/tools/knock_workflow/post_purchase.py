"""The workflow under test, and the orders that lead through each of its branches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from devtools import knock_workflow
from tests.support.docs import ROOT

KNOCK = ROOT / "knock"
WORKFLOW = KNOCK / "workflows" / "post-purchase" / "workflow.json"
LAYOUT = KNOCK / "layouts" / "post-purchase" / "layout.json"

VARIABLES = {
    "shop_name": "Example & Daughters",
    "course_app_url": "https://courses.example.com",
    "splint_review_url": "https://shop.example.com/splint#review",
}

CATEGORIES = {
    "both": ["course", "device"],
    "splint_only": ["device"],
    "course_only": ["course"],
    "default": ["accessory"],
}
"""What an order has to hold for each branch."""

Json = dict[str, Any]


def trigger_data(*categories: str, order_number: str | None = "1001") -> Json:
    return {
        "order_number": order_number,
        "products_ordered": [f"a_{category}" for category in categories],
        "categories_ordered": list(categories),
    }


def render(*categories: str, order_number: str | None = "1001") -> knock_workflow.WorkflowRun:
    return knock_workflow.render(
        KNOCK, trigger_data(*categories, order_number=order_number), VARIABLES
    )


def every_message() -> dict[str, knock_workflow.Message]:
    """Each message of the workflow once, by its step."""
    return {
        message.ref: message
        for categories in CATEGORIES.values()
        for message in render(*categories).messages
    }


def every_step(steps: list[Json]) -> Iterator[Json]:
    for step in steps:
        yield step
        for branch in step.get("branches", ()):
            yield from every_step(branch["steps"])
