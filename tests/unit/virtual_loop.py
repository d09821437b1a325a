"""An event loop whose time is virtual: when nothing is ready, the next timer's time has come."""

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """Good for code that uses neither sockets nor threads."""

    def __init__(self) -> None:
        super().__init__()
        self._virtual = 0.0

    def time(self) -> float:
        return self._virtual

    def _run_once(self) -> None:
        timers: list[asyncio.TimerHandle] = self._scheduled  # pyright: ignore
        while timers and timers[0].cancelled():
            heapq.heappop(timers)._scheduled = False  # pyright: ignore
        if not self._ready and timers:  # pyright: ignore
            self._virtual = max(self._virtual, timers[0].when())
        super()._run_once()  # pyright: ignore


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(scenario())


def loop_time() -> float:
    return asyncio.get_running_loop().time()
