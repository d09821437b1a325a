"""Devices as registers and as nodes: where a value lies, what can be read and written, what a write triggers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.wiring import ByteOrder, Handshake, Profile, Tag, TagType
from sim_devices.faces.nodes import NodeSpace, UnknownNode
from sim_devices.faces.registers import IllegalAddress, Packing, RegisterSpace
from sim_devices.mailbox import Fields
from sim_devices.surface import Called, Shown, Surface, Taken

NUMBER = Tag(name="number", address=0, type=TagType.U32)
TEXT = Tag(name="text", address=2, type=TagType.STRING, length=4)


def profile(byte_order: ByteOrder = ByteOrder.BIG, word_order: ByteOrder = ByteOrder.BIG) -> Profile:
    return Profile(
        id="p",
        protocol="modbus",
        handshake=Handshake.MAILBOX,
        byte_order=byte_order,
        word_order=word_order,
        command=(NUMBER, TEXT),
        status=(NUMBER,),
    )


@pytest.mark.parametrize(
    ("byte_order", "word_order", "number", "text"),
    [
        (ByteOrder.BIG, ByteOrder.BIG, [0x1122, 0x3344], [0x4142, 0x4300]),
        (ByteOrder.BIG, ByteOrder.LITTLE, [0x3344, 0x1122], [0x4142, 0x4300]),
        (ByteOrder.LITTLE, ByteOrder.BIG, [0x2211, 0x4433], [0x4241, 0x0043]),
        (ByteOrder.LITTLE, ByteOrder.LITTLE, [0x4433, 0x2211], [0x4241, 0x0043]),
    ],
    ids=["ABCD", "CDAB", "BADC", "DCBA"],
)
def test_values_lie_in_the_order_of_the_profile(
    byte_order: ByteOrder, word_order: ByteOrder, number: list[int], text: list[int]
) -> None:
    packing = Packing(profile(byte_order, word_order))
    assert packing.pack(NUMBER, 0x11223344) == number
    assert packing.pack(TEXT, "ABC") == text
    assert packing.unpack(NUMBER, number) == 0x11223344
    assert packing.unpack(TEXT, text) == "ABC"


@given(st.integers(0, 2**64 - 1), st.sampled_from(ByteOrder), st.sampled_from(ByteOrder))
def test_what_is_packed_comes_back(value: int, byte_order: ByteOrder, word_order: ByteOrder) -> None:
    packing, tag = Packing(profile(byte_order, word_order)), Tag(name="long", address=0, type=TagType.U64)
    assert packing.unpack(tag, packing.pack(tag, value)) == value


class Echo:
    """A device that shows the number that it was last told."""

    def __init__(self, base: int | str, command: tuple[Tag, ...], status: tuple[Tag, ...]) -> None:
        self.told: list[Fields] = []
        self.surface = Surface(
            profile(),
            (Shown(base, status, self.show),),
            (Taken(base, command, self.told.append, lambda: not self.told),),
        )

    def show(self) -> Fields:
        return {"number": self.told[-1]["number"] if self.told else 0}


def register_space() -> tuple[RegisterSpace, Echo]:
    shown = Tag(name="number", address=8, type=TagType.U32)
    space, echo = RegisterSpace(), Echo(100, (NUMBER, TEXT), (shown,))
    space.mount(echo.surface)
    return space, echo


def test_one_request_is_judged_once_as_a_whole_block() -> None:
    space, echo = register_space()
    space.write(100, [0, 7, 0x4142, 0])
    assert echo.told == [{"number": 7, "text": "AB"}]
    space.show(echo.surface)
    assert space.read(108, 2) == [0, 7]


def test_a_part_of_a_block_that_is_written_is_judged_with_what_stands_in_the_rest() -> None:
    space, echo = register_space()
    space.write(100, [0, 7, 0x4142, 0])
    space.write(101, [8])
    assert echo.told[-1] == {"number": 8, "text": "AB"}


def test_unused_registers_between_used_ones_read_as_0_and_others_not_at_all() -> None:
    space, _ = register_space()
    assert space.read(100, 10) == [0] * 10
    for address, count in ((99, 1), (109, 2), (0, 1)):
        with pytest.raises(IllegalAddress):
            space.read(address, count)


def test_only_command_blocks_can_be_written() -> None:
    space, echo = register_space()
    for address, values in ((108, [1]), (103, [1, 1]), (104, [1])):
        with pytest.raises(IllegalAddress):
            space.write(address, values)
    assert space.read(100, 10) == [0] * 10
    assert echo.told == []


def node_space() -> tuple[NodeSpace, Echo]:
    command = (Tag(name="number", address="Cmd.number", type=TagType.U32),)
    status = (Tag(name="number", address="Status.number", type=TagType.U32),)
    space, echo = NodeSpace(), Echo("S1.", command, status)
    space.mount(echo.surface)
    return space, echo


def test_nodes_show_only_what_has_changed() -> None:
    space, echo = node_space()
    space.show(echo.surface)
    assert space.changes() == {"S1.Status.number": 0}
    space.show(echo.surface)
    assert space.changes() == {}
    space.write({"S1.Cmd.number": 5})
    space.show(echo.surface)
    assert space.changed.is_set()
    assert space.changes() == {"S1.Status.number": 5}
    assert space.read(["S1.Cmd.number", "S1.Status.number"]) == [5, 5]


def test_unknown_nodes_and_the_devices_own_cannot_be_written() -> None:
    space, echo = node_space()
    for identifier in ("S1.Status.number", "S2.Cmd.number"):
        with pytest.raises(UnknownNode):
            space.write({identifier: 1, "S1.Cmd.number": 1})
    with pytest.raises(UnknownNode):
        space.read(["S2.Cmd.number"])
    assert echo.told == []


def test_a_method_gets_its_arguments_by_name() -> None:
    space, calls = NodeSpace(), list[Fields]()

    def call(fields: Fields) -> int:
        calls.append(fields)
        return 1

    space.mount(Surface(profile(), called=(Called("L1.", "Execute", (NUMBER, TEXT), call),)))
    assert space.call("L1.Execute", [7, "AB"]) == 1
    assert calls == [{"number": 7, "text": "AB"}]
    with pytest.raises(UnknownNode):
        space.call("L1.Execute", [7])
