"""Somebody who stands beside every PLC device and sees what it takes: which job, and who commanded it."""

from typing import Any

from sim_devices.mailbox import Accept, CommandBlock, Op
from sim_devices.plc import Channel, Plc
from sim_devices.site import SimulatedSite


class Witness:
    """Sees every command that a mailbox takes.

    Attributes:
        wrong: commands that were taken a second time, or under a lower epoch than one before, in words. A device that has
            lost its memory knows of no epoch.
    """

    def __init__(self, devices: SimulatedSite) -> None:
        self.wrong: list[str] = []
        self._taken: set[int] = set()
        for device_id, device in devices._devices.items():
            if isinstance(device, Plc):
                for channel in device.channels.values():
                    channel._judge = self._beside(device_id, channel)

    def _beside(self, device_id: str, channel: Channel) -> Any:
        judge, highest = channel._judge, 0

        def seen(block: CommandBlock) -> Accept:
            nonlocal highest
            answer = judge(block)
            if channel.mailbox.memory.epoch == 0:
                highest = 0
            if answer is Accept.TAKEN and block.op != Op.RESET:
                if block.job_id in self._taken:
                    self.wrong.append(f"{device_id} took job {block.job_id} twice")
                if block.epoch < highest:
                    self.wrong.append(f"{device_id} took job {block.job_id} of an older gateway")
                self._taken.add(block.job_id)
            highest = max(highest, block.epoch)
            return answer

        return seen
