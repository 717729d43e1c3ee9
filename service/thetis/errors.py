"""Every exception that Thetis raises on purpose.

ThetisError
├── SettingsError            the environment does not describe a service that could start
├── SyncBusy                 another run goes over Shopify's orders
├── UnusablePayload          the body of a webhook is not one that we can use
├── DatabaseError            the database did not do what it was asked
│   ├── DatabaseUnavailable  the request is not at fault, and may succeed later
│   └── DatabaseRefused      the request is at fault, and would be refused again
├── ShopifyError             Shopify's Admin API did not answer what it was asked
│   ├── ShopifyUnavailable   it may answer later
│   └── ShopifyRefused       it says why not: a scope, a token, a setting of the app
└── SendFailure              a provider did not take a notification
    ├── TemporaryFailure     try again later, with the same idempotency key
    ├── WrongSettings        it refuses whatever we send, until somebody mends a setting
    └── PermanentFailure     trying again cannot help: a person has to look
"""

from __future__ import annotations


class ThetisError(Exception):
    """What all have in common; nothing raises it as such."""


class SettingsError(ThetisError):
    """The message names each setting that is missing or wrong, and what it should look like."""


class SyncBusy(ThetisError):
    """`seconds` until it is known whether the other one was killed."""

    def __init__(self, purpose: str, seconds: float) -> None:
        super().__init__(purpose)
        self.purpose = purpose
        self.seconds = seconds


class UnusablePayload(ThetisError):
    """The reason names fields and faults, never a value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DatabaseError(ThetisError):
    """`code` is a SQLSTATE or PostgREST's own code; None when there was no answer."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class DatabaseUnavailable(DatabaseError):
    """Too slow, gone, overloaded, or of another release."""


class DatabaseRefused(DatabaseError):
    """Postgres cannot store a value, or one of our functions refuses it."""


class ShopifyError(ThetisError):
    """The message is Shopify's own, without secrets and email addresses."""


class ShopifyUnavailable(ShopifyError):
    """No answer, or none that Shopify's API documents. `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ShopifyRefused(ShopifyError):
    """`code` is Shopify's own, such as ACCESS_DENIED, or the status of an answer without one."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class SendFailure(ThetisError):
    """`reason` is free of secrets and of email addresses."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TemporaryFailure(SendFailure):
    """Worth another attempt, no sooner than `retry_after` seconds when the provider said so.

    `is_refused`: the provider certainly did not take the notification. Otherwise nobody knows, and
    only the idempotency key keeps another attempt from having a second effect.
    """

    def __init__(
        self, reason: str, retry_after: float | None = None, *, is_refused: bool = False
    ) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.is_refused = is_refused


class WrongSettings(SendFailure):
    """The provider certainly took nothing, and the notification is not at fault."""


class PermanentFailure(SendFailure):
    """The provider refused, and would refuse the same request again."""
