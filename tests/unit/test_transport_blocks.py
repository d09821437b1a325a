"""A person locks a place: nothing is brought there or fetched from there, and nobody but a person opens it again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract.commands import Command, Op
from gateway.contract.faults import Fault, Refusal, RefusalKind
from gateway.contract.reports import CommandFailed, CommandRejected
from gateway.contract.transports import Act, TransportStatus
from gateway.site.model import Site
from gateway.transport.messages import BlockLocation, CorrectContainer, UnblockLocation
from gateway.transport.rows import Block
from tests.unit.floor import Floor, shuttle_site
from tests.unit.test_transport_flow import one_buffer_a_level

pytestmark = pytest.mark.unit

COMPLETED = TransportStatus.COMPLETED
BENT = Act(operator="Ann", reason="bent rail")
MENDED = Act(operator="Bob", reason="rail mended")
WAITS = "is blocked by Ann: bent rail"


def occupied(command: Command) -> CommandFailed:
    return CommandFailed(job_id=command.job_id, fault=Fault.DESTINATION_OCCUPIED, text="full")


def lock(floor: Floor, location_id: str) -> None:
    floor.tell(BlockLocation(location_id, BENT))


def unlock(floor: Floor, location_id: str) -> None:
    floor.tell(UnblockLocation(location_id, MENDED))


def two_buffers_a_level() -> Site:
    """The floor with a second buffer a level towards the lift."""
    base = shuttle_site().model_dump(mode="json", exclude={"root"})
    for level in (1, 2):
        twin = next(place for place in base["locations"] if place["id"] == f"{level}-OUT")
        base["locations"].append(twin | {"id": f"{level}-OUT-B", "place": twin["place"] + 10})
    for device in base["devices"]:
        if device["kind"] == "shuttle":
            device["drops"].append(f"{device['id'][-1]}-OUT-B")
        if device["kind"] == "lift":
            device["picks"] += ["1-OUT-B", "2-OUT-B"]
    return Site.model_validate(base)


def load_alarms(floor: Floor) -> list[str]:
    return [alarm.text for alarm in floor.tables.alarms.values() if alarm.code == "loadWaits"]


def why(floor: Floor, transport_id: str) -> str:
    return floor.engine.explain(floor.tables.transports[transport_id]) or ""


@pytest.mark.parametrize("place", ["1-OUT", "OUT-2", "ST-1"])
def test_nothing_is_brought_to_a_locked_place_nor_through_it(place: str) -> None:
    floor = Floor()
    lock(floor, place)
    floor.submit("M1", "T1", "ST-1")
    floor.run()
    assert floor.status("M1") == "planned"
    assert floor.where("T1") == "A-1-L-01", "it would not get past"
    assert f"{place} is blocked" in why(floor, "M1")
    unlock(floor, place)
    floor.run()
    assert floor.status("M1") == "completed"


def test_nothing_is_fetched_from_a_locked_place() -> None:
    floor = Floor()
    lock(floor, "A-1-L-01")
    floor.submit("M1", "T1", "ST-1")
    floor.submit("M2", "T2", "1-OUT")
    assert why(floor, "M1") == f"A-1-L-01 {WAITS}"
    floor.run()
    assert (floor.where("T1"), floor.where("T2")) == ("A-1-L-01", "1-OUT"), "others are served meanwhile"


def test_what_stands_at_a_place_that_a_machine_has_blocked_may_leave() -> None:
    floor = Floor()
    floor.tables.blocks.put(Block(location_id="A-1-L-01", reason="shuttle-1 found it occupied"))
    floor.submit("M1", "T1", "ST-1")
    floor.run()
    assert floor.status("M1") == "completed"


def test_a_load_on_its_way_to_a_place_that_is_locked_waits_on_board_until_it_is_open() -> None:
    floor = Floor()
    floor.submit("M1", "T1", "A-1-R-01")
    lock(floor, "A-1-R-01")
    floor.run()
    assert floor.where("T1") == "shuttle-1", "what the shuttle had been told it has done"
    assert why(floor, "M1") == f"A-1-R-01 {WAITS}"
    unlock(floor, "A-1-R-01")
    floor.run()
    assert floor.where("T1") == floor.world["T1"] == "A-1-R-01"


def test_a_load_on_its_way_to_a_place_that_is_locked_is_put_elsewhere_once_it_is_cancelled() -> None:
    floor = Floor()
    floor.submit("M1", "T1", "A-1-R-01")
    lock(floor, "A-1-R-01")
    floor.cancel("M1")
    floor.run()
    assert floor.status("M1") == "cancelled"
    assert floor.where("T1") == floor.world["T1"] == "A-1-L-01"


@pytest.mark.parametrize("commands_before", range(3))
def test_a_load_is_led_around_a_locked_place_whenever_it_is_locked(commands_before: int) -> None:
    floor = Floor(two_buffers_a_level())
    if commands_before == 0:
        lock(floor, "1-OUT")
    floor.submit("M1", "T1", "ST-1")
    if commands_before == 1:
        lock(floor, "1-OUT")  # the shuttle fetches it
    floor.run()
    floor.wait(1)
    floor.run()
    assert floor.status("M1") == "completed"
    targets = [command.target.location_id for command in floor.history if command.target is not None]
    assert ("1-OUT" in targets, "1-OUT-B" in targets) == (commands_before == 2, commands_before < 2)


def test_loads_that_have_not_begun_are_led_around_a_place_that_is_locked_meanwhile() -> None:
    floor = Floor(two_buffers_a_level())
    floor.submit("M1", "T1", "ST-1")
    floor.submit("M2", "T2", "ST-1")
    lock(floor, "1-OUT")
    assert floor.tables.transports["M2"].legs[0].target == "1-OUT-B"


def test_loads_that_have_not_begun_are_led_around_a_place_that_a_machine_has_blocked() -> None:
    floor = Floor(two_buffers_a_level())
    floor.answers[Op.DROP] = occupied
    floor.submit("M1", "T1", "ST-1")
    floor.submit("M2", "T2", "ST-1")
    floor.step()
    floor.step()
    floor.answers.clear()
    assert "1-OUT" in floor.tables.blocks
    floor.resolve("M1", "cancel")
    floor.run()
    floor.wait(1)
    floor.run()
    assert (floor.status("M1"), floor.status("M2")) == ("cancelled", "completed")


def test_a_load_that_waits_for_a_locked_place_takes_whichever_way_is_opened_first() -> None:
    floor = Floor(two_buffers_a_level())
    floor.submit("M1", "T1", "ST-1")
    floor.submit("M2", "T2", "ST-1")
    lock(floor, "1-OUT-B")
    lock(floor, "1-OUT")
    unlock(floor, "1-OUT-B")
    assert floor.tables.transports["M2"].legs[0].target == "1-OUT-B"
    floor.run()
    floor.wait(1)
    floor.run()
    assert floor.status("M1") == "completed"


def test_where_there_is_no_way_around_a_locked_place_nothing_is_planned_anew() -> None:
    floor = Floor()
    floor.submit("M1", "T2", "ST-1")
    floor.submit("M2", "T1", "ST-1")
    before = len(floor.events)
    lock(floor, "1-OUT")
    floor.wait(5)
    assert [event.type.value for event in floor.events[before:]] == ["location.blocked"]


@pytest.mark.parametrize("end", ["open", "cancel"])
def test_somebody_is_called_for_a_load_on_board_that_can_be_put_nowhere(end: str) -> None:
    floor = Floor()
    floor.submit("M1", "T1", "A-1-R-01")
    lock(floor, "A-1-R-01")
    floor.run()
    floor.wait(1)
    assert load_alarms(floor) == ["shuttle-1 stands with T1 on board: A-1-R-01 is blocked by Ann: bent rail"]
    if end == "open":
        unlock(floor, "A-1-R-01")
    else:
        floor.cancel("M1")
    floor.run()
    floor.wait(1)
    assert load_alarms(floor) == []


def test_what_a_machine_has_been_told_to_put_down_it_puts_down() -> None:
    floor = Floor()
    floor.submit("M1", "T1", "A-1-R-01")
    floor.step()
    assert [command.op for command in floor.commands] == [Op.DROP]
    lock(floor, "A-1-R-01")
    floor.run()
    assert floor.status("M1") == "completed"


def test_a_drop_that_the_machine_refuses_is_not_asked_again_while_the_place_is_locked() -> None:
    floor = Floor()
    floor.answers[Op.DROP] = lambda command: CommandRejected(job_id=command.job_id, text="busy", retry=True)
    floor.submit("M1", "T1", "A-1-R-01")
    floor.step()
    lock(floor, "A-1-R-01")
    floor.step()
    floor.answers.clear()
    floor.wait(2)
    assert floor.commands == []
    assert why(floor, "M1") == f"A-1-R-01 {WAITS}"
    unlock(floor, "A-1-R-01")
    floor.run()
    assert floor.status("M1") == "completed"


def test_the_load_of_a_cancelled_transport_is_brought_to_no_locked_place() -> None:
    floor = Floor()
    for place in ("A-1-L-01", "A-1-L-03", "A-1-R-01"):
        lock(floor, place)
    floor.submit("M1", "T2", "ST-1")
    lock(floor, "1-OUT")
    lock(floor, "A-1-L-02")
    floor.cancel("M1")
    floor.run()
    assert floor.where("T2") == floor.world["T2"] == "A-1-R-02"


def test_only_a_person_who_says_so_opens_a_lock() -> None:
    floor = Floor()
    floor.answers[Op.DROP] = occupied
    floor.submit("M1", "T1", "A-1-R-01")
    floor.step()
    lock(floor, "A-1-R-01")
    floor.step()
    floor.answers.clear()
    assert floor.tables.blocks["A-1-R-01"].operator == "Ann", "a machine says nothing new"
    floor.resolve("M1", "retry")
    floor.run()
    assert floor.where("T1") == "shuttle-1"
    floor.tell(CorrectContainer("NEW", "A-1-R-01", Act(operator="Bob", reason="stands there")))
    assert "A-1-R-01" in floor.tables.blocks


def test_who_finds_a_container_at_a_place_that_a_machine_has_blocked_has_looked() -> None:
    floor = Floor()
    floor.answers[Op.DROP] = occupied
    floor.submit("M1", "T1", "A-1-R-01")
    floor.step()
    floor.step()
    floor.resolve("M1", "cancel")
    floor.tell(CorrectContainer("NEW", "A-1-R-01", Act(operator="Bob", reason="stands there")))
    assert "A-1-R-01" not in floor.tables.blocks
    told = [(event.type.value, event.data) for event in floor.events if event.subject == "A-1-R-01"]
    assert told == [
        (
            "location.blocked",
            {"locationId": "A-1-R-01", "reason": "shuttle-1 found it occupied", "operator": None},
        ),
        ("location.unblocked", {"locationId": "A-1-R-01", "reason": "stands there", "operator": "Bob"}),
    ]


def test_each_lock_and_its_end_stand_once_in_the_feed() -> None:
    floor = Floor()
    lock(floor, "A-1-L-01")
    unlock(floor, "A-1-L-01")
    unlock(floor, "A-1-L-01")
    told = [(event.type.value, event.data) for event in floor.events if event.subject == "A-1-L-01"]
    assert told == [
        ("location.blocked", {"locationId": "A-1-L-01", "reason": "bent rail", "operator": "Ann"}),
        ("location.unblocked", {"locationId": "A-1-L-01", "reason": "rail mended", "operator": "Bob"}),
    ]


def test_a_place_that_the_site_does_not_have_cannot_be_locked() -> None:
    floor = Floor()
    with pytest.raises(Refusal) as refused:
        lock(floor, "NOWHERE")
    assert refused.value.kind is RefusalKind.NOT_FOUND


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_locked_and_whenever_no_command_touches_it_and_all_arrive_once_it_is_open(
    data: st.DataObject,
) -> None:
    floor = Floor(data.draw(st.sampled_from([one_buffer_a_level, two_buffers_a_level]))())
    slots = [slot.id for rack in floor.site.racks for slot in rack.slots]
    locked: set[str] = set()

    def lock_or_open() -> None:
        place = data.draw(st.sampled_from(sorted(floor.site.all_locations)))
        told = len(floor.history)
        (unlock if place in locked else lock)(floor, place)
        locked.symmetric_difference_update({place})
        check(told)

    def check(told: int) -> None:
        for command in floor.history[told:]:
            touched = {command.target} if command.op is Op.DROP else {command.source, command.target}
            assert not {each.location_id for each in touched if each is not None} & locked, command

    for number in range(data.draw(st.integers(4, 16))):
        open_ones = [row for row in floor.tables.transports.values() if row.status is not COMPLETED]
        taken = {*floor.world.values(), *(row.goal for row in open_ones)}
        idle = sorted(floor.world.keys() - {row.container_id for row in open_ones})
        told = len(floor.history)
        if idle:
            free = [slot for slot in slots if slot not in taken]
            floor.submit(f"M{number}", data.draw(st.sampled_from(idle)), data.draw(st.sampled_from(free)))
            check(told)
        for _ in range(data.draw(st.integers(0, 3))):
            told = len(floor.history)
            if floor.commands:
                floor.step()
                check(told)
        for _ in range(data.draw(st.integers(0, 2))):
            lock_or_open()
    for place in sorted(locked):
        unlock(floor, place)
    floor.run()
    assert {row.status for row in floor.tables.transports.values()} <= {COMPLETED}
    assert {name: floor.where(name) for name in floor.world} == floor.world
