"""All mailboxes of one device: what OPC UA and Modbus drivers have in common behind their wires.

A driver shows every status that it reads, and says when a write has ended and when the link is lost. From
this come blocks to write, reports to the kernel, and the device's position.
"""

import asyncio
from collections.abc import Callable

from drivers.blocks import CommandBlock, Status
from drivers.handshake import Channel
from drivers.presence import LIFE_STANDS_STILL, Life, Presence
from drivers.telegrams import Diagnosis
from drivers.teller import Teller
from gateway.contract.commands import Command
from gateway.contract.driver import DriverContext
from gateway.contract.reports import Position, Report
from gateway.contract.wiring import MailboxWiring

SendBlock = Callable[[str, CommandBlock], None]
"""Starts to write a block into a channel's mailbox. `written` has to follow, whatever becomes of it; and the
write must never outlive the connection on which it was asked for."""


class Mailboxes:
    """The channels of one device and all that is told about them.

    Args:
        wiring: the device and its channels.
        context: where reports and positions go.
        diagnosis: its `connected` is kept here.
        send: starts a write.
    """

    def __init__(
        self, wiring: MailboxWiring, context: DriverContext, diagnosis: Diagnosis, send: SendBlock
    ) -> None:
        self._wiring = wiring
        self._context = context
        self._send = send
        self._presence = Presence(wiring.device_id, diagnosis)
        self._teller = Teller(self, context)
        self._channels = {
            channel.id: Channel(wiring.device_id, channel.id, context.epoch) for channel in wiring.channels
        }
        self._position: Position | None = None
        self._observed: Status | None = None

    def assign(self, command: Command) -> None:
        """Make sure that the command is carried out once."""
        if block := self._channels[command.channel].assign(command):
            self._send(command.channel, block)
        self._teller.nudge()

    def abandon(self, job_id: int) -> None:
        """Report nothing more about the command."""
        for channel in self._channels.values():
            channel.abandon(job_id)
        self._teller.nudge()

    def shown(self, channel_id: str, status: Status, life: Life) -> None:
        """Take a status that was asked for on this connection, after the channel's last write had ended."""
        channel, channels = self._channels[channel_id], self._channels.values()
        if block := channel.show(status, life, asyncio.get_running_loop().time()):
            self._send(channel_id, block)
        if channel.fault or self._presence.fault:
            self._presence.fault = next((each.fault for each in channels if each.fault), None)
        if channel.life.stands_still:
            self._leave(LIFE_STANDS_STILL)
        elif not self._presence.up and all(each.life.alive for each in channels):
            self._presence.arrive()
        if len(channels) == 1 and status is not self._observed:
            self._observe(status)
        # Most readings bring no news, and waking somebody costs more than looking; other channels have their own readings.
        if self._presence.due() or channel.job_report() or (self._presence.up and channel.online_report()):
            self._teller.nudge()

    def written(self, channel_id: str) -> None:
        """A write has ended, one way or the other."""
        self._channels[channel_id].written(asyncio.get_running_loop().time())

    def lost(self, reason: str) -> None:
        """The link is lost, or could not be made."""
        for channel in self._channels.values():
            channel.lost()
        self._leave(reason)
        self._teller.nudge()

    async def run(self) -> None:
        """Bring reports to the kernel until cancelled."""
        await self._teller.run()

    def due(self) -> Report | None:
        """Return what the kernel has to hear next."""
        if report := self._presence.due():
            return report
        for channel in self._channels.values():
            if report := channel.job_report():
                return report
        if self._presence.up:
            for channel in self._channels.values():
                if report := channel.online_report():
                    return report
        return None

    def told(self, report: Report) -> None:
        """The kernel has the report."""
        self._presence.told(report)
        for channel in self._channels.values():
            channel.told(report)

    def _leave(self, reason: str) -> None:
        self._presence.leave(reason)
        for channel in self._channels.values():
            channel.offline()

    def _observe(self, status: Status) -> None:
        """Tell where a device with one channel is, when that has changed; one with several stays where it is."""
        self._observed = status
        load = status.sensors.load
        location_id = self._wiring.places.get(status.position)
        if self._position and (self._position.location_id, self._position.load) == (location_id, load):
            return
        self._position = Position(
            device_id=self._wiring.device_id,
            at_us=self._context.clock.now_us(),
            location_id=location_id,
            load=load,
        )
        self._context.observe(self._position)
