"""The wording of the email with the code by which a user proves another address."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import UndefinedError

from tests.service.providers.conftest import BRAND, notification
from tests.support.emails import ELSEWHERE, Page, words
from thetis.emails import Brand, Email, claim_code


def email(brand: Brand = BRAND, **changes: Any) -> Email:
    return claim_code(notification("claim_code", **changes).payload, brand)


def both(one: Email) -> list[str]:
    return [one.html, one.text]


def test_it_tells_the_code_for_which_address_and_for_how_long() -> None:
    for body in both(email()):
        assert "042917" in body
        assert "ada.lovelace@example.com" in body
        assert "good for 15 minutes" in body
        assert "only for the account that asked for it" in body


def test_who_did_not_ask_is_told_to_do_nothing_and_to_give_it_to_nobody() -> None:
    for body in both(email()):
        assert "You did not ask for it?" in body
        assert "ignore this email" in body
        assert "give the code to nobody" in " ".join(body.split())


def test_a_locked_telephone_does_not_show_the_code() -> None:
    one = email()
    assert one.subject == "Your code for Example & Daughters"
    assert "042917" not in one.subject + one.preheader
    assert Page(one.html).hidden == words(one.preheader)


def test_it_has_no_link_that_somebody_could_follow() -> None:
    one = email()
    assert Page(one.html).links == []
    assert "http" not in one.text


def test_the_text_part_says_what_the_html_part_says() -> None:
    one = email()
    assert Page(one.html).words == words(one.text)


def test_it_loads_nothing_from_elsewhere() -> None:
    for tag in ELSEWHERE:
        assert tag not in email().html


def test_names_are_escaped_in_html_and_plain_in_text() -> None:
    one = email(email="o'neil@example.com")
    assert "o&#39;neil@example.com" in one.html
    assert "o'neil@example.com" in one.text
    assert "Example &amp; Daughters" in one.html
    assert "Example & Daughters" in one.text


def test_a_shop_name_of_several_lines_cannot_break_the_subject() -> None:
    brand = Brand(shop_name="The\nShop", support_email="help@example.com")
    assert email(brand).subject == "Your code for The Shop"


def test_the_same_payload_gives_the_same_bytes() -> None:
    assert email() == email()


def test_a_message_whose_code_was_dropped_cannot_be_sent() -> None:
    payload = notification("claim_code").payload
    del payload["code"]
    with pytest.raises(UndefinedError, match="code"):
        claim_code(payload, BRAND)
