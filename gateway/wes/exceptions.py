"""What somebody has to look at about an order (S1-13)."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import Tx
from gateway.wes.context import WesContext

_OPEN: Final = (
    "INSERT INTO order_exceptions (exception_id, order_id, line_id, kind, text, at_us)"
    " VALUES (:exception_id, :order_id, :line_id, :kind, :text, :at_us)"
)
_SETTLE: Final = (
    "UPDATE order_exceptions SET settled_at = :at_us, settled_by = :operator WHERE settled_at IS NULL"
)
_OF_ORDER: Final = f"{_SETTLE} AND order_id = :order_id"
_OF_KIND: Final = f"{_OF_ORDER} AND kind = :kind"
_OF_LINE: Final = f"{_OF_KIND} AND line_id = :line_id"


class ExceptionKind(StrEnum):
    """What is the matter."""

    HELD = "held"
    """A rule wants a person to look at the order before anything is reserved."""
    SHORTAGE = "shortage"
    """A line could not be reserved."""
    ALLOCATION_SHORTAGE = "allocationShortage"
    """What was promised to a line is at no place where it can be fetched."""
    SHORT_PICK = "shortPick"
    """Less was found than should have been there, and nothing else could be promised."""
    DAMAGED = "damaged"
    """Pieces were not fit to be sold, and nothing else could be promised."""
    ROLLED_BACK = "rolledBack"
    """Containers for it could not be worked on where they were brought, again and again."""
    REVIEW = "review"
    """A package was counted, and something is missing or too much."""
    RECALLED = "recalled"
    """Pieces of a lot that is called back lie in a box of it: somebody has to take them out before it goes on."""
    LATE = "late"
    """Its picking should have begun, or it should have left."""


async def open_exception(
    tx: Tx, context: WesContext, order_id: int, kind: ExceptionKind, text: str, line_id: int | None = None
) -> None:
    """Note that something about an order, or about one line of it, is the matter; waits for nothing."""
    row = {
        "exception_id": context.ids.next(),
        "order_id": order_id,
        "line_id": line_id,
        "kind": kind,
        "text": text,
        "at_us": context.clock.now_us(),
    }
    await tx.execute_many(_OPEN, [row])


async def settle_lines(
    tx: Tx, order_id: int, kind: ExceptionKind, line_ids: Iterable[int], at_us: Micros, operator: str
) -> None:
    """Note that lines of an order are no longer concerned."""
    same = {"order_id": order_id, "kind": kind, "at_us": at_us, "operator": operator}
    await tx.execute_many(_OF_LINE, [{**same, "line_id": line_id} for line_id in line_ids])


async def settle_kind(tx: Tx, order_id: int, kind: ExceptionKind, at_us: Micros, operator: str) -> bool:
    """Note that something is no longer the matter; False if it was not."""
    row = {"order_id": order_id, "kind": kind, "at_us": at_us, "operator": operator}
    return await tx.execute(_OF_KIND, row) > 0


async def settle_all(tx: Tx, order_id: int, at_us: Micros, operator: str) -> None:
    """Note that nothing is the matter any more."""
    await tx.execute_many(_OF_ORDER, [{"order_id": order_id, "at_us": at_us, "operator": operator}])
