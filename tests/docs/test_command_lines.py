"""Every `thetis …` and `thetis-dev …` that a document shows is one that the command accepts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress

import click
import pytest

from devtools import cli as devtools_cli
from tests.support.docs import Document, documents
from thetis import cli

PROGRAMS: dict[str, click.Command] = {"thetis": cli.main, "thetis-dev": devtools_cli.main}
ENDS_A_COMMAND = {";", "&", "&&", "|", "||", "(", ")", "#"}


def command_lines(page: Document) -> Iterator[list[str]]:
    """Each call of a program of ours in the page's shell blocks."""
    for block in page.blocks("bash", "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            yield from _arguments(line)
    for block in page.blocks("console"):  # what is typed, between what is printed
        for line in re.findall(r"^\$ (.+)$", block, re.MULTILINE):
            yield from _arguments(line)


def _arguments(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    for start, word in enumerate(words):
        program = word.split("/")[-1]
        if program in PROGRAMS and (start == 0 or words[start - 1] in ENDS_A_COMMAND):
            end = next(
                (at for at, later in enumerate(words) if at > start and later in ENDS_A_COMMAND),
                len(words),
            )
            yield [program, *words[start + 1 : end]]


def find(arguments: list[str]) -> tuple[click.Command, list[str]]:
    """The command that these arguments name, and those that are left for it."""
    program, *arguments = arguments
    command = PROGRAMS[program]
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments
        assert name in command.commands, name
        command = command.commands[name]
    return command, arguments


SHOWN = [(page.name, arguments) for page in documents() for arguments in command_lines(page)]
MENTIONED = sorted(
    {
        (page.name, span)
        for page in documents()
        if page.name != "CHANGELOG.md"  # which also tells of commands that are gone
        for span in page.spans()
        if span.split(" ")[0] in PROGRAMS and " " in span and "…" not in span
    }
)


def test_there_are_command_lines_to_check() -> None:
    assert {"docs/DEPLOY.md", "docs/TESTING_GUIDE.md", "docs/POST_PURCHASE_SETUP.md"} <= {
        name for name, _ in SHOWN
    }


@pytest.mark.parametrize(("page", "arguments"), SHOWN)
def test_a_command_line_is_complete_and_valid(page: str, arguments: list[str]) -> None:
    command, rest = find(arguments)
    assert not isinstance(command, click.Group) or rest in (["--version"], ["--help"])
    with suppress(click.exceptions.Exit):  # where --help and --version end
        command.make_context("thetis", rest)


@pytest.mark.parametrize(("page", "span"), MENTIONED)
def test_a_command_that_is_mentioned_exists_with_its_options(page: str, span: str) -> None:
    command, rest = find(shlex.split(span))
    options = {
        name for parameter in command.get_params(click.Context(command)) for name in parameter.opts
    }
    assert set(re.findall(r"(?<!\S)--[a-z-]+", " ".join(rest))) <= options | {"--version"}
