"""Drawings as PDF 1.7 (ISO 32000-1), a page each: what any office printer prints as large as it is.

Nothing is embedded: Latin letters are Helvetica, which every reader has (section 9.6.2.2); others are STSong-Light with the
predefined character map of Chinese (section 9.7.5.2), which readers replace by a font of the machine. Letters that GB 18030 does
not have are missing then; SVG leaves the choice of fonts to the browser.
"""

import zlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, assert_never

from gateway.paper.drawing import Bars, Drawing, Part, Squares, Text, ink_of, text_width

POINTS: Final = 72 / 25.4
"""Per mm."""

_FONTS: Final = (
    b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UTF16-H /DescendantFonts [<< /Type /Font"
    b" /Subtype /CIDFontType0 /BaseFont /STSong-Light /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 5 >>"
    b" /DW 1000 /FontDescriptor << /Type /FontDescriptor /FontName /STSong-Light /Flags 4 /FontBBox [-25 -254 1000 880]"
    b" /ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >> >>] >>",
)
_FIRST_PAGE: Final = 3 + len(_FONTS)
"""Number of the first page's object: after catalogue, pages and fonts."""


def pdf(drawings: Sequence[Drawing]) -> bytes:
    """Return drawings as one document."""
    pages = [_FIRST_PAGE + 2 * number for number in range(len(drawings))]
    kids = b" ".join(b"%d 0 R" % page for page in pages)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages)),
        *_FONTS,
    ]
    fonts = b" ".join(b"/F%d %d 0 R" % (number, 3 + number) for number in range(len(_FONTS)))
    for page, drawing in zip(pages, drawings, strict=True):
        size = f"{_pt(drawing.width)} {_pt(drawing.height)}".encode()
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %s] /Contents %d 0 R /Resources << /Font << %s >> >> >>"
            % (size, page + 1, fonts)
        )
        drawn = zlib.compress("\n".join(_drawn(drawing)).encode("ascii"))
        objects.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(drawn), drawn))
    return _file(objects)


def _file(objects: Sequence[bytes]) -> bytes:
    """Return objects as a file, with the table that says where each begins (section 7.5)."""
    body = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    starts: list[int] = []
    for number, each in enumerate(objects, 1):
        starts.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    body += b"".join(b"%010d 00000 n \n" % start for start in starts)
    body += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(body)


def _drawn(drawing: Drawing) -> Iterator[str]:
    for part in drawing.parts:
        yield from _part(part, drawing.height)


def _part(part: Part, height: float) -> Iterator[str]:
    """Yield the operators of a part; PDF counts from the lower left corner."""
    match part:
        case Text():
            x = part.x
            for latin, run in groupby(part.text, _is_latin):
                text = "".join(run)
                font = (1 if part.bold else 0) if latin else 2
                shown = text.encode("cp1252" if latin else "utf-16-be").hex()
                yield f"BT /F{font} {_pt(part.size)} Tf {_pt(x)} {_pt(height - part.y)} Td <{shown}> Tj ET"
                x += text_width(text, part.size, bold=part.bold and latin)
        case Bars() | Squares():
            for each in ink_of(part):
                lower = height - each.y - each.height
                yield f"{_pt(each.x)} {_pt(lower)} {_pt(each.width)} {_pt(each.height)} re"
            yield "f"
        case _:
            assert_never(part)


def _is_latin(letter: str) -> bool:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _pt(length_mm: float) -> str:
    return f"{length_mm * POINTS:.3f}".rstrip("0").rstrip(".")
