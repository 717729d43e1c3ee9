"""The course app of examples/, built for this set-up and served as a static host would."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from devtools.dev import requirements


class BuildError(Exception):
    """The course app cannot be built; the message holds what Vite said."""


class CourseApp:
    """Serves what `build` wrote to this folder; every other path is a page of the app."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    async def __call__(self, request: Request) -> Response:
        file = (self._folder / request.url.path.lstrip("/")).resolve()
        if file.is_file() and file.is_relative_to(self._folder):
            return FileResponse(file)
        page = self._folder / "index.html"
        return FileResponse(page, headers={"cache-control": "no-cache"})


def build(out: Path, settings: Mapping[str, str]) -> None:
    """Build it with these settings. Raises BuildError, or MissingError."""
    done = subprocess.run(  # noqa: S603 - our own program
        [
            requirements.node(),
            str(requirements.VITE),
            "build",
            "--outDir",
            str(out),
            "--emptyOutDir",
        ],
        cwd=requirements.COURSE_APP,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildError(f"the course app cannot be built: {done.stderr.strip()[-2000:]}")
