"""Whether a database has the migrations of this release, by their names."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from thetis.doctor.checks import Finding, failed, passed, unknown, warned

CUT_OVER = "drop_enrollments"
"""The migration that may wait: it is applied once the old system is switched off."""


def released_migrations() -> dict[str, str]:
    """The names of this release's migrations, by their versions."""
    listed = resources.files("thetis.doctor").joinpath("migrations.txt").read_text("utf-8")
    return {name.partition("_")[0]: name.partition("_")[2] for name in listed.split()}


def judge(applied: Sequence[str] | None) -> Finding:
    """`applied` are the versions that the database lists; None if it keeps no list.

    The course app may have migrations of its own in the same project: those say nothing.
    """
    released = released_migrations()
    if applied is None:
        return unknown("this database keeps no list of its migrations")
    missing = [name for version, name in released.items() if version not in applied]
    if missing == [CUT_OVER]:
        return warned(
            f"all but {CUT_OVER}, which ends the cut-over",
            "apply it when the old system is switched off: docs/ENROLLMENTS.md",
        )
    if missing:
        return failed(f"{len(missing)} of {len(released)} are missing: {_few(missing)}")
    return passed("all of this release are applied")


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
