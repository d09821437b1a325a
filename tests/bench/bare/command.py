"""Floor of a command: FastAPI takes a request, aiosqlite commits it, the bare library writes to the device.

Run as `python -m tests.bench.bare.command PORT DATABASE modbus|opcua ADDRESS`; the address is host:port, or the server's URL
and the prefix of the nodes after a blank.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from asyncua import Client, ua
from fastapi import FastAPI
from pymodbus.client import AsyncModbusTcpClient

from tests.bench.bare.accept import Request, insert, open_database, serve

Write = Callable[[], Awaitable[Any]]

NAMESPACE = "urn:warehouse:mailbox"
REGISTERS = [0] * 21
"""As many as a command block has; the device finds that its check does not fit."""
NUMBERS = {
    "epoch": ua.VariantType.UInt32,
    "seq": ua.VariantType.UInt16,
    "op": ua.VariantType.UInt16,
    "jobId": ua.VariantType.UInt64,
    "source": ua.VariantType.UInt32,
    "target": ua.VariantType.UInt32,
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


CONNECT = {"modbus": modbus, "opcua": opcua}


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
