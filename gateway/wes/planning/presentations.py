"""Presentations: one container brought to one place, from the plan to its leaving (S0-14, S0-17, S0-29…31, S0-40).

Their moves are one table. The transport of the n-th attempt is called P{presentation}-{n}; everything that it is asked with is in
the row before it is asked for, so that asking again after a crash asks for the same.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.contract.clock import Micros
from gateway.contract.transports import DEFAULT_PRIORITY
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.wes.codes import Code, PresentationState
from gateway.wes.context import WesContext
from gateway.wes.orders.headers import STAGE, SYSTEM

S = PresentationState

TRANSITIONS: Final[Mapping[S, frozenset[S]]] = {
    S.PLANNED: frozenset({S.CALLED, S.CANCELLED}),
    S.CALLED: frozenset({S.SENT, S.ARRIVED, S.FAILED, S.PLANNED, S.RECALLED, S.CANCELLED, S.DONE}),
    S.SENT: frozenset({S.ARRIVED, S.FAILED, S.PLANNED, S.RECALLED, S.CANCELLED, S.DONE}),
    S.FAILED: frozenset({S.SENT, S.ARRIVED, S.PLANNED, S.RECALLED, S.CANCELLED, S.DONE}),
    S.RECALLED: frozenset({S.LEAVING, S.CANCELLED, S.DONE}),
    S.ARRIVED: frozenset({S.LEAVING}),
    S.LEAVING: frozenset({S.DONE}),
    S.DONE: frozenset(),
    S.CANCELLED: frozenset(),
}
"""Events may be faster than the answer to the request that they follow from: a called one may arrive."""

ENDED: Final = frozenset({S.DONE, S.CANCELLED})
COMING: Final = frozenset({S.PLANNED, S.CALLED, S.SENT})
"""What is still to be picked from such a container can be added to."""
TAKEN_FROM: Final = COMING | {S.ARRIVED}
"""More can be taken out of a container that comes to fill others up, or stands at its station for it."""
WAYS_OUT: Final[Mapping[S, S]] = {
    S.PLANNED: S.CANCELLED,
    S.CALLED: S.RECALLED,
    S.SENT: S.RECALLED,
    S.FAILED: S.RECALLED,
    S.ARRIVED: S.LEAVING,
}
"""How a container that is not wanted at its station any more leaves it, or does not come; others are on their way out already."""
AT_GATEWAY: Final = frozenset({S.CALLED, S.SENT, S.FAILED, S.RECALLED})
"""The gateway has a transport for it, or may have one."""


class Purpose(StrEnum):
    """Why a container is brought somewhere."""

    PICK = "pick"
    RETURN = "return"
    REPLENISH = "replenish"
    COUNT = "count"
    RELOCATE = "relocate"
    PUTAWAY = "putaway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """One container brought to one place.

    Attributes:
        destination: a location; while it is planned, its station.
        reason: why it failed or waits.
        priority, deadline_at: of the transport.
        origin: the location that the container came from.
    """

    presentation_id: int
    purpose: Purpose
    container_id: str
    station_id: str | None
    destination: str
    state: S
    attempt: int
    reason: str | None
    priority: int
    deadline_at: Micros | None
    origin: str | None

    @property
    def transport_id(self) -> str:
        """The id of its transport at the gateway."""
        return f"P{self.presentation_id}-{self.attempt}"


COLUMNS: Final = (
    "presentation_id, purpose, container_id, station_id, destination, state, attempt, reason, priority, deadline_at,"
    " origin"
)
_SELECT: Final = f"SELECT {COLUMNS} FROM presentations"
_BY_ID: Final = f"{_SELECT} WHERE presentation_id = :presentation_id"
# Takes the row: nobody moves it, or hangs anything on it, until the transaction ends.
_LOCK: Final = (
    f"UPDATE presentations SET state = state WHERE presentation_id = :presentation_id RETURNING {COLUMNS}"
)
_LOCK_ACTIVE: Final = (
    "UPDATE presentations SET state = state WHERE container_id = :container_id AND state NOT IN ('done', 'cancelled')"
    f" RETURNING {COLUMNS}"
)
_OF_CONTAINER: Final = f"{_SELECT} WHERE container_id = :container_id AND state NOT IN ('done', 'cancelled')"
_IN_STATE: Final = f"{_SELECT} WHERE state = :state ORDER BY presentation_id LIMIT :limit"
_INSERT: Final = (
    f"INSERT INTO presentations ({COLUMNS}, created_at, arrived_at, why) VALUES (:presentation_id, :purpose, :container_id,"
    " :station_id, :destination, :state, 1, NULL, :priority, :deadline_at, :origin, :at_us, :arrived_at, :why)"
    " ON CONFLICT DO NOTHING"
)
_MOVE: Final = (
    "UPDATE presentations SET state = :state, destination = :destination, attempt = :attempt, reason = :reason,"
    " sent_at = CASE WHEN :state = 'sent' THEN :at_us ELSE sent_at END,"
    " arrived_at = CASE WHEN :state = 'arrived' THEN :at_us ELSE arrived_at END,"
    " left_at = CASE WHEN :state = 'done' THEN :at_us ELSE left_at END"
    " WHERE presentation_id = :presentation_id AND state = :before"
)
_REASON: Final = "UPDATE presentations SET reason = :reason WHERE presentation_id = :presentation_id"
# Under another number, and without a deadline that may be why it was refused; nothing was taken under the old one.
_RENUMBER: Final = (
    "UPDATE presentations SET attempt = attempt + 1, deadline_at = NULL"
    " WHERE presentation_id = :presentation_id AND state = 'called' AND attempt = :attempt"
)
_STANDS: Final = "SELECT location_id FROM holders WHERE holder_id = :container_id"
_UNPRESENTED: Final = (
    "SELECT a.allocation_id, w.station_id, w.priority, w.deadline_at FROM allocations a"
    " JOIN work_orders w ON w.work_id = a.work_id WHERE a.holder_id = :container_id AND a.presentation_id IS NULL"
    f" AND a.code = {Code.RELEASED:d} AND w.station_id IS NOT NULL"
    " ORDER BY w.priority DESC, CASE WHEN w.deadline_at IS NULL THEN 1 ELSE 0 END, w.deadline_at, a.allocation_id"
)
_ATTACH: Final = (
    "UPDATE allocations SET presentation_id = :presentation_id WHERE allocation_id = :allocation_id"
)
_PRESS: Final = (
    "UPDATE presentations SET priority = CASE WHEN priority < :priority THEN :priority ELSE priority END,"
    " deadline_at = CASE WHEN CAST(:deadline_at AS BIGINT) IS NULL THEN deadline_at"
    " WHEN deadline_at IS NULL OR deadline_at > CAST(:deadline_at AS BIGINT) THEN CAST(:deadline_at AS BIGINT)"
    " ELSE deadline_at END WHERE presentation_id = :presentation_id AND state = 'planned'"
)
_WANTED: Final = (
    "SELECT (SELECT COUNT(*) FROM allocations WHERE presentation_id = :presentation_id"
    f" AND code < {Code.PICKED:d} AND picked + short < quantity)"
    " + (SELECT COUNT(*) FROM replenishments WHERE presentation_id = :presentation_id AND state IN ('open', 'begun'))"
    " + (SELECT COUNT(*) FROM presentations p JOIN count_lines l ON l.holder_id = p.container_id WHERE"
    " p.presentation_id = :presentation_id AND p.purpose = 'count' AND l.ended_at IS NULL AND l.state IN ('open', 'again'))"
    " + (SELECT COUNT(*) FROM transfer_tasks WHERE source_visit = :presentation_id AND taken + missed + freed < quantity)"
    " + (SELECT COUNT(*) FROM transfer_tasks WHERE target_visit = :presentation_id AND ended_at IS NULL)"
)
_TRANSPORT_ID: Final = re.compile(r"P(\d{1,16})-(\d{1,9})")


class Overtaken(Exception):  # noqa: N818 - names the condition
    """What was decided on a snapshot no longer fits: somebody else was first."""


async def find_presentation(tx: Tx, presentation_id: int) -> Presentation | None:
    """Return a presentation."""
    rows = await tx.fetch(_BY_ID, {"presentation_id": presentation_id})
    return presentation_of(rows[0]) if rows else None


async def lock_presentation(tx: Tx, presentation_id: int) -> Presentation | None:
    """Return a presentation that stays as it is until the transaction ends, but for what this one does."""
    rows = await tx.fetch(_LOCK, {"presentation_id": presentation_id})
    return presentation_of(rows[0]) if rows else None


async def presentation_of_container(tx: Tx, container_id: str) -> Presentation | None:
    """Return what a container is under way or standing somewhere for."""
    rows = await tx.fetch(_OF_CONTAINER, {"container_id": container_id})
    return presentation_of(rows[0]) if rows else None


async def presentations_in(tx: Tx, state: S, limit: int) -> list[Presentation]:
    """Return presentations in a state, the oldest first."""
    return [presentation_of(row) for row in await tx.fetch(_IN_STATE, {"state": state, "limit": limit})]


async def presentation_of_transport(tx: Tx, transport_id: str) -> Presentation | None:
    """Return the presentation whose present attempt a transport is, locked."""
    match = _TRANSPORT_ID.fullmatch(transport_id)
    if match is None:
        return None
    found = await lock_presentation(tx, int(match[1]))
    return found if found is not None and found.attempt == int(match[2]) else None


async def move(
    tx: Tx,
    context: WesContext,
    presentation: Presentation,
    state: S,
    *,
    destination: str | None = None,
    attempt: int | None = None,
    reason: str | None = None,
) -> None:
    """Move a presentation on, and note when.

    Raises:
        Overtaken: it has been moved since it was read.
    """
    if state not in TRANSITIONS[presentation.state]:
        raise AssertionError(f"{presentation.transport_id} cannot go from {presentation.state} to {state}")
    at_us = context.clock.now_us()
    params: dict[str, SqlValue] = {
        "presentation_id": presentation.presentation_id,
        "before": presentation.state,
        "state": state,
        "destination": destination or presentation.destination,
        "attempt": attempt or presentation.attempt,
        "reason": reason,
        "at_us": at_us,
    }
    if not await tx.execute(_MOVE, params):
        raise Overtaken(presentation.transport_id)
    await _note(tx, presentation.presentation_id, state, at_us)


async def note_reason(tx: Tx, presentation: Presentation, reason: str) -> None:
    """Note why a presentation waits."""
    if reason != presentation.reason:
        row = {"presentation_id": presentation.presentation_id, "reason": reason}
        await tx.execute_many(_REASON, [row])


async def renumber(tx: Tx, called: Presentation) -> None:
    """Ask under another id next time: the gateway has refused this one for itself or for its deadline."""
    row = {"presentation_id": called.presentation_id, "attempt": called.attempt}
    await tx.execute_many(_RENUMBER, [row])


async def call_to(
    tx: Tx,
    context: WesContext,
    container_id: str,
    purpose: Purpose,
    destination: str,
    station_id: str | None = None,
    why: str | None = None,
) -> int:
    """Have a container brought to a location that is free for it, a slot of a station or not.

    Args:
        tx: the transaction.
        context: settings, time, numbers.
        container_id: the container.
        purpose: what for.
        destination: the location.
        station_id: whose slot it is.
        why: it goes just there, in words; None: it was the nearest that was free.

    Returns:
        The presentation's number.

    Raises:
        Overtaken: it has another presentation.
    """
    return await _open(
        tx, context, container_id, purpose, S.CALLED, destination, station_id=station_id, why=why
    )


async def bring(
    tx: Tx,
    context: WesContext,
    container_id: str,
    station_id: str,
    priority: int,
    deadline_at: Micros | None,
) -> int:
    """Have a container brought to a station where goods go out of it or into it; one that comes or stands for that serves for more.

    Returns:
        The presentation's number.

    Raises:
        Overtaken: it is under way for something else, or is leaving.
    """
    active = await _lock_active(tx, container_id)
    if active is None:
        number = await _open(
            tx, context, container_id, Purpose.REPLENISH, S.PLANNED, station_id, station_id=station_id
        )
    elif active.purpose is Purpose.REPLENISH and active.state in TAKEN_FROM:
        number = active.presentation_id
    else:
        raise Overtaken(f"container {container_id}")
    press = {"presentation_id": number, "priority": priority, "deadline_at": deadline_at}
    await tx.execute_many(_PRESS, [press])
    return number


async def has_work(tx: Tx, presentation_id: int) -> bool:
    """Tell whether something is still to be taken out of a container, put into it, or counted in it, where it was brought."""
    return (await tx.fetch(_WANTED, {"presentation_id": presentation_id}))[0][0] > 0


async def let_leave(tx: Tx, context: WesContext, presentation_id: int, reason: str | None = None) -> None:
    """Let a container leave its station, or turn round, once nothing more is to be taken out of it there.

    Raises:
        Overtaken: it has just been moved on.
    """
    presentation = await lock_presentation(tx, presentation_id)
    if presentation is not None and not await has_work(tx, presentation_id):
        goal = WAYS_OUT.get(presentation.state)
        if goal is not None:
            await move(tx, context, presentation, goal, reason=reason)


async def present(tx: Tx, context: WesContext, containers: Iterable[str]) -> None:
    """Give released allocations of containers their presentations: one that is coming to the same station, or a new one.

    A container that is elsewhere under way keeps its allocations waiting until it is free; whoever ends its presentation calls
    this again.
    """
    for container_id in sorted(set(containers)):
        waiting = await tx.fetch(_UNPRESENTED, {"container_id": container_id})
        if not waiting:
            continue
        active = await _lock_active(tx, container_id)
        if active is None:
            station_id = waiting[0][1]
            number = await _open(
                tx, context, container_id, Purpose.PICK, S.PLANNED, station_id, station_id=station_id
            )
        elif active.purpose is Purpose.PICK and active.state in COMING and active.station_id is not None:
            number, station_id = active.presentation_id, active.station_id
        else:
            continue
        await _attach(tx, number, [row for row in waiting if row[1] == station_id])


async def present_again(tx: Tx, context: WesContext, standing: Presentation) -> bool:
    """Let a container that leaves its station stay if there is more to be picked from it there; False if there is not."""
    waiting = await tx.fetch(_UNPRESENTED, {"container_id": standing.container_id})
    here = [row for row in waiting if row[1] == standing.station_id]
    if not here:
        return False
    number = await _open(
        tx,
        context,
        standing.container_id,
        Purpose.PICK,
        S.ARRIVED,
        standing.destination,
        station_id=standing.station_id,
    )
    await _attach(tx, number, here)
    return True


def presentation_of(row: Row) -> Presentation:
    """Read COLUMNS."""
    (
        number,
        purpose,
        container_id,
        station_id,
        destination,
        state,
        attempt,
        reason,
        priority,
        deadline_at,
        origin,
    ) = row
    return Presentation(
        presentation_id=number,
        purpose=Purpose(purpose),
        container_id=container_id,
        station_id=station_id,
        destination=destination,
        state=S(state),
        attempt=attempt,
        reason=reason,
        priority=priority,
        deadline_at=deadline_at,
        origin=origin,
    )


async def _lock_active(tx: Tx, container_id: str) -> Presentation | None:
    """Return what a container is under way or standing somewhere for, locked."""
    which = {"container_id": container_id}
    await tx.fetch(_LOCK_ACTIVE, which)
    # Whoever was waited for may have ended it, and begun another one that only a second look finds.
    rows = await tx.fetch(_LOCK_ACTIVE, which)
    return presentation_of(rows[0]) if rows else None


async def _open(
    tx: Tx,
    context: WesContext,
    container_id: str,
    purpose: Purpose,
    state: S,
    destination: str,
    station_id: str | None = None,
    why: str | None = None,
) -> int:
    at_us = context.clock.now_us()
    stands = await tx.fetch(_STANDS, {"container_id": container_id})
    row: dict[str, SqlValue] = {
        "presentation_id": context.ids.next(),
        "purpose": purpose,
        "container_id": container_id,
        "station_id": station_id,
        "destination": destination,
        "state": state,
        "priority": DEFAULT_PRIORITY if purpose is Purpose.RETURN else 0,
        "deadline_at": None,
        "origin": stands[0][0] if stands else None,
        "at_us": at_us,
        "arrived_at": at_us if state is S.ARRIVED else None,
        "why": why,
    }
    if not await tx.execute(_INSERT, row):
        raise Overtaken(f"container {container_id}")
    number = int(row["presentation_id"] or 0)
    await _note(tx, number, state, at_us)
    return number


async def _attach(tx: Tx, presentation_id: int, waiting: Sequence[Row]) -> None:
    await tx.execute_many(
        _ATTACH, [{"presentation_id": presentation_id, "allocation_id": row[0]} for row in waiting]
    )
    press = [
        {"presentation_id": presentation_id, "priority": priority, "deadline_at": deadline_at}
        for _, _, priority, deadline_at in waiting
    ]
    await tx.execute_many(_PRESS, press)


async def _note(tx: Tx, presentation_id: int, state: S, at_us: Micros) -> None:
    row = {
        "document": "presentation",
        "document_id": presentation_id,
        "code": state,
        "at_us": at_us,
        "operator": SYSTEM,
    }
    await tx.execute_many(STAGE, [row])
