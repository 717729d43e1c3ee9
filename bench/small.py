"""How soon a service is there, and how much memory it takes, before and after much work."""

from __future__ import annotations

import time

from bench import load, serving, webhook_bodies
from bench.report import Report
from devtools.platform import Platform

CHUNK = 2_500
"""Requests made at a time, so that they do not fill the memory themselves."""


def measure(at: Platform, report: Report, *, webhooks: int) -> None:
    report.say(f"one process, {webhooks:,} webhooks")
    one, chunks = _chunks(webhooks)
    begun = time.perf_counter()
    with serving.service({"database_url": at.database_url}) as service:
        load.post(service.url, one, connections=1)
        cold_start, idle = time.perf_counter() - begun, service.resident_megabytes()
        sizes, seconds = [], 0.0
        for first in chunks:
            requests = webhook_bodies.requests(CHUNK, first=first, age=webhook_bodies.LAST_WEEK)
            seconds += load.post(service.url, requests, connections=64).seconds
            sizes.append(service.resident_megabytes())
    early, late = sizes[len(sizes) // 4], sizes[-1]
    report.ratio(
        f"Memory after {webhooks:,} webhooks to a quarter of them", late / early, at_most=1.1
    )
    report.table(
        f"One process and {webhooks:,} webhooks over 64 connections",
        (
            "start to first answer, s",
            "idle MB",
            "MB after a quarter",
            "MB at the end",
            "webhooks/s",
        ),
        [
            (
                f"{cold_start:.2f}",
                f"{idle:.0f}",
                f"{early:.0f}",
                f"{late:.0f}",
                f"{len(sizes) * CHUNK / seconds:,.0f}",
            )
        ],
    )


def _chunks(webhooks: int) -> tuple[list[bytes], range]:
    start = 400_000_000
    return webhook_bodies.requests(1, first=start - 1), range(start, start + webhooks, CHUNK)
