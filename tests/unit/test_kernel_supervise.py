"""Supervised work: a fault starts it again, and what the whole process must stop for stops it."""

import asyncio

import pytest

from gateway.kernel.ports import StoreBroken
from gateway.kernel.supervise import keep_running, to_its_end
from gateway.store.ownership import Fenced
from tests.virtual_loop import loop_time, run


def test_work_that_fails_is_started_again() -> None:
    async def scenario() -> None:
        starts = 0

        async def work() -> None:
            nonlocal starts
            starts += 1
            if starts == 3:
                await asyncio.Event().wait()
            raise RuntimeError("a fault of the program")

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await keep_running("work", work)
        assert starts == 3

    run(scenario)


@pytest.mark.parametrize("condition", [Fenced("a newer run"), StoreBroken("fsync failed")])
def test_work_that_must_not_go_on_ends_the_process(condition: Exception) -> None:
    """Found by simulation: webhooks of a gateway that was replaced were started again and again, and the process never stopped."""

    async def scenario() -> None:
        async def work() -> None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(fail())

        async def fail() -> None:
            raise condition

        with pytest.raises(ExceptionGroup) as caught:
            await keep_running("work", work)
        assert caught.group_contains(type(condition))

    run(scenario)


@pytest.mark.parametrize("end", [None, RuntimeError("refused")])
def test_a_call_that_must_come_to_its_end_holds_a_cancellation_up(end: Exception | None) -> None:
    async def scenario() -> None:
        ended: list[float] = []

        async def call() -> None:
            await asyncio.sleep(5)
            ended.append(loop_time())
            if end:
                raise end

        calling = asyncio.ensure_future(to_its_end(call()))
        for _ in range(2):  # whoever stops a group of tasks may do so more than once
            await asyncio.sleep(1)
            calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert ended == [5] == [loop_time()]

    run(scenario)


def test_what_such_a_call_returns_or_raises_is_the_callers() -> None:
    async def scenario() -> None:
        async def call() -> str:
            await asyncio.sleep(1)
            return "connected"

        async def fail() -> None:
            raise RuntimeError("refused")

        assert await to_its_end(call()) == "connected"
        with pytest.raises(RuntimeError, match="refused"):
            await to_its_end(fail())

    run(scenario)
