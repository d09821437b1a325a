"""The bundled WES core: a client of the gateway's public contract, in the gateway's process or in one of its own."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random, SystemRandom
from typing import Final

import httpx
import structlog

from gateway.api.app import create_wes_api
from gateway.app.serving import http_port, serve_http, start_is_over
from gateway.app.settings import Settings, make_data_folder
from gateway.app.surroundings import Runnable, WesSurroundings, real_wes_surroundings
from gateway.contract.clock import Clock
from gateway.delivery.chain import Bells, chain_works
from gateway.delivery.gateway_client import GatewayClient
from gateway.delivery.wes import upstream_works
from gateway.kernel.clock import SystemClock
from gateway.kernel.news import TellingStore
from gateway.kernel.ports import CannotStart
from gateway.kernel.supervise import keep_running
from gateway.site.model import Site
from gateway.web.pages import add_pages
from gateway.wes.allocation.port import Allocator
from gateway.wes.core import WesCore, open_core
from gateway.wes.floor.operations import push
from gateway.wes.floor.wall import PUT_HANDLERS
from gateway.wes.layout import lay_out
from gateway.wes.planning.hearing import Hearing

log = structlog.get_logger()

LOOK_S: Final = 5.0
"""From one look whether the gateway has got a WES core of its own to the next."""


@dataclass(frozen=True, slots=True)
class RunningWes:
    """The bundled WES core and what runs around it.

    Attributes:
        allocator: decides who picks what from which container.
        hearing: turns the gateway's events into what they mean.
        bells: wake the chain's rounds.
        works: what runs around orders and upstream.
    """

    core: WesCore
    allocator: Allocator
    hearing: Hearing
    bells: Bells
    works: Mapping[str, Runnable]

    def chain(self, gateway: GatewayClient) -> Mapping[str, Runnable]:
        """Return what runs between work orders and containers at stations."""
        return chain_works(self.core, gateway, self.allocator, self.hearing, self.bells)


class SecondMaster(CannotStart):
    """The gateway has a WES already; the text says so."""


@asynccontextmanager
async def open_wes(
    site: Site, clock: Clock, rng: Random, around: WesSurroundings | None
) -> AsyncGenerator[RunningWes | None]:
    """Open the WES core of a site, if it has one, for as long as the context lasts."""
    if site.wes is None or around is None:
        yield None
        return
    async with around.store() as store:
        bells = Bells()
        telling = TellingStore(store)
        opened = await open_core(telling, site.wes, clock, lay_out(site, site.wes.stations.boxes))
        core = replace(opened, stir=bells.ring, news=telling.news)
        works = upstream_works(core, around.courier, rng)
        hearing = Hearing(core.context, push, PUT_HANDLERS)
        yield RunningWes(core, around.allocator, hearing, bells, works)


async def run_wes(settings: Settings, gateway_url: str) -> None:
    """Run the WES core of a site in a process of its own, beside a gateway that runs none, until the process is told to stop.

    Args:
        settings: of the WES; the token is the one that the gateway wants, and that the WES wants to be shown.
        gateway_url: where the gateway listens.

    Raises:
        StoreRefused: another process uses the data, or they are newer than this program.
        SecondMaster: the gateway runs a WES core of its own, or does so from now on (in a group).
    """
    clock, rng = SystemClock(), SystemRandom()
    make_data_folder(settings.data)
    with http_port(settings.host, settings.port) as port:
        async with (
            real_wes_surroundings(settings, clock) as around,
            open_wes(settings.site, clock, rng, around) as wes,
            httpx.AsyncClient(base_url=gateway_url, headers=settings.authorization, trust_env=False) as http,
            asyncio.TaskGroup() as tasks,
        ):
            assert wes is not None
            gateway = GatewayClient(http)
            await _refuse_second(gateway, gateway_url)
            works = {**wes.works, **wes.chain(gateway)}
            running = [tasks.create_task(keep_running(name, work.run)) for name, work in works.items()]
            running.append(tasks.create_task(_stay_the_only_one(gateway, gateway_url)))
            start_is_over()
            log.info("the WES runs", url=settings.url, gateway=gateway_url)
            closing = asyncio.Event()
            api = create_wes_api(wes.core, settings.token, closing)
            add_pages(api)
            await serve_http(api, port, closing)
            for task in running:
                task.cancel()


async def _stay_the_only_one(gateway: GatewayClient, url: str) -> None:
    while True:
        await asyncio.sleep(LOOK_S)
        await _refuse_second(gateway, url)


async def _refuse_second(gateway: GatewayClient, url: str) -> None:
    """Leave the containers to whoever moves them already: what one WES brings to a station another would have brought back.

    Raises:
        SecondMaster: the gateway runs a WES core of its own.
    """
    if await gateway.has_wes():
        raise SecondMaster(
            f"the gateway at {url} runs a WES core of its own, and two would undo each other's work:"
            " start it with --no-wes, or stop this one"
        )
