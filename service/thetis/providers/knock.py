"""Notifications for Knock: start the post-purchase workflow of an order, tell it what was lost,
stop it, or delete the person whom Knock knows by an address.

Facts this file stands on:
- Only a trigger honours Idempotency-Key: the same key and body within 24 hours is answered again
  without a second run, and only a 2xx is remembered. A cancel needs none: repeating it changes
  nothing. https://docs.knock.app/api-reference/overview/idempotent-requests
- A trigger is answered 200 with `workflow_run_id`, a cancel 204 without a body.
  https://docs.knock.app/api-reference/workflows
- A user that is deleted is gone with all messages, which takes Knock ten minutes at most; it is not
  said that runs end with it. Answered 204 without a body.
  https://docs.knock.app/managing-recipients/deleting-users
- Errors carry `code` and `message`. https://docs.knock.app/api-reference/overview/error-codes
- Both calls are allowed 1,000 times a second, which we do not come near, and to set an object 60.
  https://docs.knock.app/api-reference/overview/rate-limits
- An inline actor that is an object is made, or merged into what is known of it. To set an object
  merges too; a text is replaced as a whole. Templates and `update_data` steps load an object when
  they are rendered. https://docs.knock.app/concepts/objects
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from knockapi import (
    APIConnectionError,
    APIStatusError,
    AsyncAPIResponse,
    AsyncKnock,
    DefaultAsyncHttpxClient,
    NotFoundError,
)
from knockapi.types import InlineObjectRequestParam

from thetis.errors import SendFailure
from thetis.model import Notification
from thetis.providers import (
    cannot_send,
    failure,
    no_answer,
    parse_retry_after,
    redact,
    unreadable_answer,
)

WORKFLOW = "post-purchase"

ORDERS = "orders"
"""The collection of Knock's objects that knows, for each order, what of it was lost."""

WRONG_SETTINGS = frozenset({"workflow_inactive", "workflow_missing"})
"""Codes of errors that are about settings whatever the status, which the documents do not tell.
https://docs.knock.app/api-reference/overview/error-codes
"""

BRANCHED_CATEGORIES = frozenset({"course", "device"})
"""The categories that the workflow has a branch for; it sends all others a plain thank-you."""


class KnockSender:
    """`base_url` comes without `/v1`."""

    provider = "knock"
    kinds = frozenset(
        {"post_purchase", "post_purchase_update", "post_purchase_cancel", "forget_recipient"}
    )

    def __init__(self, *, api_key: str, base_url: str, timeout: float) -> None:
        self._api_key = api_key
        self._timeout = timeout
        self._client = AsyncKnock(
            api_key=api_key,
            base_url=base_url,
            timeout=timeout,
            # The outbox owns retries: a second layer here would outlive the deadline.
            max_retries=0,
            # A POST that is redirected arrives as a GET, and what answers is not the API.
            http_client=DefaultAsyncHttpxClient(follow_redirects=False),
        )

    def wait(self) -> float:
        return 0.0

    def room(self, within: float) -> int | None:  # noqa: ARG002 - there is no limit to keep to
        return None

    async def send(self, notification: Notification) -> str | None:
        if notification.kind not in self.kinds:
            raise cannot_send(self, notification)
        call = {
            "post_purchase": self._trigger,
            "post_purchase_update": self._update,
            "post_purchase_cancel": self._cancel,
            "forget_recipient": self._forget,
        }[notification.kind]
        try:
            async with asyncio.timeout(self._timeout):
                await call(notification.payload, notification.id)
        except APIStatusError as error:
            raise self._refusal(error) from error
        except APIConnectionError as error:
            raise no_answer(self.provider, error.__cause__) from error
        except TimeoutError as error:
            raise no_answer(self.provider, error) from error
        return None

    async def close(self) -> None:
        await self._client.close()

    async def _trigger(self, facts: Mapping[str, Any], key: str) -> None:
        answer = await self._client.workflows.with_raw_response.trigger(
            WORKFLOW,
            recipients=[{"id": facts["email"], "email": facts["email"]}],
            actor=_order(facts),
            data=trigger_data(facts),
            cancellation_key=cancellation_key(facts),
            idempotency_key=key,
        )
        run = await _parsed(answer)
        # The SDK hands other content types, and objects of another shape, through unchecked.
        if answer.status_code != 200 or not getattr(run, "workflow_run_id", None):
            raise unreadable_answer(self.provider, answer.status_code)

    async def _update(self, facts: Mapping[str, Any], key: str) -> None:
        answer = await self._client.objects.with_raw_response.set(
            ORDERS,
            facts["order_id"],
            extra_body={"ended_purchases": " ".join(facts["ended"])},
            idempotency_key=key,
        )
        order = await _parsed(answer)
        if answer.status_code != 200 or getattr(order, "id", None) != facts["order_id"]:
            raise unreadable_answer(self.provider, answer.status_code)

    async def _cancel(self, facts: Mapping[str, Any], key: str) -> None:
        answer = await self._client.workflows.with_raw_response.cancel(
            WORKFLOW,
            cancellation_key=cancellation_key(facts),
            recipients=[facts["email"]],
            idempotency_key=key,
        )
        if answer.status_code != 204:
            raise unreadable_answer(self.provider, answer.status_code)

    async def _forget(self, facts: Mapping[str, Any], key: str) -> None:
        email = facts["email"]
        await asyncio.gather(
            *(
                self._cancel({**run, "email": email}, f"{key}-{place}")
                for place, run in enumerate(facts["runs"])
            )
        )
        try:
            answer = await self._client.users.with_raw_response.delete(email, idempotency_key=key)
        except NotFoundError as error:
            if _is_readable(error):  # Knock knows nobody of that address, or no more
                return
            raise
        if answer.status_code != 204:
            raise unreadable_answer(self.provider, answer.status_code)

    def _refusal(self, error: APIStatusError) -> SendFailure:
        if error.status_code < 400:  # a redirect
            return unreadable_answer(self.provider, error.status_code)
        return failure(
            self.provider,
            error.status_code,
            redact(_words(error.body), self._api_key),
            is_readable=_is_readable(error),
            is_about_settings=_is_about_settings(error),
            retry_after=parse_retry_after(error.response.headers.get("retry-after")),
        )


async def _parsed(answer: AsyncAPIResponse[Any]) -> object:
    try:
        return await answer.parse()
    except ValueError:  # the SDK's, for a body that claims to be JSON and is not
        return None


def _is_readable(error: APIStatusError) -> bool:
    """In Knock's own form."""
    return isinstance(error.body, dict) and isinstance(error.body.get("code"), str)


def _is_about_settings(error: APIStatusError) -> bool:
    """A key that is wrong, revoked or of another environment; a workflow that is not there."""
    code = error.body.get("code") if isinstance(error.body, dict) else None
    return error.status_code in {401, 403, 404} or code in WRONG_SETTINGS


def trigger_data(facts: Mapping[str, Any]) -> dict[str, object]:
    """What the workflow's branches and templates read, from a `post_purchase` payload."""
    return {
        "order_id": facts["order_id"],
        "order_number": facts["order_number"],
        "products_ordered": facts["products"],
        "categories_ordered": facts["categories"],
        "purchases": facts["purchases"],
        "is_addition": facts["is_addition"],
    }


def _order(facts: Mapping[str, Any]) -> InlineObjectRequestParam:
    """The order's object, which a later update is written to. Nothing in it tells of a person."""
    order = {"id": facts["order_id"], "collection": ORDERS, "order_number": facts["order_number"]}
    return cast("InlineObjectRequestParam", order)  # of any properties, which its type cannot say


def cancellation_key(facts: Mapping[str, Any]) -> str:
    """One for all triggers of a run. What comes after a cancellation has another, so that Knock
    cannot end it by mistake, in whatever order it handles the two.
    """
    order_id: str = facts["order_id"]
    return order_id if facts["run"] == 1 else f"{order_id}/{facts['run']}"


def _words(body: object) -> str:
    if not isinstance(body, dict):
        return str(body or "without a word")
    # `errors` stands in for `message` where the parameters were wrong.
    parts = (body.get("code"), body.get("message"), body.get("errors"))
    return ": ".join(str(part) for part in parts if part)
