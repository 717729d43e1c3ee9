"""How a fault is planted in a set-up that is right, and taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from tests.service.doctor.world import World

NOBODY = "http://127.0.0.1:9"
"""Where nothing listens."""

Plant = Callable[[World], AbstractContextManager[None] | None]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """`check` is what finds it, `words` is in what it says, `remedy` in what it says to do.

    `also`: checks that the same fault fails besides.
    """

    plant: Plant
    check: str
    words: str
    remedy: str
    verdict: str = "fail"
    also: frozenset[str] = frozenset()

    def planted(self, world: World) -> AbstractContextManager[None]:
        return self.plant(world) or nullcontext()


def setting(**changes: str) -> Plant:
    return lambda world: world.environment.update(changes)


def statement(plant: str, undo: str) -> Plant:
    """In the database, taken back in the end."""

    @contextmanager
    def planted(world: World) -> Iterator[None]:
        world.database.execute(plant)
        try:
            yield
        finally:
            world.database.execute(undo)

    return planted


def both(*plants: Plant) -> Plant:
    """Only the last of them is taken back in the end: the others change what is restored anyway."""

    def planted(world: World) -> AbstractContextManager[None] | None:
        return [plant(world) for plant in plants][-1]

    return planted
