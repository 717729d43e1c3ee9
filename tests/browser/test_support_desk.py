"""The support desk. Auth is Lite's, which has no second factor: two of the staff accounts count as
signed in with one, and the third does not. What sets one up is therefore not tried here.
"""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from devtools.dev import staff
from tests.support.browser import Visitor
from tests.support.dev import Dev
from tests.support.signing_in import sign_in

Address = Callable[[str], str]
Visit = Callable[[], Visitor]


def test_an_address_that_was_wrong_is_corrected_and_the_course_opens(
    dev: Dev, visitor: Visitor, visit: Visit, address: Address
) -> None:
    wrong, right, desk = address("wrong"), address("right"), visitor.page
    dev.buy(wrong, "standard_course")
    customer = visit().page
    sign_in(customer, dev, right, "/courses/standard_course")
    expect(customer.get_by_text("This course is not open for you.")).to_be_visible()

    sign_in(desk, dev, staff.SUPPORT, "/support")
    expect(desk.get_by_role("searchbox")).to_be_focused()
    visitor.look("support-desk")
    look_up(desk, wrong)
    expect(desk.get_by_role("heading", name=wrong)).to_be_visible()
    visitor.look("support-customer")
    desk.get_by_role("button", name="Transfer …").first.click()
    desk.get_by_label("To the address").fill(right)
    desk.get_by_label("Reason").fill("misspelt at checkout")
    visitor.look("support-act")
    desk.get_by_role("button", name="Show what will change").click()
    expect(desk.get_by_text("This will change:")).to_be_visible()
    visitor.look("support-confirmation")
    [unchanged] = purchases_of(dev, wrong)
    assert unchanged["user_id"] is None
    desk.get_by_role("button", name="Do it").click()
    expect(desk.get_by_text("Done: Transfer standard_course")).to_be_visible()

    customer.evaluate("dispatchEvent(new Event('focus'))")
    expect(customer.get_by_role("heading", name="The first week")).to_be_visible()
    assert purchases_of(dev, wrong) == []
    look_up(desk, right)
    expect(desk.get_by_text("misspelt at checkout")).to_be_visible()
    visitor.look("support-time-line")


def test_a_course_is_granted_and_revoked_from_the_keyboard(
    dev: Dev, visitor: Visitor, visit: Visit, address: Address
) -> None:
    friend, desk = address("friend"), visitor.page
    customer = visit().page
    sign_in(customer, dev, friend, "/courses/premium_course")
    sign_in(desk, dev, staff.SUPPORT, "/support")
    expect(desk.get_by_role("searchbox")).to_be_focused()
    desk.keyboard.type(friend)
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("heading", name=friend)).to_be_visible()
    desk.get_by_role("button", name="Grant …").press("Enter")
    desk.get_by_label("Product").select_option("premium_course")
    desk.get_by_label("Reason").fill("a gift")
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("This will change:")).to_be_visible()
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("Done: Grant a course.")).to_be_visible()
    customer.evaluate("dispatchEvent(new Event('focus'))")
    expect(customer.get_by_role("heading", name="Questions of others")).to_be_visible()

    desk.get_by_role("button", name="Revoke …").click()
    desk.get_by_label("Reason").fill("by mistake")
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("This will change:")).to_be_visible()
    desk.get_by_role("button", name="Do it").click()
    expect(desk.get_by_text("Done: Revoke")).to_be_visible()
    customer.evaluate("dispatchEvent(new Event('focus'))")
    expect(customer.get_by_text("This course is not open for you.")).to_be_visible()


def test_the_email_is_sent_again_and_arrives(dev: Dev, visitor: Visitor, address: Address) -> None:
    guest, desk = address("guest"), visitor.page
    order = dev.buy(guest, "standard_course")
    first = dev.mail(guest, "Resend")
    sign_in(desk, dev, staff.SUPPORT, f"/support?q={order['number']}")
    desk.get_by_role("button", name="Resend").first.click()
    desk.get_by_label("Reason").fill("it did not arrive")
    desk.get_by_role("button", name="Show what will change").click()
    expect(desk.get_by_text(f"the course email goes to {guest}")).to_be_visible()
    desk.get_by_role("button", name="Do it").click()
    assert dev.mail(guest, "Resend", first["id"])["subject"] == first["subject"]


def test_what_is_known_of_a_customer_is_exported_whole(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    guest, desk = address("guest"), visitor.page
    order = dev.buy(guest, "standard_course")
    sign_in(desk, dev, staff.SUPPORT, f"/support?q={guest}")
    with desk.expect_download() as downloaded:
        desk.get_by_role("button", name="Export").click()
    assert order["id"] in downloaded.value.path().read_text(encoding="utf-8")


def test_who_may_only_look_sees_no_buttons(dev: Dev, visitor: Visitor, address: Address) -> None:
    guest, desk = address("guest"), visitor.page
    dev.buy(guest, "standard_course")
    sign_in(desk, dev, staff.VIEWER, f"/support?q={guest}")
    expect(desk.get_by_role("heading", name=guest)).to_be_visible()
    expect(desk.get_by_text("You may look.")).to_be_visible()
    expect(desk.locator("main").get_by_role("button")).to_have_text(["Look up"])
    visitor.look("support-viewer")


def test_staff_without_a_second_factor_see_nobody(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    guest, desk = address("guest"), visitor.page
    dev.buy(guest, "standard_course")
    sign_in(desk, dev, staff.WITHOUT_SECOND_FACTOR, f"/support?q={guest}")
    expect(desk.get_by_role("heading", name="A second factor is needed")).to_be_visible()
    expect(desk.get_by_role("heading", name=guest)).to_have_count(0)
    visitor.look("support-second-factor")


def test_a_customer_is_told_that_the_desk_is_for_staff(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    desk = visitor.page
    sign_in(desk, dev, address("customer"), "/support?q=1001")
    expect(desk.get_by_text("This page is for support staff.")).to_be_visible()
    expect(desk.get_by_role("searchbox")).to_have_count(0)
    expect(desk.get_by_role("link", name="Support desk")).to_have_count(0)
    visitor.look("support-not-staff")


def test_nobody_found_says_who_is_alike(dev: Dev, visitor: Visitor) -> None:
    desk = visitor.page
    sign_in(desk, dev, staff.SUPPORT, "/support?q=ada@exampel.com")
    expect(desk.get_by_text("Nobody is known by")).to_be_visible()
    visitor.look("support-nobody")


def look_up(desk: Page, words: str) -> None:
    desk.keyboard.press("/")
    desk.get_by_role("searchbox").fill(words)
    desk.keyboard.press("Enter")


def purchases_of(dev: Dev, address: str) -> list[dict[str, object]]:
    query = "select user_id from public.purchases where shopify_customer_email = %s"
    return dev.rows(query, address)
