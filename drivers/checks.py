"""Check sums of the wire."""


def crc16_modbus(data: bytes) -> int:
    """Return the CRC-16/MODBUS of `data`: polynomial 0x8005 reflected (0xA001), start 0xFFFF, 0 … 65535."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc
