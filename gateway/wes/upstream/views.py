"""Orders and stock as upstream asks for them (S4-43, S4-46)."""

from collections.abc import Collection, Iterable
from typing import Final

from gateway.contract.wms import InventoryPage, InventoryView, OrderExceptionView, OrderLineView, OrderView
from gateway.kernel.clock import to_datetime, to_moment
from gateway.kernel.ports import Row, Tx
from gateway.wes.codes import Code
from gateway.wes.orders.history import find_history
from gateway.wes.stock.model import Pool
from gateway.wes.stock.rows import POOL_COLUMNS, pool_of

_ORDER_COLUMNS: Final = (
    "order_id, oms_order_no, command_id, outbound_no, warehouse_id, code, priority, deadline_at, created_at,"
    " updated_at, cancel_reason"
)
_LINE_COLUMNS: Final = "line_no, sku, quantity, reserved, picked, shipped, short, code"
_EXCEPTION_COLUMNS: Final = "kind, text, at_us, settled_at"
_ORDER: Final = (
    f"SELECT {_ORDER_COLUMNS} FROM orders WHERE oms_order_no = :order_no ORDER BY order_id DESC LIMIT 1"
)
_LINES: Final = f"SELECT {_LINE_COLUMNS} FROM order_lines WHERE order_id = :order_id ORDER BY line_no"
_EXCEPTIONS: Final = (
    f"SELECT {_EXCEPTION_COLUMNS} FROM order_exceptions WHERE order_id = :order_id"
    " ORDER BY exception_id LIMIT 1000"
)
_STOCK: Final = f"SELECT {POOL_COLUMNS} FROM pools WHERE warehouse_id = :warehouse_id"
_OF_SKU: Final = f"{_STOCK} AND sku = :sku AND owner_id = :owner_id"
_PAGE: Final = f"{_STOCK} AND pool_id > :after ORDER BY pool_id LIMIT :limit"


async def order_view(tx: Tx, order_no: str) -> OrderView | None:
    """Return the newest order of an OMS number, also one that has gone to history."""
    rows = await tx.fetch(_ORDER, {"order_no": order_no})
    if rows:
        which = {"order_id": rows[0][0]}
        return _order(rows[0], await tx.fetch(_LINES, which), await tx.fetch(_EXCEPTIONS, which))
    kept = await find_history(tx, order_no)
    if kept is None:
        return None
    return _order(
        kept.rows("orders", _ORDER_COLUMNS)[0],
        kept.rows("order_lines", _LINE_COLUMNS),
        kept.rows("order_exceptions", _EXCEPTION_COLUMNS),
    )


async def inventory_view(tx: Tx, warehouse_id: str, owner_id: str, sku: str) -> InventoryView:
    """Return the stock of one product; all zero if it never had any."""
    rows = await tx.fetch(_OF_SKU, {"warehouse_id": warehouse_id, "owner_id": owner_id, "sku": sku})
    if rows:
        return _stock(pool_of(rows[0]))
    nothing = dict.fromkeys(("available_qty", "quantity", "reserved", "held", "safety"), 0)
    return InventoryView(warehouse_id=warehouse_id, owner_id=owner_id, sku_id=sku, **nothing)


async def inventory_page(tx: Tx, warehouse_id: str, after: int, limit: int) -> InventoryPage:
    """Return part of the stock of a warehouse, in a stable order."""
    rows = await tx.fetch(_PAGE, {"warehouse_id": warehouse_id, "after": after, "limit": limit + 1})
    pools = [pool_of(row) for row in rows[:limit]]
    more = str(pools[-1].pool_id) if len(rows) > limit else None
    return InventoryPage(items=_stocks(pools), next_cursor=more)


def _order(order: Row, lines: Iterable[Row], exceptions: Iterable[Row]) -> OrderView:
    _, oms_order_no, command_id, outbound_no, warehouse_id, code, priority = order[:7]
    deadline_at, created_at, updated_at, cancel_reason = order[7:]
    return OrderView(
        order_no=oms_order_no,
        command_id=command_id,
        outbound_no=outbound_no,
        warehouse_id=warehouse_id,
        status=Code(code).name,
        status_code=code,
        priority=priority,
        deadline=to_moment(deadline_at),
        created_at=to_datetime(created_at),
        updated_at=to_datetime(updated_at),
        cancel_reason=cancel_reason,
        items=tuple(map(_line, lines)),
        exceptions=tuple(map(_exception, exceptions)),
    )


def _stocks(pools: Collection[Pool]) -> tuple[InventoryView, ...]:
    return tuple(_stock(pool) for pool in pools)


def _stock(pool: Pool) -> InventoryView:
    return InventoryView(
        warehouse_id=pool.warehouse_id,
        owner_id=pool.owner_id,
        sku_id=pool.sku,
        available_qty=pool.sellable,
        quantity=pool.balance.quantity,
        reserved=pool.balance.reserved,
        held=pool.balance.held,
        safety=pool.safety,
    )


def _line(row: Row) -> OrderLineView:
    line_no, sku, quantity, reserved, picked, shipped, short, code = row
    return OrderLineView(
        line_no=line_no,
        sku_id=sku,
        quantity=quantity,
        reserved=reserved,
        picked=picked,
        shipped=shipped,
        short=short,
        status_code=code,
    )


def _exception(row: Row) -> OrderExceptionView:
    kind, text, at_us, settled_at = row
    return OrderExceptionView(kind=kind, text=text, at=to_datetime(at_us), settled_at=to_moment(settled_at))
