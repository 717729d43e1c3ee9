"""The gates on the server: the policy of the bucket, and the route handler."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.cluster import Cluster
from tests.support.database import Database
from tests.support.service import NO_TLS
from tests.support.shopify import COURSE, PREMIUM, order, refund
from tests.support.supabase_api import SupabaseApi
from tests.system.course_app import apps
from tests.system.course_app.apps import COURSE_APP
from tests.system.course_app.conftest import People

POLICY = (COURSE_APP / "supabase/storage-policy.sql").read_text()

STORAGE = """
create schema storage;
create table storage.buckets (id text primary key, name text not null, public boolean);
create table storage.objects (bucket_id text not null, name text not null);
alter table storage.objects enable row level security;
grant usage on schema storage to authenticated;
grant select on storage.objects to authenticated;
create function storage.foldername(name text) returns text[] language sql immutable as $$
    select (string_to_array(name, '/'))[:cardinality(string_to_array(name, '/')) - 1]
$$;
"""
"""What of Supabase Storage the policy needs: https://supabase.com/docs/guides/storage/schema/design"""

FILES = [f"{COURSE}/welcome.mp4", f"{PREMIUM}/welcome.mp4", "welcome.mp4"]


@pytest.fixture
def bucket(cluster: Cluster) -> Iterator[Database]:
    """With a file of each of two courses, one that is in no folder, and one in another bucket."""
    with cluster.database() as database:
        database.execute(STORAGE)
        database.execute(POLICY)
        for name in FILES:
            database.execute("insert into storage.objects values ('courses', %s)", name)
        database.execute("insert into storage.objects values ('other', %s)", FILES[0])
        yield database


def files_of(database: Database, user_id: str) -> list[str]:
    """Each with its bucket."""
    with database.accounts.as_user(user_id) as user:
        rows = user.execute("select bucket_id || ' ' || name as name from storage.objects")
        return [row["name"] for row in rows]


def test_the_bucket_is_private(bucket: Database) -> None:
    assert bucket.rows("select id, public from storage.buckets") == [
        {"id": "courses", "public": False}
    ]


def test_customers_read_the_files_of_their_course_and_no_others(bucket: Database) -> None:
    bucket.record_orders(order(1, COURSE))
    ada = bucket.accounts.sign_up("ada@example.com")
    eve = bucket.accounts.sign_up("eve@example.com")

    assert files_of(bucket, ada) == [f"courses {COURSE}/welcome.mp4"]
    assert files_of(bucket, eve) == []


def test_a_refund_closes_the_files_at_once(bucket: Database) -> None:
    bucket.record_orders(order(1, COURSE))
    ada = bucket.accounts.sign_up("ada@example.com")
    assert files_of(bucket, ada)

    bucket.record_refunds(refund(9, 1, **{COURSE: 1}))

    assert files_of(bucket, ada) == []


CALL = """
const { GET } = require('./next/route')
const [slug, file, token] = JSON.parse(process.argv[1])
const headers = token ? { authorization: `Bearer ${token}` } : {}
const request = new Request('https://shop.example.com/api/courses', { headers })
GET(request, { params: Promise.resolve({ slug, file }) }).then(async (response) => {
  console.log(JSON.stringify([response.status, await response.json()]))
})
"""


@pytest.fixture(scope="session")
def route(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The handler as JavaScript, in a folder as that of an app of Next.js."""
    if apps.is_missing():
        pytest.skip(apps.MISSING)
    folder = tmp_path_factory.mktemp("next")
    shutil.copytree(COURSE_APP / "next", folder / "next")
    shutil.copytree(apps.FILES, folder / "src/thetis")
    apps.make_strict(folder)
    assert apps.compiler(folder) == ""
    return folder


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server of Next.js that has the route, in front of a project."""

    folder: Path
    project: str

    def get(self, slug: str, file: str, token: str | None) -> tuple[int, Any]:
        node = shutil.which("node")
        assert node
        answered = subprocess.run(
            [node, "-e", CALL, json.dumps([slug, file, token])],
            cwd=self.folder,
            env={
                "PATH": str(Path(node).parent),
                "NODE_ENV": "production",
                "NEXT_PUBLIC_SUPABASE_URL": self.project,
                "NEXT_PUBLIC_SUPABASE_KEY": SupabaseApi.publishable_key,
                "SUPABASE_SECRET_KEY": SupabaseApi.secret_key,
            },
            capture_output=True,
            text=True,
            check=True,
        )
        status, body = json.loads(answered.stdout)
        return status, body


@pytest.fixture
def server(route: Path, api: SupabaseApi) -> Iterator[Server]:
    with project(api) as url:
        yield Server(folder=route, project=url)


@contextmanager
def project(api: SupabaseApi) -> Iterator[str]:
    """The API, and as much of Storage as signs addresses for whoever has the secret key."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.startswith("/storage/v1/object/sign/"):
                is_ours = self.headers["apikey"] == SupabaseApi.secret_key
                signed = {"signedURL": f"{self.path.removeprefix('/storage/v1')}?token=signed"}
                self._answer(200 if is_ours else 400, json.dumps(signed).encode())
                return
            sent = ("apikey", "authorization", "content-type")
            headers = {name: self.headers[name] for name in sent if self.headers[name]}
            answer = httpx.post(api.url + self.path, content=body, headers=headers, verify=NO_TLS)
            self._answer(answer.status_code, answer.content)

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}"
        finally:
            listening.shutdown()


def test_the_route_hands_out_a_file_to_who_may_open_its_course(
    server: Server, people: People, database: Database
) -> None:
    database.record_orders(order(1, COURSE))
    ada = people.sign_up("ada@example.com")

    status, body = server.get(COURSE, "welcome.mp4", ada.token)

    assert status == 200
    signed = f"/storage/v1/object/sign/courses/{COURSE}/welcome.mp4?token=signed"
    assert body == {"url": server.project + signed}
    assert server.get(PREMIUM, "welcome.mp4", ada.token)[0] == 403


def test_the_route_refuses_who_is_not_signed_in(server: Server) -> None:
    assert server.get(COURSE, "welcome.mp4", None) == (401, {"error": "sign in"})
    assert server.get(COURSE, "welcome.mp4", "not-a-token") == (401, {"error": "sign in"})


@pytest.mark.parametrize("file", [f"../{PREMIUM}/welcome.mp4", "..", "a/b.mp4", "", "welcome"])
def test_the_route_leads_nobody_out_of_their_course(
    server: Server, people: People, database: Database, file: str
) -> None:
    database.record_orders(order(1, COURSE))
    ada = people.sign_up("ada@example.com")

    assert server.get(COURSE, file, ada.token)[0] == 404


def test_the_route_says_try_again_when_there_is_no_answer(server: Server) -> None:
    nowhere = replace(server, project="http://127.0.0.1:1")

    assert nowhere.get(COURSE, "welcome.mp4", "any") == (503, {"error": "try again"})
