"""The course app in two languages: whatever it asks goes through Supabase's official client."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, Self

import httpx
from postgrest.exceptions import APIError

from supabase import ClientOptions, create_client
from tests.support.docs import ROOT
from tests.support.service import NO_TLS

PROGRAM = Path(__file__).with_name("answer.mjs")

COURSE_APP = ROOT / "examples/course-app"
FILES = COURSE_APP / "src/thetis"
"""What the developer of another course app copies."""

MODULES = ROOT / "node_modules"

MISSING = "supabase-js is not there: Node or npm is not installed, or `npm ci` has not run"


@dataclass(frozen=True, kw_only=True)
class User:
    """Who asks: with which key of the project, and signed in with which token, if any."""

    url: str
    key: str
    token: str | None = None
    user_id: str | None = None

    def with_key(self, key: str) -> Self:
        return replace(self, key=key)


@dataclass(frozen=True)
class Answer:
    data: Any = None
    code: str | None = None
    """Of the error; None when there is none."""
    message: str | None = field(default=None, compare=False)


class App(Protocol):
    def ask(self, user: User, call: str, **details: Any) -> Answer:
        """`rpc` with name and args; `select`, `insert`, ... with table, and schema if not public.

        `row` is what is written, and `column` one to name in the condition of a change.
        """
        ...


class PythonApp:
    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def ask(self, user: User, call: str, **details: Any) -> Answer:
        options = ClientOptions(httpx_client=self._http, auto_refresh_token=False)
        client = create_client(user.url, user.key, options)
        if user.token:
            client.postgrest.auth(user.token)
        try:
            return Answer(self._execute(client, call, **details).data)
        except APIError as error:
            return Answer(code=error.code, message=error.message)

    def _execute(self, client: Any, call: str, **details: Any) -> Any:
        if call == "rpc":
            return client.rpc(details["name"], details.get("args", {})).execute()
        table = client.schema(details.get("schema", "public")).table(details["table"])
        match call:
            case "select":
                return table.select("*").execute()
            case "insert" | "upsert":
                return getattr(table, call)(details["row"]).execute()
            case "update":
                return table.update(details["row"]).neq(details["column"], "0").execute()
            case "delete":
                return table.delete().neq(details["column"], "0").execute()
        raise ValueError(call)


class JavaScriptApp:
    """Also answers by the name of a function of the files that developers copy."""

    def __init__(self, node: subprocess.Popen[str]) -> None:
        self._node = node

    def ask(self, user: User, call: str, **details: Any) -> Answer:
        asking = {"url": user.url, "key": user.key, "token": user.token, "userId": user.user_id}
        question = json.dumps({"user": asking, "call": call, **details})
        assert self._node.stdin
        assert self._node.stdout
        print(question, file=self._node.stdin, flush=True)
        return Answer(**json.loads(self._node.stdout.readline()))


@contextmanager
def python() -> Iterator[PythonApp]:
    with httpx.Client(verify=NO_TLS) as http:
        yield PythonApp(http)


@contextmanager
def javascript() -> Iterator[JavaScriptApp]:
    with (
        compiled() as folder,
        subprocess.Popen(
            ["node", PROGRAM, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(),
        ) as node,
    ):
        try:
            yield JavaScriptApp(node)
        finally:
            node.kill()


@contextmanager
def compiled() -> Iterator[Path]:
    """The developer's files as JavaScript, in a folder from where Node finds the packages."""
    with tempfile.TemporaryDirectory() as folder:
        complaints = compiler(copied(Path(folder)))
        assert complaints == "", complaints
        yield Path(folder)


def copied(folder: Path) -> Path:
    """The developer's files alone, as somebody copies them into an app that is as strict."""
    shutil.copytree(FILES, folder, dirs_exist_ok=True)
    make_strict(folder)
    return folder


def make_strict(folder: Path) -> None:
    """Make it a folder that TypeScript compiles for Node, as strictly as the course app."""
    (folder / "node_modules").symlink_to(MODULES)
    options = json.loads((COURSE_APP / "tsconfig.json").read_text())["compilerOptions"]
    assert options["strict"]
    options |= {"noEmit": False, "module": "commonjs", "types": []}
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}))


def compiler(folder: Path) -> str:
    """What TypeScript has to say about the files in this folder; it writes them as JavaScript."""
    command: list[str | Path] = [MODULES / ".bin/tsc", "--project", folder]
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
    return run.stdout + run.stderr


def is_missing() -> bool:
    needed = ("@supabase/supabase-js", "typescript")
    return not (shutil.which("node") and all((MODULES / name).is_dir() for name in needed))


def _environment() -> dict[str, str]:
    node = shutil.which("node")
    assert node
    return {"PATH": str(Path(node).parent), "NODE_ENV": "production"}
