from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from shopify_app import ShopifyApp
from shopify_app.types import RequestInput

from thetis.shopify import verify_signature

BODY = '{"id": 820982911946154508, "note": "né"}'.encode()
SECRET = "hush"


def signature(body: bytes = BODY, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


GOOD = signature()


def test_a_signature_made_outside_this_program_verifies() -> None:
    # printf '%s' '{"id":1}' | openssl dgst -sha256 -hmac hush -binary | base64
    assert verify_signature(b'{"id":1}', "VnKUjZsLuN5iZWjn5EntcBVCF9kMN43LglzCE1/GSeY=", ["hush"])


@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff", b"not json", BODY], ids=["empty", "binary", "text", "json"]
)
def test_any_bytes_can_be_signed(body: bytes) -> None:
    assert verify_signature(body, signature(body), [SECRET])


@pytest.mark.parametrize(
    "body",
    [BODY + b"\n", BODY.replace(b": ", b":"), BODY.decode().encode("latin-1"), b"", BODY[:-1]],
    ids=["newline", "whitespace", "other encoding", "empty", "truncated"],
)
def test_the_raw_bytes_matter_not_their_meaning(body: bytes) -> None:
    assert not verify_signature(body, GOOD, [SECRET])


@pytest.mark.parametrize("secrets", [["hush", "new"], ["new", "hush"], ["a", "hush", "b"]])
def test_during_a_rotation_any_of_the_secrets_may_have_signed(secrets: list[str]) -> None:
    assert verify_signature(BODY, GOOD, secrets)


def test_another_secret_does_not_verify() -> None:
    assert not verify_signature(BODY, GOOD, ["Hush", "hush ", "new"])


def test_without_secrets_nothing_verifies() -> None:
    assert not verify_signature(BODY, GOOD, [])


def test_an_empty_secret_never_verifies() -> None:
    assert not verify_signature(BODY, signature(secret=""), [""])
    assert not verify_signature(BODY, signature(secret=""), ["", SECRET])


def test_an_empty_secret_does_not_disable_the_others() -> None:
    assert verify_signature(BODY, GOOD, ["", SECRET])


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        " ",
        "=",
        "====",
        "a",
        GOOD[:-1],
        GOOD[:-2],
        GOOD + "=",
        GOOD + "\n",
        " " + GOOD,
        f"{GOOD},{GOOD}",
        f"{GOOD}, {GOOD}",
        ",,,",
        f"sha256={GOOD}",
        GOOD.replace("=", "") + "é",
        "é" * 44,
        "\x00" * 44,
        "\ud800" * 44,
        "A" * 44,
        "A" * 1_000_000,
        base64.b64encode(base64.b64decode(GOOD)[:31]).decode(),
        base64.b64encode(base64.b64decode(GOOD) + b"\x00").decode(),
        base64.b64decode(GOOD).hex(),
        GOOD.swapcase(),
    ],
    ids=lambda header: repr(header)[:24],
)
def test_a_malformed_header_is_a_wrong_one(header: str | None) -> None:
    assert not verify_signature(BODY, header, [SECRET])


@pytest.mark.parametrize("signed_with", ["shpss_new", "shpss_old", "shpss_other"])
def test_shopifys_own_package_judges_signatures_as_we_do(signed_with: str) -> None:
    """An app signs with its client secret, and for an hour after a rotation with the old one."""
    official = ShopifyApp("a-client-id", "shpss_new", "shpss_old")
    headers = {"x-shopify-hmac-sha256": signature(secret=signed_with)}
    request: RequestInput = {
        "method": "POST",
        "url": "https://thetis.example.com/webhooks/shopify",
        "headers": {**headers, "x-shopify-shop-domain": "example-shop.myshopify.com"},
        "body": BODY.decode(),
    }

    verdict = official.verify_webhook_req(request)

    ours = verify_signature(BODY, signature(secret=signed_with), ["shpss_new", "shpss_old"])
    assert verdict.ok is ours is (signed_with != "shpss_other")
