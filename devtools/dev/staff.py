"""Accounts of support staff, made ready: whoever reads the mailbox can sign in as them."""

from __future__ import annotations

import json

import psycopg

from devtools.accounts import INSTANCE_ID

SUPPORT = "support@example.com"
VIEWER = "viewer@example.com"
WITHOUT_SECOND_FACTOR = "no-second-factor@example.com"

ROLES = {SUPPORT: "support", VIEWER: "support_viewer", WITHOUT_SECOND_FACTOR: "support"}

WITH_SECOND_FACTOR = (SUPPORT, VIEWER)


def make(admin_url: str) -> None:
    """Make those that are not there yet."""
    with psycopg.connect(admin_url) as connection:
        for email, role in ROLES.items():
            told = {"provider": "email", "providers": ["email"], "role": role}
            connection.execute(
                "insert into auth.users (instance_id, id, aud, role, email, raw_app_meta_data,"
                " raw_user_meta_data, email_confirmed_at, created_at, updated_at)"
                " values (%s, gen_random_uuid(), 'authenticated', 'authenticated', %s, %s, '{}',"
                " now(), now(), now()) on conflict do nothing",
                (INSTANCE_ID, email, json.dumps(told)),
            )
