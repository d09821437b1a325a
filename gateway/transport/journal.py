"""The journal of commands: numbered and durable before anybody hears of them, closed once (law 2)."""

from dataclasses import replace
from typing import Final

from gateway.contract.commands import Command, CommandStatus, Op
from gateway.kernel.clock import EPOCH_2025_S
from gateway.transport.effects import Abandon, Assign
from gateway.transport.plant import Plant
from gateway.transport.rows import Channel, Job
from gateway.transport.tables import TransportTables

SEQ_MAX: Final = 65_535


class Journal:
    """Issues commands and closes them."""

    def __init__(self, tables: TransportTables, plant: Plant) -> None:
        self._tables = tables
        self._plant = plant

    def next_job_id(self) -> int:
        """Give out a job id: the first of a new database is its birth time in ms since 2025."""
        birth_ms = self._tables.books.now_us // 1000 - EPOCH_2025_S * 1000
        return self._tables.next_number("job", first=max(birth_ms, 1))

    def issue(
        self,
        op: Op,
        *,
        device_id: str,
        channel: str,
        expected_s: float,
        source: str | None = None,
        target: str | None = None,
        container_id: str | None = None,
        transport_id: str | None = None,
    ) -> Job:
        """Write the next command of an idle channel into the journal and hand it over after the commit."""
        row = self._tables.channels[Channel.key_of(device_id, channel)]
        if row.job_id is not None or row.boot_id is None:
            raise AssertionError(f"channel {row.key} is not ready for a command")
        command = Command(
            job_id=self.next_job_id(),
            device_id=device_id,
            channel=channel,
            seq=row.last_seq % SEQ_MAX + 1,
            boot_id=row.boot_id,
            op=op,
            source=None if source is None else self._plant.place(source),
            target=None if target is None else self._plant.place(target),
            container_id=container_id,
            transport_id=transport_id,
        )
        job = Job(
            command=command,
            status=CommandStatus.INTENT,
            issued_us=self._tables.books.now_us,
            expected_s=expected_s,
        )
        self._tables.jobs.put(job)
        self._tables.channels.put(replace(row, last_seq=command.seq, job_id=command.job_id))
        self.hand_over(command)
        return job

    def hand_over(self, command: Command) -> None:
        """Tell the one who carries it out; again after a restart."""
        fleet = self._plant.fleet(command.device_id)
        if fleet is None:
            self._tables.books.effect(Assign(command))
        else:
            fleet.assign(command)

    def accept(self, job: Job) -> None:
        """Note that the device has acknowledged the command."""
        self._tables.jobs.put(replace(job, status=CommandStatus.ACCEPTED))

    def close(self, job: Job, status: CommandStatus, text: str = "") -> None:
        """End a command; its channel is free for the next one."""
        command = job.command
        self._tables.jobs.put(replace(job, status=status, text=text, ended_us=self._tables.books.now_us))
        self._tables.jobs.forget(command.job_id)
        row = self._tables.channels[Channel.key_of(command.device_id, command.channel)]
        if row.job_id == command.job_id:
            self._tables.channels.put(replace(row, job_id=None))

    def abandon(self, job: Job, text: str) -> None:
        """End a command by somebody's decision: its device's answers count no more."""
        self.close(job, CommandStatus.CANCELLED, text)
        command = job.command
        fleet = self._plant.fleet(command.device_id)
        if fleet is None:
            # Nothing is sent before the driver tells which number the device has really acknowledged.
            key = Channel.key_of(command.device_id, command.channel)
            self._tables.channels.put(replace(self._tables.channels[key], boot_id=None))
            self._tables.books.effect(Abandon(command.device_id, command.job_id))
        else:
            fleet.abandon(command.job_id)
