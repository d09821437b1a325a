"""`gateway wes`: what is done with the WES core from a terminal."""

from typing import Any, Final

from typer.main import get_group

from gateway.cli.listed import Listed, alone, commands


def _run() -> Any:
    from gateway.cli.run_wes import run_wes

    return alone(run_wes)


def _allocate() -> Any:
    from gateway.cli.allocate import allocate

    return alone(allocate)


def _verify() -> Any:
    from gateway.cli.verify import verify

    return alone(verify)


def _import_stock() -> Any:
    from gateway.cli.import_stock import import_stock

    return alone(import_stock)


def _orders() -> Any:
    from gateway.cli.wes_floor import orders

    return alone(orders)


def _order() -> Any:
    from gateway.cli.wes_order import order

    return alone(order)


def _stations() -> Any:
    from gateway.cli.wes_floor import stations

    return alone(stations)


def _stock() -> Any:
    from gateway.cli.wes_floor import stock

    return alone(stock)


def _products() -> Any:
    from gateway.cli.wes_floor import products

    return alone(products)


def _delete_product() -> Any:
    from gateway.cli.wes_products import delete_product

    return alone(delete_product)


def _performance() -> Any:
    from gateway.cli.wes_performance import performance

    return alone(performance)


def _places() -> Any:
    from gateway.cli.wes_places import places

    return alone(places)


def _misplaced() -> Any:
    from gateway.cli.wes_places import misplaced

    return alone(misplaced)


def _replenishments() -> Any:
    from gateway.cli.wes_floor import replenishments

    return alone(replenishments)


def _arrivals() -> Any:
    from gateway.cli.wes_floor import arrivals

    return alone(arrivals)


def _inspections() -> Any:
    from gateway.cli.wes_inspections import inspections

    return alone(inspections)


def _returns() -> Any:
    from gateway.cli.wes_floor import returns

    return alone(returns)


def _counts() -> Any:
    from gateway.cli.wes_counts import counts

    return alone(counts)


def _label() -> Any:
    from gateway.cli.wes_paper import label

    return alone(label)


def _document() -> Any:
    from gateway.cli.wes_paper import document

    return alone(document)


def _transfers() -> Any:
    from gateway.cli.wes_transfers import transfers

    return get_group(transfers)


def _report() -> Any:
    from gateway.cli.wes_report import report

    return alone(report)


def _trace() -> Any:
    from gateway.cli.wes_tracing import trace

    return alone(trace)


def _recall() -> Any:
    from gateway.cli.wes_tracing import recall

    return alone(recall)


def _alarms() -> Any:
    from gateway.cli.wes_attention import alarms

    return alone(alarms)


def _codes() -> Any:
    from gateway.cli.wes_codes import codes

    return get_group(codes)


def _exceptions() -> Any:
    from gateway.cli.wes_attention import exceptions

    return get_group(exceptions)


def _messages() -> Any:
    from gateway.cli.wes_attention import messages

    return get_group(messages)


COMMANDS: Final = {
    "run": Listed(
        "Run the WES core of a site over the gateway's public contract, until it is stopped (Ctrl-C, SIGTERM).",
        _run,
    ),
    "allocate": Listed("Choose orders and totes with the most units per tote.", _allocate),
    "verify": Listed("Verify stock: every balance is the sum of its ledger, and the layers agree.", _verify),
    "import-stock": Listed("Take the stock of a table in.", _import_stock),
    "orders": Listed("List orders, the newest first, and why they wait.", _orders),
    "order": Listed(
        "Show the newest order of a number: its lines, what it waits for, its work, its packages, when it came where.",
        _order,
    ),
    "stations": Listed("List stations, who works there, and what they have to do.", _stations),
    "stock": Listed(
        "List stock by product: what is there, promised, bound, held, and what is left to promise.", _stock
    ),
    "places": Listed("Show flat places where goods may be put, the best first.", _places),
    "misplaced": Listed(
        "List what lies where it does not belong; containers are brought away by themselves, the others by people.",
        _misplaced,
    ),
    "products": Listed("List products as upstream has described them, and their codes.", _products),
    "delete-product": Listed(
        "Forget a product that no document and no stock has ever named.", _delete_product
    ),
    "replenishments": Listed(
        "List goods that are to be moved to where they are picked, and how many work orders wait for them.",
        _replenishments,
    ),
    "arrivals": Listed("List goods that are on their way, and what still lacks of each notice.", _arrivals),
    "inspections": Listed(
        "List the lots that came with a notice: what waits for an inspection, how the others were judged.",
        _inspections,
    ),
    "returns": Listed(
        "List goods that come back, the newest first: what was announced, and what has come of it.", _returns
    ),
    "performance": Listed(
        "Show what left in time and right, and what was found too much or too little.", _performance
    ),
    "counts": Listed("List stock counts, and what they have found; or the lines of one.", _counts),
    "label": Listed(
        "Draw labels of containers, locations, lots and packages, for office or label printers.", _label
    ),
    "document": Listed(
        "Make a page to print: a pick list, a packing slip, what is to come, to be counted, or to be moved.",
        _document,
    ),
    "transfers": Listed(
        "Goods that are ordered to be moved: list, show, approve, abort, delete.", _transfers
    ),
    "report": Listed("Show the last days in figures, or write them as a page and as tables.", _report),
    "trace": Listed(
        "Show where a lot or a unit came from, where it lies, who is promised some, and to whom it has been shipped.",
        _trace,
    ),
    "recall": Listed(
        "Call a bad lot back: nothing more of it is promised or leaves; then show where it is and who has had some.",
        _recall,
    ),
    "alarms": Listed(
        "List what a person must look at: the exchange with upstream, planning, stock that contradicts itself.",
        _alarms,
    ),
    "codes": Listed("Codes of the site: its rules, numbers for labels, what a scanned text is.", _codes),
    "exceptions": Listed("Orders that cannot go on: list, settle.", _exceptions),
    "messages": Listed("Messages that upstream refuses and that were given up: list, send, skip.", _messages),
}

wes = commands(COMMANDS, "The WES core: run, look, allocate, import stock, verify; what waits for a person.")
