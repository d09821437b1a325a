"""The check, against the vectors that docs/plc-handshake.md gives to PLC programmers."""

import re
from pathlib import Path

import pytest

from drivers.blocks import CommandBlock
from drivers.checks import crc16_modbus

SPECIFICATION = Path(__file__).parents[2] / "docs" / "plc-handshake.md"
ROW = re.compile(
    r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| `(.*?)` \| (\d+) \| 0x([0-9A-F]{4}) \|$", re.M
)
VECTORS = ROW.findall(SPECIFICATION.read_text(encoding="utf-8"))


def test_the_specification_gives_three_vectors() -> None:
    assert len(VECTORS) == 3


@pytest.mark.parametrize("row", VECTORS)
def test_the_check_of_a_command_block_is_that_of_the_specification(row: tuple[str, ...]) -> None:
    epoch, seq, op, job_id, source, target = map(int, row[:6])
    block = CommandBlock(
        epoch=epoch,
        seq=seq,
        op=op,
        job_id=job_id,
        source=source,
        target=target,
        container=row[6],
        boot_id=int(row[7]),
    )
    assert block.check == int(row[8], 16)


def test_the_crc_is_the_one_of_the_modbus_serial_line_specification() -> None:
    # Its example: slave 2, function 7 is followed by 0x41 0x12, low byte first.
    assert crc16_modbus(bytes([2, 7])) == 0x1241
