"""Documents that people carry: pick lists, packing slips, lists of what is to come, to be counted, or to be moved (S2-158).

Each is one page that stands alone, with a bar code of its number and of every place or container that a person scans, and with
empty fields for what a hand writes. Of a blind count it has no field for what the books say.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from gateway.contract.arrivals import ExpectedArrivalView
from gateway.contract.counts import CountLineView, CountView
from gateway.contract.documents import WorkView
from gateway.contract.labels import CodeView, LabelView
from gateway.contract.transfers import TransferView
from gateway.paper.page import facts, heading, page, rows

NOT_SAID: Final = ""

Code = Callable[[str], CodeView]
"""Returns the bar code of a number."""


def pick_list(work: WorkView, code: Code, zone: ZoneInfo) -> str:
    """Return what is to be picked for a work order, and from where."""
    heads = ("from", "cell", "product", "name", "lot", "best before", "to pick", "picked")
    lines = (
        (
            *(_coded(task.holder_id, code), task.cell or NOT_SAID, task.sku_id, task.name, task.lot_no),
            *(_day(task.expiry_at, zone), f"{task.rest} {task.unit}".rstrip(), None),
        )
        for task in work.tasks
        if task.rest
    )
    told = (
        ("order", work.order_no),
        ("mode", work.mode),
        ("station", work.station_id),
        ("into", work.slot_id),
        ("for", work.claimant),
        ("waits", work.held),
    )
    return _page(f"Pick list {work.work_id}", code(str(work.work_id)), facts(told), rows(heads, lines))


def packing_slip(package: LabelView, code: Code) -> str:
    """Return what is in a package, and who gets it: to be laid into it."""
    heads = ("product", "name", "lot", "best before", "quantity")
    lines = (
        (
            lot.sku_id,
            lot.sku_name,
            lot.lot_no,
            lot.expires_on or NOT_SAID,
            f"{lot.quantity} {lot.unit}".rstrip(),
        )
        for lot in package.lots
    )
    place = " ".join(filter(None, (package.district, package.city, package.province)))
    told = (
        ("to", package.consignee),
        ("phone", package.phone),
        ("address", package.address),
        (NOT_SAID, place),
        ("order", package.order_no),
        ("carrier", " ".join(filter(None, (package.carrier_code, package.service_type)))),
        ("tracking", package.tracking_no),
        ("weight", None if package.weight_kg is None else f"{package.weight_kg:g} kg"),
    )
    more = package.lot_count - len(package.lots)
    rest = [f"<p>and {more} more lots</p>"] if more > 0 else []
    return _page(
        f"Packing slip {package.package_no}", code(package.package_no), facts(told), rows(heads, lines), *rest
    )


def arrival_list(arrival: ExpectedArrivalView, code: Code, zone: ZoneInfo) -> str:
    """Return what is to come with a notice, to be checked at the dock."""
    heads = ("line", "product", "name", "lot", "announced", "received", "lacks", "came", "lot, best before")
    lines = (
        (
            *(
                line.line_no,
                line.sku_id,
                line.sku_name,
                line.lot_no,
                f"{line.announced} {line.unit}".rstrip(),
            ),
            *(line.received, line.lacks, None, None),
        )
        for line in arrival.lines
    )
    told = (
        ("kind", arrival.kind),
        ("supplier", arrival.supplier),
        ("expected", _moment(arrival.expected_at, zone)),
        ("state", arrival.state),
    )
    return _page(f"Arrival {arrival.notice_no}", code(arrival.notice_no), facts(told), rows(heads, lines))


def count_list(count: CountView, lines: Sequence[CountLineView], code: Code, zone: ZoneInfo) -> str:
    """Return what is still to be counted of a count, to be written in; of a blind one without the books."""
    books = () if count.blind else ("books",)
    heads = ("in", "at", "product", "name", "lot", *books, "counted", "damaged")
    told = (
        ("ordered by", count.operator),
        ("because", count.reason),
        ("due", _moment(count.due_at, zone)),
        ("lines", len(lines)),
    )
    return _page(
        f"Count {count.count_id}",
        code(count.count_id),
        facts(told),
        rows(heads, (_counted(line, code, blind=count.blind) for line in lines)),
    )


def transfer_list(transfer: TransferView, code: Code, zone: ZoneInfo) -> str:
    """Return what is to be moved by a transfer, and where to."""
    heads = ("from", "at", "product", "name", "lot", "to take", "to", "taken", "put")
    lines = (
        (
            *(code(task.source_id), task.location_id or NOT_SAID, task.sku_id, task.name, task.lot_no),
            *(f"{task.rest} {task.unit}".rstrip(), task.target or task.target_zone or NOT_SAID, None, None),
        )
        for task in transfer.tasks or ()
        if task.rest or task.moving
    )
    told = (
        ("purpose", transfer.purpose),
        ("leaves to", transfer.leaves_to),
        ("destination", transfer.destination),
        ("state", transfer.state),
        ("because", transfer.reason),
        ("due", _moment(transfer.due_at, zone)),
    )
    return _page(
        f"Transfer {transfer.transfer_id}", code(transfer.transfer_id), facts(told), rows(heads, lines)
    )


def _page(title: str, code: CodeView, *body: str) -> str:
    return page(title, (heading(title, code), *body))


def _counted(line: CountLineView, code: Code, *, blind: bool) -> Iterator[object]:
    yield _coded(line.holder_id, code)
    yield line.location_id or NOT_SAID
    yield from (line.sku_id, line.name, line.lot_no)
    if not blind:
        yield NOT_SAID if line.books is None else line.books
    yield from (None, None)


def _coded(holder_id: str | None, code: Code) -> CodeView | str:
    return NOT_SAID if holder_id is None else code(holder_id)


def _day(moment: datetime | None, zone: ZoneInfo) -> str:
    return NOT_SAID if moment is None else f"{moment.astimezone(zone):%Y-%m-%d}"


def _moment(moment: datetime | None, zone: ZoneInfo) -> str:
    return NOT_SAID if moment is None else f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
