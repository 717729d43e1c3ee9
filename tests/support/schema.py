"""A database's schema as text: pg_dump's words, without what differs from run to run.

`python -m tests.support.schema` (`make schema`) writes docs/schema.sql.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from service.local import migrations, platform

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "docs/schema.sql"

HEAD = """\
-- The database as the migrations leave it, every object with all that belongs to it. For readers:
-- written by `make schema` from what pg_dump says, and not meant to be run. What is not said to
-- have another owner belongs to postgres.
"""

_HEADING = re.compile(
    r"^--\n-- Name: (?P<name>.+); Type: (?P<kind>.+); Schema: (?P<schema>.+); Owner: .*\n--\n",
    re.MULTILINE,
)
_VOLATILE = re.compile(
    r"^(?:\\(?:un)?restrict .*|-- Dumped .*|SET .*|SELECT pg_catalog\.set_config.*"
    r"|ALTER .* OWNER TO postgres;)\n",
    re.MULTILINE,
)
_TABLE = re.compile(r"(?:\bALTER TABLE (?:ONLY )?|\sON )([\w.]+)")

_MAIN = ("SCHEMA", "TYPE", "TABLE", "VIEW", "FUNCTION")
_OURS = ("public", "private")


@dataclass(frozen=True)
class Entry:
    """What pg_dump says of one thing, under its own heading."""

    name: str
    kind: str
    schema: str
    text: str

    @property
    def subject(self) -> tuple[str, str, str]:
        """The kind, schema and name of what this belongs to."""
        if self.kind in _MAIN:
            return self.kind, self.schema, self.name
        if self.kind in {"ACL", "COMMENT"}:
            kind, _, name = self.name.partition(" ")
            if kind in _MAIN:
                return kind, self.schema, name
            if kind == "COLUMN":
                return "TABLE", self.schema, name.partition(".")[0]
        if table := _TABLE.search(self.text):
            schema, _, name = table[1].partition(".")
            return "TABLE", schema, name
        return self.kind, self.schema, self.name

    @property
    def is_ours(self) -> bool:
        """Not the platform's: a project's age decides the default privileges in public."""
        if self.kind == "DEFAULT ACL":
            return self.schema != "public"
        kind, schema, name = self.subject
        if kind == "SCHEMA":
            return name in _OURS
        return schema in _OURS or (self.kind in {"TRIGGER", "POLICY"} and schema == "auth")


def dump(platform_: platform.Platform, database: str) -> str:
    """The whole database's schema, the platform's part included."""
    done = subprocess.run(
        [
            platform.binaries(platform_.postgres_version) / "pg_dump",
            "--schema-only",
            f"--dbname={platform_.url('supabase_admin', database)}",
        ],
        env={name: text for name, text in os.environ.items() if not name.startswith("PG")},
        capture_output=True,
        text=True,
        check=True,
    )
    return _VOLATILE.sub("", done.stdout)


def readable(platform_: platform.Platform, database: str) -> str:
    """What is ours, a table with its constraints, indexes, triggers, policies and grants."""
    grouped: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
    for entry in _entries(dump(platform_, database)):
        if entry.is_ours:
            grouped[entry.subject].append(entry)
    sections = [_section(subject, grouped[subject]) for subject in sorted(grouped, key=_place)]
    return "\n\n".join([HEAD, *sections])


def _entries(dumped: str) -> list[Entry]:
    headings = list(_HEADING.finditer(dumped))
    ends = [*(heading.start() for heading in headings[1:]), len(dumped)]
    return [
        Entry(heading["name"], heading["kind"], heading["schema"], dumped[heading.end() : end])
        for heading, end in zip(headings, ends, strict=True)
    ]


def _place(subject: tuple[str, str, str]) -> tuple[int, bool, str]:
    """By kind; the door before the machinery."""
    kind, schema, name = subject
    return (*_MAIN, kind).index(kind), schema != "public", name


def _section(subject: tuple[str, str, str], entries: list[Entry]) -> str:
    kind, schema, name = subject
    title = f"-- {kind.capitalize()} {name if schema == '-' else f'{schema}.{name}'} "
    return "\n\n".join([title.ljust(100, "-"), *(_text(entry) for entry in entries)])


def _text(entry: Entry) -> str:
    text = entry.text.split("\n--\n-- PostgreSQL database dump complete")[0].strip()
    if entry.kind == "ACL":  # in the order in which they were granted
        text = "\n".join(sorted(text.splitlines(), reverse=True))
    return text


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="thetis-") as folder:
        started = platform.start(Path(folder))
        try:
            migrations.apply(started.database_url, ROOT / "supabase")
            COMMITTED.write_text(readable(started, "postgres"), encoding="utf-8")
        finally:
            platform.stop(Path(folder))


if __name__ == "__main__":
    main()
