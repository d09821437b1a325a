"""What upstream is to be told, written in the transaction of what it tells (S4-59); gateway/delivery/upstream.py delivers it.

Messages of one lane go out one after the other, and carry a number that grows within it: a receiver that drops lower
numbers than it has seen is never set back by a late message (S4-25, S4-63). A lane is an order number or a product.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic_core import from_json, to_json

from gateway.contract.clock import Micros
from gateway.contract.wms import CallbackDetails, CallbackStatus, InventoryBatch, InventoryMessage
from gateway.kernel.clock import to_rfc3339
from gateway.kernel.ports import Row, SqlValue, Tx
from gateway.wes.context import WesContext


class Topic(StrEnum):
    """Kinds of messages."""

    STATUS_CALLBACK = "statusCallback"
    INVENTORY_SYNC = "inventorySync"
    INVENTORY_SYNC_BATCH = "inventorySyncBatch"


class MessageState(StrEnum):
    """Where a message stands (S4-32)."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    """Given up after many attempts; its lane waits until somebody skips it or has it sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it goes out."""

    message_id: int
    topic: Topic
    lane: str
    sequence: int
    body: str
    created_at: Micros
    attempts: int


_COLUMNS: Final = (
    "message_id, topic, lane, sequence, oms_order_no, outbound_no, body, created_at, state, attempts, due_at"
)
# All orders of one number have one lane, and count together: one that is being cancelled may still have something to tell
# when its number has come back under another command (S4-61).
_NEXT_OF_ORDER: Final = (
    "UPDATE orders SET feedback_seq = feedback_seq + 1"
    " WHERE oms_order_no = (SELECT oms_order_no FROM orders WHERE order_id = :order_id)"
)
_ABOUT_ORDER: Final = (
    f"INSERT INTO outbox ({_COLUMNS}) SELECT :message_id, '{Topic.STATUS_CALLBACK}', 'order:' || oms_order_no,"
    " feedback_seq, oms_order_no, outbound_no, :body, :at_us, 'pending', 0, :at_us"
    " FROM orders WHERE order_id = :order_id"
)
_NEXT_OF_NUMBER: Final = (
    "UPDATE orders SET feedback_seq = feedback_seq + 1 WHERE oms_order_no = :order_no RETURNING feedback_seq",
    "UPDATE order_history SET feedback_seq = feedback_seq + 1 WHERE order_id = (SELECT order_id FROM order_history"
    " WHERE oms_order_no = :order_no ORDER BY order_id DESC LIMIT 1) RETURNING feedback_seq",
)
_NUMBERED: Final = (
    f"INSERT INTO outbox ({_COLUMNS}) VALUES (:message_id, '{Topic.STATUS_CALLBACK}', :lane, :sequence, :oms_order_no,"
    " :outbound_no, :body, :at_us, 'pending', 0, :at_us)"
)
_FAILED: Final = (
    f"INSERT INTO outbox ({_COLUMNS}) VALUES (:message_id, '{Topic.STATUS_CALLBACK}', :lane, 0, :oms_order_no, NULL,"
    " :body, :at_us, 'pending', 0, :at_us)"
)
_REPEATED: Final = (
    "UPDATE outbox SET state = 'pending', attempts = 0, due_at = :at_us WHERE message_id ="
    " (SELECT message_id FROM outbox WHERE oms_order_no = :oms_order_no ORDER BY sequence DESC, message_id DESC LIMIT 1)"
)
_SUPERSEDED: Final = "DELETE FROM outbox WHERE lane = :lane AND state <> 'delivered'"
_ABOUT_STOCK: Final = (
    f"INSERT INTO outbox ({_COLUMNS}) VALUES (:message_id, :topic, :lane, :sequence, NULL, NULL, :body, :at_us,"
    " 'pending', 0, :at_us)"
)
_SKIP: Final = (
    "UPDATE outbox SET state = 'delivered', ended_at = :now WHERE message_id = :message_id AND state = 'dead'"
)
_AGAIN: Final = (
    "UPDATE outbox SET state = 'pending', attempts = 0, due_at = :now"
    " WHERE message_id = :message_id AND state = 'dead'"
)
READ: Final = "SELECT message_id, topic, lane, sequence, oms_order_no, outbound_no, body, created_at, attempts FROM outbox"


def is_told(context: WesContext) -> bool:
    """Tell whether there is anybody upstream who listens."""
    return context.wes.upstream.http is not None or context.wes.upstream.broker is not None


async def call_back(
    tx: Tx, context: WesContext, order_id: int, status: CallbackStatus, details: CallbackDetails | None = None
) -> None:
    """Tell upstream where an order stands now (S4-28…31); waits for nothing."""
    if not is_told(context):
        return
    at_us = context.clock.now_us()
    await tx.execute_many(_NEXT_OF_ORDER, [{"order_id": order_id}])
    row: dict[str, SqlValue] = {
        "message_id": context.ids.next(),
        "order_id": order_id,
        "body": _callback(status, at_us, details or CallbackDetails()),
        "at_us": at_us,
    }
    await tx.execute_many(_ABOUT_ORDER, [row])


async def tell_return(
    tx: Tx,
    context: WesContext,
    return_no: str,
    order_no: str | None,
    outbound_no: str | None,
    details: CallbackDetails,
) -> None:
    """Tell upstream that goods have come back: behind all that it was told of their order, also of one that is history.

    Goods of which nobody knows the order are told about in a lane of their return.
    """
    if not is_told(context):
        return
    at_us, message_id = context.clock.now_us(), context.ids.next()
    row: dict[str, SqlValue] = {
        "message_id": message_id,
        "lane": f"return:{return_no}" if order_no is None else f"order:{order_no}",
        "sequence": message_id if order_no is None else await _next_number(tx, order_no),
        "oms_order_no": order_no,
        "outbound_no": outbound_no,
        "body": _callback(CallbackStatus.RETURNED, at_us, details),
        "at_us": at_us,
    }
    await tx.execute_many(_NUMBERED, [row])


async def tell_arrival(tx: Tx, context: WesContext, notice_no: str, details: CallbackDetails) -> None:
    """Tell upstream what has come of announced goods, in the lane of their notice."""
    if not is_told(context):
        return
    at_us, message_id = context.clock.now_us(), context.ids.next()
    row: dict[str, SqlValue] = {
        "message_id": message_id,
        "lane": f"notice:{notice_no}",
        "sequence": message_id,
        "oms_order_no": None,
        "outbound_no": None,
        "body": _callback(CallbackStatus.ARRIVED, at_us, details),
        "at_us": at_us,
    }
    await tx.execute_many(_NUMBERED, [row])


async def tell_failure(tx: Tx, context: WesContext, order_no: str | None, details: CallbackDetails) -> None:
    """Tell upstream that a command was not taken; there is no order (S4-14)."""
    if not is_told(context):
        return
    at_us, message_id = context.clock.now_us(), context.ids.next()
    row: dict[str, SqlValue] = {
        "message_id": message_id,
        "lane": f"failure:{message_id}",
        "oms_order_no": order_no,
        "body": _callback(CallbackStatus.FAIL, at_us, details),
        "at_us": at_us,
    }
    await tx.execute_many(_FAILED, [row])


async def repeat_callback(tx: Tx, context: WesContext, order_no: str) -> bool:
    """Tell upstream the last status of an order again, under the same id; False if nothing is known to have been told."""
    return await tx.execute(_REPEATED, {"oms_order_no": order_no, "at_us": context.clock.now_us()}) > 0


async def skip_message(tx: Tx, context: WesContext, message_id: int) -> bool:
    """End a dead message, so that its lane goes on; False if it is none."""
    return await tx.execute(_SKIP, {"message_id": message_id, "now": context.clock.now_us()}) > 0


async def send_again(tx: Tx, context: WesContext, message_id: int) -> bool:
    """Have a dead message sent again; False if it is none."""
    return await tx.execute(_AGAIN, {"message_id": message_id, "now": context.clock.now_us()}) > 0


async def tell_stock(tx: Tx, context: WesContext, message: InventoryMessage) -> None:
    """Tell upstream what it may sell of a product; what was still to be told before is not told any more."""
    lane = f"stock:{message.owner_id}:{message.sku_id}"
    await tx.execute_many(_SUPERSEDED, [{"lane": lane}])
    await _about_stock(tx, context, Topic.INVENTORY_SYNC, lane, message.version, message)


async def tell_batch(tx: Tx, context: WesContext, batch: InventoryBatch) -> None:
    """Tell upstream a part of the full calibration (S4-24)."""
    lane = f"batch:{batch.batch_id}"
    await _about_stock(tx, context, Topic.INVENTORY_SYNC_BATCH, lane, 0, batch)


async def _next_number(tx: Tx, order_no: str) -> int:
    """Return the next number of messages about an order number; something has left under it, so there is an order."""
    for sql in _NEXT_OF_NUMBER:
        if rows := await tx.fetch(sql, {"order_no": order_no}):
            return rows[0][0]
    raise AssertionError(f"order {order_no} is not known")


async def _about_stock(
    tx: Tx,
    context: WesContext,
    topic: Topic,
    lane: str,
    sequence: int,
    message: InventoryMessage | InventoryBatch,
) -> None:
    row: dict[str, SqlValue] = {
        "message_id": context.ids.next(),
        "topic": topic,
        "lane": lane,
        "sequence": sequence,
        "body": message.model_dump_json(by_alias=True),
        "at_us": context.clock.now_us(),
    }
    await tx.execute_many(_ABOUT_STOCK, [row])


def _callback(status: CallbackStatus, at_us: Micros, details: CallbackDetails) -> str:
    told = {"status": status, "statusTime": to_rfc3339(at_us)}
    return to_json(told | details.model_dump(mode="json", by_alias=True)).decode()


def message_of(row: Row) -> Message:
    """Read a row of READ; what stands in columns is put into the body."""
    message_id, topic, lane, sequence, order_no, outbound_no, body, created_at, attempts = row
    if topic == Topic.STATUS_CALLBACK:
        body = _complete(message_id, sequence, order_no, outbound_no, body)
    return Message(
        message_id=message_id,
        topic=Topic(topic),
        lane=lane,
        sequence=sequence,
        body=body,
        created_at=created_at,
        attempts=attempts,
    )


def _complete(
    message_id: int, sequence: int, order_no: str | None, outbound_no: str | None, body: str
) -> str:
    known: dict[str, Any] = {"callbackId": f"CB{message_id}", "omsOrderNo": order_no or ""}
    if outbound_no is not None:
        known["wmsOutboundNo"] = outbound_no
    return to_json(known | {"sequence": sequence} | from_json(body)).decode()
