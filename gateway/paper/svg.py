"""Drawings as SVG, in millimetres: for browsers, office printers and whoever lays out pages of their own."""

from collections.abc import Iterator, Sequence
from typing import Final, assert_never
from xml.sax.saxutils import escape

from gateway.paper.drawing import Bars, Drawing, Part, Squares, Text, ink_of

FONTS: Final = "Arial, Helvetica, 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif"
GAP: Final = 5.0
"""Between one label and the next, mm."""


def svg(drawings: Sequence[Drawing]) -> str:
    """Return drawings as one document, each below the one before it."""
    width = max(each.width for each in drawings)
    height = sum(each.height for each in drawings) + GAP * (len(drawings) - 1)
    parts: list[str] = []
    top = 0.0
    for drawing in drawings:
        parts.append(f'<g transform="translate(0 {_mm(top)})">{"".join(_drawn(drawing))}</g>')
        top += drawing.height + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_mm(width)}mm" height="{_mm(height)}mm"'
        f' viewBox="0 0 {_mm(width)} {_mm(height)}" font-family="{FONTS}">\n{chr(10).join(parts)}\n</svg>\n'
    )


def _drawn(drawing: Drawing) -> Iterator[str]:
    yield f'<rect width="{_mm(drawing.width)}" height="{_mm(drawing.height)}" fill="#fff"/>'
    for part in drawing.parts:
        yield part_as_svg(part)


def part_as_svg(part: Part) -> str:
    """Return one part of a drawing as SVG elements; lengths are in mm."""
    match part:
        case Text():
            weight = ' font-weight="bold"' if part.bold else ""
            place = f'x="{_mm(part.x)}" y="{_mm(part.y)}" font-size="{_mm(part.size)}"'
            return f'<text {place}{weight} xml:space="preserve">{escape(_printable(part.text))}</text>'
        case Bars() | Squares():
            ink = "".join(
                f"M{_mm(each.x)} {_mm(each.y)}h{_mm(each.width)}v{_mm(each.height)}h-{_mm(each.width)}z"
                for each in ink_of(part)
            )
            return f'<path shape-rendering="crispEdges" d="{ink}"/>'
        case _:
            assert_never(part)


def _printable(text: str) -> str:
    """Return a text with a sign in the place of what XML cannot hold."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def _mm(length: float) -> str:
    return f"{length:.4f}".rstrip("0").rstrip(".")
