r"""Drawings as ZPL II, a label each: a label printer draws letters and symbols itself, as sharp as its dots are.

All text is sent as UTF-8 (`^CI28`) with `^FH`: every character that means something to ZPL, and every control character, is written
as `_` and its hexadecimal value, so no name of goods can become a command. Which letters appear depends on the fonts in the
printer; its default font has no Chinese ones.
"""

from collections.abc import Iterator, Sequence
from typing import Final, assert_never

from gateway.paper import code128
from gateway.paper.drawing import Bars, Drawing, Part, Squares, Text

FONT: Final = "0"
"""The printer's own scalable one."""
_HEX: Final = "_"
_ESCAPE: Final = "`"
"""In Data Matrix: before `1` for FNC1. No text of ours has it unescaped, for it is told twice to say itself."""
_ASCENT: Final = 0.75
"""Of a letter's size: from its upper edge, from which ZPL counts, to the line that it stands on."""
_INVOKE: Final = {"B": ">6", "C": ">5"}
_BEGIN: Final = {"B": ">:", "C": ">;"}
_FNC1: Final = ">8"
_IN_BARS: Final = {">": ">0", "~": ">=", "^": "><"}
"""Characters that mean something in the data of `^BC`."""


def zpl(drawings: Sequence[Drawing]) -> str:
    """Return drawings as one print job."""
    return "".join(f"^XA\n{chr(10).join(_drawn(each))}\n^XZ\n" for each in drawings)


def _drawn(drawing: Drawing) -> Iterator[str]:
    dots = 1 / drawing.dot
    yield "^CI28"
    yield f"^PW{round(drawing.width * dots)}^LL{round(drawing.height * dots)}^LH0,0"
    for part in drawing.parts:
        yield from _part(part, dots)


def _part(part: Part, dots: float) -> Iterator[str]:
    match part:
        case Text():
            if part.text:
                size = round(part.size * dots)
                origin = f"^FO{round(part.x * dots)},{max(0, round((part.y - part.size * _ASCENT) * dots))}"
                yield f"{origin}^A{FONT}N,{size},{size}^FH{_HEX}^FD{_escaped(part.text)}^FS"
        case Bars():
            origin = f"^FO{round(part.x * dots)},{round(part.y * dots)}^BY{round(part.module * dots)}"
            height = round(part.height * dots)
            yield f"{origin}^BCN,{height},N,N,N,N^FH{_HEX}^FD{_escaped(_symbols(part.content))}^FS"
        case Squares():
            if (
                part.content.isascii()
            ):  # how another text's bytes are meant only an ECI says, which ^BX cannot
                origin = f"^FO{round(part.x * dots)},{round(part.y * dots)}"
                module = round(part.module * dots)
                yield f"{origin}^BXN,{module},200,,,,{_ESCAPE}^FH{_HEX}^FD{_escaped(_squares(part.content))}^FS"
        case _:
            assert_never(part)


def _symbols(content: str) -> str:
    """Return the data of `^BC` that makes the printer choose the very symbol characters that we would draw."""
    said: list[str] = []
    code_set = ""
    for used, sign in code128.signs(content):
        if used != code_set:
            said.append(_INVOKE[used] if code_set else _BEGIN[used])
            code_set = used
        said.append(_FNC1 if sign == code128.FNC1 else _IN_BARS.get(sign, sign))
    return "".join(said)


def _squares(content: str) -> str:
    return content.replace(_ESCAPE, _ESCAPE * 2).replace(code128.FNC1, f"{_ESCAPE}1")


def _escaped(text: str) -> str:
    return "".join(each if _is_plain(each) else _hex(each) for each in text)


def _is_plain(sign: str) -> bool:
    return sign.isprintable() and sign not in "^~_\\"


def _hex(sign: str) -> str:
    return "".join(f"{_HEX}{byte:02X}" for byte in sign.encode())
