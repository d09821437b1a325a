"""What the EPC of an RFID tag says (S2-142): the same keys as the element strings of a barcode, in binary.

GS1 EPC Tag Data Standard (release 2.3 and before; chapter 14, tables of partitions): SGTIN-96 holds a product's number and a serial
number, SSCC-96 that of a case or pallet. Readers send the 96 bits as 24 hexadecimal digits. There is no check digit in them, for
the air interface has its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_TAG: Final = re.compile(r"3[01][0-9A-Fa-f]{22}")
_SGTIN, _SSCC = 0x30, 0x31
_COMPANY: Final = ((40, 12), (37, 11), (34, 10), (30, 9), (27, 8), (24, 7), (20, 6))
"""Bits and digits of a company's prefix, by partition."""
_REFERENCE: Final[Mapping[int, tuple[tuple[int, int], ...]]] = {
    _SGTIN: ((4, 1), (7, 2), (10, 3), (14, 4), (17, 5), (20, 6), (24, 7)),
    _SSCC: ((18, 5), (21, 6), (24, 7), (28, 8), (31, 9), (34, 10), (38, 11)),
}
"""The same of what follows it: indicator and item, or extension and serial reference."""
_REST: Final[Mapping[int, int]] = {_SGTIN: 38, _SSCC: 24}
"""Bits at the end: of a serial number, or such as must be 0."""


@dataclass(frozen=True, slots=True)
class Epc:
    """What a tag says: the digits of a key that stand before its check digit, 13 of a GTIN, 17 of an SSCC.

    Attributes:
        serial: of the unit; None: it is the tag of a case or pallet, and the key its SSCC.
    """

    key: str
    serial: str | None


def read_epc(text: str) -> Epc | None:
    """Return what a tag says; None: it is no SGTIN-96 and no SSCC-96, or none that the standard lets one write."""
    if _TAG.fullmatch(text) is None:
        return None
    bits = int(text, 16)
    header, partition = bits >> 88, bits >> 82 & 0b111
    if partition >= len(_COMPANY):
        return None
    (company_bits, company_digits), (bits_, digits) = _COMPANY[partition], _REFERENCE[header][partition]
    company = _number(bits >> 82 - company_bits, company_bits, company_digits)
    reference = _number(bits >> 82 - company_bits - bits_, bits_, digits)
    rest = bits & (1 << _REST[header]) - 1
    if company is None or reference is None or (header == _SSCC and rest):
        return None
    return Epc(reference[0] + company + reference[1:], str(rest) if header == _SGTIN else None)


def _number(shifted: int, bits: int, digits: int) -> str | None:
    """Return the lowest bits as a number of so many digits; None: it has more of them."""
    value = shifted & (1 << bits) - 1
    return f"{value:0{digits}}" if value < 10**digits else None
