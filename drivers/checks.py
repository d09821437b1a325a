"""Check sums of the wire."""

from typing import Final


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ 0xA001 if byte & 1 else byte >> 1
    return byte


REMAINDERS: Final = tuple(_remainder(byte) for byte in range(256))
"""Of every byte; with them a check sum takes one step a byte instead of eight."""


def crc16_modbus(data: bytes) -> int:
    """Return the CRC-16/MODBUS of `data`: polynomial 0x8005 reflected (0xA001), start 0xFFFF, 0 … 65535."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ REMAINDERS[(crc ^ byte) & 0xFF]
    return crc
