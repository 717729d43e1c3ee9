"""The files that are made from the database are those that would be made from it now."""

from __future__ import annotations

from tests.support import end_state
from tests.support.database import Database


def test_the_schema_in_the_docs_is_current(database: Database) -> None:
    assert end_state.schema(database) == end_state.SCHEMA.read_text(), "run `make schema`"


def test_the_types_for_the_course_app_are_current(database: Database) -> None:
    assert end_state.types(database) == end_state.TYPES.read_text(), "run `make types`"
