"""The workflow under test, and the orders that lead through each of its branches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from devtools import knock_workflow
from tests.support.docs import ROOT

KNOCK = ROOT / "knock"
WORKFLOW = KNOCK / "workflows" / "post-purchase" / "workflow.json"
REVIEW = KNOCK / "workflows" / "review-request" / "workflow.json"
LAYOUT = KNOCK / "layouts" / "post-purchase" / "layout.json"

VARIABLES = {
    "shop_name": "Example & Daughters",
    "support_email": "help@example.com",
    "shop_address": "1 Example Street",
    "brand_color": "#1463a5",
    "brand_text_color": "#ffffff",
    "logo_url": "",
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


def trigger_data(
    *categories: str, order_number: str | None = "1001", is_addition: bool = False
) -> Json:
    return {
        "order_id": "6001",
        "order_number": order_number,
        "products_ordered": [f"a_{category}" for category in categories],
        "categories_ordered": list(categories),
        "purchases": [
            {"id": f"purchase of a {category}", "product": f"a_{category}", "category": category}
            for category in categories
        ],
        "is_addition": is_addition,
    }


def render(
    *categories: str, order_number: str | None = "1001", ended: Mapping[str, float] | None = None
) -> knock_workflow.WorkflowRun:
    """`ended`: of which category the purchase is lost, and after how many days."""
    return knock_workflow.render(
        KNOCK,
        trigger_data(*categories, order_number=order_number),
        VARIABLES,
        {
            f"purchase of a {category}": timedelta(days=days)
            for category, days in (ended or {}).items()
        },
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
