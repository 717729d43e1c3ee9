"""deploy/.env.example: every setting, with its words, in the order of the reference.

In the form that Docker, Compose and systemd read alike: no quotes, and comments on lines of their
own.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from devtools.reference.code import ONE_WAY_IS_REQUIRED
from thetis.doctor.settings import DoctorSettings
from thetis.setting_types import Form, Settings
from thetis.settings import DatabaseSettings, ServiceSettings, WorkerSettings
from thetis.shopify_settings import ShopifySettings

FILE = Path(__file__).resolve().parents[2] / "deploy/.env.example"

HEAD = """\
# Every setting. Written by `make reference` from the code: change the words there.
#
# Copy it to .env, readable by nobody else, and fill in what has no value. An empty one counts as
# missing, and the command names it. Write values as they are, without quotes; in Compose, write $$
# for a $. docs/POST_PURCHASE_SETUP.md says where each comes from.
"""

PARTS: dict[type[Settings], str] = {
    DatabaseSettings: "The database, for every command: DATABASE_URL, or both others",
    ShopifySettings: (
        "Shopify's Admin API, for `thetis webhooks`, `backfill` and `reconcile`; optional for the"
        " others"
    ),
    WorkerSettings: "Sending, for `thetis serve` and `thetis worker`",
    ServiceSettings: "Receiving, for `thetis serve` alone",
    DoctorSettings: "Looking, for `thetis doctor` alone",
}


def environment() -> str:
    """The file."""
    return "\n".join(
        [HEAD, *(line for kind, title in PARTS.items() for line in _part(kind, title))]
    )


def _part(kind: type[Settings], title: str) -> Iterator[str]:
    yield f"# ---- {title} ----\n"
    for name, field in kind.model_fields.items():
        if name in kind.__annotations__:  # and not inherited
            yield _comment(field.description or "")
            if field.is_required():
                yield _comment(f"Required: {_form(field)}.")
            yield _assignment(name, field) + "\n"


def _assignment(name: str, field: Any) -> str:
    if field.is_required() or name in ONE_WAY_IS_REQUIRED:
        return f"{name.upper()}="
    return f"# {name.upper()}={'' if field.default is None else field.default}"


def _form(field: Any) -> str:
    [form] = [each for each in field.metadata if isinstance(each, Form)]
    return form.words


def _comment(words: str) -> str:
    return textwrap.fill(
        " ".join(words.split()),
        width=98,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )
