"""What was drawn stays where it is when more comes, also from a slow server.

https://web.dev/articles/cls
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser import SIZES, Visitor
from tests.support.dev import Dev
from tests.support.signing_in import sign_in

GOOD = 0.01
"""A tenth of what is called good."""

WATCH = """
window.moved = 0
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value
}).observe({ type: 'layout-shift', buffered: true })
"""

PAGES = {
    "/": "Courses",
    "/account": "Account",
    "/claim": "Your course is open",
    "/courses/standard_course": "The first week",
    "/courses/premium_course": "Premium Course",
}


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_while_a_page_loads(
    dev: Dev, visitor: Visitor, address: Callable[[str], str], size: str
) -> None:
    page, buyer = visitor.page, address("buyer")
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    dev.buy(buyer, "standard_course", "splint")
    sign_in(page, dev, buyer, "/claim")
    page.add_init_script(WATCH)
    page.route("**/rest/v1/**", slowly)

    moved = {}
    for path, heading in PAGES.items():
        page.goto(dev.app_url + path)
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        page.wait_for_load_state("networkidle")
        moved[path] = page.evaluate("window.moved")

    assert {path: shift for path, shift in moved.items() if shift > GOOD} == {}


def slowly(route: Route) -> None:
    time.sleep(0.1)
    route.continue_()
