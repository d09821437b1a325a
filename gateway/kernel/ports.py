"""The port to storage. SQL is plain, with named parameters (`:name`), in one portable subset."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

SqlValue = str | int | float | None
Row = tuple[Any, ...]
T = TypeVar("T")


class CannotStart(Exception):  # noqa: N818 - an answer to an operator
    """The program cannot begin as it is configured; the text says why, and what would mend it."""


class StoreFull(Exception):  # noqa: N818 - names the condition
    """The disk is full: nothing of the job was committed; it may succeed once there is room."""


class MustStop(Exception):  # noqa: N818 - names the condition
    """The process must stop: nothing that it still does can, or may, become durable."""


class StoreBroken(MustStop):
    """The storage can no longer be trusted (I/O error, failed fsync)."""


class Tx(Protocol):
    """What a job may do inside its transaction."""

    async def execute(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> int:
        """Run one statement; return the number of rows it changed."""
        ...

    async def execute_many(self, sql: str, rows: Sequence[Mapping[str, SqlValue]]) -> None:
        """Run one statement for each row."""
        ...

    async def fetch(self, sql: str, params: Mapping[str, SqlValue] | None = None) -> Sequence[Row]:
        """Return all rows of a query; the query bounds them."""
        ...

    async def fetch_many(self, sql: str, rows: Sequence[Mapping[str, SqlValue]]) -> Sequence[Row]:
        """Run one statement for each row, in that order; return all the rows that they return, one after the other."""
        ...

    async def attempt(self, part: "Callable[[Tx], Awaitable[T]]") -> T:
        """Run a part of the job; one that raises takes back its own changes, and the job may go on."""
        ...


class Store(Protocol):
    """Durable storage.

    A job awaits nothing but its transaction, and touches nothing that others change meanwhile: it may run on another thread.
    A caller that is cancelled hears of it only when its job is over, so what that touches is the caller's again.
    """

    async def write(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        """Run the job and return once its changes are durable (fsync).

        Jobs of several callers share one commit: one that raises takes back only its own changes.

        Raises:
            StoreFull: no room.
            StoreBroken: the process must stop.
        """
        ...

    async def read(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        """Run a job that only reads, on committed data."""
        ...
