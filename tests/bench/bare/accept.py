"""Floor of an accept: FastAPI checks a request, aiosqlite inserts and commits it, one commit a request.

Run as `python -m tests.bench.bare.accept PORT DATABASE`.
"""

import asyncio
import sys
from typing import Any

import aiosqlite
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Request(BaseModel):
    """A transport request."""

    transportId: str  # noqa: N815 - as on the wire
    containerId: str  # noqa: N815
    destination: str
    priority: int = 5


async def open_database(path: str) -> aiosqlite.Connection:
    """Open a database whose commits are durable."""
    database = await aiosqlite.connect(path)
    await database.execute("PRAGMA journal_mode=WAL")
    await database.execute("PRAGMA synchronous=FULL")
    await database.execute("CREATE TABLE transports (key TEXT PRIMARY KEY, doc TEXT)")
    await database.commit()
    return database


async def insert(database: aiosqlite.Connection, request: Request) -> None:
    """Make one request durable."""
    row = (request.transportId, request.model_dump_json())
    await database.execute("INSERT INTO transports VALUES (?, ?)", row)
    await database.commit()


async def serve(api: FastAPI, port: int) -> None:
    """Answer HTTP for ever."""
    config = uvicorn.Config(api, port=port, log_config=None, access_log=False, lifespan="off")
    await uvicorn.Server(config).serve()


async def main(port: int, path: str) -> None:
    """Serve for ever."""
    database, alone = await open_database(path), asyncio.Lock()
    api = FastAPI()

    @api.get("/livez")
    async def livez() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        return {}

    @api.post("/v1/transports", status_code=202)
    async def submit(request: Request) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        async with alone:
            await insert(database, request)
        return {"transportId": request.transportId}

    await serve(api, port)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
