"""An independent Modbus client (pyModbusTCP) reads the running demo site, by the register table of the documents.

What the registers say and what the gateway's API says must be the same.
"""

import asyncio
import re
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from pyModbusTCP.client import ModbusClient

from gateway.site.load import load_site
from tests.wire.demo import RunningDemo
from tests.wire.processes import DEMO, ROOT, SiteProcesses

pytestmark = pytest.mark.wire

REGISTERS = ROOT / "docs" / "demo-registers.md"
DEVICE = re.compile(r"^## (\S+) \(link (\S+)\)$")
SIZES = {"u16": 1, "u32": 2, "u64": 4, "string 16": 8}


class Peer:
    """A client that knows only the document."""

    def __init__(self, client: ModbusClient, device: str) -> None:
        self._client = client
        self._places = {
            (channel, block, tag): (int(register), kind)
            for of, channel, block, register, tag, kind in rows()
            if of == device
        }

    async def read(self, channel: str, block: str, tag: str) -> int | str:
        """Read one tag."""
        register, kind = self._places[channel, block, tag]
        words = await asyncio.to_thread(self._client.read_holding_registers, register, SIZES[kind])
        assert words is not None, self._client.last_error_as_txt
        data = b"".join(word.to_bytes(2, "big") for word in words)
        return data.rstrip(b"\0").decode() if kind.startswith("string") else int.from_bytes(data, "big")

    async def read_all(self, channel: str, block: str, *tags: str) -> dict[str, int | str]:
        """Read some tags of a block."""
        return {tag: await self.read(channel, block, tag) for tag in tags}


def rows() -> Generator[tuple[str, str, str, str, str, str]]:
    """Yield device, channel, block, register, tag and type of every row of the document."""
    device = ""
    for line in REGISTERS.read_text(encoding="utf-8").splitlines():
        if heading := DEVICE.match(line):
            device = heading[1]
        elif line.startswith("|") and "---" not in line:
            channel, block, register, _, tag, kind = (cell.strip() for cell in line.strip("|").split("|"))
            if register.isdigit():
                yield device, channel, block, register, tag, kind


@contextmanager
def peer_of(site: SiteProcesses, device_id: str) -> Generator[Peer]:
    """Connect to the device of the running site."""
    model = load_site(DEMO)
    [link] = [device.link for device in model.devices if device.id == device_id]
    port = site.ports_from + [each.id for each in model.links].index(link)
    client = ModbusClient("127.0.0.1", port, unit_id=1, timeout=2.0, auto_open=True)
    try:
        yield Peer(client, device_id)
    finally:
        client.close()


async def test_a_conveyors_registers_say_what_the_api_says(
    demo: RunningDemo, demo_processes: SiteProcesses
) -> None:
    view = await demo.completed(await demo.submit("TOTE-0010", "OUT-4"))
    with peer_of(demo_processes, "conveyor-out") as peer:
        for command in view["commands"]:
            if command["deviceId"] != "conveyor-out":
                continue
            shown = await peer.read_all(
                command["channel"], "status", "ackSeq", "doneSeq", "jobId", "acceptCode", "doneCode"
            )
            assert shown == {
                "ackSeq": command["seq"],
                "doneSeq": command["seq"],
                "jobId": command["jobId"],
                "acceptCode": 1,
                "doneCode": 1,
            }
            told = await peer.read_all(command["channel"], "command", "seq", "op", "jobId", "container")
            assert told == {
                "seq": command["seq"],
                "op": 3,
                "jobId": command["jobId"],
                "container": "TOTE-0010",
            }
        assert await peer.read("out-1", "status", "barcode") == "TOTE-0010"
        loads = [await peer.read("out-3", "status", tag) for tag in ("sourceLoad", "targetLoad")]
        assert loads == [0, 1], "OUT-3 is empty, OUT-4 is taken"
        life = await peer.read("out-3", "status", "life")
        await asyncio.sleep(0.5)
        assert await peer.read("out-3", "status", "life") != life
    await demo.carry("TOTE-0010", view["source"])


async def test_a_walls_registers_say_what_the_api_says(
    demo: RunningDemo, demo_processes: SiteProcesses
) -> None:
    await demo.speed(0.01)
    with peer_of(demo_processes, "wall-2") as peer:
        assert await peer.read("", "header", "slots") == 12
        presses = await peer.read_all("W2-11", "status", "confirms", "shorts")
        put_id = await demo.put("W2-11", 7, colour="blue", blink=True)
        await demo.until_put(put_id, "lit")

        order = await peer.read_all("W2-11", "order", "jobId", "colour", "blink", "quantity")
        assert order == {"jobId": order["jobId"], "colour": 3, "blink": 1, "quantity": 7}
        shown = await peer.read_all("W2-11", "status", "jobId", "state", "quantity")
        assert shown == {"jobId": order["jobId"], "state": 1, "quantity": 7}

        await demo.press("W2-11", "short")
        await demo.press("W2-11", "confirm")
        view = await demo.until_put(put_id, "short")
        shown = await peer.read_all("W2-11", "status", "state", "quantity", "confirms", "shorts")
        assert shown == {
            "state": 3,
            "quantity": view["confirmedQuantity"],
            "confirms": int(presses["confirms"]) + 1,
            "shorts": int(presses["shorts"]) + 1,
        }
