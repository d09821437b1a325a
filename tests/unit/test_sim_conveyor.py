"""A conveyor: each pair of segments is a mailbox of its own, sees both ends, and reads what passes its scanner."""

import pytest

from sim_devices.faults.kinds import After, NoRead, Point, Reboot, SensorStuck, WrongBarcode
from sim_devices.kinematics import Travel
from sim_devices.mailbox import Accept, Done
from sim_devices.sensors import NO_READ, Reading
from tests.unit.sim_plant import MOTION, Plant, transfer

TRANSFER_S = MOTION.handling + Travel(1.0, MOTION.speed, MOTION.acceleration).duration


def loaded_at(spot: str) -> Plant:
    plant = Plant()
    plant.world.place("T1", spot)
    return plant


def outcome(plant: Plant, channel: str = "c1") -> tuple[int | str, int | str]:
    plant.rest()
    status = plant.conveyor.status(channel)
    return status["doneCode"], status["barcode"]


def test_a_transfer_passes_the_load_on_in_the_time_of_the_motion_and_reads_its_label() -> None:
    plant = loaded_at("C")
    plant.convey("c1", transfer())
    assert plant.rest() == pytest.approx(
        MOTION.handling + Travel(1.0, MOTION.speed, MOTION.acceleration).duration
    )
    assert outcome(plant) == (Done.DONE, "T1")
    assert plant.world.snapshot() == {"containers": {"T1": "D"}, "moves": {"200": 1}}


def test_both_ends_show_whether_they_are_occupied() -> None:
    status = loaded_at("C").conveyor.status("c1")
    assert (status["sourceLoad"], status["targetLoad"]) == (Reading.LOADED, Reading.EMPTY)
    assert (status["load"], status["position"]) == (Reading.UNCLEAR, 0)


def test_channels_work_at_the_same_time() -> None:
    plant = loaded_at("C")
    plant.world.place("T2", "E")
    plant.convey("c1", transfer())
    plant.convey("c3", transfer(source=5, target=6, job_id=201))
    assert plant.rest() == pytest.approx(TRANSFER_S)
    assert (plant.world.spot_of("T1"), plant.world.spot_of("T2")) == ("D", "F")


def test_an_empty_source_and_an_occupied_target_are_told_and_move_nothing() -> None:
    plant = Plant()
    plant.convey("c1", transfer(seq=1))
    assert outcome(plant) == (Done.SOURCE_EMPTY, "")
    plant.world.place("T1", "C")
    plant.world.place("T2", "D")
    plant.convey("c1", transfer(seq=2))
    assert outcome(plant) == (Done.DESTINATION_OCCUPIED, "")
    assert plant.world.moves("200") == 0


def test_a_load_that_is_taken_away_on_the_belt_is_missing() -> None:
    plant = loaded_at("C")
    plant.convey("c1", transfer())
    plant.world.remove("T1")
    assert outcome(plant) == (Done.LOAD_MISSING, "")


def test_other_places_than_the_channels_own_are_unknown() -> None:
    plant = loaded_at("C")
    assert plant.convey("c1", transfer(source=4, target=5))["acceptCode"] == Accept.UNKNOWN_PLACE


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        (NoRead(device="conveyor"), (Done.NO_READ, NO_READ)),
        (WrongBarcode(device="conveyor", barcode="OTHER"), (Done.WRONG_BARCODE, "OTHER")),
    ],
    ids=["no read", "wrong barcode"],
)
def test_a_scanner_fails_as_often_as_asked(fault: NoRead | WrongBarcode, result: tuple[Done, str]) -> None:
    plant = loaded_at("C")
    plant.book.add(fault)
    plant.convey("c1", transfer(seq=1))
    assert outcome(plant) == result
    assert plant.world.spot_of("T1") == "D"
    assert not plant.book.views()
    plant.world.place("T1", "C")
    plant.convey("c1", transfer(seq=2))
    assert outcome(plant) == (Done.DONE, "T1")


def test_another_containers_label_and_an_unreadable_one_are_told() -> None:
    plant = Plant()
    plant.world.place("T9", "C")
    plant.convey("c1", transfer(seq=1))
    assert outcome(plant) == (Done.WRONG_BARCODE, "T9")
    plant.world.place("T9", "C", label="")
    plant.convey("c1", transfer(seq=2))
    assert outcome(plant) == (Done.NO_READ, NO_READ)


def test_a_label_longer_than_the_field_is_told_as_far_as_it_goes() -> None:
    plant = Plant()
    label = "CONTAINER-0000000001"
    plant.world.place(label, "C")
    plant.convey("c1", transfer(container=label[:16]))
    assert outcome(plant) == (Done.DONE, label[:16])


def test_a_target_with_room_for_more_shows_that_it_is_occupied_and_takes_another_load() -> None:
    plant = Plant(room={"D": 2})
    plant.world.place("T1", "C")
    plant.world.place("T2", "D")
    assert plant.conveyor.status("c1")["targetLoad"] == Reading.LOADED
    plant.convey("c1", transfer())
    assert outcome(plant) == (Done.DONE, "T1")


def test_of_several_loads_on_a_segment_the_first_one_passes_on_whichever_is_asked_for() -> None:
    plant = Plant(room={"C": 2})
    plant.world.place("T2", "C")
    plant.world.place("T1", "C")
    plant.convey("c1", transfer(container="T1"))
    assert outcome(plant) == (Done.WRONG_BARCODE, "T2")
    assert (plant.world.spot_of("T1"), plant.world.spot_of("T2")) == ("C", "D")


@pytest.mark.parametrize(
    ("room", "others", "result"),
    [
        ({"D": 2}, {}, (Done.DONE, "T1")),
        ({"C": 2, "D": 2}, {"T2": "C"}, (Done.STOPPED, "")),
    ],
    ids=["alone", "another one behind it"],
)
def test_after_an_outage_a_place_with_room_for_more_gets_no_second_load_for_one_command(
    room: dict[str, int], others: dict[str, str], result: tuple[Done, str]
) -> None:
    plant = Plant(room=room)
    for container, spot in {"T1": "C", **others}.items():
        plant.world.place(container, spot)
    plant.book.add(Reboot(device="conveyor", after=After(point=Point.MOVED), duration_s=None))
    plant.convey("c1", transfer())
    plant.rest()
    plant.book.clear()
    assert outcome(plant) == result
    assert plant.world.moves("200") == 1


@pytest.mark.parametrize("point", [Point.TAKEN, Point.MOVED, Point.DONE], ids=str)
def test_a_power_cycle_with_memory_leaves_one_move_and_its_reading(point: Point) -> None:
    plant = loaded_at("C")
    plant.book.add(Reboot(device="conveyor", after=After(point=point), duration_s=None))
    plant.convey("c1", transfer())
    plant.rest()
    plant.book.clear()
    assert outcome(plant) == (Done.DONE, "T1")
    assert plant.world.moves("200") == 1


def test_after_an_outage_sensors_that_cannot_tell_end_the_command_as_stopped() -> None:
    plant = loaded_at("C")
    plant.book.add(Reboot(device="conveyor", after=After(point=Point.MOVED), duration_s=None))
    plant.convey("c1", transfer())
    plant.rest()
    plant.book.clear()
    plant.book.add(SensorStuck(device="conveyor", spot="C", shows="loaded"))
    assert outcome(plant) == (Done.STOPPED, "")
