"""The one address: the page, what it asks for, and the local Supabase project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from devtools.dev import rows, staff
from devtools.dev.course_app import CourseApp
from devtools.dev.gateway import AUTH, REST, Gateway, door
from devtools.dev.mailbox import Mail, Mailbox
from devtools.dev.shop import Order, Shop, ShopError
from thetis.cli import shopify_payloads

PAGE = Path(__file__).with_name("page")

MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src * data:"
"""Emails run nothing and load nothing but pictures."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the page shows and acts on."""

    admin_url: str
    app_url: str
    app_port: int
    shop: Shop
    mailbox: Mailbox
    gateway: Gateway
    service: httpx.AsyncClient
    course_app: CourseApp


class Web:
    """An ASGI application on two ports: the course app has one of its own, as its own site."""

    def __init__(self, parts: Parts) -> None:
        self._app_port = parts.app_port
        self._page = _page(parts)
        self._course_app = Starlette(routes=[Route("/{path:path}", parts.course_app.__call__)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_app = scope["type"] == "http" and scope["server"][1] == self._app_port
        await (self._course_app if is_app else self._page)(scope, receive, send)


def _page(parts: Parts) -> Starlette:
    any_method = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    async def index(request: Request) -> Response:
        return FileResponse(PAGE / "index.html")

    async def state(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(_state, parts))

    async def buy(request: Request) -> Response:
        body = await request.json()
        return await _acted(lambda: parts.shop.buy(str(body["email"]), body["products"]))

    async def act(request: Request) -> Response:
        body = await request.json()
        order_id, name = request.path_params["id"], request.path_params["act"]
        acts: dict[str, Callable[[], Order]] = {
            "address": lambda: parts.shop.correct_address(order_id, str(body["email"])),
            "refund": lambda: parts.shop.refund(order_id, body.get("product")),
            "cancel": lambda: parts.shop.cancel(order_id),
            "chargeback": lambda: parts.shop.dispute(order_id, "needs_response"),
            "won": lambda: parts.shop.dispute(order_id, "won"),
            "repeat": lambda: parts.shop.repeat(order_id),
        }
        if name not in acts:
            return JSONResponse({"error": f"{name} is no act"}, 404)
        return await _acted(acts[name])

    async def from_auth(request: Request) -> Response:
        parts.mailbox.add(Mail(sender="Auth", **await request.json()))
        return Response(status_code=204)

    async def mail(request: Request) -> Response:
        found = parts.mailbox.get(request.path_params["id"])
        if found is None:
            return PlainTextResponse("there is no such email", 404)
        if request.path_params["form"] == "text":
            return PlainTextResponse(found.text)
        return HTMLResponse(_framed(found.html), headers={"content-security-policy": MAIL_POLICY})

    return Starlette(
        routes=[
            Route("/", index),
            Route("/dev/state", state),
            Route("/dev/orders", buy, methods=["POST"]),
            Route("/dev/orders/{id:int}/{act}", act, methods=["POST"]),
            Route("/dev/mails", from_auth, methods=["POST"]),
            Route("/dev/mails/{id:int}/{form}", mail),
            Route(REST + "/{path:path}", parts.gateway.__call__, methods=any_method),
            Route(AUTH + "/{path:path}", parts.gateway.__call__, methods=any_method),
            Route("/webhooks/{path:path}", door(parts.service), methods=["POST"]),
            Route("/metrics", door(parts.service)),
            Mount("/page", StaticFiles(directory=PAGE)),
        ]
    )


def _state(parts: Parts) -> dict[str, Any]:
    found = rows.read(parts.admin_url)
    for product in found["products"]:
        sample = shopify_payloads.find_product(product["shopify_id"])
        product["price"] = str(sample.price)
    return {
        "app_url": parts.app_url,
        "staff": staff.ROLES,
        "orders": [_told(order) for order in parts.shop.orders()],
        "mails": [mail.listed() for mail in parts.mailbox.newest_first()],
        **found,
    }


def _told(order: Order) -> dict[str, Any]:
    returned = list(order.returned)
    lines = []
    for product in order.products:
        went_back = product in returned
        if went_back:
            returned.remove(product)
        lines.append(
            {"id": str(product.shopify_id), "title": product.title, "went_back": went_back}
        )
    return {
        "id": str(order.id),
        "number": order.number,
        "email": order.email,
        "lines": lines,
        "is_cancelled": order.is_cancelled,
        "is_disputed": order.is_disputed,
        "webhooks": [
            {"topic": each.topic, "status": each.status, "outcome": each.outcome}
            for each in order.webhooks
        ],
    }


async def _acted(act: Callable[[], Order]) -> Response:
    try:
        return JSONResponse(_told(await run_in_threadpool(act)))
    except ShopError as error:
        return JSONResponse({"error": str(error)}, 422)


def _framed(html: str) -> str:
    """Links of an email open beside the mailbox, not in its frame."""
    base = '<base target="_blank">'
    return html.replace("<head>", f"<head>{base}", 1) if "<head>" in html else base + html
