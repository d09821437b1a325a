"""A shuttle or lift: what it does with a command, what it finds, how it fails, what an outage leaves behind."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_devices.faults.book import FaultStatus
from sim_devices.faults.kinds import (
    After,
    DeviceFault,
    Jam,
    ManualMode,
    Point,
    Reboot,
    RefusedOrder,
    SensorStuck,
)
from sim_devices.mailbox import Accept, CommandBlock, Done, Op, Refused
from sim_devices.plc import FAULT_COLLISION, FAULT_JAM
from tests.unit.sim_plant import MOTION, Plant, drop, fields, pick, reset, signed


def shows(status: dict[str, int | str], **expected: int | str) -> None:
    assert {name: status[name] for name in expected} == expected


def test_a_pick_and_a_drop_bring_the_load_and_each_moves_it_once() -> None:
    plant = Plant()
    plant.order(pick(seq=1))
    plant.rest()
    shows(plant.status(), ackSeq=1, doneSeq=1, doneCode=Done.DONE, load=1, position=1)
    plant.order(drop(seq=2, target=2))
    shows(plant.status(), ackSeq=2, doneSeq=1, jobId=101, position=0)
    plant.rest()
    shows(plant.status(), doneSeq=2, doneCode=Done.DONE, load=0, position=2)
    assert plant.world.snapshot() == {"containers": {"T1": "B"}, "moves": {"100": 1, "101": 1}}


def test_a_command_takes_its_ride_and_its_handling() -> None:
    plant = Plant()
    plant.order(pick(seq=1))
    assert plant.rest() == pytest.approx(MOTION.handling)
    plant.order(drop(seq=2, target=2))
    assert plant.rest() == pytest.approx(10.0 / 2.0 + 2.0 / 1.0 + MOTION.handling)


def test_how_often_a_device_is_looked_at_does_not_change_when_it_arrives() -> None:
    plant = Plant()
    plant.order(pick(seq=1))
    for _ in range(100):
        plant.step(0.0149)
    assert plant.status()["doneSeq"] == 0
    plant.step(0.011)
    assert plant.status()["doneSeq"] == 1


def test_a_command_that_comes_too_early_is_refused_and_taken_when_the_device_is_idle() -> None:
    plant = Plant()
    plant.order(pick(seq=1))
    shows(plant.order(drop(seq=2)), ackSeq=1, refusedSeq=2, refusedCode=Refused.EXECUTING)
    plant.rest()
    shows(plant.status(), ackSeq=2, doneSeq=2)


def test_nothing_at_the_source_is_told_and_moves_nothing() -> None:
    plant = Plant()
    plant.order(pick(seq=1, source=2))
    plant.rest()
    shows(plant.status(), doneCode=Done.SOURCE_EMPTY, load=0, position=2)


def test_a_full_destination_keeps_the_load_on_board() -> None:
    plant = Plant()
    plant.world.place("T2", "B")
    plant.order(pick(seq=1))
    plant.rest()
    plant.order(drop(seq=2, target=2))
    plant.rest()
    shows(plant.status(), doneCode=Done.DESTINATION_OCCUPIED, load=1)
    assert plant.world.spot_of("T1") == "shuttle"


def test_a_load_that_vanishes_on_the_way_is_missing_on_arrival() -> None:
    plant = Plant()
    plant.order(pick(seq=1))
    plant.rest()
    plant.order(drop(seq=2, target=2))
    plant.world.remove("T1")
    plant.rest()
    shows(plant.status(), doneCode=Done.LOAD_MISSING, load=0)


@pytest.mark.parametrize(
    ("block", "answer"),
    [
        (pick(seq=1, source=9), Accept.UNKNOWN_PLACE),
        (pick(seq=1, source=3), Accept.UNKNOWN_PLACE),
        (drop(seq=1), Accept.NOT_POSSIBLE),
        (signed(CommandBlock(epoch=1, seq=1, op=Op.TRANSFER, source=1, target=2)), Accept.NOT_POSSIBLE),
        (signed(CommandBlock(epoch=1, seq=1, op=77)), Accept.NOT_POSSIBLE),
    ],
    ids=["no such place", "only dropped there", "drop while empty", "no conveyor", "no such operation"],
)
def test_what_cannot_be_done_here_is_refused_at_once(block: CommandBlock, answer: Accept) -> None:
    plant = Plant()
    shows(plant.order(block), ackSeq=1, doneSeq=1, acceptCode=answer, doneCode=0)


def test_a_loaded_carrier_picks_nothing_and_moves_nowhere_else() -> None:
    plant = Plant()
    plant.order(pick(seq=1))
    plant.rest()
    shows(plant.order(pick(seq=2, source=2)), acceptCode=Accept.NOT_POSSIBLE)
    shows(
        plant.order(signed(CommandBlock(epoch=1, seq=3, op=Op.MOVE, target=2))),
        acceptCode=Accept.NOT_POSSIBLE,
    )


def test_a_move_goes_there_without_a_load() -> None:
    plant = Plant()
    plant.order(signed(CommandBlock(epoch=1, seq=1, op=Op.MOVE, target=3)))
    plant.rest()
    shows(plant.status(), doneCode=Done.DONE, position=3, load=0)


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (ManualMode(device="shuttle"), Accept.NOT_AUTOMATIC),
        (DeviceFault(device="shuttle"), Accept.FAULT),
        (RefusedOrder(device="shuttle"), Accept.BUSY),
    ],
    ids=["manual", "fault", "busy"],
)
def test_a_device_that_is_not_ready_says_why_and_takes_the_next_number_later(
    fault: ManualMode | DeviceFault | RefusedOrder, answer: Accept
) -> None:
    plant = Plant()
    plant.book.add(fault)
    plant.step(0.0)
    shows(plant.order(pick(seq=1)), acceptCode=answer, doneSeq=1, doneCode=0)
    plant.book.clear()
    plant.order(reset(seq=2))
    shows(plant.order(pick(seq=3)), acceptCode=Accept.TAKEN, ackSeq=3)


def test_a_jam_stops_the_motion_until_it_is_over_and_reset() -> None:
    plant = Plant()
    plant.order(pick(seq=1))
    plant.rest()
    plant.order(drop(seq=2))
    plant.step(3.0)
    plant.book.add(Jam(device="shuttle"))
    plant.step(0.0)
    shows(plant.status(), doneSeq=2, doneCode=Done.STOPPED, faultCode=FAULT_JAM, load=1, position=0)
    shows(plant.order(drop(seq=3)), acceptCode=Accept.FAULT)
    plant.order(reset(seq=4))
    shows(plant.status(), doneCode=Done.STOPPED, faultCode=FAULT_JAM)
    plant.book.clear()
    plant.order(reset(seq=5))
    shows(plant.status(), doneCode=Done.DONE, faultCode=0)
    plant.order(drop(seq=6, job_id=106))
    assert plant.rest() == pytest.approx(8.0 - 3.0 + 2.0 + MOTION.handling - 1.0, abs=1.0)
    shows(plant.status(), doneCode=Done.DONE)
    assert plant.world.moves("106") == 1


def test_a_sensor_that_shows_room_where_none_is_ends_in_a_collision_with_the_load_on_board() -> None:
    plant = Plant()
    plant.world.place("T2", "B")
    plant.book.add(SensorStuck(device="shuttle", spot="B", shows="empty"))
    plant.order(pick(seq=1))
    plant.rest()
    plant.order(drop(seq=2))
    plant.rest()
    shows(plant.status(), doneCode=Done.STOPPED, faultCode=FAULT_COLLISION, load=1)
    assert plant.world.spot_of("T2") == "B"


@pytest.mark.parametrize("shows_what", ["empty", "unclear"])
def test_a_source_that_looks_empty_or_unclear_is_left_alone(shows_what: str) -> None:
    plant = Plant()
    plant.book.add(SensorStuck.model_validate({"device": "shuttle", "spot": "A", "shows": shows_what}))
    plant.order(pick(seq=1))
    plant.rest()
    assert plant.status()["doneCode"] == (Done.SOURCE_EMPTY if shows_what == "empty" else Done.STOPPED)
    assert plant.world.spot_of("T1") == "A"


def test_what_is_written_to_a_device_without_power_is_lost() -> None:
    plant = Plant()
    before = plant.status()
    plant.book.add(Reboot(device="shuttle", duration_s=None))
    plant.step(0.0)
    plant.shuttle.write("main", fields(pick(seq=1)))
    plant.book.clear()
    plant.step(0.0)
    shows(plant.status(), ackSeq=0)
    assert plant.status()["bootId"] not in {0, before["bootId"]}


@pytest.mark.parametrize("op", ["pick", "drop"])
@pytest.mark.parametrize("point", list(Point), ids=str)
def test_a_power_cycle_with_memory_at_any_point_leaves_one_move(op: str, point: Point) -> None:
    plant, block = plant_before(op)
    plant.book.add(Reboot(device="shuttle", after=After(point=point), duration_s=None))
    carry_out(plant, block)
    shows(plant.status(), ackSeq=block.seq, doneSeq=block.seq, doneCode=Done.DONE)
    assert plant.world.moves(str(block.job_id)) == 1


@pytest.mark.parametrize("op", ["pick", "drop"])
@pytest.mark.parametrize("point", list(Point), ids=str)
def test_a_power_cycle_without_memory_shows_nothing_taken_and_never_moves_twice(
    op: str, point: Point
) -> None:
    plant, block = plant_before(op)
    plant.book.add(Reboot(device="shuttle", after=After(point=point), memory_lost=True, duration_s=None))
    boot_id = plant.status()["bootId"]
    plant.order(block)
    plant.rest()
    plant.book.clear()
    plant.rest()
    shows(plant.status(), ackSeq=0, doneSeq=0, jobId=0)
    assert plant.status()["bootId"] != boot_id
    moved = plant.world.moves(str(block.job_id))
    assert moved == (1 if point in {Point.MOVED, Point.DONE} else 0)
    assert plant.status()["load"] == (1 if (op == "pick") == bool(moved) else 0)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.sampled_from(Point), st.integers(1, 8)), max_size=6),
    st.lists(st.floats(0.0, 4.0), max_size=4),
    st.integers(1, 3),
)
def test_whatever_outages_strike_each_job_moves_its_load_once(
    points: list[tuple[Point, int]], moments: list[float], copies: int
) -> None:
    plant = Plant()
    for point, times in points:
        plant.book.add(Reboot(device="shuttle", after=After(point=point, times=times), duration_s=None))
    for block in (
        pick(seq=1),
        drop(seq=2, target=2),
        pick(seq=3, source=2, job_id=102),
        drop(seq=4, target=3, job_id=103),
    ):
        for _ in range(copies):
            plant.order(block)
        for moment in moments:
            plant.step(moment)
            plant.book.add(Reboot(device="shuttle", duration_s=None))
            plant.step(0.1)
            plant.order(block)
            power_returns(plant)
        carry_out(plant, block)
    assert plant.world.snapshot()["moves"] == {"100": 1, "101": 1, "102": 1, "103": 1}
    assert plant.world.spot_of("T1") == "C"


def plant_before(op: str) -> tuple[Plant, CommandBlock]:
    plant = Plant()
    if op == "pick":
        return plant, pick(seq=1)
    plant.order(pick(seq=1))
    plant.rest()
    return plant, drop(seq=2)


def power_returns(plant: Plant) -> None:
    for view in plant.book.views():
        if view.status is FaultStatus.ACTIVE:
            plant.book.remove(view.fault_id)
    plant.step(0.0)


def carry_out(plant: Plant, block: CommandBlock) -> None:
    """Do as the rules for the gateway say until the command has ended: send it only while the device has not got it."""
    for _ in range(20):
        if plant.status()["ackSeq"] != block.seq:
            plant.order(block)
        plant.rest()
        power_returns(plant)
        plant.rest()
        if plant.status()["doneSeq"] == block.seq:
            return
    raise AssertionError(f"the command never ended: {plant.status()}")
