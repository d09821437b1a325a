"""What runs by itself between work orders and containers at stations: one listener to the gateway, and rounds that it wakes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

import structlog

from gateway.contract.events import Event
from gateway.delivery.rounds import Bell, Rounds
from gateway.kernel.ports import Store, StoreFull, Tx
from gateway.wes.allocation.port import Allocator
from gateway.wes.core import WesCore
from gateway.wes.counting.calls import CountCalls
from gateway.wes.floor.rounds import Floor, Lacking
from gateway.wes.floor.watch import Watch
from gateway.wes.planning.blocks import see_blocked
from gateway.wes.planning.dispatch import Dispatch
from gateway.wes.planning.gateway import FeedGap, Gateway, Unanswered
from gateway.wes.planning.hearing import Hearing, last_heard, open_at_gateway
from gateway.wes.planning.misplaced import Tidying
from gateway.wes.planning.plan import Planner
from gateway.wes.planning.replenishment import Replenishments
from gateway.wes.planning.rollback import Rollbacks
from gateway.wes.planning.waves import Waves
from gateway.wes.transfers.calls import TransferCalls

log = structlog.get_logger()

AGAIN_S: Final = 1.0
BATCH: Final = 100
"""Events that one commit takes in."""


class Listener:
    """Hears everything that the gateway tells, each event once."""

    def __init__(self, store: Store, gateway: Gateway, hearing: Hearing, bell: Bell) -> None:
        """Args: bell: is rung after each commit."""
        self._store = store
        self._gateway = gateway
        self._hearing = hearing
        self._bell = bell

    async def run(self) -> None:
        """Listen until cancelled."""
        await self._see_blocked()
        while True:
            after = await self._store.read(last_heard)
            if after is None:
                await self._catch_up()
                continue
            try:
                async with aclosing(self._gateway.follow(after)) as batches:
                    async for events in batches:
                        await self._hear(events)
            except FeedGap:
                log.warning(
                    "events of the gateway were missed; the WES looks at how things stand", after=after
                )
                await self._catch_up()

    async def _hear(self, events: Sequence[Event]) -> None:
        for start in range(0, len(events), BATCH):
            await self._take_in(partial(self._hearing.hear, events=events[start : start + BATCH]))

    async def _see_blocked(self) -> None:
        """Look once which places are blocked: a feed that has not told so from its beginning does not tell of all of them."""
        while True:
            try:
                blocked = await self._gateway.list_blocked()
            except Unanswered:
                await asyncio.sleep(AGAIN_S)
            else:
                await self._take_in(partial(see_blocked, views=blocked))
                return

    async def _catch_up(self) -> None:
        try:
            missed = await self._store.read(open_at_gateway)
            transports = {
                each.presentation_id: await self._gateway.find_transport(each.transport_id) for each in missed
            }
            containers = await self._gateway.list_containers()
            blocked = await self._gateway.list_blocked()
        except Unanswered:
            await asyncio.sleep(AGAIN_S)
            return
        await self._take_in(
            partial(self._hearing.catch_up, containers=containers, blocked=blocked, transports=transports)
        )

    async def _take_in(self, job: Callable[[Tx], Awaitable[None]]) -> None:
        """Write what was heard, as soon as there is room for it; the gateway keeps what comes meanwhile."""
        full = False
        while True:
            try:
                await self._store.write(job)
            except StoreFull as error:
                if not full:
                    log.warning("what the gateway tells cannot be made durable yet", error=str(error))
                full = True
                await asyncio.sleep(AGAIN_S)
            else:
                if full:
                    log.info("what the gateway tells is durable again")
                self._bell.ring()
                return


@dataclass(frozen=True, slots=True)
class Bells:
    """Wake the rounds of the chain before their time."""

    planning: Bell = field(default_factory=Bell)
    dispatch: Bell = field(default_factory=Bell)
    floor: Bell = field(default_factory=Bell)

    def ring(self) -> None:
        """Somebody has done something after which more can be planned or sent, such as a person at a station."""
        self.planning.ring()
        self.dispatch.ring()
        self.floor.ring()


class Runnable(Protocol):
    """Something that works until it is cancelled."""

    async def run(self) -> None:
        """Work until cancelled."""
        ...


def chain_works(
    core: WesCore, gateway: Gateway, allocator: Allocator, hearing: Hearing, bells: Bells
) -> dict[str, Runnable]:
    """Return what has to run, by a name for people.

    Args:
        core: the core.
        gateway: the one that moves its containers.
        allocator: decides who picks what from which container.
        hearing: turns the gateway's events into what they mean.
        bells: wake the rounds.
    """
    store, context = core.store, core.context
    timers = context.wes.timers
    planner = Planner(store, context, allocator, core.note_plan)

    async def plan() -> None:
        await planner.work()
        bells.dispatch.ring()

    dispatch = Dispatch(store, context, gateway, hearing)
    return {
        "events of the gateway": Listener(store, gateway, hearing, bells.dispatch),
        "waves": Rounds("waves", timers.waves.period_s, Waves(store, context).work),
        "planning": Rounds("planning", timers.planning.period_s, plan, bells.planning),
        "dispatch": Rounds("dispatch", timers.dispatch.period_s, dispatch.work, bells.dispatch),
        "stations": Rounds(
            "stations", timers.dispatch.period_s, Floor(store, context, gateway).work, bells.floor
        ),
        "station alarms": Rounds(
            "station alarms", timers.dispatch.period_s, Watch(store, context, core.alarms).work
        ),
        "shortfalls": Rounds("shortfalls", timers.reservation.period_s, Lacking(store, context).work),
        "replenishments": Rounds(
            "replenishments", timers.replenishment.period_s, Replenishments(store, context).work
        ),
        "counts at stations": Rounds(
            "counts at stations", timers.replenishment.period_s, CountCalls(store, context).work
        ),
        "transfers at stations": Rounds(
            "transfers at stations", timers.replenishment.period_s, TransferCalls(store, context).work
        ),
        "tidying": Rounds("tidying", timers.dispatch.period_s, Tidying(store, context, core.alarms).work),
        "rollbacks": Rounds("rollbacks", timers.rollback.period_s, Rollbacks(store, context).work),
    }
