"""What is not a webhook of Shopify's is refused, without asking the database."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.service import NOWHERE, SECRET, Service, eventually, running
from tests.support.shopify import COURSE, order
from thetis.cli import shopify_payloads

BODY = shopify_payloads.encode(order(1, COURSE))
LIMIT = 10_000
BRIEF: dict[str, Any] = {"database_timeout_seconds": 0.3}


def _signature(body: bytes = BODY, secret: str = SECRET) -> str:
    return shopify_payloads.headers("orders/paid", body, secret)["X-Shopify-Hmac-Sha256"]


def _post(service: Service, body: bytes | Iterator[bytes], **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(f"{service.url}/webhooks/shopify", content=body, headers=named, timeout=10)


def _without_padding() -> str:
    return _signature().rstrip("=")


WRONG_SIGNATURES = {
    "none": None,
    "empty": "",
    "no base64": "no base64 at all!",
    "too short": base64.b64encode(b"short").decode(),
    "zeros": base64.b64encode(bytes(32)).decode(),
    "without padding": _without_padding(),
    "by another secret": _signature(secret="another secret"),
    "by an empty secret": _signature(secret=""),
    "of another body": _signature(BODY + b" "),
    "in another case": _signature().swapcase(),
    "twice": f"{_signature()},{_signature()}",
    "not ascii": "ü" * 44,
    "endless": "=" * 10_000,
}


@pytest.mark.parametrize("signature", WRONG_SIGNATURES.values(), ids=WRONG_SIGNATURES)
def test_without_the_right_signature_it_is_401(cut_off: Service, signature: str | None) -> None:
    headers = [(b"X-Shopify-Topic", b"orders/paid")]
    if signature is not None:
        headers.append((b"X-Shopify-Hmac-Sha256", signature.encode("latin-1")))

    response = httpx.post(f"{cut_off.url}/webhooks/shopify", content=BODY, headers=headers)

    assert response.status_code == 401
    assert response.json() == {"error": "the signature is missing or wrong"}


def test_a_body_changed_on_the_way_is_401(cut_off: Service) -> None:
    tampered = BODY.replace(b"ada@", b"eve@")
    response = _post(cut_off, tampered, X_Shopify_Hmac_Sha256=_signature())
    assert response.status_code == 401


def test_the_signature_of_an_empty_body_does_not_open_the_door(cut_off: Service) -> None:
    assert _post(cut_off, BODY, X_Shopify_Hmac_Sha256=_signature(b"")).status_code == 401


def test_each_of_several_secrets_may_have_signed() -> None:
    secrets = "the-new-one, the-old-one ,"
    with running({"database_url": NOWHERE}, **BRIEF, shopify_webhook_secrets=secrets) as service:
        for secret in ("the-new-one", "the-old-one"):
            answer = service.send("products/update", b"{}", secret=secret)
            assert answer.json() == {"outcome": "ignored"}
        for secret in ("the-oldest-one", "", ",", "the-new-one,the-old-one"):
            assert service.send("products/update", b"{}", secret=secret).status_code == 401


def test_the_client_secret_may_have_signed_beside_or_in_place_of_the_others() -> None:
    client = {"shopify_client_secret": "shpss_client"}
    for others in ("the-key-of-the-page", None):
        changes = {**BRIEF, **client, "shopify_webhook_secrets": others}
        with running({"database_url": NOWHERE}, **changes) as service:
            answer = service.send("products/update", b"{}", secret="shpss_client")
            assert answer.json() == {"outcome": "ignored"}
            answer = service.send("products/update", b"{}", secret="the-key-of-the-page")
            assert answer.status_code == (401 if others is None else 200)
            assert service.send("products/update", b"{}", secret="None").status_code == 401


@pytest.fixture(scope="module")
def strict() -> Iterator[Service]:
    """It takes no more than LIMIT bytes, and waits for them no longer than 0.2 seconds."""
    parts = {"body_seconds": 0.2}
    with running({"database_url": NOWHERE}, parts=parts, **BRIEF, max_body_bytes=LIMIT) as started:
        yield started


def test_a_body_of_the_largest_size_is_read(strict: Service) -> None:
    assert strict.outcome("products/update", b"x" * LIMIT) == "ignored"


def test_a_body_that_is_declared_larger_is_413(strict: Service) -> None:
    response = strict.send("products/update", b"x" * (LIMIT + 1))
    assert response.status_code == 413
    assert response.json() == {"error": f"the body is larger than {LIMIT} bytes"}


def test_a_body_that_is_larger_without_saying_so_is_413(strict: Service) -> None:
    chunks = iter([b"x" * (LIMIT // 2)] * 3)
    assert _post(strict, chunks, X_Shopify_Hmac_Sha256="any").status_code == 413


def test_a_body_without_an_end_is_413_and_cut_off(strict: Service) -> None:
    with _connected(strict) as sender:
        sender.sendall(_head(2**40))
        assert _all_of(sender).startswith(b"HTTP/1.1 413 ")


def test_a_body_in_chunks_is_read(strict: Service) -> None:
    half = len(BODY) // 2
    chunks = iter([BODY[:half], BODY[half:]])
    response = _post(
        strict, chunks, X_Shopify_Hmac_Sha256=_signature(), X_Shopify_Topic="products/update"
    )
    assert response.json() == {"outcome": "ignored"}


def test_a_body_that_takes_too_long_is_408_and_cut_off(strict: Service) -> None:
    with _connected(strict) as sender:
        sender.sendall(_head(100) + b"a beginning")
        assert _all_of(sender).startswith(b"HTTP/1.1 408 ")


def test_a_sender_that_goes_away_half_way_harms_nobody(strict: Service) -> None:
    name = 'thetis_webhooks_total{outcome="incomplete",topic="other"}'
    for _ in range(5):
        with _connected(strict) as sender:
            sender.sendall(_head(100) + b"a beginning")
    eventually(lambda: strict.metrics().get(name) == 5)
    assert strict.outcome("products/update", b"{}") == "ignored"


def _head(length: int) -> bytes:
    return b"POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length


def _all_of(connection: socket.socket) -> bytes:
    """What comes until the other side hangs up."""
    with connection.makefile("rb") as answer:
        return answer.read()


def _connected(service: Service) -> socket.socket:
    url = httpx.URL(service.url)
    return socket.create_connection((url.host, url.port or 80), timeout=10)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_405(cut_off: Service, method: str) -> None:
    response = httpx.request(method, f"{cut_off.url}/webhooks/shopify")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_nothing_can_be_posted_to_what_is_for_reading(cut_off: Service, path: str) -> None:
    assert httpx.post(f"{cut_off.url}{path}").status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/webhooks",
        "/webhooks/shopify/",
        "/webhooks/shopify/orders",
        "//webhooks/shopify",
        "/webhooks/shopify%00",
        "/docs",
        "/openapi.json",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_path_is_404_and_never_a_redirect(cut_off: Service, method: str, path: str) -> None:
    """To Shopify a redirect is a failure."""
    response = httpx.request(
        method, httpx.URL(cut_off.url).copy_with(raw_path=path.encode()), content=BODY
    )
    assert response.status_code == 404
