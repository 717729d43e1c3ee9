"""`--env-file`: settings from a file, in the form that Docker, Compose and systemd read."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

import click
from dotenv.parser import parse_stream


def read_into_environment(
    _context: click.Context, _parameter: click.Parameter, path: Path | None
) -> Path | None:
    """What the environment already has is left as it is, even where it is empty."""
    if path is None:
        return None
    try:
        # utf-8-sig, because some editors begin a file with a mark of the byte order.
        for name, value in _assignments(path.read_text(encoding="utf-8-sig")):
            os.environ.setdefault(name, value)
    except OSError as error:
        raise _Unreadable(f"{path}: {error.strerror}") from None
    except ValueError as error:
        # UnicodeError is one; its own words quote the file, which holds secrets.
        words = "is not text in UTF-8" if isinstance(error, UnicodeError) else str(error)
        raise _Unreadable(f"{path} {words}") from None
    return path


def _assignments(text: str) -> list[tuple[str, str]]:
    if "\0" in text:
        raise ValueError("is not a text file")
    found = []
    for each in parse_stream(StringIO(text)):
        if each.error:
            raise ValueError(f"cannot be understood in line {each.original.line}: write NAME=value")
        if each.key is not None and each.value is not None:
            found.append((each.key, each.value))
    return found


class _Unreadable(click.ClickException):
    """One line, with the exit status of every setting that is wrong."""

    exit_code = 2

    def __init__(self, words: str) -> None:
        super().__init__(f"--env-file: {words}")
