"""Put walls in holding registers (docs/plc-handshake.md, Put walls)."""

import asyncio
from collections.abc import Mapping, Sequence

from drivers.blocks import LIFE
from drivers.links.errors import LinkError
from drivers.modbus.link import ModbusLinkRunner, keep_end
from drivers.modbus.registers import RegisterMap, dump
from drivers.modbus.spans import Span
from drivers.presence import COMPARE, LIFE_STANDS_STILL, LifeCounter, Presence, ShownFault
from drivers.slots import HEADER_TAGS, ORDER_TAGS, SLOT_TAGS, Slot, SlotBlock, SlotStatus
from drivers.telegrams import Diagnosis
from drivers.teller import Teller
from gateway.contract.commands import MAIN_CHANNEL
from gateway.contract.driver import DriverContext, Health, Telegram
from gateway.contract.puts import SlotOrder
from gateway.contract.reports import ChannelOnline, Report
from gateway.contract.wiring import PutWallWiring


class ModbusPutWallDriver:
    """Drives one wall: its header, then one status and one order block a slot, each at its stride."""

    def __init__(self, link: ModbusLinkRunner, wiring: PutWallWiring, context: DriverContext) -> None:
        self._link = link
        self._wall_id = wiring.device_id
        profile, base = wiring.profile, wiring.base
        self._headers = RegisterMap(profile.header, profile, HEADER_TAGS)
        self._orders = RegisterMap(profile.command, profile, ORDER_TAGS)
        self._statuses = RegisterMap(profile.status, profile, SLOT_TAGS)
        self._header_at = Span(base + profile.header_base, self._headers.count)
        numbered = tuple(enumerate(wiring.slots))
        self._order_at = {
            slot_id: base + profile.command_base + profile.command_stride * n for n, slot_id in numbered
        }
        self._slot_at = {
            Span(base + profile.status_base + profile.status_stride * n, self._statuses.count): slot_id
            for n, slot_id in numbered
        }
        self._life_at = self._headers.place(LIFE)
        self._newest: dict[Span, tuple[Sequence[int], SlotStatus]] = {}
        self._newest_header: tuple[Sequence[int], tuple[int, int]] | None = None
        self._slots = {slot_id: Slot(self._wall_id, slot_id, context.epoch) for slot_id in wiring.slots}
        self._life = LifeCounter()
        self._boot_id = 0
        """0 until the wall's program has begun: what its slots show before means nothing."""
        self._unread = set(self.blocks)
        """Not read since the link was lost: a wall of which something is refused is not there."""
        self._mismatch: ShownFault | None = None
        self._online = False
        self._online_due: ChannelOnline | None = None
        self._diagnosis = Diagnosis(context.clock)
        self._presence = Presence(self._wall_id, self._diagnosis)
        self._teller = Teller(self, context)
        link.attach(self)

    @property
    def device_ids(self) -> Sequence[str]:
        """The wall."""
        return (self._wall_id,)

    @property
    def blocks(self) -> Sequence[Span]:
        """The header and the slots' status blocks."""
        return (self._header_at, *self._slot_at)

    async def run(self) -> None:
        """Report until cancelled; the link reads and writes."""
        await self._teller.run()

    def show(self, order: SlotOrder) -> None:
        """Light the slot for this put until somebody ends it."""
        self._write(order.slot, self._slots[order.slot].light(order))
        self._teller.nudge()

    def darken(self, put_id: str) -> None:
        """Withdraw the put, unless a button has ended it already."""
        for slot_id, slot in self._slots.items():
            self._write(slot_id, slot.darken(put_id))
        self._teller.nudge()

    def health(self, device_id: str) -> Health:
        """Tell how the wire to the wall is."""
        return self._diagnosis.health()

    def telegrams(self, device_id: str) -> Sequence[Telegram]:
        """Return the last telegrams, oldest first."""
        return self._diagnosis.telegrams()

    def read(self, blocks: Mapping[Span, Sequence[int]], latency_s: float) -> None:
        """The header or slots were read."""
        self._diagnosis.answered(latency_s)
        now = asyncio.get_running_loop().time()
        for block, registers in blocks.items():
            if block == self._header_at:
                self._show_header(registers, now)
            else:
                self._show_slot(block, registers, now)
        self._unread -= blocks.keys()
        if not self._unread and self._boot_id and self._life.alive:
            self._presence.arrive()
        self._presence.fault = self._mismatch or self._slot_fault()
        if self.due():  # most readings bring no news, and waking somebody costs more than looking
            self._teller.nudge()

    def _status(self, block: Span, registers: Sequence[int]) -> SlotStatus:
        """Decode a slot's reading, unless it is the same as the one before: most of a polled wall's are."""
        if block not in self._newest or self._newest[block][0] != registers:
            tags = self._statuses.decode(registers)
            self._diagnosis.shown(f"slot {self._slot_at[block]}", tags, f"{block.start}: {dump(registers)}")
            self._newest[block] = registers, SlotStatus.of(tags)
        return self._newest[block][1]

    def failed(self, error: LinkError) -> None:
        """A reading failed."""
        self._diagnosis.failed(error.kind, str(error))

    def lost(self, error: LinkError) -> None:
        """The link is down."""
        self._life.forget()
        self._boot_id = 0
        self._unread = set(self.blocks)
        for slot in self._slots.values():
            slot.lost()
        self._leave(str(error))
        self._teller.nudge()

    def due(self) -> Report | None:
        """Return what the kernel has to hear next."""
        if self._presence.up and not self._online and self._online_due is None:
            # A wall has no mailbox; it is told as online like a device with one channel.
            self._online_due = ChannelOnline(
                device_id=self._wall_id, channel=MAIN_CHANNEL, boot_id=self._boot_id, ack_seq=0
            )
        if report := self._presence.due() or self._online_due:
            return report
        for slot in self._slots.values():
            if report := slot.due():
                return report
        return None

    def told(self, report: Report) -> None:
        """The kernel has the report."""
        self._presence.told(report)
        if report is self._online_due:
            self._online, self._online_due = True, None
        for slot in self._slots.values():
            slot.told(report)

    def _show_slot(self, block: Span, registers: Sequence[int], now: float) -> None:
        slot_id, status = self._slot_at[block], self._status(block, registers)
        if self._boot_id and (order := self._slots[slot_id].show(status, self._boot_id, now)):
            self._write(slot_id, order)

    def _header(self, registers: Sequence[int]) -> tuple[int, int]:
        """Return bootId and slots, decoded when they have changed; the life counter always has."""
        still = (*registers[: self._life_at.start], *registers[self._life_at.stop :])
        if self._newest_header is None or self._newest_header[0] != still:
            tags = self._headers.decode(registers)
            self._diagnosis.shown("header", tags, f"{self._header_at.start}: {dump(registers)}")
            self._newest_header = still, (int(tags["bootId"]), int(tags["slots"]))
        return self._newest_header[1]

    def _show_header(self, registers: Sequence[int], now: float) -> None:
        boot_id, slots = self._header(registers)
        self._boot_id = boot_id
        self._life.show(registers[self._life_at], now)
        if self._life.stands_still:
            self._leave(LIFE_STANDS_STILL)
        expected = len(self._slots)
        text = f"the wall has {slots} slots, the site says {expected}"
        self._mismatch = ShownFault(0, text, COMPARE) if slots != expected else None

    def _leave(self, reason: str) -> None:
        self._presence.leave(reason)
        self._online, self._online_due = False, None

    def _slot_fault(self) -> ShownFault | None:
        for slot in self._slots.values():
            if slot.fault:
                return slot.fault
        return None

    def _write(self, slot_id: str, block: SlotBlock | None) -> None:
        if block is None:
            return
        registers = self._orders.encode(block.tags())
        address = self._order_at[slot_id]
        self._diagnosis.sent(f"{address}: {dump(registers)}", f"put {block.job_id} {slot_id}")

        def ended(error: LinkError | None) -> None:
            keep_end(self._diagnosis, f"{address}: {len(registers)} registers", error)
            self._slots[slot_id].written(asyncio.get_running_loop().time())

        self._link.write(address, registers, ended)
