"""Concurrent callers share calls; nobody waits for a timer, and a bad item fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from thetis.batching import Batcher
from thetis.errors import DatabaseError, DatabaseRefused, DatabaseUnavailable


class Calls:
    """What a batcher calls: doubles each item, once the test opens the gate."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()
        self.bad: dict[int, Exception] = {}

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.groups.append(list(items))
        await self.gate.wait()
        for item in items:
            if item in self.bad:
                raise self.bad[item]
        return [2 * item for item in items]


async def _settled() -> None:
    """Let everything run that can run without the gate."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_lone_caller_is_served_at_once() -> None:
    async def lone() -> None:
        calls = Calls()
        calls.gate.set()
        assert await Batcher(calls).submit(21) == 42
        assert calls.groups == [[21]]

    asyncio.run(lone())


@pytest.mark.parametrize("turns", range(8))
def test_a_caller_that_arrives_the_moment_a_call_ends_is_served(turns: int) -> None:
    """Whichever turn of the event loop that moment falls into."""

    async def come_late() -> None:
        calls = Calls()
        calls.gate.set()
        batcher = Batcher(calls, max_calls=1)
        first = asyncio.ensure_future(batcher.submit(1))
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            assert await batcher.submit(2) == 4
            assert await first == 2

    asyncio.run(come_late())


def test_callers_that_arrive_while_all_calls_are_in_progress_share_the_next() -> None:
    async def share() -> None:
        calls = Calls()
        batcher = Batcher(calls, max_calls=1)
        first = asyncio.ensure_future(batcher.submit(0))
        await _settled()
        others = [asyncio.ensure_future(batcher.submit(item)) for item in range(1, 6)]
        await _settled()
        assert calls.groups == [[0]]
        calls.gate.set()
        assert await asyncio.gather(first, *others) == [0, 2, 4, 6, 8, 10]
        assert calls.groups == [[0], [1, 2, 3, 4, 5]]

    asyncio.run(share())


def test_a_group_has_its_largest_size() -> None:
    async def many() -> None:
        calls = Calls()
        calls.gate.set()
        batcher = Batcher(calls, max_size=3, max_calls=1)
        results = await asyncio.gather(*(batcher.submit(item) for item in range(8)))
        assert results == [2 * item for item in range(8)]
        assert calls.groups == [[0, 1, 2], [3, 4, 5], [6, 7]]

    asyncio.run(many())


def test_a_call_that_waits_does_not_hold_up_the_others() -> None:
    async def several() -> None:
        calls = Calls()
        batcher = Batcher(calls, max_calls=2)
        stuck = asyncio.ensure_future(batcher.submit(0))
        await _settled()
        other = asyncio.ensure_future(batcher.submit(1))
        await _settled()
        assert calls.groups == [[0], [1]]
        third = asyncio.ensure_future(batcher.submit(2))
        await _settled()
        assert calls.groups == [[0], [1]], "no more than two calls at once"
        calls.gate.set()
        assert await asyncio.gather(*[stuck, other, third]) == [0, 2, 4]

    asyncio.run(several())


def test_a_refused_group_is_tried_one_by_one_and_the_bad_one_fails_alone() -> None:
    async def refuse() -> None:
        calls = Calls()
        calls.gate.set()
        calls.bad = {2: DatabaseRefused("bad", "22P05")}
        batcher = Batcher(calls)
        results = await asyncio.gather(
            *(batcher.submit(item) for item in range(4)), return_exceptions=True
        )
        assert [results[0], results[1], results[3]] == [0, 2, 6]
        assert isinstance(results[2], DatabaseRefused)
        assert calls.groups == [[0, 1, 2, 3], [0], [1], [2], [3]]

    asyncio.run(refuse())


@pytest.mark.parametrize("error", [DatabaseUnavailable("gone"), ZeroDivisionError()])
def test_another_error_is_raised_in_the_whole_group_and_not_retried(error: Exception) -> None:
    async def fail() -> None:
        calls = Calls()
        calls.gate.set()
        calls.bad = {2: error}
        batcher = Batcher(calls)
        results = await asyncio.gather(
            *(batcher.submit(item) for item in range(4)), return_exceptions=True
        )
        assert results == [error] * 4
        assert calls.groups == [[0, 1, 2, 3]]
        calls.bad.clear()
        assert await batcher.submit(5) == 10

    asyncio.run(fail())


def test_a_database_that_goes_away_in_the_middle_of_trying_one_by_one_fails_the_rest() -> None:
    async def go_away() -> None:
        calls = Calls()
        calls.gate.set()
        calls.bad = {1: DatabaseUnavailable("gone"), 0: DatabaseRefused("bad")}
        batcher = Batcher(calls)
        results = await asyncio.gather(
            *(batcher.submit(item) for item in range(3)), return_exceptions=True
        )
        assert isinstance(results[0], DatabaseRefused)
        assert isinstance(results[1], DatabaseUnavailable)
        assert results[2] == 4

    asyncio.run(go_away())


def test_a_caller_that_is_cancelled_before_the_call_is_left_out() -> None:
    async def leave() -> None:
        calls = Calls()
        batcher = Batcher(calls, max_calls=1)
        first = asyncio.ensure_future(batcher.submit(0))
        await _settled()
        waiting = [asyncio.ensure_future(batcher.submit(item)) for item in (1, 2, 3)]
        await _settled()
        waiting[1].cancel()
        calls.gate.set()
        assert await asyncio.gather(*[first, waiting[0], waiting[2]]) == [0, 2, 6]
        assert calls.groups == [[0], [1, 3]]

    asyncio.run(leave())


def test_a_caller_that_is_cancelled_during_the_call_harms_no_other() -> None:
    async def leave() -> None:
        calls = Calls()
        batcher = Batcher(calls)
        callers = [asyncio.ensure_future(batcher.submit(item)) for item in range(3)]
        await _settled()
        callers[0].cancel()
        calls.gate.set()
        assert await asyncio.gather(*callers[1:]) == [2, 4]
        assert callers[0].cancelled()
        assert await batcher.submit(5) == 10

    asyncio.run(leave())


def test_a_batcher_works_on_after_all_its_callers_were_cancelled() -> None:
    async def leave() -> None:
        calls = Calls()
        batcher = Batcher(calls, max_calls=1)
        callers = [asyncio.ensure_future(batcher.submit(item)) for item in range(3)]
        await _settled()
        for caller in callers:
            caller.cancel()
        late = asyncio.ensure_future(batcher.submit(7))
        calls.gate.set()
        assert await late == 14

    asyncio.run(leave())


def test_too_few_results_are_an_error_and_nobody_is_left_waiting() -> None:
    async def too_few() -> None:
        async def forgetful(items: Sequence[int]) -> list[int]:
            return list(items)[1:]

        batcher = Batcher(forgetful)
        async with asyncio.timeout(5):
            results = await asyncio.gather(
                *(batcher.submit(item) for item in range(3)), return_exceptions=True
            )
        assert [str(result) for result in results] == ["2 results for 3 items"] * 3
        assert not any(isinstance(result, DatabaseError) for result in results)

    asyncio.run(too_few())


def test_a_call_that_is_cancelled_by_nobody_leaves_no_caller_waiting() -> None:
    async def be_cancelled() -> None:
        calls = Calls()
        calls.gate.set()
        calls.bad[1] = asyncio.CancelledError()  # type: ignore[assignment]
        batcher = Batcher(calls)
        async with asyncio.timeout(5):
            with pytest.raises(DatabaseUnavailable):
                await batcher.submit(1)
            assert await batcher.submit(2) == 4

    asyncio.run(be_cancelled())
