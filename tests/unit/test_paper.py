"""What is printed can be read: a bar code reader reads in pictures of it what was to be said, whoever has drawn it."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.labels import (
    AnyLabel,
    CodeView,
    ContainerLabelView,
    LabelLotView,
    LocationLabelView,
    LotLabelView,
)
from gateway.paper import code128, datamatrix
from gateway.paper.drawing import Bars, Squares, Text, content_of, text_width
from gateway.paper.labels import draw
from gateway.paper.pdf import pdf
from gateway.paper.svg import svg
from gateway.paper.zpl import zpl
from gateway.site.wes import LabelPaper
from gateway.wes.labels import gs1_code, number_code
from gateway.wes.scans import read
from tests.seen import (
    Seen,
    picture_of_rows,
    picture_of_svg,
    pictures_of_pdf,
    pictures_of_zpl,
    read_codes,
    texts_of_pdf,
)

pytestmark = pytest.mark.unit

ASCII = "".join(map(chr, range(32, 127)))
LOT_SIGNS = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
EXAMPLES = settings(max_examples=40, deadline=None)
FEW = settings(max_examples=12, deadline=None)
"""Of what takes a tenth of a second each."""
PAPER = LabelPaper()
LOT = {"01": "06901234567892", "17": "270301", "10": "L/9_x"}
NASTY = "~x>^y_`z\\"


def container(name: str = "TOTE-0007", lots: int = 0) -> ContainerLabelView:
    return ContainerLabelView(
        container_id=name,
        code=number_code(name),
        location_id="A1-1-L-05",
        lots=tuple(
            LabelLotView(
                sku_id=f"S{number}",
                sku_name="Green tea",
                lot_no=f"L{number}",
                quantity=number,
                unit="EA",
                expires_on=date(2027, 3, 1),
            )
            for number in range(1, lots + 1)
        ),
        lot_count=lots,
    )


def lot_label(name: str = "Green tea") -> LotLabelView:
    return LotLabelView(
        owner_id="me",
        sku_id="S010205003",
        sku_name=name,
        unit="EA",
        lot_no="L/9_x",
        code=gs1_code(LOT),
        supplier="ACME",
        produced_on=None,
        expires_on=date(2027, 3, 1),
    )


def nasty() -> LocationLabelView:
    return LocationLabelView(location_id=NASTY, code=CodeView(text=NASTY), zone=NASTY, lots=(), lot_count=0)


GS1_TEXT = "010690123456789217270301" + "10L/9_x"
READ: list[tuple[AnyLabel, set[Seen]]] = [
    (container(lots=3), {Seen("]C0", "TOTE-0007"), Seen("]d1", "TOTE-0007")}),
    (lot_label(), {Seen("]C1", GS1_TEXT), Seen("]d2", GS1_TEXT)}),
    (nasty(), {Seen("]C0", NASTY), Seen("]d1", NASTY)}),
]

labels = pytest.mark.parametrize(("view", "read_there"), READ, ids=["container", "lot", "nasty"])


# ── symbols ───────────────────────────────────────────────────────────────────────────────────────────


@EXAMPLES
@given(text=st.text(ASCII, min_size=1, max_size=40) | st.text("0123456789A", min_size=1, max_size=40))
def test_code_128_says_every_text_of_printable_ascii(text: str) -> None:
    bars = picture_of_rows((code128.modules(text),) * 12)
    assert read_codes(bars) == {Seen("]C0", text)}


def test_code_128_has_every_sign_of_both_its_code_sets() -> None:
    pairs = "".join(f"{number:02}" for number in range(100))
    for text in (ASCII[:48], ASCII[48:], pairs[:100], pairs[100:]):
        assert read_codes(picture_of_rows((code128.modules(text),) * 30)) == {Seen("]C0", text)}


@pytest.mark.parametrize(
    ("text", "count"),
    [("12345678", 4), ("1234567", 5), ("A12345B", 7), ("AB1234", 5), ("12", 1), ("\x1d0012", 3), ("A12B", 4)],
)
def test_code_128_takes_as_few_symbol_characters_as_it_can(text: str, count: int) -> None:
    said = code128.signs(text)
    switches = sum(before[0] != after[0] for before, after in pairwise(said))
    assert len(said) + switches == count


@EXAMPLES
@given(text=st.text(ASCII, min_size=1, max_size=174) | st.text("0123456789", min_size=1, max_size=348))
def test_a_data_matrix_says_every_text_of_ascii(text: str) -> None:
    assert read_codes(picture_of_rows(datamatrix.modules(text))) == {Seen("]d1", text)}


@pytest.mark.parametrize("codewords", [3, 5, 8, 12, 18, 22, 30, 36, 44, 62, 86, 114, 144, 174])
def test_a_data_matrix_of_every_size_is_filled_to_its_last_codeword_and_no_further(codewords: int) -> None:
    text = ("Aa!" * codewords)[:codewords]
    square, shorter = datamatrix.modules(text), datamatrix.modules(text[:-1])
    assert read_codes(picture_of_rows(square)) == {Seen("]d1", text)}
    assert read_codes(picture_of_rows(shorter)) == {Seen("]d1", text[:-1])}
    assert len(square) == len(shorter)
    assert not datamatrix.fits(text + "!") or len(datamatrix.modules(text + "!")) > len(square)


def test_a_data_matrix_says_chinese_as_utf_8() -> None:
    assert read_codes(picture_of_rows(datamatrix.modules("批次-88"))) == {Seen("]d1", "批次-88")}


@pytest.mark.parametrize("text", ["", "批次", "tab\t"])
def test_what_code_128_cannot_say_it_does_not_say(text: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        code128.modules(text)


@pytest.mark.parametrize("text", ["", "A" * 175])
def test_a_data_matrix_never_says_a_part_of_a_text(text: str) -> None:
    with pytest.raises(ValueError, match="174 codewords"):
        datamatrix.modules(text)


@EXAMPLES
@given(
    lot=st.text(LOT_SIGNS, min_size=1, max_size=20),
    serial=st.text(LOT_SIGNS, min_size=1, max_size=20),
    quantity=st.integers(1, 99_999_999),
)
def test_what_a_gs1_label_says_is_what_a_scan_of_it_says(lot: str, serial: str, quantity: int) -> None:
    elements = {"02": LOT["01"], "10": lot, "37": str(quantity), "17": "270301", "21": serial}
    said = content_of(gs1_code(elements))
    (seen,) = read_codes(picture_of_rows(datamatrix.modules(said)))
    scanned = read(seen.symbology + seen.text, 2026)
    told = (scanned.gtin, scanned.lot_no, scanned.count, scanned.expires_on, scanned.serial)
    assert told == (LOT["01"], lot, quantity, date(2027, 3, 1), serial)
    if len(said) <= 48:  # the longest GS1-128 that the standard allows
        assert read_codes(picture_of_rows((code128.modules(said),) * 30)) == {Seen("]C1", seen.text)}


def test_a_number_that_is_an_sscc_is_said_as_one() -> None:
    for written in ("106141411234567897", "(00)106141411234567897"):
        code = number_code(written)
        assert code.text == "(00)106141411234567897"
        assert read_codes(picture_of_rows((code128.modules(content_of(code)),) * 12)) == {
            Seen("]C1", "00106141411234567897")
        }
    assert number_code("106141411234567898").elements == ()


# ── labels ────────────────────────────────────────────────────────────────────────────────────────────


@labels
def test_an_svg_of_a_label_can_be_read(view: AnyLabel, read_there: set[Seen]) -> None:
    assert read_codes(picture_of_svg(svg([draw(view, PAPER)]))) == read_there


@labels
def test_a_pdf_of_labels_has_a_page_for_each_and_can_be_read(view: AnyLabel, read_there: set[Seen]) -> None:
    document = pdf([draw(view, PAPER), draw(container(), PAPER)])
    first, second = pictures_of_pdf(document)
    assert read_codes(first) == read_there
    assert read_codes(second) == READ[0][1]


@labels
def test_what_a_label_printer_prints_of_it_can_be_read(view: AnyLabel, read_there: set[Seen]) -> None:
    job = zpl([draw(view, PAPER), draw(container(), PAPER)])
    first, second = pictures_of_zpl(job)
    assert read_codes(first) == read_there
    assert read_codes(second) == READ[0][1]


@FEW
@given(text=st.text(ASCII, min_size=1, max_size=40))
def test_no_text_of_ascii_becomes_a_command_of_a_label_printer(text: str) -> None:
    name = text.strip() or "A"
    view = LocationLabelView(location_id=name, code=CodeView(text=name), zone=name, lots=(), lot_count=0)
    (picture,) = pictures_of_zpl(zpl([draw(view, LabelPaper(width_mm=200))]))
    assert read_codes(picture) == {Seen("]C0", name), Seen("]d1", name)}


def test_names_of_goods_cannot_end_a_label_or_begin_another() -> None:
    job = zpl([draw(lot_label("^XZ^XA^FD~JA\n绿茶"), PAPER)])
    assert [line for line in job.splitlines() if "^XZ" in line or "~" in line] == ["^XZ"]
    assert "_5EXZ_5EXA_5EFD_7EJA_0A绿茶" in job


def test_names_of_goods_cannot_become_elements_of_an_svg() -> None:
    drawn = svg([draw(lot_label("<script>&\x00\x1b"), PAPER)])
    assert "<script" not in drawn and "&lt;script&gt;&amp;\ufffd\ufffd" in drawn


def test_a_pdf_holds_its_texts_chinese_ones_too() -> None:
    (lines,) = texts_of_pdf(pdf([draw(lot_label("绿茶 Green tea (1)"), PAPER)]))
    assert {"绿茶 Green tea (1)", "S010205003", "best before 2027-03-01", "from ACME"} <= set(lines)


@pytest.mark.parametrize("dots_per_mm", [6, 8, 12, 24])
def test_bars_and_squares_are_whole_dots_of_the_printer(dots_per_mm: int) -> None:
    drawing = draw(lot_label(), LabelPaper.model_validate({"dots_per_mm": dots_per_mm}))
    symbols = [part for part in drawing.parts if isinstance(part, Bars | Squares)]
    assert len(symbols) == 2
    for symbol in symbols:
        dots = symbol.module * dots_per_mm
        assert dots == pytest.approx(round(dots)) and symbol.module >= 0.25


@EXAMPLES
@given(
    name=st.text(min_size=1, max_size=200),
    code=st.text(ASCII, min_size=1, max_size=64),
    width=st.floats(40, 300),
    height=st.floats(30, 300),
    lots=st.integers(0, 20),
)
def test_nothing_runs_over_the_edge_of_a_label(
    name: str, code: str, width: float, height: float, lots: int
) -> None:
    view = container("A", lots).model_copy(update={"container_id": name, "code": CodeView(text=code)})
    drawing = draw(view, LabelPaper(width_mm=width, height_mm=height))
    for part in drawing.parts:
        match part:
            case Text():
                right, bottom = part.x + text_width(part.text, part.size, bold=part.bold), part.y
            case Bars():
                right = part.x + (len(code128.modules(code)) + code128.QUIET) * part.module
                bottom = part.y + part.height
            case Squares():
                side = len(datamatrix.modules(code)) * part.module
                right, bottom = part.x + side + part.module, part.y + side
        assert right <= width + 0.01 and bottom <= height


def test_lines_that_do_not_fit_are_counted() -> None:
    drawing = draw(container(lots=20), PAPER)
    last = [part.text for part in drawing.parts if isinstance(part, Text)][-1]
    shown = sum(isinstance(part, Text) for part in drawing.parts) - 4  # head, title, the code's text, this
    assert last == f"and {21 - shown} more lines"
