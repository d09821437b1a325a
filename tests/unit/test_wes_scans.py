"""What stands on goods is read as the GS1 General Specifications have it: whatever is written is read back, and damage is told."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.wes.scans import Unreadable, check_digit, is_gtin, lacks_check_digit, product_key, read

pytestmark = pytest.mark.unit

YEAR = 2026
GS = "\x1d"
CHARACTERS = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
FIXED = {"00", "01", "02", "11", "13", "15", "17", "20", "3103", "410"}


def numbers(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


def checked(length: int) -> st.SearchStrategy[str]:
    return numbers(length - 1).map(lambda digits: digits + check_digit(digits))


TEXTS = st.text(CHARACTERS, min_size=1, max_size=20)
DAYS = st.dates(date(1978, 1, 1), date(2075, 12, 31))
VALUES = {
    "00": checked(18),
    "01": checked(14),
    "02": checked(14),
    "10": TEXTS,
    "11": DAYS.map(lambda day: f"{day:%y%m%d}"),
    "13": DAYS.map(lambda day: f"{day:%y%m%d}"),
    "15": DAYS.map(lambda day: f"{day:%y%m%d}"),
    "17": DAYS.map(lambda day: f"{day:%y%m%d}"),
    "20": numbers(2),
    "21": TEXTS,
    "240": TEXTS,
    "3103": numbers(6),
    "37": st.integers(1, 99_999_999).map(str),
    "410": checked(13),
    "91": TEXTS,
}
ELEMENTS = (
    st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=6, unique=True)
    .flatmap(lambda names: st.tuples(*(st.tuples(st.just(name), VALUES[name]) for name in names)))
    .map(list)
)


def written(elements: list[tuple[str, str]]) -> str:
    """Write element strings as a scanner sends them."""
    return "".join(name + value + ("" if name in FIXED else GS) for name, value in elements).removesuffix(GS)


@pytest.mark.parametrize(
    "code",
    ["9501101531000", "95012346", "614141000012", "10614141000415", "09501101530003", "6901234567892"],
    ids=["GTIN-13", "GTIN-8", "GTIN-12", "GTIN-14", "padded", "China"],
)
def test_published_numbers_have_their_check_digit(code: str) -> None:
    assert is_gtin(code)
    assert read(code, YEAR).gtin == code.zfill(14)
    assert not lacks_check_digit(code)


def test_a_published_label_of_a_pallet_and_of_a_product_are_read() -> None:
    assert read("]C100106141412345678908", YEAR).sscc == "106141412345678908"
    product = read("]d2010950110153000317140704" + "10AB-123", YEAR)
    assert (product.gtin, product.expires_on, product.lot_no) == (
        "09501101530003",
        date(2014, 7, 4),
        "AB-123",
    )
    shipped = read("(01)03453120000011(17)120508(10)ABCD1234(410)9501101020917", YEAR)
    assert (shipped.gtin, shipped.expires_on, shipped.lot_no) == (
        "03453120000011",
        date(2012, 5, 8),
        "ABCD1234",
    )


@given(ELEMENTS)
def test_what_is_written_is_read_back(elements: list[tuple[str, str]]) -> None:
    found = read("]C1" + written(elements), YEAR)
    said = dict(elements)
    assert (found.sscc, found.lot_no, found.serial) == (said.get("00"), said.get("10"), said.get("21"))
    assert found.gtin == said.get("01", said.get("02"))
    days = [found.produced_on, found.best_before, found.expires_on]
    assert [day and f"{day:%y%m%d}" for day in days] == [said.get(name) for name in ("11", "15", "17")]
    assert found.count == (int(said["37"]) if {"02", "37"} <= set(said) else None)


@given(ELEMENTS)
def test_a_scanner_that_ends_everything_with_a_separator_or_begins_with_one_says_the_same(
    elements: list[tuple[str, str]],
) -> None:
    separated = GS.join(name + value for name, value in elements)
    plain = read("]Q3" + written(elements), YEAR)
    for text in (f"]d2{separated}", f"{GS}{separated}{GS}", f"]C1{GS}{separated}"):
        again = read(text, YEAR)
        assert (again.gtin, again.lot_no, again.serial, again.expires_on) == (
            plain.gtin,
            plain.lot_no,
            plain.serial,
            plain.expires_on,
        )


@given(ELEMENTS)
def test_brackets_say_the_same(elements: list[tuple[str, str]]) -> None:
    assume(not any("(" in value for _, value in elements))
    one = read("]C1" + written(elements), YEAR)
    other = read("".join(f"({name}){value}" for name, value in elements), YEAR)
    assert (one.gtin, one.sscc, one.lot_no, one.serial, one.count) == (
        other.gtin,
        other.sscc,
        other.lot_no,
        other.serial,
        other.count,
    )


@given(st.text(max_size=60) | ELEMENTS.map(written), st.sampled_from(["", "]C1", "]d2", "]E0", "(01)"]))
def test_whatever_is_scanned_is_read_or_told(text: str, prefix: str) -> None:
    try:
        found = read(prefix + text, YEAR)
    except Unreadable as told:
        assert str(told)
    else:
        assert found.gtin is None or is_gtin(found.gtin)


@given(st.sampled_from([8, 12, 13, 14]).flatmap(checked), st.data())
def test_a_wrong_digit_is_found(code: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(code) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != code[place]]))
    wrong = code[:place] + other + code[place + 1 :]
    assert not is_gtin(wrong)
    assert lacks_check_digit(wrong)
    assert read(wrong, YEAR).gtin is None
    with pytest.raises(Unreadable):
        read(f"(01){wrong.zfill(14)}", YEAR)


def test_one_number_is_one_number_however_it_is_printed() -> None:
    assert product_key("036000291452") == product_key("0036000291452") == product_key("00036000291452")
    assert product_key("TEA-500") == "TEA-500"
    assert product_key("690") == "690"


@pytest.mark.parametrize(
    ("text", "day"),
    [("260200", date(2026, 2, 28)), ("280200", date(2028, 2, 29)), ("760101", date(2076, 1, 1))],
    ids=["the month's last day", "of a leap year", "fifty years ahead"],
)
def test_days_are_told_as_the_specification_has_them(text: str, day: date) -> None:
    assert read(f"(17){text}", YEAR).expires_on == day
    assert read("(11)770101", YEAR).produced_on == date(1977, 1, 1)


@pytest.mark.parametrize(
    "text",
    [
        "]C1",
        "]C1ABC",
        "]C1010950110153000",
        "]C10109501101530004",
        "]C117260230",
        "]C117261301",
        f"]C110A{GS}10B",
        "]C110123456789012345678901",
        "]d23103A00001",
        f"10{GS}17260101",
        "(05)1",
        "(010)1",
        "(10)Ä",
        "(37)0x",
        "(02)16901234567899(37)0",
        "]E0",
        "",
    ],
)
def test_what_is_no_element_string_is_told(text: str) -> None:
    with pytest.raises(Unreadable):
        read(text, YEAR)


@pytest.mark.parametrize("text", ["TEA-500", "0109501101530004", "L-7", "(A)12", "01", "]E0TEA", "110101"])
def test_any_other_text_is_a_plain_code(text: str) -> None:
    found = read(text, YEAR)
    assert found.text == text.removeprefix("]E0")
    assert (found.gtin, found.lot_no, found.expires_on) == (None, None, None)


def test_element_strings_are_known_without_their_symbology() -> None:
    assert read("010950110153000310AB-123", YEAR).lot_no == "AB-123"
    assert read("00106141412345678908", YEAR).sscc == "106141412345678908"
