"""Structured logs on standard error: constant event names with fields.

The events are listed in docs/REFERENCE.md. No event carries a payload, a secret or an address.
"""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path
from typing import Literal

import structlog
from structlog.typing import Processor


def configure(level: str, log_format: Literal["json", "console"]) -> None:
    """Route structlog and the standard library's logging (uvicorn, psycopg) into one stream."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
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
