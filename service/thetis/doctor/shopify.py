"""Shopify: our app is let in and may read what we need, and its webhooks reach us whole.

Facts this file stands on:
- Only webhooks that this app made through the API are shown to it: neither those of
  `shopify.app.toml` nor those of the page Settings > Notifications. Of these only the pulse tells.
  https://shopify.dev/docs/apps/build/webhooks/subscribe
- A version that has ended is served as the oldest one that lives.
  https://shopify.dev/docs/api/usage/versioning
- An address that an app may not read is null, beside an error.
  https://shopify.dev/docs/apps/launch/protected-customer-data
"""

from __future__ import annotations

from collections.abc import Sequence

from thetis import subscriptions
from thetis.doctor.asking import SECONDS
from thetis.doctor.checks import Check, Finding, Found, failed, passed, unknown, warned
from thetis.doctor.database import DatabasePart
from thetis.doctor.known import Known
from thetis.doctor.pulse import pulse
from thetis.doctor.subscriptions import judge
from thetis.errors import ShopifyError, ShopifyRefused
from thetis.providers.shopify_admin import (
    ALL_ORDERS_SCOPE,
    DISPUTES_SCOPE,
    REQUIRED_SCOPES,
    AdminToken,
    ClientCredentials,
    NewestOrder,
    Shop,
    ShopifyAdmin,
)

APP = "Dev Dashboard: the app > Versions"


class ShopifyPart:
    def __init__(self, known: Known, database: DatabasePart) -> None:
        self._known = known
        self._database = database
        self._opened: ShopifyAdmin | None = None
        self._shop: Shop | None = None
        self._scopes: frozenset[str] = frozenset()

    def checks(self) -> tuple[Check, ...]:
        part, inside = "Shopify", ("shopify.app",)
        scoped = ("shopify.scopes",)
        return (
            Check(
                id="shopify.app", part=part, name="app", run=self.app, settings=("shopify_shop",),
                remedy="copy SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET again (Dev Dashboard: the"
                " app > Settings), and install the app in the shop",
                by_hand="set SHOPIFY_SHOP, SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET; or look at"
                f" Shopify: Settings > Notifications > Webhooks: five are at …{subscriptions.PATH}",
            ),
            Check(
                id="shopify.version", part=part, name="API version", run=self.version,
                after=inside, remedy="set SHOPIFY_API_VERSION to one that Shopify supports",
            ),
            Check(
                id="shopify.scopes", part=part, name="scopes", run=self.scopes, after=inside,
                remedy=f"{APP}: release one with these scopes, and approve it in the shop",
            ),
            Check(
                id="shopify.customers", part=part, name="customers' addresses",
                run=self.customers, after=scoped,
                remedy="Dev Dashboard: the app > API access: request protected customer data with"
                " name and email",
                by_hand="look again once there is an order",
            ),
            Check(
                id="shopify.webhooks", part=part, name="webhooks", run=self.webhooks,
                settings=("public_url",), after=scoped, remedy="`thetis webhooks create`",
                by_hand="set PUBLIC_URL; or look at Shopify: Settings > Notifications > Webhooks,"
                f" and at shopify.app.toml: five are at …{subscriptions.PATH};"
                " or `thetis webhooks create`",
            ),
            Check(
                id="shopify.secret", part=part, name="signing secret", run=self.secret,
                after=inside, remedy="Dev Dashboard: the app > Settings: copy the client secret",
                by_hand="for webhooks that the app made: add its API secret key to"
                " SHOPIFY_WEBHOOK_SECRETS",
            ),
            Check(
                id="shopify.pulse", part=part, name="pulse", run=self.pulse,
                after=(*scoped, "database.installation"),
                remedy="Shopify: Settings > Notifications > Webhooks, or `thetis webhooks list`:"
                " are they there, at our address, and signed with a secret that we know?",
                by_hand="look again once there is an order",
            ),
            Check(
                id="shopify.catalogue", part=part, name="catalogue", run=self.catalogue,
                after=(*scoped, "database.functions"),
                remedy="`thetis products list`, and `add` with the right --shopify-id",
                by_hand="add products with `thetis products add`",
            ),
        )  # fmt: skip

    @property
    def _admin(self) -> ShopifyAdmin:
        """After `app`."""
        assert self._opened is not None
        return self._opened

    async def app(self) -> Finding:
        shop = self._known.text("shopify_shop")
        base = self._known.missing("shopify_base_url")
        self._opened = ShopifyAdmin(
            base_url=f"https://{shop}" if base else self._known.text("shopify_base_url"),
            credentials=self._credentials(),
            api_version=self._known.text("shopify_api_version"),
            timeout=SECONDS,
        )
        self._shop = told = await self._admin.shop()
        if told.domain != shop:
            return warned(
                f"SHOPIFY_SHOP is {shop}, but the shop calls itself {told.domain}",
                f"set SHOPIFY_SHOP={told.domain}",
            )
        return passed(f"is let in by {told.name}, {told.domain}")

    def _credentials(self) -> AdminToken | ClientCredentials:
        known = self._known
        if not known.missing("shopify_admin_token"):
            return AdminToken(token=known.text("shopify_admin_token"))
        if known.missing("shopify_client_id", "shopify_client_secret"):
            blocked_by = next(
                (f"settings.{name}" for name in known.faults if name.startswith("shopify_")), None
            )
            raise Found(
                unknown("SHOPIFY_CLIENT_ID and its secret are not set", blocked_by=blocked_by)
            )
        return ClientCredentials(
            client_id=known.text("shopify_client_id"),
            client_secret=known.text("shopify_client_secret"),
        )

    async def version(self) -> Finding:
        assert self._shop is not None
        asked, served = self._shop.asked_version, self._shop.served_version
        living = sorted(self._shop.supported_versions)
        if served is not None and served != asked:
            return failed(f"{asked} was asked for and {served} answered: {asked} has ended")
        if living and asked not in living:
            return failed(f"{asked} is not supported; {', '.join(living)} are")
        if len(living) > 1 and asked == living[0]:
            return warned(f"{asked} is the oldest that Shopify supports: it is the next to end")
        return passed(f"{asked}, which Shopify supports")

    async def scopes(self) -> Finding:
        self._scopes = granted = await self._admin.scopes()
        if lacking := sorted(REQUIRED_SCOPES - granted):
            return failed(f"the app may not {', '.join(lacking)}")
        if ALL_ORDERS_SCOPE not in granted:
            return warned(
                f"without {ALL_ORDERS_SCOPE} orders older than 60 days are not seen",
                "Dev Dashboard: the app > API access: request read_all_orders; or"
                " `thetis backfill --csv` for what is older",
            )
        also = "" if DISPUTES_SCOPE in granted else "; chargebacks are only seen by reconciling"
        return passed(f"the app may read what it has to{also}")

    async def customers(self) -> Finding:
        try:
            newest = await self._newest()
        except ShopifyRefused as error:
            return failed(f"Shopify keeps them back: {error}")
        if not newest.has_email:
            return warned(
                "the newest order has none",
                "if others have none either: Dev Dashboard: the app > API access: request protected"
                " customer data with name and email",
            )
        return passed("the newest order has one")

    async def _newest(self) -> NewestOrder:
        newest = await self._admin.newest_order()
        if newest is None:
            raise Found(unknown("the shop has no order that the app may see"))
        return newest

    async def webhooks(self) -> Finding:
        assert self._shop is not None
        return judge(
            await self._admin.webhooks(),
            scopes=self._scopes,
            uri=subscriptions.address(self._known.text("public_url")),
            supported_versions=self._shop.supported_versions,
        )

    async def secret(self) -> Finding:
        if self._known.missing("shopify_client_secret"):
            return unknown("SHOPIFY_CLIENT_SECRET is not set: which secret signs, no API tells")
        if self._known.missing("shopify_client_id"):
            return unknown("of an app with a permanent token, Shopify does not tell its secret")
        return passed("Shopify takes SHOPIFY_CLIENT_SECRET, and signs the app's webhooks with it")

    async def pulse(self) -> Finding:
        """Of all webhooks, whoever made them: was the newest order told?"""
        try:
            newest = await self._newest()
        except ShopifyError as error:
            return unknown(f"the newest order cannot be read: {error}")
        installation = await self._database.ask()
        return pulse(newest.created_at, installation.webhooks, installation.time)

    async def catalogue(self) -> Finding:
        products = await self._database.database.list_products()
        ids = [each for product in products for each in product.shopify_product_ids]
        if not ids:
            return warned("no product has a Shopify product id: nothing that is sold is ours")
        there = await self._admin.products(ids)
        gone = [
            product.slug
            for product in products
            if product.shopify_product_ids
            and not any(each in there for each in product.shopify_product_ids)
        ]
        if gone:
            return failed(f"no product at Shopify is {_named(gone)}: its ids do not exist there")
        if missing := [each for each in ids if each not in there]:
            return warned(
                f"not at Shopify any more: {_named(missing)}",
                "if that was a slip: `thetis products remove-id`; old orders need it otherwise",
            )
        return passed(f"all {len(ids)} Shopify product ids exist")

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
