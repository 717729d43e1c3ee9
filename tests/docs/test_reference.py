"""docs/REFERENCE.md is what `make reference` writes, and no page names what it does not."""

from __future__ import annotations

import re
from typing import NoReturn

import click
import pytest
from click.testing import CliRunner

from devtools.reference import FILE, MIGRATIONS, ROOT, migration_names, reference
from devtools.reference.code import every_command, every_metric, spelling
from devtools.reference.log_events import EVENT, log_events
from devtools.reference.sql import Migrations
from tests.support.database import Database
from tests.support.docs import Document, document, documents
from thetis.cli.acting import Until
from thetis.doctor.settings import DoctorSettings
from thetis.errors import SettingsError
from thetis.setting_types import Settings
from thetis.settings import DatabaseSettings, ServiceSettings, SyncSettings, WorkerSettings
from thetis.shopify_settings import AdminSettings

PAGES = [page for page in documents() if page.name != "CHANGELOG.md"]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)

SETTINGS = {
    "customer": DatabaseSettings,
    "messages": DatabaseSettings,
    "products": DatabaseSettings,
    "rejected": DatabaseSettings,
    "staff": DatabaseSettings,
    "backfill": SyncSettings,
    "reconcile": SyncSettings,
    "webhooks": AdminSettings,
    "worker": WorkerSettings,
    "serve": ServiceSettings,
}
"""What the headings of the reference say about who reads which settings."""


def test_the_reference_is_current_and_says_something_about_everything(database: Database) -> None:
    made = reference(database.url)

    assert made.faults == []
    assert FILE.read_text(encoding="utf-8") == made.text, "make reference"
    assert MIGRATIONS.read_text(encoding="utf-8") == migration_names(), "make reference"


def test_every_group_of_commands_reads_the_settings_that_the_reference_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[type[Settings]] = []

    def load(kind: type[Settings]) -> NoReturn:
        asked.append(kind)
        raise SettingsError("there are none")

    monkeypatch.setattr("thetis.cli.session.load", load)
    for name, command in every_command().items():
        program, group, *_ = name.split()
        if program == "thetis" and group not in {
            "simulate",
            "doctor",
        }:  # none; all, as far as right
            asked.clear()
            CliRunner().invoke(command, _arguments(command))
            assert asked == [SETTINGS[group]], name


def _arguments(command: click.Command) -> list[str]:
    """As few as it takes to be let in."""
    given = ["--order", "1"] if command.name == "transfer" else []  # one of two is required
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            given += [_value(parameter)]
        elif parameter.required:
            given += [spelling(parameter), _value(parameter)]
    return given


def _value(parameter: click.Parameter) -> str:
    if isinstance(parameter.type, click.Choice):
        return str(parameter.type.choices[0])
    if isinstance(parameter.type, Until):
        return "forever"
    return "00000000-0000-0000-0000-000000000000" if parameter.type is click.UUID else "1"


@every_page
def test_no_page_names_a_metric_that_does_not_exist(page: Document) -> None:
    assert set(re.findall(r"\bthetis_[a-z_]+", page.text)) <= every_metric().keys()


@every_page
def test_no_page_names_a_log_event_that_does_not_exist(page: Document) -> None:
    events = log_events(ROOT / "service")
    areas = {event.split(".")[0] for event in events}
    for span in page.spans():
        if EVENT.fullmatch(span) and span.split(".")[0] in areas:
            assert span in events


@every_page
def test_no_page_names_an_error_code_that_does_not_exist(page: Document) -> None:
    assert set(re.findall(r"\bTH\d{3}\b", page.text)) <= set(Migrations(ROOT / "supabase").errors())


@every_page
def test_no_page_names_a_setting_that_does_not_exist(page: Document) -> None:
    """A setting looks like `POLL_SECONDS`, and begins like one of ours."""
    prefixes = {name.partition("_")[0].upper() for name in DoctorSettings.model_fields}
    named = {span for span in page.spans() if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", span)}
    ours = {name for name in named if name.partition("_")[0] in prefixes} - OF_OTHERS
    assert ours <= {name.upper() for name in DoctorSettings.model_fields}


OF_OTHERS = {
    "SHOPIFY_ID",
    "SHOPIFY_TOKEN",
    "SUPABASE_DB_URL",
    "TEST_POSTGRES_IMAGE",
}


def test_no_page_names_a_table_or_function_of_ours_that_does_not_exist(database: Database) -> None:
    named = {
        name
        for page in PAGES
        for span in page.spans()
        for name in re.findall(r"(?<![\w./-])thetis\.([a-z_]+)\b(?!\.)", span)
    }
    assert named
    for name in named - OF_THE_CUT_OVER:
        assert database.value(
            "select to_regclass('thetis.' || %s) is not null"
            " or to_regtype('thetis.' || %s) is not null or exists ("
            " select from pg_proc where pronamespace = 'thetis'::regnamespace and proname = %s)",
            name,
            name,
            name,
        ), name


OF_THE_CUT_OVER = {"copied_enrollments", "copy_enrollments", "missing_enrollments"}
"""There only where the old table was."""


def test_every_state_of_a_purchase_and_a_notification_is_in_the_glossary(
    database: Database,
) -> None:
    glossary = document("docs/GLOSSARY.md").text
    sql = Migrations(ROOT / "supabase")
    for start in (
        "create type thetis.purchase_status",
        "constraint kind_is_known",
        "status text not null default 'pending'",
    ):
        values = sql.annotated(start)
        assert values
        for value in values:
            assert f"`{value}`" in glossary, value
