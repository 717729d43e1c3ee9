"""What Knock is sent of an order is what the workflow accepts, and it leads to the right branch."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from devtools import knock_workflow
from tests.support.database import Database
from tests.support.shopify import COURSE, PREMIUM, SPLINT, order
from tests.tools.knock_workflow.post_purchase import KNOCK, VARIABLES, WORKFLOW, trigger_data

SCHEMA = knock_workflow.read(WORKFLOW)["trigger_data_json_schema"]


def faults(data: Any) -> list[str]:
    return [fault.message for fault in OAS31Validator(SCHEMA).iter_errors(data)]


def sent(database: Database, order_id: int) -> dict[str, Any]:
    return knock.trigger_data(database.notifications(order_id)["post_purchase"]["payload"])


@pytest.mark.parametrize(
    ("products", "branch"),
    [
        ([SPLINT], "splint_only"),
        ([COURSE], "course_only"),
        ([COURSE, PREMIUM], "course_only"),
        ([SPLINT, COURSE, PREMIUM], "both"),
    ],
)
def test_an_order_satisfies_the_schema_and_takes_its_branch(
    database: Database, products: list[str], branch: str
) -> None:
    database.record_orders(order(1001, *products))
    data = sent(database, 1001)
    assert faults(data) == []
    assert knock_workflow.render(KNOCK, data, VARIABLES).branch == branch


def test_a_product_of_a_new_category_takes_the_default(database: Database) -> None:
    database.execute("update public.products set category = 'accessory' where slug = %s", SPLINT)
    database.record_orders(order(1001, SPLINT))
    data = sent(database, 1001)
    assert faults(data) == []
    assert knock_workflow.render(KNOCK, data, VARIABLES).branch == "default"


def test_an_order_without_a_number_satisfies_the_schema(database: Database) -> None:
    database.record_orders(order(1001, SPLINT, order_number=None))
    data = sent(database, 1001)
    assert data["order_number"] is None
    assert faults(data) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"order_number": 1001},
        {"products_ordered": []},
        {"products_ordered": "splint"},
        {"categories_ordered": [None]},
        {"categories_ordered": ["course", "course"]},
    ],
    ids=str,
)
def test_the_schema_refuses_what_the_templates_could_not_use(wrong: dict[str, Any]) -> None:
    assert faults(trigger_data("course") | wrong)


@pytest.mark.parametrize("name", sorted(trigger_data("course")))
def test_the_schema_wants_every_field(name: str) -> None:
    data = trigger_data("course")
    del data[name]
    assert faults(data)
