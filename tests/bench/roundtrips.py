"""(b) Accept to the first byte of the command, (c) *done* to the event: both ends of transports on an idle site.

Simulated devices, client and stopwatch are here, the gateway is a process of its own.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, assert_never

from gateway.contract.wiring import Link, ModbusLink, MqttLink, OpcUaLink
from gateway.site.load import load_site
from gateway.site.ports import with_ports_from
from tests.bench.client import connections, event_times, until_devices_are_online, until_it_answers
from tests.bench.figures import Figure, percentile, spread
from tests.bench.plant import Plant, Stopwatch
from tests.bench.processes import line_of, running
from tests.bench.sites import BAYS, bays, slot_of, tote_of, write_site
from tests.wire.processes import free_ports

SAMPLES: Final = 60
REST_S: Final = 0.03
FIRST_BYTE_MS: Final = 10
EVENT_MS: Final = {"opcua": 30, "modbus": 15, "mqtt": 15}
ACCEPTED: Final = 202


@dataclass(frozen=True, slots=True)
class _Walked:
    """What transports of one bay took, in ms.

    Attributes:
        first_byte_ms: from sending the request to the first byte of the command.
        event_ms: from *done* to the event.
        dones: when the device showed each *done*.
    """

    first_byte_ms: Sequence[float]
    event_ms: Sequence[float]
    dones: Sequence[float]


async def measure(folder: Path, say: Callable[[str], None]) -> list[Figure]:
    """Measure both ends for each protocol, then their floors."""
    base = free_ports(2 + len(BAYS))
    port, floor_port, ports_from = base, base + 1, base + 2
    file = write_site(bays(), folder / "bays")
    site = with_ports_from(load_site(file), ports_from)
    plant = Plant(site, folder)
    addresses = {link.id: _address(link) for link in site.links}
    words = ("--site", str(file), "--ports-from", str(ports_from), "--data", str(folder / "data"))
    async with plant.running():
        walked: dict[str, _Walked] = {}
        noticed_ms: dict[str, list[float]] = {}
        async with running(folder / "run.log", "gateway", "run", "--port", str(port), *words):
            await until_it_answers(port)
            await until_devices_are_online(port)
            for bay in BAYS:
                say(f"first byte and event: {bay}")
                watch = plant.watches[bay]
                walked[bay] = await _walk(port, bay, watch, "measured")
                say(f"first byte and event: {bay}, the floor of the event")
                noticed_ms[bay] = await _notice(folder, port, bay, watch, addresses[bay])
        bare_ms: dict[str, list[float]] = {}
        for bay in BAYS:
            say(f"first byte and event: {bay}, the floor of the first byte")
            bare_ms[bay] = await _bare_commands(folder, floor_port, bay, plant.watches[bay], addresses[bay])
    return [
        *(_first_byte(bay, walked[bay], bare_ms[bay]) for bay in BAYS),
        *(_event(bay, walked[bay], noticed_ms[bay]) for bay in BAYS),
    ]


def _address(link: Link) -> str:
    """Return where a bay's device is, in the words of `bare.command`."""
    match link:
        case OpcUaLink():
            return f"{link.url} Shuttle."
        case ModbusLink():
            return f"{link.host}:{link.port}"
        case MqttLink():
            return f"{link.port} uagv/v2/bench/vehicle"
        case _:
            assert_never(link)


def _first_byte(bay: str, walked: _Walked, floor_ms: Sequence[float]) -> Figure:
    return Figure(
        name=f"b {bay}",
        what="client sends a transport to the first byte of its command at the device, idle site, median",
        unit="ms",
        value=percentile(walked.first_byte_ms, 50),
        wanted="at most",
        target=FIRST_BYTE_MS,
        floor=percentile(floor_ms, 50),
        floor_is="FastAPI, one INSERT and commit by aiosqlite, one write by the bare client library",
        details={"gateway": spread(walked.first_byte_ms), "floor": spread(floor_ms)},
    )


def _event(bay: str, walked: _Walked, floor_ms: Sequence[float]) -> Figure:
    return Figure(
        name=f"c {bay}",
        what="the device shows done to transport.completed at a client of the event stream, median",
        unit="ms",
        value=percentile(walked.event_ms, 50),
        wanted="at most",
        target=EVENT_MS[bay],
        floor=percentile(floor_ms, 50),
        floor_is="the bare client library notices that the register or node is another one",
        details={"gateway": spread(walked.event_ms), "floor": spread(floor_ms)},
    )


async def _walk(port: int, bay: str, watch: Stopwatch, name: str) -> _Walked:
    """Move a bay's tote to and fro, each time with the whole site at rest before."""
    first_byte_ms: list[float] = []
    event_ms: list[float] = []
    dones_before = len(watch.dones)
    async with connections(port, 1) as (client,), event_times(port, "transport.completed") as completed:
        for n in range(SAMPLES):
            commands_before = len(watch.commands)
            sent = time.monotonic()
            status = await client.post(
                "/v1/transports",
                {
                    "transportId": f"{bay}-{name}-{n}",
                    "containerId": tote_of(bay),
                    "destination": slot_of(bay, 2 - n % 2),
                },
            )
            assert status == ACCEPTED
            heard = await anext(completed)
            first_byte_ms.append((watch.commands[commands_before] - sent) * 1000)
            event_ms.append((heard - watch.dones[-1]) * 1000)
            await asyncio.sleep(REST_S * (1 + n / SAMPLES))  # not in step with anybody's polling
    return _Walked(first_byte_ms, event_ms, watch.dones[dones_before:])


async def _notice(folder: Path, port: int, bay: str, watch: Stopwatch, address: str) -> list[float]:
    """Return after how many ms the bare library has noticed each *done*."""
    async with running(folder / "notice.log", "tests.bench.bare.notice", bay, address) as noticing:
        await line_of(noticing)
        walked = await _walk(port, bay, watch, "noticed")
        return [(float(await line_of(noticing)) - done) * 1000 for done in walked.dones]


async def _bare_commands(folder: Path, port: int, bay: str, watch: Stopwatch, address: str) -> list[float]:
    """Return how many ms the floor takes to its first byte."""
    taken_ms: list[float] = []
    words = (str(port), str(folder / f"{bay}.db"), bay, address)
    async with running(folder / "command.log", "tests.bench.bare.command", *words):
        await until_it_answers(port)
        async with connections(port, 1) as (client,):
            for n in range(SAMPLES):
                commands_before = len(watch.commands)
                sent = time.monotonic()
                request = {
                    "transportId": f"t-{n}",
                    "containerId": tote_of(bay),
                    "destination": slot_of(bay, 1),
                }
                assert await client.post("/v1/transports", request) == ACCEPTED
                await asyncio.sleep(REST_S)  # the answer may be faster than the write
                taken_ms.append((watch.commands[commands_before] - sent) * 1000)
    return taken_ms
