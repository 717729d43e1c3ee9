"""The emails that we word ourselves; their templates are the files beside this one."""

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
    """`preheader` is what a mailbox shows beside the subject; it is hidden in `html`."""

    subject: str
    preheader: str
    html: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Brand:
    """Whose email it is. `color` is #rrggbb. The shop's name is the alternative text of a logo."""

    shop_name: str
    support_email: str
    shop_address: str | None = None
    color: str = "#1463a5"
    logo_url: str | None = None

    @property
    def text_color(self) -> str:
        """Black or white, whichever is easier to read on the colour.

        Source: the relative luminance of WCAG 2.2, where both have the same contrast at 0.179.
        """
        red, green, blue = (
            _linear(int(self.color[place : place + 2], 16) / 255) for place in (1, 3, 5)
        )
        luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        return "#000000" if luminance > 0.179 else "#ffffff"


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def course_access(payload: Mapping[str, Any], course_app_url: str, brand: Brand) -> Email:
    """Tell a buyer how to reach the courses that they bought.

    `payload` is that of a `course_access` notification:
    {email, order_number, has_account, is_addition, courses: [{slug, name}, ...]}, and
    `signs_in_elsewhere` where the account was made with another address.
    The same input gives the same bytes: an email that changes between two attempts would not be
    recognised by its idempotency key. For that reason there is no date, and no name of a course
    in the subject, which must be a single line whatever the catalogue holds.
    """
    number, has_account = payload["order_number"], payload["has_account"]
    noun, verb = ("course", "is") if len(payload["courses"]) == 1 else ("courses", "are")
    heading = f"Your {noun} {verb} ready"
    subject = f"{heading} (order #{number})" if number else heading
    preheader = "Sign in and start." if has_account else "Two steps are left. They take a minute."
    thanks = "Thank you for your order"
    values = {
        "signs_in_elsewhere": False,
        **payload,
        "brand": brand,
        "subject": subject,
        "preheader": preheader,
        "heading": heading,
        "order": f" #{number}" if number else "",
        "opening": "This was added to your order" if payload["is_addition"] else thanks,
        "noun": noun,
        "action": "Sign in and start" if has_account else "Create your account",
        "claim_url": course_app_url.rstrip("/") + "/claim",
    }
    return Email(
        subject=subject,
        preheader=preheader,
        html=_templates.get_template("course_access.html").render(values),
        text=_templates.get_template("course_access.txt").render(values),
    )


def claim_code(payload: Mapping[str, Any], brand: Brand) -> Email:
    """Tell a user the code by which they prove that they read this address.

    `payload` is that of a `claim_code` notification: {email, code, minutes}. There is no link in
    it: whoever asked has the page open, and whoever did not has nothing to follow. The code is not
    in the subject, which a locked telephone shows to everybody.
    """
    subject = f"Your code for {' '.join(brand.shop_name.split())}"
    preheader = f"It is good for {payload['minutes']} minutes."
    values = {**payload, "brand": brand, "subject": subject, "preheader": preheader}
    return Email(
        subject=subject,
        preheader=preheader,
        html=_templates.get_template("claim_code.html").render(values),
        text=_templates.get_template("claim_code.txt").render(values),
    )
