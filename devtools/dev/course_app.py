"""The course app of examples/, built for this set-up and served as a static host would."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from devtools import checkout
from devtools.dev import requirements

FOLDER = checkout.ROOT / "examples/course-app"
VITE = FOLDER / "node_modules/vite/bin/vite.js"

NOT_THERE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>No course app</title>
<body style="font:1rem/1.5 system-ui;max-width:34rem;margin:4rem auto;padding:0 1rem">
<main><h1>The course app is not built</h1><p>{reason}</p></main>"""


class BuildError(Exception):
    """The course app cannot be built; the message holds what Vite said."""


class CourseApp:
    """Serves what `build` wrote to this folder; every other path is a page of the app."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    async def __call__(self, request: Request) -> Response:
        index = self._folder / "index.html"
        if not index.exists():
            reason = f"There is no {index.name} in {self._folder.name}."
            return HTMLResponse(NOT_THERE.format(reason=reason), 503)
        file = (self._folder / request.url.path.lstrip("/")).resolve()
        if file.is_file() and file.is_relative_to(self._folder):
            return FileResponse(file)
        return FileResponse(index, headers={"cache-control": "no-cache"})


def is_there() -> bool:
    """Is there a course app in this checkout?"""
    return (FOLDER / "index.html").exists()


def build(out: Path, settings: Mapping[str, str]) -> None:
    """Raises BuildError, or MissingError."""
    if not VITE.exists():
        raise requirements.MissingError(
            "the course app's packages are not installed: run `npm ci --prefix examples/course-app`"
        )
    done = subprocess.run(  # noqa: S603 - our own program
        [requirements.node(), str(VITE), "build", "--outDir", str(out), "--emptyOutDir"],
        cwd=FOLDER,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildError(f"the course app cannot be built: {done.stderr.strip()[-2000:]}")
