"""Locations that the gateway has blocked, as far as the WES has heard: nothing is sent there, and no locked one is asked for goods.

The gateway alone blocks and opens; here is what its feed told last, in the same commit as the number of the event.
"""

from collections.abc import Iterable
from typing import Final

from gateway.contract.plant import LocationView
from gateway.kernel.ports import Tx

LOCKED: Final = (
    "EXISTS (SELECT 1 FROM blocked_places b WHERE b.location_id = h.location_id AND b.operator IS NOT NULL)"
)
"""Of holders `h`: a person has locked the place where it stands."""
LEAVES_FROM: Final = f"CASE WHEN {LOCKED} THEN NULL ELSE h.location_id END"
"""Of holders `h`: where something can be had now; NULL where a person has locked the place, or nobody knows it."""

_BLOCKED: Final = "SELECT location_id FROM blocked_places"
_LOCKED: Final = f"SELECT h.location_id FROM holders h WHERE h.holder_id = :holder_id AND {LOCKED}"
_BLOCK: Final = (
    "INSERT INTO blocked_places (location_id, reason, operator) VALUES (:location_id, :reason, :operator)"
    " ON CONFLICT (location_id) DO UPDATE SET reason = excluded.reason, operator = excluded.operator"
)
_OPEN: Final = "DELETE FROM blocked_places WHERE location_id = :location_id"
_OPEN_ALL: Final = "DELETE FROM blocked_places"


async def blocked_places(tx: Tx) -> frozenset[str]:
    """Return the locations to which nothing is sent."""
    return frozenset(row[0] for row in await tx.fetch(_BLOCKED))


async def locked_at(tx: Tx, holder_id: str) -> str | None:
    """Return the place where a container stands, or the flat place itself, if a person has locked it."""
    rows = await tx.fetch(_LOCKED, {"holder_id": holder_id})
    return rows[0][0] if rows else None


async def block(tx: Tx, location_id: str, reason: str, operator: str | None) -> None:
    """Note that a location is blocked; by whom, if a person has locked it."""
    await tx.execute(_BLOCK, {"location_id": location_id, "reason": reason, "operator": operator})


async def unblock(tx: Tx, location_id: str) -> None:
    """Note that a location takes loads again."""
    await tx.execute_many(_OPEN, [{"location_id": location_id}])


async def see_blocked(tx: Tx, views: Iterable[LocationView]) -> None:
    """Note all that is blocked, and nothing else."""
    await tx.execute_many(_OPEN_ALL, [{}])
    for view in views:
        if view.blocked is not None:
            await block(tx, view.location_id, view.blocked, view.blocked_by)
