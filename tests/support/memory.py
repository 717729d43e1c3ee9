"""How much memory a process takes."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from devtools.processes import Process


@contextmanager
def watched(process: Process) -> Iterator[Callable[[], float]]:
    """What it has taken at the most, as often as one can look."""
    peak, is_over = [0.0], threading.Event()

    def watch() -> None:
        while not is_over.is_set():
            peak.append(max(peak.pop(), megabytes(process)))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield lambda: peak[0]
    finally:
        is_over.set()
        watching.join()


def megabytes(process: Process) -> float:
    """Resident memory; `ps` is on every Unix."""
    command = ["ps", "-o", "rss=", "-p", str(process.popen.pid)]
    return int(subprocess.check_output(command)) / 1024
