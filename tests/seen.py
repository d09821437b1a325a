"""What is printed, as others see it: pictures by renderers of SVG, PDF and ZPL, and what a bar code reader reads in them."""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pypdfium2
import resvg_py
import zplkit
import zxingcpp
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""Rows of grey pixels."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A symbol that was read.

    Attributes:
        symbology: as a scanner tells it, e.g. `]C1` for GS1-128.
        text: what a scanner sends after that.
    """

    symbology: str
    text: str


def read_codes(picture: Picture) -> set[Seen]:
    """Return the symbols of a picture."""
    found: Any = zxingcpp.read_barcodes(np.ascontiguousarray(picture), try_downscale=False)
    return {Seen(each.symbology_identifier, each.bytes.decode()) for each in found}


def picture_of_rows(rows: tuple[tuple[bool, ...], ...], module: int = 4, quiet: int = 10) -> Picture:
    """Return the modules of a symbol as a picture, with a quiet zone around it."""
    inked = np.pad(np.array(rows, dtype=np.uint8), quiet)
    return np.kron((1 - inked) * 255, np.ones((module, module))).astype(np.uint8)


def picture_of_svg(svg: str) -> Picture:
    """Return an SVG document as it looks at 203 dpi."""
    return _grey(bytes(resvg_py.svg_to_bytes(svg_string=svg, dpi=203, background="white")))


def pictures_of_pdf(pdf: bytes) -> list[Picture]:
    """Return the pages of a PDF document as they look."""
    pages: Any = pypdfium2.PdfDocument(BytesIO(pdf))
    return [page.render(scale=4, grayscale=True).to_numpy() for page in pages]


def texts_of_pdf(pdf: bytes) -> list[list[str]]:
    """Return the lines of each page of a PDF document."""
    pages: Any = pypdfium2.PdfDocument(BytesIO(pdf))
    return [page.get_textpage().get_text_range().splitlines() for page in pages]


def pictures_of_zpl(zpl: str) -> list[Picture]:
    """Return the labels of a ZPL print job as a label printer prints them."""
    rasters = [label.rasterize() for label in zplkit.render(zpl).labels]
    return [
        np.frombuffer(bytes(each.pixels), dtype=np.uint8).reshape(each.height, each.width) for each in rasters
    ]


def _grey(png: bytes) -> Picture:
    """Return the red of a PNG file of 8-bit RGBA (ISO/IEC 15948), which is as good as any where all is black and white."""
    (width, height), chunks = struct.unpack(">II", png[16:24]), dict[bytes, bytes]()
    at = len(b"\x89PNG\r\n\x1a\n")
    while at < len(png):
        (length,), kind = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        chunks[kind] = chunks.get(kind, b"") + png[at + 8 : at + 8 + length]
        at += 12 + length
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), dtype=np.uint8).reshape(height, 1 + 4 * width)
    picture = np.zeros((height, width), dtype=np.uint8)
    above = np.zeros(width, dtype=np.uint8)
    for number, line in enumerate(lines):
        above = picture[number] = _unfiltered(int(line[0]), line[1::4], above)
    return picture


def _unfiltered(kind: int, line: Picture, above: Picture) -> Picture:
    """Return a line of pixels as it was before it was filtered (section 9)."""
    if kind in (0, 2):
        return line + above * (kind == 2)
    if kind == 1:
        return np.cumsum(line, dtype=np.uint8)
    row: list[int] = []
    left = corner = 0
    for pixel, upper in zip(line.tolist(), above.tolist(), strict=True):
        guess = (left + upper) // 2 if kind == 3 else _paeth(left, upper, corner)
        left, corner = (pixel + guess) & 255, upper
        row.append(left)
    return np.array(row, dtype=np.uint8)


def _paeth(left: int, upper: int, corner: int) -> int:
    guess = left + upper - corner
    return min((left, upper, corner), key=lambda each: abs(guess - each))
