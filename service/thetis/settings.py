"""Every setting, read once from the environment. There is no default for a secret.

DatabaseSettings        what `thetis products` and `thetis rejected` need
└── WorkerSettings      and to send: what `thetis worker` needs
    └── ServiceSettings and to receive: what `thetis serve` needs
"""

from __future__ import annotations

import base64
import json
from typing import Annotated, Any, Literal, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    HttpUrl,
    PositiveInt,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class SettingsError(Exception):
    """The environment does not describe a service that could start; the message names it all."""


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return [secret for part in value.split(",") if (secret := part.strip())]


def _plain(value: SecretStr) -> SecretStr:
    secret = value.get_secret_value()
    if not (secret and secret.isascii() and secret.isprintable() and " " not in secret):
        raise ValueError("must be printable ASCII without spaces")
    return value


def _not_a_public_key(key: SecretStr) -> SecretStr:
    """The keys that a project has for browsers are a slip of the hand away, and may do nothing."""
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
        raise ValueError("must be a libpq URI: postgresql://user:password@host/name")
    return value


Secret = Annotated[SecretStr, AfterValidator(_plain)]
SupabaseKey = Annotated[Secret, AfterValidator(_not_a_public_key)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_libpq)]
BaseUrl = Annotated[str, AfterValidator(lambda url: str(HttpUrl(url)).rstrip("/"))]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class DatabaseSettings(BaseSettings):
    """How to reach the database: DATABASE_URL, or else SUPABASE_URL with SUPABASE_SECRET_KEY."""

    model_config = SettingsConfigDict(
        frozen=True,
        hide_input_in_errors=True,
        extra="ignore",
        env_ignore_empty=True,
        use_attribute_docstrings=True,  # for docs/REFERENCE.md
    )

    database_url: DatabaseUrl | None = None
    """A libpq URI: direct, or through a pooler. Used when both ways are given; it is faster."""
    supabase_url: BaseUrl | None = None
    """The project's API, for example https://PROJECT.supabase.co."""
    supabase_secret_key: Annotated[SupabaseKey | None, Field(validate_default=True)] = None
    """An `sb_secret_...` key, or the legacy service_role key."""
    database_timeout_seconds: Seconds = 4.0
    """A call that takes longer is given up. Shopify gives up on us after 5 seconds."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"

    @field_validator("supabase_secret_key")
    @classmethod
    def _reach_the_database(cls, key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        # Here, because a validator of the whole is silent as long as any other setting is wrong;
        # and one that is wrong itself is not among `info.data`.
        has_url, has_api = (
            info.data.get(name, "wrong") is not None for name in ("database_url", "supabase_url")
        )
        if not has_url and not (has_api and key):
            raise ValueError("set DATABASE_URL, or both SUPABASE_URL and SUPABASE_SECRET_KEY")
        return key


class WorkerSettings(DatabaseSettings):
    """How to send what is owed."""

    knock_api_key: Secret
    knock_base_url: BaseUrl = "https://api.knock.app"
    resend_api_key: Secret
    resend_base_url: BaseUrl = "https://api.resend.com"
    email_from: Annotated[str, Field(pattern=r"^[^\r\n]*[^\s<>]+@[^\s<>]+>?$")]
    """The sender of the course email: `Name <address>`, on a domain verified at Resend."""
    course_app_url: BaseUrl
    """Where the course app is; the email links to its /claim page."""
    send_timeout_seconds: Seconds = 15.0
    """How long a provider may take for one message, connection to last byte."""
    lease_seconds: Annotated[PositiveInt, Field(validate_default=True)] = 60
    """How long a claimed message is ours alone; at least twice as long as a send may take."""
    poll_seconds: Seconds = 1.0
    """How long the worker rests when nothing is due and nobody wakes it."""

    @field_validator("lease_seconds")
    @classmethod
    def _outlast_a_send(cls, lease: int, info: ValidationInfo) -> int:
        if lease < 2 * info.data.get("send_timeout_seconds", 0.0):
            raise ValueError("must be at least twice SEND_TIMEOUT_SECONDS")
        return lease


class ServiceSettings(WorkerSettings):
    """How to receive webhooks."""

    shopify_webhook_secrets: Annotated[
        tuple[Secret, ...], NoDecode, BeforeValidator(_split), Field(min_length=1)
    ]
    """Comma-separated; any of them may have signed, so that a secret can be rotated."""
    max_body_bytes: PositiveInt = 8 * 1024 * 1024
    backlog_limit_seconds: Seconds = 900.0
    """/readyz fails when a message has been due for longer: no worker is at work, or hundreds
    wait for a provider that hangs.
    """


SettingsType = TypeVar("SettingsType", bound=DatabaseSettings)


def load(kind: type[SettingsType], **given: Any) -> SettingsType:
    """Read settings of this kind; `given` ones come before the environment.

    Raises one SettingsError that names all that is missing or malformed.
    """
    try:
        return kind(**given)
    except ValidationError as error:
        faults = [
            f"  {str(fault['loc'][0]).upper()}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        ]
        raise SettingsError("\n".join(["settings are missing or malformed:", *faults])) from None
