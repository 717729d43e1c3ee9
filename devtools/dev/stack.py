"""Starts all that the page stands on, and stops it in the end."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import httpx

from devtools import checkout, fake_providers, postgrest, preview, processes
from devtools.dev import auth, course_app, keys, requirements, staff
from devtools.dev.course_app import CourseApp
from devtools.dev.gateway import Gateway
from devtools.dev.mailbox import Mailbox
from devtools.dev.shop import Shop
from devtools.dev.vendors_mails import VendorsMails
from devtools.dev.web import Parts, Web

SHOP_NAME = "The shop"
SUPPORT_EMAIL = "help@example.com"


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Of the page, which is also SUPABASE_URL, and of the course app: both listen already."""

    page: socket.socket
    app: socket.socket

    @property
    def page_url(self) -> str:
        return f"http://127.0.0.1:{self.page.getsockname()[1]}"

    @property
    def app_url(self) -> str:
        return f"http://127.0.0.1:{self.app.getsockname()[1]}"


@contextmanager
def running(folder: Path, addresses: Addresses, tell: Callable[[str], None]) -> Iterator[Web]:
    """The web application to be served at these addresses; everything behind it runs."""
    requirements.check()
    mailbox = Mailbox()
    with ExitStack() as stack:
        builder = stack.enter_context(ThreadPoolExecutor(1))
        built = builder.submit(_build, folder / "app", addresses)
        tell("Postgres …")
        database = stack.enter_context(checkout.running_platform(folder / "platform"))
        tell("PostgREST, Auth, the service …")
        # A socket's path may have 107 characters, and the data may be anywhere.
        short = stack.enter_context(tempfile.TemporaryDirectory(prefix="thetis-", dir="/tmp"))
        rest = _socket_client(Path(short) / "postgrest.sock")
        token_url = database.url("authenticator")
        stack.enter_context(
            postgrest.running(token_url, keys.JWT_SECRET, Path(short) / "postgrest.sock")
        )
        auth_url = stack.enter_context(
            auth.running(
                database,
                url=addresses.page_url,
                site_url=addresses.app_url,
                mailbox=f"{addresses.page_url}/dev/mails",
                second_factor=staff.WITH_SECOND_FACTOR,
                log_file=folder / "auth.log",
            )
        )
        staff.make(database.admin_url)
        mails = VendorsMails(mailbox, preview.folder("knock", "workflows"), addresses.app_url)
        vendors = fake_providers.FakeProviders(on_request=mails.receive)
        vendors_url = stack.enter_context(fake_providers.running(vendors))
        service, secret = stack.enter_context(
            _service(database.database_url, vendors_url, addresses.app_url, folder, tell)
        )
        tell("the course app …")
        built.result()
        yield Web(
            Parts(
                admin_url=database.admin_url,
                app_url=addresses.app_url,
                app_port=addresses.app.getsockname()[1],
                shop=Shop(f"{service}/webhooks/shopify", secret),
                mailbox=mailbox,
                service=_client(service),
                gateway=Gateway(rest, _client(auth_url), keys.tokens()),
                course_app=CourseApp(folder / "app"),
            )
        )


def _client(base_url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=base_url, timeout=30, trust_env=False)


def _socket_client(path: Path) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    return httpx.AsyncClient(transport=transport, base_url="http://postgrest", timeout=30)


def _build(out: Path, addresses: Addresses) -> None:
    settings = {
        "VITE_SUPABASE_URL": addresses.page_url,
        "VITE_SUPABASE_KEY": keys.PUBLISHABLE,
        "VITE_BUY_URL": f"{addresses.page_url}/?buy={{slug}}",
        "VITE_SHOP_NAME": SHOP_NAME,
        "VITE_SUPPORT_EMAIL": SUPPORT_EMAIL,
    }
    course_app.build(out, settings)


@contextmanager
def _service(
    database_url: str, vendors: str, app_url: str, folder: Path, tell: Callable[[str], None]
) -> Iterator[tuple[str, str]]:
    """`thetis serve` and the secret of its webhooks. What the environment sets comes first."""
    supplied = {
        "SHOPIFY_WEBHOOK_SECRETS": keys.WEBHOOK_SECRET,
        "EMAIL_FROM": f"{SHOP_NAME} <shop@example.com>",
        "COURSE_APP_URL": app_url,
        "SHOP_NAME": SHOP_NAME,
        "SUPPORT_EMAIL": SUPPORT_EMAIL,
        "LOG_FORMAT": "console",
    }
    for provider in ("KNOCK", "RESEND"):
        if f"{provider}_API_KEY" not in os.environ:
            supplied |= {f"{provider}_API_KEY": "local", f"{provider}_BASE_URL": vendors}
    settings = {**os.environ, **{k: v for k, v in supplied.items() if k not in os.environ}}
    settings["DATABASE_URL"] = database_url
    port = processes.free_port()
    serve, log_file = ("serve", "--port", str(port)), folder / "service.log"
    with processes.process(*serve, log_file=log_file, environment=settings) as started:
        try:
            processes.wait_until_ready(f"http://127.0.0.1:{port}/readyz", started)
        except processes.NotReadyError as error:
            raise click.ClickException(f"{error}\n{started.log()}") from None
        tell(f"DATABASE_URL={database_url}")
        tell(f"the service logs to {log_file}")
        secret = settings["SHOPIFY_WEBHOOK_SECRETS"].split(",")[0].strip()
        try:
            yield f"http://127.0.0.1:{port}", secret
        finally:  # Ctrl-C comes as an exception
            started.stop()
