"""Transports that vehicles take part in, on the running demo site."""

import asyncio

import pytest

from tests.wire.demo import DEVICES, ENDED, SPEED, RunningDemo

pytestmark = pytest.mark.wire

VEHICLES = sorted(device for device in DEVICES if device.startswith("agv-"))


async def test_totes_go_from_storage_to_the_stations_and_back(demo: RunningDemo) -> None:
    visits = {"TOTE-0002": "S1-1", "TOTE-0032": "S2-2"}
    homes = await demo.books()

    there = [await demo.submit(tote, slot) for tote, slot in visits.items()]
    for transport_id in there:
        view = await demo.completed(transport_id)
        assert view["legs"][-1]["deviceId"] in VEHICLES
        assert [command["status"] for command in view["commands"]] == ["done"] * 9
    world = await demo.world()
    assert {tote: world["containers"][tote] for tote in visits} == visits

    back = [await demo.submit(tote, str(homes[tote])) for tote in visits]
    for transport_id in back:
        view = await demo.completed(transport_id)
        assert view["legs"][0]["deviceId"] in VEHICLES


async def test_a_vehicle_carries_a_tote_from_station_to_station(demo: RunningDemo) -> None:
    home = (await demo.books())["TOTE-0003"]
    await demo.carry("TOTE-0003", "S2-1")

    view = await demo.completed(await demo.submit("TOTE-0003", "S1-2"))

    assert [command["op"] for command in view["commands"]] == ["PICK", "DROP"]
    await demo.carry("TOTE-0003", str(home))


async def test_a_cancel_while_the_vehicle_drives_loaded_ends_in_a_defined_place(demo: RunningDemo) -> None:
    home = (await demo.books())["TOTE-0004"]
    await demo.carry("TOTE-0004", "S2-1")
    await demo.speed(10)
    transport_id = await demo.submit("TOTE-0004", "S1-2")
    while (await demo.books())["TOTE-0004"] not in VEHICLES:
        await asyncio.sleep(0.02)

    await demo.cancel(transport_id)
    await demo.speed(SPEED)

    view = await demo.until(transport_id, ENDED)
    place = (await demo.world())["containers"]["TOTE-0004"]
    assert view["status"] == "cancelled"
    assert place.startswith(("A1-", "S"))
    await demo.carry("TOTE-0004", str(home))


@pytest.mark.parametrize("kind", ["linkDrop", "reboot"])
async def test_a_vehicle_that_loses_its_link_or_its_power_goes_on_and_delivers_once(
    demo: RunningDemo, kind: str
) -> None:
    home = (await demo.books())["TOTE-0005"]
    await demo.carry("TOTE-0005", "S2-1")
    for vehicle in VEHICLES:
        await demo.fault(kind, vehicle, durationS=0.5, after={"point": "taken"})

    view = await demo.completed(await demo.submit("TOTE-0005", "S1-2"))

    assert [command["op"] for command in view["commands"]] == ["PICK", "DROP"]
    await demo.carry("TOTE-0005", str(home))


async def test_states_that_are_lost_doubled_or_overtaken_change_nothing(demo: RunningDemo) -> None:
    home = (await demo.books())["TOTE-0005"]
    await demo.carry("TOTE-0005", "S2-1")
    for vehicle in VEHICLES:
        for kind in ("stateDuplicated", "stateReordered", "stateLost"):
            await demo.fault(kind, vehicle, count=2)

    view = await demo.completed(await demo.submit("TOTE-0005", "S1-2"))

    assert [command["op"] for command in view["commands"]] == ["PICK", "DROP"]
    await demo.carry("TOTE-0005", str(home))


async def test_an_order_that_a_vehicle_refuses_is_asked_again(demo: RunningDemo) -> None:
    home = (await demo.books())["TOTE-0006"]
    await demo.carry("TOTE-0006", "S2-1")
    for vehicle in VEHICLES:
        await demo.fault("refusedOrder", vehicle)

    await demo.completed(await demo.submit("TOTE-0006", "S1-2"))

    await demo.carry("TOTE-0006", str(home))


@pytest.mark.parametrize(("kind", "code"), [("wrongBarcode", "wrongContainer"), ("noRead", "noRead")])
async def test_a_vehicle_that_misreads_a_label_leaves_the_tote_and_says_so(
    demo: RunningDemo, kind: str, code: str
) -> None:
    home = (await demo.books())["TOTE-0008"]
    await demo.carry("TOTE-0008", "S2-1")
    for vehicle in VEHICLES:
        await demo.fault(kind, vehicle)
    transport_id = await demo.submit("TOTE-0008", "S1-2")

    view = await demo.halted(transport_id)

    assert (view["problem"]["code"], (await demo.books())["TOTE-0008"]) == (code, "S2-1")
    await demo.make_whole()
    await demo.resolve(transport_id, "retry")
    await demo.completed(transport_id)
    await demo.carry("TOTE-0008", str(home))


async def test_a_vehicle_that_lost_its_memory_is_told_where_it_stands(demo: RunningDemo) -> None:
    here = await demo.node_of("agv-6")
    elsewhere = "top-24" if here != "top-24" else "top-0"
    await demo.fault("reboot", "agv-6", durationS=0.2, memoryLost=True)
    alarm = await demo.alarm("fault:agv-6", "localizationError")
    assert "gateway device localise agv-6 --at NODE" in alarm["advice"]

    who = ("--operator", "Li Na", "--reason", "I stand before it")
    await demo.gateway("device", "localise", "agv-6", "--at", elsewhere, *who)
    await demo.alarm("fault:agv-6", "does not confirm it: the sensors do not confirm that pose")

    await demo.gateway("device", "localise", "agv-6", "--at", here, *who)
    await demo.until_online("agv-6")


async def test_a_vehicle_that_is_localised_at_its_panel_goes_on_by_itself(demo: RunningDemo) -> None:
    await demo.node_of("agv-6")
    await demo.fault("reboot", "agv-6", durationS=0.2, memoryLost=True)
    await demo.alarm("fault:agv-6", "localizationError")
    await demo.localise_by_hand("agv-6")
    await demo.until_online("agv-6")


async def test_a_pick_that_fails_waits_for_a_person(demo: RunningDemo) -> None:
    home = (await demo.books())["TOTE-0007"]
    await demo.carry("TOTE-0007", "S2-1")
    for vehicle in VEHICLES:
        await demo.fault("handlingFails", vehicle)
    transport_id = await demo.submit("TOTE-0007", "S1-2")

    view = await demo.halted(transport_id)

    assert view["status"] == "failed"
    await demo.make_whole()
    await demo.resolve(transport_id, "retry")
    await demo.completed(transport_id)
    await demo.carry("TOTE-0007", str(home))
