"""The course app as it is with VITE_PASSWORDS=on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from devtools.dev import course_app, keys
from tests.support.browser import Visitor
from tests.support.dev import Dev
from tests.support.signing_in import ask_for_code, type_code

Address = Callable[[str], str]

STRANGERS = "what-the-stranger-chose"
OWN = "what the buyer chose"
CODE_INSTEAD = "First time here, or password forgotten"


@dataclass(frozen=True)
class App:
    url: str


@pytest.fixture(scope="module")
def app(dev: Dev, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """Another build of it, for the same project."""
    folder = tmp_path_factory.mktemp("with-passwords")
    settings = {"VITE_SUPABASE_URL": dev.url, "VITE_SUPABASE_KEY": keys.PUBLISHABLE}
    course_app.build(folder, settings | {"VITE_PASSWORDS": "on"})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield App(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()


class Files(SimpleHTTPRequestHandler):
    """Every path that is no file is a page of the app."""

    def translate_path(self, path: str) -> str:
        file = Path(super().translate_path(path))
        return str(file if file.is_file() else Path(self.directory) / "index.html")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        pass


def sign_in(page: Page, email: str, password: str) -> None:
    page.locator("input[type=email]").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def test_nothing_is_shown_before_a_strangers_password_is_replaced(
    dev: Dev, app: App, visitor: Visitor, address: Address
) -> None:
    buyer, page = address("buyer"), visitor.page
    dev.auth("/signup", {"email": buyer, "password": STRANGERS})
    dev.buy(buyer, "standard_course")
    page.goto(f"{app.url}/claim")
    visitor.look("passwords-claim")
    page.get_by_role("button", name=CODE_INSTEAD).click()
    type_code(page, ask_for_code(page, dev, buyer))

    chosen = page.get_by_role("heading", name="Choose a new password")
    expect(chosen).to_be_visible()
    visitor.look("passwords-new")
    page.goto(f"{app.url}/courses/standard_course")  # nor by another way
    expect(chosen).to_be_visible()
    page.get_by_label("New password").fill(OWN)
    page.get_by_role("button", name="Save password").click()

    expect(page.get_by_role("heading", name="The first week")).to_be_visible()
    body = {"email": buyer, "password": STRANGERS}
    assert dev.auth("/token?grant_type=password", body).status_code == 400


def test_a_password_signs_in_and_one_that_was_forgotten_is_replaced(
    dev: Dev, app: App, visitor: Visitor, visit: Callable[[], Visitor], address: Address
) -> None:
    buyer, page = address("buyer"), visitor.page
    page.goto(f"{app.url}/sign-in")
    page.get_by_role("button", name=CODE_INSTEAD).click()
    type_code(page, ask_for_code(page, dev, buyer))
    page.get_by_label("New password").fill(OWN)
    page.get_by_role("button", name="Save password").click()
    expect(page.get_by_role("heading", name="Courses")).to_be_visible()

    other = visit().page
    other.goto(f"{app.url}/sign-in?next=/account")
    sign_in(other, buyer, "another one")
    expect(other.get_by_role("alert")).to_contain_text("The address or the password is wrong.")
    sign_in(other, buyer, OWN)
    expect(other.get_by_role("heading", name="Account")).to_be_visible()

    other.get_by_label("New password").fill("a newer one")
    other.get_by_role("button", name="Save password").click()
    expect(other.get_by_text("The new password is saved.")).to_be_visible()
    body = {"email": buyer, "password": OWN}
    assert dev.auth("/token?grant_type=password", body).status_code == 400
