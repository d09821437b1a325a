"""Shuttles, lifts and conveyors behind OPC UA: the mailbox handshake on variables or with a method call.

A subscription delivers tag by tag, and it may fall silent (law 5): so a change only wakes, and the whole
status block is read in one request then; without a change it is read every `poll_ms`. One loop makes all
requests of a device, one after the other: what it reads is newer than what it wrote.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from functools import partial
from typing import Final

from drivers.blocks import COMMAND_TAGS, LIFE, STATUS_TAGS, CommandBlock, Status, TagValue
from drivers.links.errors import LinkError
from drivers.links.opcua_port import OpcUaPort, Typed, Value
from drivers.mailboxes import Mailboxes
from drivers.opcua.link import OpcUaLinkRunner
from drivers.telegrams import Diagnosis, ErrorKind
from drivers.timer import wait_until
from gateway.contract.commands import Command
from gateway.contract.driver import DriverContext, Health, Telegram
from gateway.contract.wiring import Handshake, MailboxChannel, MailboxWiring, Profile, Tag, TagType

PAUSE_S: Final = 0.25
"""After an error; the session may still stand, if it was about this device's nodes alone."""

VOUCHING: Final = ("doneSeq", "ackSeq", "refusedSeq")
"""Read before everything that they vouch for, since a server may take a reading tag by tag."""

_BITS: Final = {TagType.U16: 16, TagType.U32: 32, TagType.U64: 64}

Send = Callable[[OpcUaPort, CommandBlock], Awaitable[None]]
"""The way in which a command block gets into a mailbox."""


class OpcUaMailboxDriver:
    """CommandDriver for one device with mailboxes.

    Args:
        link: the session that it shares with the other devices of its server.
        wiring: its profile has the handshake `mailbox` or `method`.
        context: where reports and positions go.
    """

    def __init__(self, link: OpcUaLinkRunner, wiring: MailboxWiring, context: DriverContext) -> None:
        self._link = link
        self._device_id = wiring.device_id
        self._poll_s = link.settings.poll_ms / 1000
        self._diagnosis = Diagnosis(context.clock)
        self._mailboxes = Mailboxes(wiring, context, self._diagnosis, self._take)
        self._tags = {channel.id: _ChannelTags(wiring.profile, channel) for channel in wiring.channels}
        self._blocks: dict[str, CommandBlock] = {}
        self._newest: dict[str, tuple[Sequence[Value], Status]] = {}
        self._due = dict.fromkeys(self._tags, 0.0)
        self._wake = asyncio.Event()
        self._loss = ""

    @property
    def device_ids(self) -> Sequence[str]:
        """The one device."""
        return (self._device_id,)

    async def run(self) -> None:
        """Work until cancelled; survive whatever the wire does."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._mailboxes.run())
            tasks.create_task(self._follow_link())

    def health(self, device_id: str) -> Health:
        """Tell how the wire to the device is."""
        return self._diagnosis.health()

    def telegrams(self, device_id: str) -> Sequence[Telegram]:
        """Return the last telegrams, oldest first."""
        return self._diagnosis.telegrams()

    def assign(self, command: Command) -> None:
        """Make sure that this command is carried out once."""
        self._mailboxes.assign(command)

    def abandon(self, job_id: int) -> None:
        """Report nothing more about the command."""
        self._mailboxes.abandon(job_id)

    def _take(self, channel_id: str, block: CommandBlock) -> None:
        self._blocks[channel_id] = block
        self._wake.set()

    async def _follow_link(self) -> None:
        while True:
            try:
                await self._serve(await self._link.session())
            except LinkError as error:
                self._lose(error)
                await asyncio.sleep(PAUSE_S)

    def _lose(self, error: LinkError) -> None:
        loss = str(error)
        if loss != self._loss:
            self._diagnosis.failed(error.kind, loss)
            self._loss = loss
        for channel_id in tuple(self._blocks):
            del self._blocks[channel_id]
            self._mailboxes.written(channel_id)
        self._mailboxes.lost(loss)

    async def _serve(self, port: OpcUaPort) -> None:
        """Speak with the device until the session is lost or the server refuses the device's nodes."""
        port.lost.add_done_callback(self._wake_up)
        try:
            for channel_id, tags in self._tags.items():
                self._due[channel_id] = 0.0
                await port.watch(tags.watched, partial(self._wake_for, channel_id))
            while True:
                self._wake.clear()
                for channel_id in self._tags:
                    if channel_id in self._blocks:
                        await self._write(port, channel_id)
                    if self._due[channel_id] <= self._now():
                        await self._read(port, channel_id)
                await wait_until(self._wake, min(self._due.values()))
        finally:
            port.lost.remove_done_callback(self._wake_up)

    def _wake_up(self, _lost: asyncio.Future[LinkError]) -> None:
        self._due = dict.fromkeys(self._due, 0.0)
        self._wake.set()

    def _wake_for(self, channel_id: str) -> None:
        self._due[channel_id] = 0.0
        self._wake.set()

    async def _write(self, port: OpcUaPort, channel_id: str) -> None:
        block, tags = self._blocks.pop(channel_id), self._tags[channel_id]
        self._diagnosis.sent(_text(tags.base, block.tags()), f"command {block.seq} {channel_id}")
        asked_at = self._now()
        try:
            await tags.send(port, block)
        except LinkError as error:
            if port.lost.done():
                raise
            # The server refused it, or executed it and says otherwise: the status will tell.
            self._diagnosis.failed(error.kind, str(error))
        else:
            self._diagnosis.answered(self._now() - asked_at)
        finally:
            self._mailboxes.written(channel_id)

    async def _read(self, port: OpcUaPort, channel_id: str) -> None:
        tags = self._tags[channel_id]
        asked_at = self._now()
        self._due[channel_id] = asked_at + self._poll_s
        values = await port.read(tags.status)
        status, life = self._status(channel_id, values), tags.life(values)
        self._diagnosis.answered(self._now() - asked_at)
        self._loss = ""
        self._mailboxes.shown(channel_id, status, life)

    def _status(self, channel_id: str, values: Sequence[Value]) -> Status:
        """Decode a reading, unless it is the same as the one before: most are, but for the life counter at their end."""
        still = values[:-1]
        if channel_id not in self._newest or self._newest[channel_id][0] != still:
            tags = self._tags[channel_id]
            shown = tags.decode(values)
            self._diagnosis.shown(f"status {channel_id}", shown, _text(tags.base, shown))
            self._newest[channel_id] = still, Status.of(shown)
        return self._newest[channel_id][1]

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


class _ChannelTags:
    """Where a channel's fields are on the wire.

    Raises:
        ValueError: the profile lacks a tag that the handshake needs, or commands one that it does not know.
    """

    def __init__(self, profile: Profile, channel: MailboxChannel) -> None:
        _check(profile.id, "command", {tag.name for tag in profile.command} ^ COMMAND_TAGS)
        _check(profile.id, "status", STATUS_TAGS - {tag.name for tag in profile.status})
        self.base = str(channel.base)
        self._status = sorted(profile.status, key=_reading_order)
        self.status = tuple(self._node(tag) for tag in self._status)
        self.watched = tuple(self._node(tag) for tag in self._status if tag.name != LIFE)
        self.send = self._way(profile)

    def decode(self, values: Sequence[Value]) -> dict[str, TagValue]:
        """Return the status fields by name.

        Raises:
            LinkError: a node holds something that its type cannot be.
        """
        return {
            tag.name: _decoded(tag, node, value)
            for tag, node, value in zip(self._status, self.status, values, strict=True)
        }

    def life(self, values: Sequence[Value]) -> int:
        """Return the life counter.

        Raises:
            LinkError: its node holds something that its type cannot be.
        """
        return int(_decoded(self._status[-1], self.status[-1], values[-1]))

    def _node(self, tag: Tag) -> str:
        return f"{self.base}{tag.address}"

    def _way(self, profile: Profile) -> Send:
        fields = {self._node(tag): tag for tag in profile.command}

        async def write_variables(port: OpcUaPort, block: CommandBlock) -> None:
            values = block.tags()
            await port.write({node: Typed(tag.type, values[tag.name]) for node, tag in fields.items()})

        async def call_method(port: OpcUaPort, block: CommandBlock) -> None:
            values = block.tags()
            arguments = [Typed(tag.type, values[tag.name]) for tag in profile.command]
            # What it returns is not trusted: an answer may be lost, the status variables stay.
            await port.call(f"{self.base}{profile.method}", arguments)

        match profile.handshake:
            case Handshake.MAILBOX:
                return write_variables
            case Handshake.METHOD:
                return call_method
            case Handshake.PUTWALL:
                raise ValueError(f"profile {profile.id}: put walls do not speak OPC UA")


def _check(profile_id: str, block: str, wrong: Set[str]) -> None:
    if wrong:
        raise ValueError(f"profile {profile_id}: missing or unknown in {block}: {', '.join(sorted(wrong))}")


def _reading_order(tag: Tag) -> int:
    """What vouches for the rest comes first, the life counter last."""
    if tag.name in VOUCHING:
        return VOUCHING.index(tag.name)
    return len(VOUCHING) + (tag.name == LIFE)


def _decoded(tag: Tag, node: str, value: Value) -> TagValue:
    if tag.type is TagType.STRING:
        if isinstance(value, str):
            return value.rstrip("\0")
    elif isinstance(value, int) and 0 <= value < 1 << _BITS[tag.type]:
        return value
    raise LinkError(ErrorKind.BAD_FRAME, f"{node} holds {value!r}, which is no {tag.type}")


def _text(base: str, tags: Mapping[str, TagValue]) -> str:
    return " ".join([base, *(f"{name}={value}" for name, value in tags.items())])
