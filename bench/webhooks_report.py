"""What webhooks.py found, as ratios and tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench import load
from bench.report import Report

NAMES = ("peer", "recording", "notifying", "without database", "API")


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Processor seconds of the service and of Postgres, and how many notifications were sent."""

    load: load.Measured
    service: float
    postgres: float
    sent: int

    @property
    def rate(self) -> float:
        return self.load.rate

    @property
    def tail(self) -> float:
        """The 99th percentile to the median."""
        return self.load.p99 / self.load.median

    def processor(self) -> float:
        """Seconds for a webhook, of all but the load generator."""
        return (self.service + self.postgres) / self.load.requests


Round = Mapping[str, Turn]


def tell(report: Report, connections: int, rounds: Sequence[Round]) -> None:
    _ratios(report, f"at {connections} connections", rounds)
    _tables(report, f"at {connections} connections", rounds)


def _ratios(report: Report, at: str, rounds: Sequence[Round]) -> None:
    def middle(of: Callable[[Round], float]) -> float:
        return median(of(each) for each in rounds)

    def to(one: str, other: str) -> float:
        return middle(lambda each: each[one].rate / each[other].rate)

    report.ratio(f"Webhooks/s to the peer's {at}", to("recording", "peer"), at_least=1.5)
    report.ratio(
        f"Webhooks/s to the peer's while notifications are sent {at}",
        to("notifying", "peer"),
        at_least=1.0,
    )
    report.ratio(
        f"Processor time a webhook to the peer's {at}",
        middle(lambda each: each["recording"].processor() / each["peer"].processor()),
    )
    report.ratio(
        f"99th percentile to the median {at}",
        middle(lambda each: each["recording"].tail),
        at_most=6.0,
    )
    report.ratio(
        f"Webhooks/s to the same without the database call {at}",
        to("recording", "without database"),
        at_least=0.7,
    )
    report.ratio(
        f"Through the Supabase API to the direct connection {at}",
        to("API", "recording"),
        at_least=0.5,
    )


def _tables(report: Report, at: str, rounds: Sequence[Round]) -> None:
    report.table(
        f"Webhooks a second {at}",
        ("Round", *NAMES, "notifications sent a second"),
        [
            (
                number,
                *(f"{each[name].rate:,.0f}" for name in NAMES),
                f"{each['notifying'].sent / each['notifying'].load.seconds:,.0f}",
            )
            for number, each in enumerate(rounds, start=1)
        ],
    )
    report.table(
        f"The median round {at}, in milliseconds; processor time is for one webhook",
        ("", "median", "99th", "service", "Postgres", "load generator", "its share of the machine"),
        [(name, *_middle_row([each[name] for each in rounds])) for name in NAMES],
    )


def _middle_row(turns: list[Turn]) -> list[str]:
    def middle(of: Callable[[Turn], float]) -> float:
        return median(of(turn) for turn in turns)

    cores = os.cpu_count() or 1
    return [
        f"{middle(lambda turn: turn.load.median) * 1e3:.1f}",
        f"{middle(lambda turn: turn.load.p99) * 1e3:.1f}",
        f"{middle(lambda turn: turn.service / turn.load.requests) * 1e3:.2f}",
        f"{middle(lambda turn: turn.postgres / turn.load.requests) * 1e3:.2f}",
        f"{middle(lambda turn: turn.load.processor / turn.load.requests) * 1e3:.3f}",
        f"{middle(lambda turn: turn.load.processor / turn.load.seconds / cores):.0%}",
    ]
