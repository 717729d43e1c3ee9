"""The page of `make dev`: shop, mailbox and rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import Visitor
from tests.support.dev import Dev


@pytest.fixture
def page(dev: Dev, visitor: Visitor) -> Page:
    visitor.page.goto(dev.url)
    return visitor.page


def test_a_purchase_is_told_to_the_service_and_shows_in_mailbox_and_rows(
    page: Page, visitor: Visitor, address: Callable[[str], str]
) -> None:
    guest = address("guest")
    order = buy(page, guest, "Splint")
    expect(mails_to(page, guest).filter(has_text="Your splint")).to_be_visible()
    row = purchases(page).filter(has_text=guest)
    expect(row).to_contain_text("active")
    expect(row).to_contain_text("nobody yet")
    order.get_by_text("2 webhooks sent").click()
    expect(order.get_by_role("listitem").filter(has_text="orders/paid")).to_have_text(
        "orders/paid: 200 recorded"
    )
    mails_to(page, guest).first.click()
    inside = page.frame_locator("#reader-frame")
    expect(inside.get_by_text("splint").first).to_be_visible()
    visitor.look("dev-page")


def test_what_was_refunded_stops_what_knock_would_still_send(
    page: Page, address: Callable[[str], str]
) -> None:
    guest = address("guest")
    order = buy(page, guest, "Splint")
    to_come = mails_to(page, guest).filter(has_text="in 1 day")
    expect(to_come).to_be_visible()
    order.get_by_role("button", name="Refund").click()
    page.get_by_role("dialog").get_by_role("button", name="Refund").click()
    expect(purchases(page).filter(has_text=guest)).to_contain_text("refunded")
    expect(mails_to(page, guest).filter(has_text="stopped").first).to_be_visible()
    expect(to_come).to_have_count(0)


def test_a_corrected_address_is_told_and_a_new_message_comes(
    page: Page, address: Callable[[str], str]
) -> None:
    wrong, right = address("wrong"), address("right")
    order = buy(page, wrong, "Standard Course")
    expect(mails_to(page, wrong).filter(has_text="Resend")).to_be_visible()
    order.get_by_role("button", name="Edit address").click()
    page.get_by_label("Address", exact=True).fill(right)
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(purchases(page).filter(has_text=right)).to_contain_text("active")
    expect(mails_to(page, right).filter(has_text="Resend")).to_be_visible()


def test_a_cancelled_order_grants_nothing(page: Page, address: Callable[[str], str]) -> None:
    guest = address("guest")
    order = buy(page, guest, "Premium Course")
    order.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the order").click()
    expect(purchases(page).filter(has_text=guest)).to_contain_text("cancelled")


def test_a_chargeback_ends_access_until_it_is_won(
    page: Page, address: Callable[[str], str]
) -> None:
    guest = address("guest")
    order = buy(page, guest, "Premium Course")
    order.get_by_role("button", name="Chargeback").click()
    page.get_by_role("dialog").get_by_role("button", name="Tell it").click()
    expect(purchases(page).filter(has_text=guest)).to_contain_text("cancelled")
    expect(order.get_by_text("disputed")).to_be_visible()
    order.get_by_role("button", name="Chargeback won").click()
    page.get_by_role("dialog").get_by_role("button", name="Tell it").click()
    expect(purchases(page).filter(has_text=guest)).to_contain_text("active")


def test_without_a_product_the_page_says_what_is_missing(page: Page, visitor: Visitor) -> None:
    expect(page.get_by_label("Splint")).to_be_visible()
    for ticked in page.get_by_role("checkbox", checked=True).all():
        ticked.uncheck()
    page.get_by_role("button", name="Buy", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("choose a product")
    visitor.look("dev-page-refusal")


def test_the_question_before_an_act_is_kept_from_changing_anything_by_escape(
    page: Page, visitor: Visitor, address: Callable[[str], str]
) -> None:
    guest = address("guest")
    order = buy(page, guest, "Splint", "Standard Course")
    order.get_by_role("button", name="Refund").click()
    visitor.look("dev-page-question")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(order.get_by_text("2 webhooks sent")).to_be_visible()
    expect(purchases(page).filter(has_text=guest)).to_contain_text(["active", "active"])


def test_when_it_was_stopped_the_page_says_so(page: Page) -> None:
    expect(page.get_by_label("Splint")).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    page.context.set_offline(False)
    expect(page.get_by_role("alert")).to_be_hidden()


def buy(page: Page, email: str, *products: str) -> Locator:
    """Buy as a guest; the order on the page."""
    expect(page.get_by_label(products[0])).to_be_visible()
    for ticked in page.get_by_role("checkbox", checked=True).all():
        ticked.uncheck()
    for product in products:
        page.get_by_label(product).check()
    page.get_by_label("Their address at checkout").fill(email)
    page.get_by_role("button", name="Buy", exact=True).click()
    order = page.locator("li.order").filter(has_text=email)
    expect(order).to_be_visible()
    return page.locator(f"li.order:has([data-key='{key_of(order)}'])")


def key_of(order: Locator) -> str:
    """By which the order is known when its address is another."""
    return order.locator("[data-act='repeat']").get_attribute("data-key") or ""


def mails_to(page: Page, email: str) -> Locator:
    return page.locator(f"#mails button[data-to='{email}']")


def purchases(page: Page) -> Locator:
    return page.get_by_role("region", name="Purchases").locator("tbody tr")
