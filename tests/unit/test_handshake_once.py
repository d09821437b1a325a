"""Whatever is lost, restarted or forgotten: a command is done at most once, and exactly once or told as unknown."""

from dataclasses import dataclass, field

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from drivers.blocks import CommandBlock, Status
from drivers.handshake import Channel
from drivers.judgement import next_seq
from gateway.contract.commands import Command, Op, Place
from gateway.contract.reports import (
    ChannelOnline,
    CommandAccepted,
    CommandDone,
    CommandFailed,
    CommandRejected,
    CommandUnknown,
    Report,
)
from tests.plc import PlcChannel

ENDED = CommandDone | CommandFailed | CommandRejected | CommandUnknown
STEPS_TO_SETTLE = 40
STRANGERS_JOB = 1_000_000


@dataclass
class Kernel:
    """What survives a restart of the gateway: the journal, and what the engine knows about the channel."""

    online: tuple[int, int] | None = None
    """(bootId, last number) under which the next command is issued."""
    open: Command | None = None
    outcomes: dict[int, ENDED] = field(default_factory=dict[int, ENDED])
    accepted: set[int] = field(default_factory=set[int])
    issued: int = 0

    def issue(self) -> Command:
        assert self.online
        boot_id, last_seq = self.online
        self.issued += 1
        self.open = Command(
            job_id=self.issued,
            device_id="lift-1",
            channel="main",
            seq=next_seq(last_seq),
            boot_id=boot_id,
            op=Op.PICK,
            source=Place("A", 1),
            container_id="TOTE-0001",
        )
        return self.open

    def commit(self, report: Report) -> None:
        match report:
            case ChannelOnline():
                self.online = (report.boot_id, report.ack_seq)
            case CommandAccepted(job_id=job_id):
                assert job_id not in self.outcomes
                self.accepted.add(job_id)
            case CommandDone() | CommandFailed() | CommandRejected() | CommandUnknown():
                assert report.job_id not in self.outcomes
                assert self.open
                assert self.open.job_id == report.job_id
                self.outcomes[report.job_id] = report
                unknown = isinstance(report, CommandUnknown)
                self.online = None if unknown or not self.online else (self.online[0], self.open.seq)
                self.open = None
            case _:
                raise AssertionError(report)


class AnyInterleaving(RuleBasedStateMachine):
    """One channel, one device, one kernel, and a wire that loses requests and answers."""

    def __init__(self) -> None:
        super().__init__()
        self.plc = PlcChannel()
        self.kernel = Kernel()
        self.epoch = 1
        self.channel = Channel("lift-1", "main", self.epoch)
        self.under_way: CommandBlock | None = None
        self.strangers = 0
        self.now = 0.0

    def send(self, block: CommandBlock | None) -> None:
        if block:
            assert self.under_way is None
            self.under_way = block

    def end_write(self) -> None:
        self.under_way = None
        self.channel.written(self.now)

    @rule(pause=st.sampled_from([0.01, 0.3]))
    def read(self, pause: float) -> None:
        """A reading is answered; the wire does one thing at a time, so no write is under way."""
        if self.under_way:
            self.write_arrives()
        self.now += pause
        self.send(self.channel.show(Status.of(self.plc.status()), self.plc.life, self.now))

    @rule()
    def link_breaks(self) -> None:
        if self.under_way:
            self.end_write()
        self.channel.lost()

    @precondition(lambda self: self.under_way is not None)
    @rule()
    def write_arrives(self) -> None:
        """Its answer may be lost all the same: the channel does not care."""
        assert self.under_way
        self.plc.block = self.under_way.tags()
        self.end_write()

    @precondition(lambda self: self.under_way is not None)
    @rule()
    def write_is_lost(self) -> None:
        self.end_write()

    @rule()
    def device_cycles(self) -> None:
        self.plc.cycle()

    @precondition(lambda self: self.plc.executing)
    @rule(done_code=st.sampled_from([1, 1, 20, 30]))
    def device_ends(self, done_code: int) -> None:
        self.plc.finish(done_code)

    @rule(keeping_memory=st.booleans())
    def device_restarts(self, keeping_memory: bool) -> None:
        self.plc.restart(keeping_memory=keeping_memory)

    @precondition(lambda self: not self.plc.executing and not self.under_way)
    @rule()
    def stranger_commands_the_device(self) -> None:
        """Somebody with a test tool, who knows the handshake, goes before us."""
        self.strangers += 1
        block = CommandBlock(
            epoch=int(self.plc.memory["epoch"]),
            seq=next_seq(int(self.plc.memory["ackSeq"])),
            op=Op.MOVE,
            job_id=STRANGERS_JOB + self.strangers,
            source=0,
            target=9,
            container="",
            boot_id=self.plc.boot_id,
        )
        self.plc.block = block.tags()
        self.plc.cycle()

    @rule(code=st.sampled_from([0, 0, 11]))
    def mode_is_switched(self, code: int) -> None:
        self.plc.busy_with = code

    @precondition(lambda self: self.kernel.online is not None and self.kernel.open is None)
    @rule()
    def kernel_issues_a_command(self) -> None:
        self.send(self.channel.assign(self.kernel.issue()))

    def due(self) -> Report | None:
        return self.channel.job_report() or self.channel.online_report()

    @precondition(lambda self: self.due() is not None)
    @rule()
    def report_is_committed(self) -> None:
        report = self.due()
        assert report
        self.kernel.commit(report)
        self.channel.told(report)

    @rule(commits=st.booleans())
    def gateway_is_killed_and_started(self, commits: bool) -> None:
        """At any moment: also after a report became durable and before its sender learnt that."""
        if commits and (report := self.due()):
            self.kernel.commit(report)
        self.under_way = None
        self.epoch += 1
        self.channel = Channel("lift-1", "main", self.epoch)
        self.kernel.online = None
        if self.kernel.open:
            self.channel.assign(self.kernel.open)

    @invariant()
    def no_command_is_done_twice(self) -> None:
        assert all(times == 1 for times in self.plc.effects.values())

    @invariant()
    def outcomes_are_true(self) -> None:
        for job_id, outcome in self.kernel.outcomes.items():
            match outcome:
                case CommandDone() | CommandFailed():
                    assert self.plc.effects[job_id] == 1
                    assert job_id in self.kernel.accepted
                case CommandRejected():
                    assert self.plc.effects[job_id] == 0
                case CommandUnknown():
                    pass

    def teardown(self) -> None:
        """Once faults stop, everything settles and the channel is online."""
        self.plc.busy_with = 0
        for _ in range(STEPS_TO_SETTLE):
            self.read(0.3)
            if self.under_way:
                self.write_arrives()
            self.plc.cycle()
            if self.plc.executing:
                self.plc.finish()
            while self.due():
                self.report_is_committed()
        assert self.kernel.open is None
        assert self.kernel.online == (self.plc.boot_id, self.plc.memory["ackSeq"])
        self.no_command_is_done_twice()
        self.outcomes_are_true()


AnyInterleaving.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestAnyInterleaving = AnyInterleaving.TestCase
