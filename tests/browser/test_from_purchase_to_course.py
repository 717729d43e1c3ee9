"""The customer's way: a guest buys, signs up by a code, and opens the course."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.support.browser import Visitor
from tests.support.dev import Dev
from tests.support.signing_in import ask_for_code, sign_in, type_code

Address = Callable[[str], str]
Visit = Callable[[], Visitor]


def test_a_guest_buys_follows_the_email_signs_up_by_code_and_the_course_opens(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    guest, page = address("guest"), visitor.page
    page.goto(dev.url)
    page.get_by_label("Standard Course").check()
    page.get_by_label("Essentials Course").uncheck()
    page.get_by_label("Their address at checkout").fill(guest)
    page.get_by_role("button", name="Buy", exact=True).click()
    page.locator(f"#mails button[data-to='{guest}'][data-sender='Resend']").click()
    with visitor.context.expect_page() as opened:
        page.frame_locator("#reader-frame").get_by_role("link", name="Create your account").click()
    app = visitor.watch(opened.value)
    expect(app.get_by_role("heading", name="Open your course")).to_be_visible()
    assert app.url == f"{dev.app_url}/claim"
    visitor.look("claim-signed-out", app)

    app.get_by_label("The address you used at checkout").fill(guest)
    app.get_by_role("button", name="Send me a code").click()
    expect(app.get_by_role("heading", name="Check your mail")).to_be_visible()
    visitor.look("claim-code", app)
    page.locator(f"#mails button[data-to='{guest}'][data-sender='Auth']").click()
    code = page.locator("#reader-code strong").inner_text()
    type_code(app, code)
    expect(app.get_by_role("heading", name="Your course is open")).to_be_visible()
    visitor.look("claim-open", app)
    app.get_by_role("link", name="Open Standard Course").click()
    expect(app.get_by_role("heading", name="The first week")).to_be_visible()
    visitor.look("course-open", app)
    owner = page.get_by_role("region", name="Purchases").locator("tr").filter(has_text=guest)
    expect(owner).to_contain_text("active")
    expect(owner).not_to_contain_text("nobody yet")


def test_who_has_not_confirmed_sees_nothing(dev: Dev, visitor: Visitor, address: Address) -> None:
    guest, page = address("guest"), visitor.page
    dev.buy(guest, "standard_course")
    page.goto(f"{dev.app_url}/claim")
    ask_for_code(page, dev, guest)
    type_code(page, "000000")
    expect(page.get_by_text("This code is wrong, or too old")).to_be_visible()
    visitor.look("claim-wrong-code")
    for path in ("/courses/standard_course", "/account"):
        page.goto(dev.app_url + path)
        expect(page.get_by_text("Nobody is signed in.")).to_be_visible()
    visitor.look("account-signed-out")
    [row] = dev.rows(
        "select user_id from public.purchases where shopify_customer_email = %s", guest
    )
    assert row["user_id"] is None


def test_of_two_accounts_each_opens_only_its_own(dev: Dev, visit: Visit, address: Address) -> None:
    people = {
        address("first"): ("standard_course", "premium_course"),
        address("second"): ("premium_course", "standard_course"),
    }
    for email, (own, _) in people.items():
        dev.buy(email, own)
    for email, (own, other) in people.items():
        page = visit().page
        sign_in(page, dev, email)
        page.goto(f"{dev.app_url}/courses/{own}")
        expect(page.get_by_role("heading", name="The first week")).to_be_visible()
        page.goto(f"{dev.app_url}/courses/{other}")
        expect(page.get_by_text("This course is not open for you.")).to_be_visible()
        expect(page.get_by_text("The first week")).to_have_count(0)


def test_two_people_at_one_machine_see_each_only_their_own(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    buyer, other, page = address("buyer"), address("other"), visitor.page
    dev.buy(buyer, "standard_course")
    sign_in(page, dev, buyer)
    expect(course(page, "Standard Course")).to_contain_text("Open")
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("button", name="Sign out", exact=True)).to_have_count(0)
    sign_in(page, dev, other)
    expect(course(page, "Standard Course")).to_contain_text(f"Not bought with {other}.")


def test_what_is_refunded_while_it_is_open_is_closed(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    buyer, page = address("buyer"), visitor.page
    order = dev.buy(buyer, "standard_course")
    sign_in(page, dev, buyer)
    page.goto(f"{dev.app_url}/courses/standard_course")
    expect(page.get_by_role("heading", name="The first week")).to_be_visible()
    dev.act(order, "refund")
    page.evaluate("dispatchEvent(new Event('focus'))")  # the visitor comes back to the tab
    expect(page.get_by_text("This course is not open for you.")).to_be_visible()
    expect(page.get_by_text(f"Order #{order['number']} was paid back.")).to_be_visible()
    expect(page.get_by_role("heading", name="The first week")).to_have_count(0)
    visitor.look("course-refunded")


def test_who_comes_before_the_webhook_waits_and_the_page_goes_on_by_itself(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    guest, page = address("guest"), visitor.page
    sign_in(page, dev, guest, "/claim")
    expect(page.get_by_text("Waiting for the shop to tell us of your payment")).to_be_visible()
    visitor.look("claim-waiting")
    dev.buy(guest, "essentials_course")
    expect(page.get_by_role("heading", name="Your course is open")).to_be_visible()


def test_a_splint_alone_opens_no_course_and_is_shown(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    buyer, page = address("buyer"), visitor.page
    dev.buy(buyer, "splint")
    sign_in(page, dev, buyer, "/claim")
    expect(page.get_by_role("heading", name="No course here yet")).to_be_visible()
    expect(page.get_by_text("Splint").first).to_be_visible()
    visitor.look("claim-splint")


def test_the_catalogue_says_what_is_open_and_what_is_not(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    buyer, page = address("buyer"), visitor.page
    dev.buy(buyer, "standard_course")
    page.goto(dev.app_url)
    expect(course(page, "Standard Course")).to_contain_text("Sign in to open it")
    visitor.look("courses-signed-out")
    sign_in(page, dev, buyer)
    expect(course(page, "Standard Course")).to_contain_text("Open")
    expect(course(page, "Premium Course")).to_contain_text(f"Not bought with {buyer}.")
    visitor.look("courses")
    page.goto(f"{dev.app_url}/account")
    expect(page.get_by_role("heading", name="Purchases")).to_be_visible()
    expect(page.get_by_text("Standard Course")).to_be_visible()
    visitor.look("account")


def test_the_way_to_the_shop_chooses_the_product(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    page = visitor.page
    page.goto(dev.app_url)
    course(page, "Premium Course").get_by_role("link", name="Buy Premium Course").click()
    expect(page.get_by_label("Premium Course")).to_be_checked()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(1)


def course(page: Page, name: str) -> Locator:
    return page.get_by_role("article", name=name)
