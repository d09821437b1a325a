"""An event loop on virtual time: when nothing is ready, the next timer's time has come, at once.

What would make two runs of one seed differ is refused: an executor, a socket, a process raise `Escaped`. Bare threads and real
sleep do so only in Pythons that tell of them (not 3.11). Tasks hash by the order in which they were made, because a TaskGroup
cancels in the order of a set.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Generator
from itertools import count
from typing import Any, Final, TypeVar

T = TypeVar("T")

OUTSIDE: Final = frozenset({"socket.__new__", "time.sleep", "_thread.start_new_thread", "subprocess.Popen"})
"""Audit events of the interpreter that lead out of the simulation."""


class Escaped(Exception):  # noqa: N818 - names what happened
    """Something tried to leave the simulation."""


class Stalled(Exception):  # noqa: N818 - names what happened
    """Nothing is ready and no timer runs: nothing would ever happen again."""


class NumberedTask(asyncio.Task[Any]):
    """A task that hashes the same in every process."""

    def __init__(self, coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any], number: int, **more: Any):
        self._number = number
        super().__init__(coro, **more)

    def __hash__(self) -> int:
        return self._number


class _Clockwork:
    """Stands where a selector waits for sockets: it waits for nothing, and moves time on."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Stalled
        if timeout:
            self._loop.leap()
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs callbacks in the order in which they became ready; `steps` counts how often time has moved."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self._selector = _Clockwork(self)
        self._virtual_s = 0.0
        self._numbers = count(1)
        self.set_task_factory(self._make_task)

    def time(self) -> float:
        return self._virtual_s

    def leap(self) -> None:
        """Go to the next timer's time."""
        timers: list[asyncio.TimerHandle] = self._scheduled  # pyright: ignore
        self._virtual_s = max(self._virtual_s, timers[0].when())
        self.steps += 1

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        raise Escaped(f"a thread was asked for: {func!r}")

    def _make_task(self, _: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> NumberedTask:
        return NumberedTask(coro, next(self._numbers), loop=self, **more)

    def _process_events(self, event_list: list[Any]) -> None:
        """Nothing comes from outside."""

    def _write_to_self(self) -> None:
        """It never sleeps, so nobody has to wake it."""


def run(scenario: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a scenario to its end on a loop of its own, from time 0."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(scenario())


def loop_time() -> float:
    """Return seconds of virtual time."""
    return asyncio.get_running_loop().time()


def _watch(event: str, _: tuple[Any, ...]) -> None:
    if event in OUTSIDE and isinstance(asyncio._get_running_loop(), VirtualLoop):
        raise Escaped(event)


sys.addaudithook(_watch)
