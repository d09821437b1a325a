"""What the code says that stands on goods: a product's number, or also lot, dates, serial number and count (S2-139, S2-142).

A scanner sends the text of a code, with its symbology before it (`]C1`, ISO/IEC 15424) if it is set to. GS1 element strings
(General Specifications, chapters 3 and 7.8) are told apart by their application identifiers, e.g. 01 for a product's number; those
without a predefined length end with FNC1, which scanners send as the group separator. People write the same with brackets:
`(01)…(10)…`. A reader of RFID tags sends the EPC in hexadecimal digits (gateway/wes/epc.py). Any other text is a plain code, of
which only the catalogue knows what it stands for.
"""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import cycle
from typing import Final

from gateway.site.codes import full_year
from gateway.wes.epc import Epc, read_epc

SEPARATOR: Final = "\x1d"
GTIN_DIGITS: Final = (8, 12, 13, 14)
_SYMBOLOGY: Final = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_GS1_SYMBOLOGIES: Final = frozenset({"]C1", "]d2", "]Q3", "]e0", "]J1"})
"""GS1-128, GS1 DataMatrix, GS1 QR Code, GS1 DataBar, GS1 DotCode."""
_BRACKETED: Final = re.compile(r"\((\d{2,4})\)")
_BEGINNING: Final = re.compile(r"0[12](\d{14})|00(\d{18})", re.ASCII)
"""Of element strings that a scanner sends without their symbology."""
_PREDEFINED: Final[Mapping[str, int]] = {
    **dict.fromkeys(("00",), 20),
    **dict.fromkeys(("01", "02", "03"), 16),
    **dict.fromkeys(("04",), 18),
    **dict.fromkeys(map(str, range(11, 20)), 8),
    **dict.fromkeys(("20",), 4),
    **dict.fromkeys(map(str, range(31, 37)), 10),
    **dict.fromkeys(("41",), 16),
}
"""Characters of element strings that need no separator, identifier included, by its first two digits (chapter 7.8.5)."""
_IDENTIFIER_DIGITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("00", "01", "02", "03", "04", "10", "20", "21", "22", "30", "37"), 2),
    **dict.fromkeys(map(str, (*range(11, 20), *range(90, 100))), 2),
    **dict.fromkeys(("23", "24", "25", "40", "41", "42", "71"), 3),
    **dict.fromkeys(("31", "32", "33", "34", "35", "36", "39", "43", "70", "72", "80", "81", "82"), 4),
}
_GTIN: Final = re.compile(r"\d{14}", re.ASCII)
_SSCC: Final = re.compile(r"\d{18}", re.ASCII)
_DAY: Final = re.compile(r"\d{6}", re.ASCII)
_COUNT: Final = re.compile(r"(?!0+\Z)\d{1,8}", re.ASCII)
"""A case or pallet with nothing in it is none."""
_NUMBER: Final = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,20}")
"""Lots and serial numbers: the 82 characters of ISO/IEC 646 (chapter 7.11)."""


class Unreadable(ValueError):  # noqa: N818 - a finding, not an error of the program
    """A code that says it is made of element strings, and is not; the text tells what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What a code says; None: it does not say that.

    Attributes:
        text: of the code, without the scanner's prefix.
        plain: it is not made of element strings, and no EPC.
        gtin: of the product, with 14 digits (01), or of what is in a case or on a pallet (02).
        sscc: of the case or pallet itself (00).
        count: how many of `gtin` are in it (37).
    """

    text: str
    plain: bool = True
    gtin: str | None = None
    sscc: str | None = None
    lot_no: str | None = None
    serial: str | None = None
    produced_on: date | None = None
    best_before: date | None = None
    expires_on: date | None = None
    count: int | None = None


def read(text: str, year: int) -> Scanned:
    """Return what a code says.

    Args:
        text: as a scanner sends it, or as a person writes it.
        year: the current one, by which years of two digits are told.

    Raises:
        Unreadable: nothing stands in it; or by its symbology, separators or brackets it is made of element strings, and something
            is wrong with them.
    """
    symbology = _SYMBOLOGY.match(text)
    prefix = symbology[0] if symbology else ""
    whole = text[len(prefix) :]
    body = whole.strip(SEPARATOR)
    if not body:
        raise Unreadable("nothing stands in it")
    if _BRACKETED.match(body):
        return _scanned(body, _bracketed(body), year)
    if prefix in _GS1_SYMBOLOGIES or SEPARATOR in whole:
        return _scanned(body, _elements(body), year)
    if (epc := read_epc(body)) is not None:
        return _of_tag(body, epc)
    if is_gtin(body):
        return Scanned(text=body, gtin=product_key(body))
    if begins := _BEGINNING.match(body):
        return _perhaps(body, begins[1] or begins[2], year)
    return Scanned(text=body)


def is_gtin(code: str) -> bool:
    """Tell whether a code is a GTIN-8, -12, -13 or -14 with its check digit."""
    return _may_be_gtin(code) and check_digit(code[:-1]) == code[-1]


def lacks_check_digit(code: str) -> bool:
    """Tell whether a code has as many digits as a GTIN, and its last one is not its check digit."""
    return _may_be_gtin(code) and check_digit(code[:-1]) != code[-1]


def check_digit(digits: str) -> str:
    """Return the check digit that comes after some digits (GS1 General Specifications, chapter 7.9.1)."""
    weighted = sum(
        int(digit) * weight for digit, weight in zip(reversed(digits), cycle((3, 1)), strict=False)
    )
    return str(-weighted % 10)


def product_key(code: str) -> str:
    """Return the form in which codes of products are compared: a number with the digits of a GTIN is padded to 14 of them."""
    return code.zfill(GTIN_DIGITS[-1]) if _may_be_gtin(code) else code


def _may_be_gtin(code: str) -> bool:
    return len(code) in GTIN_DIGITS and code.isascii() and code.isdigit()


def _of_tag(body: str, epc: Epc) -> Scanned:
    key = epc.key + check_digit(epc.key)
    if epc.serial is None:
        return Scanned(text=body, plain=False, sscc=key)
    return Scanned(text=body, plain=False, gtin=key, serial=epc.serial)


def _perhaps(body: str, number: str, year: int) -> Scanned:
    """Return what element strings say that a scanner sends without their symbology; a plain code may begin like them."""
    if check_digit(number[:-1]) == number[-1]:
        try:
            return _scanned(body, _elements(body), year)
        except Unreadable:
            pass
    return Scanned(text=body)


def _bracketed(body: str) -> dict[str, str]:
    parts = _BRACKETED.split(body)
    found: dict[str, str] = {}
    for identifier, value in zip(parts[1::2], parts[2::2], strict=True):
        if _IDENTIFIER_DIGITS.get(identifier[:2]) != len(identifier):
            raise Unreadable(f"({identifier}) is no application identifier")
        _keep(found, identifier, value)
    return found


def _elements(body: str) -> dict[str, str]:
    found: dict[str, str] = {}
    rest = body
    while rest:
        digits = _IDENTIFIER_DIGITS.get(rest[:2])
        identifier = rest[:digits]
        if digits is None or not identifier.isdigit() or len(identifier) < digits:
            raise Unreadable(f"no application identifier begins with {rest[:2]}")
        whole, _, after = rest.partition(SEPARATOR)
        length = _PREDEFINED.get(rest[:2])
        if length is not None:
            whole, after = rest[:length], rest[length:]
            if len(whole) < length or not whole.isdigit():
                raise Unreadable(f"({identifier}) cannot be {whole[digits:]}")
        _keep(found, identifier, whole[digits:])
        rest = after.lstrip(SEPARATOR)
    return found


def _keep(found: dict[str, str], identifier: str, value: str) -> None:
    if found.setdefault(identifier, value) != value:
        raise Unreadable(f"({identifier}) stands in it twice, with {found[identifier]} and with {value}")


def _scanned(body: str, found: Mapping[str, str], year: int) -> Scanned:
    contained = _checked(found, "02", _GTIN)
    count = _value(found, "37", _COUNT)
    return Scanned(
        text=body,
        plain=False,
        gtin=_checked(found, "01", _GTIN) or contained,
        sscc=_checked(found, "00", _SSCC),
        lot_no=_value(found, "10", _NUMBER),
        serial=_value(found, "21", _NUMBER),
        produced_on=_day(found, "11", year),
        best_before=_day(found, "15", year),
        expires_on=_day(found, "17", year),
        count=None if count is None or contained is None else int(count),
    )


def _value(found: Mapping[str, str], identifier: str, shape: re.Pattern[str]) -> str | None:
    value = found.get(identifier)
    if value is not None and shape.fullmatch(value) is None:
        raise Unreadable(f"({identifier}) cannot be {value or 'empty'}")
    return value


def _checked(found: Mapping[str, str], identifier: str, shape: re.Pattern[str]) -> str | None:
    value = _value(found, identifier, shape)
    if value is not None and check_digit(value[:-1]) != value[-1]:
        raise Unreadable(f"the check digit of ({identifier}){value} would be {check_digit(value[:-1])}")
    return value


def _day(found: Mapping[str, str], identifier: str, year: int) -> date | None:
    value = _value(found, identifier, _DAY)
    if value is None:
        return None
    month, day = int(value[2:4]), int(value[4:])
    if not 1 <= month <= 12:
        raise Unreadable(f"({identifier}){value} is no day")
    full = full_year(int(value[:2]), year)
    last = monthrange(full, month)[1]
    if day > last:
        raise Unreadable(f"({identifier}){value} is no day")
    return date(full, month, day or last)  # 00 is the month's last day (chapter 3.4)
