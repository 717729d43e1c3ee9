"""What somebody has set up at Knock and Resend, as their APIs tell it to whoever may read it.

Everything is set up well, and may be changed while it is served.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devtools import knock_workflow
from devtools.checkout import ROOT

Json = dict[str, Any]

MADE_AT = "2026-11-01T10:00:00Z"

KNOCK_DIR = ROOT / "knock"


def _workflows() -> dict[str, Json]:
    """Those of the checkout, committed and active."""
    return {
        folder.name: {
            **knock_workflow.read(folder / "workflow.json"),
            "key": folder.name,
            "active": True,
            "valid": True,
            "environment": "production",
            "created_at": MADE_AT,
            "updated_at": MADE_AT,
            "sha": "f7e9d3b2",
        }
        for folder in (KNOCK_DIR / "workflows").iterdir()
    }


def _channel(key: str) -> Json:
    settings = {"id": str(uuid.uuid4()), "is_valid": True, "is_sandbox": False}
    return {
        "id": str(uuid.uuid4()),
        "key": key,
        "name": key,
        "type": "email",
        "provider": "email_resend",
        "created_at": MADE_AT,
        "updated_at": MADE_AT,
        "archived_at": None,
        "environment_settings": {"development": settings, "production": settings},
    }


@dataclass(kw_only=True)
class FakeAccounts:
    """Of one shop."""

    service_token: str = "knock_st_made_up"  # noqa: S105 - of a fake
    may_only_send: bool = False
    """The key at Resend has "Sending access"."""
    workflows: dict[str, Json] = field(default_factory=_workflows)
    channels: dict[str, Json] = field(default_factory=dict)
    domains: list[Json] = field(default_factory=list)
    webhooks: list[Json] = field(default_factory=list)
    suppressions: list[Json] = field(default_factory=list)
    page_size: int = 100

    def __post_init__(self) -> None:
        for workflow in self.workflows.values():
            for key in _channel_keys(workflow["steps"]):
                self.channels.setdefault(key, _channel(key))
        self.add_domain("example.com")

    def add_domain(self, name: str) -> None:
        domain = {
            "id": str(uuid.uuid4()),
            "name": name,
            "status": "verified",
            "created_at": MADE_AT,
            "region": "eu-west-1",
            "capabilities": {"sending": "enabled", "receiving": "disabled"},
        }
        self.domains.append(domain)

    def add_webhook(self, endpoint: str, events: Sequence[str], secret: str) -> None:
        webhook = {
            "id": str(uuid.uuid4()),
            "endpoint": endpoint,
            "events": list(events),
            "status": "enabled",
            "created_at": MADE_AT,
            "signing_secret": secret,
        }
        self.webhooks.append(webhook)

    def suppress(self, email: str, origin: str, at: str) -> None:
        suppressed = {
            "id": str(uuid.uuid4()),
            "email": email,
            "origin": origin,
            "created_at": at,
        }
        self.suppressions.append(suppressed)


def _channel_keys(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from _channel_keys(each)
    elif isinstance(node, dict):
        if "channel_key" in node:
            yield node["channel_key"]
        for each in node.values():
            yield from _channel_keys(each)


def routes(accounts: FakeAccounts, is_key: Callable[[str], bool]) -> list[Route]:
    """Of both vendors; `is_key` says which keys they gave out."""
    return [*_knock(accounts, is_key), *_resend(accounts, is_key)]


def _token(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def _knock(accounts: FakeAccounts, is_key: Callable[[str], bool]) -> Iterator[Route]:
    def managed(find: Callable[[Request], Json | None]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            if _token(request) != accounts.service_token:
                return _knock_error(401, "authentication_required", "The token is invalid")
            found = find(request)
            if found is None:
                return _knock_error(
                    404, "resource_missing", "The resource you requested is missing"
                )
            return JSONResponse(found)

        return answer

    def objects(request: Request) -> Response:
        if not is_key(_token(request)):
            return _knock_error(401, "api_key_missing", "The API key provided is invalid")
        return JSONResponse(
            {"entries": [], "page_info": {"__typename": "PageInfo", "page_size": 1}}
        )

    def workflow(request: Request) -> Json | None:
        found = accounts.workflows.get(request.path_params["key"])
        if found is None or found["environment"] != request.query_params["environment"]:
            return None
        return found

    yield Route("/v1/objects/{collection}", objects)
    yield Route("/v1/whoami", managed(lambda _: WHOAMI))
    yield Route("/v1/workflows/{key}", managed(workflow))
    yield Route(
        "/v1/channels/{key}", managed(lambda asked: accounts.channels.get(asked.path_params["key"]))
    )


WHOAMI: Json = {
    "type": "service_token",
    "account_name": "The example shop",
    "account_slug": "example-shop",
    "service_token_name": "doctor",
    "account_features": {},
}


def _knock_error(status: int, code: str, message: str) -> Response:
    kind = "authentication_error" if status == 401 else "invalid_request_error"
    body = {"code": code, "message": message, "status": status, "type": kind}
    return JSONResponse(body, status)


def _resend(accounts: FakeAccounts, is_key: Callable[[str], bool]) -> Iterator[Route]:
    def reading(find: Callable[[Request], Json | None]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            if not is_key(_token(request)):
                return _resend_error(403, "invalid_api_key", "API key is invalid")
            if accounts.may_only_send:
                message = "This API key is restricted to only send emails"
                return _resend_error(401, "restricted_api_key", message)
            found = find(request)
            return JSONResponse(found) if found else _resend_error(404, "not_found", "Not found")

        return answer

    def webhook(request: Request) -> Json | None:
        wanted = request.path_params["id"]
        found = next((each for each in accounts.webhooks if each["id"] == wanted), None)
        return found and {"object": "webhook", **found}

    def listed(entries: list[Json], *, without: str = "") -> Callable[[Request], Json]:
        return lambda request: _page(entries, accounts.page_size, request, without)

    yield Route("/domains", reading(listed(accounts.domains)))
    yield Route("/webhooks", reading(listed(accounts.webhooks, without="signing_secret")))
    yield Route("/webhooks/{id}", reading(webhook))
    yield Route("/suppressions", reading(listed(accounts.suppressions)))


def _page(entries: list[Json], size: int, request: Request, without: str) -> Json:
    ids = [each["id"] for each in entries]
    after = request.query_params.get("after")
    start = ids.index(after) + 1 if after in ids else 0
    size = min(size, int(request.query_params.get("limit", size)))
    shown = entries[start : start + size]
    data = [{name: value for name, value in each.items() if name != without} for each in shown]
    return {"object": "list", "has_more": start + size < len(entries), "data": data}


def _resend_error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"statusCode": status, "name": code, "message": message}, status)
