"""A stranger signs up first, with a buyer's address and a password of the stranger's own."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Route, expect

from tests.support.browser import Visitor
from tests.support.dev import Dev
from tests.support.signing_in import ask_for_code, sign_in, type_code

Address = Callable[[str], str]

PASSWORD = "what-the-stranger-chose"


def test_the_strangers_password_opens_nothing_after_the_buyer_confirmed(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    buyer = address("buyer")
    assert dev.auth("/signup", {"email": buyer, "password": PASSWORD}).status_code == 200
    dev.buy(buyer, "standard_course")
    assert try_password(dev, buyer) == 400  # not confirmed

    sign_in(visitor.page, dev, buyer, "/claim")
    expect(visitor.page.get_by_role("heading", name="Your course is open")).to_be_visible()
    assert try_password(dev, buyer) == 400


def test_without_the_apps_step_the_password_would_open_the_course(
    dev: Dev, address: Address
) -> None:
    """So Auth does it as well, and the test above would pass for no reason otherwise."""
    buyer = address("buyer")
    dev.auth("/signup", {"email": buyer, "password": PASSWORD})
    dev.sign_up(buyer)
    assert try_password(dev, buyer) == 200


def test_nothing_is_shown_while_the_password_cannot_be_replaced(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    buyer, page = address("buyer"), visitor.page
    dev.buy(buyer, "standard_course")
    page.route("**/auth/v1/user", lambda route: route.abort())
    sign_in(page, dev, buyer, "/courses/standard_course")
    expect(page.get_by_text("Your account could not be made safe yet")).to_be_visible()
    expect(page.get_by_text("The first week")).to_have_count(0)
    visitor.look("account-not-safe")
    page.unroute("**/auth/v1/user")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="The first week")).to_be_visible()


def try_password(dev: Dev, email: str) -> int:
    path = "/token?grant_type=password"
    return dev.auth(path, {"email": email, "password": PASSWORD}).status_code


def test_the_password_is_replaced_also_if_nobody_heard_that_the_code_was_right(
    dev: Dev, visitor: Visitor, address: Address
) -> None:
    """Auth confirms the address, and its answer is lost: the next sign-in confirms nothing."""
    buyer, page = address("buyer"), visitor.page
    dev.auth("/signup", {"email": buyer, "password": PASSWORD})
    dev.buy(buyer, "standard_course")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.goto(f"{dev.app_url}/claim")
    code = ask_for_code(page, dev, buyer)
    page.route("**/auth/v1/verify", lose)
    type_code(page, code)
    expect(page.get_by_role("alert")).to_contain_text("There was no answer.")
    page.unroute("**/auth/v1/verify")
    assert try_password(dev, buyer) == 200  # the stranger's, for now
    long_ago = (
        "update auth.users set email_confirmed_at = now() - interval '1 day' where email = %s"
    )
    dev.rows(long_ago, buyer)
    page.evaluate("sessionStorage.clear()")
    sign_in(page, dev, buyer, "/courses/standard_course")

    expect(page.get_by_role("heading", name="The first week")).to_be_visible()
    assert try_password(dev, buyer) == 400
