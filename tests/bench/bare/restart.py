"""Floor of a restart: import the same libraries, read the open transports.

Run as `python -m tests.bench.bare.restart DATABASE`; prints how many there are.
"""

import json
import sqlite3
import sys

import aiomqtt
import aiosqlite
import asyncua
import fastapi
import httpx
import prometheus_client
import pydantic
import pymodbus.client
import structlog
import typer
import uvicorn
import yaml

LIBRARIES = (
    aiomqtt,
    aiosqlite,
    asyncua,
    fastapi,
    httpx,
    prometheus_client,
    pydantic,
    pymodbus.client,
    structlog,
    typer,
    uvicorn,
    yaml,
)

if __name__ == "__main__":
    with sqlite3.connect(sys.argv[1]) as database:
        rows = database.execute("SELECT doc FROM transports WHERE status NOT IN ('completed', 'cancelled')")
        print(len([json.loads(doc) for (doc,) in rows]))
