"""(b) Accept to the first byte of the command, (c) *done* to the event: both ends of transports on an idle site.

Simulated devices, client and stopwatch are here, the gateway is a process of its own.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.site.load import load_site
from gateway.site.ports import with_ports_from
from sim_devices.clock import SimClock
from sim_devices.site import SimulatedSite
from tests.bench.client import connections, events, until_devices_are_online, until_it_answers
from tests.bench.face import Face, simulating
from tests.bench.figures import Figure, percentile, spread
from tests.bench.processes import line_of, running
from tests.bench.sites import bays, slot_of, tote_of, write_site
from tests.wire.processes import free_ports

SAMPLES: Final = 60
REST_S: Final = 0.03
FIRST_BYTE_MS: Final = 10
EVENT_MS: Final = {"opcua": 30, "modbus": 15}
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
    base = free_ports(6)
    port, floor_port, ports_from = base, base + 1, base + 2
    file = write_site(bays(), folder / "bays")
    site = with_ports_from(load_site(file), ports_from)
    simulated = SimulatedSite(site, SimClock(), seed=1)
    addresses = {
        "opcua": f"opc.tcp://127.0.0.1:{ports_from}/opcua Shuttle.",
        "modbus": f"127.0.0.1:{ports_from + 1}",
    }
    words = ("--site", str(file), "--ports-from", str(ports_from), "--data", str(folder / "data"))
    figures: list[Figure] = []
    faces = {bay: Face(simulated.links[bay]) for bay in addresses}
    async with simulating(simulated):
        walked: dict[str, _Walked] = {}
        noticed_ms: dict[str, list[float]] = {}
        async with running(folder / "run.log", "gateway", "run", "--port", str(port), *words):
            await until_it_answers(port)
            await until_devices_are_online(port)
            for bay, face in faces.items():
                say(f"first byte and event: {bay}")
                walked[bay] = await _walk(port, bay, face, "measured")
                say(f"first byte and event: {bay}, the floor of the event")
                noticed_ms[bay] = await _notice(folder, port, bay, face, addresses[bay])
        for bay, face in faces.items():
            say(f"first byte and event: {bay}, the floor of the first byte")
            floor_ms = await _bare_commands(folder, floor_port, bay, face, addresses[bay])
            figures += [_first_byte(bay, walked[bay], floor_ms), _event(bay, walked[bay], noticed_ms[bay])]
    return sorted(figures, key=lambda figure: figure.name)


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


async def _walk(port: int, bay: str, face: Face, name: str) -> _Walked:
    """Move a bay's tote to and fro, each time with the whole site at rest before."""
    first_byte_ms: list[float] = []
    event_ms: list[float] = []
    dones_before = len(face.dones)
    async with connections(port, 1) as (client,), aclosing(events(port, "transport.completed")) as stream:
        await anext(stream)
        for n in range(SAMPLES):
            commands_before = len(face.commands)
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
            heard = await anext(stream)
            first_byte_ms.append((face.commands[commands_before] - sent) * 1000)
            event_ms.append((heard.at - face.dones[-1]) * 1000)
            await asyncio.sleep(REST_S * (1 + n / SAMPLES))  # not in step with anybody's polling
    return _Walked(first_byte_ms, event_ms, face.dones[dones_before:])


async def _notice(folder: Path, port: int, bay: str, face: Face, address: str) -> list[float]:
    """Return after how many ms the bare library has noticed each *done*."""
    async with running(folder / "notice.log", "tests.bench.bare.notice", bay, address) as noticing:
        await line_of(noticing)
        walked = await _walk(port, bay, face, "noticed")
        return [(float(await line_of(noticing)) - done) * 1000 for done in walked.dones]


async def _bare_commands(folder: Path, port: int, bay: str, face: Face, address: str) -> list[float]:
    """Return how many ms the floor takes to its first byte."""
    taken_ms: list[float] = []
    words = (str(port), str(folder / f"{bay}.db"), bay, address)
    async with running(folder / "command.log", "tests.bench.bare.command", *words):
        await until_it_answers(port)
        async with connections(port, 1) as (client,):
            for n in range(SAMPLES):
                commands_before = len(face.commands)
                sent = time.monotonic()
                request = {
                    "transportId": f"t-{n}",
                    "containerId": tote_of(bay),
                    "destination": slot_of(bay, 1),
                }
                assert await client.post("/v1/transports", request) == ACCEPTED
                taken_ms.append((face.commands[commands_before] - sent) * 1000)
                await asyncio.sleep(REST_S)
    return taken_ms
