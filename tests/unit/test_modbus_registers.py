"""Tag tables over registers: every byte and word order, and nothing is lost on the way."""

import struct
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import given
from pyModbusTCP.utils import word_list_to_long

from drivers.blocks import COMMAND_TAGS, STATUS_TAGS, CommandBlock, Status
from drivers.links.modbus import TcpModbus
from drivers.modbus.link import ModbusLinkRunner, WriteEnded
from drivers.modbus.mailbox import ModbusMailboxDriver
from drivers.modbus.registers import RegisterMap, dump
from drivers.modbus.spans import Span
from drivers.slots import HEADER_TAGS, ORDER_TAGS, SLOT_TAGS, SlotStatus
from gateway.contract.commands import Command, Op
from gateway.contract.driver import DriverContext
from gateway.contract.reports import Report
from gateway.contract.wiring import (
    ByteOrder,
    Handshake,
    MailboxChannel,
    MailboxWiring,
    ModbusLink,
    Profile,
    Tag,
    TagType,
)
from gateway.kernel.clock import SystemClock

PROFILES = Path(__file__).parents[2] / "config" / "profiles"
BIG, LITTLE = ByteOrder.BIG, ByteOrder.LITTLE


def profile(name: str) -> Profile:
    return Profile.model_validate(yaml.safe_load((PROFILES / f"{name}.yaml").read_text(encoding="utf-8")))


def one_tag(tag: Tag, byte_order: ByteOrder, word_order: ByteOrder) -> RegisterMap:
    table = Profile(
        id="p",
        protocol="modbus",
        handshake=Handshake.MAILBOX,
        byte_order=byte_order,
        word_order=word_order,
        command=(tag,),
        status=(),
    )
    return RegisterMap(table.command, table, frozenset())


@pytest.mark.parametrize(
    ("byte_order", "word_order", "registers"),
    [
        (BIG, BIG, (0x1122, 0x3344)),
        (BIG, LITTLE, (0x3344, 0x1122)),
        (LITTLE, BIG, (0x2211, 0x4433)),
        (LITTLE, LITTLE, (0x4433, 0x2211)),
    ],
)
def test_a_long_number_has_four_orders(
    byte_order: ByteOrder, word_order: ByteOrder, registers: tuple[int, ...]
) -> None:
    table = one_tag(Tag(name="n", address=0, type=TagType.U32), byte_order, word_order)
    assert table.encode({"n": 0x11223344}) == registers
    assert table.decode(registers) == {"n": 0x11223344}


def test_the_order_of_words_is_nothing_to_a_string_but_the_order_of_bytes_is() -> None:
    tag = Tag(name="s", address=0, type=TagType.STRING, length=4)
    assert one_tag(tag, BIG, LITTLE).encode({"s": "ABC"}) == (0x4142, 0x4300)
    assert one_tag(tag, LITTLE, LITTLE).encode({"s": "ABC"}) == (0x4241, 0x0043)


def test_another_implementation_reads_the_same_numbers() -> None:
    table = one_tag(Tag(name="n", address=0, type=TagType.U64), BIG, BIG)
    registers = list(table.encode({"n": 0x0102030405060708}))
    assert word_list_to_long(registers, big_endian=True, long_long=True) == [0x0102030405060708]


def test_a_string_ends_at_its_first_nul_and_what_is_not_ascii_is_replaced() -> None:
    table = one_tag(Tag(name="s", address=0, type=TagType.STRING, length=4), BIG, BIG)
    assert table.decode((0x4100, 0x4242)) == {"s": "A"}
    assert table.decode((0x41FF, 0)) == {"s": "A\N{REPLACEMENT CHARACTER}"}


def test_registers_between_tags_are_written_as_0() -> None:
    table = one_tag(Tag(name="n", address=2, type=TagType.U16), BIG, BIG)
    assert table.encode({"n": 5}) == (0, 0, 5)


@given(
    orders=st.sampled_from(list(product(ByteOrder, ByteOrder))),
    number=st.integers(0, 2**64 - 1),
    text=st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=16),
)
def test_what_was_encoded_is_decoded(orders: tuple[ByteOrder, ByteOrder], number: int, text: str) -> None:
    byte_order, word_order = orders
    mailbox = profile("modbus-mailbox").model_copy(
        update={"byte_order": byte_order, "word_order": word_order}
    )
    table = RegisterMap(mailbox.command, mailbox, COMMAND_TAGS)
    block = CommandBlock(
        epoch=number % 2**32, seq=1, op=2, job_id=number, source=3, target=4, container=text, boot_id=5
    )
    assert table.decode(table.encode(block.tags())) == block.tags()


def test_the_mailbox_profile_lays_the_command_block_out_as_one_big_endian_record() -> None:
    mailbox = profile("modbus-mailbox")
    table = RegisterMap(mailbox.command, mailbox, COMMAND_TAGS)
    block = CommandBlock(
        epoch=1, seq=2, op=3, job_id=4, source=501, target=502, container="TOTE-0001", boot_id=5
    )
    record = struct.pack(">IHHQII16sHH", 1, 2, 3, 4, 501, 502, b"TOTE-0001", 5, block.check)
    assert struct.pack(f">{table.count}H", *table.encode(block.tags())) == record


def test_the_profiles_have_what_the_handshakes_need_without_overlap() -> None:
    mailbox, wall = profile("modbus-mailbox"), profile("modbus-putwall")
    command = RegisterMap(mailbox.command, mailbox, COMMAND_TAGS)
    status = RegisterMap(mailbox.status, mailbox, STATUS_TAGS)
    assert command.count <= mailbox.status_base
    assert status.count <= 64 - mailbox.status_base
    header = RegisterMap(wall.header, wall, HEADER_TAGS)
    order = RegisterMap(wall.command, wall, ORDER_TAGS)
    slot = RegisterMap(wall.status, wall, SLOT_TAGS)
    assert (order.count, slot.count) == (wall.command_stride, wall.status_stride)
    assert header.count <= wall.status_base
    statuses = Span(wall.status_base, 12 * wall.status_stride)
    assert statuses.end <= wall.command_base
    assert statuses.end <= 125, "header and 12 slots come in one answer"


def test_a_profile_that_lacks_a_tag_is_refused_by_name() -> None:
    mailbox = profile("modbus-mailbox")
    without = tuple(tag for tag in mailbox.status if tag.name != "doneSeq")
    with pytest.raises(ValueError, match="modbus-mailbox lacks doneSeq"):
        RegisterMap(without, mailbox, STATUS_TAGS)


def test_what_the_gateway_writes_is_needed_to_the_last_tag() -> None:
    """A tag that a profile lacks would never be written, and the check would not fit."""
    assert {tag.name for tag in profile("modbus-mailbox").command} == COMMAND_TAGS
    assert {tag.name for tag in profile("modbus-putwall").command} == ORDER_TAGS
    assert {tag.name for tag in profile("modbus-putwall").header} == HEADER_TAGS


def test_what_the_gateway_reads_is_needed_to_the_last_tag() -> None:
    assert SlotStatus.of(dict.fromkeys(SLOT_TAGS, 1)) == SlotStatus(
        job_id=1, state=1, quantity=1, curtain=1, refused=1
    )
    assert Status.of(dict.fromkeys(STATUS_TAGS, 1)).boot_id == 1


class Written(ModbusLinkRunner):
    """A link that only notes where something is written."""

    def __init__(self) -> None:
        async def report(_: Report) -> None: ...

        settings = ModbusLink(kind="modbus", id="plc")
        super().__init__(settings, TcpModbus(settings))
        self.context = DriverContext(clock=SystemClock(), epoch=7, run="run", report=report, observe=print)
        self.at: list[int] = []

    def write(self, address: int, values: Sequence[int], ended: WriteEnded) -> None:
        self.at.append(address)


async def test_the_blocks_of_a_mailbox_lie_where_its_profile_says_from_the_base_of_its_channel() -> None:
    moved = profile("modbus-mailbox").model_copy(update={"command_base": 40, "status_base": 3})
    channels = (MailboxChannel(id="main", base=100), MailboxChannel(id="other", base=300))
    wiring = MailboxWiring(device_id="shuttle", profile=moved, channels=channels, places={})
    link = Written()
    driver = ModbusMailboxDriver(link, wiring, link.context)
    assert [block.start for block in driver.blocks] == [103, 303]
    for name in ("main", "other"):
        driver.assign(
            Command(job_id=9, device_id="shuttle", channel=name, seq=1, boot_id=1, op=Op.MOVE, target=None)
        )
    blank = [1] + [0] * (driver.blocks[0].length - 1)  # bootId 1, nothing done yet
    driver.read(dict.fromkeys(driver.blocks, blank), latency_s=0.01)
    assert link.at == [140, 340]


def test_registers_are_shown_in_hexadecimal() -> None:
    assert dump((1, 255)) == "0001 00FF"
