"""Orders and their lines as the database keeps them, and the facts that rules know of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import to_json

from gateway.contract.clock import Micros
from gateway.contract.wms import OutboundCommand
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.site.rules import Packaging, Turnover
from gateway.wes.codes import Code
from gateway.wes.orders.catalogue import Product
from gateway.wes.rules import Known


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What upstream wants out.

    Attributes:
        facts: what rules know of it (gateway/site/rules.py: ORDER_FACTS).
    """

    order_id: int
    outbound_no: str
    oms_order_no: str
    owner_id: str
    priority: int
    deadline_at: Micros | None
    code: Code
    facts: Known


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One product of an order."""

    line_id: int
    line_no: int
    sku: str
    quantity: int
    turnover: Turnover
    lot_no: str | None
    shelf_life_days: int
    packaging: Packaging
    code: Code


def order_facts(command: OutboundCommand, owner_id: str) -> dict[str, Any]:
    """Return what rules know of an order that is coming in."""
    return {
        "owner": owner_id,
        "carrier": command.carrier_code,
        "service": command.service_type,
        "priority": command.priority,
        "province": command.province,
        "city": command.city,
        "lines": len(command.items),
        "units": sum(item.quantity for item in command.items),
        **family("ext", command.ext_info),
    }


def line_facts(order: Known, product: Product, quantity: int, lot_no: str | None) -> Mapping[str, Any]:
    """Return what rules know of one line of an order."""
    return {
        **order,
        "sku": product.sku,
        "quantity": quantity,
        "cases": quantity // product.units_per_case if product.units_per_case else 0,
        "lot": lot_no,
        **family("product", product.attributes),
    }


def family(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts `name.key` of whatever has a plain value."""
    return {
        f"{name}.{key}": value for key, value in values.items() if isinstance(value, bool | int | float | str)
    }


# ── rows ──────────────────────────────────────────────────────────────────────────────────────────────

# The number of its messages goes on where an earlier order of the same OMS number stopped (S4-61, S4-63), and a command whose
# order has gone to history is not taken again.
INSERT_ORDER: Final = (
    "INSERT INTO orders (order_id, outbound_no, command_id, command_digest, oms_order_no, warehouse_id, owner_id,"
    " consignee, carrier_code, service_type, priority, deadline_at, ext, code, review, feedback_seq, created_at,"
    " updated_at) SELECT :order_id, :outbound_no, :command_id, :command_digest, :oms_order_no, :warehouse_id,"
    " :owner_id, :consignee, :carrier_code, :service_type, :priority, :deadline_at, :ext, :code, :review,"
    " COALESCE((SELECT MAX(feedback_seq) FROM (SELECT feedback_seq FROM orders WHERE oms_order_no = :oms_order_no"
    " UNION ALL SELECT feedback_seq FROM order_history WHERE oms_order_no = :oms_order_no) AS earlier), 0),"
    " :at_us, :at_us WHERE NOT EXISTS (SELECT 1 FROM order_history WHERE command_id = :command_id)"
    " ON CONFLICT DO NOTHING"
)
INSERT_LINE: Final = (
    "INSERT INTO order_lines (line_id, order_id, line_no, sku, quantity, reserved, picked, shipped, short, turnover,"
    " lot_no, shelf_life_days, packaging, code) VALUES (:line_id, :order_id, :line_no, :sku, :quantity, 0, 0, 0, 0,"
    " :turnover, :lot_no, :shelf_life_days, :packaging, :code)"
)
PROMISE: Final = (
    "INSERT INTO lot_reservations (line_id, lot_id, quantity) VALUES (:line_id, :lot_id, :quantity)"
    " ON CONFLICT (line_id, lot_id) DO UPDATE SET quantity = lot_reservations.quantity + excluded.quantity"
)
"""Adds to what a line is promised of a lot and not bound to."""
_LOCK: Final = "UPDATE orders SET code = code WHERE order_id = :order_id"
_ORDER: Final = (
    "SELECT order_id, outbound_no, oms_order_no, owner_id, priority, deadline_at, code, carrier_code, service_type,"
    " consignee, ext, (SELECT COUNT(*) FROM order_lines l WHERE l.order_id = o.order_id),"
    " (SELECT SUM(quantity) FROM order_lines l WHERE l.order_id = o.order_id) FROM orders o"
)
_NEWEST: Final = (
    "SELECT order_id FROM orders WHERE oms_order_no = :oms_order_no ORDER BY order_id DESC LIMIT 1"
)
_LINES: Final = (
    "SELECT line_id, line_no, sku, quantity, turnover, lot_no, shelf_life_days, packaging, code"
    " FROM order_lines WHERE order_id = :order_id ORDER BY line_no"
)


def order_row(
    order: Order, command: OutboundCommand, warehouse_id: str, digest: str, review: bool, at_us: Micros
) -> dict[str, SqlValue]:
    """Return the parameters of INSERT_ORDER."""
    address = ("consignee", "phone", "province", "city", "district", "address")
    return {
        "order_id": order.order_id,
        "outbound_no": order.outbound_no,
        "command_id": command.command_id,
        "command_digest": digest,
        "oms_order_no": order.oms_order_no,
        "warehouse_id": warehouse_id,
        "owner_id": order.owner_id,
        "consignee": to_json({name: getattr(command, name) for name in address}).decode(),
        "carrier_code": command.carrier_code,
        "service_type": command.service_type,
        "priority": order.priority,
        "deadline_at": order.deadline_at,
        "ext": to_json(command.ext_info).decode(),
        "code": order.code,
        "review": int(review),
        "at_us": at_us,
    }


def line_row(order_id: int, line: OrderLine) -> dict[str, SqlValue]:
    """Return the parameters of INSERT_LINE."""
    return {
        "line_id": line.line_id,
        "order_id": order_id,
        "line_no": line.line_no,
        "sku": line.sku,
        "quantity": line.quantity,
        "turnover": line.turnover,
        "lot_no": line.lot_no,
        "shelf_life_days": line.shelf_life_days,
        "packaging": line.packaging,
        "code": line.code,
    }


async def lock_order(tx: Tx, order_id: int) -> None:
    """Have the order to oneself until the transaction ends, whatever other connections do; waits for nothing here.

    Every act on an order that is there begins with this: what is read before it may be outdated.
    """
    await tx.execute_many(_LOCK, [{"order_id": order_id}])


async def load_order(tx: Tx, order_id: int) -> tuple[Order, list[OrderLine]]:
    """Return an order that is there, and its lines in order."""
    (row,) = await tx.fetch(f"{_ORDER} WHERE order_id = :order_id", {"order_id": order_id})
    lines = await tx.fetch(_LINES, {"order_id": order_id})
    return _order_of(row), [_line_of(each) for each in lines]


async def find_order(tx: Tx, oms_order_no: str) -> int | None:
    """Return the id of the newest order of this OMS number."""
    rows = await tx.fetch(_NEWEST, {"oms_order_no": oms_order_no})
    return rows[0][0] if rows else None


def _order_of(row: Row) -> Order:
    order_id, outbound_no, oms_order_no, owner_id, priority, deadline_at, code = row[:7]
    carrier, service, consignee, ext, lines, units = row[7:]
    address = json.loads(consignee)
    return Order(
        order_id=order_id,
        outbound_no=outbound_no,
        oms_order_no=oms_order_no,
        owner_id=owner_id,
        priority=priority,
        deadline_at=deadline_at,
        code=Code(code),
        facts={
            "owner": owner_id,
            "carrier": carrier,
            "service": service,
            "priority": priority,
            "province": address["province"],
            "city": address["city"],
            "lines": lines,
            "units": units,
            **family("ext", json.loads(ext)),
        },
    )


def _line_of(row: Row) -> OrderLine:
    line_id, line_no, sku, quantity, turnover, lot_no, shelf_life_days, packaging, code = row
    return OrderLine(
        line_id=line_id,
        line_no=line_no,
        sku=sku,
        quantity=quantity,
        turnover=Turnover(turnover),
        lot_no=lot_no,
        shelf_life_days=shelf_life_days,
        packaging=Packaging(packaging),
        code=Code(code),
    )
