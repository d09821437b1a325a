"""Deliberately broken gateways: what a simulation must notice within a few seeds. One that survives is a hole in the simulation."""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from drivers import handshake
from drivers.blocks import Status
from drivers.handshake import Channel
from drivers.judgement import Verdict, next_seq
from drivers.presence import Life
from gateway.contract.commands import Command
from gateway.contract.reports import CommandDone
from gateway.delivery.endpoint import Endpoint
from gateway.fleet.traffic import Traffic as RoadTraffic
from gateway.kernel.kernel import Kernel
from gateway.kernel.ports import Store
from gateway.kernel.verdict import YES
from gateway.store.ownership import Ownership
from gateway.transport.engine import TransportEngine
from gateway.transport.journal import Journal
from gateway.transport.lifecycle import Lifecycle
from gateway.transport.outcome import Outcome
from gateway.transport.traffic import Traffic as LoadTraffic
from tests.mutant import Mutant
from tests.sim.simulation import Order, Result, simulate

SEEDS: Final = range(1, 21)
SECONDS: Final = 45.0
LONG: Final = frozenset({"webhook cursor ahead"})
"""It takes many seeds to show these, so only `make simulate-mutants` hunts them."""


@dataclass(frozen=True)
class Catch:
    """The first seed that shows a mutant, and what it cost to find it."""

    result: Result
    seeds: int

    def told(self) -> str:
        """Tell where it shows."""
        result = self.result
        return f"seed {result.order.seed}, {result.at_s:.1f} s, step {result.step}: {result.wrong[0][:160]}"


@dataclass(frozen=True, kw_only=True)
class GatewayMutant(Mutant):
    """A broken rule of the gateway, and the site on which it shows.

    Attributes:
        caught: a pattern: one seed may show its harm in another way than the next.
    """

    site: str = "narrow"

    def is_told_by(self, catch: Catch) -> bool:
        """Tell whether it was caught for its own harm."""
        return any(re.search(self.caught, text) for text in catch.result.wrong)

    def order(self, seed: int) -> Order:
        """Return what is simulated to catch it: short, with many faults and crashes."""
        return Order(seed, SECONDS, fault_s=3.0, crash_s=6.0, site=self.site)


def hunt(mutant: GatewayMutant, seeds: Sequence[int] = SEEDS) -> Catch | None:
    """Simulate a mutant with one seed after the other until something does not hold."""
    for tried, seed in enumerate(seeds, start=1):
        with mutant.applied():
            result = simulate(mutant.order(seed))
        if result.wrong:
            return Catch(result, tried)
    return None


# ── commits ───────────────────────────────────────────────────────────────────────────────────────────


class _Wrapped:
    """The kernel's store, with something wrong about its writes."""

    def __init__(self, store: Store, write: Callable[[Store, Any], Awaitable[Any]]) -> None:
        self._store = store
        self._write = write

    async def write(self, job: Any) -> Any:
        return await self._write(self._store, job)

    async def read(self, job: Any) -> Any:
        return await self._store.read(job)


def _writing(write: Callable[[Kernel, Store, Any], Awaitable[Any]]) -> Callable[[Any], Any]:
    """Give the kernel a store that writes in another way."""

    def breaks(sound: Callable[..., None]) -> Callable[..., None]:
        def make(kernel: Kernel, *, store: Store, **more: Any) -> None:
            sound(kernel, store=_Wrapped(store, lambda store, job: write(kernel, store, job)), **more)

        return make

    return breaks


async def _in_two(kernel: Kernel, store: Store, job: Any) -> None:
    books = kernel._books
    events, books.events = books.events, []
    await store.write(job)
    books.events, undo = events, books._undo
    books._undo = []
    try:
        await store.write(job)
    finally:
        books._undo = undo


async def _after_effects(kernel: Kernel, store: Store, job: Any) -> None:
    for effect in kernel._books.effects:
        kernel._perform(effect)
    await store.write(job)


async def _after_publishing(kernel: Kernel, store: Store, job: Any) -> None:
    kernel._publish(kernel._books.events)
    kernel._publish, publish = (lambda _: None), kernel._publish
    try:
        await store.write(job)
    finally:
        asyncio.get_running_loop().call_soon(setattr, kernel, "_publish", publish)


def _answer_first(sound: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def handle(kernel: Kernel, batch: Sequence[Any]) -> None:
        replies = {id(asked.message): asked.reply for asked in batch}

        def answer(message: object) -> object:
            result = Kernel._answer(kernel, message)
            if not isinstance(result, Exception):
                replies[id(message)].set_result(result)
            return result

        kernel._answer = answer
        try:
            await sound(kernel, batch)
        finally:
            del kernel._answer

    return handle


# ── commands ──────────────────────────────────────────────────────────────────────────────────────────


def _new_number(sound: Callable[..., Any]) -> Callable[..., Any]:
    def write(channel: Channel, job: Any, status: Status) -> Any:
        block = sound(channel, job, status)
        if block:
            job.command = replace(job.command, seq=next_seq(job.command.seq))
        return block

    return write


def _send_anyway(sound: Callable[..., Any]) -> Callable[..., Any]:
    def show(channel: Channel, status: Status, life: Life, now: float) -> Any:
        job = channel._job
        if job and job.phase is handshake.Phase.OPEN and not job.writes:
            job.command = replace(job.command, seq=next_seq(status.ack_seq), boot_id=status.boot_id)
        return sound(channel, status, life, now)

    return show


def _forgets_command(sound: Callable[[Channel], None]) -> Callable[[Channel], None]:
    def lost(channel: Channel) -> None:
        sound(channel)
        channel._job = None

    return lost


def _not_handed_over(sound: Callable[..., None]) -> Callable[..., None]:
    def opened(engine: TransportEngine, message: Any) -> None:
        with _silenced(engine.journal):
            sound(engine, message)

    return opened


@contextmanager
def _silenced(journal: Journal) -> Generator[None]:
    journal.hand_over = lambda command: None
    try:
        yield
    finally:
        del journal.hand_over


def _counts_as_done(_: object) -> Callable[..., None]:
    return lambda outcome, report: outcome.done(CommandDone(job_id=report.job_id))


def _whoever(sound: Callable[[Command, Status], Verdict]) -> Callable[[Command, Status], Verdict]:
    return lambda command, status: sound(command, replace(status, job_id=command.job_id))


def _same_job_ids(sound: Callable[[Journal], int]) -> Callable[[Journal], int]:
    """Numbers of jobs count in memory, from the start of each run."""
    counts: dict[int, int] = {}

    def next_job_id(journal: Journal) -> int:
        counts[id(journal)] = counts.get(id(journal), 0) + 1
        return counts[id(journal)]

    return next_job_id


# ── room ──────────────────────────────────────────────────────────────────────────────────────────────


def _without_reservation(sound: Callable[..., Any]) -> Callable[..., Any]:
    def begin_leg(lifecycle: Lifecycle, *arguments: Any) -> Any:
        return lifecycle.change(sound(lifecycle, *arguments), reserved=None)

    return begin_leg


def _unchecked(_: object) -> Callable[..., Awaitable[None]]:
    async def check(ownership: Ownership, tx: Any) -> None:
        return None

    return check


def _cursor_ahead(_: object) -> property:
    return property(lambda endpoint: replace(endpoint._row, cursor=endpoint._scanned))


def _always(answer: Any) -> Callable[[Any], Any]:
    return lambda sound: lambda *arguments: answer


MUTANTS: Final = (
    GatewayMutant(
        name="state and outbox in two commits",
        story="a crash between the two loses events for ever",
        owner=Kernel,
        attribute="__init__",
        breaks=_writing(_in_two),
        caught="was due|has not ended",
        site="demo",
    ),
    GatewayMutant(
        name="effects before the commit",
        story="a command is on the wire and not in the journal",
        owner=Kernel,
        attribute="__init__",
        breaks=_writing(_after_effects),
        caught="took job|and not at",
    ),
    GatewayMutant(
        name="events before the commit",
        story="somebody has heard what never happened",
        owner=Kernel,
        attribute="__init__",
        breaks=_writing(_after_publishing),
        caught="has changed|ended twice",
    ),
    GatewayMutant(
        name="answer before the commit",
        story="a transport was acknowledged, and a crash forgot it",
        owner=Kernel,
        attribute="_handle",
        breaks=_answer_first,
        caught="HTTP 404|has not ended",
    ),
    GatewayMutant(
        name="new number after a write",
        story="the same command goes out under another number until one is seen",
        owner=Channel,
        attribute="_write",
        breaks=_new_number,
        caught="took job",
    ),
    GatewayMutant(
        name="sends without asking",
        story="a command that is open at a restart is sent under the next number, whatever the device shows",
        owner=Channel,
        attribute="show",
        breaks=_send_anyway,
        caught="took job|and not at",
    ),
    GatewayMutant(
        name="job ids begin anew",
        story="a new job takes the name of an old one after a restart",
        owner=Journal,
        attribute="next_job_id",
        breaks=_same_job_ids,
        caught="took job|and not at",
    ),
    GatewayMutant(
        name="a lost link forgets the command",
        story="nobody asks for the outcome of a command any more once the link was lost",
        owner=Channel,
        attribute="lost",
        breaks=_forgets_command,
        caught="has not ended|and not at",
    ),
    GatewayMutant(
        name="open commands are not handed over",
        story="a restarted gateway does not give its open commands to the drivers",
        owner=TransportEngine,
        attribute="_open",
        breaks=_not_handed_over,
        caught="has not ended",
    ),
    GatewayMutant(
        name="rejected counts as done",
        story="what a device refused is booked as done",
        owner=Outcome,
        attribute="rejected",
        breaks=_counts_as_done,
        caught="and not at",
    ),
    GatewayMutant(
        name="unknown counts as done",
        story="what a device cannot tell is booked as done, whatever its sensors show",
        owner=Outcome,
        attribute="unknown",
        breaks=_counts_as_done,
        caught="and not at",
    ),
    GatewayMutant(
        name="ignores whose command it is",
        story="a device that shows our number has our command, whoever's jobId it shows",
        owner=handshake,
        attribute="judge",
        breaks=_whoever,
        caught="and not at",
        site="demo",
    ),
    GatewayMutant(
        name="dropped reservation",
        story="a load that is under way does not keep its place free",
        owner=Lifecycle,
        attribute="begin_leg",
        breaks=_without_reservation,
        caught="or under way to it",
        site="narrow",
    ),
    GatewayMutant(
        name="shared nodes",
        story="a vehicle may drive where another one stands",
        owner=RoadTraffic,
        attribute="is_free",
        breaks=_always(True),
        caught="vehicles met",
    ),
    GatewayMutant(
        name="loads without the banker's rule",
        story="a load sets out as soon as its next place is free, whoever it will stand before",
        owner=LoadTraffic,
        attribute="may_move",
        breaks=_always(YES),
        caught="has not ended",
    ),
    GatewayMutant(
        name="vehicles without the banker's rule",
        story="a vehicle drives as soon as its next node is free, whoever it will meet there",
        owner=RoadTraffic,
        attribute="allows",
        breaks=_always(True),
        caught="has not ended",
    ),
    GatewayMutant(
        name="not fenced",
        story="a run that was replaced goes on committing",
        owner=Ownership,
        attribute="__call__",
        breaks=_unchecked,
        caught="events.seq",
    ),
    GatewayMutant(
        name="webhook cursor ahead",
        story="what was taken up counts as delivered",
        owner=Endpoint,
        attribute="subscription",
        breaks=_cursor_ahead,
        caught="events never came",
    ),
)


def main() -> int:
    """Hunt all mutants (`make simulate-mutants`); return 1 if one survives."""
    survivors = 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, refresh_per_second=2) as bar:
        task = bar.add_task("hunting", total=len(MUTANTS))
        for mutant in MUTANTS:
            bar.update(task, description=mutant.name)
            catch = hunt(mutant)
            told = catch.told() if catch else "SURVIVES"
            bar.console.print(f"{mutant.name}: {told}", markup=False, highlight=False, soft_wrap=True)
            survivors += catch is None
            bar.advance(task)
    return min(survivors, 1)


if __name__ == "__main__":
    sys.exit(main())
