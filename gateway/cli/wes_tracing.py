"""`gateway wes trace`, `recall`: where a lot or a unit came from, lies and went; and a bad lot is called back."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer
from pydantic import JsonValue
from rich.text import Text

from gateway.cli.acts import OperatorOption, ReasonOption, act, derived_id
from gateway.cli.appearance import Listing, clock_time, relative, stdout
from gateway.cli.client import (
    DEFAULT_URL,
    GatewayClient,
    JsonOption,
    UrlOption,
    connect,
    content,
    parse,
    parse_items,
    print_json,
    segment,
)
from gateway.cli.credentials import TokenFileOption
from gateway.cli.failure import REFUSED, Failure
from gateway.contract.acts import ActView, RecalledLot
from gateway.contract.documents import StockPositionView
from gateway.contract.tracing import (
    LotOrderView,
    LotStage,
    LotTraceView,
    ShipmentView,
    UnitMoveView,
    UnitView,
)
from gateway.kernel.clock import SystemClock, to_datetime

LIMIT: Final = 10_000
"""Places, orders, packages or moves that are shown."""

_STAGES: Final[Mapping[LotStage, str]] = {
    LotStage.PROMISED: "promised",
    LotStage.BOUND: "bound",
    LotStage.COMING: "on its way",
    LotStage.AT_STATION: "at a station",
    LotStage.PICKED: "picked",
    LotStage.PACKED: "packed",
    LotStage.TO_TAKE_OUT: "to take out",
    LotStage.TO_PUT_BACK: "to put back",
}

ProductArgument = Annotated[str, typer.Argument(metavar="PRODUCT", help="Its number (SKU).")]
LotOption = Annotated[
    str, typer.Option("--lot", metavar="LOT", help="The lot's number; without it: goods without batches.")
]
OwnerOption = Annotated[
    str | None, typer.Option("--owner", metavar="OWNER", help="Of the goods; without it: the site's own.")
]


def trace(
    product: ProductArgument,
    lot: LotOption = "",
    unit: Annotated[
        str | None, typer.Option("--unit", metavar="NUMBER", help="One unit by its serial number, not a lot.")
    ] = None,
    owner: OwnerOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where a lot or a unit came from, where it lies, who is promised some, and to whom it has been shipped."""
    which = {"skuId": product} | ({} if owner is None else {"ownerId": owner})
    with connect(url, token_file) as gateway:
        if unit is None:
            found = _lot(gateway, {**which, "lotNo": lot})
        else:
            found = _unit(gateway, unit, which)
    if as_json:
        print_json(found)
    elif unit is None:
        _tell_lot(found)
    else:
        _tell_unit(found)


def recall(
    product: ProductArgument,
    reason: ReasonOption,
    lot: LotOption = "",
    owner: OwnerOption = None,
    operator: OperatorOption = None,
    act_id: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="ID", help="Of the recall: typed again with the same, it is answered again."
        ),
    ] = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Call a bad lot back: nothing more of it is promised or leaves; then show where it is and who has had some."""
    which = {"skuId": product, "lotNo": lot} | ({} if owner is None else {"ownerId": owner})
    body: dict[str, JsonValue] = {"actId": act_id or derived_id(), **act(operator, reason), **which}
    with connect(url, token_file) as gateway:
        response = gateway.post("/v1/wes/corrections/recalls", body)
        view, done = parse(ActView, response), content(response)
        found = _lot(gateway, which)
    if as_json:
        print_json({"recall": done, **found})
        return
    for each in view.recalled or ():
        stdout().print(_recalled(each), soft_wrap=True)
    stdout().print(Text(f"recall {view.act_id}\n", "dim"), soft_wrap=True)
    _tell_lot(found)


def _lot(gateway: GatewayClient, which: dict[str, str]) -> dict[str, Any]:
    """Read all that is known of a lot."""
    places = {name: value for name, value in which.items() if name != "skuId"}
    return {
        "trace": content(gateway.get("/v1/wes/lots/trace", which)),
        "positions": gateway.items(f"/v1/wes/stock/{segment(which['skuId'])}", places, LIMIT),
        "orders": gateway.items("/v1/wes/lots/orders", which, LIMIT),
        "shipments": gateway.items("/v1/wes/lots/shipments", which, LIMIT),
    }


def _unit(gateway: GatewayClient, number: str, which: dict[str, str]) -> dict[str, Any]:
    """Read all that is known of a unit."""
    path = f"/v1/wes/units/{segment(number)}"
    units = gateway.items(path, which, 1)
    if not units["items"]:
        what_to_do = ("what to do", f"see the lots of it: gateway wes trace {which['skuId']} --lot LOT")
        raise Failure(REFUSED, f"there is no {which['skuId']} with the number {number}", what_to_do)
    return {"unit": units["items"][0], "moves": gateway.items(f"{path}/moves", which, LIMIT)}


def _recalled(lot: RecalledLot) -> Text:
    return Text.assemble(
        (f"lot {lot.lot_no or 'without a number'} is recalled: ", "bold"),
        f"{lot.quantity} pieces are here, {lot.promised} of them were promised to orders, {lot.picked} picked;"
        f" {lot.shipped} had left.",
    )


def _tell_lot(found: dict[str, Any]) -> None:
    console, now = stdout(), to_datetime(SystemClock().now_us())
    view = LotTraceView.model_validate(found["trace"], extra="ignore")
    lot = view.lot
    recalled = " recalled" if lot.recalled else ""
    console.print(
        Text.assemble(
            (f"{lot.sku_id}, lot {lot.lot_no or 'without a number'}", "bold"), f"  {lot.quality}{recalled}"
        )
    )
    console.print(
        f"received {view.received}, came back {view.came_back}, shipped {view.shipped}, by counts {view.adjusted:+},"
        f" sent back {view.sent_back}, handed over {view.handed_over}; here {lot.quantity}: promised {lot.reserved},"
        f" picked {view.picked}, to take out of boxes {view.to_take_out}",
        soft_wrap=True,
    )
    for each in view.arrivals:
        origin = (lot.supplier or each.source) if each.source == "SUPPLIER" else each.source
        text = f"{each.quantity} came from {origin} with {each.document_kind} {each.document_id}"
        console.print(f"{clock_time(each.at)}  {text} ({each.operator})", soft_wrap=True)
    for each in view.judgements:
        console.print(f"{clock_time(each.at)}  {each.reason} ({each.operator})", soft_wrap=True)
    for each in view.merges:
        text = f"{each.quantity} of lot {each.from_lot} became lot {each.into_lot}: {each.reason}"
        console.print(f"{clock_time(each.at)}  {text} ({each.operator})", soft_wrap=True)
    for each in view.returned_lots:
        console.print(
            Text.assemble(
                "what came back is lot ", each, (f": gateway wes trace {lot.sku_id} --lot {each}", "dim")
            )
        )
    lies = Listing("in", "at", "pieces", "bound", "held", title="where it lies")
    for place in parse_items(StockPositionView, found["positions"]):
        figures = (place.quantity, place.allocated, place.held)
        lies.add_row(place.holder_id, place.location_id or "", *(str(figure or "") for figure in figures))
    holding = Listing(
        "order", "for", "how far", "pieces", "in", "at", "put-back", title="who has some, or is promised some"
    )
    for part in parse_items(LotOrderView, found["orders"]):
        holding.add_row(
            *(part.order_no, part.consignee, _STAGES[part.stage], str(part.quantity)),
            *(part.package_no or part.box or part.holder_id or "", part.station_id or part.location_id or ""),
            str(part.put_back_id or ""),
        )
    left = Listing(
        "when",
        "order",
        "package",
        "pieces",
        "consignee",
        "phone",
        sentences=("address",),
        title="what has left",
    )
    for shipment in parse_items(ShipmentView, found["shipments"]):
        left.add_row(
            *(relative(shipment.at, now), shipment.order_no, shipment.package_no, str(shipment.quantity)),
            *(shipment.consignee, shipment.phone, Text(shipment.address, "dim")),
        )
    tables = (
        (lies, "positions", "nothing of it is here"),
        (holding, "orders", "no order has any of it here"),
        (left, "shipments", "nothing of it has left"),
    )
    for table, name, none in tables:
        console.print(table if found[name]["items"] else none)


def _tell_unit(found: dict[str, Any]) -> None:
    console = stdout()
    unit = UnitView.model_validate(found["unit"], extra="ignore")
    recalled = " recalled" if unit.recalled else ""
    console.print(
        Text.assemble(
            (f"{unit.sku_id} {unit.upn}", "bold"),
            f"  lot {unit.lot_no or 'without a number'}, {unit.quality}{recalled}; it is in {unit.holder_id}",
            "" if unit.location_id is None else f" at {unit.location_id}",
            f", from {unit.supplier}" if unit.supplier else "",
        )
    )
    moves = Listing("when", "what", "from", "to", "by", "order", "package", sentences=("to whom, why",))
    for move in parse_items(UnitMoveView, found["moves"]):
        shipment = move.shipment
        told = (
            move.reason if shipment is None else f"{shipment.consignee}, {shipment.phone}, {shipment.address}"
        )
        moves.add_row(
            *(clock_time(move.at), move.kind, move.source, move.target, move.operator),
            *(("", "") if shipment is None else (shipment.order_no, shipment.package_no)),
            Text(told, "dim"),
        )
    none = "it was moved before moves of units were recorded"
    console.print(moves if found["moves"]["items"] else none)
