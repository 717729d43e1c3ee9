"""The whole of `thetis-dev run`, once for all tests of this folder, and visitors with browsers.

Each test has people of its own: nothing that one does is seen by another.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from devtools.dev import requirements
from tests.support import browser as browsers
from tests.support import dev as dev_support
from tests.support.browser import Visitor
from tests.support.dev import Dev


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    try:
        requirements.check()
    except requirements.MissingError as missing:
        pytest.skip(str(missing))
    with dev_support.running(tmp_path_factory.mktemp("dev") / "stderr") as running:
        yield running


# Closed with each module: a thread in which Playwright runs can run no other event loop, and the
# tests of other folders follow in this one.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if browsers.program() is None:
        pytest.skip(browsers.MISSING)
    with browsers.launched() as launched:
        yield launched


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[[], Visitor]]:
    """Makes another visitor; all leave in the end."""
    visitors = []

    def visitor() -> Visitor:
        visitors.append(Visitor(browser))
        return visitors[-1]

    yield visitor
    for each in visitors:
        each.leave()


@pytest.fixture
def visitor(visit: Callable[[], Visitor]) -> Visitor:
    return visit()


@pytest.fixture
def address() -> Callable[[str], str]:
    """An address that nobody else in this run has."""
    return lambda name: f"{name}-{secrets.token_hex(4)}@example.com"
