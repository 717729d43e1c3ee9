"""What can be wrong with a set-up, each planted in one that is right, and what the doctor says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.service.doctor.world import ORDER, World
from tests.support.shopify import COURSE, order
from thetis.cli import shopify_payloads

NOBODY = "http://127.0.0.1:9"
"""Where nothing listens."""

Plant = Callable[[World], AbstractContextManager[None] | None]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`check` is what finds it, `words` is in what it says, `remedy` in what it says to do.

    `also`: checks that the same fault fails besides.
    """

    plant: Plant
    check: str
    words: str
    remedy: str
    verdict: str = "fail"
    also: frozenset[str] = frozenset()

    def planted(self, world: World) -> AbstractContextManager[None]:
        return self.plant(world) or nullcontext()


def setting(**changes: str) -> Plant:
    return lambda world: world.environment.update(changes)


def statement(plant: str, undo: str) -> Plant:
    """In the database, taken back in the end."""

    @contextmanager
    def planted(world: World) -> Iterator[None]:
        world.database.execute(plant)
        try:
            yield
        finally:
            world.database.execute(undo)

    return planted


def both(*plants: Plant) -> Plant:
    """Only the last of them is taken back in the end: the others change what is restored anyway."""

    def planted(world: World) -> AbstractContextManager[None] | None:
        return [plant(world) for plant in plants][-1]

    return planted


ONLY_THE_API = setting(DATABASE_URL="")


def another_database(world: World) -> None:
    world.environment["DATABASE_URL"] = world.other.url


@contextmanager
def a_late_message(world: World) -> Iterator[None]:
    """In a database where no worker is at work."""
    world.environment |= {"DATABASE_URL": world.other.url, "SUPABASE_URL": ""}
    world.other.record_orders(order(5992405700900, COURSE))
    world.other.execute("update thetis.notifications set due_at = now() - interval '1 hour'")
    yield
    world.other.execute("delete from thetis.notifications")


@contextmanager
def a_dead_message(world: World) -> Iterator[None]:
    world.environment |= {"DATABASE_URL": world.other.url, "SUPABASE_URL": ""}
    world.other.record_orders(order(5992405700901, COURSE))
    [claimed, *_] = world.other.claim("resend")
    world.other.settle({"id": str(claimed["id"]), "attempt": claimed["attempt"], "result": "dead"})
    yield
    world.other.execute("delete from thetis.notifications")


@contextmanager
def a_rejected_webhook(world: World) -> Iterator[None]:
    world.database.call("store_rejected_webhook", "orders/paid", None, "e30=", "no id")
    yield
    world.database.execute("delete from thetis.rejected_webhooks")


@contextmanager
def a_new_product(world: World) -> Iterator[None]:
    sold = {"id": 5, "product_id": 4242, "quantity": 1}
    world.database.record_orders(order(5992405700902, sold))
    yield
    world.database.execute("delete from thetis.untracked_sales")


def somebody_else(world: World) -> None:
    world.environment["PUBLIC_URL"] = world.environment["COURSE_APP_URL"]


def a_webhook(**changes: object) -> Plant:
    """The first of those at Shopify."""

    def planted(world: World) -> None:
        next(iter(world.shop.webhooks.values())).update(changes)

    return planted


def astray(world: World) -> None:
    for each in world.shop.webhooks.values():
        each |= {"uri": "https://old.example.com/webhooks/shopify", "name": None}


def one_webhook_less(world: World) -> None:
    [refunds] = [
        key for key, each in world.shop.webhooks.items() if each["topic"] == "REFUNDS_CREATE"
    ]
    del world.shop.webhooks[refunds]


def a_newer_order(world: World, *, email: str = "ada@example.com", minutes: int = 60) -> None:
    made_at = datetime.now(UTC) + timedelta(minutes=minutes)
    newest = shopify_payloads.order(
        "orders/paid",
        order_id=5992405700199,
        email=email,
        products=[shopify_payloads.find_product("standard_course")],
        at=made_at,
    )
    world.shop.put({**newest, **({} if email else {"customer": None, "contact_email": None})})


def no_webhook_for_days(world: World) -> AbstractContextManager[None] | None:
    return statement(
        "update thetis.webhook_heartbeats set received_at = received_at - interval '3 days'",
        "update thetis.webhook_heartbeats set received_at = received_at + interval '3 days'",
    )(world)


@contextmanager
def an_hour_ago(world: World) -> Iterator[None]:
    """The order and its webhook both came before, so that silence is not mere quiet."""
    world.shop.remove(ORDER)
    a_newer_order(world, minutes=-60)
    with no_webhook_for_days(world) or nullcontext():
        yield


def workflow(key: str, **changes: object) -> Plant:
    return lambda world: world.accounts.workflows[key].update(changes)


def channel(**changes: object) -> Plant:
    """For production."""

    def planted(world: World) -> None:
        for each in world.accounts.channels.values():
            each["environment_settings"]["production"].update(changes)

    return planted


def without_a_workflow(world: World) -> None:
    del world.accounts.workflows["post-purchase"]


def domain(**changes: object) -> Plant:
    return lambda world: world.accounts.domains[0].update(changes)


def resend_webhook(**changes: object) -> Plant:
    return lambda world: world.accounts.webhooks[0].update(changes)


def a_suppressed_customer(world: World) -> None:
    world.accounts.suppress("ada@example.com", "bounce", datetime.now(UTC).isoformat())


def scopes(*lacking: str) -> Plant:
    return lambda world: world.shop.scopes.difference_update(lacking)


def withheld(world: World) -> None:
    world.shop.is_email_withheld = True


def no_product(world: World) -> None:
    world.shop.deleted_products = set(world.shop.products)


SLOW_CLOCK = statement(
    """
    alter function public.check_installation(jsonb) set schema thetis;
    create function public.check_installation(functions jsonb) returns jsonb
    language sql security definer as $$
        select told || jsonb_build_object('time', (told ->> 'time')::timestamptz + '5 minutes')
        from thetis.check_installation(functions) as told
    $$;
    revoke execute on function public.check_installation(jsonb) from public, anon;
    grant execute on function public.check_installation(jsonb) to service_role
    """,
    """
    drop function public.check_installation(jsonb);
    alter function thetis.check_installation(jsonb) set schema public
    """,
)

LATEST = "20261123001760"

FAULTS: dict[str, Fault] = {
    # Settings
    "a key is not set": Fault(
        plant=setting(KNOCK_API_KEY=""),
        check="settings.knock_api_key", words="is not set", remedy="docs/REFERENCE.md",
    ),
    "a sender is no sender": Fault(
        plant=setting(EMAIL_FROM="Courses"),
        check="settings.email_from", words="must be a sender", remedy="docs/REFERENCE.md",
    ),
    "the key of browsers": Fault(
        plant=setting(SUPABASE_SECRET_KEY="sb_publishable_made_up"),
        check="settings.supabase_secret_key", words="not a public one", remedy="docs/REFERENCE.md",
    ),
    "an address for Prisma": Fault(
        plant=setting(DATABASE_URL="postgresql://postgres@localhost:6543/postgres?pgbouncer=true"),
        check="settings.database_url", words="must be a libpq URI", remedy="docs/REFERENCE.md",
    ),
    "no way to the database": Fault(
        plant=setting(DATABASE_URL="", SUPABASE_URL=""),
        check="settings.supabase_secret_key", words="set DATABASE_URL, or both",
        remedy="docs/REFERENCE.md",
    ),
    # Database
    "the database is down": Fault(
        plant=setting(DATABASE_URL="postgresql://postgres@127.0.0.1:9/postgres"),
        check="database.reachable", words="127.0.0.1:9: ", remedy="check DATABASE_URL",
    ),
    "the project is down": Fault(
        plant=both(ONLY_THE_API, setting(SUPABASE_URL=NOBODY)),
        check="database.reachable", words="no connection", remedy="SUPABASE_URL",
        also=frozenset({"auth.settings"}),
    ),
    "the key of another project": Fault(
        plant=both(ONLY_THE_API, setting(SUPABASE_SECRET_KEY="sb_secret_of_another")),
        check="database.reachable", words="Invalid API key", remedy="SUPABASE_SECRET_KEY",
        also=frozenset({"auth.settings"}),
    ),
    "a function is gone": Fault(
        plant=statement(
            "alter function public.expire_purchases(integer) rename to expire",
            "alter function public.expire(integer) rename to expire_purchases",
        ),
        check="database.functions", words="expire_purchases", remedy="supabase db push",
    ),
    "a function may not be called": Fault(
        plant=both(
            ONLY_THE_API,
            statement(
                "revoke execute on function public.record_refunds from service_role",
                "grant execute on function public.record_refunds to service_role",
            ),
        ),
        check="database.functions", words="record_refunds", remedy="grant execute",
    ),
    "an older release": Fault(
        plant=statement(
            "alter function public.check_installation(jsonb) rename to check_of_old",
            "alter function public.check_of_old(jsonb) rename to check_installation",
        ),
        check="database.installation", words="lacks check_installation",
        remedy="supabase db push", also=frozenset({"database.functions"}),
    ),
    "a migration is missing": Fault(
        plant=statement(
            "delete from supabase_migrations.schema_migrations"
            f" where version in ('{LATEST}', '20261123001545')",
            "insert into supabase_migrations.schema_migrations (version)"
            f" values ('{LATEST}'), ('20261123001545')",
        ),
        check="database.migrations", words="missing: retention, check_installation",
        remedy="supabase db push",
    ),
    "the cut-over waits": Fault(
        plant=statement(
            "delete from supabase_migrations.schema_migrations where version = '20261123001900'",
            "insert into supabase_migrations.schema_migrations (version) values ('20261123001900')",
        ),
        check="database.migrations", words="all but drop_enrollments",
        remedy="docs/ENROLLMENTS.md", verdict="warn",
    ),
    "the database is newer": Fault(
        plant=statement(
            "insert into supabase_migrations.schema_migrations (version) values ('20291231000000')",
            "delete from supabase_migrations.schema_migrations where version = '20291231000000'",
        ),
        check="database.migrations", words="newer than this release",
        remedy="run the release", verdict="warn",
    ),
    "anybody may call a function": Fault(
        plant=statement(
            "grant execute on function public.record_orders to anon",
            "revoke execute on function public.record_orders from anon",
        ),
        check="database.privileges", words="anybody may call record_orders",
        remedy="revoke execute on function public.record_orders",
    ),
    "a table is not protected": Fault(
        plant=statement(
            "alter table public.purchases disable row level security",
            "alter table public.purchases enable row level security",
        ),
        check="database.privileges", words="public.purchases", remedy="enable row level security",
    ),
    "the server's clock is wrong": Fault(
        plant=SLOW_CLOCK,
        check="database.clock", words="300 s behind the database", remedy="NTP",
    ),
    "two databases": Fault(
        plant=another_database,
        check="database.both_ways", words="different databases", remedy="of the same project",
    ),
    # What goes on
    "test orders grant": Fault(
        plant=setting(TEST_ORDERS="grant"),
        check="work.test_orders", words="grant access", remedy="TEST_ORDERS=ignore",
        verdict="warn",
    ),
    "no worker": Fault(
        plant=a_late_message,
        check="work.outbox", words="due for 60 minutes", remedy="thetis worker",
    ),
    "a message was given up": Fault(
        plant=a_dead_message,
        check="work.outbox", words="given up", remedy="thetis messages", verdict="warn",
    ),
    "a webhook could not be used": Fault(
        plant=a_rejected_webhook,
        check="work.rejected", words="1 wait", remedy="thetis rejected replay", verdict="warn",
    ),
    "a product that nobody added": Fault(
        plant=a_new_product,
        check="work.unmapped", words="4242", remedy="thetis products add", verdict="warn",
    ),
    # Auth
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
    # Shopify
    "a wrong client secret": Fault(
        plant=setting(SHOPIFY_CLIENT_SECRET="shpss_old"),
        check="shopify.app", words="invalid_client", remedy="SHOPIFY_CLIENT_SECRET",
        also=frozenset({"addresses.secrets"}),
    ),
    "an API version that has ended": Fault(
        plant=both(
            setting(SHOPIFY_API_VERSION="2026-04"),
            lambda world: setattr(world.shop, "versions", ("2026-07", "2026-10")),
        ),
        check="shopify.version", words="2026-07 answered", remedy="SHOPIFY_API_VERSION",
    ),
    "a scope is missing": Fault(
        plant=scopes("read_products"),
        check="shopify.scopes", words="read_products", remedy="release one with these scopes",
    ),
    "old orders are not seen": Fault(
        plant=scopes("read_all_orders"),
        check="shopify.scopes", words="60 days", remedy="read_all_orders", verdict="warn",
    ),
    "addresses are kept back": Fault(
        plant=withheld,
        check="shopify.customers", words="keeps them back", remedy="protected customer data",
    ),
    "an order without an address": Fault(
        plant=lambda world: a_newer_order(world, email="", minutes=0),
        check="shopify.customers", words="has none", remedy="protected customer data",
        verdict="warn",
    ),
    "a topic is not subscribed": Fault(
        plant=one_webhook_less,
        check="shopify.webhooks", words="none tells refunds/create",
        remedy="thetis webhooks create",
    ),
    "webhooks go elsewhere": Fault(
        plant=astray,
        check="shopify.webhooks", words="lead to https://old.example.com/webhooks/shopify",
        remedy="thetis webhooks create",
    ),
    "one webhook goes elsewhere": Fault(
        plant=a_webhook(uri="https://old.example.com/webhooks/shopify"),
        check="shopify.webhooks", words="orders/create: other address",
        remedy="thetis webhooks create",
    ),
    "fields are left out": Fault(
        plant=a_webhook(includeFields=["id"]),
        check="shopify.webhooks", words="include_fields", remedy="thetis webhooks create",
    ),
    "a filter": Fault(
        plant=a_webhook(filter="total_price:>=100"),
        check="shopify.webhooks", words="filter", remedy="thetis webhooks create",
    ),
    "webhooks in a version that has ended": Fault(
        plant=lambda world: setattr(world.shop, "webhook_version", "2025-07"),
        check="shopify.webhooks", words="2025-07", remedy="newer webhook API version",
        verdict="warn",
    ),
    "silence": Fault(
        plant=an_hour_ago,
        check="shopify.pulse", words="but the newest webhook of", remedy="thetis webhooks list",
    ),
    "a slip in a product id": Fault(
        plant=no_product,
        check="shopify.catalogue", words="ids do not exist", remedy="thetis products",
    ),
    # Knock
    "a wrong key of Knock's": Fault(
        plant=setting(KNOCK_API_KEY="sk_old"),
        check="knock.key", words="does not take KNOCK_API_KEY", remedy="API keys",
    ),
    "a public key of Knock's": Fault(
        plant=setting(KNOCK_API_KEY="pk_made_up"),
        check="knock.key", words="public key", remedy="secret key",
    ),
    "a wrong service token": Fault(
        plant=setting(KNOCK_SERVICE_TOKEN="knock_st_old"),
        check="knock.service_token", words="KNOCK_SERVICE_TOKEN", remedy="Service tokens",
    ),
    "a workflow is not committed": Fault(
        plant=without_a_workflow,
        check="knock.post_purchase", words="is not committed in production",
        remedy="knock push",
    ),
    "a workflow is switched off": Fault(
        plant=workflow("review-request", active=False),
        check="knock.review_request", words="is not active", remedy="switch it on",
    ),
    "a workflow has a fault": Fault(
        plant=workflow("post-purchase", valid=False),
        check="knock.post_purchase", words="invalid", remedy="Workflows > post-purchase",
    ),
    "a channel is not set up": Fault(
        plant=channel(is_valid=False),
        check="knock.channels", words="not set up completely", remedy="Channels and sources",
    ),
    "a channel in sandbox mode": Fault(
        plant=channel(is_sandbox=True),
        check="knock.channels", words="nothing is delivered", remedy="Channels", verdict="warn",
    ),
    # Resend
    "a wrong key of Resend's": Fault(
        plant=setting(RESEND_API_KEY="re_old"),
        check="resend.key", words="does not take RESEND_API_KEY", remedy="API Keys",
    ),
    "another domain": Fault(
        plant=setting(EMAIL_FROM="Courses <courses@example.org>"),
        check="resend.domain", words="example.org, of EMAIL_FROM, is not at Resend",
        remedy="DNS records",
    ),
    "a mailbox as a sender": Fault(
        plant=setting(EMAIL_FROM="courses@gmail.com"),
        check="resend.domain", words="nobody can send as gmail.com", remedy="of your own",
    ),
    "a domain that waits for its records": Fault(
        plant=domain(status="pending"),
        check="resend.domain", words="not verified: pending", remedy="DNS records",
    ),
    "nobody hears of bounces": Fault(
        plant=lambda world: world.accounts.webhooks.clear(),
        check="resend.webhook", words="none is at our address", remedy="Webhooks: add",
    ),
    "bounces are not told": Fault(
        plant=resend_webhook(events=["email.sent"]),
        check="resend.webhook", words="email.bounced", remedy="Resend: Webhooks",
    ),
    "a webhook of Resend's is disabled": Fault(
        plant=resend_webhook(status="disabled"),
        check="resend.webhook", words="is disabled", remedy="enable it",
    ),
    "another signing secret": Fault(
        plant=resend_webhook(signing_secret="whsec_YW5vdGhlcg=="),
        check="resend.webhook", words="secret", remedy="copy it",
    ),
    "a customer who gets no email": Fault(
        plant=a_suppressed_customer,
        check="resend.suppressions", words="1 by bounce", remedy="Suppressions", verdict="warn",
    ),
    # Addresses
    "no page to claim": Fault(
        plant=lambda world: world.course_app.update({"/claim": 404}),
        check="addresses.course_app", words="/claim answers 404", remedy="COURSE_APP_URL",
    ),
    "somebody else at the public address": Fault(
        plant=somebody_else,
        check="addresses.webhooks", words="where our service says 401", remedy="proxy",
        also=frozenset({"shopify.webhooks", "resend.webhook"}),
    ),
    "nothing at the public address": Fault(
        plant=setting(PUBLIC_URL=NOBODY),
        check="addresses.webhooks", words="cannot be reached", remedy="thetis serve",
        also=frozenset({"shopify.webhooks", "resend.webhook"}),
    ),
    "a secret that the service has not": Fault(
        plant=setting(SHOPIFY_WEBHOOK_SECRETS="new,a-webhook-secret"),
        check="addresses.secrets", words="refuses 1 of 3", remedy="restart it",
    ),
}  # fmt: skip
