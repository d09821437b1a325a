"""Waiting for what may not come: the time itself brings it, so that there is one way of waking and nothing to be cancelled."""

import asyncio
from typing import Any, TypeVar

T = TypeVar("T")


async def wait_until(event: asyncio.Event, due: float | None) -> None:
    """Wait until an event is set; at the loop's time `due`, unless that is None, it is set by itself.

    Like every timer of the loop's it may be early by the resolution of the loop's clock.
    """
    if due is None:
        await event.wait()
        return
    timer = asyncio.get_running_loop().call_at(due, event.set)
    try:
        await event.wait()
    finally:
        timer.cancel()


async def wait_within(seconds: float, answer: asyncio.Future[T]) -> T:
    """Wait for an answer that has so long to come.

    Raises:
        TimeoutError: it has not; `answer` is done then, with this error.
    """
    timer = asyncio.get_running_loop().call_later(seconds, _give_up, answer)
    try:
        return await answer
    finally:
        timer.cancel()


def _give_up(answer: asyncio.Future[Any]) -> None:
    if not answer.done():
        answer.set_exception(TimeoutError())
