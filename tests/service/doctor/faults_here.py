"""What can be wrong with our settings, our database, our work and our addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.service.doctor.planting import NOBODY, Fault, both, setting, statement
from tests.service.doctor.world import World
from tests.support.shopify import COURSE, order

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

LATEST = "20261123001750"

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
    "somebody else's migration": Fault(
        plant=statement(
            "insert into supabase_migrations.schema_migrations (version) values ('20291231000000');"
            "delete from supabase_migrations.schema_migrations where version = '20261123000100'",
            "insert into supabase_migrations.schema_migrations (version) values ('20261123000100');"
            "delete from supabase_migrations.schema_migrations where version = '20291231000000'",
        ),
        check="database.migrations", words="missing: schema", remedy="supabase db push",
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
    "a public address that redirects": Fault(
        plant=both(
            lambda world: world.course_app.update({"/webhooks/shopify": 308}), somebody_else
        ),
        check="addresses.webhooks", words="Shopify does not follow", remedy="in its last form",
        also=frozenset({"shopify.webhooks", "resend.webhook"}),
    ),
    "a proxy without a service": Fault(
        plant=both(
            lambda world: world.course_app.update({"/webhooks/shopify": 502}), somebody_else
        ),
        check="addresses.webhooks", words="nothing runs behind it", remedy="thetis serve",
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
