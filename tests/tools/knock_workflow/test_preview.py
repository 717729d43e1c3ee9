"""`thetis-dev preview`: one page with all that a customer gets."""

from __future__ import annotations

import shutil
from html import escape, unescape
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from devtools import preview
from devtools.cli import main
from tests.support.database import Database
from tests.support.emails import Page
from tests.support.shopify import COURSE, PREMIUM, SPLINT, order
from tests.tools.knock_workflow.post_purchase import KNOCK
from thetis.emails import course_access


def run(folder: Path, *arguments: str) -> Result:
    out = ["--out", str(folder / "page.html")]
    return CliRunner().invoke(main, ["preview", *arguments, *out], env={"DATABASE_URL": ""})


def page(folder: Path, *products: str) -> str:
    result = run(folder, *(word for product in products for word in ("--product", product)))
    assert result.exit_code == 0, result.output
    return (folder / "page.html").read_text()


@pytest.mark.parametrize("products", [[SPLINT], [COURSE, PREMIUM], [SPLINT, COURSE], ["mug=gift"]])
def test_it_shows_every_message_whole_and_in_order(tmp_path: Path, products: list[str]) -> None:
    found = unescape(page(tmp_path, *products))
    data = preview.trigger_data([preview.product(each) for each in products])
    messages = preview.render(KNOCK, data).messages
    assert messages
    places = []
    for message in messages:
        for part in (message.subject, message.preheader, message.html, message.text):
            assert part in found
        places.append(found.index(message.html))
    assert places == sorted(places)


def test_it_shows_the_course_email_with_and_without_an_account(tmp_path: Path) -> None:
    found = unescape(page(tmp_path, SPLINT, COURSE, PREMIUM))
    courses = [
        {"slug": PREMIUM, "name": "Premium Course"},
        {"slug": COURSE, "name": "Standard Course"},
    ]
    for has_account in (False, True):
        email = course_access(
            {
                "to": preview.CUSTOMER,
                "order_number": preview.ORDER_NUMBER,
                "has_account": has_account,
                "courses": courses,
            },
            preview.COURSE_APP_URL,
        )
        for part in (email.subject, email.preheader, email.html, email.text):
            assert part in found


def test_an_order_without_a_course_has_no_course_email(tmp_path: Path) -> None:
    assert "Resend" not in page(tmp_path, SPLINT)


def test_the_page_loads_nothing_and_its_own_links_stay_within(tmp_path: Path) -> None:
    found = page(tmp_path)
    for tag in ("<img", "<link", "@import", "url(", " src="):
        assert tag not in found
    # The emails stand in attributes, so these links are the page's own.
    links = Page(found.replace('<input type="radio"', "<br")).links
    assert links
    for link in links:
        assert link.startswith("#")
        assert f'id="{link[1:]}"' in found


def test_an_email_cannot_break_out_of_its_frame(tmp_path: Path) -> None:
    found = page(tmp_path)
    assert found.count("<iframe") == found.count('sandbox="allow-same-origin"') == 9
    assert found.count(escape('<html lang="en">').replace("&quot;", "&#34;")) == 9


def test_without_options_it_shows_a_splint_and_a_course(tmp_path: Path) -> None:
    assert page(tmp_path) == page(tmp_path, SPLINT, COURSE)


@pytest.mark.parametrize("named", ["mug", "", "=course", "mug="])
def test_a_product_without_a_known_category_is_refused(tmp_path: Path, named: str) -> None:
    result = run(tmp_path, "--product", named)
    assert result.exit_code == 2
    assert "neither slug=category nor one of standard_course" in result.output


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
    result = run(tmp_path, "--product", SPLINT)
    assert result.exit_code == 1
    assert "splint_straps/html_body.html" in result.output


def test_its_categories_are_those_of_the_catalogue(database: Database) -> None:
    catalogue = database.rows("select slug, category from public.products")
    assert {row["slug"]: row["category"] for row in catalogue} == preview.CATEGORIES


@pytest.mark.parametrize("products", [[SPLINT], [COURSE, PREMIUM], [SPLINT, PREMIUM, COURSE]])
def test_it_assumes_what_the_database_would_owe(database: Database, products: list[str]) -> None:
    database.record_orders(order(5001, *products, order_number=preview.ORDER_NUMBER))
    payload = database.notifications(5001)["knock.trigger"]["payload"]
    assert payload["data"] == preview.trigger_data([preview.product(each) for each in products])
