"""Floor of an event: the bare library notices that a device shows something else.

Run as `python -m tests.bench.bare.notice modbus|mqtt|opcua ADDRESS`, addresses as in `bare.command`; prints the time of
each change, the first of which is what it finds.
"""

import asyncio
import json
import sys
import time
from typing import Any

from asyncua import Client
from pymodbus.client import AsyncModbusTcpClient

from tests.bench.bare.command import NAMESPACE, broker

STATUS_BASE, STATUS_COUNT, DONE_SEQ = 32, 29, 6
POLL_S = 0.01
PUBLISHING_MS = 20


def noticed() -> None:
    """Tell that there is a change, and when it was there."""
    print(time.monotonic(), flush=True)


async def modbus(address: str) -> None:
    """Poll a status block every 10 ms."""
    host, _, port = address.partition(":")
    client = AsyncModbusTcpClient(host, port=int(port))
    await client.connect()
    done = None
    while True:
        answer = await client.read_holding_registers(STATUS_BASE, count=STATUS_COUNT)
        if answer.registers[DONE_SEQ] != done:
            noticed()
            done = answer.registers[DONE_SEQ]
        await asyncio.sleep(POLL_S)


class Changes:
    """What asyncua calls."""

    def datachange_notification(self, node: Any, val: Any, data: Any) -> None:
        """A value has changed."""
        noticed()


async def opcua(address: str) -> None:
    """Subscribe to one variable, published every 20 ms."""
    url, _, prefix = address.partition(" ")
    async with Client(url) as client:
        namespace = await client.get_namespace_index(NAMESPACE)
        subscription = await client.create_subscription(PUBLISHING_MS, Changes())
        await subscription.subscribe_data_change(client.get_node(f"ns={namespace};s={prefix}Status.doneSeq"))
        await asyncio.Event().wait()


async def mqtt(address: str) -> None:
    """Subscribe to a vehicle's states; look for other finished actions."""
    port, _, topic = address.partition(" ")
    async with broker(port) as client:
        await client.subscribe(f"{topic}/state")
        noticed()
        done: set[str] = set()
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            actions = json.loads(message.payload)["actionStates"]
            finished = {action["actionId"] for action in actions if action["actionStatus"] == "FINISHED"}
            if finished - done:
                noticed()
            done = finished


if __name__ == "__main__":
    asyncio.run({"modbus": modbus, "mqtt": mqtt, "opcua": opcua}[sys.argv[1]](sys.argv[2]))
