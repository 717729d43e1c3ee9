"""No connection, no API, no session: the pages say so, lose nothing, and go on."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.support.browser import Visitor
from tests.support.dev import Dev
from tests.support.signing_in import ask_for_code, sign_in, type_code

Address = Callable[[str], str]

API = "**/rest/v1/**"


def test_with_the_api_down_the_claim_page_offers_to_try_again(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    buyer, page = address("buyer"), visitor.page
    dev.buy(buyer, "standard_course")
    page.route(API, lambda route: route.abort("connectionrefused"))
    sign_in(page, dev, buyer, "/claim")
    expect(page.get_by_role("alert")).to_contain_text("There was no answer")
    visitor.look("claim-api-down")
    page.unroute(API)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Your course is open")).to_be_visible()


def test_with_the_api_down_no_course_opens_and_none_is_said_to_be_lost(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    buyer, page = address("buyer"), visitor.page
    dev.buy(buyer, "standard_course")
    sign_in(page, dev, buyer)
    page.route(API, unavailable)
    page.goto(f"{dev.app_url}/courses/standard_course")
    expect(page.get_by_role("alert")).to_contain_text("Something went wrong on our side")
    expect(page.get_by_text("The first week")).to_have_count(0)
    expect(page.get_by_text("not open for you")).to_have_count(0)
    visitor.look("course-api-down")


def test_offline_what_is_open_stays_and_the_page_says_that_it_may_be_old(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    buyer, page = address("buyer"), visitor.page
    dev.buy(buyer, "standard_course")
    sign_in(page, dev, buyer)
    page.goto(f"{dev.app_url}/courses/standard_course")
    expect(page.get_by_role("heading", name="The first week")).to_be_visible()
    visitor.context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    expect(page.get_by_role("heading", name="The first week")).to_be_visible()
    visitor.look("course-offline")
    visitor.context.set_offline(False)
    expect(page.get_by_text("You are offline.")).to_have_count(0)


def test_a_session_that_was_ended_elsewhere_leads_to_signing_in_and_back(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    buyer, page = address("buyer"), visitor.page
    dev.buy(buyer, "standard_course")
    sign_in(page, dev, buyer, "/courses/standard_course")
    expect(page.get_by_role("heading", name="The first week")).to_be_visible()
    dev.rows(
        "delete from auth.sessions using auth.users where users.id = user_id and email = %s", buyer
    )
    expire_token(page)
    expect(page.get_by_text("Your session is over.")).to_be_visible()
    visitor.look("session-over")
    page.get_by_role("link", name="Sign in").first.click()
    type_code(page, ask_for_code(page, dev, buyer))
    expect(page.get_by_role("heading", name="The first week")).to_be_visible()
    assert page.url == f"{dev.app_url}/courses/standard_course"


def test_while_the_answer_takes_long_the_page_shows_that_it_waits(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    buyer, page = address("buyer"), visitor.page
    sign_in(page, dev, buyer)
    page.route(API, lambda _: None)  # never answered
    page.goto(dev.app_url)
    expect(page.get_by_role("status", name="Loading")).to_be_visible()
    visitor.look("courses-loading")
    page.unroute(API)  # Playwright lets go what is held
    expect(page.get_by_role("article", name="Standard Course")).to_be_visible()


def test_signing_out_everywhere_ends_the_other_devices(
    dev: Dev, visit: Callable[[], Visitor], address: Address
) -> None:
    buyer = address("buyer")
    here, there = visit().page, visit().page
    sign_in(here, dev, buyer)
    sign_in(there, dev, buyer)
    here.goto(f"{dev.app_url}/account")
    here.get_by_role("button", name="Sign out everywhere").click()
    expect(here.get_by_role("link", name="Sign in").first).to_be_visible()
    there.goto(f"{dev.app_url}/account")
    expect(there.get_by_role("heading", name="Purchases")).to_be_visible()
    expire_token(there)
    expect(there.get_by_text("Your session is over.")).to_be_visible()


def test_a_page_that_is_not_there_leads_back(dev: Dev, visitor: Visitor) -> None:
    visitor.page.goto(f"{dev.app_url}/nowhere")
    expect(visitor.page.get_by_role("heading", name="There is no such page")).to_be_visible()
    visitor.look("no-such-page")


def unavailable(route: Route) -> None:
    route.fulfill(status=503, json={"message": "the upstream does not answer"})


def expire_token(page: Page) -> None:
    """What an hour would do; then the visitor comes back, and supabase-js asks for a new token."""
    page.evaluate("""() => {
        const [name] = Object.keys(localStorage).filter((each) => each.endsWith('-auth-token'))
        const session = JSON.parse(localStorage[name])
        localStorage[name] = JSON.stringify({ ...session, expires_at: 1 })
        document.dispatchEvent(new Event('visibilitychange'))
    }""")
