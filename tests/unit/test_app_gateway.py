"""One gateway, put together: what goes wrong in one part leaves the others at work."""

import asyncio
from pathlib import Path
from typing import Never

import pytest

from gateway.app import gateway as app
from gateway.app.gateway import open_gateway
from gateway.app.settings import Settings
from gateway.app.surroundings import real_surroundings
from gateway.site.model import Site
from gateway.transport.engine import TransportEngine

pytestmark = pytest.mark.unit


async def test_a_fault_in_what_is_done_every_second_does_not_end_the_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by reading: it ended the process, a second after each start."""
    ticks = asyncio.Queue[None]()

    def fail(_: TransportEngine, __: object) -> Never:
        ticks.put_nowait(None)
        raise LookupError("a fault of the program")

    monkeypatch.setattr(app, "TICK_S", 0.01)
    monkeypatch.setattr(TransportEngine, "_tick", fail)
    settings = Settings(site=Site(id="empty"), data=tmp_path)
    async with asyncio.timeout(10), real_surroundings(settings) as around, open_gateway(settings, around):
        for _ in range(2):
            await ticks.get()
