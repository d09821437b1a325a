"""Devices as Modbus holding registers, in memory. Packing is data: the profile's tags and its two orders.

A register holds two bytes and a longer number several registers, each order big-endian unless the profile
says otherwise. A string puts its first character into the first byte; the order of registers is for numbers
only.
"""

from collections.abc import Iterable, Sequence
from struct import unpack

from gateway.contract.wiring import ByteOrder, Profile, Tag, TagType
from sim_devices.mailbox import Fields
from sim_devices.surface import Base, Shown, Surface, Taken, Ticking

REGISTERS = 65_536
NUMBER_SIZES = {TagType.U16: 1, TagType.U32: 2, TagType.U64: 4}


class IllegalAddress(IndexError):  # noqa: N818 - an answer on the wire
    """No such register, or not one that may be written."""


class Packing:
    """How one profile's values lie in registers."""

    def __init__(self, profile: Profile) -> None:
        self._byte_order = profile.byte_order
        self._word_order = profile.word_order

    def pack(self, tag: Tag, value: int | str) -> list[int]:
        """Return the registers of a value; what does not fit is cut off."""
        size = register_count(tag) * 2
        if isinstance(value, str):
            data = value.encode("latin-1", "replace")[:size].ljust(size, b"\0")
        else:
            data = (value % (1 << 8 * size)).to_bytes(size, "big")
        return self._arrange(tag, unpack(f">{len(data) // 2}H", data))

    def unpack(self, tag: Tag, registers: Sequence[int]) -> int | str:
        """Return the value that lies in its registers."""
        data = b"".join(register.to_bytes(2, "big") for register in self._arrange(tag, registers))
        if tag.type is TagType.STRING:
            return data.rstrip(b"\0").decode("latin-1")
        return int.from_bytes(data, "big")

    def _arrange(self, tag: Tag, registers: Sequence[int]) -> list[int]:
        """Turn big-endian registers into the profile's orders, or back: either way is the same."""
        arranged = list(registers)
        if self._word_order is ByteOrder.LITTLE and tag.type is not TagType.STRING:
            arranged.reverse()
        if self._byte_order is ByteOrder.LITTLE:
            arranged = [(register & 0xFF) << 8 | register >> 8 for register in arranged]
        return arranged


def register_count(tag: Tag) -> int:
    """Return how many registers a tag takes."""
    if tag.type is TagType.STRING:
        return ((tag.length or 0) + 1) // 2
    return NUMBER_SIZES[tag.type]


class RegisterSpace:
    """The holding registers of all devices behind one link.

    Registers between the first and the last one in use can be read, unused ones as 0; only command blocks can
    be written. A write is judged by the devices before it returns.
    """

    def __init__(self) -> None:
        self._registers = [0] * REGISTERS
        self._packings: dict[Surface, Packing] = {}
        self._standing: dict[Shown | Taken, Fields] = {}
        self._ticking: list[tuple[int, Packing, Ticking]] = []
        self._takers: dict[int, tuple[Packing, Taken]] = {}
        self._first, self._end = REGISTERS, 0

    def mount(self, surface: Surface) -> None:
        """Give a device its registers."""
        packing = self._packings[surface] = Packing(surface.profile)
        for block in surface.shown:
            self._extend(address for tag in block.tags for address in _addresses(block.base, tag))
        for block in surface.taken:
            addresses = [address for tag in block.tags for address in _addresses(block.base, tag)]
            self._extend(addresses)
            self._takers |= dict.fromkeys(addresses, (packing, block))
            self._standing[block] = block.blank()
        for ticking in surface.ticking:
            self._extend(_addresses(ticking.base, ticking.tag))
            self._ticking.append((_address(ticking.base, ticking.tag), packing, ticking))

    def show(self, surface: Surface) -> None:
        """Let the registers show what the device shows now, and be empty where it has cleared what was written."""
        packing = self._packings[surface]
        for block in surface.shown:
            self._let_stand(packing, block, block.read())
        for block in surface.taken:
            if block not in self._standing and block.is_clear():
                self._let_stand(packing, block, block.blank())

    def read(self, address: int, count: int) -> list[int]:
        """Return `count` registers.

        Raises:
            IllegalAddress: not all of them lie in the range in use.
        """
        if not self._first <= address <= address + count <= self._end:
            raise IllegalAddress(f"registers {address} to {address + count - 1} cannot be read")
        self._tick(address, address + count)
        return self._registers[address : address + count]

    def write(self, address: int, values: Sequence[int]) -> None:
        """Write registers in one piece, then let each device judge each block that was touched.

        Raises:
            IllegalAddress: not all of them belong to command blocks; nothing has been written.
        """
        written = range(address, address + len(values))
        if not all(register in self._takers for register in written):
            raise IllegalAddress(f"registers {address} to {address + len(values) - 1} cannot be written")
        self._registers[address : address + len(values)] = values
        touched = dict.fromkeys(self._takers[register] for register in written)
        for _, block in touched:
            self._standing.pop(block, None)
        for block, fields in [(block, self._fields(packing, block)) for packing, block in touched]:
            block.write(fields)

    def _let_stand(self, packing: Packing, block: Shown | Taken, fields: Fields) -> None:
        """Store what differs from what the device has put there before."""
        before = self._standing.get(block)
        if before == fields:
            return
        self._standing[block] = fields
        for tag in block.tags:
            if before is None or before[tag.name] != fields[tag.name]:
                self._store(_address(block.base, tag), packing.pack(tag, fields[tag.name]))

    def _tick(self, address: int, end: int) -> None:
        """Let the tags that count by themselves and lie in a range be up to date."""
        for first, packing, ticking in self._ticking:
            if address <= first < end and (value := ticking.read()) is not None:
                self._store(first, packing.pack(ticking.tag, value))

    def _store(self, first: int, packed: Sequence[int]) -> None:
        self._registers[first : first + len(packed)] = packed

    def _fields(self, packing: Packing, block: Taken) -> Fields:
        return {tag.name: packing.unpack(tag, self._stored(block.base, tag)) for tag in block.tags}

    def _stored(self, base: Base, tag: Tag) -> list[int]:
        first = _address(base, tag)
        return self._registers[first : first + register_count(tag)]

    def _extend(self, addresses: Iterable[int]) -> None:
        for address in addresses:
            self._first, self._end = min(self._first, address), max(self._end, address + 1)


def _address(base: Base, tag: Tag) -> int:
    if isinstance(base, str) or isinstance(tag.address, str):
        raise TypeError(f"{tag.name}: {base!r} and {tag.address!r} are not register numbers")
    return base + tag.address


def _addresses(base: Base, tag: Tag) -> range:
    first = _address(base, tag)
    return range(first, first + register_count(tag))
