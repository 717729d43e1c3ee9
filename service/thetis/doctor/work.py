"""What goes on: nothing is late, nothing was given up, nothing waits for a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from thetis.doctor.checks import Check, Finding, failed, passed, unknown, warned
from thetis.doctor.database import DatabasePart
from thetis.doctor.known import Known
from thetis.errors import DatabaseUnavailable

NEWS = timedelta(days=7)


class WorkPart:
    def __init__(self, known: Known, database: DatabasePart) -> None:
        self._known = known
        self._database = database

    def checks(self) -> tuple[Check, ...]:
        part = "At work"
        return (
            Check(
                id="work.test_orders", part=part, name="test orders", run=self.test_orders,
                settings=("test_orders",),
            ),
            Check(
                id="work.outbox", part=part, name="outbox", run=self.outbox,
                after=("database.functions",),
            ),
            Check(
                id="work.rejected", part=part, name="rejected webhooks", run=self.rejected,
                after=("database.functions",),
                remedy="`thetis rejected list` tells why; mend the cause, then"
                " `thetis rejected replay --all`",
            ),
            Check(
                id="work.unmapped", part=part, name="products sold", run=self.unmapped,
                after=("database.functions",),
                remedy="if it is yours: `thetis products add … --shopify-id`, and replay its orders"
                " with `thetis backfill`; if not, this ends after a week",
                by_hand="`thetis products unmapped`",
            ),
        )  # fmt: skip

    async def test_orders(self) -> Finding:
        if self._known.text("test_orders") == "grant":
            return warned(
                "orders that Shopify marks as tests grant access and send messages",
                "set TEST_ORDERS=ignore when the shop is open",
            )
        return passed("ignored")

    async def outbox(self) -> Finding:
        backlogs = await self._database.database.notification_backlog()
        limit = self._known.seconds("backlog_limit_seconds")
        late = [each for each in backlogs if each.oldest_due_seconds > limit]
        dead = sum(each.dead for each in backlogs)
        if late:
            oldest = max(each.oldest_due_seconds for each in late)
            return failed(
                f"a message for {late[0].provider} has been due for {oldest / 60:.0f} minutes",
                "is `thetis serve` or `thetis worker` running, with keys that are right?",
            )
        if dead:
            return warned(
                f"{dead} messages were given up",
                "`thetis messages list` tells why; then `thetis messages retry --all`",
            )
        waiting = sum(each.pending for each in backlogs)
        return passed(f"nothing is late, {waiting} wait for their time")

    async def rejected(self) -> Finding:
        kept = await self._database.database.list_rejected_webhooks(include_replayed=False)
        if kept:
            return warned(f"{len(kept)} wait, the oldest since {kept[0].received_at}")
        return passed("none waits")

    async def unmapped(self) -> Finding:
        """What was sold for a week, and nobody has added, is known as not ours."""
        try:
            sold = await self._database.database.list_unmapped_products()
        except DatabaseUnavailable as error:  # it counts all orders of such products
            return unknown(f"the database takes too long: {error}")
        since = (datetime.now(UTC) - NEWS).isoformat(sep=" ")
        new = [each for each in sold if each.first_sold_at >= since]
        if new:
            named = ", ".join(each.shopify_product_id for each in new[:3])
            return warned(f"{len(new)} are new and not in the catalogue: {named}")
        return passed(f"nothing new; {len(sold)} are known as not ours")

    async def close(self) -> None:
        """Nothing is kept open."""
