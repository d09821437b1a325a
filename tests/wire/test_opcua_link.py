"""The OPC UA link towards a server that is not there, or not any more."""

import asyncio

import pytest

from drivers.links.opcua import connect_opcua
from drivers.opcua.link import OpcUaLinkRunner
from gateway.contract.wiring import OpcUaLink
from tests.wire.opcua_bench import link_to, until, wire_to
from tests.wire.opcua_plc import plc_server
from tests.wire.processes import free_ports

pytestmark = pytest.mark.wire

PASSES = 40
"""Passes of the event loop within which a connection is refused, by far."""


async def test_told_to_stop_in_whatever_moment_of_a_refused_connection_it_stops() -> None:
    settings = OpcUaLink(kind="opcua", id="plc", url=f"opc.tcp://127.0.0.1:{free_ports(1)}")
    for passes in range(PASSES):
        running = asyncio.ensure_future(OpcUaLinkRunner(settings, connect_opcua).run())
        for _ in range(passes):
            await asyncio.sleep(0)
        running.cancel()
        stopped, _ = await asyncio.wait([running], timeout=5)
        assert stopped, f"told to stop after {passes} passes, it goes on"


async def test_a_server_that_goes_away_is_told_in_words_of_ours() -> None:
    async with plc_server() as server:
        async with connect_opcua(link_to(server.url)) as port:
            await server.kill()
            async with asyncio.timeout(10):
                lost = await port.lost
    assert str(lost) == f"{server.url}: the connection broke"


async def test_a_server_that_does_not_even_answer_the_farewell_keeps_no_connection() -> None:
    """Found by reading: the library closes its socket only after the answer, so each such session left one behind."""
    async with plc_server() as server, wire_to(server.url) as wire:
        async with connect_opcua(link_to(wire.url, timeout_ms=300)):
            wire.gate.clear()
        wire.gate.set()
        await until(lambda: not wire.connections)
