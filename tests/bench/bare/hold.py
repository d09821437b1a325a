"""Floor of a factory at rest: the bare libraries hold the same connections, and read and subscribe to the same.

Run as `python -m tests.bench.bare.hold SITE PORTS_FROM`; prints a line when all connections are there.
"""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

from asyncua import Client, ua
from pymodbus.client import AsyncModbusTcpClient

from gateway.contract.wiring import Link, ModbusLink, MqttLink, OpcUaLink
from gateway.site.load import load_site
from gateway.site.model import Carrier, Conveyor, Site
from gateway.site.ports import with_ports_from
from tests.bench.bare.command import NAMESPACE, broker
from tests.bench.bare.notice import STATUS_BASE, STATUS_COUNT

WALL_COUNT = 124
"""Header and statuses of a put wall."""


async def ticks(period_s: float) -> AsyncGenerator[None]:
    """Yield at a fixed rate."""
    now = asyncio.get_running_loop().time
    due = now()
    while True:
        yield
        due = max(due + period_s, now())
        await asyncio.sleep(due - now())


class Changes:
    """What asyncua calls."""

    def datachange_notification(self, node: Any, val: Any, data: Any) -> None:
        """A value has changed."""


async def opcua(link: OpcUaLink, devices: Sequence[Carrier], tags: Sequence[str]) -> None:
    """Subscribe to all status variables but the life counter; read all every `poll_ms`."""
    async with Client(link.url) as client:
        namespace = await client.get_namespace_index(NAMESPACE)
        subscription = await client.create_subscription(link.publishing_ms, Changes())
        statuses = [
            [client.get_node(f"ns={namespace};s={device.channel.base}{tag}") for tag in tags]
            for device in devices
        ]
        for status in statuses:
            watched = [node for node, tag in zip(status, tags, strict=True) if tag != "Status.life"]
            await subscription.subscribe_data_change(watched)
        async for _ in ticks(link.poll_ms / 1000):
            for status in statuses:
                await client.read_attributes(status, ua.AttributeIds.Value)


async def modbus(link: ModbusLink, spans: Sequence[tuple[int, int]]) -> None:
    """Read all status blocks every `poll_ms`."""
    client = AsyncModbusTcpClient(link.host, port=link.port)
    await client.connect()
    async for _ in ticks(link.poll_ms / 1000):
        for address, count in spans:
            await client.read_holding_registers(address, count=count)


async def mqtt(link: MqttLink) -> None:
    """Subscribe to what all vehicles tell; parse it."""
    async with broker(str(link.port)) as client:
        for topic in ("connection", "state", "visualization", "factsheet"):
            await client.subscribe(f"uagv/v2/+/+/{topic}")
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            json.loads(message.payload)


def _held(site: Site, link: Link) -> Any:
    devices = [device for device in site.devices if device.link == link.id]
    match link:
        case OpcUaLink():
            tags = [str(tag.address) for tag in site.profile("opcua-mailbox").status]
            return opcua(link, [device for device in devices if isinstance(device, Carrier)], tags)
        case ModbusLink():
            mailboxes = [
                (int(channel.base) + STATUS_BASE, STATUS_COUNT)
                for device in devices
                if isinstance(device, Conveyor)
                for channel in device.channels
            ]
            walls = [(device.base, WALL_COUNT) for device in devices if device.kind == "putwall"]
            return modbus(link, mailboxes + walls)
        case MqttLink():
            return mqtt(link)


async def main(file: Path, ports_from: int) -> None:
    """Run for ever."""
    site = with_ports_from(load_site(file), ports_from)
    async with asyncio.TaskGroup() as tasks:
        for link in site.links:
            tasks.create_task(_held(site, link))
        print("ready", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
