"""How many registers tags take.

One request reads 125 registers or writes 123 (Modbus Application Protocol 1.1b3, 6.3 and 6.12).
"""

from collections.abc import Iterable
from typing import Final, assert_never

from gateway.contract.wiring import Tag, TagType

MAX_READ: Final = 125
MAX_WRITE: Final = 123
FIRST_NUMBER: Final = 40_001
"""What engineering tools call holding register 0."""


def registers(tag: Tag) -> int:
    """Return the registers of one tag."""
    match tag.type:
        case TagType.U16:
            return 1
        case TagType.U32:
            return 2
        case TagType.U64:
            return 4
        case TagType.STRING:
            return ((tag.length or 0) + 1) // 2
        case _:
            assert_never(tag.type)


def extent(tags: Iterable[Tag]) -> int:
    """Return the registers from offset 0 to the end of the last tag."""
    return max((tag.address + registers(tag) for tag in tags if isinstance(tag.address, int)), default=0)
