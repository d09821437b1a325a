"""Supervised tasks: long-running work that is started again, with growing pauses, when it fails; calls that must not be cut off.

Whatever computes for long gives way to others in between: the event loop is also that of the wires.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

import structlog

from gateway.kernel.ports import MustStop

T = TypeVar("T")

log = structlog.get_logger()

PAUSE_FIRST_S: Final = 0.5
PAUSE_MAX_S: Final = 10.0


async def keep_running(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` for ever; log why it failed and start it again after a pause.

    Errors of the operating kind are the work's own matter; whatever gets here is a fault of the program, and the rest of the
    gateway goes on in spite of it.

    Raises:
        ExceptionGroup: of MustStop: neither the work may go on, nor anything else.
    """
    pause = PAUSE_FIRST_S
    loop = asyncio.get_running_loop()
    while True:
        started = loop.time()
        try:
            await work()
        except* MustStop:
            raise
        except* Exception:
            log.exception("a task failed and is started again", task=name, pause_s=pause)
        else:
            log.error("a task ended by itself and is started again", task=name, pause_s=pause)
        pause = PAUSE_FIRST_S if loop.time() - started > PAUSE_MAX_S else min(pause * 2, PAUSE_MAX_S)
        await asyncio.sleep(pause)


async def to_its_end(call: Coroutine[Any, Any, T] | asyncio.Future[T]) -> T:
    """Await a short call that leaves something behind if it is cut off; however often it is cancelled, that waits for its end."""
    calling = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(calling)
    except asyncio.CancelledError:
        while not calling.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([calling])
        if not calling.cancelled():
            calling.exception()  # whoever would have heard it has been told to stop
        raise


async def give_way() -> None:
    """Let others have their turn on the event loop, in the middle of a computation."""
    await asyncio.sleep(0)
