"""A small site on real sockets for the wire tests of simulated PLC devices: one link of every kind, a device on each."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path

import yaml

from gateway.contract.wiring import MailboxChannel, ModbusLink, OpcUaLink, OpcUaSecurity, Profile
from gateway.site.model import Carrier, Conveyor, ConveyorChannel, Location, Motion, PutWall, Site, Stock
from sim_devices.clock import SimClock
from sim_devices.mailbox import CommandBlock, Op
from sim_devices.site import SimulatedSite
from tests.unit.sim_plant import signed

PROFILES = Path(__file__).parents[2] / "config" / "profiles"
MOTION = Motion(speed=2.0, acceleration=1.0, handling=2.0)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def profile(profile_id: str) -> Profile:
    return Profile.model_validate(
        yaml.safe_load((PROFILES / f"{profile_id}.yaml").read_text(encoding="utf-8"))
    )


def modbus_site(port: int | None = None) -> Site:
    """Return a conveyor IN → OUT (registers 0 … 63) and a put wall of 3 slots (from register 1000) on one link, at a free port."""
    channel = ConveyorChannel(id="c1", base=0, source="IN", target="OUT", scanner=True)
    return Site(
        id="modbus",
        links=(ModbusLink(kind="modbus", id="plc", port=port or free_port()),),
        locations=(
            Location(id="IN", kind="conveyor", place=1),
            Location(id="OUT", kind="conveyor", place=2, x=2.0),
        ),
        devices=(
            Conveyor(
                kind="conveyor",
                id="conveyor",
                link="plc",
                profile="modbus-mailbox",
                channels=(channel,),
                motion=MOTION,
            ),
            PutWall(
                kind="putwall",
                id="wall",
                link="plc",
                profile="modbus-putwall",
                base=1000,
                slot="W-{n}",
                slots=3,
            ),
        ),
        stock=(Stock(container="T1", location="IN"),),
        profiles=(profile("modbus-mailbox"), profile("modbus-putwall")),
    )


def opcua_site(profile_id: str, security: OpcUaSecurity | None = None, port: int | None = None) -> Site:
    """Return one carrier between A (place 1) and B (place 2), its nodes below `S1.`, at a free port."""
    url = f"opc.tcp://127.0.0.1:{port or free_port()}/plc"
    return Site(
        id="opcua",
        links=(OpcUaLink(kind="opcua", id="plc", url=url, security=security),),
        locations=(
            Location(id="A", kind="storage", place=1),
            Location(id="B", kind="storage", place=2, x=4.0),
        ),
        devices=(
            Carrier(
                kind="shuttle",
                id="shuttle",
                link="plc",
                profile=profile_id,
                channel=MailboxChannel(id="main", base="S1."),
                picks=("A", "B"),
                drops=("A", "B"),
                motion=MOTION,
            ),
        ),
        stock=(Stock(container="T1", location="A"),),
        profiles=(profile(profile_id),),
    )


@contextlib.asynccontextmanager
async def running(site: Site, speed: float = 100.0) -> AsyncGenerator[SimulatedSite]:
    """Serve a site; everything is up when this yields and gone when it ends."""
    simulated = SimulatedSite(site, SimClock(speed), seed=1)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(simulated.run())
        async with asyncio.timeout(30):
            await simulated.listening.wait()
        yield simulated
        serving.cancel()


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


def _meant_for(simulated: SimulatedSite, device_id: str, block: CommandBlock) -> CommandBlock:
    """Return the block as one that is meant for this start of the device."""
    return signed(replace(block, boot_id=simulated._devices[device_id]._boot_id))


def transfer(simulated: SimulatedSite, seq: int, job_id: int = 100) -> CommandBlock:
    block = CommandBlock(epoch=1, seq=seq, op=Op.TRANSFER, job_id=job_id, source=1, target=2, container="T1")
    return _meant_for(simulated, "conveyor", block)


def pick(simulated: SimulatedSite, seq: int, job_id: int = 100) -> CommandBlock:
    block = CommandBlock(epoch=1, seq=seq, op=Op.PICK, job_id=job_id, source=1, container="T1")
    return _meant_for(simulated, "shuttle", block)
