from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from structlog.testing import capture_logs

from tests.support.http import serving
from thetis.preflight import check_email_confirmation
from thetis.settings import DatabaseSettings, load

KEY = "sb_secret_made_up"


def events(url: str) -> list[tuple[str, str]]:
    settings = load(DatabaseSettings, supabase_url=url, supabase_secret_key=KEY)
    with capture_logs() as logs:
        asyncio.run(check_email_confirmation(settings))
    return [(entry["log_level"], entry["event"]) for entry in logs]


@contextmanager
def auth_answering(status: int, body: object) -> Iterator[str]:
    with serving({"/auth/v1/settings": (status, body)}, expected_apikey=KEY) as url:
        yield url


def test_confirmation_switched_off_is_an_error_at_start_up() -> None:
    with auth_answering(200, {"mailer_autoconfirm": True}) as url:
        assert events(url) == [("error", "preflight.email_confirmation_off")]


def test_confirmation_switched_on_is_nothing_to_speak_of() -> None:
    with auth_answering(200, {"mailer_autoconfirm": False}) as url:
        assert events(url) == []


@pytest.mark.parametrize(("status", "body"), [(500, {}), (200, {}), (200, []), (200, "no")])
def test_an_answer_that_says_nothing_is_a_warning(status: int, body: object) -> None:
    with auth_answering(status, body) as url:
        assert events(url) == [("warning", "preflight.auth_unknown")]


def test_an_unreachable_project_does_not_keep_the_service_from_starting() -> None:
    with auth_answering(200, {}) as url:
        pass
    assert events(url) == [("warning", "preflight.auth_unknown")]


def test_without_the_projects_address_it_says_that_it_cannot_know() -> None:
    settings = load(DatabaseSettings, database_url="postgresql://localhost/nowhere")
    with capture_logs() as logs:
        asyncio.run(check_email_confirmation(settings))
    assert [entry["event"] for entry in logs] == ["preflight.auth_unknown"]
