"""The e-mails that we word ourselves; their templates are the files beside this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


@dataclass(frozen=True, kw_only=True)
class Email:
    subject: str
    html: str
    text: str


def course_access(payload: Mapping[str, Any], course_app_url: str) -> Email:
    """Tell a buyer how to reach the courses that they bought.

    `payload` is that of a `resend.course_access` notification:
    {to, order_number, has_account, courses: [{slug, name}, ...]}.
    The same input gives the same bytes: an e-mail that changes between two attempts would not be
    recognised by its idempotency key. For that reason there is no date, and no name of a course
    in the subject, which must be a single line whatever the catalogue holds.
    """
    values = {**payload, "claim_url": course_app_url.rstrip("/") + "/claim"}
    noun = "course is" if len(payload["courses"]) == 1 else "courses are"
    return Email(
        subject=f"Your {noun} ready (order #{payload['order_number']})",
        html=_templates.get_template("course_access.html").render(values),
        text=_templates.get_template("course_access.txt").render(values),
    )
