"""Structured logs on standard error: constant event names with fields.

The events are listed in docs/REFERENCE.md. No event carries a payload, a secret or an address.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import traceback
from pathlib import Path
from typing import Literal, TextIO, cast

import structlog
from structlog.typing import Processor


class _StandardError(io.TextIOBase):
    """A line that cannot be written must not fail the work that it tells of."""

    def write(self, line: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(line)
        return len(line)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


def configure(level: str, log_format: Literal["json", "console"]) -> None:
    """Write our events to standard error, and those of libraries (uvicorn, psycopg) in the same
    form. Ours do not go through the standard library, whose records cost as much again.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _StandardError())),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # At INFO the HTTP clients log whole URLs, and some of Knock's hold a recipient's address. The
    # pool logs several lines for each call.
    for noisy in ("httpx", "httpcore", "knockapi", "psycopg.pool"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def where(error: BaseException) -> str:
    """The files and lines that led to an exception, outermost first.

    A traceback would also show the exception's message, which may hold what must not be logged.
    """
    steps = traceback.extract_tb(error.__traceback__)
    return " > ".join(f"{Path(step.filename).name}:{step.lineno}" for step in steps)
