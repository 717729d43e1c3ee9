"""What the service logs, read from its source: the events, with their levels and fields."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

EVENT = re.compile(r"[a-z_]+(\.[a-z_]+)+")
LEVELS = ("debug", "info", "warning", "error", "critical")
_LOG_METHOD = re.compile(rf"\blog\.({'|'.join((*LEVELS, 'exception'))})\b")


@dataclass(frozen=True, kw_only=True)
class LogEvent:
    levels: list[str]
    fields: list[str]


def log_events(folder: Path) -> dict[str, LogEvent]:
    """Each event by its name, with every level and field that it has anywhere in this folder."""
    found: dict[str, tuple[set[str], dict[str, None]]] = {}
    for file in sorted(folder.rglob("*.py")):
        for name, levels, fields in _calls(ast.parse(file.read_text(encoding="utf-8"))):
            all_levels, all_fields = found.setdefault(name, (set(), {}))
            all_levels |= levels
            all_fields |= dict.fromkeys(fields)  # in the order in which they are logged
    return {
        name: LogEvent(levels=sorted(levels, key=LEVELS.index), fields=list(fields))
        for name, (levels, fields) in sorted(found.items())
    }


def _calls(tree: ast.Module) -> Iterator[tuple[str, set[str], list[str]]]:
    aliases = _aliases(tree)
    for call in ast.walk(tree):
        match call:
            case ast.Call(args=[ast.Constant(value=str(name))]) if EVENT.fullmatch(name):
                function = ast.unparse(call.func)
                if levels := _levels(function) or aliases.get(function, set()):
                    yield name, levels, [each.arg for each in call.keywords if each.arg]


def _aliases(tree: ast.Module) -> dict[str, set[str]]:
    """The levels of `report = log.info if … else log.warning`, by the name."""
    return {
        ast.unparse(target): _levels(ast.unparse(each.value))
        for each in ast.walk(tree)
        if isinstance(each, ast.Assign)
        for target in each.targets
    }


def _levels(source: str) -> set[str]:
    return {"error" if level == "exception" else level for level in _LOG_METHOD.findall(source)}
