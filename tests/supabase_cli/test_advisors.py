"""What Supabase's own linter has to say about the database."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.database import Database
from tests.support.supabase_cli import output

EXPECTED = {
    # Deliberate: no API role may look into `private`, row level security or not. It is enabled so
    # that a grant by mistake still shows nothing.
    ("rls_enabled_no_policy", "private"),
}
"""The findings that stay, by name and schema, each with its reason."""

UNUSED = {("unused_index", "public"), ("unused_index", "private")}
"""Said of every index that no query has used yet, so of all of them in a database this new."""


def test_the_advisors_find_nothing_but_what_is_named_here(
    database: Database, project: Path
) -> None:
    said = output(database, "db", "advisors", "--level=info", workdir=project)
    findings = json.loads(said[said.index("[") :])

    assert {(each["name"], each["metadata"]["schema"]) for each in findings} - UNUSED == EXPECTED
    assert {each["level"] for each in findings} == {"INFO"}
