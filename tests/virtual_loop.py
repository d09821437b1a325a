"""An event loop on virtual time: when nothing is ready, the next timer's time has come, at once.

Callbacks run in the order in which they became ready, timers of one moment in the order in which they were set. What would
make two runs differ is refused: an executor, a socket, a process raise `Escaped`. Bare threads and real sleep do so only in
Pythons that tell of them (not 3.11). Tasks hash by the order in which they were made, because a TaskGroup cancels in the order
of a set.

It is made for speed, since hours of simulation are nothing but callbacks: no selector, and none of asyncio's own handles.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final, TypeVar

T = TypeVar("T")

OUTSIDE: Final = frozenset({"socket.__new__", "time.sleep", "_thread.start_new_thread", "subprocess.Popen"})
"""Audit events of the interpreter that lead out of virtual time."""


class Escaped(Exception):  # noqa: N818 - names what happened
    """Something tried to leave virtual time."""


class Stalled(Exception):  # noqa: N818 - names what happened
    """Nothing is ready and no timer runs: nothing would ever happen again."""


class NumberedTask(asyncio.Task[Any]):
    """A task that hashes the same in every process."""

    def __init__(self, coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any], number: int, **more: Any):
        self._number = number
        super().__init__(coro, **more)

    def __hash__(self) -> int:
        return self._number


class _Call:
    """A callback that waits for its turn, or its time; stands for `asyncio.Handle` and `asyncio.TimerHandle`."""

    __slots__ = ("_when", "args", "callback", "context")

    def __init__(
        self, when: float, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None
    ) -> None:
        self.callback: Callable[..., object] | None = callback
        self.args = args
        self.context = copy_context() if context is None else context  # an empty one counts as false
        self._when = when

    def cancel(self) -> None:
        self.callback, self.args = None, ()

    def cancelled(self) -> bool:
        return self.callback is None

    def when(self) -> float:
        return self._when


class VirtualLoop(asyncio.BaseEventLoop):
    """Good for code that uses neither sockets nor threads; `steps` counts how often time has moved."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self._now = 0.0
        self._turn = deque[_Call]()
        self._timers = list[tuple[float, int, _Call]]()
        self._timer_numbers = count()
        self._task_numbers = count(1)
        self.set_task_factory(self._make_task)
        self.create_future = partial(asyncio.Future, loop=self)

    def time(self) -> float:
        return self._now

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> Any:
        call = _Call(self._now, callback, args, context)
        self._turn.append(call)
        return call

    def call_later(self, delay: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        when = self._now + delay
        call = _Call(when, callback, args, context)
        heappush(self._timers, (when, next(self._timer_numbers), call))
        return call

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        call = _Call(when, callback, args, context)
        heappush(self._timers, (when, next(self._timer_numbers), call))
        return call

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        raise Escaped(f"a thread was asked for: {func!r}")

    def _run_once(self) -> None:
        """Run what is ready, then what the next timer's time makes ready, and so on until something stops the loop."""
        turn = self._turn
        while not self._stopping:  # pyright: ignore[reportAttributeAccessIssue] - asyncio's own, which its types leave out
            if not turn:
                self._leap()
            call = turn.popleft()
            if (callback := call.callback) is None:
                continue
            try:
                call.context.run(callback, *call.args)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:
                self.call_exception_handler({"message": f"{callback!r} failed", "exception": error})

    def _leap(self) -> None:
        """Go to the next timer's time; those of the same moment have their turn together."""
        timers, turn = self._timers, self._turn
        while timers and timers[0][2].callback is None:
            heappop(timers)
        if not timers:
            raise Stalled
        self.steps += 1
        self._now = now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= now:
            turn.append(heappop(timers)[2])

    def _make_task(self, _: asyncio.AbstractEventLoop, coro: Any, **more: Any) -> NumberedTask:
        return NumberedTask(coro, next(self._task_numbers), loop=self, **more)

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
