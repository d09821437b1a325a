"""All that is outside a gateway, and how it is had in earnest: sockets, threads, files, the system's clock and chance."""

from asyncio import to_thread
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random, SystemRandom
from typing import Protocol

from drivers.links.modbus import TcpModbus
from drivers.links.modbus_port import ModbusPort
from drivers.links.mqtt import connect_mqtt
from drivers.links.mqtt_port import Connect as MqttConnect
from drivers.links.opcua import connect_opcua
from drivers.links.opcua_port import Connect as OpcUaConnect
from gateway.app.allocation import open_allocator
from gateway.app.brokers import broker_access, check_ports, embedded_broker
from gateway.app.settings import Settings, make_data_folder
from gateway.app.upstream import open_courier
from gateway.contract.clock import Clock
from gateway.contract.wiring import ModbusLink, MqttLink
from gateway.delivery.brokers import Broker
from gateway.delivery.sender import EVERYWHERE, LOOPBACK, HttpSender, Sender
from gateway.delivery.upstream import Courier
from gateway.kernel.clock import SystemClock
from gateway.kernel.ports import Store
from gateway.people.passwords import Computer, at_once
from gateway.store.sqlite import open_sqlite
from gateway.wes.allocation.baseline import Greedy
from gateway.wes.allocation.port import Allocator
from gateway.wes.schema import MIGRATIONS


class Runnable(Protocol):
    """Something that works until it is cancelled."""

    async def run(self) -> None:
        """Work until cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class WesSurroundings:
    """All that is outside a WES core.

    Attributes:
        store: opens its database for as long as its context lasts.
        courier: brings messages to upstream; None where nobody listens.
        allocator: decides who picks what from which container.
    """

    store: Callable[[], AbstractAsyncContextManager[Store]]
    courier: Courier | Broker | None
    allocator: Allocator = field(default_factory=Greedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """All that is outside a gateway: time, chance, storage and wires. Sockets and threads here; memory and virtual time in tests.

    Attributes:
        store: opens the database for as long as its context lasts.
        modbus: makes the wire of a Modbus link.
        opcua: makes an OPC UA session.
        mqtt: returns how to connect to a link's broker under a client id.
        sender: posts webhooks.
        runners: what has to run besides the gateway, such as an embedded broker, by a name for people.
        wes: what is outside the bundled WES core; None where the site has none.
        compute: where what takes long is computed.
    """

    clock: Clock
    rng: Random
    store: Callable[[], AbstractAsyncContextManager[Store]]
    modbus: Callable[[ModbusLink], ModbusPort]
    opcua: OpcUaConnect
    mqtt: Callable[[MqttLink, str], MqttConnect]
    sender: Sender
    runners: Mapping[str, Runnable]
    wes: WesSurroundings | None = None
    compute: Computer = at_once


@asynccontextmanager
async def real_surroundings(settings: Settings) -> AsyncGenerator[Surroundings]:
    """Return sockets, threads, files and the system's clock.

    Raises:
        PortRefused: another program has the port of an embedded broker.
        UpstreamRefused: the client of upstream's broker is not installed.
    """
    clock = SystemClock()
    make_data_folder(settings.data)
    brokers = {
        link.id: embedded_broker(link, settings.data)
        for link in settings.site.links
        if isinstance(link, MqttLink) and link.url == "embedded"
    }
    await check_ports(brokers.values())
    sender = HttpSender(clock, (*LOOPBACK, *settings.webhook_networks))
    try:
        async with real_wes_surroundings(settings, clock) as wes:
            yield Surroundings(
                clock=clock,
                rng=SystemRandom(),
                store=partial(open_sqlite, settings.data / "gateway.db"),
                modbus=TcpModbus,
                opcua=connect_opcua,
                mqtt=lambda link, client_id: partial(
                    connect_mqtt, broker_access(link, client_id, brokers.get(link.id))
                ),
                sender=sender,
                runners={f"broker {link_id}": broker for link_id, broker in brokers.items()},
                wes=wes,
                compute=to_thread,
            )
    finally:
        await sender.close()


@asynccontextmanager
async def real_wes_surroundings(settings: Settings, clock: Clock) -> AsyncGenerator[WesSurroundings | None]:
    """Return files, the way to upstream and the site's allocator; None if the site has no WES.

    Raises:
        UpstreamRefused: the client of upstream's broker is not installed.
    """
    wes = settings.site.wes
    if wes is None:
        yield None
        return
    sender = HttpSender(clock, EVERYWHERE)
    store = partial(open_sqlite, settings.data / "wes.db", MIGRATIONS)
    try:
        async with open_allocator(wes.allocation) as allocator:
            yield WesSurroundings(store, open_courier(wes, sender, clock), allocator)
    finally:
        await sender.close()
