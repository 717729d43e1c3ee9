"""Each caller tries everything over HTTP, where PostgREST stands between them and the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import httpx
import pytest

from tests.database.privileges import matrix
from tests.database.privileges.conftest import OF_SUPABASE, Project
from tests.support.service import NO_TLS
from tests.support.supabase_api import SupabaseApi

pytestmark = pytest.mark.parametrize("default_privileges", OF_SUPABASE, indirect=True)

REFUSED = {"anon": 401, "owner": 403, "stranger": 403, "unconfirmed": 403, "service_role": 403}
"""What a missing privilege is answered: without a session, a request to sign in."""

METHODS = {"select": "GET", "insert": "POST", "update": "PATCH", "delete": "DELETE"}

NO_SUCH_SCHEMA, MISSING_PRIVILEGE = "PGRST106", "42501"


@pytest.fixture
def http(project: Project, project_api: SupabaseApi, caller: str) -> Iterator[httpx.Client]:
    """With what this caller sends."""
    key = project_api.secret_key if caller == "service_role" else project_api.publishable_key
    headers = {"apikey": key}
    if caller in project.users:
        headers["Authorization"] = f"Bearer {project_api.user_token(project.users[caller])}"
    url = f"{project_api.url}/rest/v1"
    with httpx.Client(base_url=url, headers=headers, verify=NO_TLS) as client:
        yield client


def names(caller: str, kind: str, schema: str) -> dict[str, matrix.Cell]:
    """What is written of one kind of things in a schema, by their names in it."""
    return {
        name.removeprefix(f"{schema}."): cell
        for (thing, name), cell in matrix.allowed(caller).items()
        if thing == kind and name.startswith(f"{schema}.")
    }


def code(answer: httpx.Response) -> str:
    return str(answer.json()["code"])


def test_tables_are_read_as_written_and_never_written_to(
    project: Project, http: httpx.Client, caller: str
) -> None:
    for table, cell in names(caller, "table", "public").items():
        column = next(iter(names(caller, "column", f"public.{table}")))
        for privilege, method in METHODS.items():
            answer = http.request(method, f"/{table}", json=body(method, column))
            if privilege in cell.privileges:
                assert answer.status_code == 200
                assert cell.rows
                assert len(answer.json()) == project.count(f"public.{table}", cell.rows)
            else:
                assert answer.status_code == REFUSED[caller], (method, table)
                assert code(answer) == MISSING_PRIVILEGE


def body(method: str, column: str) -> dict[str, None] | None:
    """For a write: something that names a column."""
    return {column: None} if method in {"POST", "PATCH"} else None


def test_functions_are_called_as_written(project: Project, http: httpx.Client, caller: str) -> None:
    for function, cell in names(caller, "function", "public").items():
        answer = http.post(f"/rpc/{function}", json=nothing(project, function))
        if "execute" in cell.privileges and not cell.is_guarded:
            assert answer.status_code not in {401, 403, 404}, (function, answer.text)
        else:
            assert answer.status_code == REFUSED[caller], (function, answer.text)
            assert code(answer) == MISSING_PRIVILEGE


def nothing(project: Project, function: str) -> Mapping[str, None]:
    """A null for each argument: PostgREST finds a function by the names of its arguments."""
    names = project.database.value(
        "select coalesce(proargnames[:pronargs], '{}') from pg_proc where oid = %s::regproc",
        f"public.{function}",
    )
    return dict.fromkeys(names)


def test_nothing_private_can_be_reached(http: httpx.Client, caller: str) -> None:
    tables = [f"/{name}" for name in names(caller, "table", "thetis")]
    functions = [f"/rpc/{name}" for name in names(caller, "function", "thetis")]
    assert tables
    assert functions

    for method, path in [("GET", path) for path in tables] + [("POST", path) for path in functions]:
        asked_for = http.request(method, path, headers=profile(method, "thetis"))
        assert (asked_for.status_code, code(asked_for)) == (406, NO_SUCH_SCHEMA), path
        assert http.request(method, path).status_code == 404, path


def profile(method: str, schema: str) -> dict[str, str]:
    """How a request names a schema that is not the first.

    https://docs.postgrest.org/en/v12/references/api/schemas.html
    """
    return {"Accept-Profile" if method == "GET" else "Content-Profile": schema}


def test_the_api_describes_to_a_caller_what_they_may_use(http: httpx.Client, caller: str) -> None:
    """The description of an API is public: it must not tell of what is closed."""
    described = set(http.get("/").json()["paths"]) - {"/"}

    written = {
        f"/{prefix}{name}"
        for kind, prefix in (("table", ""), ("function", "rpc/"))
        for name, cell in names(caller, kind, "public").items()
        if cell.privileges
    }
    assert described == written
