"""/readyz knows whether the database lets the service do its work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devtools.fake_providers import refusal
from tests.support.cluster import Cluster
from tests.support.database import Database
from tests.support.service import Service, eventually, running
from tests.support.shopify import COURSE, order
from tests.support.supabase_api import SupabaseApi
from thetis.model import SCHEMA_VERSION

LACKS = "the database lacks {}: apply the migrations of this release"
SERVICE_ROLE = "service_role"


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    with cluster.database() as fresh:
        yield fresh


@pytest.fixture
def service(database: Database) -> Iterator[Service]:
    with running({"database_url": database.url}) as started:
        yield started


def _over_the_api(api: SupabaseApi) -> dict[str, str]:
    return {"supabase_url": api.url, "supabase_secret_key": api.secret_key}


def _rename(database: Database, function: str, name: str) -> None:
    database.execute(f"alter function public.{function} rename to {name}")


def _not_ready(service: Service) -> str:
    response = service.get("/readyz")
    assert response.status_code == 503
    return str(response.json()["error"])


def test_a_function_that_is_not_there_is_named(service: Service, database: Database) -> None:
    assert service.get("/readyz").status_code == 200

    _rename(database, "record_refunds", "record_refunds_of_old")
    assert _not_ready(service) == LACKS.format("record_refunds")

    _rename(database, "record_refunds_of_old", "record_refunds")
    assert service.get("/readyz").status_code == 200


def test_all_functions_that_are_not_there_are_named(service: Service, database: Database) -> None:
    for function in ("settle_notifications", "notification_backlog"):
        _rename(database, function, f"{function}_of_old")
    assert _not_ready(service) == LACKS.format("notification_backlog, settle_notifications")


def test_a_database_without_check_schema_is_of_an_older_release(
    service: Service, database: Database
) -> None:
    _rename(database, "check_schema", "check_schema_of_old")
    assert _not_ready(service) == LACKS.format("check_schema")


def test_another_version_of_the_schema_is_told_beside_ours(
    service: Service, database: Database
) -> None:
    _rename(database, "check_schema", "check_schema_of_ours")
    database.execute(
        """
        create function public.check_schema(calls jsonb)
        returns table (version integer, missing text[])
        language sql as $$ select 99, '{}'::text[] $$
        """
    )
    told = _not_ready(service)
    assert told.startswith(
        f"the database has version 99 of the schema and this release needs {SCHEMA_VERSION}:"
    )


def test_over_the_api_what_may_not_be_executed_is_named(
    supabase_api: SupabaseApi, database: Database
) -> None:
    with running(_over_the_api(supabase_api)) as service:
        eventually(lambda: service.get("/readyz").status_code == 200)

        database.execute(f"revoke execute on function public.record_orders from {SERVICE_ROLE}")
        assert _not_ready(service) == LACKS.format("record_orders")
        assert service.send("orders/paid", order(1, COURSE)).status_code == 503

        database.execute(f"revoke execute on function public.check_schema from {SERVICE_ROLE}")
        assert _not_ready(service) == LACKS.format("check_schema")


def test_over_the_api_a_database_without_check_schema_is_of_an_older_release(
    supabase_api: SupabaseApi, database: Database
) -> None:
    _rename(database, "check_schema", "check_schema_of_old")
    database.execute("notify pgrst, 'reload schema'")
    with running(_over_the_api(supabase_api)) as service:
        eventually(lambda: _not_ready(service) == LACKS.format("check_schema"))


def test_a_paused_provider_is_named_and_webhooks_are_received(
    service: Service, database: Database
) -> None:
    refused = refusal("knock", 401, "api_key_expired", "Your API key has expired")
    service.fake_providers.answer_with("knock", *[refused] * 20)
    assert service.get("/readyz").json() == {"status": "ready"}
    service.outcome("orders/paid", order(1, COURSE))

    def is_told() -> bool:
        return "paused" in service.get("/readyz").json()

    eventually(is_told)
    told = service.get("/readyz")
    assert told.status_code == 200
    assert told.json()["paused"] == {"knock": "knock 401 api_key_expired: Your API key has expired"}
    metrics = service.get("/metrics").text
    assert 'thetis_provider_paused{provider="knock"} 1.0' in metrics
    assert 'thetis_provider_paused{provider="resend"} 0.0' in metrics
    assert service.outcome("orders/paid", order(2, COURSE)) == "recorded"
    assert database.value("select count(*) from thetis.notifications where status = 'dead'") == 0
