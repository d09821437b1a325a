"""Floor of a command: FastAPI takes a request, aiosqlite commits it, the bare library writes to the device.

Run as `python -m tests.bench.bare.command PORT DATABASE modbus|mqtt|opcua ADDRESS`. The address is host:port (Modbus), the
port of an embedded broker and the vehicle's topic (MQTT), or the server's URL and the prefix of the nodes (OPC UA).
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt
from asyncua import Client, ua
from fastapi import FastAPI
from pymodbus.client import AsyncModbusTcpClient

from drivers.links.nats_server import HOST, BrokerAccess, access_folder
from tests.bench.bare.accept import Request, insert, open_database, serve

Write = Callable[[], Awaitable[Any]]

NAMESPACE = "urn:warehouse:mailbox"
REGISTERS = [0] * 22
"""As many as a command block has; the device finds that its check does not fit."""
ORDER = b"-" * 2000
NUMBERS = {
    "epoch": ua.VariantType.UInt32,
    "seq": ua.VariantType.UInt16,
    "op": ua.VariantType.UInt16,
    "jobId": ua.VariantType.UInt64,
    "source": ua.VariantType.UInt32,
    "target": ua.VariantType.UInt32,
    "bootId": ua.VariantType.UInt16,
    "check": ua.VariantType.UInt16,
}


@asynccontextmanager
async def modbus(address: str) -> AsyncGenerator[Write]:
    """Connect by pymodbus; yield what writes a block of registers."""
    host, _, port = address.partition(":")
    client = AsyncModbusTcpClient(host, port=int(port), retries=0)
    await client.connect()
    yield lambda: client.write_registers(0, REGISTERS)
    client.close()


@asynccontextmanager
async def opcua(address: str) -> AsyncGenerator[Write]:
    """Connect by asyncua; yield what writes the variables of a command in one request."""
    url, _, prefix = address.partition(" ")
    async with Client(url) as client:
        namespace = await client.get_namespace_index(NAMESPACE)
        nodes = [client.get_node(f"ns={namespace};s={prefix}Cmd.{name}") for name in NUMBERS]
        values = [ua.DataValue(ua.Variant(0, kind)) for kind in NUMBERS.values()]
        yield lambda: client.write_values(nodes, values)


def broker(port: str) -> aiomqtt.Client:
    """Return a client of an embedded broker."""
    access = BrokerAccess.of_port(int(port), access_folder())
    return aiomqtt.Client(HOST, int(port), username=access.username, password=access.password)


@asynccontextmanager
async def mqtt(address: str) -> AsyncGenerator[Write]:
    """Connect by aiomqtt; yield what publishes as many bytes as an order has, which the vehicle finds to be none."""
    port, _, topic = address.partition(" ")
    async with broker(port) as client:
        yield lambda: client.publish(f"{topic}/order", ORDER)


CONNECT = {"modbus": modbus, "mqtt": mqtt, "opcua": opcua}


async def main(port: int, path: str, protocol: str, address: str) -> None:
    """Serve for ever."""
    database = await open_database(path)
    async with CONNECT[protocol](address) as write:
        api = FastAPI()

        @api.get("/livez")
        async def livez() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
            return {}

        @api.post("/v1/transports", status_code=202)
        async def submit(request: Request) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
            await insert(database, request)
            await write()
            return {"transportId": request.transportId}

        await serve(api, port)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), *sys.argv[2:5]))
