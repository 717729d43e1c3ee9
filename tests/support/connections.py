"""What a client sees on a socket."""

from __future__ import annotations

import socket


def all_of(connection: socket.socket) -> bytes:
    """What comes until the other side hangs up, however it does."""
    told = b""
    try:
        while chunk := connection.recv(65536):
            told += chunk
    except ConnectionError:
        pass
    return told


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    finally:
        connection.settimeout(10)
