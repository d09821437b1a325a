"""Tag tables over registers: which byte of a block belongs to which value.

A map is compiled once into the order in which the wire's bytes make up all values, big-endian and without
gaps; after that it makes no difference what the PLC's own byte and word order is.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence, Set
from operator import itemgetter
from typing import Final

from drivers.blocks import TagValue
from gateway.contract.wiring import ByteOrder, Profile, Tag, TagType

REGISTERS: Final = {TagType.U16: 1, TagType.U32: 2, TagType.U64: 4}
FORMATS: Final = {TagType.U16: "H", TagType.U32: "I", TagType.U64: "Q"}


class RegisterMap:
    """A block of tags at register addresses relative to its start.

    Registers between tags read as nothing and are written as 0.

    Raises:
        ValueError: a tag is missing that the handshake cannot do without.
    """

    def __init__(self, tags: Sequence[Tag], profile: Profile, required: Set[str]) -> None:
        if missing := required - {tag.name for tag in tags}:
            raise ValueError(f"profile {profile.id} lacks {', '.join(sorted(missing))}")
        self.count = max(_place(tag).stop for tag in tags)
        """Registers from the start to the end of the last tag."""
        self._names = [tag.name for tag in tags]
        self._places = {tag.name: _place(tag) for tag in tags}
        self._values = struct.Struct(">" + "".join(_format(tag) for tag in tags))
        self._wire = struct.Struct(f">{self.count}H")
        self._order = [byte for tag in tags for byte in _bytes_on_wire(tag, profile)]
        self._pick = itemgetter(*self._order)
        self._texts = [number for number, tag in enumerate(tags) if tag.type is TagType.STRING]

    def place(self, name: str) -> slice:
        """Return which registers of the block a tag is made of."""
        return self._places[name]

    def decode(self, registers: Sequence[int]) -> dict[str, TagValue]:
        """Return the values by name; characters that are not ASCII become replacement characters."""
        values = list(self._values.unpack(bytes(self._pick(self._wire.pack(*registers)))))
        for number in self._texts:
            values[number] = values[number].partition(b"\0")[0].decode("ascii", "replace")
        return dict(zip(self._names, values, strict=True))

    def encode(self, values: Mapping[str, TagValue]) -> tuple[int, ...]:
        """Return the registers.

        Raises:
            KeyError: a tag has no value.
            struct.error: a number does not fit its tag.
        """
        packed = self._values.pack(*(_packable(values[name]) for name in self._names))
        wire = bytearray(2 * self.count)
        for position, byte in zip(self._order, packed, strict=True):
            wire[position] = byte
        return self._wire.unpack(wire)


def _registers(tag: Tag) -> int:
    return (tag.length or 0) // 2 if tag.type is TagType.STRING else REGISTERS[tag.type]


def _place(tag: Tag) -> slice:
    return slice(int(tag.address), int(tag.address) + _registers(tag))


def _format(tag: Tag) -> str:
    return f"{tag.length}s" if tag.type is TagType.STRING else FORMATS[tag.type]


def _bytes_on_wire(tag: Tag, profile: Profile) -> Iterator[int]:
    """Return where the tag's bytes stand in the block, most significant (or first character) first."""
    place = _place(tag)
    registers = range(place.start, place.stop)
    swapped_words = tag.type is not TagType.STRING and profile.word_order is ByteOrder.LITTLE
    for register in reversed(registers) if swapped_words else registers:
        high, low = 2 * register, 2 * register + 1
        yield from (high, low) if profile.byte_order is ByteOrder.BIG else (low, high)


def _packable(value: TagValue) -> int | bytes:
    return value if isinstance(value, int) else value.encode("ascii")


def dump(registers: Sequence[int]) -> str:
    """Return registers as people read them on the wire: `0001 00FF`."""
    return struct.pack(f">{len(registers)}H", *registers).hex(" ", 2).upper()
