"""The wording of the course access e-mail."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import UndefinedError

from service.emails import Email, course_access
from tests.senders.conftest import notification

COURSES = [{"slug": "a", "name": "Standard Course"}, {"slug": "b", "name": "Premium Course"}]


def email(**changes: Any) -> Email:
    payload = notification("resend.course_access", **changes).payload
    return course_access(payload, "https://learn.example.com")


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
        assert "reply to this e-mail" in body


def test_a_buyer_without_an_account_is_told_to_create_one_with_this_address() -> None:
    for body in both(email(has_account=False)):
        assert "Create your account with the address you used at checkout" in body
        assert "Sign in" not in body


def test_a_buyer_with_an_account_is_told_to_sign_in() -> None:
    for body in both(email(has_account=True)):
        assert "Sign in with the address you used at checkout" in body
        assert "Create your account" not in body


def test_the_subject_counts_the_courses() -> None:
    assert email().subject == "Your course is ready (order #1001)"
    assert email(courses=COURSES).subject == "Your courses are ready (order #1001)"


def test_names_are_escaped_in_html_and_plain_in_text() -> None:
    one = email(courses=[{"slug": "a", "name": "Knees & <Toes>"}], to="o'neil@example.com")
    assert "Knees &amp; &lt;Toes&gt;" in one.html
    assert "<Toes>" not in one.html
    assert "o&#39;neil@example.com" in one.html
    assert "- Knees & <Toes>\n" in one.text
    assert "o'neil@example.com" in one.text


def test_a_name_of_several_lines_cannot_break_the_subject() -> None:
    assert "\n" not in email(courses=[{"slug": "a", "name": "Standard\nCourse"}]).subject


def test_it_loads_nothing_from_elsewhere() -> None:
    html = email().html
    for tag in ("<img", "<link", "<script", "@import", "url(", "src="):
        assert tag not in html


def test_the_same_payload_gives_the_same_bytes() -> None:
    assert email() == email()


def test_a_slash_at_the_end_of_the_app_url_makes_no_difference() -> None:
    payload = notification("resend.course_access").payload
    assert course_access(payload, "https://a.example.com/") == course_access(
        payload, "https://a.example.com"
    )


def test_a_payload_without_a_field_is_an_error_not_a_gap() -> None:
    payload = notification("resend.course_access").payload
    del payload["to"]
    with pytest.raises(UndefinedError):
        course_access(payload, "https://learn.example.com")
