"""The EPC of an RFID tag says what the same key says as an element string; vectors are those of GS1 and of others, none is ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wes.scans import check_digit, read

pytestmark = pytest.mark.unit

YEAR = 2026
COMPANY_BITS = {12: 40, 11: 37, 10: 34, 9: 30, 8: 27, 7: 24, 6: 20}
"""Of a company's prefix, by its digits; what follows it fills up 44 bits of a product's number and 58 of an SSCC."""


@pytest.mark.parametrize(
    ("tag", "gtin", "serial"),
    [
        pytest.param(
            "3066C4409047E140075BCD15", "09506000134352", "123456789", id="Tag Data Standard 2.3, E.3"
        ),
        pytest.param("3074257BF7194E4000001A85", "80614141123458", "6789", id="Tag Data Standard 1.13, E.3"),
        pytest.param("3034257BF400B7800004CB2F", "00614141007349", "314159", id="a vendor's example"),
        pytest.param("301586A004000602DFDC1C3E", "06400001000247", "12345678910", id="Finland's libraries"),
    ],
)
def test_a_units_tag_is_read_as_published(tag: str, gtin: str, serial: str) -> None:
    for text in (tag, tag.lower()):
        found = read(text, YEAR)
        assert (found.plain, found.gtin, found.serial, found.sscc) == (False, gtin, serial, None)
    as_barcode = read(f"(01){gtin}(21){serial}", YEAR)
    assert (as_barcode.gtin, as_barcode.serial) == (gtin, serial)


@pytest.mark.parametrize(
    ("tag", "sscc"),
    [
        pytest.param("311BA1B300CE0A6A83000000", "095201234567891235", id="Tag Data Standard 2.3, E.3"),
        pytest.param("3174257BF4499602D2000000", "106141412345678908", id="Tag Data Standard 1.13, E.3"),
    ],
)
def test_a_pallets_tag_is_read_as_published(tag: str, sscc: str) -> None:
    found = read(tag, YEAR)
    assert (found.plain, found.sscc, found.gtin) == (False, sscc, None)
    assert read(f"(00){sscc}", YEAR).sscc == sscc


def digits(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


@given(
    key=digits(13), company=st.integers(6, 12), serial=st.integers(0, 2**38 - 1), filtered=st.integers(0, 7)
)
def test_every_products_tag_is_read_back(key: str, company: int, serial: int, filtered: int) -> None:
    bits = written(0x30, filtered, key, company, 44)
    found = read(f"{bits << 38 | serial:024X}", YEAR)
    assert (found.gtin, found.serial) == (key + check_digit(key), str(serial))


@given(key=digits(17), company=st.integers(6, 12), filtered=st.integers(0, 7))
def test_every_pallets_tag_is_read_back(key: str, company: int, filtered: int) -> None:
    found = read(f"{written(0x31, filtered, key, company, 58) << 24:024X}", YEAR)
    assert found.sscc == key + check_digit(key)


def written(header: int, filtered: int, key: str, company: int, width: int) -> int:
    """Write header, filter, partition and key as the standard's tables have them."""
    reference = key[0] + key[1 + company :]
    prefix = int(key[1 : 1 + company])
    number = prefix << width - COMPANY_BITS[company] | int(reference)
    return ((header << 3 | filtered) << 3 | 12 - company) << width | number


@pytest.mark.parametrize(
    "text",
    [
        "307C257BF7194E4000001A85",  # partition 7
        "3177FFFFFFFFFFFFFF000000",  # more digits than a prefix has
        "3174257BF4499602D2000001",  # bits set that must not be
        "3074257BF7194E4000001A8",
        "3074257BF7194E4000001A8G",
        "3574257BF7194E4000001A85",  # another scheme
    ],
)
def test_what_is_no_such_tag_is_a_plain_code(text: str) -> None:
    found = read(text, YEAR)
    assert (found.plain, found.text, found.gtin, found.sscc) == (True, text, None, None)
