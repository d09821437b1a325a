"""A put wall: what a slot shows after orders, buttons, outages; and the hands before it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_devices.faults.book import FaultBook
from sim_devices.faults.kinds import Reboot, ShortPick, WrongButton
from sim_devices.mailbox import Refused
from sim_devices.picker import Habits, Picker
from sim_devices.putwall import Button, PutWallDevice, SlotOrder, SlotState
from tests.unit.sim_plant import chance


class Wall:
    def __init__(self) -> None:
        self.book = FaultBook()
        self.device = PutWallDevice(
            self.book.register("wall", PutWallDevice.FAULTS | Picker.FAULTS), chance(1), 3
        )
        self.device.step(0.0)

    def order(self, slot: int, job_id: int, quantity: int, epoch: int = 1) -> None:
        boot_id = int(self.device.header()["bootId"])
        order = SlotOrder(epoch=epoch, job_id=job_id, colour=2, quantity=quantity, boot_id=boot_id)
        self.write(slot, replace(order, check=order.computed_check()))

    def write(self, slot: int, order: SlotOrder) -> None:
        names = {"jobId": order.job_id, "bootId": order.boot_id} | {
            name: getattr(order, name) for name in ("epoch", "colour", "blink", "quantity", "check")
        }
        self.device.write(slot, names)
        self.device.step(0.0)

    def shows(self, slot: int) -> tuple[int | str, int | str, int | str]:
        status = self.device.status(slot)
        return status["jobId"], status["state"], status["quantity"]


def test_the_check_of_an_order_covers_its_fields_big_endian() -> None:
    order = SlotOrder(epoch=1, job_id=2, colour=3, blink=1, quantity=4, boot_id=5)
    data = bytes.fromhex("0000000100000000000000020003000100040005")
    remainder = 0xFFFF
    for byte in data:
        remainder ^= byte
        for _ in range(8):
            remainder = (remainder >> 1) ^ (0xA001 if remainder & 1 else 0)
    assert order.computed_check() == remainder


def test_an_order_lights_the_slot_and_a_confirm_ends_it() -> None:
    wall = Wall()
    wall.order(0, job_id=7, quantity=3)
    assert wall.shows(0) == (7, SlotState.LIT, 3)
    wall.device.press(0, Button.CURTAIN)
    wall.device.press(0, Button.CONFIRM)
    assert wall.shows(0) == (7, SlotState.CONFIRMED, 3)
    status = wall.device.status(0)
    assert (status["confirms"], status["shorts"], status["curtain"]) == (1, 0, 1)


def test_each_short_takes_one_and_a_confirm_of_less_ends_the_put_short() -> None:
    wall = Wall()
    wall.order(0, job_id=7, quantity=2)
    for _ in range(3):
        wall.device.press(0, Button.SHORT)
    wall.device.press(0, Button.CONFIRM)
    assert wall.shows(0) == (7, SlotState.SHORT, 0)


def test_the_same_order_again_changes_nothing_even_after_a_button() -> None:
    wall = Wall()
    wall.order(0, job_id=7, quantity=3)
    wall.device.press(0, Button.CONFIRM)
    wall.order(0, job_id=7, quantity=3)
    assert wall.shows(0) == (7, SlotState.CONFIRMED, 3)


def test_a_withdrawal_darkens_a_lit_slot_but_comes_too_late_after_a_button() -> None:
    wall = Wall()
    wall.order(0, job_id=7, quantity=3)
    wall.order(0, job_id=7, quantity=0)
    assert wall.shows(0)[:2] == (7, SlotState.WITHDRAWN)
    wall.device.press(0, Button.CONFIRM)
    assert wall.shows(0)[:2] == (7, SlotState.WITHDRAWN)
    wall.order(1, job_id=8, quantity=1)
    wall.device.press(1, Button.CONFIRM)
    wall.order(1, job_id=8, quantity=0)
    assert wall.shows(1) == (8, SlotState.CONFIRMED, 1)


def test_a_newer_put_is_taken_whatever_the_slot_shows_and_an_older_one_is_refused() -> None:
    wall = Wall()
    wall.order(0, job_id=7, quantity=3)
    wall.order(0, job_id=9, quantity=1)
    assert wall.shows(0) == (9, SlotState.LIT, 1)
    wall.order(0, job_id=8, quantity=5)
    assert wall.shows(0) == (9, SlotState.LIT, 1)
    assert wall.device.status(0)["refused"] == Refused.SEQ
    wall.order(0, job_id=9, quantity=1)
    assert wall.device.status(0)["refused"] == Refused.NONE


def test_a_torn_order_and_one_of_an_older_gateway_are_refused() -> None:
    wall = Wall()
    wall.order(0, job_id=7, quantity=3, epoch=5)
    wall.write(0, SlotOrder(epoch=5, job_id=8, quantity=1, check=1))
    assert wall.device.status(0)["refused"] == Refused.CHECK
    wall.order(0, job_id=8, quantity=1, epoch=4)
    assert wall.device.status(0)["refused"] == Refused.EPOCH
    assert wall.shows(0) == (7, SlotState.LIT, 3)


def test_a_button_of_a_dark_slot_only_counts() -> None:
    wall = Wall()
    wall.device.press(2, Button.CONFIRM)
    assert wall.device.status(2)["confirms"] == 1
    assert wall.shows(2) == (0, SlotState.DARK, 0)


@pytest.mark.parametrize("memory_lost", [False, True], ids=["memory kept", "memory lost"])
def test_an_outage_keeps_what_the_slots_show_unless_memory_is_lost(memory_lost: bool) -> None:
    wall = Wall()
    wall.order(0, job_id=7, quantity=3)
    before = wall.device.header()["bootId"]
    wall.book.add(Reboot(device="wall", memory_lost=memory_lost, duration_s=None))
    wall.device.step(0.0)
    wall.device.press(0, Button.CONFIRM)
    wall.order(1, job_id=8, quantity=1)
    wall.book.clear()
    wall.device.step(0.0)
    assert wall.device.header()["bootId"] != before
    assert wall.shows(0) == ((0, SlotState.DARK, 0) if memory_lost else (7, SlotState.LIT, 3))
    assert wall.shows(1) == (0, SlotState.DARK, 0)


def test_a_hand_may_press_the_button_beside_the_one_it_means() -> None:
    wall = Wall()
    wall.book.add(WrongButton(device="wall"))
    wall.order(0, job_id=7, quantity=1)
    wall.device.press(0, Button.CONFIRM)
    assert wall.shows(0)[1] == SlotState.LIT
    assert wall.device.status(1)["confirms"] == 1
    wall.device.press(0, Button.CONFIRM)
    assert wall.shows(0)[1] == SlotState.CONFIRMED


@given(st.lists(st.tuples(st.sampled_from(["order", "withdraw", *Button]), st.integers(1, 4)), max_size=40))
def test_a_put_that_a_button_has_ended_stays_ended_until_a_newer_one_comes(
    acts: list[tuple[str, int]],
) -> None:
    wall, ended = Wall(), dict[int | str, object]()
    for act, job_id in acts:
        match act:
            case "order":
                wall.order(0, job_id, quantity=2)
            case "withdraw":
                wall.order(0, job_id, quantity=0)
            case _:
                wall.device.press(0, Button(act))
        job, state, quantity = wall.shows(0)
        if job in ended:
            assert ended[job] == (state, quantity)
        if state not in {SlotState.DARK, SlotState.LIT}:
            ended[job] = (state, quantity)


def test_the_picker_confirms_the_lit_slots_one_after_the_other_in_the_order_of_their_puts() -> None:
    wall = Wall()
    picker = Picker(wall.device, Habits(fastest=2.0, slowest=3.0), chance(1))
    wall.order(2, job_id=7, quantity=1)
    wall.order(0, job_id=8, quantity=1)
    first = picker.step(0.0)
    assert first is not None
    assert 2.0 <= first <= 3.0
    second = picker.step(first)
    assert second is not None
    assert [wall.shows(slot)[1] for slot in (2, 0)] == [SlotState.CONFIRMED, SlotState.LIT]
    assert 2.0 <= second - first <= 3.0
    assert picker.step(second) is None
    assert wall.shows(0)[1] == SlotState.CONFIRMED


def test_the_picker_finds_one_too_few_when_asked_to() -> None:
    wall = Wall()
    picker = Picker(wall.device, Habits(), chance(1))
    wall.book.add(ShortPick(device="wall"))
    wall.order(0, job_id=7, quantity=5)
    picker.step(picker.step(0.0) or 0.0)
    assert wall.shows(0) == (7, SlotState.SHORT, 4)


def test_the_picker_who_comes_too_late_for_a_withdrawn_put_only_counts() -> None:
    wall = Wall()
    picker = Picker(wall.device, Habits(), chance(1))
    wall.order(0, job_id=7, quantity=5)
    due = picker.step(0.0)
    assert due is not None
    wall.order(0, job_id=7, quantity=0)
    picker.step(due)
    assert wall.shows(0)[:2] == (7, SlotState.WITHDRAWN)
    assert wall.device.status(0)["confirms"] == 1
