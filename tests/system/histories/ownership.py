"""Whose a purchase is, plainly modelled: accounts come and go, and each owner stays the owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import strategies as st

from tests.support.claims import prove, remove
from tests.support.database import Database


@dataclass
class Account:
    address: str
    is_confirmed: bool


@dataclass
class Proofs:
    """The addresses that people have proven by a code, the latest last."""

    database: Database
    made: list[tuple[str, str]] = field(default_factory=list)

    def owners(self, accounts: Mapping[str, Account]) -> dict[str, str]:
        """Whose what is bought with an address is: who signs in with it comes before who proved
        it, and of these the last.
        """
        proven = {address: user for user, address in self.made if user in accounts}
        return proven | {each.address: user for user, each in accounts.items() if each.is_confirmed}

    def add(self, user_id: str, address: str) -> None:
        assert prove(self.database, user_id, address.upper())["outcome"] == "proven"
        self.made = [each for each in self.made if each != (user_id, address)]
        self.made.append((user_id, address))

    def remove(self, user_id: str, address: str) -> None:
        remove(self.database, user_id, address.title())
        self.made.remove((user_id, address))

    def of_the_living(self, accounts: Mapping[str, Account]) -> list[tuple[str, str]]:
        return [each for each in self.made if each[0] in accounts]


@dataclass
class People:
    """Acts on the database as people and Supabase Auth do, and keeps the truth beside it."""

    database: Database
    addresses: list[str]
    accounts: dict[str, Account] = field(default_factory=dict)
    proofs: Proofs = field(init=False)
    owners: dict[str, str] = field(default_factory=dict)
    """By line item."""
    linked_by: dict[str, str] = field(default_factory=dict)
    """The address that an owned line item was linked by, which its row keeps."""

    def __post_init__(self) -> None:
        self.proofs = Proofs(self.database)

    def act(self, data: st.DataObject) -> None:
        """Something that can be done to some account, or a sign-up."""
        taken = {account.address for account in self.accounts.values()}
        free = sorted({*self.addresses, "another@example.com"} - taken)
        acts = ["sign up"] if free else []
        acts += ["confirm", "delete", "soft delete", "unseen delete"] if self.accounts else []
        acts += ["change", "unlink"] if free and self.accounts else []
        acts += ["prove"] if self._provable() else []
        acts += ["remove"] if self.proofs.of_the_living(self.accounts) else []
        act = data.draw(st.sampled_from(acts))
        if act == "sign up":
            self._sign_up(data.draw(st.sampled_from(free)), is_confirmed=data.draw(st.booleans()))
            return
        if act == "prove":
            self.proofs.add(*data.draw(st.sampled_from(self._provable())))
            return
        if act == "remove":
            proofs = self.proofs.of_the_living(self.accounts)
            self._remove(*data.draw(st.sampled_from(proofs)))
            return
        user_id = data.draw(st.sampled_from(list(self.accounts)))
        if act == "confirm":
            self.database.accounts.confirm(user_id)
            self.accounts[user_id].is_confirmed = True
        elif "delete" in act:
            self._delete(user_id, act)
        else:
            self._move(user_id, data.draw(st.sampled_from(free)), is_proven=act == "change")

    def settle(self) -> None:
        """Whatever nobody owns becomes that person's who has proven its address."""
        proven = self.proofs.owners(self.accounts)
        for row in self.database.purchases():
            line, address = row["shopify_line_item_id"], row["shopify_customer_email"]
            if line not in self.owners and address in proven:
                self.owners[line] = proven[address]
                self.linked_by[line] = address

    def stored_owners(self) -> dict[str, str]:
        return {
            row["shopify_line_item_id"]: str(row["user_id"])
            for row in self.database.purchases()
            if str(row["user_id"]) in self.accounts
        }

    def stored_addresses(self) -> dict[str, str]:
        """Of the line items that somebody owns."""
        return {
            row["shopify_line_item_id"]: row["shopify_customer_email"]
            for row in self.database.purchases()
            if row["shopify_line_item_id"] in self.owners
        }

    def _provable(self) -> list[tuple[str, str]]:
        return [
            (user_id, address)
            for user_id, account in self.accounts.items()
            for address in self.addresses
            if account.is_confirmed and address != account.address
        ]

    def _remove(self, user_id: str, address: str) -> None:
        """What they have by it is nobody's, and then whoever's it is now."""
        self.proofs.remove(user_id, address)
        if self.accounts[user_id] != Account(address, is_confirmed=True):
            for line, owner in list(self.owners.items()):
                if owner == user_id and self.linked_by[line] == address:
                    del self.owners[line], self.linked_by[line]

    def _sign_up(self, address: str, *, is_confirmed: bool) -> None:
        user_id = self.database.accounts.sign_up(address.title(), confirmed=is_confirmed)
        self.accounts[user_id] = Account(address, is_confirmed)

    def _move(self, user_id: str, address: str, *, is_proven: bool) -> None:
        if is_proven:
            self.database.accounts.change_email(user_id, address.upper())
            self.accounts[user_id].address = address
        else:
            self.database.accounts.unlink_identity(user_id, address)
            self.accounts[user_id] = Account(address, is_confirmed=False)

    def _delete(self, user_id: str, act: str) -> None:
        """The others look at the claim page: one of them may have proven the address meanwhile."""
        if act == "delete":
            self.database.accounts.delete(user_id)
        else:
            self.database.accounts.soft_delete(user_id, is_seen=act == "soft delete")
        del self.accounts[user_id]
        self.owners = {line: owner for line, owner in self.owners.items() if owner != user_id}
        self.linked_by = {line: self.linked_by[line] for line in self.owners}
        for other in self.accounts:
            self.database.accounts.claim_purchases(other)
