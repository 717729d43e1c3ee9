"""`thetis-dev run` as its own process, and what a test asks of it beside the browser."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString, TypeVar

import httpx
import psycopg
from psycopg.rows import dict_row

from devtools.dev import keys
from tests.support.program import ROOT, environment

PATIENCE = 20.0
"""Seconds for what happens by itself."""

Found = TypeVar("Found")
Json = dict[str, Any]


def eventually(what: str, look: Callable[[], Found | None]) -> Found:
    """What it finds, as soon as it finds it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"in {PATIENCE:.0f} seconds there was no {what}")


@dataclass(frozen=True, kw_only=True)
class Dev:
    """A set-up that runs. `url` is the page and SUPABASE_URL."""

    url: str
    database_url: str
    process: subprocess.Popen[str]
    http: httpx.Client

    def state(self) -> Json:
        state: Json = self.http.get("/dev/state").json()
        return state

    @property
    def app_url(self) -> str:
        return str(self.state()["app_url"])

    def buy(self, email: str, *slugs: str) -> Json:
        """An order of these, paid for."""
        ids = {each["slug"]: each["shopify_id"] for each in self.state()["products"]}
        wanted = {"email": email, "products": [ids[slug] for slug in slugs]}
        return self._told("/dev/orders", wanted)

    def act(self, order: Json, act: str, **body: Any) -> Json:
        return self._told(f"/dev/orders/{order['id']}/{act}", body)

    def _told(self, path: str, body: Json) -> Json:
        answer = self.http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        order: Json = answer.json()
        assert order["webhooks"][-1]["status"] == 200, order["webhooks"]
        return order

    def mails(self, to: str) -> list[Json]:
        """The newest first, and last what is to come later."""
        return [mail for mail in self.state()["mails"] if mail["to"] == to]

    def mail(self, to: str, sender: str, after: int = 0) -> Json:
        """The newest email to them by this sender, with an id above `after`; waits for it."""

        def newest() -> Json | None:
            found = [
                mail
                for mail in self.mails(to)
                if mail["sender"] == sender and mail["id"] > after and not mail["later"]
            ]
            return found[0] if found else None

        return eventually(f"mail by {sender} to {to}", newest)

    def text(self, mail: Json) -> str:
        return self.http.get(f"/dev/mails/{mail['id']}/text").text

    def rows(self, query: LiteralString, *values: Any) -> list[Json]:
        """Asked as the superuser, whom no rule hides anything from."""
        url = self.database_url.replace("postgres@", "supabase_admin@", 1)
        with psycopg.connect(url, row_factory=dict_row, autocommit=True) as connection:
            done = connection.execute(query, values)
            return done.fetchall() if done.description else []

    def auth(self, path: str, body: Json, **headers: str) -> httpx.Response:
        """A call of Auth, as supabase-js makes it."""
        return self.http.post(f"/auth/v1{path}", json=body, headers={**_KEY, **headers})

    def rest(self, path: str, body: Json, token: str | None = None) -> httpx.Response:
        bearer = {"authorization": f"Bearer {token}"} if token else {}
        return self.http.post(f"/rest/v1{path}", json=body, headers={**_KEY, **bearer})

    def sign_up(self, email: str) -> Json:
        """By a code from the mailbox; the session."""
        newest = max((mail["id"] for mail in self.mails(email)), default=0)
        asked = self.auth("/otp", {"email": email, "create_user": True})
        assert asked.status_code == 200, asked.text
        code = self.mail(email, "Auth", newest)["code"]
        session = self.auth("/verify", {"email": email, "token": code, "type": "email"})
        assert session.status_code == 200, session.text
        signed_in: Json = session.json()
        return signed_in


_KEY = {"apikey": keys.PUBLISHABLE}


@contextmanager
def running(log: Path, *options: str, settings: Mapping[str, str] | None = None) -> Iterator[Dev]:
    """`thetis-dev run` on free ports, stopped at the end as Ctrl-C stops it."""
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "devtools", "run", "--port", "0", *options],
            cwd=ROOT,
            env=environment(**(settings or {})),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            opened = process.stdout.readline()
            told = log.read_text(encoding="utf-8")
            assert opened.startswith("Open http://"), told
            url = opened.removeprefix("Open ").strip()
            database = re.search(r"DATABASE_URL=(\S+)", told)
            assert database is not None, told
            with httpx.Client(base_url=url, timeout=30, trust_env=False) as http:
                yield Dev(url=url, database_url=database[1], process=process, http=http)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=PATIENCE)
