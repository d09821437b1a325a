"""One gateway, put together: what goes wrong in one part leaves the others at work."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Never, TypeVar

import pytest

from gateway.app import gateway as app
from gateway.app.gateway import open_gateway
from gateway.app.settings import Settings
from gateway.app.surroundings import real_surroundings
from gateway.contract.faults import Refusal
from gateway.contract.subscriptions import SubscriptionRequest
from gateway.delivery.webhooks import Webhooks
from gateway.kernel.ports import Store, StoreFull, Tx
from gateway.site.model import Site
from gateway.store.inline import open_inline
from gateway.transport.engine import TransportEngine
from gateway.transport.messages import LookForRoom

T = TypeVar("T")

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


@dataclass
class FillingStore:
    """A store on a disk that may be full."""

    store: Store
    is_full: bool = False

    async def write(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        if self.is_full:
            raise StoreFull("no room")
        return await self.store.write(job)

    async def read(self, job: Callable[[Tx], Awaitable[T]]) -> T:
        return await self.store.read(job)


async def test_that_there_is_room_again_is_noticed_although_nobody_asks_for_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by reading: the alarm stood until the next request, and who goes by /readyz would have sent none."""
    monkeypatch.setattr(app, "TICK_S", 0.01)
    settings = Settings(site=Site(id="empty"), data=tmp_path)
    async with asyncio.timeout(10), real_surroundings(settings) as around, open_inline() as inline:
        store = FillingStore(inline)

        @asynccontextmanager
        async def opened() -> AsyncGenerator[Store]:
            yield store

        async with open_gateway(settings, replace(around, store=opened)) as gateway:
            kernel = gateway.kernel
            store.is_full = True
            with pytest.raises(Refusal, match="cannot make anything durable"):
                await kernel.ask(LookForRoom())
            store.is_full = False
            while kernel.no_room is not None:
                await asyncio.sleep(0.01)


async def test_subscriptions_are_known_from_the_first_request_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found by reading: a WES that makes sure of its subscription after a restart found none, and made another."""
    settings = Settings(site=Site(id="empty"), data=tmp_path)
    async with asyncio.timeout(10), real_surroundings(settings) as around:
        async with open_gateway(settings, around) as gateway:
            made = await gateway.deps.webhooks.create(SubscriptionRequest(url="http://127.0.0.1:9/hook"))

        async def not_yet(_: Webhooks) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(Webhooks, "run", not_yet)
        async with open_gateway(settings, around) as gateway:
            known = [each.subscription_id for each in gateway.deps.webhooks.views()]
    assert known == [made.subscription_id]
