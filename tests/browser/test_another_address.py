"""What was bought with another address: claimed by a code, which only that address is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Visitor
from tests.support.dev import Dev, Json
from tests.support.signing_in import sign_in

Address = Callable[[str], str]
Visit = Callable[[], Visitor]

WRONG = "This code is not good"


@pytest.fixture
def other(dev: Dev, address: Address) -> str:
    """The address at checkout."""
    bought_with = address("checkout")
    dev.buy(bought_with, "standard_course")
    return bought_with


@pytest.fixture
def page(dev: Dev, visitor: Visitor, address: Address) -> Page:
    """The claim page of somebody whose own address bought nothing."""
    sign_in(visitor.page, dev, address("login"), "/claim")
    expect(visitor.page.get_by_role("heading", name="No course here yet")).to_be_visible()
    return visitor.page


def test_the_code_from_the_other_address_brings_its_purchases(
    dev: Dev, visitor: Visitor, page: Page, other: str
) -> None:
    visitor.look("claim-another-address")
    code = request_code(page, dev, other)
    visitor.look("claim-another-address-code")
    claim(page, code)
    expect(page.get_by_role("heading", name="Your course is open")).to_be_visible()
    page.get_by_role("link", name="Open Standard Course").click()
    expect(page.get_by_role("heading", name="The first week")).to_be_visible()


def test_a_later_purchase_with_the_proven_address_comes_by_itself_until_it_is_removed(
    dev: Dev, visitor: Visitor, page: Page, other: str
) -> None:
    claim(page, request_code(page, dev, other))
    expect(page.get_by_role("heading", name="Your course is open")).to_be_visible()
    dev.buy(other, "premium_course")
    page.goto(f"{dev.app_url}/courses/premium_course")
    expect(page.get_by_role("heading", name="Questions of others")).to_be_visible()

    page.goto(f"{dev.app_url}/account")
    page.get_by_role("button", name=f"Remove {other}").click()
    visitor.look("account-removing-an-address")
    page.get_by_role("button", name=f"Remove {other}", exact=True).click()
    expect(page.get_by_text(f"{other} was removed.")).to_be_visible()
    visitor.look("account-address-removed")
    dev.buy(other, "essentials_course")
    page.goto(f"{dev.app_url}/courses/essentials_course")
    expect(page.get_by_text("This course is not open for you.")).to_be_visible()


def test_wrong_codes_open_nothing_and_the_right_one_is_spent_by_too_many(
    dev: Dev, visitor: Visitor, page: Page, other: str
) -> None:
    code = request_code(page, dev, other)
    for guess in range(5):
        claim(page, wrong(code, guess))
        expect(page.get_by_text(WRONG)).to_be_visible()
        if guess == 0:
            visitor.look("claim-another-address-wrong")
    claim(page, code)
    expect(page.get_by_text(WRONG)).to_be_visible()
    assert owner(dev, other) is None


def test_the_code_of_somebody_else_is_worth_nothing_to_another(
    dev: Dev, visit: Visit, page: Page, other: str, address: Address
) -> None:
    theirs = request_code(page, dev, other)
    thief = visit().page
    sign_in(thief, dev, address("thief"), "/claim")
    request_code(thief, dev, address("nobody"), is_known=False)
    claim(thief, theirs)
    expect(thief.get_by_text(WRONG)).to_be_visible()
    assert owner(dev, other) is None
    claim(page, theirs)
    expect(page.get_by_role("heading", name="Your course is open")).to_be_visible()


def test_an_unknown_address_is_answered_like_a_known_one_and_sent_nothing(
    dev: Dev, page: Page, address: Address
) -> None:
    unknown = address("unknown")
    request_code(page, dev, unknown, is_known=False)
    claim(page, "123456")
    expect(page.get_by_text(WRONG)).to_be_visible()
    assert dev.mails(unknown) == []


def test_codes_that_are_asked_for_too_often_are_refused(
    dev: Dev, visitor: Visitor, page: Page, other: str
) -> None:
    request_code(page, dev, other)
    page.get_by_role("button", name="Use another address").click()
    page.get_by_label("The address you used at checkout").fill(other)
    page.get_by_role("button", name="Send a code to this address").click()
    expect(page.get_by_text("No more emails for now.")).to_be_visible()
    visitor.look("claim-too-many-codes")


def test_what_another_account_owns_does_not_move(
    dev: Dev, visit: Visit, page: Page, other: str
) -> None:
    their_own = visit().page
    sign_in(their_own, dev, other)
    assert owner(dev, other) == other
    claim(page, request_code(page, dev, other))
    expect(page.get_by_role("heading", name="No course here yet")).to_be_visible()
    assert owner(dev, other) == other


def request_code(page: Page, dev: Dev, email: str, *, is_known: bool = True) -> str:
    """The code that came, or "" when none should."""
    newest = max((mail["id"] for mail in dev.mails(email)), default=0)
    page.get_by_label("The address you used at checkout").fill(email)
    page.get_by_role("button", name="Send a code to this address").click()
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    return str(_code(dev, email, newest)["code"]) if is_known else ""


def _code(dev: Dev, email: str, after: int) -> Json:
    """The shop's own emails to that address hold no code."""
    mail = dev.mail(email, "Resend", after)
    return mail if mail["code"] else _code(dev, email, int(mail["id"]))


def claim(page: Page, code: str) -> None:
    page.get_by_label("Code", exact=True).fill(code)
    page.get_by_role("button", name="Claim", exact=True).click()


def wrong(code: str, guess: int) -> str:
    """Another one for each guess, and never this one."""
    return f"{(int(code) + 1 + guess) % 1_000_000:06}"


def owner(dev: Dev, address: str) -> str | None:
    [row] = dev.rows(
        "select users.email from public.purchases left join auth.users on users.id = user_id"
        " where shopify_customer_email = %s",
        address,
    )
    email: str | None = row["email"]
    return email
