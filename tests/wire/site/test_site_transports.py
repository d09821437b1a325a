"""Transports through shuttles, lift and conveyors of the running demo site, and the exceptions that plants have."""

import asyncio

import pytest

from tests.wire.demo import ENDED, SPEED, RunningDemo

pytestmark = pytest.mark.wire


async def test_a_tote_goes_from_storage_to_the_end_of_the_outfeed(demo: RunningDemo) -> None:
    transport_id = await demo.submit("TOTE-0001", "OUT-4")

    view = await demo.completed(transport_id)

    assert [leg["deviceId"] for leg in view["legs"]] == ["shuttle-1", "lift-1", *["conveyor-out"] * 3]
    assert {leg["status"] for leg in view["legs"]} == {"done"}
    assert [command["op"] for command in view["commands"]] == [*["PICK", "DROP"] * 2, *["TRANSFER"] * 3]
    assert [event["type"] for event in view["timeline"]] == [
        *("transport.accepted", "transport.planned"),
        *["transport.legStarted", "container.located", "transport.legCompleted"] * 5,
        *("container.arrived", "transport.completed"),
    ]
    world = await demo.world()
    assert world["containers"]["TOTE-0001"] == "OUT-4"
    assert all(world["moves"][str(command["jobId"])] == 1 for command in view["commands"])
    await demo.carry("TOTE-0001", view["source"])


async def test_totes_change_levels_both_ways_at_once(demo: RunningDemo) -> None:
    moves = {
        "TOTE-0011": "A1-4-R-20",
        "TOTE-0111": "A1-1-R-20",
        "TOTE-0012": "A1-3-R-20",
        "TOTE-0041": "A1-1-R-16",
    }

    transports = [await demo.submit(tote, target) for tote, target in moves.items()]
    for transport_id in transports:
        await demo.completed(transport_id)

    world = await demo.world()
    assert {tote: world["containers"][tote] for tote in moves} == moves


async def test_a_tote_that_a_person_puts_on_the_infeed_is_stored(demo: RunningDemo) -> None:
    await demo.carry("TOTE-0021", "IN-1")

    view = await demo.completed(await demo.submit("TOTE-0021", "A1-2-R-20"))

    assert [leg["deviceId"] for leg in view["legs"]] == [*["conveyor-in"] * 3, "lift-1", "shuttle-2"]
    assert (await demo.world())["containers"]["TOTE-0021"] == "A1-2-R-20"


async def test_a_cancel_before_anything_moved_leaves_the_tote_where_it_is(demo: RunningDemo) -> None:
    await demo.speed(5)
    first = await demo.submit("TOTE-0002", "OUT-4")
    waiting = await demo.submit("TOTE-0003", "OUT-3")
    source = (await demo.transport(waiting))["source"]

    await demo.cancel(waiting)

    assert (await demo.transport(waiting))["status"] == "cancelled"
    await demo.speed(SPEED)
    await demo.completed(first)
    assert (await demo.world())["containers"]["TOTE-0003"] == source
    await demo.carry("TOTE-0002", (await demo.transport(first))["source"])


@pytest.mark.parametrize("holder", ["shuttle-1", "A1-1-OUT", "lift-1"])
async def test_a_cancel_midway_brings_the_tote_to_a_defined_place(demo: RunningDemo, holder: str) -> None:
    await demo.speed(5)
    transport_id = await demo.submit("TOTE-0004", "OUT-4")
    while (await demo.books())["TOTE-0004"] != holder:
        await asyncio.sleep(0.01)

    await demo.cancel(transport_id)
    await demo.speed(SPEED)

    view = await demo.until(transport_id, ENDED)
    place = (await demo.world())["containers"]["TOTE-0004"]
    assert (view["status"], place) == ("cancelled", view["source"])


async def test_an_occupied_destination_is_found_by_the_device_and_cleared_by_a_person(
    demo: RunningDemo,
) -> None:
    await demo.put_down("TOTE-0900", "A1-1-R-12")
    transport_id = await demo.submit("TOTE-0005", "A1-1-R-12")

    view = await demo.halted(transport_id)

    assert (view["status"], view["problem"]["code"]) == ("failed", "destinationOccupied")
    assert "满放" in view["problem"]["title"]
    assert (await demo.books())["TOTE-0005"] == "shuttle-1"

    await demo.put_down("TOTE-0900", None)
    assert (await demo.resolve(transport_id, "retry"))["status"] == "executing"
    view = await demo.completed(transport_id)
    assert [(act["act"], act["operator"], act["reason"]) for act in view["acts"]] == [
        ("transport.retry", "Li Na", "looked at it")
    ]


async def test_a_tote_that_is_not_at_its_source_goes_on_from_where_a_person_found_it(
    demo: RunningDemo,
) -> None:
    await demo.put_down("TOTE-0006", "A1-2-R-12")
    transport_id = await demo.submit("TOTE-0006", "A1-2-R-16")

    view = await demo.halted(transport_id)

    assert (view["status"], view["problem"]["code"]) == ("failed", "sourceEmpty")
    assert "空取" in view["problem"]["title"]

    await demo.resolve(transport_id, "container-at", "A1-2-R-12")
    assert (await demo.completed(transport_id))["legs"][-1]["deviceId"] == "shuttle-2"


async def test_a_tote_that_was_taken_off_the_shuttle_is_missing(demo: RunningDemo) -> None:
    manual = await demo.fault("manualMode", "shuttle-1", after={"point": "done"})
    transport_id = await demo.submit("TOTE-0005", "A1-1-L-04")
    await demo.until_aboard("TOTE-0005", "shuttle-1")
    await demo.put_down("TOTE-0005", "A1-1-L-08")
    await demo.clear_fault(manual)

    view = await demo.halted(transport_id)

    assert view["problem"]["code"] == "loadMissing"
    assert view["problem"]["actions"] == ["completeAt", "containerAt"]
    await demo.resolve(transport_id, "container-at", "A1-1-L-08")
    await demo.completed(transport_id)


async def test_an_operator_completes_by_hand_what_the_machines_cannot(demo: RunningDemo) -> None:
    await demo.put_down("TOTE-0007", None)
    transport_id = await demo.submit("TOTE-0007", "A1-3-R-16")
    assert (await demo.halted(transport_id))["problem"]["code"] == "sourceEmpty"

    await demo.put_down("TOTE-0007", "A1-3-R-16")
    view = await demo.resolve(transport_id, "complete-at", "A1-3-R-16")

    assert view["status"] == "completed"


@pytest.mark.parametrize(("kind", "code"), [("noRead", "noRead"), ("wrongBarcode", "wrongContainer")])
async def test_what_a_scanner_cannot_confirm_waits_for_a_person(
    demo: RunningDemo, kind: str, code: str
) -> None:
    await demo.fault(kind, "conveyor-out")
    transport_id = await demo.submit("TOTE-0008", "OUT-4")

    view = await demo.halted(transport_id)

    assert (view["status"], view["problem"]["code"]) == ("failed", code)
    assert (await demo.books())["TOTE-0008"] == "OUT-2"

    await demo.resolve(transport_id, "retry")
    await demo.completed(transport_id)
    await demo.carry("TOTE-0008", view["source"])


@pytest.mark.parametrize("device", ["shuttle-1", "lift-1", "conveyor-out"])
async def test_after_a_jam_the_device_is_reset_and_the_transport_retried(
    demo: RunningDemo, device: str
) -> None:
    jam = await demo.fault("jam", device, after={"point": "taken"})
    transport_id = await demo.submit("TOTE-0009", "OUT-4")

    view = await demo.halted(transport_id)

    assert (view["status"], view["problem"]["code"]) == ("failed", "deviceFault")
    assert (await demo.device(device))["fault"]

    await demo.clear_fault(jam)
    await demo.reset(device)
    await demo.until_online(device)
    await demo.resolve(transport_id, "retry")
    await demo.completed(transport_id)
    await demo.carry("TOTE-0009", view["source"])
