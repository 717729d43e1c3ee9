"""The wording of the course access email."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import UndefinedError

from tests.service.providers.conftest import BRAND, notification
from tests.support.emails import ELSEWHERE, Page, without_links, words
from thetis.emails import Brand, Email, course_access

COURSES = [{"slug": "a", "name": "Standard Course"}, {"slug": "b", "name": "Premium Course"}]


def email(brand: Brand = BRAND, **changes: Any) -> Email:
    payload = notification("course_access", **changes).payload
    return course_access(payload, "https://learn.example.com", brand)


def both(one: Email) -> list[str]:
    return [one.html, one.text]


def test_it_names_the_courses_the_order_and_the_address_to_use() -> None:
    for body in both(email(courses=COURSES)):
        assert "Standard Course" in body
        assert "Premium Course" in body
        assert "#1001" in body
        assert "ada.lovelace@example.com" in body


def test_it_says_whom_to_ask() -> None:
    for body in both(email()):
        assert "reply to this email" in body


def test_a_buyer_without_an_account_is_told_to_create_one_with_this_address() -> None:
    for body in both(email(has_account=False)):
        assert "Two steps are left" in body
        assert "Create your account" in body
        assert "with the address you used at checkout" in body
        assert "Confirm the address" in body
        assert "account under another address" in body
        assert "already in your account" not in body


def test_a_buyer_with_an_account_has_nothing_to_do_but_to_sign_in() -> None:
    for body in both(email(has_account=True)):
        assert "There is nothing to set up" in body
        assert "already in your account" in body
        assert "Sign in and start" in body
        assert "Create your account" not in body
        assert "Confirm the address" not in body


def test_who_proved_the_address_is_told_to_sign_in_with_the_usual_one() -> None:
    for body in both(email(has_account=True, signs_in_elsewhere=True)):
        assert "already in your account" in body
        assert "usual address" in body
        assert "you used at checkout" not in body
        assert "ada.lovelace@example.com" in body


def test_the_preheader_says_how_much_is_left_and_is_hidden_in_the_html() -> None:
    new, known = email(has_account=False), email(has_account=True)
    assert new.preheader != known.preheader
    for one in (new, known):
        assert Page(one.html).hidden == words(one.preheader)
        assert one.preheader not in one.text


@pytest.mark.parametrize(
    ("has_account", "elsewhere"), [(False, False), (True, False), (True, True)]
)
def test_the_text_part_says_what_the_html_part_says(*, has_account: bool, elsewhere: bool) -> None:
    one = email(courses=COURSES, has_account=has_account, signs_in_elsewhere=elsewhere)
    page = Page(one.html)
    fallback = words("If the button does not work open this link")
    at = page.words.index("If")
    assert page.words[at : at + len(fallback)] == fallback
    shown = page.words[:at] + page.words[at + len(fallback) + len(words(page.links[-1])) :]
    assert shown == words(without_links(one.text, page))


def test_its_only_link_is_to_the_claim_page() -> None:
    for has_account in (False, True):
        one = email(has_account=has_account)
        assert set(Page(one.html).links) == {"https://learn.example.com/claim"}
        assert "https://learn.example.com/claim\n" in one.text


def test_the_subject_counts_the_courses() -> None:
    assert email().subject == "Your course is ready (order #1001)"
    assert email(courses=COURSES).subject == "Your courses are ready (order #1001)"


def test_it_lists_the_courses_and_does_not_say_that_nothing_else_was_bought() -> None:
    for body in both(email()):
        assert "Thank you for your order #1001. Your course:" in body
    for body in both(email(courses=COURSES)):
        assert "Thank you for your order #1001. Your courses:" in body


def test_an_order_without_a_number_is_spoken_of_without_one() -> None:
    one = email(order_number=None)
    assert one.subject == "Your course is ready"
    for body in both(one):
        assert "Thank you for your order." in body
        assert "None" not in body


def test_names_are_escaped_in_html_and_plain_in_text() -> None:
    one = email(courses=[{"slug": "a", "name": "Knees & <Toes>"}], email="o'neil@example.com")
    assert "Knees &amp; &lt;Toes&gt;" in one.html
    assert "<Toes>" not in one.html
    assert "o&#39;neil@example.com" in one.html
    assert "- Knees & <Toes>\n" in one.text
    assert "o'neil@example.com" in one.text


def test_a_name_of_several_lines_cannot_break_the_subject() -> None:
    assert "\n" not in email(courses=[{"slug": "a", "name": "Standard\nCourse"}]).subject


def test_it_loads_nothing_from_elsewhere() -> None:
    for tag in ELSEWHERE:
        assert tag not in email().html


def test_the_same_payload_gives_the_same_bytes() -> None:
    assert email() == email()


def test_a_slash_at_the_end_of_the_app_url_makes_no_difference() -> None:
    payload = notification("course_access").payload
    assert course_access(payload, "https://a.example.com/", BRAND) == course_access(
        payload, "https://a.example.com", BRAND
    )


def test_a_payload_without_a_field_is_an_error_not_a_gap() -> None:
    payload = notification("course_access").payload
    del payload["email"]
    with pytest.raises(UndefinedError, match="email"):
        course_access(payload, "https://learn.example.com", BRAND)


def test_it_names_the_shop_and_where_to_write() -> None:
    one = email(
        Brand(shop_name="A & B", support_email="help@example.com", shop_address="1 High St")
    )
    for body in (one.text, one.html.replace("&amp;", "&")):
        assert body.count("A & B") == 2
        assert "help@example.com" in body
        assert "1 High St" in body
    assert "None" not in email().html + email().text


def test_a_logo_has_the_shops_name_and_two_limits_that_leave_its_shape() -> None:
    brand = Brand(
        shop_name='The "best"',
        support_email="help@example.com",
        logo_url="https://example.com/l.png",
    )
    html = email(brand).html
    assert 'src="https://example.com/l.png" alt="The &#34;best&#34;" height="40"' in html
    assert "width: auto; height: auto; max-width: 240px; max-height: 40px;" in html


@pytest.mark.parametrize(
    ("color", "words_in"),
    [
        ("#1463a5", "#ffffff"),
        ("#ffe600", "#000000"),
        ("#000000", "#ffffff"),
        ("#FFFFFF", "#000000"),
    ],
)
def test_the_words_on_the_button_can_be_read(color: str, words_in: str) -> None:
    html = email(Brand(shop_name="A", support_email="help@example.com", color=color)).html
    assert f"background: {color}; border-radius: 7px; color: {words_in};" in html


def test_what_was_added_later_is_spoken_of_as_added() -> None:
    for body in both(email(is_addition=True)):
        assert "This was added to your order #1001. Your course:" in body
        assert "Thank you for your order" not in body
