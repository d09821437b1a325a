"""The handshake, rule by rule: what a channel writes and tells for what the device shows."""

from dataclasses import replace
from itertools import product

import pytest

from drivers.blocks import STATUS_TAGS, CommandBlock, Status
from drivers.handshake import STEPS, Channel, Phase, Step
from drivers.judgement import Verdict, judge, next_seq
from gateway.contract.commands import Command, Op, Place
from gateway.contract.faults import Fault
from gateway.contract.reports import (
    ChannelOnline,
    CommandAccepted,
    CommandDone,
    CommandFailed,
    CommandRejected,
    CommandUnknown,
    Load,
    Report,
    Sensors,
)

EPOCH = 7
PICK_5 = Command(
    job_id=500,
    device_id="shuttle-1",
    channel="main",
    seq=5,
    boot_id=1,
    op=Op.PICK,
    source=Place("A1-1-L-01", 1101),
    container_id="TOTE-0001",
)
IDLE_AT_4 = Status(
    boot_id=1,
    epoch=EPOCH,
    ack_seq=4,
    accept_code=1,
    done_seq=4,
    done_code=1,
    job_id=400,
    position=1101,
    load=0,
)
TAKEN_5 = replace(IDLE_AT_4, ack_seq=5, job_id=500)
DONE_5 = replace(TAKEN_5, done_seq=5, done_code=1)
BLOCK_5 = CommandBlock.of(PICK_5, EPOCH)


class Told:
    """A channel together with a kernel that takes every report at once."""

    def __init__(self) -> None:
        self.channel = Channel("shuttle-1", "main", EPOCH)
        self.reports: list[Report] = []
        self.now = 0.0

    def show(self, status: Status, after: float = 0.0) -> CommandBlock | None:
        """Show a status of a living device; the kernel hears everything that is due then."""
        self.now += after
        block = self.channel.show(status, int(self.now * 1000) % 65536, self.now)
        while report := self.channel.job_report() or self.channel.online_report():
            self.reports.append(report)
            self.channel.told(report)
        return block

    def written(self) -> None:
        self.channel.written(self.now)


@pytest.fixture
def told() -> Told:
    return Told()


def test_every_phase_has_a_step_for_every_verdict() -> None:
    assert set(STEPS) == set(product(Phase, Verdict))


def test_only_an_open_command_that_was_not_taken_is_ever_written() -> None:
    assert [key for key, step in STEPS.items() if step is Step.WRITE] == [(Phase.OPEN, Verdict.NOT_TAKEN)]


@pytest.mark.parametrize(("seq", "following"), [(0, 1), (1, 2), (65534, 65535), (65535, 1)])
def test_numbers_run_from_1_to_65535_and_begin_again(seq: int, following: int) -> None:
    assert next_seq(seq) == following


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (IDLE_AT_4, Verdict.NOT_TAKEN),
        (replace(IDLE_AT_4, boot_id=2), Verdict.DOUBTFUL),
        (replace(IDLE_AT_4, done_seq=3), Verdict.BUSY),
        (TAKEN_5, Verdict.TAKEN),
        (DONE_5, Verdict.ENDED),
        (replace(DONE_5, boot_id=2), Verdict.ENDED),
        (replace(TAKEN_5, job_id=501), Verdict.DOUBTFUL),
        (replace(DONE_5, job_id=501), Verdict.DOUBTFUL),
        (replace(IDLE_AT_4, ack_seq=3, done_seq=3), Verdict.DOUBTFUL),
        (replace(IDLE_AT_4, ack_seq=6, done_seq=6), Verdict.DOUBTFUL),
        (replace(IDLE_AT_4, ack_seq=0, done_seq=0, boot_id=2), Verdict.DOUBTFUL),
    ],
)
def test_a_status_is_judged_by_rule_2(status: Status, verdict: Verdict) -> None:
    assert judge(PICK_5, status) is verdict


@pytest.mark.parametrize(
    ("ack_seq", "boot_id", "verdict"),
    [
        (0, 1, Verdict.NOT_TAKEN),
        (0, 2, Verdict.DOUBTFUL),
        (65535, 1, Verdict.NOT_TAKEN),
        (65535, 2, Verdict.DOUBTFUL),
    ],
)
def test_number_1_follows_an_empty_memory_or_65535_in_the_same_start_of_the_device(
    ack_seq: int, boot_id: int, verdict: Verdict
) -> None:
    first = replace(PICK_5, seq=1)
    status = replace(IDLE_AT_4, ack_seq=ack_seq, done_seq=ack_seq, boot_id=boot_id)
    assert judge(first, status) is verdict


def test_nothing_is_written_before_a_status_was_read(told: Told) -> None:
    assert told.channel.assign(PICK_5) is None
    assert told.show(IDLE_AT_4) == BLOCK_5


def test_a_command_leaves_at_once_when_the_newest_status_is_known(told: Told) -> None:
    told.show(IDLE_AT_4)
    assert told.channel.assign(PICK_5) == BLOCK_5


def test_nothing_is_written_after_the_link_was_lost_until_a_status_was_read_again(told: Told) -> None:
    told.show(IDLE_AT_4)
    told.channel.lost()
    assert told.channel.assign(PICK_5) is None


def test_a_command_that_goes_well_is_told_as_accepted_then_done(told: Told) -> None:
    told.channel.assign(PICK_5)
    told.show(IDLE_AT_4)
    told.written()
    told.show(TAKEN_5)
    told.show(DONE_5)
    assert told.reports == [
        CommandAccepted(job_id=500),
        ChannelOnline(
            device_id="shuttle-1",
            channel="main",
            boot_id=1,
            ack_seq=5,
            sensors=Sensors(place=1101, load=Load.EMPTY),
        ),
        CommandDone(job_id=500),
    ]
    assert told.channel.job_id is None


def test_a_command_found_done_after_a_restart_is_told_as_accepted_and_done_and_not_written(
    told: Told,
) -> None:
    told.channel.assign(PICK_5)
    assert told.show(DONE_5) is None
    assert told.reports[:2] == [CommandAccepted(job_id=500), CommandDone(job_id=500)]


def test_an_unanswered_block_is_written_again_only_on_a_later_status_and_not_too_soon(told: Told) -> None:
    told.channel.assign(PICK_5)
    assert told.show(IDLE_AT_4) == BLOCK_5
    assert told.show(IDLE_AT_4, after=1) is None, "the write has not ended"
    told.written()
    assert told.show(IDLE_AT_4, after=0.1) is None, "the device has had no time to look at it"
    assert told.show(IDLE_AT_4, after=0.2) == BLOCK_5


def test_a_busy_channel_is_waited_for(told: Told) -> None:
    told.channel.assign(PICK_5)
    assert told.show(replace(IDLE_AT_4, done_seq=3)) is None
    assert told.show(IDLE_AT_4) == BLOCK_5


def test_a_doubtful_command_is_told_as_unknown_with_the_sensors_then_the_channel_as_online(
    told: Told,
) -> None:
    told.channel.assign(PICK_5)
    assert told.show(replace(IDLE_AT_4, boot_id=2, ack_seq=0, done_seq=0, job_id=0, load=1)) is None
    unknown, online = told.reports
    assert isinstance(unknown, CommandUnknown)
    assert (unknown.job_id, unknown.sensors) == (500, Sensors(place=1101, load=Load.LOADED))
    assert isinstance(online, ChannelOnline)
    assert (online.boot_id, online.ack_seq) == (2, 0)


def test_a_device_that_has_forgotten_a_taken_command_is_not_told_again(told: Told) -> None:
    told.channel.assign(PICK_5)
    told.show(IDLE_AT_4)
    told.written()
    told.show(TAKEN_5)
    assert told.show(IDLE_AT_4, after=1) is None
    assert any(isinstance(report, CommandUnknown) for report in told.reports)


def test_a_channel_is_not_online_while_a_command_is_open_there(told: Told) -> None:
    told.channel.assign(PICK_5)
    told.show(IDLE_AT_4)
    assert told.reports == []


def test_a_channel_is_told_as_online_again_after_a_loss_and_after_a_start_of_the_device(told: Told) -> None:
    told.show(IDLE_AT_4)
    told.show(IDLE_AT_4)
    told.channel.lost()
    told.show(IDLE_AT_4)
    told.show(replace(IDLE_AT_4, boot_id=2))
    boots = [report.boot_id for report in told.reports if isinstance(report, ChannelOnline)]
    assert boots == [1, 1, 2]


def test_an_abandoned_command_is_forgotten_and_the_channel_online_once_at_rest(told: Told) -> None:
    told.channel.assign(PICK_5)
    told.show(IDLE_AT_4)
    told.written()
    told.channel.abandon(500)
    told.show(IDLE_AT_4, after=0.1)
    assert told.reports == [], "the last write may still be taken"
    told.show(TAKEN_5, after=0.2)
    assert told.reports == [], "the channel executes what was abandoned"
    told.show(DONE_5, after=1)
    (online,) = told.reports
    assert isinstance(online, ChannelOnline)
    assert online.ack_seq == 5


def test_a_channel_whose_command_was_abandoned_before_it_was_taken_is_told_as_online_anew(told: Told) -> None:
    """The kernel gives it no other before it has heard which number the device has really acknowledged."""
    told.show(IDLE_AT_4)
    told.channel.assign(PICK_5)
    told.written()
    told.reports.clear()
    told.channel.abandon(500)
    told.show(IDLE_AT_4, after=0.1)
    assert told.reports == [], "the device may look at the block yet"
    told.show(IDLE_AT_4, after=0.2)
    (online,) = told.reports
    assert isinstance(online, ChannelOnline)
    assert online.ack_seq == 4


def test_the_same_assignment_again_changes_nothing(told: Told) -> None:
    told.channel.assign(PICK_5)
    told.show(IDLE_AT_4)
    told.written()
    told.show(TAKEN_5)
    told.channel.assign(PICK_5)
    told.show(TAKEN_5)
    assert told.reports.count(CommandAccepted(job_id=500)) == 1


def test_the_next_command_may_be_assigned_while_the_last_outcome_is_being_told() -> None:
    channel = Channel("shuttle-1", "main", EPOCH)
    channel.assign(PICK_5)
    channel.show(DONE_5, 1, 0.0)
    accepted = channel.job_report()
    assert accepted
    channel.told(accepted)
    done = channel.job_report()
    assert isinstance(done, CommandDone)
    following = replace(PICK_5, job_id=600, seq=6, op=Op.DROP)
    assert channel.assign(following) == CommandBlock.of(following, EPOCH)
    channel.told(done)
    assert channel.job_id == 600


@pytest.mark.parametrize(
    ("accept_code", "retry"), [(10, True), (11, True), (12, True), (20, False), (21, False), (99, False)]
)
def test_a_refusal_is_told_as_rejected(told: Told, accept_code: int, retry: bool) -> None:
    told.channel.assign(PICK_5)
    told.show(replace(DONE_5, accept_code=accept_code, done_code=0))
    rejected = told.reports[0]
    assert isinstance(rejected, CommandRejected)
    assert (rejected.job_id, rejected.retry) == (500, retry)
    assert rejected.text


@pytest.mark.parametrize(
    ("load", "kind"),
    [(0, CommandFailed), (1, CommandRejected), (2, CommandRejected)],
    ids=["no load", "load", "unclear"],
)
def test_a_drop_that_is_refused_because_nothing_is_on_board_is_a_missing_load(
    told: Told, load: int, kind: type[Report]
) -> None:
    drop = replace(PICK_5, op=Op.DROP, source=None, target=Place("A1-1-OUT", 1002))
    told.channel.assign(drop)
    told.show(replace(DONE_5, accept_code=21, done_code=0, load=load))
    (outcome,) = [each for each in told.reports if isinstance(each, CommandFailed | CommandRejected)]
    assert isinstance(outcome, kind)
    if isinstance(outcome, CommandFailed):
        assert outcome.fault is Fault.LOAD_MISSING


@pytest.mark.parametrize(
    ("done_code", "fault"),
    [
        (20, Fault.SOURCE_EMPTY),
        (21, Fault.DESTINATION_OCCUPIED),
        (22, Fault.WRONG_CONTAINER),
        (23, Fault.NO_READ),
        (24, Fault.LOAD_MISSING),
        (30, Fault.DEVICE_FAULT),
    ],
)
def test_a_failure_is_told_with_its_fault_and_the_sensors(told: Told, done_code: int, fault: Fault) -> None:
    told.channel.assign(PICK_5)
    told.show(replace(DONE_5, done_code=done_code, load=1))
    failed = told.reports[1]
    assert isinstance(failed, CommandFailed)
    assert (failed.fault, failed.sensors) == (fault, Sensors(place=1101, load=Load.LOADED))


def test_a_wrong_barcode_is_named(told: Told) -> None:
    told.channel.assign(PICK_5)
    told.show(replace(DONE_5, done_code=22, barcode="TOTE-0099"))
    failed = told.reports[1]
    assert isinstance(failed, CommandFailed)
    assert "TOTE-0099" in failed.text
    assert "TOTE-0001" in failed.text


@pytest.mark.parametrize("done_code", [0, 2, 99])
def test_a_result_that_means_nothing_is_unknown(told: Told, done_code: int) -> None:
    told.channel.assign(PICK_5)
    told.show(replace(DONE_5, done_code=done_code))
    assert isinstance(told.reports[0], CommandUnknown)


def test_after_a_result_that_means_nothing_the_channel_is_told_as_online_again(told: Told) -> None:
    """Found by reading: the engine waits to be told so after everything unknown, and the channel got no work any more."""
    told.show(IDLE_AT_4)
    told.channel.assign(PICK_5)
    told.written()
    told.show(replace(DONE_5, done_code=99), after=1)
    told.show(replace(DONE_5, done_code=99), after=1)
    assert [type(report) for report in told.reports] == [ChannelOnline, CommandUnknown, ChannelOnline]
    assert isinstance(online := told.reports[-1], ChannelOnline) and online.ack_seq == 5


@pytest.mark.parametrize(("shown", "barcode"), [("TOTE-0001", "TOTE-0001"), ("", None), ("?", "")])
def test_what_the_scanner_read_comes_with_the_result(told: Told, shown: str, barcode: str | None) -> None:
    told.channel.assign(PICK_5)
    told.show(replace(DONE_5, barcode=shown))
    assert told.reports[1] == CommandDone(job_id=500, barcode=barcode)


def test_a_newer_gateway_is_a_fault_and_nothing_is_written(told: Told) -> None:
    told.channel.assign(PICK_5)
    assert told.show(replace(IDLE_AT_4, epoch=EPOCH + 1)) is None
    assert told.channel.fault
    assert "newer gateway" in told.channel.fault.text


def test_a_device_fault_is_shown_until_it_is_gone(told: Told) -> None:
    told.show(replace(IDLE_AT_4, fault_code=17))
    assert told.channel.fault
    assert told.channel.fault.code == 17
    told.channel.lost()
    assert told.channel.fault
    told.show(IDLE_AT_4)
    assert told.channel.fault is None


def test_a_device_that_takes_no_block_is_a_fault_that_says_why(told: Told) -> None:
    told.channel.assign(PICK_5)
    for _ in range(4):
        assert told.show(replace(IDLE_AT_4, refused_seq=5, refused_code=1), after=0.3)
        told.written()
    told.show(replace(IDLE_AT_4, refused_seq=5, refused_code=1))
    assert told.channel.fault
    assert "check" in told.channel.fault.text
    told.show(TAKEN_5)
    assert told.channel.fault is None


def test_a_life_counter_that_stands_still_stops_the_writing(told: Told) -> None:
    told.channel.show(IDLE_AT_4, 1, 0.0)
    told.channel.show(IDLE_AT_4, 1, 2.0)
    assert told.channel.life.alive
    told.channel.show(IDLE_AT_4, 1, 2.1)
    assert told.channel.life.stands_still
    assert told.channel.assign(PICK_5) is None
    assert told.channel.show(IDLE_AT_4, 2, 9.0) == BLOCK_5
    assert told.channel.life.alive


def test_a_device_that_lives_again_is_told_as_online_though_nothing_else_has_changed(told: Told) -> None:
    told.show(IDLE_AT_4)
    told.reports.clear()
    told.channel.show(IDLE_AT_4, 0, 3.0)
    told.now = 3.0
    told.show(IDLE_AT_4, after=1.0)
    assert [type(report) for report in told.reports] == [ChannelOnline]


def test_a_status_without_a_boot_id_shows_nothing_yet(told: Told) -> None:
    told.channel.assign(PICK_5)
    assert told.show(replace(IDLE_AT_4, boot_id=0, ack_seq=0, done_seq=0)) is None
    assert told.reports == []
    assert told.show(IDLE_AT_4) == BLOCK_5


def test_what_a_command_does_not_name_is_0_or_empty_in_its_block() -> None:
    reset = Command(job_id=501, device_id="shuttle-1", channel="main", seq=5, boot_id=1, op=Op.RESET)
    block = CommandBlock.of(reset, EPOCH)
    assert (block.op, block.source, block.target, block.container) == (5, 0, 0, "")


def test_a_status_is_made_from_the_fields_of_the_specification() -> None:
    needed = {
        "bootId": 1,
        "life": 2,
        "epoch": 3,
        "ackSeq": 4,
        "acceptCode": 5,
        "doneSeq": 6,
        "doneCode": 7,
        "jobId": 8,
    }
    more = {"position": 9, "faultCode": 10, "refusedSeq": 11, "refusedCode": 12}
    loads = {"load": 1, "sourceLoad": 0, "targetLoad": 2}
    assert Status.of({**needed, **more, **loads, "mode": 1, "barcode": "T"}) == Status(
        boot_id=1,
        epoch=3,
        ack_seq=4,
        accept_code=5,
        done_seq=6,
        done_code=7,
        job_id=8,
        position=9,
        fault_code=10,
        refused_seq=11,
        refused_code=12,
        load=1,
        source_load=0,
        target_load=2,
        barcode="T",
    )
    assert set(needed) == STATUS_TAGS
    for name in needed.keys() - {"life"}:
        with pytest.raises(KeyError):
            Status.of({each: number for each, number in needed.items() if each != name})


@pytest.mark.parametrize(
    ("fields", "sensors"),
    [
        ({}, Sensors()),
        ({"position": 1101, "load": 0}, Sensors(place=1101, load=Load.EMPTY)),
        ({"position": 0, "load": 1}, Sensors(place=None, load=Load.LOADED)),
        ({"load": 2, "sourceLoad": 0, "targetLoad": 1}, Sensors(source=Load.EMPTY, target=Load.LOADED)),
        ({"load": 7, "sourceLoad": 1, "targetLoad": 2}, Sensors(source=Load.LOADED)),
    ],
)
def test_sensors_that_a_device_has_not_or_that_cannot_tell_are_unknown(
    fields: dict[str, int], sensors: Sensors
) -> None:
    needed = dict.fromkeys(STATUS_TAGS, 1)
    assert Status.of({**needed, **fields}).sensors == sensors


def test_a_number_that_a_command_has_overtaken_before_it_was_told_is_told_anew() -> None:
    """Found by the model: the books went back to the number before the last command, and the next one became unknown."""
    channel = Channel("shuttle-1", "main", EPOCH)
    channel.show(IDLE_AT_4, 1, 0.0)
    assert channel.online_report()
    channel.assign(PICK_5)
    channel.written(0.0)
    channel.show(DONE_5, 1, 1.0)
    while report := channel.job_report():
        channel.told(report)
    online = channel.online_report()
    assert online
    assert online.ack_seq == 5
