"""Signing in to the course app as people do: with a code from their mail."""

from __future__ import annotations

from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from tests.support.dev import Dev


def ask_for_code(page: Page, dev: Dev, email: str) -> str:
    """On a page that asks for an address: the code that comes there."""
    newest = max((mail["id"] for mail in dev.mails(email)), default=0)
    page.locator("input[type=email]").fill(email)
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    return str(dev.mail(email, "Auth", newest)["code"])


def type_code(page: Page, code: str) -> None:
    page.get_by_label("Code", exact=True).fill(code)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_in(page: Page, dev: Dev, email: str, path: str = "/") -> None:
    """Whoever has no account gets one. Then the page is at this path."""
    page.goto(f"{dev.app_url}/sign-in?{urlencode({'next': path})}")
    type_code(page, ask_for_code(page, dev, email))
    expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_visible()
