"""Answers of a device in memory as its port wants them: promised at once, given when they are there."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def promised(answer: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, asyncio.Future[T]]:
    """Promise what a coroutine returns; it ends with the promise."""

    @wraps(answer)
    def ask(*args: P.args, **kwargs: P.kwargs) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        promise: asyncio.Future[T] = loop.create_future()
        answering = loop.create_task(answer(*args, **kwargs))

        def keep(answered: asyncio.Task[T]) -> None:
            if promise.done() or answered.cancelled():
                return
            if error := answered.exception():
                promise.set_exception(error)
            else:
                promise.set_result(answered.result())

        answering.add_done_callback(keep)
        promise.add_done_callback(lambda _: answering.cancel())
        return promise

    return ask
