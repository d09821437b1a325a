"""Somebody who stands beside every device and sees what it takes: which job, who commanded it, and whether it was journalled."""

from typing import Any, Final

from pydantic_core import from_json

from gateway.store.inline import InlineStore
from sim_devices.mailbox import Accept, CommandBlock, Op
from sim_devices.plc import Channel, Plc
from sim_devices.site import SimulatedSite
from sim_devices.vehicles.fleet import Vehicles
from tests.sim.stranger import JOBS_FROM

JOURNALLED: Final = "SELECT 1 FROM commands WHERE key = ?"
NUMBERED: Final = "SELECT json_extract(doc, '$.value') FROM counters WHERE key = 'job'"


class Witness:
    """Sees every command that a mailbox takes, and every order that comes to a vehicle.

    Attributes:
        wrong: what no device may be sent, in words: a command that was taken before, or under a lower epoch than one before,
            or that is not durable. A device that has lost its memory knows of no epoch.
    """

    def __init__(self, devices: SimulatedSite, vehicles: Vehicles, store: InlineStore) -> None:
        """Args: store: of all runs of the gateway."""
        self.wrong: list[str] = []
        self._taken: set[int] = set()
        self._database = store._connection
        for device_id, device in devices._devices.items():
            if isinstance(device, Plc):
                for channel in device.channels.values():
                    channel._judge = self._beside(device_id, channel)
        for vehicle_id, line in vehicles._lines.items():
            line._vehicle.take_order = self._before(vehicle_id, line._vehicle.take_order)

    def _beside(self, device_id: str, channel: Channel) -> Any:
        judge, highest = channel._judge, 0

        def seen(block: CommandBlock) -> Accept:
            nonlocal highest
            answer = judge(block)
            if channel.mailbox.memory.epoch == 0:
                highest = 0
            if answer is Accept.TAKEN:
                self._look(device_id, block, highest)
            highest = max(highest, block.epoch)
            return answer

        return seen

    def _look(self, device_id: str, block: CommandBlock, highest: int) -> None:
        if block.op != Op.RESET and block.job_id in self._taken:
            self.wrong.append(f"{device_id} took job {block.job_id} twice")
        if block.op != Op.RESET and block.epoch < highest:
            self.wrong.append(f"{device_id} took job {block.job_id} of an older gateway")
        if block.job_id < JOBS_FROM and not self._database.execute(JOURNALLED, (block.job_id,)).fetchone():
            self.wrong.append(f"{device_id} took job {block.job_id}, which is in no journal")
        self._taken.add(block.job_id)

    def _before(self, vehicle_id: str, take_order: Any) -> Any:
        """An order is named after its job, whose number is durable before."""

        def seen(payload: bytes, now: float) -> None:
            job_id = int(from_json(payload)["orderId"].rpartition("-")[2].partition(".")[0])
            if job_id > self._database.execute(NUMBERED).fetchone()[0]:
                self.wrong.append(f"{vehicle_id} was sent job {job_id}, which is in no journal")
            take_order(payload, now)

        return seen
