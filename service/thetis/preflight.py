"""What is checked once, at start-up: that an address has to be proven before it counts.

Purchases are linked to whoever confirms the address they were bought with. With email confirmation
switched off in the project, Supabase Auth calls every typed address confirmed, and anybody could
sign up as a customer. The database cannot tell; the project's public Auth settings can.
"""

from __future__ import annotations

import httpx
import structlog

from thetis.settings import DatabaseSettings

log = structlog.get_logger()


async def check_email_confirmation(settings: DatabaseSettings) -> None:
    """Log an error if anybody can claim any address, a warning if that cannot be found out."""
    if settings.supabase_url is None or settings.supabase_secret_key is None:
        log.warning("preflight.auth_unknown", reason="SUPABASE_URL or its key is not set")
        return
    try:
        async with httpx.AsyncClient(timeout=settings.database_timeout_seconds) as client:
            response = await client.get(
                f"{settings.supabase_url}/auth/v1/settings",
                headers={"apikey": settings.supabase_secret_key.get_secret_value()},
            )
        is_off = response.raise_for_status().json()["mailer_autoconfirm"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        log.warning("preflight.auth_unknown", reason=type(error).__name__)
        return
    if is_off:
        log.error(
            "preflight.email_confirmation_off",
            danger="anyone who types a customer's address gets their purchases",
            remedy="switch on Confirm email in the project's Auth settings",
        )
