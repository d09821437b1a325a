"""All mailboxes of one device: what OPC UA and Modbus drivers have in common behind their wires.

A driver shows every status that it reads, says when a write has ended and when the link is lost. From this
come commands to write, reports to the kernel (one at a time, each until it is durable), the position, and the
log lines of loss and recovery.
"""

import asyncio
from collections.abc import Callable
from enum import Enum, auto

import structlog

from drivers.handshake import LIFE_TIMEOUT_S, Channel, ChannelReport, CommandBlock, ShownFault, Status
from drivers.telegrams import Diagnosis
from gateway.contract.commands import Command
from gateway.contract.driver import DriverContext
from gateway.contract.reports import DeviceFault, DeviceOffline, DeviceRecovered, Position
from gateway.contract.wiring import MailboxWiring

SendBlock = Callable[[str, CommandBlock], None]
"""Start to write a block into a channel's mailbox; `written` has to follow, whatever becomes of it, and the
write must never outlive the connection on which it was asked for."""

_log = structlog.get_logger()


class _Reach(Enum):
    UNTRIED = auto()
    UP = auto()
    DOWN = auto()


class Mailboxes:
    """The channels of one device and all that is told about them.

    Args:
        wiring: the device and its channels.
        context: where reports and positions go.
        diagnosis: `connected` is kept here.
        send: starts a write.
    """

    def __init__(
        self, wiring: MailboxWiring, context: DriverContext, diagnosis: Diagnosis, send: SendBlock
    ) -> None:
        self._wiring = wiring
        self._context = context
        self._diagnosis = diagnosis
        self._send = send
        self._channels = {
            channel.id: Channel(wiring.device_id, channel.id, context.epoch) for channel in wiring.channels
        }
        self._reach = _Reach.UNTRIED
        self._offline_due: DeviceOffline | None = None
        self._fault_told: ShownFault | None = None
        self._fault_known = False
        self._position: Position | None = None
        self._news = asyncio.Event()

    def assign(self, command: Command) -> None:
        """Make sure that the command is carried out once."""
        self._write(command.channel, self._channels[command.channel].assign(command))

    def abandon(self, job_id: int) -> None:
        """Report nothing more about the command."""
        for channel in self._channels.values():
            channel.abandon(job_id)
        self._news.set()

    def shown(self, channel_id: str, status: Status) -> None:
        """Take a status that was asked for on this connection, after the channel's last write had ended."""
        block = self._channels[channel_id].show(status, asyncio.get_running_loop().time())
        self._write(channel_id, block)
        if all(channel.alive for channel in self._channels.values()):
            self._up()
        elif any(channel.heard and not channel.alive for channel in self._channels.values()):
            self._down(f"the life counter stands still for {LIFE_TIMEOUT_S:g} s")
        self._observe(status)
        self._news.set()

    def written(self, channel_id: str) -> None:
        """A write has ended, one way or the other."""
        self._channels[channel_id].written(asyncio.get_running_loop().time())

    def lost(self, reason: str) -> None:
        """The link is lost, or could not be made."""
        for channel in self._channels.values():
            channel.lost()
        self._down(reason)

    async def run(self) -> None:
        """Bring reports to the kernel until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while await self._tell_next():
                pass

    async def _tell_next(self) -> bool:
        if offline := self._offline_due:
            await self._context.report(offline)
            self._offline_due = None
            return True
        for channel in self._channels.values():
            if report := self._due(channel):
                await self._context.report(report)
                channel.told(report)
                return True
        return await self._tell_fault()

    def _due(self, channel: Channel) -> ChannelReport | None:
        if report := channel.job_report():
            return report
        return channel.online_report() if self._reach is _Reach.UP else None

    async def _tell_fault(self) -> bool:
        if self._reach is not _Reach.UP:
            return False
        fault = next((channel.fault for channel in self._channels.values() if channel.fault), None)
        if self._fault_known and fault == self._fault_told:
            return False
        self._fault_known, self._fault_told = True, fault
        device_id = self._wiring.device_id
        if fault:
            await self._context.report(DeviceFault(device_id=device_id, code=fault.code, text=fault.text))
        else:
            await self._context.report(DeviceRecovered(device_id=device_id))
        return True

    def _write(self, channel_id: str, block: CommandBlock | None) -> None:
        if block:
            self._send(channel_id, block)

    def _up(self) -> None:
        if self._reach is not _Reach.UP:
            self._reach = _Reach.UP
            self._diagnosis.connected = True
            _log.info("device online", device=self._wiring.device_id)

    def _down(self, reason: str) -> None:
        if self._reach is not _Reach.DOWN:
            self._reach = _Reach.DOWN
            self._diagnosis.connected = False
            for channel in self._channels.values():
                channel.offline()
            self._offline_due = DeviceOffline(device_id=self._wiring.device_id, reason=reason)
            self._news.set()
            _log.warning("device offline", device=self._wiring.device_id, reason=reason)

    def _observe(self, status: Status) -> None:
        """Tell where the device is when that has changed; one with several channels stays where it is."""
        if len(self._channels) > 1:
            return
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
