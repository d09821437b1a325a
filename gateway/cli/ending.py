"""How a program that cannot go on says so: whose matter it is and what to do, instead of a stack trace."""

import asyncio
import errno
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from gateway.cli.failure import REFUSED, Failure
from gateway.cli.output import Unwritten
from gateway.contract.faults import Refusal, RefusalKind
from gateway.kernel.ports import CannotStart, StoreBroken, StoreFull
from gateway.store.ownership import Fenced

T = TypeVar("T")


def run_to_the_end(program: Coroutine[Any, Any, T]) -> T:
    """Run a program; what an operator can mend is told in a sentence, anything else is a fault of ours and keeps its trace.

    Raises:
        Failure: something that an operator can mend.
        Unwritten: what the program had to tell could not be written.
    """
    try:
        return asyncio.run(program)
    except (Exception, BaseExceptionGroup) as error:
        for cause in _causes(error):
            if isinstance(cause, Unwritten):
                raise cause from None
            told = _told(cause)
            if told is not None:
                raise told from error
        raise


def _causes(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            yield from _causes(part)  # pyright: ignore[reportUnknownArgumentType]
    else:
        yield error


def _told(cause: BaseException) -> Failure | None:
    match cause:
        case CannotStart():
            return Failure(REFUSED, str(cause))
        case StoreBroken():
            return Failure(
                REFUSED,
                f"the storage cannot be trusted any more: {cause}",
                ("", "Check the disk. What was acknowledged is on it; start again once it is sound."),
            )
        case StoreFull() | Refusal(kind=RefusalKind.OUT_OF_SPACE):
            return Failure(
                REFUSED,
                f"there is no room for the data: {cause}",
                ("", "Make room on the disk; start again."),
            )
        case Fenced():
            return Failure(REFUSED, f"another gateway has taken these data over: {cause}")
        case OSError(errno=errno.EADDRINUSE | errno.EADDRNOTAVAIL | errno.EACCES) if "bind" in str(cause):
            return Failure(
                REFUSED,
                f"the port cannot be had: {cause.strerror}",
                ("", "Stop the other program, or choose another port (--port, --ports-from)."),
            )
        case OSError(filename=str() as path):
            return Failure(REFUSED, f"{path} cannot be used: {cause.strerror}")
        case _:
            return None
