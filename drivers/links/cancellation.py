"""Cancellations that libraries lose.

They wait with `asyncio.wait_for`, which in Python 3.11 returns, or raises what went wrong, as if nothing were if what it waits for
happens in the moment of the cancellation. Whoever tries again then goes on for ever, and the process does not end.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def no_cancellation_lost() -> Generator[None]:
    """Call a library; a cancellation that comes meanwhile is raised, whatever the library makes of it.

    For calls alone, not for what others do with their results: a TaskGroup of Python 3.11 whose last task fails leaves its own
    cancellation counted.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        yield
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError
