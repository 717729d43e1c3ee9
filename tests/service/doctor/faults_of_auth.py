"""What can be wrong with Supabase Auth."""

from __future__ import annotations

from tests.service.doctor.planting import Fault, setting

FAULTS: dict[str, Fault] = {
    "any address counts as confirmed": Fault(
        plant=lambda world: world.auth.update(mailer_autoconfirm=True),
        check="auth.confirmation", words="gets what that customer bought", remedy="Confirm email",
    ),
    "nobody may sign up": Fault(
        plant=lambda world: world.auth.update(disable_signup=True),
        check="auth.sign_up", words="closed", remedy="allow new users",
    ),
    "nobody may sign up by email": Fault(
        plant=lambda world: world.auth.update(external={"email": False}),
        check="auth.sign_up", words="by email is off", remedy="by email",
    ),
    "a token of another account": Fault(
        plant=setting(SUPABASE_ACCESS_TOKEN="sbp_old"),
        check="auth.management", words="is not taken", remedy="Access Tokens",
    ),
    "another project's reference": Fault(
        plant=setting(SUPABASE_PROJECT_REF="zyxwvutsrqponmlkjihg"),
        check="auth.management", words="sees no project", remedy="SUPABASE_PROJECT_REF",
    ),
    "Supabase's own mail server": Fault(
        plant=lambda world: world.config.update(smtp_host=None),
        check="auth.mail_server", words="two emails an hour", remedy="SMTP Settings",
    ),
    "few emails an hour": Fault(
        plant=lambda world: world.config.update(rate_limit_email_sent=30),
        check="auth.mail_limit", words="30", remedy="Rate Limits", verdict="warn",
    ),
    "signing in unconfirmed": Fault(
        plant=lambda world: world.config.update(mailer_allow_unverified_email_sign_ins=True),
        check="auth.passwords", words="before the address is confirmed", remedy="unverified",
    ),
    "short passwords": Fault(
        plant=lambda world: world.config.update(password_min_length=6),
        check="auth.passwords", words="6 characters", remedy="Email", verdict="warn",
    ),
    "refresh tokens for ever": Fault(
        plant=lambda world: world.config.update(refresh_token_rotation_enabled=False),
        check="auth.sessions", words="works for ever", remedy="Sessions", verdict="warn",
    ),
    "links to a developer's machine": Fault(
        plant=lambda world: world.config.update(
            site_url="http://localhost:3000", uri_allow_list=""
        ),
        check="auth.addresses", words="lead to localhost:3000", remedy="set Site URL",
    ),
}  # fmt: skip
