"""The running demo site loses links, answers, power and memory: it goes on by itself, or asks a person; nothing moves twice."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from tests.wire.demo import ENDED, HALTED, RunningDemo, View

pytestmark = pytest.mark.wire

TOTE = "TOTE-0001"
ON_THE_WAY = ("shuttle-1", "lift-1", "conveyor-out")
"""Three devices on a tote's way out, one for each way to take commands: variables, method, registers."""
MIDWAY: dict[str, dict[str, Any]] = {
    "under way": {"after": {"point": "taken"}, "delayS": 0.05},
    "moved and not yet said": {"after": {"point": "moved"}},
    "done and not yet said": {"after": {"point": "done"}},
}


@pytest.mark.parametrize("moment", MIDWAY)
async def test_devices_that_keep_their_memory_go_on_by_themselves_after_power_cuts(
    demo: RunningDemo, moment: str
) -> None:
    for device in ON_THE_WAY:
        await demo.fault("reboot", device, durationS=0.3, **MIDWAY[moment])

    view = await demo.completed(await demo.submit(TOTE, "OUT-4"))

    await demo.until_no_fault()
    await demo.carry(TOTE, view["source"])


@pytest.mark.parametrize("moment", MIDWAY)
async def test_what_devices_without_memory_cannot_tell_is_judged_by_sensors_or_a_person(
    demo: RunningDemo, moment: str
) -> None:
    for device in ON_THE_WAY:
        await demo.fault("reboot", device, durationS=0.3, memoryLost=True, **MIDWAY[moment])
    transport_id = await demo.submit(TOTE, "OUT-4")

    while (view := await demo.until(transport_id, HALTED | ENDED))["status"] != "completed":
        assert view["problem"]["code"] == "outcomeUnknown"
        await demo.until_online(*ON_THE_WAY)
        await look_and_resolve(demo, transport_id)

    await demo.until_no_fault()
    await demo.carry(TOTE, view["source"])


async def test_links_that_drop_are_told_once_and_taken_up_again(demo: RunningDemo) -> None:
    before = await demo.last_event()
    for device in ON_THE_WAY:
        await demo.fault("linkDrop", device, durationS=0.3, after={"point": "taken"})

    view = await demo.completed(await demo.submit(TOTE, "OUT-4"))

    assert [command["status"] for command in view["commands"]] == ["done"] * 7
    for device in ON_THE_WAY:
        assert await demo.kinds_after(before, device) == ["device.offline", "device.online"]
    await demo.carry(TOTE, view["source"])


@pytest.mark.parametrize("device", ON_THE_WAY)
async def test_a_peer_that_falls_silent_is_noticed_within_3_s_and_taken_up_again(
    demo: RunningDemo, device: str
) -> None:
    before = await demo.last_event()
    fault = await demo.fault("blackHole", device, after={"point": "taken"})
    transport_id = await demo.submit(TOTE, "OUT-4")

    await demo.until_offline(device)
    taken = time_of((await demo.transport(transport_id))["commands"][-1]["issuedAt"])
    [lost] = await demo.events_of(device, after=before)
    assert lost["type"] == "device.offline"
    assert (time_of(lost["time"]) - taken).total_seconds() < 3.0

    await demo.clear_fault(fault)
    view = await demo.completed(transport_id)
    assert [command["status"] for command in view["commands"]] == ["done"] * 7
    assert await demo.kinds_after(before, device) == ["device.offline", "device.online"]
    await demo.carry(TOTE, view["source"])


@pytest.mark.parametrize(
    ("kind", "how", "devices"),
    [
        ("lostReply", {"count": 2}, ON_THE_WAY),
        ("slowAnswers", {"answerS": 0.1}, ON_THE_WAY),
        ("duplicateReply", {"count": 3}, ["conveyor-out"]),  # OPC UA numbers its answers
    ],
)
async def test_answers_that_are_lost_late_or_doubled_change_nothing(
    demo: RunningDemo, kind: str, how: dict[str, Any], devices: Sequence[str]
) -> None:
    for device in devices:
        await demo.fault(kind, device, **how)

    view = await demo.completed(await demo.submit(TOTE, "OUT-4"))

    assert [command["status"] for command in view["commands"]] == ["done"] * 7
    await demo.carry(TOTE, view["source"])


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def look_and_resolve(demo: RunningDemo, transport_id: str) -> View:
    """A person looks where the tote is, puts it within reach if it stands on a machine, and says so."""
    place = (await demo.world())["containers"][TOTE]
    if place in ON_THE_WAY:
        place = (await demo.transport(transport_id))["source"]
        await demo.put_down(TOTE, place)
    return await demo.resolve(transport_id, "container-at", place)
