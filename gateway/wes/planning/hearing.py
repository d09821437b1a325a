"""What the gateway tells becomes what the WES knows, each event exactly once (S0-30, S0-31, S0-41, S0-42).

The number of the last event that was heard stands in the database and moves in the same commit as what the event changes. Where
the feed does not reach back that far, the WES looks at what it missed and hears the rest again: nothing that happens twice moves
anything twice, for every move is one of the table in gateway/wes/planning/presentations.py.

A container may leave the site without the WES having been asked, which may run in another process, or not run just then. Its goods
stay in the books, at no place; its work is rolled back (gateway/wes/planning/rollback.py), and people are told
(gateway/wes/floor/watch.py) until somebody says where it is or counts what was in it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog

from gateway.contract.events import Event, EventType
from gateway.contract.plant import ContainerView, LocationView
from gateway.contract.transports import TransportStatus, TransportView
from gateway.kernel.ports import Tx
from gateway.wes.codes import PresentationState as S
from gateway.wes.context import WesContext
from gateway.wes.planning.blocks import block, see_blocked, unblock
from gateway.wes.planning.home import send_home
from gateway.wes.planning.presentations import (
    AT_GATEWAY,
    TRANSITIONS,
    Presentation,
    Purpose,
    find_presentation,
    has_work,
    lock_presentation,
    move,
    present,
    presentation_of_transport,
)
from gateway.wes.stock.model import Holder, HolderKind
from gateway.wes.stock.opening import open_holder, stand
from gateway.wes.stock.refusal import StockRefused

log = structlog.get_logger()

Handler = Callable[[Tx, WesContext, Event], Awaitable[None]]
Arrived = Callable[[Tx, WesContext, Presentation], Awaitable[None]]
"""What a station does about a container that has just arrived, in the same transaction (S0-31)."""

CURSOR: Final = "gateway"

_HEARD: Final = "SELECT seq FROM cursors WHERE name = :name"
_HEAR: Final = (
    "INSERT INTO cursors (name, seq) VALUES (:name, :seq) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq"
)
_OPEN: Final = (
    "SELECT presentation_id FROM presentations WHERE state IN ('called', 'sent', 'failed', 'recalled')"
    " ORDER BY presentation_id"
)
_STANDING: Final = (
    "SELECT holder_id FROM holders WHERE kind = 'container' AND warehouse_id = :warehouse_id"
    " AND location_id IS NOT NULL ORDER BY holder_id"
)
_REMOVED: Final = (
    "UPDATE holders SET removed_at = :at_us"
    " WHERE holder_id = :holder_id AND kind = 'container' AND removed_at IS NULL"
)
# Of puts the gateway is asked one by one, by the next round of the put wall: they are made to look silent for long.
_ASK_FOR_PUTS: Final = "UPDATE wall_puts SET changed_at = 0 WHERE state IN ('sent', 'recalled')"


class Hearing:
    """Turns events into what they mean for the WES."""

    def __init__(
        self,
        context: WesContext,
        arrived: Arrived | None = None,
        more: Mapping[EventType, Handler] | None = None,
    ) -> None:
        """Take what else has to be done.

        Args:
            context: the surroundings.
            arrived: called for containers that have arrived to be picked from.
            more: handlers of other events, such as those of puts.
        """
        self._context = context
        self._arrived = arrived
        self._handlers: dict[EventType, Handler] = {
            EventType.CONTAINER_LOCATED: self._located,
            EventType.CONTAINER_REMOVED: self._removed,
            EventType.LOCATION_BLOCKED: self._blocked,
            EventType.LOCATION_UNBLOCKED: self._unblocked,
            EventType.TRANSPORT_COMPLETED: self._completed,
            EventType.TRANSPORT_CANCELLED: self._ended_elsewhere,
            EventType.TRANSPORT_FAILED: self._failed,
            EventType.TRANSPORT_UNKNOWN: self._failed,
            EventType.TRANSPORT_RESOLVED: self._resolved,
            **(more or {}),
        }

    async def hear(self, tx: Tx, events: Sequence[Event]) -> None:
        """Take events in; those that were heard before change nothing."""
        heard = await last_heard(tx)
        news = [event for event in events if event.seq > (heard or 0)]
        for event in news:
            handler = self._handlers.get(event.type)
            if handler is not None:
                await handler(tx, self._context, event)
        if news:
            await tx.execute_many(_HEAR, [{"name": CURSOR, "seq": news[-1].seq}])

    async def catch_up(
        self,
        tx: Tx,
        containers: Sequence[ContainerView],
        blocked: Sequence[LocationView],
        transports: Mapping[int, TransportView | None],
    ) -> None:
        """Take in how things stand, then hear the feed from its beginning.

        Args:
            tx: the transaction.
            containers: all that the gateway knows.
            blocked: all locations to which nothing is brought now.
            transports: by presentation, those that the gateway has or had; None where it knows of none.
        """
        for view in containers:
            await self._stand(tx, view.container_id, view.location_id)
        listed = {view.container_id for view in containers}
        for (container_id,) in await tx.fetch(_STANDING, {"warehouse_id": self._context.wes.warehouse_id}):
            if container_id not in listed:
                await self._remove(tx, container_id)
        await see_blocked(tx, blocked)
        for number, view in transports.items():
            presentation = await lock_presentation(tx, number)
            if (
                presentation is not None
                and view is not None
                and view.transport_id == presentation.transport_id
            ):
                await self._take_status(tx, presentation, view)
        await tx.execute(_ASK_FOR_PUTS)
        await tx.execute_many(_HEAR, [{"name": CURSOR, "seq": 0}])

    async def end(
        self, tx: Tx, presentation: Presentation, location_id: str | None, reason: str | None = None
    ) -> None:
        """Its transport has ended, and the container stands somewhere: at its destination, or not."""
        if presentation.state not in AT_GATEWAY:
            return
        context = self._context
        if presentation.station_id is None:
            here = location_id == presentation.destination
            await move(tx, context, presentation, S.DONE if here else S.CANCELLED, reason=reason)
            await present(tx, context, [presentation.container_id])
            if presentation.state is S.RECALLED and not here:
                await send_home(tx, context, presentation)
        elif location_id == presentation.destination:
            await self._arrive(tx, presentation)
        elif presentation.state is S.RECALLED or not await has_work(tx, presentation.presentation_id):
            await move(tx, context, presentation, S.CANCELLED, reason=reason)
            await present(tx, context, [presentation.container_id])
        else:
            await move(
                tx,
                context,
                presentation,
                S.PLANNED,
                destination=presentation.station_id,
                attempt=presentation.attempt + 1,
                reason=reason,
            )

    async def _arrive(self, tx: Tx, presentation: Presentation) -> None:
        context = self._context
        if presentation.state is S.RECALLED:
            await move(tx, context, presentation, S.LEAVING)
            return
        await move(tx, context, presentation, S.ARRIVED)
        arrived = await find_presentation(tx, presentation.presentation_id)
        assert arrived is not None
        if not await has_work(tx, presentation.presentation_id):
            await move(tx, context, arrived, S.LEAVING)
        elif arrived.purpose is Purpose.PICK and self._arrived is not None:
            await self._arrived(tx, context, arrived)

    async def _located(self, tx: Tx, _: WesContext, event: Event) -> None:
        await self._stand(tx, event.data["containerId"], event.data.get("locationId"))

    async def _removed(self, tx: Tx, _: WesContext, event: Event) -> None:
        await self._remove(tx, event.data["containerId"])

    async def _blocked(self, tx: Tx, _: WesContext, event: Event) -> None:
        await block(tx, event.data["locationId"], event.data["reason"], event.data.get("operator"))

    async def _unblocked(self, tx: Tx, _: WesContext, event: Event) -> None:
        await unblock(tx, event.data["locationId"])

    async def _completed(self, tx: Tx, _: WesContext, event: Event) -> None:
        presentation = await presentation_of_transport(tx, event.subject)
        if presentation is not None:
            await self.end(tx, presentation, event.data.get("locationId"))

    async def _ended_elsewhere(self, tx: Tx, _: WesContext, event: Event) -> None:
        presentation = await presentation_of_transport(tx, event.subject)
        if presentation is not None:
            where = event.data.get("locationId")
            await self.end(
                tx, presentation, where, f"the transport was cancelled, the container is at {where}"
            )

    async def _failed(self, tx: Tx, context: WesContext, event: Event) -> None:
        presentation = await presentation_of_transport(tx, event.subject)
        if presentation is not None and S.FAILED in TRANSITIONS[presentation.state]:
            told = event.data["reason"]
            await move(tx, context, presentation, S.FAILED, reason=f"{told['title']}: {told['detail']}")

    async def _resolved(self, tx: Tx, context: WesContext, event: Event) -> None:
        presentation = await presentation_of_transport(tx, event.subject)
        if presentation is not None and presentation.state is S.FAILED:
            await move(tx, context, presentation, S.SENT)

    async def _take_status(self, tx: Tx, presentation: Presentation, view: TransportView) -> None:
        match view.status:
            case TransportStatus.COMPLETED:
                await self.end(tx, presentation, await _stands(tx, presentation.container_id))
            case TransportStatus.CANCELLED:
                where = await _stands(tx, presentation.container_id)
                await self.end(
                    tx, presentation, where, f"the transport was cancelled, the container is at {where}"
                )
            case TransportStatus.FAILED | TransportStatus.UNKNOWN:
                if S.FAILED in TRANSITIONS[presentation.state]:
                    reason = None if view.problem is None else f"{view.problem.title}: {view.problem.detail}"
                    await move(tx, self._context, presentation, S.FAILED, reason=reason)
            case TransportStatus.ACCEPTED | TransportStatus.PLANNED | TransportStatus.EXECUTING:
                if S.SENT in TRANSITIONS[presentation.state]:
                    await move(tx, self._context, presentation, S.SENT)

    async def _remove(self, tx: Tx, container_id: str) -> None:
        """A container has left the site: what the books have in it can be promised and not be fetched."""
        await self._stand(tx, container_id, None)
        at_us = self._context.clock.now_us()
        await tx.execute_many(_REMOVED, [{"holder_id": container_id, "at_us": at_us}])

    async def _stand(self, tx: Tx, container_id: str, location_id: str | None) -> None:
        """Note where a container stands; one that has the id of a flat place is left to people, and the feed goes on."""
        place = None if location_id is None else self._context.layout.places.get(location_id)
        holder = Holder(
            holder_id=container_id, kind=HolderKind.CONTAINER, warehouse_id=self._context.wes.warehouse_id
        )
        try:
            await open_holder(tx, holder)
        except StockRefused as refused:
            log.warning(
                "the gateway tells of a container that the books know as something else",
                container=container_id,
                error=str(refused),
            )
            return
        zone, distance = ("", None) if place is None else (place.zone, place.distance)
        await stand(tx, container_id, location_id, zone, distance)


async def last_heard(tx: Tx) -> int | None:
    """Return the number of the last event that was heard; None: the feed has never been listened to."""
    rows = await tx.fetch(_HEARD, {"name": CURSOR})
    return rows[0][0] if rows else None


async def open_at_gateway(tx: Tx) -> list[Presentation]:
    """Return all presentations that the gateway may know of."""
    found = [await find_presentation(tx, row[0]) for row in await tx.fetch(_OPEN)]
    return [each for each in found if each is not None]


async def _stands(tx: Tx, container_id: str) -> str | None:
    rows = await tx.fetch("SELECT location_id FROM holders WHERE holder_id = :id", {"id": container_id})
    return rows[0][0] if rows else None
