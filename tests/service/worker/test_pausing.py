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


TRIGGER, UPDATE = "post_purchase", "post_purchase_update"


def refuse(pause: Pause, reason: str = "knock 401", *, is_probe: bool = False) -> bool:
    return pause.refused(reason, TRIGGER, "n1", is_probe=is_probe)


def probes(pause: Pause, clock: Clock, seconds: float) -> list[float]:
    """When something was sent within so many seconds in which all is refused."""
    begun = clock.now
    times: list[float] = []
    while True:
        clock.now += pause.wait()
        if clock.now > begun + seconds:
            return times
        assert pause.room(10) == 1
        pause.probe()
        times.append(clock.now - begun)
        refuse(pause, is_probe=True)


def test_nothing_waits_while_nothing_is_refused(pause: Pause) -> None:
    assert (pause.wait(), pause.room(10), pause.reason) == (0, 10, None)


def test_an_hour_of_refusals_takes_few_requests_at_growing_intervals(
    pause: Pause, clock: Clock
) -> None:
    assert refuse(pause)
    times = probes(pause, clock, HOUR)

    assert len(times) == 7
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert times[0] == FIRST
    assert waits == sorted(waits)
    assert max(waits) == LONGEST


def test_what_was_under_way_together_is_one_pause(pause: Pause, clock: Clock) -> None:
    assert [refuse(pause) for _ in range(10)] == [True] + [False] * 9
    assert pause.wait() == FIRST


def test_what_was_under_way_does_not_count_as_the_probe(pause: Pause, clock: Clock) -> None:
    refuse(pause)
    clock.now += FIRST
    pause.probe()
    assert not refuse(pause, "knock 403")
    assert (pause.room(10), pause.reason) == (0, "knock 401")
    refuse(pause, is_probe=True)
    assert pause.wait() == 2 * FIRST


def test_one_is_sent_at_a_time_and_no_other_before_it_has_ended(pause: Pause, clock: Clock) -> None:
    refuse(pause)
    assert pause.room(10) == 0
    clock.now += FIRST
    assert pause.room(10) == 1
    pause.probe()
    assert pause.room(10) == 0


def test_an_accepted_probe_ends_it_at_once(pause: Pause, clock: Clock) -> None:
    refuse(pause)
    clock.now += FIRST
    pause.probe()
    assert pause.accepted(TRIGGER)
    assert (pause.wait(), pause.room(10), pause.reason) == (0, 10, None)


def test_an_accepted_probe_of_another_kind_makes_room_for_the_next_at_once(
    pause: Pause, clock: Clock
) -> None:
    refuse(pause)
    clock.now += FIRST
    for _ in range(3):
        pause.probe()
        assert not pause.accepted(UPDATE)
        assert (pause.wait(), pause.room(10), pause.reason) == (0, 1, "knock 401")
    pause.probe()
    refuse(pause, is_probe=True)
    assert pause.wait() == 2 * FIRST


def test_it_ends_when_nothing_is_left_of_what_was_refused(pause: Pause, clock: Clock) -> None:
    """Another worker may have sent it, or it was not wanted any more."""
    refuse(pause)
    clock.now += FIRST
    assert not pause.nothing_due()
    pause.probe()
    pause.accepted(UPDATE)
    assert pause.nothing_due()
    assert (pause.wait(), pause.room(10), pause.reason) == (0, 10, None)


def test_the_next_pause_begins_with_the_shortest_wait(pause: Pause, clock: Clock) -> None:
    refuse(pause)
    probes(pause, clock, HOUR)
    pause.accepted(TRIGGER)
    assert refuse(pause)
    assert pause.wait() == FIRST


def test_a_probe_without_an_answer_is_followed_by_another(pause: Pause, clock: Clock) -> None:
    refuse(pause)
    clock.now += FIRST
    pause.probe()
    pause.unanswered()
    assert (pause.room(10), pause.wait(), pause.reason) == (0, FIRST, "knock 401")


def test_a_probe_that_is_refused_for_another_reason_tells_that_one(
    pause: Pause, clock: Clock
) -> None:
    refuse(pause)
    clock.now += FIRST
    pause.probe()
    assert not refuse(pause, "knock 404", is_probe=True)
    assert pause.reason == "knock 404"


def begin_and_end(pause: Pause, *refused: str, kind: str = TRIGGER) -> None:
    """A pause, which another notification of the kind ends."""
    for each in refused:
        pause.refused("knock 404", kind, each, is_probe=False)
    pause.probe()
    assert pause.accepted(kind)
    pause.dealt_with(kind, "another")


def test_what_is_refused_again_after_others_were_accepted_is_at_fault_itself(pause: Pause) -> None:
    assert not pause.is_at_fault(TRIGGER, "bad")
    begin_and_end(pause, "bad")

    assert not pause.is_at_fault(TRIGGER, "other")
    assert [pause.is_at_fault(TRIGGER, "bad") for _ in range(3)] == [True] * 3


def test_a_second_one_before_another_is_accepted_pauses(pause: Pause) -> None:
    begin_and_end(pause, "bad", "worse")

    assert pause.is_at_fault(TRIGGER, "bad")
    assert not pause.is_at_fault(TRIGGER, "worse")
    begin_and_end(pause, "worse")
    assert pause.is_at_fault(TRIGGER, "worse")
    pause.dealt_with(TRIGGER, "another")
    assert pause.is_at_fault(TRIGGER, "bad")


def test_what_was_accepted_at_last_is_not_at_fault_when_all_is_refused_again(pause: Pause) -> None:
    begin_and_end(pause, "n1", "n2")
    for each in ("n1", "n2"):
        pause.dealt_with(TRIGGER, each)

    assert not pause.is_at_fault(TRIGGER, "n1")


def test_what_another_kind_was_accepted_after_is_not_at_fault(pause: Pause, clock: Clock) -> None:
    refuse(pause)
    clock.now += FIRST
    pause.probe()
    pause.accepted(UPDATE)
    assert pause.nothing_due()

    assert not pause.is_at_fault(TRIGGER, "n1")
