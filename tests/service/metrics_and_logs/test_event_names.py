from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import thetis

SOURCES = sorted(Path(thetis.__file__).parent.rglob("*.py"))
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def _logging_calls(path: Path) -> Iterator[ast.Call]:
    """`log.error(...)`, and calls of what was assigned from such: `report = log.info if ...`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    aliases = {
        target.id
        for each in ast.walk(tree)
        if isinstance(each, ast.Assign)
        and any(map(_is_log_method, ast.walk(each.value)))
        and not isinstance(each.value, ast.Call)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    for each in ast.walk(tree):
        if isinstance(each, ast.Call) and (
            _is_log_method(each.func)
            or (isinstance(each.func, ast.Name) and each.func.id in aliases)
        ):
            yield each


def _is_log_method(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr in LEVELS
        and isinstance(node.value, ast.Name)
        and node.value.id in {"log", "logger", "logging"}
    )


CALLS = [(path, call) for path in SOURCES for call in _logging_calls(path)]


def test_there_are_logging_calls_to_look_at() -> None:
    assert {path.name for path, _ in CALLS} >= {"app.py", "webhooks.py", "worker.py"}


@pytest.mark.parametrize(
    ("path", "call"), CALLS, ids=[f"{path.name}:{call.lineno}" for path, call in CALLS]
)
def test_an_event_has_a_constant_name_and_named_fields(path: Path, call: ast.Call) -> None:
    [name] = call.args
    assert isinstance(name, ast.Constant) and isinstance(name.value, str)
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", name.value)
    assert all(field.arg for field in call.keywords), "no ** of who knows what"
