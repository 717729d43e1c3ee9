"""What people ask and do for a customer: one method for each SQL function, and no SQL."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, LiteralString

from thetis.answers import act, document, read, resent, retried
from thetis.database import Database
from thetis.model import Act, PrivacyRequest, Resent, Retried


class Operators:
    """Acts in the name of `operator`, whom the audit log names.

    Nothing is done twice if the same is asked again. With `dry_run` it is only said what would be.
    `expected_address` says who is meant: what is not theirs is refused.
    """

    def __init__(self, database: Database, operator: str) -> None:
        self._database = database
        self._operator = operator

    async def customer_timeline(self, query: str) -> dict[str, Any]:
        """All that is known of a customer, the answer first."""
        return await self._ask("customer_timeline", query=query)

    async def grant_access(
        self,
        *,
        slug: str,
        recipient: str,
        until: str | None,
        grant_id: str,
        reason: str,
        dry_run: bool,
    ) -> Act:
        """`recipient` is an address, or the id of an account; without `until` it is for ever."""
        return await self._act(
            "grant_access",
            slug=slug,
            recipient=recipient,
            until=until,
            grant_id=grant_id,
            reason=reason,
            dry_run=dry_run,
        )

    async def revoke_purchase(
        self, purchase_id: str, *, reason: str, expected_address: str | None, dry_run: bool
    ) -> Act:
        return await self._act(
            "revoke_purchase",
            purchase_id=purchase_id,
            reason=reason,
            expected_address=expected_address,
            dry_run=dry_run,
        )

    async def restore_purchase(
        self, purchase_id: str, *, reason: str, expected_address: str | None, dry_run: bool
    ) -> Act:
        return await self._act(
            "restore_purchase",
            purchase_id=purchase_id,
            reason=reason,
            expected_address=expected_address,
            dry_run=dry_run,
        )

    async def extend_purchase(
        self,
        purchase_id: str,
        *,
        until: str,
        reason: str,
        expected_address: str | None,
        dry_run: bool,
    ) -> Act:
        return await self._act(
            "extend_purchase",
            purchase_id=purchase_id,
            until=until,
            reason=reason,
            expected_address=expected_address,
            dry_run=dry_run,
        )

    async def transfer_purchase(
        self,
        purchase_id: str,
        *,
        address: str,
        reason: str,
        expected_address: str | None,
        dry_run: bool,
    ) -> Act:
        return await self._act(
            "transfer_purchase",
            purchase_id=purchase_id,
            address=address,
            reason=reason,
            expected_address=expected_address,
            dry_run=dry_run,
        )

    async def transfer_order(
        self,
        order: str,
        *,
        address: str,
        reason: str,
        expected_address: str | None,
        dry_run: bool,
    ) -> Act:
        """`order` is its number, or its Shopify id."""
        return await self._act(
            "transfer_order",
            order_name=order,
            address=address,
            reason=reason,
            expected_address=expected_address,
            dry_run=dry_run,
        )

    async def retry_notifications(
        self, ids: Sequence[str], *, reason: str | None, dry_run: bool
    ) -> list[Retried]:
        """Try these again now, where that is safe; what became of each, in their order."""
        rows = await self._database.call(
            "retry_notifications",
            ids=list(ids),
            dry_run=dry_run,
            operator=self._operator,
            reason=reason,
        )
        return read(rows, retried)

    async def resend_notification(
        self, *, order: str, kind: str, reason: str, dry_run: bool
    ) -> list[Resent]:
        """Send an order's customer again what they were told; one for each address."""
        rows = await self._database.call(
            "resend_notification",
            order_name=order,
            kind=kind,
            reason=reason,
            operator=self._operator,
            dry_run=dry_run,
        )
        return read(rows, resent)

    async def export_customer(self, address: str) -> dict[str, Any]:
        """Everything that is held of an address."""
        return await self._ask("export_customer", address=address)

    async def forget_customer(self, address: str, *, reason: str, dry_run: bool) -> dict[str, Any]:
        """Strike an address out; what that means for access, and how many rows held it."""
        return await self._ask("forget_customer", address=address, reason=reason, dry_run=dry_run)

    async def list_privacy_requests(self, *, include_answered: bool) -> list[PrivacyRequest]:
        """The oldest first, a thousand at most."""
        rows = await self._database.call("list_privacy_requests", include_answered=include_answered)
        return read(rows, lambda rows: [PrivacyRequest(**row) for row in rows])

    async def mark_privacy_request_answered(self, request_id: int) -> None:
        """Raises DatabaseRefused if there is none with this id."""
        await self._database.call(
            "mark_privacy_request_answered", id=request_id, operator=self._operator
        )

    async def require_second_factor(self, *, is_required: bool, reason: str) -> None:
        """Must staff have signed in with one?"""
        await self._database.call(
            "require_second_factor",
            is_required=is_required,
            reason=reason,
            operator=self._operator,
        )

    async def _ask(self, function: LiteralString, **arguments: Any) -> dict[str, Any]:
        rows = await self._database.call(function, operator=self._operator, **arguments)
        return read(rows, partial(document, function=function))

    async def _act(self, function: LiteralString, **arguments: Any) -> Act:
        rows = await self._database.call(function, operator=self._operator, **arguments)
        return read(rows, partial(act, function=function))
