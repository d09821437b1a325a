"""Presentations become transports (S0-29): a free place at the station first, then the gateway, then its answer.

What the gateway is asked is committed before it is asked, and what it answered after; a crash in between asks again for the same.
So a round is a list of small jobs that the database says are due, and doing one twice changes nothing.
"""

from collections import Counter
from functools import partial
from typing import Final, assert_never

from gateway.contract.transports import TransportRequest
from gateway.kernel.clock import to_datetime
from gateway.kernel.ports import Store, Tx
from gateway.wes.codes import PresentationState as S
from gateway.wes.context import WesContext
from gateway.wes.layout import Workplace
from gateway.wes.planning.blocks import LOCKED, blocked_places
from gateway.wes.planning.gateway import Answer, Gateway, Reply
from gateway.wes.planning.hearing import Hearing
from gateway.wes.planning.home import bring_strays_home, leave, recall_forestalled, recall_shut_out, relocate
from gateway.wes.planning.presentations import (
    COLUMNS,
    Presentation,
    lock_presentation,
    move,
    note_reason,
    present,
    presentation_of,
    presentations_in,
    renumber,
)
from gateway.wes.planning.rollback import begin_rollback
from gateway.wes.planning.stations import open_stations
from gateway.wes.stock.opening import stand

MARGIN_US: Final = 60_000_000
"""A deadline that is nearer than this is no longer told to the gateway, which refuses past ones; its haste is in the priority."""
HURRY: Final = 9

_WAITING: Final = (
    "SELECT presentation_id FROM presentations WHERE state = 'planned' AND station_id = :station_id"
    " ORDER BY priority DESC, CASE WHEN deadline_at IS NULL THEN 1 ELSE 0 END, deadline_at, presentation_id LIMIT :limit"
)
_AT_STATION: Final = (
    f"SELECT p.container_id, p.destination, CASE WHEN p.state = 'failed' OR {LOCKED} THEN 0 ELSE 1 END"
    " FROM presentations p JOIN holders h ON h.holder_id = p.container_id WHERE p.station_id = :station_id"
    " AND p.state IN ('called', 'sent', 'failed', 'recalled', 'arrived', 'leaving')"
)
_STANDING: Final = (
    "SELECT holder_id, location_id FROM holders"
    " WHERE kind = 'container' AND warehouse_id = :warehouse_id AND location_id = :location_id"
)
_SHUT_OUT: Final = (
    f"SELECT {COLUMNS} FROM presentations WHERE state = 'sent' AND station_id IS NOT NULL"
    " AND destination IN (SELECT location_id FROM blocked_places) ORDER BY presentation_id"
)
_WHERE: Final = "SELECT location_id FROM holders WHERE holder_id = :container_id"
_OVERDUE: Final = (
    f"UPDATE presentations SET priority = {HURRY}, deadline_at = NULL"
    " WHERE state = 'planned' AND deadline_at <= :soon"
)


class Dispatch:
    """Asks the gateway for what is due."""

    def __init__(self, store: Store, context: WesContext, gateway: Gateway, hearing: Hearing) -> None:
        self._store = store
        self._context = context
        self._gateway = gateway
        self._hearing = hearing

    async def work(self) -> None:
        """Do one round."""
        context, write = self._context, self._store.write
        for leaving in await self._due(S.LEAVING):
            await write(partial(leave, context=context, leaving=leaving))
        await write(partial(recall_forestalled, context=context))
        await write(partial(recall_shut_out, context=context))
        await write(partial(bring_strays_home, context=context))
        await write(partial(relocate, context=context))
        await self._send_on()
        await write(partial(call, context=context))
        for called in await self._due(S.CALLED):
            answer = await self._gateway.submit_transport(transport_request(called))
            await write(partial(self._answered, called, answer))
        for recalled in await self._due(S.RECALLED):
            answer = await self._gateway.cancel_transport(recalled.transport_id)
            await write(partial(self._withdrawn, recalled, answer))

    async def _send_on(self) -> None:
        """Give up the transports to slots of stations that have been blocked: their containers are called to other slots then."""
        for row in await self._store.read(lambda tx: tx.fetch(_SHUT_OUT)):
            await self._gateway.cancel_transport(presentation_of(row).transport_id)

    async def _due(self, state: S) -> list[Presentation]:
        limit = self._context.wes.timers.dispatch.batch
        return await self._store.read(lambda tx: presentations_in(tx, state, limit))

    async def _answered(self, asked: Presentation, answer: Answer, tx: Tx) -> None:
        """Note what the gateway said to a request, unless an event was faster."""
        called = await lock_presentation(tx, asked.presentation_id)
        if called is None or called.state is not S.CALLED or called.attempt != asked.attempt:
            return
        context = self._context
        match answer.reply:
            case Reply.TAKEN:
                await move(tx, context, called, S.SENT)
            case Reply.LATER:
                await note_reason(tx, called, answer.text)
            case Reply.CONFLICT:
                if "idReused" in answer.codes:
                    await renumber(tx, called)
                await note_reason(tx, called, answer.text)
            case Reply.REFUSED:
                await self._refused(tx, called, answer)
            case _:
                assert_never(answer.reply)

    async def _refused(self, tx: Tx, called: Presentation, answer: Answer) -> None:
        if "sameAsSource" in answer.codes:
            await self._hearing.end(tx, called, called.destination)
        elif "deadlinePast" in answer.codes or "deadlineTooFar" in answer.codes:
            await renumber(tx, called)
        elif called.station_id is not None:
            # Nobody is sent for it again until the gateway has told where it is.
            await stand(tx, called.container_id, None)
            await begin_rollback(tx, self._context, called.presentation_id, answer.text)
        else:
            await note_reason(tx, called, answer.text)

    async def _withdrawn(self, asked: Presentation, answer: Answer, tx: Tx) -> None:
        """Note what the gateway said to a cancellation; where the container ended up, an event tells."""
        recalled = await lock_presentation(tx, asked.presentation_id)
        if recalled is None or recalled.state is not S.RECALLED:
            return
        if answer.reply is Reply.REFUSED and "unknownTransport" in answer.codes:
            await move(tx, self._context, recalled, S.CANCELLED, reason=recalled.reason)
            await present(tx, self._context, [recalled.container_id])
        elif answer.reply is not Reply.TAKEN:
            await note_reason(tx, recalled, answer.text)


async def call(tx: Tx, context: WesContext) -> None:
    """Give presentations that wait for their stations a place there, the most pressing first, as far as there are places."""
    await tx.execute_many(_OVERDUE, [{"soon": context.clock.now_us() + MARGIN_US}])
    for station in await open_stations(tx, context):
        which = {"station_id": station.station_id}
        rows = await tx.fetch(_AT_STATION, which)
        coming = {row[0]: row[1] for row in rows}
        loads = await _loads(tx, context, station, coming)
        # A failed one comes when somebody has decided, one of a locked place when that is opened: they wait their turn then.
        room = len(loads) + context.wes.stations.queue - sum(row[2] for row in rows)
        if not loads or room <= 0:
            continue
        for (number,) in await tx.fetch(_WAITING, {**which, "limit": room}):
            waiting = await lock_presentation(tx, number)
            if waiting is None or waiting.state is not S.PLANNED:
                continue
            fitting = [
                slot for slot in context.layout.slots_for(waiting.container_id, station) if slot in loads
            ]
            if not fitting:
                text = f"no slot of {station.station_id} that is open accepts {waiting.container_id}"
                await note_reason(tx, waiting, text)
                continue
            here = await tx.fetch(_WHERE, {"container_id": waiting.container_id})
            slot = (
                here[0][0] if here and here[0][0] in fitting else min(fitting, key=lambda name: loads[name])
            )
            loads[slot] += 1
            await move(tx, context, waiting, S.CALLED, destination=slot)


async def idle_slots(tx: Tx, context: WesContext, station: Workplace) -> list[str]:
    """Return the slots of a station in which nothing stands, and to which nothing comes; none where something waits for one."""
    which = {"station_id": station.station_id}
    if await tx.fetch(_WAITING, {**which, "limit": 1}):
        return []
    coming = {row[0]: row[1] for row in await tx.fetch(_AT_STATION, which)}
    loads = await _loads(tx, context, station, coming)
    return [slot for slot, containers in loads.items() if not containers]


def transport_request(presentation: Presentation) -> TransportRequest:
    """Return what the gateway is asked; the same for the same attempt, whenever it is asked."""
    return TransportRequest(
        transport_id=presentation.transport_id,
        container_id=presentation.container_id,
        destination=presentation.destination,
        priority=presentation.priority,
        deadline=None if presentation.deadline_at is None else to_datetime(presentation.deadline_at),
        attributes={"purpose": presentation.purpose.value},
    )


async def _loads(tx: Tx, context: WesContext, station: Workplace, coming: dict[str, str]) -> Counter[str]:
    """Return how many containers stand in each slot of a station or come to it, but for slots that are blocked."""
    places = dict(coming)
    for slot in station.slots:
        which = {"warehouse_id": context.wes.warehouse_id, "location_id": slot}
        places |= dict(await tx.fetch(_STANDING, which))
    shut = await blocked_places(tx)
    counted = Counter({slot: 0 for slot in station.slots if slot not in shut})
    counted.update(place for place in places.values() if place in counted)
    return counted
