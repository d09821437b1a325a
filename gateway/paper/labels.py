"""Which texts and symbols stand where on a label, and how large: whatever the paper's size, nothing runs over its edge.

From the top: what it is, its name in large letters beside a Data Matrix, Code 128 with the same content below, and then lines as
far as they fit. A symbol that would get too small to be read, or that cannot say the text, is left out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, assert_never

from gateway.contract.labels import (
    AnyLabel,
    CodeView,
    ContainerLabelView,
    LabelLotView,
    LabelView,
    LocationLabelView,
    LotLabelView,
)
from gateway.paper import code128, datamatrix
from gateway.paper.drawing import Bars, Drawing, Part, Squares, Text, content_of, text_width
from gateway.site.wes import LabelPaper

MARGIN: Final = 3.0
HEAD: Final = 3.2
TITLE: Final = 9.0
LINE: Final = 3.4
"""Sizes of letters, mm."""
LEADING: Final = 1.25
"""From one line to the next, in sizes."""
BARS: Final = 12.0
"""Height of bars, mm."""
BAR_MODULE: Final = (0.25, 0.5)
SQUARE_MODULE: Final = (0.25, 0.75)
"""Modules, mm: the smallest that scanners read, and the largest that is of any use."""
SQUARES_MAX: Final = 0.45
"""Of a label's height at most."""
ELLIPSIS: Final = "…"


@dataclass(frozen=True, slots=True)
class _Content:
    """What is to stand on a label.

    Attributes:
        head: what it is.
        title: in large letters.
        lines: the more important ones first.
    """

    head: str
    title: str
    code: CodeView
    lines: tuple[str, ...]


def draw(view: AnyLabel, paper: LabelPaper) -> Drawing:
    """Return a label as it will look on the site's paper."""
    dot = 1 / paper.dots_per_mm
    content = _content(view)
    said = content_of(content.code)
    parts: list[Part] = []
    squares = _squares(said, paper, dot)
    beside = paper.width_mm - 2 * MARGIN
    top = MARGIN
    if squares is not None:
        parts.append(squares)
        beside = squares.x - squares.module * datamatrix.QUIET - 2 * MARGIN
    parts.append(_line(content.head, MARGIN, top + HEAD, HEAD, beside))
    title = _fitted(content.title, TITLE, beside)
    parts.append(Text(x=MARGIN, y=top + HEAD + TITLE * LEADING, size=title.size, text=title.text, bold=True))
    top += HEAD + TITLE * LEADING + LINE
    if squares is not None:
        side = datamatrix.side_of(said) + datamatrix.QUIET
        top = max(top, squares.y + squares.module * side)
    bars = _bars(said, paper, dot, top)
    if bars is not None:
        parts.append(bars)
        top += BARS
    parts.append(_line(content.code.text, MARGIN, top + LINE, LINE, paper.width_mm - 2 * MARGIN))
    top += LINE * (LEADING + 0.4)
    parts += _lines(content.lines, top, paper)
    return Drawing(paper.width_mm, paper.height_mm, dot, tuple(parts))


def _content(view: AnyLabel) -> _Content:
    match view:
        case ContainerLabelView():
            at = () if view.location_id is None else (f"at {view.location_id}",)
            lines = (*at, *_lots(view.lots, view.lot_count))
            return _Content("Container", view.container_id, view.code, lines)
        case LocationLabelView():
            head = f"Location, zone {view.zone}" if view.zone else "Location"
            return _Content(head, view.location_id, view.code, tuple(_lots(view.lots, view.lot_count)))
        case LotLabelView():
            lot = f"lot {view.lot_no}" if view.lot_no else ""
            days = (
                ("best before", view.expires_on),
                ("made", view.produced_on),
            )
            told = (f"{what} {day}" for what, day in days if day is not None)
            lines = (
                lot,
                *told,
                f"from {view.supplier}" if view.supplier else "",
                f"unit {view.unit}" if view.unit else "",
            )
            return _Content(view.sku_name, view.sku_id, view.code, tuple(filter(None, lines)))
        case LabelView():
            return _Content(
                _carriage(view), view.package_no, view.code, tuple(filter(None, _consignment(view)))
            )
        case _:
            assert_never(view)


def _carriage(view: LabelView) -> str:
    return " ".join(filter(None, ("Package", view.carrier_code, view.service_type)))


def _consignment(view: LabelView) -> Iterator[str]:
    yield f"{view.consignee}  {view.phone}"
    yield view.address
    yield " ".join(filter(None, (view.district, view.city, view.province)))
    yield f"order {view.order_no}" + (f"  {view.weight_kg:g} kg" if view.weight_kg is not None else "")
    yield f"tracking {view.tracking_no}" if view.tracking_no else ""
    yield from _lots(view.lots, view.lot_count)


def _lots(lots: Sequence[LabelLotView], count: int) -> Iterator[str]:
    for lot in lots:
        name = "" if lot.sku_name == lot.sku_id else f" {lot.sku_name}"
        batch = f"  lot {lot.lot_no}" if lot.lot_no else ""
        until = "" if lot.expires_on is None else f"  to {lot.expires_on}"
        yield f"{lot.quantity} {lot.unit or 'pcs'}  {lot.sku_id}{name}{batch}{until}"
    if count > len(lots):
        yield f"and {count - len(lots)} more lots"


def _squares(said: str, paper: LabelPaper, dot: float) -> Squares | None:
    if not datamatrix.fits(said):
        return None
    side = datamatrix.side_of(said)
    room = min(paper.height_mm, paper.width_mm) * SQUARES_MAX
    module = _module(room, side + 2 * datamatrix.QUIET, dot, SQUARE_MODULE)
    if module is None:
        return None
    return Squares(x=paper.width_mm - MARGIN - side * module, y=MARGIN, module=module, content=said)


def _bars(said: str, paper: LabelPaper, dot: float, top: float) -> Bars | None:
    if not code128.fits(said) or top + BARS + LINE > paper.height_mm:
        return None
    count = len(code128.modules(said))
    module = _module(paper.width_mm, count + 2 * code128.QUIET, dot, BAR_MODULE)
    if module is None:
        return None
    x = _on_dots((paper.width_mm - count * module) / 2, dot)
    return Bars(x=x, y=_on_dots(top, dot), height=BARS, module=module, content=said)


def _module(room: float, count: int, dot: float, limits: tuple[float, float]) -> float | None:
    """Return the largest module of whole dots with which so many fit a room; None: it would be too small."""
    least, most = limits
    dots = int(min(room / count, most) / dot + 1e-9)
    return dots * dot if dots * dot >= least - 1e-9 else None


def _on_dots(length: float, dot: float) -> float:
    return round(length / dot) * dot


def _lines(texts: Iterable[str], top: float, paper: LabelPaper) -> Iterator[Text]:
    """Yield lines as far as they fit; the last that fits tells how many do not."""
    told = list(texts)
    room = max(0, int((paper.height_mm - MARGIN - top) / (LINE * LEADING)))
    if len(told) > room > 0:
        told = [*told[: room - 1], f"and {len(told) - room + 1} more lines"]
    for number, text in enumerate(told[:room]):
        y = top + LINE + number * LINE * LEADING
        yield _line(text, MARGIN, y, LINE, paper.width_mm - 2 * MARGIN)


def _line(text: str, x: float, y: float, size: float, width: float) -> Text:
    """Return a line of one size, cut where it would be too wide."""
    shown = text
    while shown and text_width(shown, size) > width:
        shown = shown.removesuffix(ELLIPSIS)[:-1]
        shown = shown + ELLIPSIS if shown else ""
    return Text(x=x, y=y, size=size, text=shown)


@dataclass(frozen=True, slots=True)
class _Fitted:
    size: float
    text: str


def _fitted(text: str, size: float, width: float) -> _Fitted:
    """Return a title as large as fits; what would get smaller than a line is cut instead."""
    wide = text_width(text, size, bold=True)
    if wide <= width:
        return _Fitted(size, text)
    smaller = size * width / wide
    return (
        _Fitted(smaller, text)
        if smaller >= LINE
        else _Fitted(LINE, _line(text, 0, 0, LINE * 1.09, width).text)
    )
