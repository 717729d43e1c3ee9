"""What Supabase's own linter has to say about the database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.database import Database
from tests.support.supabase_cli import output

EXPECTED = {
    # Deliberate: no API role may look into `thetis`, row level security or not. It is enabled so
    # that a grant by mistake still shows nothing.
    ("rls_enabled_no_policy", "thetis"),
}
"""The findings that stay, by name and schema, each with its reason."""

UNUSED = {("unused_index", "public"), ("unused_index", "thetis")}
"""Said of every index that no query has used yet, so of all of them in a database this new."""

VIEW = "create view public.mine as select * from public.purchases"


def findings(database: Database, project: Path) -> list[dict[str, Any]]:
    said = output(database, "db", "advisors", "--level=info", workdir=project)
    found: list[dict[str, Any]] = json.loads(said[said.index("[") :])
    return found


def names(found: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(each["name"], each["metadata"]["schema"]) for each in found} - UNUSED


def test_the_advisors_find_nothing_but_what_is_named_here(
    database: Database, project: Path
) -> None:
    found = findings(database, project)

    assert names(found) == EXPECTED
    assert {each["level"] for each in found} == {"INFO"}


@pytest.mark.parametrize(
    ("mistake", "name"),
    [
        ("alter table public.purchases disable row level security", "rls_disabled_in_public"),
        (f"{VIEW}; grant select on public.mine to authenticated", "security_definer_view"),
        (
            "alter function public.has_access(text) reset search_path",
            "function_search_path_mutable",
        ),
    ],
)
def test_a_mistake_would_be_found(
    database: Database, project: Path, mistake: str, name: str
) -> None:
    database.execute(mistake)
    assert (name, "public") in names(findings(database, project))
