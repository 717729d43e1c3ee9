"""What a setting may look like, and the words for the person who has to set it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Annotated, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    HttpUrl,
    SecretStr,
    ValidatorFunctionWrapHandler,
)
from pydantic_core import CoreSchema, core_schema
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What all settings have in common."""

    model_config = SettingsConfigDict(
        frozen=True,
        hide_input_in_errors=True,
        extra="ignore",
        env_ignore_empty=True,
        use_attribute_docstrings=True,  # for docs/REFERENCE.md
    )


@dataclass(frozen=True)
class Form:
    """What a setting looks like, in words for the person who has to set it."""

    words: str

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(self._check, handler(source))

    def _check(self, value: object, validate: ValidatorFunctionWrapHandler) -> object:
        try:
            return validate(value)
        except ValueError:
            raise ValueError(f"must be {self.words}") from None


def split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return [secret for part in value.split(",") if (secret := part.strip())]


def _plain(value: SecretStr) -> SecretStr:
    secret = value.get_secret_value()
    if not (secret and secret.isascii() and secret.isprintable() and " " not in secret):
        raise ValueError
    return value


def _not_a_public_key(key: SecretStr) -> SecretStr:
    """A project has keys for browsers too. They look alike, and may not call our functions."""
    text = key.get_secret_value()
    if text.startswith("sb_publishable_") or _role(text) in {"anon", "authenticated"}:
        raise ValueError("must be the secret key or the service_role key, not a public one")
    return key


def _role(key: str) -> object:
    """What a legacy key, which is a JWT, says that it is for; None of any other."""
    try:
        _, claims, _ = key.split(".")
        return json.loads(base64.urlsafe_b64decode(claims + "==")).get("role")
    except (ValueError, AttributeError):
        return None


def _libpq(value: SecretStr) -> SecretStr:
    try:
        parts = conninfo_to_dict(value.get_secret_value())
    except psycopg.ProgrammingError:  # its words quote the value
        parts = {}
    if not parts:
        raise ValueError
    return value


Secret = Annotated[
    SecretStr, AfterValidator(_plain), Form("a secret of printable ASCII without spaces")
]
SupabaseKey = Annotated[Secret, AfterValidator(_not_a_public_key)]
DatabaseUrl = Annotated[
    SecretStr,
    AfterValidator(_libpq),
    Form("a libpq URI, such as postgresql://user:password@host:5432/name"),
]
BaseUrl = Annotated[
    str,
    AfterValidator(lambda url: str(HttpUrl(url)).rstrip("/")),
    Form("an http or https address, such as https://learn.example.com"),
]
Line = Annotated[str, Field(pattern=r"^[^\r\n]*[^\s][^\r\n]*$"), Form("one line of text")]
EmailAddress = Annotated[
    str, Field(pattern=r"^[^\s<>@,]+@[^\s<>@,]+$"), Form("an address, such as help@example.com")
]
Color = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$"), Form("a colour, such as #1463a5")]
ImageUrl = Annotated[
    str,
    AfterValidator(lambda url: str(HttpUrl(url))),
    Field(pattern=r"^https://"),
    Form("an https address of an image, such as https://example.com/logo.png"),
]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False), Form("a number above 0, such as 2")]
Seconds = Annotated[
    float, Field(gt=0, allow_inf_nan=False), Form("a number of seconds above 0, such as 2.5")
]
Minutes = Annotated[
    float, Field(ge=0, allow_inf_nan=False), Form("a number of minutes, such as 60, or 0 for never")
]
Count = Annotated[int, Field(gt=0), Form("a whole number above 0, such as 60")]


def _webhook_secret(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.startswith("whsec_") or not base64.b64decode(text[6:], validate=True):
        raise ValueError
    return value


ResendWebhookSecret = Annotated[SecretStr, AfterValidator(_webhook_secret)]


def _public(url: str) -> str:
    """Shopify delivers by https alone; what runs on this machine is for trying things out."""
    address = HttpUrl(url)
    if address.scheme != "https" and address.host not in {"127.0.0.1", "localhost"}:
        raise ValueError
    if address.path != "/" or address.query or address.fragment:
        raise ValueError
    return str(address).rstrip("/")


PublicUrl = Annotated[
    str,
    AfterValidator(_public),
    Form("an https address without a path, such as https://thetis.example.com"),
]
ShopDomain = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9-]*\.myshopify\.com$"),
    Form("the shop's name.myshopify.com, such as example-shop.myshopify.com"),
]

_OLDEST_VERSION = "2026-04"
"""Before it, a webhook subscription has no name: we could not tell ours from another's."""


def _new_enough(version: str) -> str:
    if version < _OLDEST_VERSION:
        raise ValueError
    return version


ShopifyVersion = Annotated[
    str,
    Field(pattern=r"^20[0-9]{2}-(01|04|07|10)$"),
    AfterValidator(_new_enough),
    Form(f"a version of Shopify's Admin API, {_OLDEST_VERSION} or later, such as 2026-10"),
]
