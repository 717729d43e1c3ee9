"""Chromium, as a visitor has it: pages that notice errors, are looked over, and pictured."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
PICTURES = ROOT / "tests/browser/screenshots"

MISSING = "Chromium is not installed: on Debian, apt-get install chromium"

FLAGS = (
    "--no-sandbox",  # it has no rights to give away that the tests do not have
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
LOOKS = (("desktop", "light"), ("desktop", "dark"), ("phone", "light"))

MILLISECONDS = 15_000
"""Within which what a test waits for has to come."""


def program() -> str | None:
    """The installed browser: Playwright's own is never downloaded."""
    return shutil.which("chromium")


@contextmanager
def launched() -> Iterator[Browser]:
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Somebody with a browser of their own: no cookies, no sessions of anybody else."""

    def __init__(self, browser: Browser, **options: Any) -> None:
        width, height = SIZES["desktop"]
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", **options
        )
        self.context.set_default_timeout(MILLISECONDS)
        self.errors: list[str] = []
        self.page = self.watch(self.context.new_page())

    def watch(self, page: Page) -> Page:
        """A page that this visitor opened: what goes wrong in it is kept."""
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page

    def look(self, name: str, page: Page | None = None) -> None:
        """Picture the page wide, dark and narrow, and find nothing wrong with it."""
        page = page or self.page
        faults = [fault for look in LOOKS for fault in _look(page, name, *look)]
        width, height = SIZES["desktop"]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="light")
        found = [*faults, *self.errors]
        assert not found, "\n".join(found)

    def leave(self) -> None:
        self.context.close()


def _look(page: Page, name: str, size: str, scheme: str) -> Iterator[str]:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}-{size}-{scheme}.png", full_page=True)
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        yield f"{name} is wider than a {size}"
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    # Dark, nothing but the colours is different.
    rules = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
    asked = {"resultTypes": ["violations"], **rules}
    for violation in page.evaluate("asked => axe.run(asked)", asked)["violations"]:
        nodes = [node["html"][:200] for node in violation["nodes"]]
        yield f"{name}, {size}, {scheme}: {violation['id']}: {nodes}"
