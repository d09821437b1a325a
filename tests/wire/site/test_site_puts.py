"""Puts at the walls of the running demo site: by the automatic picker, and by hands."""

import asyncio

import pytest

from tests.wire.demo import RunningDemo

pytestmark = pytest.mark.wire

BY_HAND = 0.01
"""Motion so slow that the automatic picker never comes."""


async def test_the_picker_confirms_what_the_lights_ask_for(demo: RunningDemo) -> None:
    puts = {
        slot: await demo.put(slot, quantity) for slot, quantity in [("W1-01", 3), ("W1-12", 1), ("W2-07", 9)]
    }

    views = [await demo.until_put(put_id, "confirmed", "short") for put_id in puts.values()]

    assert [(view["status"], view["confirmedQuantity"]) for view in views] == [
        *(("confirmed", 3), ("confirmed", 1), ("confirmed", 9))
    ]
    kinds = [event["type"] for event in await demo.events_of(puts["W1-01"])]
    assert kinds[:2] + kinds[-1:] == ["put.accepted", "put.lit", "put.confirmed"]


async def test_a_picker_who_finds_too_few_ends_the_put_short(demo: RunningDemo) -> None:
    await demo.fault("shortPick", "wall-1")

    view = await demo.until_put(await demo.put("W1-02", 4), "confirmed", "short")

    assert (view["status"], view["confirmedQuantity"]) == ("short", 3)


async def test_hands_reach_through_the_curtain_and_confirm(demo: RunningDemo) -> None:
    await demo.speed(BY_HAND)
    put_id = await demo.put("W2-03", 2)
    await demo.until_put(put_id, "lit")

    await demo.press("W2-03", "curtain")
    await demo.press("W2-03", "confirm")

    view = await demo.until_put(put_id, "confirmed", "short")
    assert (view["status"], view["confirmedQuantity"]) == ("confirmed", 2)


async def test_each_press_of_short_takes_one_from_the_quantity(demo: RunningDemo) -> None:
    await demo.speed(BY_HAND)
    put_id = await demo.put("W2-04", 5)
    await demo.until_put(put_id, "lit")

    await demo.press("W2-04", "short", times=2)
    await demo.press("W2-04", "confirm")

    view = await demo.until_put(put_id, "confirmed", "short")
    assert (view["status"], view["confirmedQuantity"]) == ("short", 3)


async def test_a_cancelled_put_goes_dark_and_the_next_one_for_its_slot_is_lit(demo: RunningDemo) -> None:
    await demo.speed(BY_HAND)
    first = await demo.put("W1-05", 1)
    second = await demo.put("W1-05", 2)
    await demo.until_put(first, "lit")
    assert (await demo.until_put(second, "accepted"))["status"] == "accepted"

    await demo.cancel_put(first)

    await demo.until_put(first, "cancelled")
    await demo.until_put(second, "lit")
    await demo.press("W1-05", "confirm")
    assert (await demo.until_put(second, "confirmed"))["confirmedQuantity"] == 2


@pytest.mark.parametrize("memory_lost", [False, True], ids=["memory kept", "memory lost"])
async def test_after_a_power_cut_the_wall_shows_what_is_still_open(
    demo: RunningDemo, memory_lost: bool
) -> None:
    await demo.speed(BY_HAND)
    put_id = await demo.put("W1-06", 3)
    await demo.until_put(put_id, "lit")

    await demo.fault("reboot", "wall-1", durationS=0.2, memoryLost=memory_lost)
    await demo.until_offline("wall-1")
    await demo.until_online("wall-1")
    await asyncio.sleep(0.3)
    await demo.press("W1-06", "confirm")

    assert (await demo.until_put(put_id, "confirmed"))["confirmedQuantity"] == 3


async def test_a_button_that_is_pressed_while_the_link_is_down_counts(demo: RunningDemo) -> None:
    await demo.speed(BY_HAND)
    put_id = await demo.put("W2-08", 1)
    await demo.until_put(put_id, "lit")
    fault = await demo.fault("linkDrop", "wall-2", durationS=None)
    await demo.until_offline("wall-2")

    await demo.press("W2-08", "confirm")
    await demo.clear_fault(fault)

    assert (await demo.until_put(put_id, "confirmed"))["confirmedQuantity"] == 1
