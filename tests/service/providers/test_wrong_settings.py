"""Which answers blame a setting, and which the one notification."""

from __future__ import annotations

import pytest

from devtools.fake_providers import Answer, FakeProviders, refusal
from tests.service.providers.conftest import Post
from thetis.errors import PermanentFailure, SendFailure, TemporaryFailure, WrongSettings

KNOCK: dict[tuple[int, str], type[SendFailure]] = {
    (401, "api_key_expired"): WrongSettings,
    (401, "api_key_missing"): WrongSettings,
    (401, "authentication_required"): WrongSettings,
    (403, "incorrect_token_type"): WrongSettings,
    (404, "workflow_missing"): WrongSettings,
    (404, "resource_missing"): WrongSettings,
    (400, "workflow_inactive"): WrongSettings,
    (422, "workflow_inactive"): WrongSettings,
    (422, "invalid_params"): PermanentFailure,
    (400, "actor_missing"): PermanentFailure,
    (429, "rate_limit"): TemporaryFailure,
    (500, "workflow_missing"): TemporaryFailure,
}
RESEND: dict[tuple[int, str], type[SendFailure]] = {
    (401, "missing_api_key"): WrongSettings,
    (401, "restricted_api_key"): WrongSettings,
    (403, "invalid_api_key"): WrongSettings,
    (403, "validation_error"): WrongSettings,
    (422, "invalid_from_address"): WrongSettings,
    (422, "validation_error"): PermanentFailure,
    (422, "missing_required_field"): PermanentFailure,
    (400, "invalid_idempotency_key"): PermanentFailure,
    (429, "rate_limit_exceeded"): TemporaryFailure,
    (429, "daily_quota_exceeded"): TemporaryFailure,
    (500, "application_error"): TemporaryFailure,
}


@pytest.mark.parametrize(("status", "code"), KNOCK)
def test_what_an_answer_of_knock_blames(
    knock: Post, fake_providers: FakeProviders, status: int, code: str
) -> None:
    fake_providers.answer_with("knock", refusal("knock", status, code, "No"))
    failure = knock.failure()
    assert type(failure) is KNOCK[status, code]
    assert failure.reason == f"knock {status} {code}: No"


@pytest.mark.parametrize(("status", "name"), RESEND)
def test_what_an_answer_of_resend_blames(
    resend: Post, fake_providers: FakeProviders, status: int, name: str
) -> None:
    fake_providers.answer_with("resend", refusal("resend", status, name, "No"))
    failure = resend.failure()
    assert type(failure) is RESEND[status, name]
    assert failure.reason.startswith(f"resend {status} {name}: ")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_page_of_something_in_between_blames_no_setting(
    post: Post, fake_providers: FakeProviders, status: int
) -> None:
    fake_providers.answer_with(post.provider, Answer(status=status, body="<h1>No</h1>"))
    assert isinstance(post.failure(), TemporaryFailure)
