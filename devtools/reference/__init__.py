"""docs/REFERENCE.md, made of what there is: `make reference`.

Names, defaults, fields and labels come from the code and the database. So do the words, where code
says them: the docstrings of settings and commands, the help of options and metrics, the comments of
SQL functions and states. What nobody says there stands in words.toml, and the frame around it all
in frame.md.jinja.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jinja2

from devtools.reference import code
from devtools.reference.log_events import LogEvent, log_events
from devtools.reference.sql import Migrations, functions
from devtools.reference.words import Words, described, span, table
from thetis.doctor.settings import DoctorSettings
from thetis.settings import DatabaseSettings, ServiceSettings, WorkerSettings
from thetis.shopify_settings import ShopifySettings

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docs/REFERENCE.md"
MIGRATIONS = ROOT / "service/thetis/doctor/migrations.txt"
WORDS = Path(__file__).with_name("words.toml")
FRAME = Path(__file__).with_name("frame.md.jinja")


@dataclass(frozen=True, kw_only=True)
class Reference:
    text: str
    faults: list[str]


def migration_names() -> str:
    """What the doctor looks for in a database: the migrations themselves are not in the wheel."""
    files = sorted((ROOT / "supabase/migrations").glob("*.sql"))
    return "".join(f"{file.stem}\n" for file in files)


def reference(database_url: str) -> Reference:
    """The page, for a database with all migrations."""
    words = Words(WORDS)
    sql = Migrations(ROOT / "supabase")
    frame = FRAME.read_text(encoding="utf-8")
    text = jinja2.Template(
        frame, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    ).render(
        database_settings=code.settings(DatabaseSettings, words),
        shopify_settings=code.settings(ShopifySettings, words),
        worker_settings=code.settings(WorkerSettings, words),
        service_settings=code.settings(ServiceSettings, words),
        doctor_settings=code.settings(DoctorSettings, words),
        commands=code.commands(words),
        routes=described("routes", code.routes(), words),
        outcomes=code.outcomes(words),
        metrics=code.metrics(words),
        alarms=table(("Alarm", "Expression"), words.of("metrics", "alarms")),
        events=_events(log_events(ROOT / "service"), words),
        functions=_functions(database_url, sql, words),
        errors=table(
            ("SQLSTATE", "Meaning", "What to do"),
            [(span(name), *words.of("errors", name)) for name in sql.errors()],
        ),
        purchase_states=_states("Status", sql.annotated("create type thetis.purchase_status")),
        kinds=_states("Kind", sql.annotated("constraint kind_is_known")),
        notification_states=_states(
            "Status", sql.annotated("status text not null default 'pending'")
        ),
        tables=described("tables", sql.tables(), words, head="Table"),
    )
    return Reference(text=text, faults=words.faults())


def _events(events: dict[str, LogEvent], words: Words) -> str:
    return table(
        ("Event", "Level", "Fields", "Meaning"),
        [
            (
                span(name),
                ", ".join(event.levels),
                span(*event.fields),
                words.of("events", name),
            )
            for name, event in events.items()
        ],
    )


def _functions(database_url: str, sql: Migrations, words: Words) -> str:
    return table(
        ("Function", "For", "What it does"),
        [
            (
                f"`{each.name}({', '.join(each.arguments)})`",
                ", ".join(each.roles),
                words.expect(each.name, sql.first_sentence(each.name)),
            )
            for each in functions(database_url)
        ],
    )


def _states(head: str, meanings: dict[str, str]) -> str:
    return table(
        (head, "Meaning"), [(span(name), _sentence(words)) for name, words in meanings.items()]
    )


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
