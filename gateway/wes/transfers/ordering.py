"""A transfer is ordered: taken note of once, and nothing of it is bound before somebody approves it (S2-47, S2-51)."""

from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import Final

from gateway.contract.faults import FieldError, Refusal, RefusalKind
from gateway.contract.transfers import OrderTransfer, TransferState, TransferStep
from gateway.kernel.clock import to_micros
from gateway.kernel.ports import SqlValue, Tx
from gateway.wes.context import WesContext
from gateway.wes.orders.catalogue import find_products, use_products
from gateway.wes.planning.tasks import conflict
from gateway.wes.transfers.documents import LINE, Line, Step, note

_ORDER: Final = (
    "INSERT INTO transfers (transfer_id, transfer_no, request, digest, purpose, leaves_to, state, created_at, due_at)"
    " VALUES (:transfer_id, :transfer_no, :request, :digest, :purpose, :leaves_to, 'draft', :at_us, :due_at)"
    " ON CONFLICT DO NOTHING"
)
_KNOWN: Final = "SELECT digest, state FROM transfers WHERE transfer_no = :transfer_no"
_ADD_LINE: Final = (
    f"INSERT INTO transfer_lines (transfer_id, {LINE}) VALUES (:transfer_id, :line_no, :owner_id, :sku, :lot_no, :quantity,"
    " :source, :source_zone, :target, :target_zone)"
)


async def order_transfer(tx: Tx, context: WesContext, order: OrderTransfer) -> None:
    """Order a transfer; the same again changes nothing.

    Raises:
        Refusal: another one has this id, it was deleted, or a product is not known.
    """
    text = order.model_dump_json()
    row: dict[str, SqlValue] = {
        "transfer_id": context.ids.next(),
        "transfer_no": order.transfer_id,
        "request": text,
        "digest": sha256(text.encode()).hexdigest()[:32],
        "purpose": order.purpose,
        "leaves_to": order.leaves_to or "",
        "at_us": context.clock.now_us(),
        "due_at": None if order.due_at is None else to_micros(order.due_at),
    }
    if not await tx.execute(_ORDER, row):
        ((digest, state),) = await tx.fetch(_KNOWN, {"transfer_no": order.transfer_id})
        if digest != row["digest"]:
            text = f"transfer {order.transfer_id} was ordered before with another body"
            raise conflict("transferId", "idReused", text)
        if state == TransferState.DELETED:
            raise conflict("transferId", "hasEnded", f"transfer {order.transfer_id} was deleted")
        return
    lines = [
        Line(
            line_no=number,
            owner_id=line.owner_id or context.wes.owner,
            sku=line.sku_id,
            lot_no=line.lot_no,
            quantity=line.quantity,
            source=line.source,
            source_zone=line.source_zone,
            target=line.target,
            target_zone=line.target_zone,
        )
        for number, line in enumerate(order.lines, 1)
    ]
    await _check_products(tx, lines)
    transfer_id = int(row["transfer_id"] or 0)
    await tx.execute_many(_ADD_LINE, [asdict(line) | {"transfer_id": transfer_id} for line in lines])
    step = Step(step=TransferStep.ORDERED, operator=order.operator, reason=order.reason)
    await note(tx, context, transfer_id, [step])


async def _check_products(tx: Tx, lines: Sequence[Line]) -> None:
    known: set[tuple[str, str]] = set()
    for owner_id in sorted({line.owner_id for line in lines}):
        asked = [line.sku for line in lines if line.owner_id == owner_id]
        products = await find_products(tx, owner_id, asked)
        deleted = await use_products(tx, owner_id, products.values())
        known |= {(owner_id, sku) for sku in products if sku not in deleted}
    reasons = [
        FieldError(
            f"lines[{line.line_no - 1}].skuId", "unknownSku", f"no product {line.sku} of {line.owner_id}"
        )
        for line in lines
        if (line.owner_id, line.sku) not in known
    ]
    if reasons:
        raise Refusal(RefusalKind.INVALID, *reasons)
