"""Several mailboxes of one device: it is there when all of them are, and each speaks for itself."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from drivers.blocks import CommandBlock, Status
from drivers.mailboxes import Mailboxes
from drivers.telegrams import Diagnosis
from gateway.contract.commands import Command, Op, Place
from gateway.contract.driver import DriverContext
from gateway.contract.reports import (
    ChannelOnline,
    CommandAccepted,
    CommandDone,
    DeviceFault,
    DeviceOffline,
    DeviceRecovered,
    Report,
)
from gateway.contract.wiring import MailboxChannel, MailboxWiring, Profile

pytestmark = pytest.mark.unit

PROFILE = Path("config/profiles/modbus-mailbox.yaml")
IDLE = Status(boot_id=1, epoch=7, ack_seq=4, accept_code=1, done_seq=4, done_code=1, job_id=400)
ONLINE = [
    ChannelOnline(device_id="belt", channel=channel, boot_id=1, ack_seq=4, sensors=IDLE.sensors)
    for channel in ("out-1", "out-2")
]


class Clock:
    def now_us(self) -> int:
        return 1_790_000_000_000_000


class Belt:
    """A conveyor with two channels, and a kernel that takes what is told."""

    def __init__(self) -> None:
        async def report(_: Report) -> None:
            raise AssertionError("told by hand")

        context = DriverContext(clock=Clock(), epoch=7, run="run-7", report=report, observe=print)
        profile = Profile.model_validate(yaml.safe_load(PROFILE.read_text("utf-8")))
        channels = (MailboxChannel(id="out-1", base=100), MailboxChannel(id="out-2", base=200))
        wiring = MailboxWiring(device_id="belt", profile=profile, channels=channels, places={})
        self.sent: list[tuple[str, CommandBlock]] = []
        self.mailboxes = Mailboxes(wiring, context, Diagnosis(Clock()), lambda *sent: self.sent.append(sent))
        self._life = 0

    def show(self, channel: str, status: Status = IDLE) -> None:
        self._life += 1
        self.mailboxes.shown(channel, status, self._life)

    def told(self) -> list[Report]:
        reports: list[Report] = []
        while (report := self.mailboxes.due()) is not None:
            self.mailboxes.told(report)
            reports.append(report)
        return reports


@pytest.fixture
def belt() -> Belt:
    return Belt()


async def test_a_device_is_there_once_all_its_mailboxes_have_been_read(belt: Belt) -> None:
    belt.show("out-1")
    assert belt.told() == []
    belt.show("out-2")
    assert belt.told() == [DeviceRecovered(device_id="belt"), *ONLINE]


async def test_a_device_that_was_lost_is_there_again_once_all_its_mailboxes_have_been_read_anew(
    belt: Belt,
) -> None:
    for channel in ("out-1", "out-2"):
        belt.show(channel)
    belt.told()
    belt.mailboxes.lost("no answer")
    belt.show("out-1")
    assert belt.told() == [DeviceOffline(device_id="belt", reason="no answer")]
    belt.show("out-2")
    assert belt.told() == ONLINE


async def test_a_command_goes_to_its_own_mailbox_and_the_other_is_not_in_doubt(belt: Belt) -> None:
    for channel in ("out-1", "out-2"):
        belt.show(channel)
    belt.told()
    command = Command(
        job_id=500,
        device_id="belt",
        channel="out-2",
        seq=5,
        boot_id=1,
        op=Op.TRANSFER,
        source=Place("OUT-2", 102),
        target=Place("OUT-3", 103),
    )
    belt.mailboxes.assign(command)
    assert belt.sent == [("out-2", CommandBlock.of(command, 7))]
    belt.mailboxes.written("out-2")
    belt.show("out-1")
    belt.show("out-2", replace(IDLE, ack_seq=5, job_id=500))
    assert belt.told() == [CommandAccepted(job_id=500)]


async def test_a_command_that_is_settled_otherwise_leaves_that_of_another_mailbox_alone(belt: Belt) -> None:
    for channel in ("out-1", "out-2"):
        belt.show(channel)
    belt.told()
    for job_id, channel in ((500, "out-1"), (501, "out-2")):
        belt.mailboxes.assign(
            Command(job_id=job_id, device_id="belt", channel=channel, seq=5, boot_id=1, op=Op.TRANSFER)
        )
        belt.mailboxes.written(channel)
    belt.mailboxes.abandon(500)
    belt.show("out-2", replace(IDLE, ack_seq=5, done_seq=5, job_id=501))
    assert belt.told() == [CommandAccepted(job_id=501), CommandDone(job_id=501)]


async def test_a_device_is_well_when_none_of_its_mailboxes_shows_a_fault(belt: Belt) -> None:
    for channel in ("out-1", "out-2"):
        belt.show(channel)
    belt.told()
    jammed = replace(IDLE, fault_code=7)
    belt.show("out-2", jammed)
    belt.show("out-1")
    (fault,) = belt.told()
    assert isinstance(fault, DeviceFault)
    assert fault.code == 7
    belt.show("out-2", replace(IDLE, fault_code=8))
    (other,) = belt.told()
    assert isinstance(other, DeviceFault)
    assert other.code == 8
    belt.show("out-2")
    assert belt.told() == [DeviceRecovered(device_id="belt")]
