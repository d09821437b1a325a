"""The single-writer loop: message → synchronous handlers → one commit → replies, events, effects.

Messages that arrive while a commit is under way share the next one (group commit). A handler that refuses, or fails, takes
back only its own message. `settle` runs once a batch, after its messages: it is where rooms dispatch what has become possible.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import structlog

from gateway.contract.clock import Clock
from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.kernel.books import Books, Effect, FeedRow
from gateway.kernel.clock import SteadyClock
from gateway.kernel.ports import MustStop, Store, StoreFull, Tx

T = TypeVar("T")
log = structlog.get_logger()

QUEUE_MAX: Final = 10_000
BATCH_MAX: Final = 256


class Room(Protocol):
    """A part of the gateway whose state lives in the books."""

    @property
    def handlers(self) -> Mapping[type, Callable[[Any], object]]:
        """Message type → handler. A handler returns the reply, or raises Refusal."""
        ...

    def settle(self) -> None:
        """Do what the batch's changes have made possible or necessary."""
        ...


class Guard(Protocol):
    """Checks inside every transaction that this process still owns the database."""

    async def __call__(self, tx: Tx) -> None:
        """Raise if it does not."""
        ...


@dataclass(slots=True)
class _Asked:
    message: object
    reply: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class NoRoom:
    """Nothing can be made durable, since when and why; as the last commit found it.

    Whoever runs the kernel has it commit something now and then, so that nobody has to ask for anything in vain to learn of room.
    """

    why: str
    since_us: int


class Kernel:
    """Owns the books; everything that changes them passes through `ask`."""

    def __init__(
        self,
        *,
        store: Store,
        books: Books,
        rooms: Sequence[Room],
        clock: Clock,
        guard: Guard,
        publish: Callable[[Sequence[FeedRow]], None],
        perform: Callable[[Effect], None],
    ) -> None:
        """Args: publish: is given committed events, in order; perform: carries out one effect, and never raises."""
        self._store = store
        self._books = books
        self._rooms = rooms
        self._clock = clock
        self._steady = SteadyClock(clock)
        self._guard = guard
        self._publish = publish
        self._perform = perform
        self._handlers = {kind: handler for room in rooms for kind, handler in room.handlers.items()}
        self._asked: asyncio.Queue[_Asked] = asyncio.Queue(QUEUE_MAX)
        self._settled = asyncio.Event()
        self._settled.set()
        self._no_room: NoRoom | None = None
        self._over: Refusal | None = None
        self._read_clocks()

    @property
    def waiting(self) -> int:
        """How many messages have not been taken up yet."""
        return self._asked.qsize()

    @property
    def no_room(self) -> NoRoom | None:
        """What keeps the kernel from committing anything; None if nothing does."""
        return self._no_room

    async def ask(self, message: object) -> Any:
        """Have a message handled; return its reply once everything that it changed is durable.

        Raises:
            Refusal: the message was refused and changed nothing.
        """
        if self._over is not None:
            raise self._over
        asked = _Asked(message, asyncio.get_running_loop().create_future())
        try:
            self._asked.put_nowait(asked)
        except asyncio.QueueFull:
            raise Refusal(
                RefusalKind.BUSY,
                FieldError("", "busy", f"{QUEUE_MAX} messages are waiting; try again in a second"),
            ) from None
        return await asked.reply

    async def read(self, question: Callable[[], T]) -> T:
        """Answer a question about the books from committed state."""
        while not self._settled.is_set():
            await self._settled.wait()
        return question()

    async def run(self) -> None:
        """Handle messages until cancelled.

        Raises:
            StoreBroken: storage cannot be trusted any more; the process must stop.
        """
        while True:
            batch = [await self._asked.get()]
            while len(batch) < BATCH_MAX and not self._asked.empty():
                batch.append(self._asked.get_nowait())
            self._settled.clear()
            try:
                await self._handle(batch)
            except MustStop as error:
                self._refuse_all(batch, error)
                raise
            finally:
                self._settled.set()
                for asked in batch:
                    if not asked.reply.done():
                        asked.reply.cancel()
            if not self._asked.empty():
                await asyncio.sleep(0)  # lets waiting readers see the committed state before the next batch

    def _refuse_all(self, batch: Sequence[_Asked], error: MustStop) -> None:
        """Tell all who ask, or will, that nothing becomes durable any more."""
        text = f"the gateway stops: {error}; ask again once it runs"
        self._over = Refusal(RefusalKind.UNAVAILABLE, FieldError("", "stopping", text))
        waiting = [self._asked.get_nowait() for _ in range(self._asked.qsize())]
        for asked in (*batch, *waiting):
            if not asked.reply.done():
                asked.reply.set_exception(self._over)

    async def _handle(self, batch: Sequence[_Asked]) -> None:
        start = self._books.mark()
        self._read_clocks()
        answers = [self._answer(asked.message) for asked in batch]
        if self._books.changed:
            self._settle_rooms()
            try:
                await self._store.write(self._persist)
            except StoreFull as error:
                self._books.rollback(start)
                self._tell_full(str(error))
                full = Refusal(
                    RefusalKind.OUT_OF_SPACE,
                    FieldError("", "storageFull", f"the gateway cannot make anything durable: {error}"),
                )
                answers = [full for _ in batch]
            except BaseException:
                self._books.rollback(start)
                raise
            else:
                self._tell_room()
        events, effects = self._books.committed()
        self._publish(events)
        for effect in effects:
            self._perform(effect)
        for asked, answer in zip(batch, answers, strict=True):
            if asked.reply.done():
                continue
            if isinstance(answer, Exception):
                asked.reply.set_exception(answer)
            else:
                asked.reply.set_result(answer)

    def _read_clocks(self) -> None:
        self._books.now_us, self._books.steady_us = self._clock.now_us(), self._steady.now_us()

    def _answer(self, message: object) -> object:
        mark = self._books.mark()
        try:
            return self._handlers[type(message)](message)
        except Refusal as refusal:
            self._books.rollback(mark)
            return refusal
        except Exception as error:
            self._books.rollback(mark)
            log.exception("a handler failed; its message changed nothing", kind=type(message).__name__)
            return error

    def _settle_rooms(self) -> None:
        for room in self._rooms:
            mark = self._books.mark()
            try:
                room.settle()
            except Exception:
                self._books.rollback(mark)
                log.exception("a room failed to settle; its state is as before", room=type(room).__name__)

    def _tell_full(self, why: str) -> None:
        if self._no_room is None:
            log.error("nothing can be made durable: requests are refused, nothing is commanded", why=why)
            self._no_room = NoRoom(why, self._books.now_us)

    def _tell_room(self) -> None:
        if self._no_room is not None:
            log.info("what happens can be made durable again")
        self._no_room = None

    async def _persist(self, tx: Tx) -> None:
        await self._guard(tx)
        await self._books.persist(tx)
