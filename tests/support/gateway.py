"""Supabase's API gateway in short: /rest/v1 in front of PostgREST, for those who have a key."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PREFIX = "/rest/v1"

NO_KEY = {
    "message": "No API key found in request",
    "hint": "No `apikey` request header or url param was found.",
}
WRONG_KEY = {"message": "Invalid API key", "hint": "Double check your API key."}


class UnixConnection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@contextmanager
def serving(
    postgrest: Path, keys: Mapping[str, str], others: Mapping[str, object] | None = None
) -> Iterator[str]:
    """Yields the project's URL. `keys` gives the JWT that each API key stands for, `others` what is
    answered at further paths.
    """

    class Handler(_Handler):
        upstream_socket = postgrest
        tokens = keys
        canned = others or {}

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    upstream_socket: Path
    tokens: Mapping[str, str]
    canned: Mapping[str, object]

    def setup(self) -> None:
        super().setup()
        self._upstream = UnixConnection(self.upstream_socket)

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        apikey = self.headers["apikey"]
        if not self.path.startswith(f"{PREFIX}/") and self.path not in self.canned:
            self._answer(404, {}, b"")
        elif apikey not in self.tokens:
            self._answer_json(401, WRONG_KEY if apikey else NO_KEY)
        elif self.path in self.canned:
            self._answer_json(200, self.canned[self.path])
        else:
            self._forward(body, self._authorization(apikey))

    do_GET = do_HEAD = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _authorization(self, apikey: str) -> str:
        """The user's token, if there is one, or else the one that the key stands for.

        https://github.com/supabase/cli/blob/develop/apps/cli-go/internal/start/start.go
        """
        given = self.headers["Authorization"]
        if given and not given.startswith("Bearer sb_"):
            return str(given)
        return f"Bearer {self.tokens[apikey]}"

    def _forward(self, body: bytes, authorization: str) -> None:
        dropped = {"host", "connection", "authorization"}
        headers = {name: text for name, text in self.headers.items() if name.lower() not in dropped}
        headers["Authorization"] = authorization
        self._upstream.request(self.command, self.path.removeprefix(PREFIX), body, headers)
        answer = self._upstream.getresponse()
        kept = {
            name: text
            for name, text in answer.getheaders()
            if name.lower() not in {"transfer-encoding", "content-length", "connection", "date"}
        }
        self._answer(answer.status, kept, answer.read())

    def _answer_json(self, status: int, body: object) -> None:
        self._answer(status, {"Content-Type": "application/json"}, json.dumps(body).encode())

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
