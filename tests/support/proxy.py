"""A TCP port in front of a server, which can vanish, hang and come back."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Proxy:
    """Connections to `port` of 127.0.0.1 are passed on to what `connect` connects to."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        self._connect = connect
        self._passing = threading.Event()
        self._passing.set()
        self._open: set[socket.socket] = set()
        self._changing = threading.Lock()
        self._listen(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.vanish()
        self._passing.set()

    def vanish(self) -> None:
        """Cut every connection, and refuse new ones."""
        with self._changing:
            for each in (self._listener, *self._open):
                _close(each)

    def hang(self) -> None:
        """Accept connections and bytes, and pass nothing on."""
        self._passing.clear()

    def recover(self) -> None:
        """After vanishing or hanging: be as if nothing had happened."""
        self._passing.set()
        self._reopen()

    def recover_for_new_connections(self) -> None:
        """After hanging: those that hang do so for ever, as when a network forgets them."""
        self._passing = threading.Event()
        self._passing.set()
        self._reopen()

    def _reopen(self) -> None:
        if self._listener.fileno() == -1:
            self._listen(self.port)

    def _listen(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                arguments = (listener, near, self._passing)
                threading.Thread(target=self._join, args=arguments, daemon=True).start()

    def _join(self, listener: socket.socket, near: socket.socket, passing: threading.Event) -> None:
        try:
            far = self._connect()
        except OSError:
            _close(near)
            return
        with self._changing:
            self._open |= {near, far}
            if listener.fileno() == -1:  # accepted in the moment of vanishing
                _close(near)
                _close(far)
        back = threading.Thread(target=_pass, args=(far, near, passing), daemon=True)
        back.start()
        _pass(near, far, passing)
        back.join()
        with self._changing:
            self._open -= {near, far}


def _pass(source: socket.socket, sink: socket.socket, passing: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            passing.wait()
            sink.sendall(data)
    _close(source)
    _close(sink)


def _close(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits for it, as close() does not
    each.close()
