"""Where access comes from, plainly modelled: what was bought, what was given, and what the people
who run the shop decided about either. Knows nothing of how Thetis stores or derives it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from hypothesis import strategies as st

from tests.database.operators.support import act
from tests.support.database import Database, Row
from tests.system.histories.lives import Life
from tests.system.histories.ownership import Account, Proofs
from thetis.cli import shopify_payloads

PERIOD = timedelta(days=30)

ENDING = ("standard_course", "splint")
"""The products whose access ends after a period."""

FOR_EVER = datetime.max.replace(tzinfo=UTC)

ANOTHER = "another@example.com"

OVER = ("cancelled", "refunded")
RANK = ("active", "expired", *OVER)


@dataclass
class Source:
    """A purchase, or a grant if it is of no order. `owner`: the account that has it, by the address
    `linked_by`; without one it waits for whoever proves the address.
    """

    id: str
    slug: str
    order_id: int | None
    line_id: int | None
    address: str | None
    """Of a grant, or to which it was transferred."""
    until: datetime = FOR_EVER
    """Of a grant: when it ends."""
    extended_to: datetime | None = None
    is_revoked: bool = False
    owner: str | None = None
    linked_by: str = ""


@dataclass(frozen=True)
class State:
    """What is stored of a source. Of what was taken away, the end is what it was before: it counts
    no more.
    """

    owner: str | None
    address: str
    status: str
    ends: datetime


@dataclass
class Sources:
    """Acts on the database as people, Auth and operators do, and keeps the truth beside it.

    The webhooks are told by the test; `look` finds what came of them.
    """

    database: Database
    life: Life
    accounts: dict[str, Account] = field(default_factory=dict)
    proofs: Proofs = field(init=False)
    sources: dict[str, Source] = field(default_factory=dict)
    given_orders: dict[int, str] = field(default_factory=dict)
    """The addresses to which whole orders were transferred."""
    has_lost_an_account: bool = False
    """One that was deleted as a row. Of what nobody owns then, the ends are worked out anew only
    when it has an owner again, or its order's next event comes.
    """

    def __post_init__(self) -> None:
        self.proofs = Proofs(self.database)

    @property
    def addresses(self) -> list[str]:
        return [*self.life.addresses, ANOTHER]

    # What happens

    def begin(self, data: st.DataObject) -> None:
        """Some people have an account, which most who buy a course make first."""
        for address in data.draw(st.lists(st.sampled_from(self.addresses), unique=True)):
            user_id = self.database.accounts.sign_up(address)
            self.accounts[user_id] = Account(address, is_confirmed=True)

    def happens(self, data: st.DataObject) -> None:
        """Something that people or operators do."""
        acts = [self._sign_up, self._confirm, self._delete, self._move]
        acts += [self._prove, self._prove, self._remove]
        by_hand = [self._grant, self._run_out, self._revoke, self._restore, self._extend]
        by_hand += [self._transfer, self._transfer, self._transfer_order, self._transfer_order]
        data.draw(st.sampled_from([*acts, *by_hand, self._restore, self._extend]))(data)
        self.look()

    def look(self) -> None:
        """New purchases are there, and whatever nobody owns becomes that person's who has proven
        its address.
        """
        proven = self._proven()
        for row in _rows(self.database):
            source = self.sources.setdefault(row["id"], _bought(row))
            address = row["shopify_customer_email"]
            if not source.owner and address in proven:
                source.owner, source.linked_by = proven[address], address

    # What is true

    def truth(self) -> dict[str, State]:
        """Of every source, once all news has come."""
        states = {each.id: self._state_but_for_its_end(each) for each in self.sources.values()}
        for chain in self._chains(states):
            end: datetime | None = None
            for each in chain:
                begins = max(self._made_at(each), end) if end else self._made_at(each)
                end = each.extended_to or (FOR_EVER if begins == FOR_EVER else begins + PERIOD)
                states[each.id] = _ending(states[each.id], end)
        return states

    def access(self, states: dict[str, State], user_id: str) -> set[str]:
        return {
            self.sources[purchase_id].slug
            for purchase_id, state in states.items()
            if state.owner == user_id and state.status == "active" and state.ends > _now()
        }

    def stored(self) -> dict[str, State]:
        return {
            row["id"]: State(
                owner=str(row["user_id"]) if row["user_id"] else None,
                address=row["shopify_customer_email"],
                status=row["status"],
                ends=FOR_EVER if row["status"] in OVER else row["expires_at"] or FOR_EVER,
            )
            for row in _rows(self.database)
        }

    def certain(self, states: dict[str, State]) -> dict[str, object]:
        """Without the ends that may be behind."""
        return {
            purchase_id: (state.owner, state.address, state.status in OVER)
            if self.has_lost_an_account and not state.owner
            else state
            for purchase_id, state in states.items()
        }

    def _state_but_for_its_end(self, source: Source) -> State:
        status = "cancelled" if source.is_revoked else "active"
        address = source.address
        if source.order_id:
            [order] = [each for each in self.life.orders if each.id == source.order_id]
            status = max(status, order.statuses()[source.line_id or 0], key=RANK.index)
            told = order.email.strip().lower()
            address = address or self.given_orders.get(source.order_id) or told
        state = State(
            owner=source.owner,
            address=source.linked_by if source.owner else address or "",
            status=status,
            ends=FOR_EVER,
        )
        return state if source.order_id else _ending(state, source.extended_to or source.until)

    def _chains(self, states: dict[str, State]) -> Iterable[list[Source]]:
        """What ends and was bought for one person, of each product, in the order of the sales."""
        chains: dict[tuple[str, str], list[Source]] = {}
        for each in self.sources.values():
            state = states[each.id]
            if each.order_id and each.slug in ENDING and state.status == "active":
                chains.setdefault((each.slug, state.owner or state.address), []).append(each)
        for chain in chains.values():
            yield sorted(chain, key=lambda each: (self._made_at(each), each.id))

    def _made_at(self, source: Source) -> datetime:
        return next(each.made_at for each in self.life.orders if each.id == source.order_id)

    def _proven(self) -> dict[str, str]:
        return self.proofs.owners(self.accounts)

    # People

    def _free(self) -> list[str]:
        taken = {account.address for account in self.accounts.values()}
        return sorted(set(self.addresses) - taken)

    def _chosen_account(self, data: st.DataObject) -> str:
        return list(self.accounts)[data.draw(st.integers(0, len(self.accounts) - 1))]

    def _sign_up(self, data: st.DataObject) -> None:
        if free := self._free():
            address, is_confirmed = data.draw(st.sampled_from(free)), data.draw(st.booleans())
            user_id = self.database.accounts.sign_up(address.title(), confirmed=is_confirmed)
            self.accounts[user_id] = Account(address, is_confirmed)

    def _confirm(self, data: st.DataObject) -> None:
        if self.accounts:
            user_id = self._chosen_account(data)
            self.database.accounts.confirm(user_id)
            self.accounts[user_id].is_confirmed = True

    def _move(self, data: st.DataObject) -> None:
        if self.accounts and (free := self._free()):
            user_id = self._chosen_account(data)
            address = data.draw(st.sampled_from(free))
            self.database.accounts.change_email(user_id, address.upper())
            self.accounts[user_id].address = address

    def _prove(self, data: st.DataObject) -> None:
        if self.accounts:
            user_id = self._chosen_account(data)
            address = data.draw(st.sampled_from(self.addresses))
            if self.accounts[user_id].is_confirmed and self.accounts[user_id].address != address:
                self.proofs.add(user_id, address)

    def _remove(self, data: st.DataObject) -> None:
        """What they have by it is nobody's, and then whoever's it is now."""
        if not (proofs := self.proofs.of_the_living(self.accounts)):
            return
        user_id, address = data.draw(st.sampled_from(proofs))
        self.proofs.remove(user_id, address)
        if self.accounts[user_id] != Account(address, is_confirmed=True):
            for each in self.sources.values():
                if each.owner == user_id and each.linked_by == address:
                    each.owner = None

    def _delete(self, data: st.DataObject) -> None:
        """The others look at the claim page: one of them may have proven the address meanwhile."""
        if not self.accounts:
            return
        user_id = self._chosen_account(data)
        if data.draw(st.booleans()):
            self.database.accounts.delete(user_id)
            self.has_lost_an_account = True
        else:
            self.database.accounts.soft_delete(user_id)
        del self.accounts[user_id]
        for each in self.sources.values():
            if each.owner == user_id:
                each.owner = None
        for other in self.accounts:
            self.database.accounts.claim_purchases(other)

    # Operators

    def _chosen(self, data: st.DataObject) -> tuple[Source, Row] | None:
        rows = _rows(self.database)
        if not rows:
            return None
        row = rows[data.draw(st.integers(0, len(rows) - 1))]
        return self.sources[row["id"]], row

    def _grant(self, data: st.DataObject) -> None:
        until = data.draw(st.sampled_from([None, _days_from_now(10), _days_from_now(90)]))
        slug = data.draw(st.sampled_from([*shopify_payloads.SAMPLE_PRODUCTS]))
        address = data.draw(st.sampled_from(self.addresses))
        user_id = None
        if data.draw(st.booleans()) and self.accounts:
            user_id = self._chosen_account(data)
        answer = act(
            self.database,
            "grant_access",
            slug=slug,
            recipient=user_id or address.title(),
            until=until,
        )
        if user_id:
            account = self.accounts[user_id]
            address = account.address if account.is_confirmed else ""
        owner = user_id or self._proven().get(address)
        purchase_id = answer["after"][0]["id"]
        self.sources[purchase_id] = Source(
            id=purchase_id,
            slug=slug,
            order_id=None,
            line_id=None,
            address=address,
            until=until or FOR_EVER,
            owner=owner,
            linked_by=address,
        )

    def _run_out(self, data: st.DataObject) -> None:
        """Time passes for what was given."""
        if (chosen := self._chosen(data)) and not chosen[0].order_id:
            source, row = chosen
            if row["expires_at"]:
                self.database.execute(
                    "update public.purchases set expires_at = %s where id = %s",
                    _days_from_now(-1),
                    source.id,
                )
                if source.extended_to:
                    source.extended_to = _days_from_now(-1)
                source.until = _days_from_now(-1)
        if data.draw(st.booleans()):
            self.database.call("expire_purchases", 1000)

    def _revoke(self, data: st.DataObject) -> None:
        if chosen := self._chosen(data):
            source, row = chosen
            if self._is_refused("revoke_purchase", purchase_id=source.id):
                assert row["status"] in OVER
                assert not source.is_revoked
                return
            is_open = source.is_revoked or row["status"] in {"active", "expired"}
            assert is_open or self._is_charged_back(source)
            source.is_revoked = True

    def _restore(self, data: st.DataObject) -> None:
        if chosen := self._chosen(data):
            act(self.database, "restore_purchase", purchase_id=chosen[0].id)
            chosen[0].is_revoked = False

    def _extend(self, data: st.DataObject) -> None:
        if chosen := self._chosen(data):
            source, row = chosen
            ends = data.draw(st.sampled_from([*map(_days_from_now, (5, 40, 100)), FOR_EVER]))
            until = "infinity" if ends == FOR_EVER else ends
            if self._is_refused("extend_purchase", purchase_id=source.id, until=until):
                assert row["status"] in OVER or (row["expires_at"] or FOR_EVER) >= ends
                return
            source.extended_to = ends

    def _transfer(self, data: st.DataObject) -> None:
        if chosen := self._chosen(data):
            address = data.draw(st.sampled_from(self.addresses))
            answer = act(
                self.database, "transfer_purchase", purchase_id=chosen[0].id, address=address
            )
            if answer["outcome"] == "done":
                self._give(chosen[0], address)
                chosen[0].address = address
            else:
                assert chosen[0].address == address

    def _transfer_order(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.life.orders))
        address = data.draw(st.sampled_from(self.addresses))
        if self._is_refused("transfer_order", order_name=str(order.id), address=address.upper()):
            return  # nothing is known of it yet
        mine = [each for each in self.sources.values() if each.order_id == order.id]
        others = {each.address for each in mine} - {None, address}
        if self.given_orders.get(order.id) == address and not others:
            return
        self.given_orders[order.id] = address
        for each in mine:
            self._give(each, address)
            each.address = None

    def _is_charged_back(self, source: Source) -> bool:
        """Perhaps: nobody knows yet whether it is over."""
        return any(each.id == source.order_id and each.disputes for each in self.life.orders)

    def _give(self, source: Source, address: str) -> None:
        source.owner, source.linked_by = self._proven().get(address), address

    def _is_refused(self, function: str, **values: Any) -> bool:
        try:
            act(self.database, function, **values)
        except psycopg.Error as error:
            if error.sqlstate not in {"TH004", "TH005"}:
                raise
            return True
        return False


def _rows(database: Database) -> list[Row]:
    """In an order that does not hang on ids that are made up anew each time."""
    rows = database.rows(
        "select * from public.purchases order by shopify_line_item_id::bigint, created_at"
    )
    return [{**row, "id": str(row["id"])} for row in rows]


def _bought(row: Row) -> Source:
    order_id, line_id = row["shopify_order_id"], row["shopify_line_item_id"]
    return Source(
        id=row["id"],
        slug=row["product_slug"],
        order_id=int(order_id) if order_id else None,
        line_id=int(line_id) if line_id else None,
        address=None,
    )


def _ending(state: State, ends: datetime) -> State:
    if state.status in OVER:
        return state
    return State(state.owner, state.address, "expired" if ends <= _now() else "active", ends)


def _now() -> datetime:
    return datetime.now(UTC)


def _days_from_now(days: int) -> datetime:
    """At midnight, so that it is the same whenever a history names it."""
    today = _now().replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=days)
