"""Where the shop is, and how its Admin API lets us in.

ShopifySettings     may be missing altogether: `thetis serve` and `thetis worker` do without
└── AdminSettings   must be there: what `thetis webhooks` needs
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from thetis.providers.shopify_tokens import AdminToken, ClientCredentials
from thetis.setting_types import (
    BaseUrl,
    Line,
    PublicUrl,
    Secret,
    Settings,
    ShopDomain,
    ShopifyVersion,
)


class ShopifySettings(Settings):
    """Shopify's Admin API: the shop, and SHOPIFY_CLIENT_ID with SHOPIFY_CLIENT_SECRET, or else
    SHOPIFY_ADMIN_TOKEN.
    """

    shopify_shop: ShopDomain | None = None
    """The shop's name at Shopify, `name.myshopify.com`, whatever domain its customers see. Without
    it `thetis serve` and `thetis worker` only know what webhooks tell.
    """
    shopify_client_id: Line | None = None
    """The client ID of your app, from its settings in the Dev Dashboard."""
    shopify_client_secret: Secret | None = None
    """The client secret of that app. It also verifies the app's webhooks, beside
    `SHOPIFY_WEBHOOK_SECRETS`. Of an app that was made in the admin, its API secret key.
    """
    shopify_admin_token: Annotated[Secret | None, Field(validate_default=True)] = None
    """The Admin API access token, `shpat_…`, of an app that was made in the admin before 2026. In
    place of `SHOPIFY_CLIENT_ID`.
    """
    shopify_api_version: ShopifyVersion = "2026-10"
    """The version of the Admin API that is asked. Shopify serves each for a year."""
    shopify_base_url: BaseUrl | None = None
    """Where the shop's API is, if not at `https://` and `SHOPIFY_SHOP`."""
    public_url: PublicUrl | None = None
    """The public address of `thetis serve`, without a path. Shopify's webhooks go to
    `/webhooks/shopify` there.
    """

    @field_validator("shopify_admin_token")
    @classmethod
    def _be_let_in(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        # Here, and not in a validator of the whole, for the reason that the database's one gives.
        shop, client_id, secret = (
            info.data.get(f"shopify_{name}", "wrong")
            for name in ("shop", "client_id", "client_secret")
        )
        if token and client_id:
            raise ValueError("set either SHOPIFY_ADMIN_TOKEN or SHOPIFY_CLIENT_ID, and not both")
        if shop and not token and not (client_id and secret):
            raise ValueError(
                "set both SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET, or SHOPIFY_ADMIN_TOKEN"
            )
        if shop is None and (token or client_id):
            raise ValueError("set SHOPIFY_SHOP as well, to the shop that it is for")
        return token

    @property
    def shopify_url(self) -> str:
        return self.shopify_base_url or f"https://{self.shopify_shop}"

    @property
    def shopify_credentials(self) -> AdminToken | ClientCredentials | None:
        """None when the Admin API is not to be used."""
        if self.shopify_shop is None:
            return None
        if self.shopify_admin_token is not None:
            return AdminToken(token=self.shopify_admin_token.get_secret_value())
        if self.shopify_client_id is None or self.shopify_client_secret is None:
            return None  # which a validator has refused
        return ClientCredentials(
            client_id=self.shopify_client_id,
            client_secret=self.shopify_client_secret.get_secret_value(),
        )


class AdminSettings(ShopifySettings):
    """The same, of a command that cannot do without."""

    shopify_shop: ShopDomain
