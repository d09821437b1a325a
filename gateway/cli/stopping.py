"""A program that is told to stop ends in order, and can say by what."""

import asyncio
import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class Stop:
    """Which signal it was; None: none has come."""

    by: signal.Signals | None = None

    @property
    def status(self) -> int:
        """The exit status that a shell expects then."""
        return 0 if self.by is None else 128 + self.by


@contextmanager
def stop_signals() -> Generator[Stop]:
    """Let the first SIGINT or SIGTERM cancel the task that runs this; a second one does what it does otherwise."""
    stop, loop, task = Stop(), asyncio.get_running_loop(), asyncio.current_task()
    assert task

    def told(number: int, _: FrameType | None) -> None:
        stop.by = signal.Signals(number)
        restore()
        loop.call_soon_threadsafe(task.cancel)

    before = {number: signal.signal(number, told) for number in SIGNALS}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        yield stop
    finally:
        restore()
