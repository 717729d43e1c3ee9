"""What Knock and Resend answer to the requests that we make, as they document it."""

from __future__ import annotations

import json
import re
import textwrap
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from devtools.fake_accounts import FakeAccounts
from devtools.rate_limit import RateLimit

Provider = Literal["knock", "resend"]

_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+")


@dataclass(frozen=True, kw_only=True)
class ReceivedRequest:
    """One request as it arrived; `body` is `content` read as JSON, {} when it is not an object."""

    provider: Provider
    method: str
    path: str
    headers: Mapping[str, str]
    content: bytes
    body: dict[str, Any]
    idempotency_key: str | None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How to treat one request. The plain `Answer()` does what the vendor would do.

    `status`, `body`   replace the vendor's; a body that is a str is sent as plain text
    `delay`            seconds between doing the work and answering
    `then`             "hang" never answers, "drop" cuts the connection instead of answering
    `accepts`          False: the work is not done; it never is with a status of 300 or above
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    delay: float = 0.0
    then: Literal["answer", "hang", "drop"] = "answer"
    accepts: bool = True

    @property
    def does_the_work(self) -> bool:
        return self.accepts and (self.status is None or self.status < 300)


HANG = Answer(then="hang", accepts=False)
DROP_BEFORE_ACCEPTING = Answer(then="drop", accepts=False)
DROP_AFTER_ACCEPTING = Answer(then="drop")


def refusal(
    provider: Provider,
    status: int,
    code: str,
    message: str,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """An error in the vendor's own shape."""
    if provider == "knock":
        kind = "authentication_error" if status == 401 else "invalid_request_error"
        body = {"code": code, "message": message, "status": status, "type": kind}
    else:
        body = {"statusCode": status, "name": code, "message": message}
    return Answer(status=status, headers=headers or {}, body=body)


class FakeProviders:
    """Both vendors at once. Read `requests` and `effects` from any thread.

    `requests`    everything received, in order
    `effects`     what was accepted and was not a repetition of an earlier request
    `api_key`     the only key that is accepted; None accepts any
    `on_request`  called with each request, in the server's thread
    `rate_limit`  of Resend's API; None tells no limit and has none
    `accounts`    what is set up there, for whoever reads it
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        on_request: Callable[[ReceivedRequest], None] | None = None,
        rate_limit: RateLimit | None = None,
    ) -> None:
        self.requests: list[ReceivedRequest] = []
        self.effects: list[ReceivedRequest] = []
        self._api_key = api_key
        self._on_request = on_request
        self._rate_limit = rate_limit
        self._scripts: dict[Provider, deque[Answer]] = {"knock": deque(), "resend": deque()}
        self.accounts = FakeAccounts()
        self._accepted: dict[tuple[str, str], tuple[ReceivedRequest, Answer]] = {}

    def answer_with(self, provider: Provider, *answers: Answer) -> None:
        """Treat that provider's next requests like this, one each, before the vendor's ways."""
        self._scripts[provider].extend(answers)

    def clear(self) -> None:
        """Forget everything received, accepted and scripted."""
        self.requests.clear()
        self.effects.clear()
        self._accepted.clear()
        for script in self._scripts.values():
            script.clear()

    def is_key(self, key: str) -> bool:
        return bool(key) and self._api_key in (None, key)

    def take(self, request: ReceivedRequest) -> Answer:
        """Record a request, do what it asks unless scripted otherwise, and say what to answer."""
        self.requests.append(request)
        if self._on_request:
            self._on_request(request)
        if self._rate_limit is None or request.provider != "resend":
            return self._answer(request)
        is_allowed, headers = self._rate_limit.take()
        if not is_allowed:
            message = "Too many requests. You can only make a few requests per second."
            return refusal("resend", 429, "rate_limit_exceeded", message, headers)
        answer = self._answer(request)
        return replace(answer, headers={**headers, **answer.headers})

    def _answer(self, request: ReceivedRequest) -> Answer:
        script = self._scripts[request.provider]
        scripted = script.popleft() if script else Answer()
        if not scripted.does_the_work:
            return scripted
        vendors = self._vendors_answer(request)
        if scripted.status is None:
            headers = {**vendors.headers, **scripted.headers}
            return replace(scripted, status=vendors.status, headers=headers, body=vendors.body)
        return scripted

    def _vendors_answer(self, request: ReceivedRequest) -> Answer:
        return (
            self._unauthorised(request)
            or _invalid(request)
            or self._repeated(request)
            or self._accept(request)
        )

    def _unauthorised(self, request: ReceivedRequest) -> Answer | None:
        _, _, key = request.headers.get("authorization", "").partition("Bearer ")
        if self.is_key(key):
            return None
        if request.provider == "knock":
            code = "api_key_missing" if key else "authentication_required"
            return refusal("knock", 401, code, "The API key provided is invalid")
        if key:
            return refusal("resend", 403, "invalid_api_key", "API key is invalid")
        return refusal("resend", 401, "missing_api_key", "Missing API key")

    def _repeated(self, request: ReceivedRequest) -> Answer | None:
        earlier = self._accepted.get((request.path, request.idempotency_key or ""))
        if earlier is None:
            return None
        first, answer = earlier
        if first.body == request.body:
            return answer
        message = "This idempotency key was used with another body"
        if request.provider == "resend":
            return refusal("resend", 409, "invalid_idempotent_request", message)
        # Knock documents "an error" without its status; 422 is what the IETF draft proposes.
        return refusal("knock", 422, "invalid_params", message)

    def _accept(self, request: ReceivedRequest) -> Answer:
        self.effects.append(request)
        if request.path.endswith("/cancel") or request.method == "DELETE":
            return Answer(status=204)
        if request.method == "PUT":
            return Answer(status=200, body=_object(request))
        run = str(uuid.uuid4())
        body = {"id": run} if request.provider == "resend" else {"workflow_run_id": run}
        answer = Answer(status=200, body=body)
        if request.idempotency_key:
            replayed = {"idempotent-replayed": "true"} if request.provider == "knock" else {}
            memory = (request, replace(answer, headers=replayed))
            self._accepted[request.path, request.idempotency_key] = memory
        return answer


def _invalid(request: ReceivedRequest) -> Answer | None:
    return _invalid_email(request) if request.provider == "resend" else _invalid_call(request)


def _invalid_email(request: ReceivedRequest) -> Answer | None:
    email = request.body
    if request.idempotency_key is not None and not 1 <= len(request.idempotency_key) <= 256:
        message = "The key must be between 1-256 chars."
        return refusal("resend", 400, "invalid_idempotency_key", message)
    for required in ("from", "to", "subject"):
        if not email.get(required):
            message = f"Missing `{required}` field."
            return refusal("resend", 422, "missing_required_field", message)
    to = email["to"]
    for address in to if isinstance(to, list) else [to]:
        if not _ADDRESS.fullmatch(address):
            message = f"Invalid `to` field: {address}"
            return refusal("resend", 422, "validation_error", message)
    return None


def _object(request: ReceivedRequest) -> dict[str, Any]:
    """What Knock answers to one that was set."""
    *_, collection, object_id = request.path.split("/")
    return {
        "__typename": "Object",
        "id": object_id,
        "collection": collection,
        "updated_at": "2026-11-23T12:00:00Z",
        "properties": request.body,
    }


def _invalid_call(request: ReceivedRequest) -> Answer | None:
    if request.method in {"PUT", "DELETE"}:
        return None
    required = "cancellation_key" if request.path.endswith("/cancel") else "recipients"
    if request.body.get(required):
        return None
    return refusal("knock", 422, "invalid_params", f"{required} is missing")


def readable(request: ReceivedRequest) -> str:
    """A request for a developer's console: whole addresses, so never for a log."""
    body = request.body
    if request.provider == "resend":
        message = f"to {body.get('to')}\n{body.get('subject')}\n\n{body.get('text')}"
        return f"Resend: email\n{textwrap.indent(message, '  ')}"
    first, second = request.path.split("/")[-2:]
    verbs = {"PUT": "set", "DELETE": "delete"}
    verb = verbs.get(request.method)
    what = f"{verb} {first} {second}" if verb else f"{second} {first}"
    details = json.dumps(body, indent=2, ensure_ascii=False)
    return f"Knock: {what}\n{textwrap.indent(details, '  ')}"
