"""Drivers for devices on Modbus TCP: mailboxes and put walls in holding registers."""
