"""`thetis-dev preview`: one page with all that a customer gets."""

from __future__ import annotations

import functools
import shutil
from html import escape, unescape
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from devtools import knock_workflow, preview, sample_order
from devtools.cli import main
from devtools.sample_order import SampleOrder
from tests.support.docs import ROOT
from tests.support.emails import Page
from tests.support.shopify import COURSE, PREMIUM, SPLINT
from tests.tools.knock_workflow.post_purchase import KNOCK
from thetis.emails import claim_code, course_access
from thetis.providers import knock


def run(folder: Path, *arguments: str) -> Result:
    out = ["--out", str(folder / "page.html")]
    return CliRunner().invoke(main, ["preview", *arguments, *out])


@functools.cache
def recorded(*products: str) -> SampleOrder:
    """A platform of its own takes seconds to start, so each order is recorded once."""
    return sample_order.record(
        ROOT / "supabase", [preview.slug_and_category(each) for each in products]
    )


def page(*products: str) -> str:
    return preview.page(KNOCK, recorded(*products))


@pytest.mark.parametrize(
    ("products", "branch"),
    [
        ((SPLINT,), "splint_only"),
        ((COURSE, PREMIUM), "course_only"),
        ((SPLINT, COURSE), "both"),
        (("mug=gift",), "default"),
    ],
)
def test_it_shows_every_message_whole_and_in_order(products: tuple[str, ...], branch: str) -> None:
    found = unescape(page(*products))
    data = knock.trigger_data(recorded(*products).without_account["post_purchase"])
    expected = knock_workflow.render(KNOCK, data, preview.VARIABLES)
    assert expected.branch == branch
    places = []
    for message in expected.messages:
        for part in (message.subject, message.preheader, message.html, message.text):
            assert part in found
        places.append(found.index(message.html))
    assert places == sorted(places)


def test_it_shows_the_course_email_with_and_without_an_account() -> None:
    order = recorded(COURSE, PREMIUM)
    found = unescape(page(COURSE, PREMIUM))
    for payloads, has_account in ((order.without_account, False), (order.with_account, True)):
        payload = payloads["course_access"]
        assert payload["has_account"] == has_account
        assert payload["email"] == sample_order.CUSTOMER
        assert {course["slug"] for course in payload["courses"]} == {COURSE, PREMIUM}
        email = course_access(payload, preview.VARIABLES["course_app_url"], preview.BRAND)
        for part in (email.subject, email.preheader, email.html, email.text):
            assert part in found


def test_an_order_without_a_course_has_no_course_email() -> None:
    assert "Course access" not in page(SPLINT)


def test_every_order_has_the_email_with_a_code_that_a_customer_may_ask_for() -> None:
    payload = {"email": sample_order.CUSTOMER, "code": "042917", "minutes": 15}
    email = claim_code(payload, preview.BRAND)
    found = unescape(page(SPLINT))
    for part in (email.subject, email.preheader, email.html, email.text):
        assert part in found


def test_the_page_loads_nothing_and_its_own_links_stay_within() -> None:
    found = page(SPLINT, COURSE)
    for tag in ("<img", "<link", "@import", "url(", " src="):
        assert tag not in found
    # The emails stand in attributes, so these links are the page's own.
    links = Page(found.replace('<input type="radio"', "<br")).links
    assert links
    for link in links:
        assert link.startswith("#")
        assert f'id="{link[1:]}"' in found


def test_an_email_cannot_break_out_of_its_frame() -> None:
    found = page(SPLINT, COURSE)
    assert found.count("<iframe") == found.count('sandbox="allow-same-origin"') == 10
    assert found.count(escape('<html lang="en">').replace("&quot;", "&#34;")) == 10


def test_without_options_it_shows_a_splint_and_a_course(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "page.html").read_text() == page(SPLINT, COURSE)


def test_a_product_that_the_catalogue_does_not_have_is_added_with_its_category() -> None:
    [mug] = recorded("mug=gift").products
    assert (mug.slug, mug.name, mug.category) == ("mug", "Mug", "gift")


@pytest.mark.parametrize("named", ["", "=course", "mug="])
def test_a_product_without_a_slug_or_a_category_is_refused(tmp_path: Path, named: str) -> None:
    result = run(tmp_path, "--product", named)
    assert result.exit_code == 2
    assert "neither a slug nor slug=category" in result.output


def test_a_slug_that_the_catalogue_does_not_have_is_refused(tmp_path: Path) -> None:
    result = run(tmp_path, "--product", "mug")
    assert result.exit_code == 2
    assert "neither slug=category nor one of essentials_course" in result.output


def test_a_mistake_in_a_template_is_named_with_its_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(KNOCK, tmp_path / "knock")
    monkeypatch.chdir(tmp_path)
    body = tmp_path / "knock/workflows/post-purchase/splint_straps/html_body.html"
    body.write_text("{{ data.shoe_size }}")
    result = run(tmp_path, "--product", SPLINT)
    assert result.exit_code == 1
    assert "splint_straps" in result.output
    assert "shoe_size" in result.output

    body.unlink()
    with pytest.raises(knock_workflow.WorkflowError, match=r"splint_straps/html_body\.html"):
        preview.page(tmp_path / "knock", recorded(SPLINT))


def test_no_platform_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert recorded.__wrapped__(SPLINT)
    assert list(tmp_path.iterdir()) == []


def test_it_shows_what_is_left_of_a_run_when_a_part_goes_back() -> None:
    whole = unescape(page(SPLINT, COURSE))
    rest = unescape(
        preview.page(
            KNOCK, recorded(SPLINT, COURSE), dict([preview.slug_and_days(f"{SPLINT}=1.5")])
        )
    )
    assert "Tip 1 of 3" in rest and "Tip 2 of 3" not in rest
    assert "Tip 2 of 3" in whole
    assert "A quiet quarter of an hour for your course" in rest
    assert "Would you tell the next person" not in rest


@pytest.mark.parametrize("named", ["splint", "splint=soon", "splint=1e999"])
def test_days_that_are_no_number_are_refused_plainly(tmp_path: Path, named: str) -> None:
    said = run(tmp_path, "--given-back", named)
    assert said.exit_code == 2
    assert "is not slug=days" in said.output
