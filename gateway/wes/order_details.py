"""Single orders, with all that belongs to them: made from their documents, which are the same of the day and of history (S1-9).

What other tables know of documents alone is looked up beside them: the numbers of lots, and replenishments that are under way.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json

from gateway.contract.attention import ExceptionView
from gateway.contract.clock import Micros
from gateway.contract.documents import (
    OrderDetails,
    OrderLineDetails,
    OrderSummary,
    PackageLineView,
    PackageView,
    WorkView,
)
from gateway.contract.stations import PresentationView, PutBackView, QuestionView
from gateway.contract.throughput import StageView
from gateway.kernel.clock import to_datetime, to_moment
from gateway.kernel.ports import SqlValue, Tx
from gateway.wes.attention import decisions_about
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.floor.questions import NOTICE_US, QuestionKind
from gateway.wes.floor.views import list_numbered
from gateway.wes.orders.history import Documents, find_documents, list_history
from gateway.wes.planning.tasks import missing

_LOT: Final = "SELECT lot_id, lot_no FROM lots WHERE lot_id = :lot_id"
_WAITS: Final = (
    "SELECT x.work_id, COUNT(*) FROM work_waits x JOIN work_orders w ON w.work_id = x.work_id"
    " JOIN replenishments r ON r.replenishment_id = x.replenishment_id"
    " WHERE w.order_id = :order_id AND r.ended_at IS NULL GROUP BY x.work_id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What the view is made from.

    Attributes:
        lots: their numbers.
        waits: how many replenishments each work order waits for.
        noticed: what came up after that is no question yet, where that takes a while.
    """

    documents: Documents
    lots: Mapping[int, str]
    waits: Mapping[int, int]
    noticed: Micros

    @property
    def head(self) -> Mapping[str, Any]:
        """The row of the order itself."""
        return self.rows("orders")[0]

    @property
    def skus(self) -> Mapping[int, str]:
        """What its lines are of."""
        return {line["line_id"]: line["sku"] for line in self.rows("order_lines")}

    def rows(self, table: str) -> Sequence[Mapping[str, Any]]:
        return self.documents.tables[table]


async def order_details(tx: Tx, context: WesContext, order_id: int) -> OrderDetails:
    """Return an order with all that belongs to it, of the day or of history.

    Raises:
        Refusal: there is none.
    """
    documents = await find_documents(tx, order_id)
    if documents is None:
        raise missing("orderId", f"no order {order_id}")
    lots: list[dict[str, SqlValue]] = [{"lot_id": lot_id} for lot_id in sorted(_lots(documents))]
    order = _Order(
        documents=documents,
        lots={row[0]: row[1] for row in await tx.fetch_many(_LOT, lots)},
        waits={row[0]: row[1] for row in await tx.fetch(_WAITS, {"order_id": order_id})},
        noticed=context.clock.now_us() - NOTICE_US,
    )
    return _details(order)


async def orders_numbered(
    tx: Tx, order_no: str, below: int, limit: int, code: int | None
) -> list[OrderSummary]:
    """Return the orders of an OMS number, of the day and of history, the newest first, with ids below a limit."""
    kept = [_summary(each) for each in await list_history(tx, order_no, below)]
    found = [
        *await list_numbered(tx, order_no, below, limit, code),
        *(each for each in kept if code in (None, each.status_code)),
    ]
    return sorted(found, key=lambda each: each.order_id, reverse=True)[:limit]


def _lots(documents: Documents) -> set[int]:
    return {row["lot_id"] for table in ("package_lines", "put_backs") for row in documents.tables[table]}


def _details(order: _Order) -> OrderDetails:
    head = order.head
    return OrderDetails(
        **_summary(order.documents).model_dump(),
        command_id=head["command_id"],
        owner_id=head["owner_id"],
        carrier_code=head["carrier_code"],
        service_type=head["service_type"],
        deadline=to_moment(head["deadline_at"]),
        cancel_reason=head["cancel_reason"],
        wave_id=head["wave_id"],
        claimant=head["claimant"],
        lines=_lines(order),
        works=_works(order),
        packages=_packages(order),
        put_backs=_put_backs(order),
        presentations=_presentations(order),
        exceptions=_exceptions(order),
        questions=_questions(order),
        stages=_stages(order),
    )


def _summary(documents: Documents) -> OrderSummary:
    (head,), lines = documents.tables["orders"], documents.tables["order_lines"]
    waiting = [each["text"] for each in documents.tables["order_exceptions"] if each["settled_at"] is None]
    return OrderSummary(
        order_id=head["order_id"],
        order_no=head["oms_order_no"],
        outbound_no=head["outbound_no"],
        status=Code(head["code"]).name,
        status_code=head["code"],
        priority=head["priority"],
        quantity=sum(line["quantity"] for line in lines),
        picked=sum(line["picked"] for line in lines),
        shipped=sum(line["shipped"] for line in lines),
        short=sum(line["short"] for line in lines),
        waiting=waiting[-1] if waiting else None,
        created_at=to_datetime(head["created_at"]),
        updated_at=to_datetime(head["updated_at"]),
    )


def _lines(order: _Order) -> tuple[OrderLineDetails, ...]:
    return tuple(
        OrderLineDetails(
            line_id=line["line_id"],
            line_no=line["line_no"],
            sku_id=line["sku"],
            lot_no=line["lot_no"],
            quantity=line["quantity"],
            reserved=line["reserved"],
            picked=line["picked"],
            shipped=line["shipped"],
            short=line["short"],
            status=Code(line["code"]).name,
            status_code=line["code"],
        )
        for line in sorted(order.rows("order_lines"), key=lambda line: line["line_no"])
    )


def _works(order: _Order) -> tuple[WorkView, ...]:
    quantity, picked = Counter[int](), Counter[int]()
    for part in order.rows("work_lines"):
        quantity[part["work_id"]] += part["quantity"]
        picked[part["work_id"]] += part["picked"]
    return tuple(
        WorkView(
            work_id=work["work_id"],
            order_no=order.head["oms_order_no"],
            mode=work["mode"],
            station_id=work["station_id"],
            slot_id=work["slot_id"],
            claimant=work["claimant"],
            held=work["held"],
            priority=work["priority"],
            status=Code(work["code"]).name,
            status_code=work["code"],
            quantity=quantity[work["work_id"]],
            picked=picked[work["work_id"]],
            replenishments=order.waits.get(work["work_id"], 0),
            waits_for=work.get("waits_for"),
        )
        for work in order.rows("work_orders")
    )


def _packages(order: _Order) -> tuple[PackageView, ...]:
    skus = order.skus
    lines: defaultdict[int, list[PackageLineView]] = defaultdict(list)
    for line in order.rows("package_lines"):
        lines[line["package_id"]].append(
            PackageLineView(
                line_id=line["line_id"],
                sku_id=skus[line["line_id"]],
                lot_no=order.lots[line["lot_id"]],
                quantity=line["quantity"],
                reviewed=line["reviewed"],
            )
        )
    return tuple(
        PackageView(
            package_id=package["package_id"],
            package_no=package["package_no"],
            order_id=package["order_id"],
            order_no=order.head["oms_order_no"],
            work_id=package["work_id"],
            box_id=package["box_id"],
            kind=package["kind"],
            status=Code(package["code"]).name,
            status_code=package["code"],
            place=package["consolidation_id"],
            weight_kg=package["weight_kg"],
            tracking_no=package["tracking_no"],
            reviewer=package["reviewer"],
            lines=tuple(lines[package["package_id"]]),
        )
        for package in order.rows("packages")
    )


def _put_backs(order: _Order) -> tuple[PutBackView, ...]:
    skus = order.skus
    allocations = {each["allocation_id"]: each for each in order.rows("allocations")}
    return tuple(
        PutBackView(
            put_back_id=goods["put_back_id"],
            order_no=order.head["oms_order_no"],
            sku_id=skus[allocations[goods["allocation_id"]]["line_id"]],
            lot_no=order.lots[goods["lot_id"]],
            quantity=goods["quantity"],
            upns=tuple(from_json(goods["upns"])),
            box_id=goods["box_id"],
            from_holder=allocations[goods["allocation_id"]]["holder_id"],
            done_at=to_moment(goods["done_at"]),
            recall_id=goods.get("recall_id"),
        )
        for goods in order.rows("put_backs")
    )


def _presentations(order: _Order) -> tuple[PresentationView, ...]:
    units = Counter[int]()
    for part in order.rows("allocations"):
        if part["presentation_id"] is not None and part["code"] < Code.PICKED:
            units[part["presentation_id"]] += part["quantity"] - part["picked"] - part["short"]
    return tuple(
        PresentationView(
            presentation_id=brought["presentation_id"],
            purpose=brought["purpose"],
            container_id=brought["container_id"],
            station_id=brought["station_id"],
            destination=brought["destination"],
            state=brought["state"],
            reason=brought["reason"],
            created_at=to_datetime(brought["created_at"]),
            arrived_at=to_moment(brought["arrived_at"]),
            units=units[brought["presentation_id"]],
            why=brought.get("why"),
        )
        for brought in order.rows("presentations")
    )


def _exceptions(order: _Order) -> tuple[ExceptionView, ...]:
    head, skus = order.head, order.skus
    return tuple(
        ExceptionView(
            exception_id=matter["exception_id"],
            order_no=head["oms_order_no"],
            outbound_no=head["outbound_no"],
            status_code=head["code"],
            kind=matter["kind"],
            sku_id=skus.get(matter["line_id"]),
            text=matter["text"],
            at=to_datetime(matter["at_us"]),
            decisions=decisions_about(matter["kind"], head["code"], matter["settled_at"]),
            settled_at=to_moment(matter["settled_at"]),
            settled_by=matter["settled_by"],
        )
        for matter in order.rows("order_exceptions")
    )


def _questions(order: _Order) -> tuple[QuestionView, ...]:
    return tuple(
        QuestionView(
            question_id=asked["question_id"],
            station_id=asked["station_id"],
            slot_id=asked["slot_id"],
            kind=asked["kind"],
            put_id=asked["put_id"],
            text=asked["text"],
            at=to_datetime(asked["at_us"]),
        )
        for asked in order.rows("questions")
        if asked["settled_at"] is None
        and (asked["kind"] != QuestionKind.NO_BUTTON or asked["at_us"] <= order.noticed)
    )


def _stages(order: _Order) -> tuple[StageView, ...]:
    stages = [each for each in order.rows("stages") if each["document"] == "order"]
    return tuple(
        StageView(
            status_code=int(stage["code"]),
            status=Code(int(stage["code"])).name,
            at=to_datetime(stage["at_us"]),
            operator=stage["operator"],
        )
        for stage in sorted(stages, key=lambda stage: (stage["at_us"], int(stage["code"])))
    )
