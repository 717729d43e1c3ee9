"""The files that the developer of another course app copies, run in Node."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from devtools import migrations
from tests.support.cluster import SUPABASE
from tests.support.database import Database
from tests.support.docs import code as spans
from tests.support.docs import document, rows
from tests.support.service import eventually
from tests.support.shopify import COURSE, PREMIUM, SPLINT, order, refund
from tests.system.course_app import apps
from tests.system.course_app.apps import Answer, JavaScriptApp, User
from tests.system.course_app.conftest import People

PAGE = document("docs/COURSE_APP.md")


@pytest.fixture
def ada(people: People, database: Database) -> User:
    database.record_orders(order(1, COURSE, SPLINT), order(2, PREMIUM, email="bob@example.com"))
    return people.sign_up("ada@example.com")


FILES = sorted({*apps.FILES.glob("*.ts")} - {apps.FILES / "database.types.ts"})

UNUSABLE = """
import { claim } from './claim'
import { hasAccess } from './purchases'
import type { Client } from './purchases'

export async function wrong(supabase: Client, anything: string) {
  await hasAccess(supabase, anything)
  return (await claim(supabase)).courses
}
"""


@pytest.mark.parametrize("code", PAGE.blocks("ts"), ids=lambda code: code.strip().split("\n")[0])
def test_the_page_shows_what_the_files_hold(code: str) -> None:
    assert any(code in file.read_text() for file in FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_page_names_every_file_and_every_function_of_it(file: Path) -> None:
    assert f"examples/course-app/src/thetis/{file.name}" in PAGE.text
    names = re.findall(r"^export .*?(?:function|const) (\w+)", file.read_text(), re.MULTILINE)
    assert names
    missing = [name for name in names if not re.search(rf"(`|function ){name}\b", PAGE.text)]
    assert missing == []


@pytest.mark.skipif(apps.is_missing(), reason=apps.MISSING)
def test_the_files_alone_satisfy_strict_typescript(tmp_path: Path) -> None:
    assert apps.compiler(apps.copied(tmp_path / "app")) == ""


@pytest.mark.skipif(apps.is_missing(), reason=apps.MISSING)
def test_their_types_find_a_misspelt_course_and_a_case_that_was_forgotten(tmp_path: Path) -> None:
    folder = apps.copied(tmp_path / "app")
    (folder / "wrong.ts").write_text(UNUSABLE)

    complaints = apps.compiler(folder)

    assert re.findall(r"wrong\.ts\((\d+),", complaints) == ["7", "8"]


def test_access_is_asked_for_by_the_names_that_the_course_app_has(
    javascript: JavaScriptApp, people: People, database: Database
) -> None:
    courses = database.rows("select slug from public.products where category = 'course'")
    names = dict(re.findall(r"^\| `(\w+)` \| `(\w+_course)` \|$", PAGE.text, re.MULTILINE))
    assert {row["slug"] for row in courses} == set(names.values())

    for number, (name, slug) in enumerate(names.items(), 1):
        address = f"{name}@example.com"
        database.record_orders(order(number, slug, email=address))
        customer = people.sign_up(address)
        access = {name for name in names if javascript.ask(customer, "hasAccess", args=[name]).data}
        assert access == {name}


def test_without_a_session_a_question_is_an_error_and_not_a_no(
    javascript: JavaScriptApp, people: People, ada: User
) -> None:
    for function in ("hasAccess", "listPurchases", "loadPurchases"):
        assert javascript.ask(people.visitor(), function) == Answer(code="42501")


def test_the_errors_that_the_page_explains_are_those_that_come(
    javascript: JavaScriptApp, people: People, ada: User
) -> None:
    explained = [code for row in rows(PAGE.section("Errors")) for code in spans(row[0]) or [""]]
    nowhere = User(url="http://127.0.0.1:1", key="sb_publishable_made_up")

    came = [
        javascript.ask(people.visitor(), "hasAccess", args=["standard"]),
        javascript.ask(people.with_token("not-a-token"), "hasAccess", args=["standard"]),
        javascript.ask(ada, "rpc", name="has_acces", args={"slug": COURSE}),
        *(
            javascript.ask(ada, "requestClaimCode", args=[address])
            for address in ("no address", "ada@example.com")
        ),
        [javascript.ask(ada, "requestClaimCode", args=["b@example.com"]) for _ in range(2)][1],
        javascript.ask(nowhere, "hasAccess", args=["standard"]),
    ]

    assert [answer.code for answer in came] == [code for code in explained if code != "PGRST303"]


def test_changes_are_not_pushed(bare_database: Database) -> None:
    bare_database.execute("create publication supabase_realtime")  # as every project has it
    migrations.apply(bare_database.url, SUPABASE)

    assert bare_database.rows("select tablename from pg_publication_tables") == []


def test_what_is_loaded_tells_what_was_bought_from_what_may_be_used(
    javascript: JavaScriptApp, ada: User, database: Database
) -> None:
    database.record_refunds(refund(9, 1, **{SPLINT: 1}))

    loaded = javascript.ask(ada, "loadPurchases").data

    assert {each["product_slug"]: each["status"] for each in loaded["purchases"]} == {
        COURSE: "active",
        SPLINT: "refunded",
    }
    assert loaded["accessible"] == [COURSE]


def test_a_period_that_is_over_is_no_access_whatever_the_status(
    javascript: JavaScriptApp, ada: User, database: Database
) -> None:
    database.execute("update public.purchases set expires_at = now() - interval '1 second'")

    loaded = javascript.ask(ada, "loadPurchases").data

    assert {each["status"] for each in loaded["purchases"]} == {"active"}
    assert loaded["accessible"] == []


def test_the_claim_page_asks_a_visitor_to_sign_in(
    javascript: JavaScriptApp, people: People
) -> None:
    assert javascript.ask(people.visitor(), "claim") == Answer(data={"next": "sign in"})


def test_the_claim_page_leads_to_the_courses_and_repairs_on_the_way(
    javascript: JavaScriptApp, ada: User, database: Database
) -> None:
    database.execute("update public.purchases set user_id = null")

    first, second = (javascript.ask(ada, "claim").data for _ in range(2))

    assert (first["next"], first["linked"]) == ("courses", 2)
    assert (second["next"], second["linked"]) == ("courses", 0)
    assert {each["product_slug"] for each in second["purchases"]} == {COURSE, SPLINT}
    assert second["courses"] == [COURSE]


def test_the_claim_page_shows_no_courses_to_who_bought_a_splint_alone(
    javascript: JavaScriptApp, people: People, database: Database
) -> None:
    database.record_orders(order(1, SPLINT))

    claimed = javascript.ask(people.sign_up("ada@example.com"), "claim").data

    assert (claimed["next"], claimed["courses"]) == ("no course", [])
    assert [each["product_slug"] for each in claimed["purchases"]] == [SPLINT]


def test_the_claim_page_shows_no_courses_after_the_only_one_was_refunded(
    javascript: JavaScriptApp, people: People, database: Database
) -> None:
    database.record_orders(order(1, COURSE))
    ada = people.sign_up("ada@example.com")
    assert javascript.ask(ada, "claim").data["courses"] == [COURSE]

    database.record_refunds(refund(9, 1, **{COURSE: 1}))
    claimed = javascript.ask(ada, "claim").data

    assert (claimed["next"], claimed["courses"]) == ("no course", [])
    assert [each["status"] for each in claimed["purchases"]] == ["refunded"]


def test_the_claim_page_shows_no_courses_when_their_access_period_is_over(
    javascript: JavaScriptApp, ada: User, database: Database
) -> None:
    database.execute("update public.purchases set expires_at = now() - interval '1 second'")

    assert javascript.ask(ada, "claim").data["next"] == "no course"


@pytest.mark.parametrize(
    ("email", "confirmed"), [("other@example.com", True), ("new@example.com", False)]
)
def test_the_claim_page_asks_for_the_other_address(
    javascript: JavaScriptApp, people: People, database: Database, email: str, *, confirmed: bool
) -> None:
    database.record_orders(order(1, COURSE, email="new@example.com"))
    eve = people.sign_up(email, confirmed=confirmed)

    claimed = javascript.ask(eve, "claim").data

    assert claimed == {"next": "other address", "linked": 0, "purchases": [], "courses": []}


def test_a_new_password_is_sent_to_auth_with_the_users_own_session(
    javascript: JavaScriptApp, ada: User
) -> None:
    """https://supabase.com/docs/reference/javascript/auth-updateuser"""
    with auth_server({"id": ada.user_id}) as (url, received):
        answer = javascript.ask(replace(ada, url=url), "setPassword", args=["correct horse"])

    assert answer == Answer()
    [(path, token, body)] = received
    assert path == "/auth/v1/user"
    assert token == f"Bearer {ada.token}"
    assert body["password"] == "correct horse"


def test_a_password_that_auth_refuses_is_an_error(javascript: JavaScriptApp, ada: User) -> None:
    refusal = {"code": 422, "error_code": "weak_password", "msg": "Password should be longer."}
    with auth_server(refusal, status=422) as (url, _):
        answer = javascript.ask(replace(ada, url=url), "setPassword", args=["short"])

    assert answer.code == "weak_password"


@contextmanager
def auth_server(
    answer: dict[str, Any], *, status: int = 200
) -> Iterator[tuple[str, list[tuple[str, str | None, dict[str, Any]]]]]:
    """Supabase Auth as far as changing a user goes: its address, and what it received."""
    received: list[tuple[str, str | None, dict[str, Any]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, self.headers["Authorization"], json.loads(body)))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", received
        finally:
            server.shutdown()


LOADING = {
    "purchases": [],
    "standard": False,
    "isLoading": True,
    "isKnown": False,
    "error": None,
}
SIGNED_OUT = LOADING | {"isLoading": False}
NOTHING = SIGNED_OUT | {"isKnown": True}


class Page:
    """A page of the course app that uses the hook."""

    def __init__(self, app: JavaScriptApp) -> None:
        self._app = app

    def open(self, user: User, *, user_id: str | None) -> None:
        self._user = user
        self._app.ask(user, "showPage", userId=user_id)

    def refresh(self) -> None:
        self._app.ask(self._user, "refreshPage")

    def shows(self, **expected: Any) -> bool:
        last = self.has_shown()[-1]
        return {name: last[name] for name in expected} == expected

    def has_shown(self) -> list[dict[str, Any]]:
        return list(self._app.ask(self._user, "pageHasShown").data)


@pytest.fixture
def page(javascript: JavaScriptApp) -> Page:
    return Page(javascript)


def test_the_hook_says_that_it_loads_and_then_what_there_is(page: Page, ada: User) -> None:
    page.open(ada, user_id=ada.user_id)

    eventually(lambda: page.shows(isLoading=False))
    first, *_, last = page.has_shown()
    assert first == LOADING
    assert sorted(last.pop("purchases")) == [SPLINT, COURSE]
    assert last == {"standard": True, "isLoading": False, "isKnown": True, "error": None}


def test_the_hook_asks_nothing_while_nobody_is_signed_in(page: Page, people: People) -> None:
    page.open(people.visitor(), user_id=None)

    eventually(page.has_shown)
    assert page.has_shown() == [SIGNED_OUT]


def test_the_hook_asks_again_when_told_to(page: Page, ada: User, database: Database) -> None:
    page.open(ada, user_id=ada.user_id)
    eventually(lambda: page.shows(standard=True))

    database.record_refunds(refund(9, 1, **{COURSE: 1}))
    page.refresh()

    eventually(lambda: page.shows(standard=False))
    assert not any(shown["isLoading"] for shown in page.has_shown()[1:])


def test_the_hook_shows_nobody_what_another_bought(page: Page, people: People, ada: User) -> None:
    eve = people.sign_up("eve@example.com")
    page.open(ada, user_id=ada.user_id)
    eventually(lambda: page.shows(standard=True))

    page.open(eve, user_id=eve.user_id)

    eventually(lambda: page.shows(isLoading=False))
    assert page.has_shown()[0] == LOADING
    assert page.has_shown()[-1] == NOTHING
    page.open(people.visitor(), user_id=None)
    eventually(page.has_shown)
    assert page.has_shown()[-1] == SIGNED_OUT


def test_an_answer_that_comes_after_its_user_has_left_is_dropped(
    page: Page, javascript: JavaScriptApp, people: People, ada: User
) -> None:
    """The first one's takes longer: it asks about each purchase."""
    eve = people.sign_up("eve@example.com")
    page.open(ada, user_id=ada.user_id)
    eventually(page.has_shown)
    page.open(eve, user_id=eve.user_id)
    eventually(lambda: page.shows(isLoading=False))

    javascript.ask(ada, "loadPurchases")  # by now the first answer has come, too

    assert page.has_shown()[-1] == NOTHING


def test_the_hook_reports_an_error_and_keeps_what_it_knew(
    page: Page, people: People, ada: User
) -> None:
    broken = people.with_token("not-a-token", ada.user_id)
    page.open(broken, user_id=ada.user_id)
    eventually(lambda: page.shows(error="PGRST301", isLoading=False, isKnown=False))

    page.open(ada, user_id=ada.user_id)
    eventually(lambda: page.shows(error=None, standard=True))

    page.open(broken, user_id=ada.user_id)
    eventually(lambda: page.shows(error="PGRST301", standard=True))
