"""What the guides show as an example is what there is."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.database import Database
from tests.support.docs import ROOT, document, documents
from tests.support.shopify import COURSE, SPLINT, order
from thetis.providers.knock import cancellation_key, trigger_data
from thetis.settings import ServiceSettings, load

SETUP = document("docs/POST_PURCHASE_SETUP.md")


def test_the_example_of_what_knock_receives_is_what_it_receives(database: Database) -> None:
    [example] = document("docs/KNOCK.md").blocks("json")
    database.record_orders(order(5992405700101, COURSE, SPLINT, order_number=1001))

    facts = database.notifications(5992405700101)["post_purchase"]["payload"]
    address, shown = facts["email"], json.loads(example)
    for made_up, real in zip(shown["data"]["purchases"], facts["purchases"], strict=True):
        made_up["id"] = real["id"]
    assert shown == {
        "recipients": [{"id": address, "email": address}],
        "actor": {"id": "5992405700101", "collection": "orders", "order_number": "1001"},
        "cancellation_key": cancellation_key(facts),
        "data": trigger_data(facts),
    }


def test_the_example_environment_starts_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    [example] = SETUP.blocks("ini")
    shown = dict(line.split("=", 1) for line in example.splitlines())
    for name in ServiceSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in shown.items():
        monkeypatch.setenv(name, value)

    settings = load(ServiceSettings)
    required = {name for name, field in ServiceSettings.model_fields.items() if field.is_required()}
    assert {name.lower() for name in shown} == settings.model_fields_set
    assert required <= settings.model_fields_set


def test_the_guide_quotes_the_course_email() -> None:
    [quoted] = re.findall(r'The email ends with\s+"([^"]+)"', SETUP.text)
    email = (ROOT / "service/thetis/emails/course_access.txt").read_text()
    assert " ".join(quoted.split()) in email


def test_the_guide_says_where_each_setting_of_its_example_comes_from() -> None:
    [example] = SETUP.blocks("ini")
    for name in re.findall(r"^\w+", example, re.MULTILINE):
        assert f"`{name}`" in SETUP.text


def test_what_the_course_app_is_told_to_call_exists_for_signed_in_users(
    database: Database,
) -> None:
    functions, tables = set(), set()
    for page in documents():
        functions |= set(re.findall(r"\brpc\('(\w+)'", page.text))
        tables |= set(re.findall(r"\bfrom\('(\w+)'\)", page.text))
    assert functions
    assert tables

    for function in functions:
        assert database.value(
            "select bool_and(has_function_privilege('authenticated', oid, 'execute')) from pg_proc"
            " where pronamespace = 'public'::regnamespace and proname = %s",
            function,
        )
    for table in tables:
        assert database.value(
            "select has_table_privilege('authenticated', %s, 'select')", f"public.{table}"
        )


def test_every_column_of_purchases_is_described(database: Database) -> None:
    section = document("docs/COURSE_APP.md").section("Purchases")
    for row in database.rows(
        "select attname as name from pg_attribute"
        " where attrelid = 'public.purchases'::regclass and attnum > 0 and not attisdropped"
    ):
        assert f"`{row['name']}`" in section, row["name"]
