"""Files are as short as CONTRIBUTING.md says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.docs import ROOT

CHAPTERS = sorted((ROOT / "supabase" / "migrations").glob("*.sql"))
CODE = sorted((ROOT / "service").rglob("*.py")) + sorted((ROOT / "devtools").rglob("*.py"))


def test_a_file_of_code_has_no_more_than_250_lines() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in CODE
    }
    assert len(lengths) > 60
    assert {name: length for name, length in lengths.items() if length > 250} == {}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_is_not_too_long_for_the_linter_which_leaves_larger_ones_out(
    path: Path,
) -> None:
    assert len(path.read_bytes()) < 20_000
