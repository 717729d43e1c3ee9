"""A burst of emails goes out at Resend's limit, hardly any of it refused, whoever else sends.

The senders' pace and the vendor's limit share one made-up clock here, so that a minute takes
milliseconds; `test_pacing_over_http.py` has real ones.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from devtools.rate_limit import RateLimit
from thetis.providers.pacing import LONGEST_PAUSE, Pace

RETRY_AFTER = 5.0
"""Seconds until the outbox hands out a refused email again, as in the database."""


class Clock:
    """The time, and what is to happen when."""

    def __init__(self) -> None:
        self.now = 1000.25
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def __call__(self) -> float:
        return self.now

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now + seconds, self._count, event))

    def run(self) -> None:
        while self._events:
            self.now, _, event = heapq.heappop(self._events)
            event()


@dataclass
class Burst:
    """Emails that wait in one outbox, and what became of them."""

    clock: Clock
    limit: RateLimit
    waiting: int
    chance: random.Random
    refused: int = 0
    sent_by: list[int] = field(default_factory=list)
    ended_at: float = 0.0

    @property
    def seconds(self) -> float:
        return self.ended_at - 1000.25


class Process:
    """One worker's loop: wait, claim what there is room for, send, learn from the answers."""

    def __init__(self, burst: Burst, number: int, max_per_second: float | None) -> None:
        self._burst, self._number = burst, number
        self._pace = Pace(max_per_second=max_per_second, clock=burst.clock)
        self._in_flight = 0
        burst.sent_by.append(0)
        burst.clock.after(burst.chance.random() / 10, self._turn)

    def _turn(self) -> None:
        burst = self._burst
        if wait := self._pace.wait():
            burst.clock.after(wait, self._turn)
            return
        room = self._pace.room(within=1.0)
        claimed = min(burst.waiting, 10 if room is None else min(room, 10))
        burst.waiting -= claimed
        self._in_flight = claimed
        for _ in range(claimed):
            burst.clock.after(self._pace.reserve() + self._latency(), self._arrive)
        if not claimed and sum(burst.sent_by) < 100:
            burst.clock.after(0.2, self._turn)

    def _latency(self) -> float:
        return self._burst.chance.uniform(0.04, 0.12)

    def _arrive(self) -> None:
        is_allowed, headers = self._burst.limit.take()
        self._burst.clock.after(self._latency(), lambda: self._learn(headers, sent=is_allowed))

    def _learn(self, headers: Mapping[str, str], *, sent: bool) -> None:
        burst = self._burst
        self._pace.observe(headers)
        if sent:
            burst.sent_by[self._number] += 1
            burst.ended_at = burst.clock.now
        else:
            self._pace.exceeded(float(headers["retry-after"]))
            burst.refused += 1
            burst.clock.after(RETRY_AFTER, self._back_in_the_outbox)
        self._in_flight -= 1
        if not self._in_flight:
            burst.clock.after(0.01, self._turn)

    def _back_in_the_outbox(self) -> None:
        self._burst.waiting += 1


def send_100(
    limit: int,
    *,
    processes: int,
    seed: int,
    max_per_second: float | None = None,
    used_by_others: int = 0,
) -> Burst:
    clock = Clock()
    burst = Burst(clock, RateLimit(limit, clock=clock), 100, random.Random(seed))
    for number in range(processes):
        Process(burst, number, max_per_second)
    _use(burst, used_by_others)
    clock.run()
    assert sum(burst.sent_by) == 100
    return burst


def _use(burst: Burst, times_a_second: int) -> None:
    """Somebody else who sends for the same team, and looks at nothing."""
    for _ in range(times_a_second):
        burst.limit.take()
    if times_a_second and sum(burst.sent_by) < 100:
        burst.clock.after(1.0, lambda: _use(burst, times_a_second))


@pytest.mark.parametrize("limit", [2, 5, 10])
@pytest.mark.parametrize("seed", range(10))
def test_one_process_sends_at_the_limit_and_is_hardly_ever_refused(limit: int, seed: int) -> None:
    burst = send_100(limit, processes=1, seed=seed)
    assert burst.seconds < 1.25 * 100 / limit
    assert burst.refused <= 1


@pytest.mark.parametrize("limit", [2, 5, 10])
@pytest.mark.parametrize("seed", range(10))
def test_two_processes_share_the_limit_fairly_without_knowing_of_each_other(
    limit: int, seed: int
) -> None:
    burst = send_100(limit, processes=2, seed=seed)
    assert burst.seconds < 1.5 * 100 / limit
    assert burst.refused <= 10
    assert min(burst.sent_by) >= 30


@pytest.mark.parametrize("seed", range(10))
def test_what_somebody_else_leaves_of_the_limit_is_used(seed: int) -> None:
    burst = send_100(4, processes=1, seed=seed, used_by_others=2)
    assert burst.seconds < 1.5 * 100 / 2
    assert burst.refused <= 6


@pytest.mark.parametrize("seed", range(10))
def test_three_processes_at_two_a_second_all_get_their_emails_out(seed: int) -> None:
    burst = send_100(2, processes=3, seed=seed)
    assert burst.seconds < 2 * 100 / 2
    assert burst.refused <= 25
    assert min(burst.sent_by) >= 5


def test_a_limit_of_our_own_is_kept_where_the_provider_allows_more() -> None:
    burst = send_100(10, processes=1, seed=0, max_per_second=4)
    assert 99 / 4 < burst.seconds < 1.1 * 100 / 4
    assert burst.refused == 0


def test_a_limit_of_our_own_does_not_raise_the_providers() -> None:
    burst = send_100(2, processes=1, seed=0, max_per_second=50)
    assert burst.refused <= 1


def pace(**headers: str) -> tuple[Pace, Clock]:
    """A pace that has had an answer with these headers, a while ago."""
    clock = Clock()
    made = Pace(clock=clock)
    made.observe({name.replace("_", "-"): value for name, value in headers.items()})
    clock.now += 10
    return made, clock


def test_before_the_first_answer_one_request_may_begin() -> None:
    assert Pace().room(within=1.0) == 1


def test_answers_that_tell_no_limit_set_none() -> None:
    made, _ = pace()
    assert made.room(within=1.0) is None
    assert [made.reserve() for _ in range(50)] == [0.0] * 50


def test_requests_begin_evenly_and_a_little_below_the_limit() -> None:
    made, _ = pace(ratelimit_limit="10", ratelimit_reset="1")
    assert made.room(within=1.0) == 9
    assert [made.reserve() for _ in range(3)] == pytest.approx([0.0, 0.11, 0.22])


def test_a_window_is_as_long_as_the_longest_rest_of_one_that_was_seen() -> None:
    made, _ = pace(ratelimit_limit="60", ratelimit_reset="60")
    made.observe({"ratelimit-limit": "60", "ratelimit-reset": "3"})
    assert [made.reserve() for _ in range(2)] == pytest.approx([0.0, 1.1])


def test_a_limit_that_is_raised_is_used_from_the_next_answer_on() -> None:
    made, _ = pace(ratelimit_limit="2", ratelimit_reset="1")
    made.observe({"ratelimit-limit": "100", "ratelimit-reset": "1"})
    assert made.room(within=1.0) == 90


@pytest.mark.parametrize("value", ["", "many", "-1", "0", "1e9", "9" * 30, "²"])
def test_a_limit_that_is_none_is_not_kept(value: str) -> None:
    made, _ = pace(ratelimit_limit=value, ratelimit_reset=value)
    assert made.room(within=1.0) is None


def test_a_policy_behind_the_number_is_left_out() -> None:
    made, _ = pace(ratelimit_limit="10, 10;w=1", ratelimit_reset="1")
    assert made.room(within=1.0) == 9


def test_nothing_begins_before_the_time_that_a_refusal_names() -> None:
    made, clock = pace(ratelimit_limit="10", ratelimit_reset="1")
    made.exceeded(3.0)
    assert made.wait() == pytest.approx(3.0)
    clock.now += 3.0
    assert made.wait() == 0.0


def test_a_refusal_that_names_no_time_is_one_for_a_window() -> None:
    made, _ = pace(ratelimit_limit="10", ratelimit_reset="1")
    made.exceeded(None)
    assert made.wait() == pytest.approx(1.0)


def test_no_refusal_stops_the_emails_for_long() -> None:
    made, _ = pace(ratelimit_limit="10", ratelimit_reset="1")
    made.exceeded(86_400.0)
    assert made.wait() == LONGEST_PAUSE


def test_refusals_that_come_together_shrink_the_share_once_and_it_grows_again() -> None:
    made, clock = pace(ratelimit_limit="10", ratelimit_reset="1")
    for _ in range(5):
        made.exceeded(1.0)
    clock.now += 1.0
    assert made.room(within=1.0) == 5
    clock.now += 100.0
    assert made.room(within=1.0) == 9
