"""Shuttles, lifts and conveyors behind mailboxes in holding registers (docs/plc-handshake.md)."""

from collections.abc import Mapping, Sequence

from drivers.blocks import COMMAND_TAGS, LIFE, STATUS_TAGS, CommandBlock, Status
from drivers.links.errors import LinkError
from drivers.mailboxes import Mailboxes
from drivers.modbus.link import ModbusLinkRunner, keep_end
from drivers.modbus.registers import RegisterMap, dump
from drivers.modbus.spans import Span
from drivers.telegrams import Diagnosis
from gateway.contract.commands import Command
from gateway.contract.driver import DriverContext, Health, Telegram
from gateway.contract.wiring import MailboxWiring


class ModbusMailboxDriver:
    """Drives one device; every channel's blocks stand at its base, a register number."""

    def __init__(self, link: ModbusLinkRunner, wiring: MailboxWiring, context: DriverContext) -> None:
        self._link = link
        self._device_id = wiring.device_id
        profile = wiring.profile
        self._commands = RegisterMap(profile.command, profile, COMMAND_TAGS)
        self._statuses = RegisterMap(profile.status, profile, STATUS_TAGS)
        self._command_at = {
            channel.id: int(channel.base) + profile.command_base for channel in wiring.channels
        }
        self._channel_at = {
            Span(int(channel.base) + profile.status_base, self._statuses.count): channel.id
            for channel in wiring.channels
        }
        self._life = self._statuses.place(LIFE)
        self._newest: dict[Span, tuple[Sequence[int], Status]] = {}
        self._diagnosis = Diagnosis(context.clock)
        self._mailboxes = Mailboxes(wiring, context, self._diagnosis, self._send)
        link.attach(self)

    @property
    def device_ids(self) -> Sequence[str]:
        """The device."""
        return (self._device_id,)

    @property
    def blocks(self) -> Sequence[Span]:
        """The channels' status blocks."""
        return tuple(self._channel_at)

    async def run(self) -> None:
        """Report until cancelled; the link reads and writes."""
        await self._mailboxes.run()

    def assign(self, command: Command) -> None:
        """Make sure that the command is carried out once."""
        self._mailboxes.assign(command)

    def abandon(self, job_id: int) -> None:
        """Report nothing more about the command."""
        self._mailboxes.abandon(job_id)

    def health(self, device_id: str) -> Health:
        """Tell how the wire to the device is."""
        return self._diagnosis.health()

    def telegrams(self, device_id: str) -> Sequence[Telegram]:
        """Return the last telegrams, oldest first."""
        return self._diagnosis.telegrams()

    def read(self, blocks: Mapping[Span, Sequence[int]], latency_s: float) -> None:
        """Status blocks were read."""
        self._diagnosis.answered(latency_s)
        for block, registers in blocks.items():
            status, life = self._status(block, registers), registers[self._life]
            self._mailboxes.shown(self._channel_at[block], status, life)

    def _status(self, block: Span, registers: Sequence[int]) -> Status:
        """Decode a reading, unless it is the same as the one before: most of a polled device's are, but for its life."""
        still = (*registers[: self._life.start], *registers[self._life.stop :])
        if block not in self._newest or self._newest[block][0] != still:
            tags = self._statuses.decode(registers)
            text = f"{block.start}: {dump(registers)}"
            self._diagnosis.shown(f"status {self._channel_at[block]}", tags, text)
            self._newest[block] = still, Status.of(tags)
        return self._newest[block][1]

    def failed(self, error: LinkError) -> None:
        """A reading failed."""
        self._diagnosis.failed(error.kind, str(error))

    def lost(self, error: LinkError) -> None:
        """The link is down."""
        self._mailboxes.lost(str(error))

    def _send(self, channel_id: str, block: CommandBlock) -> None:
        registers = self._commands.encode(block.tags())
        address = self._command_at[channel_id]
        self._diagnosis.sent(f"{address}: {dump(registers)}", f"command {block.seq} {channel_id}")

        def ended(error: LinkError | None) -> None:
            keep_end(self._diagnosis, f"{address}: {len(registers)} registers", error)
            self._mailboxes.written(channel_id)

        self._link.write(address, registers, ended)
