"""The real service, running: in a thread, or as the process that production starts."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp

from devtools.fake_providers import FakeProviders
from devtools.fake_providers import running as running_fake_providers
from devtools.processes import Process, free_port, process, wait_until_ready
from thetis import server, wiring
from thetis.app import create_app
from thetis.cli import shopify_payloads
from thetis.connections import Room
from thetis.settings import ServiceSettings, load

SECRET = "a-webhook-secret"
KNOCK_KEY = "a-knock-key"
RESEND_KEY = "a-resend-key"

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Spares httpx the certificates, which it would read for each request."""

NOWHERE = "postgresql://nobody@127.0.0.1:1/nowhere"
"""For tests of answers that need no database."""


def settings(providers: str, **changes: Any) -> dict[str, Any]:
    """Every setting that has no default, but for the way to the database."""
    return {
        "shopify_webhook_secrets": SECRET,
        "knock_api_key": KNOCK_KEY,
        "knock_base_url": providers,
        "resend_api_key": RESEND_KEY,
        "resend_base_url": providers,
        "email_from": "Courses <courses@example.com>",
        "course_app_url": "https://learn.example.com",
        "shop_name": "The shop",
        "support_email": "help@example.com",
        **changes,
    }


@dataclass(frozen=True, kw_only=True)
class Service:
    """A running service and what Knock and Resend got from it."""

    url: str
    fake_providers: FakeProviders

    def send(
        self,
        topic: str,
        payload: shopify_payloads.Json | bytes,
        *,
        secret: str = SECRET,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One webhook, signed as Shopify signs."""
        body = payload if isinstance(payload, bytes) else shopify_payloads.encode(payload)
        signed = {**shopify_payloads.headers(topic, body, secret), **(headers or {})}
        url = f"{self.url}/webhooks/shopify"
        return httpx.post(url, content=body, headers=signed, timeout=10, verify=NO_TLS)

    def outcome(self, topic: str, payload: shopify_payloads.Json | bytes) -> str:
        """What a webhook that is answered 200 came to."""
        response = self.send(topic, payload)
        assert response.status_code == 200, response.text
        return str(response.json()["outcome"])

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", timeout=10, verify=NO_TLS)

    def metrics(self) -> dict[str, float]:
        """The value of each sample, by its name with labels, as Prometheus writes them."""
        lines = self.get("/metrics").text.splitlines()
        return {
            name: float(value)
            for name, _, value in (line.rpartition(" ") for line in lines)
            if not name.startswith("#")
        }

    def effects(self, path: str) -> list[shopify_payloads.Json]:
        """The bodies of what customers would notice of requests to this path."""
        return [each.body for each in list(self.fake_providers.effects) if each.path.endswith(path)]


def eventually(holds: Callable[[], object], *, patience: float = 15.0) -> None:
    """Wait for what another thread or process does in its own time."""
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.01)


@contextmanager
def running(
    database: Mapping[str, Any],
    *,
    parts: Mapping[str, Any] | None = None,
    room: Room | None = None,
    **changes: Any,
) -> Iterator[Service]:
    """The whole service in a thread. `database` says how to reach one; `parts` replaces some, and
    `room` the limits for connections.
    """
    fake_providers = FakeProviders()
    with running_fake_providers(fake_providers) as providers:
        chosen = load(ServiceSettings, **settings(providers, **_alone(database), **changes))

        def app() -> Starlette:
            return create_app(replace(wiring.parts(chosen), **(parts or {})))

        with serving(app, room=room) as url:
            yield Service(url=url, fake_providers=fake_providers)


def _alone(database: Mapping[str, Any]) -> dict[str, Any]:
    """Only this way to the database, whatever the environment says."""
    return {"database_url": None, "supabase_url": None, "supabase_secret_key": None, **database}


@contextmanager
def serving(
    app: Callable[[], ASGIApp],
    *,
    room: Room | None = None,
    listener: socket.socket | None = None,
) -> Iterator[str]:
    """As `thetis serve` does it, but in a thread of ours and on a free port."""
    started = server.server(app, room=room, grace_seconds=5)
    listener = listener or server.listen("127.0.0.1", 0)
    with asyncio.Runner(loop_factory=started.config.get_loop_factory()) as runner:
        serving = started.serve(sockets=[listener])
        thread = threading.Thread(target=runner.run, args=(serving,), name="service", daemon=True)
        thread.start()
        try:
            eventually(lambda: started.started or not thread.is_alive())
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            started.should_exit = True
            thread.join(timeout=30)
            assert not thread.is_alive(), "the service does not stop"


@contextmanager
def serve(
    database: Mapping[str, Any], *, log_file: Path, open_files: int | None = None, **changes: Any
) -> Iterator[tuple[Service, Process]]:
    """`thetis serve` as a process, ready to be killed."""
    fake_providers = FakeProviders()
    port = free_port()
    service = Service(url=f"http://127.0.0.1:{port}", fake_providers=fake_providers)
    with (
        running_fake_providers(fake_providers) as providers,
        process(
            *("serve", "--port", str(port)),
            log_file=log_file,
            environment=settings(providers, **database, **changes),
            open_files=open_files,
        ) as started,
    ):
        wait_until_ready(f"{service.url}/healthz", started)
        yield service, started
