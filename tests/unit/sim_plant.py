"""A small plant of simulated devices, driven step by step on a time of its own, for tests of the device side."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from gateway.contract.wiring import MailboxChannel, ModbusLink
from gateway.site.model import Carrier, Conveyor, ConveyorChannel, Location, Motion, Site, Stock
from sim_devices.carrier import CarrierMachine
from sim_devices.clock import Random, seeded
from sim_devices.conveyor import ConveyorMachine
from sim_devices.faults.book import FaultBook
from sim_devices.faults.kinds import FaultBase, NoRead, SensorStuck, WrongBarcode
from sim_devices.mailbox import CommandBlock, Op
from sim_devices.plc import Plc
from sim_devices.sensors import Sensors
from sim_devices.world import World

MOTION = Motion(speed=2.0, acceleration=1.0, handling=1.5)
CARRIER_FAULTS: frozenset[type[FaultBase]] = Plc.FAULTS | {SensorStuck}
CONVEYOR_FAULTS: frozenset[type[FaultBase]] = Plc.FAULTS | {SensorStuck, NoRead, WrongBarcode}


def small_site(room: Mapping[str, int] = MappingProxyType({})) -> Site:
    """Return a shuttle between A (place 1), B (place 2) and C (place 3), and a conveyor C → D → E → F, scanner at D.

    Args:
        room: for how many containers there is room at a location, where it is more than one.
    """
    return Site(
        id="small",
        links=(ModbusLink(kind="modbus", id="plc"),),
        locations=(
            Location(id="A", kind="storage", place=1, x=0.0),
            Location(id="B", kind="storage", place=2, x=10.0, z=1.0),
            Location(id="C", kind="conveyor", place=3, x=12.0, capacity=room.get("C", 1)),
            Location(id="D", kind="conveyor", place=4, x=13.0, capacity=room.get("D", 1)),
            Location(id="E", kind="conveyor", place=5, x=14.0),
            Location(id="F", kind="conveyor", place=6, x=15.0),
        ),
        devices=(
            Carrier(
                kind="shuttle",
                id="shuttle",
                link="plc",
                profile="mailbox",
                channel=MailboxChannel(id="main", base=0),
                picks=("A", "B"),
                drops=("A", "B", "C"),
                motion=MOTION,
            ),
            Conveyor(
                kind="conveyor",
                id="conveyor",
                link="plc",
                profile="mailbox",
                channels=(
                    ConveyorChannel(id="c1", base=64, source="C", target="D", scanner=True),
                    ConveyorChannel(id="c2", base=128, source="D", target="E"),
                    ConveyorChannel(id="c3", base=192, source="E", target="F"),
                ),
                motion=MOTION,
            ),
        ),
        stock=(Stock(container="T1", location="A"),),
    )


def signed(block: CommandBlock) -> CommandBlock:
    """Return the block with the check that belongs to it."""
    return replace(block, check=block.computed_check())


def meant_for(status: Mapping[str, int | str], block: CommandBlock) -> CommandBlock:
    """Return a whole block as one that is meant for the device which shows this; a torn one as it is."""
    return signed(replace(block, boot_id=int(status["bootId"]))) if block.fits() else block


class Plant:
    """The world, the faults, a shuttle and a conveyor; `now` is simulated time in seconds."""

    def __init__(self, seed: int = 1, room: Mapping[str, int] = MappingProxyType({})) -> None:
        site = small_site(room)
        shuttle, conveyor = site.devices
        assert isinstance(shuttle, Carrier)
        assert isinstance(conveyor, Conveyor)
        self.world = World.of_site(site)
        self.book = FaultBook()
        self.now = 0.0
        troubles = self.book.register("shuttle", CARRIER_FAULTS)
        sensors = Sensors("shuttle", self.world, troubles)
        self.shuttle = Plc(troubles, chance(seed), {"main": CarrierMachine(site, shuttle, sensors)})
        troubles = self.book.register("conveyor", CONVEYOR_FAULTS)
        sensors = Sensors("conveyor", self.world, troubles)
        machines = {c.id: ConveyorMachine(site, conveyor, c, sensors) for c in conveyor.channels}
        self.conveyor = Plc(troubles, chance(seed), machines)
        self.step(0.0)

    def step(self, seconds: float) -> None:
        """Let time pass at once, then let both devices look."""
        self.now += seconds
        self.shuttle.step(self.now)
        self.conveyor.step(self.now)

    def rest(self) -> float:
        """Let devices work until nothing is due any more; return the seconds that it took."""
        began = self.now
        while True:
            due = [
                at for device in (self.shuttle, self.conveyor) if (at := device.step(self.now)) is not None
            ]
            if not due:
                return self.now - began
            self.now = max(self.now, min(due))

    def order(self, block: CommandBlock) -> dict[str, int | str]:
        """Write a block to the shuttle and let it look; return its status."""
        return self._write(self.shuttle, "main", block)

    def convey(self, channel: str, block: CommandBlock) -> dict[str, int | str]:
        """Write a block to a channel of the conveyor and let it look; return its status."""
        return self._write(self.conveyor, channel, block)

    def status(self) -> dict[str, int | str]:
        """Return the shuttle's status."""
        return self.shuttle.status("main")

    def _write(self, device: Plc, channel: str, block: CommandBlock) -> dict[str, int | str]:
        device.write(channel, fields(meant_for(device.status(channel), block)))
        device.step(self.now)
        return device.status(channel)


def chance(seed: int) -> Random:
    return seeded(seed, "test")


def fields(block: CommandBlock) -> dict[str, int | str]:
    """Return a block as it stands on the wire."""
    return {
        "epoch": block.epoch,
        "seq": block.seq,
        "op": block.op,
        "jobId": block.job_id,
        "source": block.source,
        "target": block.target,
        "container": block.container,
        "bootId": block.boot_id,
        "check": block.check,
    }


def pick(seq: int = 1, source: int = 1, job_id: int = 100, epoch: int = 1) -> CommandBlock:
    return signed(
        CommandBlock(epoch=epoch, seq=seq, op=Op.PICK, job_id=job_id, source=source, container="T1")
    )


def drop(seq: int = 2, target: int = 2, job_id: int = 101, epoch: int = 1) -> CommandBlock:
    return signed(
        CommandBlock(epoch=epoch, seq=seq, op=Op.DROP, job_id=job_id, target=target, container="T1")
    )


def transfer(
    seq: int = 1, source: int = 3, target: int = 4, job_id: int = 200, container: str = "T1"
) -> CommandBlock:
    block = CommandBlock(
        epoch=1, seq=seq, op=Op.TRANSFER, job_id=job_id, source=source, target=target, container=container
    )
    return signed(block)


def reset(seq: int) -> CommandBlock:
    return signed(CommandBlock(epoch=1, seq=seq, op=Op.RESET))
