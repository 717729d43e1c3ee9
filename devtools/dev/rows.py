"""What the database holds just now, for the page: read, and never written."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

_QUERIES: dict[str, LiteralString] = {
    "products": """
        select products.slug, products.name, products.category,
            min(ids.shopify_product_id) as shopify_id
        from public.products
        inner join thetis.shopify_products as ids on ids.product_slug = products.slug
        group by products.slug, products.name, products.category
        order by products.category, products.name
    """,
    "accounts": """
        select users.email, users.email_confirmed_at is not null as is_confirmed,
            coalesce(users.raw_app_meta_data ->> 'role', '') as staff
        from auth.users
        where users.deleted_at is null and users.email is not null
        order by users.created_at desc
        limit 100
    """,
    "purchases": """
        select purchases.id::text, purchases.shopify_order_number as order_number,
            purchases.product_slug as product, purchases.shopify_customer_email as address,
            purchases.status, users.email as owner
        from public.purchases
        left join auth.users on users.id = purchases.user_id
        order by purchases.created_at desc, purchases.product_slug
        limit 40
    """,
    "notifications": """
        select notifications.id::text, notifications.kind, notifications.provider,
            notifications.status, notifications.attempts, notifications.email as address,
            coalesce(notifications.last_error, '') as error
        from thetis.notifications
        order by notifications.enqueued_at desc, notifications.kind
        limit 40
    """,
}


def read(admin_url: str) -> dict[str, list[dict[str, Any]]]:
    """Products, accounts, purchases and notifications, the newest first."""
    with psycopg.connect(admin_url, row_factory=dict_row) as connection:
        connection.read_only = True
        return {name: connection.execute(query).fetchall() for name, query in _QUERIES.items()}
