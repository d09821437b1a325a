"""Waiting for news that may not come: the time sets the event, so that there is one way of waking and nothing to be cancelled."""

import asyncio


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
