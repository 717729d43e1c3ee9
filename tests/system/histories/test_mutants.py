from __future__ import annotations

import pytest

from tests.system.histories.mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault)
def test_every_deliberate_fault_can_still_be_made(mutant: Mutant) -> None:
    """Else `make mutants` would test the product against itself."""
    assert (ROOT / mutant.file).read_text().count(mutant.old) == 1
    assert mutant.old != mutant.new
