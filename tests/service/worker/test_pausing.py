"""A provider that refuses whatever we send is asked seldom, and nothing is lost."""

from __future__ import annotations

from itertools import pairwise

import pytest

from thetis.pausing import FIRST, LONGEST, Pause

HOUR = 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pause(clock: Clock) -> Pause:
    return Pause(clock=clock)


def probes(pause: Pause, clock: Clock, seconds: float) -> list[float]:
    """When something was sent within so many seconds in which all is refused."""
    begun = clock.now
    times: list[float] = []
    while True:
        clock.now += pause.wait()
        if clock.now > begun + seconds:
            return times
        assert pause.room(10) == 1
        pause.begin()
        times.append(clock.now - begun)
        pause.refused("knock 401")


def test_nothing_waits_while_nothing_is_refused(pause: Pause) -> None:
    assert (pause.wait(), pause.room(10), pause.reason) == (0, 10, None)
    pause.begin()
    assert not pause.accepted()
    assert pause.room(10) == 10


def test_an_hour_of_refusals_takes_few_requests_at_growing_intervals(
    pause: Pause, clock: Clock
) -> None:
    assert pause.refused("knock 401")
    times = probes(pause, clock, HOUR)

    assert len(times) == 7
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert times[0] == FIRST
    assert waits == sorted(waits)
    assert max(waits) == LONGEST


def test_what_was_under_way_together_is_one_pause(pause: Pause, clock: Clock) -> None:
    for _ in range(10):
        pause.begin()
    assert [pause.refused("knock 401") for _ in range(10)] == [True] + [False] * 9
    assert pause.wait() == FIRST


def test_one_is_sent_at_a_time_and_no_other_before_it_has_ended(pause: Pause, clock: Clock) -> None:
    pause.refused("knock 401")
    assert pause.room(10) == 0
    clock.now += FIRST
    assert pause.room(10) == 1
    pause.begin()
    assert pause.room(10) == 0


def test_an_accepted_probe_ends_it_at_once(pause: Pause, clock: Clock) -> None:
    pause.refused("knock 401")
    clock.now += FIRST
    pause.begin()
    assert pause.accepted()
    assert (pause.wait(), pause.room(10), pause.reason) == (0, 10, None)


def test_the_next_pause_begins_with_the_shortest_wait(pause: Pause, clock: Clock) -> None:
    pause.refused("knock 401")
    probes(pause, clock, HOUR)
    pause.accepted()
    assert pause.refused("knock 401")
    assert pause.wait() == FIRST


def test_a_probe_without_an_answer_is_followed_by_another(pause: Pause, clock: Clock) -> None:
    pause.refused("knock 401")
    clock.now += FIRST
    pause.begin()
    pause.unanswered()
    assert (pause.room(10), pause.wait(), pause.reason) == (0, FIRST, "knock 401")


def test_a_probe_that_is_refused_for_another_reason_tells_that_one(
    pause: Pause, clock: Clock
) -> None:
    pause.refused("knock 401")
    clock.now += FIRST
    pause.begin()
    assert not pause.refused("knock 404")
    assert pause.reason == "knock 404"
