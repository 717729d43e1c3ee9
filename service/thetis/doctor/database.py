"""The database: reachable, whole, of this release, and open to nobody else."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from psycopg.conninfo import conninfo_to_dict

from thetis.cli import reachability
from thetis.database import Database
from thetis.doctor import migrations
from thetis.doctor.asking import LOCAL
from thetis.doctor.checks import Check, Finding, Found, failed, passed, unknown
from thetis.doctor.clock import skew
from thetis.doctor.known import Known
from thetis.errors import DatabaseError
from thetis.installation import Installation, InstallationStatus
from thetis.model import SCHEMA_VERSION
from thetis.readiness import NO_SUCH_FUNCTION
from thetis.transports import PostgresTransport, SupabaseTransport

PUSH = "apply the migrations of this release: `supabase db push`"

TRANSACTION_POOLER = "6543"
"""The port of Supabase's pooler in transaction mode."""


class DatabasePart:
    def __init__(self, known: Known) -> None:
        self._known = known
        self._timeout = known.seconds("database_timeout_seconds")
        self._ways: dict[str, Database] = {}
        self._installation: InstallationStatus | None = None

    @property
    def installation(self) -> InstallationStatus:
        """After `role`."""
        assert self._installation is not None
        return self._installation

    @property
    def database(self) -> Database:
        """The way that the service goes; after `reachable`."""
        return next(iter(self._ways.values()))

    def checks(self) -> tuple[Check, ...]:
        part, asked = "Database", ("database.installation",)
        return (
            Check(
                id="database.reachable", part=part, name="reachable", run=self.reachable,
                remedy="check DATABASE_URL, or SUPABASE_URL and SUPABASE_SECRET_KEY"
                " (Supabase: Connect, and Project Settings > API Keys)",
            ),
            Check(
                id="database.functions", part=part, name="functions", run=self.functions,
                after=("database.reachable",), remedy=PUSH,
            ),
            Check(
                id="database.installation", part=part, name="role", run=self.role,
                after=("database.reachable",), remedy=PUSH,
            ),
            Check(
                id="database.migrations", part=part, name="migrations", run=self.migrations,
                after=asked, remedy=PUSH,
                by_hand="compare `supabase migration list` with supabase/migrations",
            ),
            Check(
                id="database.privileges", part=part, name="privileges", run=self.privileges,
                after=asked, remedy="apply the migrations again, or revoke what was granted since",
            ),
            Check(
                id="database.linking", part=part, name="linking", run=self.linking, after=asked,
                remedy="make the trigger on auth.users again, as the migration linking.sql does",
            ),
            Check(
                id="database.connection", part=part, name="connection",
                run=self.connection, after=("database.reachable",),
            ),
            Check(
                id="database.both_ways", part=part, name="both ways", run=self.both_ways,
                after=asked, remedy="SUPABASE_URL and DATABASE_URL must be of the same project",
            ),
            Check(
                id="database.clock", part=part, name="clock", run=self.clock, after=asked,
                remedy="set this machine's clock by NTP",
            ),
        )  # fmt: skip

    async def reachable(self) -> Finding:
        await self._open()
        started = time.monotonic()
        try:
            await self.database.check_schema()
        except DatabaseError as error:
            if error.code not in NO_SUCH_FUNCTION:  # one that is missing was looked for
                return failed(f"{self._where()}: {error}")
        took = (time.monotonic() - started) * 1000
        return passed(f"{self._where()} answers in {took:.0f} ms")

    async def _open(self) -> None:
        known, seconds = self._known, self._timeout
        if not known.missing("database_url"):
            url = known.text("database_url")
            try:
                await reachability.connect(url, seconds)
            except DatabaseError as error:
                raise Found(failed(f"{reachability.address(url)}: {error}")) from None
            direct = PostgresTransport(url, timeout=seconds, max_connections=2)
            self._ways["DATABASE_URL"] = Database(direct, timeout=seconds)
        if not known.missing("supabase_url", "supabase_secret_key"):
            api = SupabaseTransport(known.text("supabase_url"), known.text("supabase_secret_key"))
            self._ways["SUPABASE_URL"] = Database(api, timeout=seconds)
        if not self._ways:
            wrong = [
                name
                for name in ("database_url", "supabase_url", "supabase_secret_key")
                if name in known.faults
            ]
            named = wrong or ["database_url"]
            words = ", ".join(f"{name.upper()} {known.faults.get(name, '')}" for name in named)
            raise Found(unknown(words.strip(), blocked_by=f"settings.{named[0]}"))
        for way in self._ways.values():
            await way.open()

    def _where(self) -> str:
        if "DATABASE_URL" in self._ways:
            return reachability.address(self._known.text("database_url"))
        return self._known.text("supabase_url")

    async def functions(self) -> Finding:
        try:
            schema = await self.database.check_schema()
        except DatabaseError as error:
            if error.code == "42501":
                return failed(
                    "this role may not call our functions",
                    "use the project's secret key, or a role that has service_role's privileges",
                )
            return failed("none of this release is there, not even check_schema")
        if schema.version != SCHEMA_VERSION:
            return failed(f"the schema has version {schema.version}, we need {SCHEMA_VERSION}")
        if schema.missing:
            return failed(
                f"missing, or not ours to call: {', '.join(schema.missing)}",
                f"{PUSH}; or grant execute on them to service_role again",
            )
        return passed("all that we call are there, and ours to call")

    async def ask(self) -> InstallationStatus:
        """What the database says of itself now."""
        return await Installation(self.database).check_installation()

    async def role(self) -> Finding:
        try:
            self._installation = await self.ask()
        except DatabaseError as error:
            if error.code in NO_SUCH_FUNCTION:
                return failed("the database lacks check_installation, which this release has")
            raise
        role = self.installation.role
        if role in {"anon", "authenticated"}:
            return failed(f"we are {role}", "SUPABASE_SECRET_KEY must be the secret key")
        return passed(f"we are {role}")

    async def migrations(self) -> Finding:
        return migrations.judge(self.installation.migrations)

    async def privileges(self) -> Finding:
        functions = self.installation.open_functions
        tables = self.installation.open_tables
        if functions:
            return failed(
                f"anybody may call {', '.join(functions)}",
                f"revoke execute on function public.{functions[0]} from public, anon",
            )
        if tables:
            return failed(
                f"not protected: {', '.join(tables)}",
                f"alter table {tables[0]} enable row level security; revoke all on it from anon",
            )
        return passed("the key of browsers opens no function or table of ours")

    async def linking(self) -> Finding:
        if not self.installation.is_linking:
            return failed("no trigger on auth.users links purchases to new accounts")
        return passed("purchases are linked when an account confirms its address")

    async def connection(self) -> Finding:
        if "DATABASE_URL" not in self._ways:
            return passed("the Supabase API, which needs no database port")
        parts = conninfo_to_dict(self._known.text("database_url"))
        host, port = str(parts.get("host") or "localhost"), str(parts.get("port") or 5432)
        if not (host in LOCAL or host.startswith("/")) and parts.get("sslmode") == "disable":
            return failed(
                "sslmode=disable: the password and the customers cross the network in clear",
                "take sslmode=disable out of DATABASE_URL",
            )
        if port == TRANSACTION_POOLER:
            return passed("a transaction pooler; we prepare no statements, so it serves")
        pooled = "pooler" in host
        return passed("a session pooler" if pooled else "direct")

    async def both_ways(self) -> Finding:
        if len(self._ways) == 1:
            return passed(f"only {next(iter(self._ways))} is set, which is enough")
        other = await Installation(self._ways["SUPABASE_URL"]).check_installation()
        if other.identity != self.installation.identity:
            return failed("DATABASE_URL and SUPABASE_URL lead to different databases")
        return passed("DATABASE_URL and SUPABASE_URL lead to the same database")

    async def clock(self) -> Finding:
        asked_at = datetime.now(UTC)
        told = await self.ask()
        answered_at = datetime.now(UTC)
        ahead = (asked_at + (answered_at - asked_at) / 2 - told.time).total_seconds()
        return skew(ahead, "the database")

    async def close(self) -> None:
        for way in self._ways.values():
            await way.close()
