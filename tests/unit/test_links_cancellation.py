"""Whoever is told to stop stops, although a library that it calls has lost the word."""

import asyncio

import pytest

from drivers.links.cancellation import no_cancellation_lost

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("answer", [ConnectionRefusedError(), "connected"], ids=["refused", "connected"])
async def test_a_cancellation_in_the_moment_of_the_answer_is_not_lost(answer: Exception | str) -> None:
    answered = asyncio.get_running_loop().create_future()

    async def connect() -> None:
        with no_cancellation_lost():
            await asyncio.wait_for(answered, 5)

    connecting = asyncio.ensure_future(connect())
    await asyncio.sleep(0)
    if isinstance(answer, Exception):
        answered.set_exception(answer)
    else:
        answered.set_result(answer)
    connecting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await connecting


async def test_what_goes_wrong_by_itself_is_told() -> None:
    with pytest.raises(ConnectionRefusedError), no_cancellation_lost():
        raise ConnectionRefusedError
