"""Every exception that Thetis raises on purpose.

SendFailure            a provider did not take a notification
├── TemporaryFailure   try again later, with the same idempotency key
└── PermanentFailure   trying again cannot help: a person has to look
"""

from __future__ import annotations


class SendFailure(Exception):
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


class PermanentFailure(SendFailure):
    """The provider refused, and would refuse the same request again."""
