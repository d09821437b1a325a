"""From one run to the next: what is under way must still find its places and machines, and no alarm stands that nothing clears."""

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.app.rooms import Rooms, open_rooms
from gateway.contract.commands import CommandStatus, Op
from gateway.contract.faults import Refusal
from gateway.contract.puts import Colour, PutRequest
from gateway.contract.reports import CommandAccepted, DeviceFault, DeviceOffline
from gateway.contract.transports import Act, TransportRequest
from gateway.kernel.books import Effect, Table
from gateway.kernel.ports import CannotStart
from gateway.site.load import load_site
from gateway.site.model import Site
from gateway.transport.effects import Abandon, Assign, Darken
from gateway.transport.messages import CancelPut, Open, ResetDevice, SubmitPut, SubmitTransports
from gateway.transport.tables import TransportTables
from tests.unit.floor import Floor, shuttle_site

pytestmark = pytest.mark.unit

WALL: dict[str, Any] = {
    "kind": "putwall",
    "id": "wall",
    "link": "plc",
    "profile": "p",
    "base": 0,
    "slot": "W-{n}",
    "slots": 2,
}


def site_with(**changes: Any) -> Site:
    """The floor's site with a wall and other lists, each made of the floor's own."""
    fields = shuttle_site().model_dump()
    fields["devices"] = [*fields["devices"], WALL]
    return Site.model_validate(fields | {name: change(fields[name]) for name, change in changes.items()})


def without(*ids: str) -> Any:
    return lambda elements: [each for each in elements if each["id"] not in ids]


def next_run(before: TransportTables, site: Site) -> Rooms:
    """Load the same database for another run, with this site."""
    rooms = open_rooms(site)
    rooms.books.now_us = rooms.books.steady_us = before.books.now_us
    for old, new in zip(vars(before).values(), vars(rooms.tables).values(), strict=True):
        if isinstance(old, Table):
            for row in old.values():
                new.set(old.spec.key(row), row)
    return rooms


def begin(before: TransportTables, site: Site) -> tuple[Rooms, list[Effect]]:
    """Begin another run on the same database; return what it asks of the plant first."""
    rooms = next_run(before, site)
    rooms.engine.handlers[Open](Open())
    rooms.engine.settle()
    return rooms, rooms.books.committed()[1]


def busy_floor() -> Floor:
    """Given a shuttle that fetches T1 for the station, and a put at the wall."""
    floor = Floor(site_with())
    floor.submit("M1", "T1", "ST-1")
    put = PutRequest(put_id="P1", wall="wall", slot="W-1", quantity=1, colour=Colour.RED)
    floor.tell(SubmitPut(put, known=None))
    return floor


def test_a_site_that_still_has_all_that_is_under_way_is_taken() -> None:
    bigger = site_with(locations=lambda each: [*each, {"id": "NEW", "kind": "buffer", "place": 9}])
    next_run(busy_floor().tables, bigger).check_site()


@pytest.mark.parametrize(
    ("site", "told"),
    [
        (site_with(devices=without("conveyor")), ["transport M1 needs conveyor/out-1"]),
        (
            site_with(devices=without("shuttle-1")),
            ["transport M1 needs shuttle-1/main", "command {job} is under way at shuttle-1/main"],
        ),
        (site_with(devices=without("wall")), ["put P1 waits at wall/W-1"]),
    ],
    ids=["a machine of its way", "the machine that moves it", "its wall"],
)
def test_a_site_without_what_something_under_way_needs_is_refused(site: Site, told: list[str]) -> None:
    """Found by reading: nothing was planned or commanded any more, for anybody, or the start ended with a stack trace."""
    floor = busy_floor()
    job_id = floor.commands[0].job_id
    assert floor.commands[0].op is Op.PICK
    rooms = next_run(floor.tables, site)
    assert list(rooms.engine.missing()) == [text.format(job=job_id) for text in told]
    with pytest.raises(CannotStart, match=told[0]):
        rooms.check_site()


def test_a_place_that_is_gone_is_missed_by_a_transport_that_leads_over_it() -> None:
    def without_conveyor(devices: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [each for each in devices if each["id"] not in ("conveyor", "lift")]

    site = site_with(locations=without("1-OUT", "OUT-1"), devices=without_conveyor)
    assert list(next_run(busy_floor().tables, site).engine.missing()) == ["transport M1 needs 1-OUT"]


def test_what_stands_where_there_is_no_place_any_more_is_told_and_refused_with_what_to_do() -> None:
    """Found by audit: nobody was told, and whoever wanted it heard that no device leads there."""
    floor = Floor(site_with())
    assert (floor.where("T1"), floor.where("T2")) == ("A-1-L-01", "A-1-L-02")
    shorter = site_with(racks=lambda racks: [rack | {"columns": 1} for rack in racks])
    rooms = next_run(floor.tables, shorter)
    with capture_logs() as lines:
        rooms.check_site()
    assert [line["containers"] for line in lines] == ["T2 at A-1-L-02"]
    request = TransportRequest(transport_id="M1", container_id="T2", destination="ST-1")
    with pytest.raises(Refusal, match="T2 stood at A-1-L-02, which is not in the site file any more"):
        rooms.engine.handlers[SubmitTransports](SubmitTransports((request,), known={}))


def test_the_alarm_of_a_machine_that_is_gone_is_cleared() -> None:
    """Found by reading: it stood for ever."""
    floor = Floor(site_with())
    floor.tell(DeviceOffline(device_id="conveyor", reason="no answer"))
    assert "offline:conveyor" in floor.tables.alarms
    rooms = next_run(floor.tables, site_with(devices=without("conveyor")))
    rooms.engine.handlers[Open](Open())
    assert "offline:conveyor" not in rooms.tables.alarms


def test_what_a_vehicle_complained_of_before_a_restart_is_told_anew_or_over() -> None:
    """Found by reading: a fleet tells all that its vehicles show in each run anew, but never that nothing is left of it."""
    site = load_site(Path("config/demo"))
    before = open_rooms(site)
    before.engine.handlers[Open](Open())
    for device_id in ("agv-1", "shuttle-1"):
        before.engine.hear(DeviceFault(device_id=device_id, code=0, text="jammed"))
    rooms = next_run(before.tables, site)
    rooms.engine.handlers[Open](Open())
    assert [row.alarm_id for row in rooms.tables.alarms.values()] == ["fault:shuttle-1"]


def test_what_was_under_way_is_handed_over_again_as_it_was_and_nothing_besides() -> None:
    floor = busy_floor()
    floor.submit("M2", "T3", "A-2-R-01")
    floor.tell(CommandAccepted(job_id=floor.commands[1].job_id))
    rooms, asked = begin(floor.tables, site_with())
    assert asked == [*(Assign(command) for command in floor.commands), *floor.shown]
    assert [job.status for job in rooms.tables.jobs.values()] == [
        CommandStatus.INTENT,
        CommandStatus.ACCEPTED,
    ]


def test_a_put_that_was_withdrawn_before_a_restart_is_shown_and_withdrawn_again() -> None:
    """The wall tells whether a button was first only of what it was told to show."""
    floor = busy_floor()
    floor.tell(CancelPut("P1"))
    _, asked = begin(floor.tables, site_with())
    assert asked[-2:] == [*floor.shown] == [floor.shown[0], Darken("wall", "P1")]


def test_a_reset_that_was_under_way_is_given_up_for_who_asked_for_it_has_gone() -> None:
    floor = Floor(site_with())
    floor.tell(ResetDevice("lift", Act(operator="ann", reason="took the tote out")))
    (reset,) = floor.commands
    rooms, asked = begin(floor.tables, site_with())
    assert asked == [Abandon("lift", reset.job_id)]
    assert rooms.tables.channels["lift/main"].job_id is None


def test_the_stock_of_the_site_is_entered_once_and_is_where_the_books_say_ever_after() -> None:
    floor = Floor(site_with())
    floor.submit("M1", "T1", "ST-1")
    floor.run()
    stock = [*shuttle_site().model_dump()["stock"], {"container": "T9", "location": "A-2-R-01"}]
    rooms, _ = begin(floor.tables, site_with(stock=lambda _: stock))
    assert rooms.tables.containers["T1"].location_id == "ST-1"
    assert "T9" not in rooms.tables.containers
