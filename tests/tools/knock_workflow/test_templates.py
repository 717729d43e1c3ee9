"""How the messages read. They are rendered as strictly as Liquid can: a gap is an error."""

from __future__ import annotations

import re

import pytest

from devtools import knock_workflow
from devtools.knock_workflow import UNSUBSCRIBE_URL
from tests.support.emails import ELSEWHERE, Page, without_links, words
from tests.tools.knock_workflow.post_purchase import (
    CATEGORIES,
    KNOCK,
    VARIABLES,
    every_message,
    render,
    trigger_data,
)

MESSAGES = every_message()
CLAIM_PAGE = VARIABLES["course_app_url"] + "/claim"
NUDGES = ["course_nudge", "both_course_nudge"]
every_one = pytest.mark.parametrize("ref", MESSAGES)


@pytest.mark.parametrize("branch", CATEGORIES)
def test_every_template_renders_without_a_gap(branch: str) -> None:
    for message in render(*CATEGORIES[branch]).messages:
        for part in (message.subject, message.preheader, message.html, message.text):
            assert part.strip()
            assert not re.search(r"\{[{%]|[}%]\}|None", part)
        assert "order #1001" in message.text


@pytest.mark.parametrize("branch", CATEGORIES)
def test_an_order_without_a_number_is_spoken_of_without_one(branch: str) -> None:
    for message in render(*CATEGORIES[branch], order_number=None).messages:
        assert "#" not in message.text.replace("#review", "")
        assert "None" not in message.html


@every_one
def test_the_text_part_says_what_the_html_part_says(ref: str) -> None:
    message = MESSAGES[ref]
    page = Page(message.html)
    above = words(VARIABLES["shop_name"])
    assert page.words == above + words(without_links(message.text, page))


@every_one
def test_every_link_leads_where_a_variable_says_and_stands_in_the_text_too(ref: str) -> None:
    for link in Page(MESSAGES[ref].html).links:
        assert link in {CLAIM_PAGE, VARIABLES["splint_review_url"], UNSUBSCRIBE_URL}
        assert link in MESSAGES[ref].text


@every_one
def test_it_loads_nothing_so_it_looks_the_same_with_images_off(ref: str) -> None:
    for tag in ELSEWHERE:
        assert tag not in MESSAGES[ref].html


@every_one
def test_subject_and_preheader_fit_and_do_not_repeat_each_other(ref: str) -> None:
    message = MESSAGES[ref]
    assert len(message.subject) <= 60
    assert len(message.preheader) <= 90
    assert "\n" not in message.subject
    assert message.subject != message.preheader


@every_one
def test_the_preheader_is_hidden_before_everything_else(ref: str) -> None:
    message = MESSAGES[ref]
    assert Page(message.html).hidden == words(message.preheader)
    _, _, body = message.html.partition("<body")
    assert body.index("display: none") < body.index("<table")


@every_one
def test_a_reader_is_told_whom_to_ask_and_why_the_message_came(ref: str) -> None:
    assert "Reply to this email" in MESSAGES[ref].text
    assert "You get it because of your order #1001 at Example & Daughters." in MESSAGES[ref].text


@pytest.mark.parametrize("ref", ["course_welcome", "both_welcome"])
def test_a_welcome_leaves_the_way_in_to_the_course_email(ref: str) -> None:
    message = MESSAGES[ref]
    assert "separate email that has your order number" in " ".join(message.text.split())
    assert Page(message.html).links == []


@pytest.mark.parametrize("ref", NUDGES)
def test_a_nudge_leads_to_the_claim_page_also_whoever_has_no_account_yet(ref: str) -> None:
    message = MESSAGES[ref]
    assert Page(message.html).links == [CLAIM_PAGE]
    assert f"{CLAIM_PAGE}\n" in message.text
    assert "You have no account yet?" in message.text
    assert "the address that this email came to" in " ".join(message.text.split())


@pytest.mark.parametrize("branch", ["course_only", "both"])
def test_a_slash_at_the_end_of_the_app_url_makes_no_difference(branch: str) -> None:
    with_slash = VARIABLES | {"course_app_url": VARIABLES["course_app_url"] + "/"}
    found = knock_workflow.render(KNOCK, trigger_data(*CATEGORIES[branch]), with_slash)
    assert found == render(*CATEGORIES[branch])


OPTIONAL = {"shop_address", "brand_color", "brand_text_color", "logo_url"}


@pytest.mark.parametrize("branch", CATEGORIES)
def test_a_variable_that_is_optional_may_be_empty_or_missing(branch: str) -> None:
    data = trigger_data(*CATEGORIES[branch])
    missing = {name: value for name, value in VARIABLES.items() if name not in OPTIONAL}
    found = knock_workflow.render(KNOCK, data, missing)
    empty = missing | dict.fromkeys(OPTIONAL, "")
    assert found == knock_workflow.render(KNOCK, data, empty)
    for message in found.messages:
        assert "help@example.com, " not in message.text
        assert "<img" not in message.html
        if 'class="button"' in message.html:
            assert "background: #1463a5; border-radius: 7px; color: #ffffff;" in message.html


@pytest.mark.parametrize("branch", CATEGORIES)
def test_the_look_of_each_email_is_the_shops(branch: str) -> None:
    look = {
        "logo_url": "https://example.com/logo.png",
        "brand_color": "#ffe600",
        "brand_text_color": "#000000",
    }
    data = trigger_data(*CATEGORIES[branch])
    for message in knock_workflow.render(KNOCK, data, VARIABLES | look).messages:
        logo = 'src="https://example.com/logo.png" alt="Example &amp; Daughters" height="40"'
        assert logo in message.html
        assert "width: auto; height: auto; max-width: 240px; max-height: 40px;" in message.html
        assert "1 Example Street" in message.text
        if 'class="button"' in message.html:
            assert "background: #ffe600; border-radius: 7px; color: #000000;" in message.html


@pytest.mark.parametrize("ref", ["splint_straps", "splint_toes_down"])
def test_what_cannot_wait_is_marked(ref: str) -> None:
    assert "medical help straight away" in " ".join(MESSAGES[ref].text.split())
    assert 'class="note"' in MESSAGES[ref].html
