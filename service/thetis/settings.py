"""Every setting, read once from the environment. There is no default for a secret.

DatabaseSettings        what `thetis customer`, `messages`, `products`, `rejected` and `staff` need
├── SyncSettings        and to ask the shop: what `thetis backfill` and `thetis reconcile` need
└── WorkerSettings      and to send: what `thetis worker` needs
    └── ServiceSettings and to receive: what `thetis serve` needs

Those of Shopify's Admin API, which both last ones may have, are in `thetis.shopify_settings`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import NoDecode

from thetis.errors import SettingsError
from thetis.model import DisputeRule, TestOrders
from thetis.setting_types import (
    BaseUrl,
    Color,
    Count,
    DatabaseUrl,
    EmailAddress,
    Form,
    ImageUrl,
    Line,
    Minutes,
    Rate,
    ResendWebhookSecret,
    Seconds,
    Secret,
    Settings,
    SupabaseKey,
    split,
)
from thetis.shopify_settings import AdminSettings, ShopifySettings


class DatabaseSettings(Settings):
    """How to reach the database: DATABASE_URL, or else SUPABASE_URL with SUPABASE_SECRET_KEY."""

    database_url: DatabaseUrl | None = None
    """A Postgres URI, direct or through a pooler. Used when both ways are given: it is faster."""
    supabase_url: BaseUrl | None = None
    """The project's API, for example `https://abcdefghijklmnopqrst.supabase.co`. Together with the
    next one it is the other way to the database.
    """
    supabase_secret_key: Annotated[SupabaseKey | None, Field(validate_default=True)] = None
    """A key that begins with `sb_secret_`, or the legacy service_role key. One for browsers
    (`sb_publishable_…`, or the anon key) is refused.
    """
    database_timeout_seconds: Seconds = 4.0
    """A call to the database that takes longer is given up. Shopify gives up on us after 5 seconds.
    """
    test_orders: Annotated[TestOrders, Form("grant or ignore")] = "grant"
    """`grant` or `ignore`: whether orders that Shopify marks as tests grant access and send, or are
    ignored.
    """
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Form("debug, info, warning or error")
    ] = "info"
    """`debug`, `info`, `warning` or `error`."""
    log_format: Annotated[Literal["json", "console"], Form("json or console")] = "json"
    """`json`, one object a line, or `console`, for people."""

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


class SyncSettings(AdminSettings, DatabaseSettings):
    """The database, and the shop whose orders it is to have."""


class WorkerSettings(ShopifySettings, DatabaseSettings):
    """How to send notifications."""

    knock_api_key: Secret
    """The secret key of one Knock environment; it begins with `sk_`."""
    knock_base_url: BaseUrl = "https://api.knock.app"
    """Where Knock's API is, without `/v1`."""
    resend_api_key: Secret
    """It begins with `re_`."""
    resend_base_url: BaseUrl = "https://api.resend.com"
    """Where Resend's API is."""
    resend_requests_per_second: Rate | None = None
    """A limit of your own for each process, below the one that Resend tells in its answers."""
    email_from: Annotated[
        str,
        Field(pattern=r"^[^\r\n]*[^\s<>]+@[^\s<>]+>?$"),
        Form("a sender, such as Courses <courses@example.com>"),
    ]
    """The sender of the course email, `Name <address>`, on a domain that is verified at Resend. The
    email asks for replies: somebody must read them.
    """
    shop_name: Line
    """The name of the shop, above and below each course email."""
    support_email: EmailAddress
    """Where customers are answered: replies to the course email go there, and its last line names
    it.
    """
    shop_address: Line | None = None
    """The shop's postal address, under each course email. Some countries demand one."""
    brand_color: Color = "#1463a5"
    """The colour of the button; its words are black or white, whichever is easier to read."""
    logo_url: ImageUrl | None = None
    """A logo in place of the name above the email, shown 40 pixels high and 240 wide at most."""
    course_app_url: BaseUrl
    """Where the course app is. The email links to its `/claim` page."""
    send_timeout_seconds: Seconds = 15.0
    """How long Knock or Resend may take for one request, after which it is tried again."""
    disputes: Annotated[DisputeRule, Form("honor or ignore")] = "honor"
    """`honor` or `ignore`: whether an open or a lost chargeback ends access. Disputes are kept
    either way, so it can be changed later; a change holds within two minutes of the worker's start.
    """
    lease_seconds: Annotated[Count, Field(validate_default=True)] = 60
    """For how long a claimed notification belongs to one worker; at least twice
    `SEND_TIMEOUT_SECONDS`. If the worker is killed, the notification waits for the end of it.
    """
    dispatch_concurrency: Count = 10
    """How many notifications one worker sends to one provider at the same time."""
    poll_seconds: Seconds = 1.0
    """How long the worker rests when nothing is due and no webhook wakes it."""

    reconcile_minutes: Minutes = 60.0
    """How often orders are compared with Shopify's, because a webhook may never come; 0 is never.
    It needs `SHOPIFY_SHOP`.
    """

    @field_validator("lease_seconds")
    @classmethod
    def _outlast_a_send(cls, lease: int, info: ValidationInfo) -> int:
        if lease < 2 * info.data.get("send_timeout_seconds", 0.0):
            raise ValueError("must be at least twice SEND_TIMEOUT_SECONDS")
        return lease


class ServiceSettings(WorkerSettings):
    """How to receive webhooks."""

    shopify_webhook_secrets: Annotated[
        Annotated[tuple[Secret, ...], Field(min_length=1)] | None,
        NoDecode,
        BeforeValidator(split),
        Field(validate_default=True),
        Form("one or more secrets, separated by commas"),
    ] = None
    """One secret, or several separated by commas. Any of them may have signed, so that a secret can
    be rotated, and so may `SHOPIFY_CLIENT_SECRET`: one of the two settings must be there.
    """
    resend_webhook_secrets: Annotated[
        Annotated[tuple[ResendWebhookSecret, ...], Field(min_length=1)] | None,
        NoDecode,
        BeforeValidator(split),
        Form("secrets of Resend's webhooks, whsec_…, separated by commas"),
    ] = None
    """The signing secret of the webhook at Resend, or several separated by commas. Without one,
    `/webhooks/resend` answers 404, and nobody learns which emails did not arrive.
    """
    max_body_bytes: Count = 8 * 1024 * 1024
    """A larger webhook is answered 413."""
    backlog_limit_seconds: Seconds = 900.0
    """`/readyz` fails when a notification has been due for longer: no worker is at work, or
    hundreds wait for a provider that hangs.
    """

    @field_validator("shopify_webhook_secrets")
    @classmethod
    def _verify_webhooks(
        cls, secrets: tuple[SecretStr, ...] | None, info: ValidationInfo
    ) -> tuple[SecretStr, ...] | None:
        if secrets is None and info.data.get("shopify_client_secret", "wrong") is None:
            raise ValueError(
                "is not set; must be one or more secrets, separated by commas,"
                " unless SHOPIFY_CLIENT_SECRET is set"
            )
        return secrets

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """Everything that may have signed a webhook of Shopify's."""
        given = (*(self.shopify_webhook_secrets or ()), self.shopify_client_secret)
        return tuple(each.get_secret_value() for each in given if each is not None)


SettingsType = TypeVar("SettingsType", bound=Settings)


def load(kind: type[SettingsType], **given: Any) -> SettingsType:
    """Read settings of this kind; `given` ones come before the environment.

    Raises one SettingsError that names all that is missing or malformed.
    """
    try:
        return kind(**given)
    except ValidationError as error:
        faults = "\n".join(f"  {name.upper()}: {words}" for name, words in faults_of(kind, error))
        raise SettingsError(f"settings are missing or malformed:\n{faults}") from None


def faults_of(kind: type[Settings], error: ValidationError) -> Iterator[tuple[str, str]]:
    """Each setting that is missing or wrong, and what it should look like."""
    for fault in error.errors(include_url=False, include_input=False):
        name = str(fault["loc"][0])
        if fault["type"] == "missing":
            [form] = [each for each in kind.model_fields[name].metadata if isinstance(each, Form)]
            yield name, f"is not set; must be {form.words}"
        else:
            yield name, str(fault["msg"]).removeprefix("Value error, ")
