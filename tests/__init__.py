"""Tests, by what they touch: unit, contract, golden, sim (virtual time), wire (real sockets)."""
