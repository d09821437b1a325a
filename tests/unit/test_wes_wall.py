"""The put wall of a station: what lights, what a button or a hand's word books, and what becomes a question."""

import pytest

from gateway.contract.puts import PutStatus
from gateway.wes.floor.wall import HAND_US
from gateway.wes.planning.stations import close_station
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, begun, picked, put, questions, station

pytestmark = pytest.mark.unit


async def test_fewer_pieces_in_the_slot_than_were_picked_is_a_question_and_the_rest_stays_open() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        await put(line, allocation, 4, confirmed=3)
        ((kind, _),) = await questions(line)
        assert kind == "less"
        assert await line.tasks(operation) == [(allocation, 1)]
        await put(line, allocation, 1)
        ((number,),) = await line.core.rows("SELECT question_id FROM questions")
        await line.act("answer", question_id=number)
        assert await questions(line) == []
        await line.act("done", operation_id=operation)


async def test_a_hand_without_a_button_is_a_question_which_the_button_answers() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        (name,) = line.walls.lit()
        slot = line.walls.puts[name].slot
        line.walls.hand("wall-1", slot)
        await line.hear()
        assert await questions(line) == [("noButton", slot)]
        line.walls.press(name)
        await line.hear()
        assert await questions(line) == []


async def test_what_the_button_does_not_tell_a_person_does_and_the_slot_goes_dark() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        view = await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        (name,) = line.walls.lit()
        slot = line.walls.puts[name].slot
        assert await line.refused("put", put_id=view.put_id, slot_id="W1-12", quantity=4) == "wrongSlot"
        await line.act("put", put_id=view.put_id, slot_id=slot, quantity=4)
        assert await picked(line) == [(0, 4, 0)]
        await line.turn()
        assert line.walls.lit() == []
        assert await picked(line) == [(0, 4, 0)]
        await line.check()


async def test_a_button_after_a_persons_word_is_not_booked_twice() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        view = await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        (name,) = line.walls.lit()
        await line.act("put", put_id=view.put_id, slot_id=line.walls.puts[name].slot, quantity=4)
        line.walls.press(name)
        await line.hear()
        assert await picked(line) == [(0, 4, 0)]
        await line.check()


async def test_a_hand_in_a_dark_slot_is_a_question() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        line.walls.hand("wall-1", "W1-11")
        line.walls.hand("wall-1", "W1-11")
        await line.hear()
        assert await questions(line) == [("darkSlot", "W1-11")]


async def test_the_hand_that_has_just_pressed_the_button_leaves_its_slot_without_a_question() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        await put(line, allocation, 2)
        ((slot,),) = await line.core.rows("SELECT slot_id FROM wall_puts")
        line.walls.hand("wall-1", slot)
        await line.hear()
        assert await questions(line) == []
        line.core.clock.at_us += HAND_US
        line.walls.hand("wall-1", slot)
        await line.hear()
        assert await questions(line) == [("darkSlot", slot)]


async def test_a_put_that_was_told_wrong_is_corrected_and_picked_again() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        number = await put(line, allocation, 4)
        assert await line.order_codes() == [90]
        await line.act("adjust", put_id=number, quantity=1)
        assert await line.order_codes() == [80]
        assert await picked(line) == [(3, 1, 0)]
        await line.check()
        await put(line, allocation, 3)
        await line.act("done", operation_id=operation)
        assert await line.order_codes() == [90]
        await line.check()


async def test_a_put_may_be_corrected_upwards() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        number = await put(line, allocation, 4, confirmed=2)
        await line.act("adjust", put_id=number, quantity=4)
        assert await picked(line) == [(0, 4, 0)]
        await line.check()


async def test_a_held_work_order_goes_dark_and_goes_on_once_it_is_resumed() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        ((work,),) = await line.core.rows("SELECT work_id FROM work_orders")
        await line.act("hold", work_id=work, reason="the box is torn")
        await line.turn()
        assert line.walls.lit() == []
        assert await line.refused("pick", allocation_id=allocation, quantity=4) == "held"
        assert await line.refused("done", operation_id=operation) == "notDone"
        await line.act("resume", work_id=work)
        await put(line, allocation, 4)
        await line.act("done", operation_id=operation)


async def test_a_wall_that_does_not_answer_is_asked_again_and_lights_once() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        line.walls.deaf = True
        await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        assert line.walls.lit() == []
        line.walls.deaf = False
        await line.light()
        await line.light()
        assert len(line.walls.puts) == 1


@pytest.mark.parametrize("jump_us", [120_000_000, -3_600_000_000], ids=["later", "the clock is set back"])
async def test_a_result_that_was_never_heard_is_looked_up(jump_us: int) -> None:
    async with station() as line:
        _, allocation = await begun(line)
        await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        (name,) = line.walls.lit()
        line.walls.put_ends[name] = (PutStatus.CONFIRMED, 4)
        line.core.clock.at_us += jump_us
        await line.light()
        assert await picked(line) == [(0, 4, 0)]
        await line.check()


async def test_a_result_that_was_lost_in_a_gap_of_the_feed_is_looked_up_at_once() -> None:
    async with station() as line:
        _, allocation = await begun(line)
        await line.act("pick", allocation_id=allocation, quantity=4)
        await line.light()
        (name,) = line.walls.lit()
        line.walls.put_ends[name] = (PutStatus.CONFIRMED, 4)
        await line.light()
        assert await picked(line) == [(4, 0, 0)], "the result was told in an event that is not kept any more"
        await line.store.write(lambda tx: line.hearing.catch_up(tx, [], [], {}))
        await line.light()
        assert await picked(line) == [(0, 4, 0)]
        assert await questions(line) == []
        await line.check()


async def test_a_put_that_its_wall_has_forgotten_is_not_booked_and_looked_for_in_the_slot() -> None:
    async with station() as line:
        name = await lit_and_taken_back(line)
        line.walls.end_put(name, PutStatus.UNKNOWN, None)
        await line.hear()
        assert [kind for kind, _ in await questions(line)] == ["unwanted"]
        assert (await picked(line))[0][1] == 0
        await line.check()


async def test_a_container_that_is_rejected_is_rolled_back_and_its_work_comes_again() -> None:
    async with station() as line:
        operation, allocation = await begun(line)
        await put(line, allocation, 1)
        await line.act("pick", allocation_id=allocation, quantity=2)
        await line.light()
        await line.act("reject", operation_id=operation, reason="the tote is broken")
        for _ in range(3):
            await line.turn()
        assert line.walls.lit() == []
        await line.check()
        await line.finish()
        assert await line.order_codes() == [190]
        assert await picked(line) == [(0, 4, 0)]
        await line.check()


async def test_pieces_put_for_work_that_was_taken_back_are_asked_to_be_taken_out() -> None:
    async with station() as line:
        name = await lit_and_taken_back(line)
        line.walls.press(name)
        await line.hear()
        assert [kind for kind, _ in await questions(line)] == ["unwanted"]
        assert (await picked(line))[0][1] == 0
        await line.check()


async def test_a_closed_station_refuses_a_container_and_another_one_gets_it() -> None:
    async with station() as line:
        await fill(line, "T-1", "A1-1-L-05", A=10)
        await order(line, "C-1", ("A", 4))
        await line.think()
        ((mine,),) = await line.core.rows("SELECT station_id FROM presentations")
        line.walls.step()
        await line.store.write(lambda tx: close_station(tx, mine, "no light", "Ann"))
        await line.hear()
        assert await line.operations() == []
        await line.finish()
        assert await line.order_codes() == [190]
        rows = await line.core.rows("SELECT DISTINCT station_id FROM operations")
        assert mine not in [row[0] for row in rows]
        await line.check()


async def lit_and_taken_back(line: Station) -> str:
    """Have a put lit whose work is then taken back, as the tote is broken; returns the put."""
    operation, allocation = await begun(line)
    await line.act("pick", allocation_id=allocation, quantity=4)
    await line.light()
    (name,) = line.walls.lit()
    await line.act("reject", operation_id=operation, reason="the tote is broken")
    await line.rollbacks.work()
    return name
