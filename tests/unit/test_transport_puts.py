"""Puts of a slot: one is shown, the others wait; who was first, the button or the withdrawal, the wall tells."""

import pytest

from gateway.contract.faults import Refusal, RefusalKind
from gateway.contract.puts import Colour, PutRequest, PutStatus
from gateway.contract.reports import CurtainBroken, PutDarkened, PutEnded, PutForgotten, PutShown
from gateway.transport import puts
from gateway.transport.effects import Darken, Show
from gateway.transport.messages import CancelPut, SubmitPut
from tests.unit.floor import Floor, shuttle_site

pytestmark = pytest.mark.unit


class Wall(Floor):
    """A floor with a put wall of two slots; nothing is lit or pressed but by the test."""

    def __init__(self) -> None:
        wall = {"kind": "putwall", "id": "wall", "link": "plc", "profile": "p", "base": 0}
        devices = shuttle_site().model_dump()["devices"]
        super().__init__(shuttle_site(devices=[*devices, wall | {"slot": "W-{n}", "slots": 2}]))

    def ask(self, put_id: str, slot: str = "W-1") -> None:
        request = PutRequest(put_id=put_id, wall="wall", slot=slot, quantity=3, colour=Colour.RED)
        self.tell(SubmitPut(request, known=None))

    def asked_of_wall(self) -> list[tuple[type, str]]:
        """Return what the wall was asked since the last look: to show or to darken which put."""
        asked = [
            (type(each), each.order.put_id if isinstance(each, Show) else each.put_id) for each in self.shown
        ]
        self.shown.clear()
        return asked

    def told(self) -> list[tuple[str, str]]:
        """Return the events about puts since the last look."""
        told = [
            (event.type.value, event.data["putId"])
            for event in self.events
            if event.type.value.startswith("put.")
        ]
        self.events.clear()
        return told


@pytest.fixture
def wall() -> Wall:
    return Wall()


def test_a_slot_shows_one_put_after_the_other_and_other_slots_wait_for_nobody(wall: Wall) -> None:
    for put_id, slot in (("first", "W-1"), ("second", "W-1"), ("third", "W-1"), ("beside", "W-2")):
        wall.ask(put_id, slot)
    assert wall.asked_of_wall() == [(Show, "first"), (Show, "beside")]

    wall.tell(PutShown(put_id="first"))
    wall.tell(PutEnded(put_id="first", quantity=3, short=False))
    assert wall.asked_of_wall() == [(Show, "second")]

    wall.tell(PutEnded(put_id="second", quantity=1, short=True))
    assert wall.asked_of_wall() == [(Show, "third")]


def test_a_put_that_waits_is_withdrawn_at_once_and_the_wall_never_hears_of_it(wall: Wall) -> None:
    wall.ask("shown")
    wall.ask("waiting")
    assert wall.tell(CancelPut("waiting")).status is PutStatus.CANCELLED
    wall.tell(PutEnded(put_id="shown", quantity=3, short=False))
    assert {put_id for _, put_id in wall.asked_of_wall()} == {"shown"}


def test_a_put_that_is_shown_is_withdrawn_at_its_wall_once_however_often_that_is_asked(wall: Wall) -> None:
    wall.ask("put")
    wall.tell(PutShown(put_id="put"))
    wall.asked_of_wall()
    assert wall.tell(CancelPut("put")).status is PutStatus.LIT, "a button may be first"
    assert wall.tell(CancelPut("put")).status is PutStatus.LIT
    assert wall.asked_of_wall() == [(Darken, "put")]
    wall.tell(PutDarkened(put_id="put"))
    assert wall.told()[-1] == ("put.cancelled", "put")


def test_a_button_that_was_before_the_withdrawal_counts(wall: Wall) -> None:
    wall.ask("put")
    wall.tell(PutShown(put_id="put"))
    wall.tell(CancelPut("put"))
    wall.tell(PutEnded(put_id="put", quantity=3, short=False))
    assert wall.told()[-1] == ("put.confirmed", "put")


@pytest.mark.parametrize("shown", [True, False], ids=["lit", "not known to be lit"])
def test_a_put_that_is_withdrawn_from_a_wall_that_has_forgotten_it_is_in_doubt(
    wall: Wall, shown: bool
) -> None:
    wall.ask("put")
    wall.ask("next")
    if shown:
        wall.tell(PutShown(put_id="put"))
    wall.tell(PutForgotten(put_id="put"))
    wall.tell(CancelPut("put"))
    wall.asked_of_wall()
    wall.tell(PutDarkened(put_id="put"))
    assert wall.told()[-1] == ("put.unknown", "put")
    assert wall.asked_of_wall() == [(Show, "next")]


@pytest.mark.parametrize("late", [PutShown, PutDarkened, PutForgotten])
def test_what_is_told_of_a_put_that_has_ended_changes_nothing(wall: Wall, late: type) -> None:
    wall.ask("put")
    wall.tell(PutShown(put_id="put"))
    wall.tell(PutEnded(put_id="put", quantity=2, short=True))
    assert wall.told()[-1] == ("put.short", "put")
    wall.tell(late(put_id="put"))
    wall.tell(PutEnded(put_id="put", quantity=3, short=False))
    assert wall.told() == []


def test_a_light_that_is_told_twice_is_one(wall: Wall) -> None:
    wall.ask("put")
    wall.tell(PutShown(put_id="put"))
    wall.tell(PutShown(put_id="put"))
    assert [kind for kind, _ in wall.told()] == ["put.accepted", "put.lit"]


def test_a_hand_through_the_curtain_is_told_with_the_put_that_the_slot_shows(wall: Wall) -> None:
    wall.ask("shown")
    wall.ask("waiting")
    wall.told()
    for slot in ("W-1", "W-2"):
        wall.tell(CurtainBroken(device_id="wall", slot=slot, count=2))
    assert [(event.subject, event.data["putId"], event.data["count"]) for event in wall.events] == [
        ("wall/W-1", "shown", 2),
        ("wall/W-2", None, 2),
    ]


def test_as_many_puts_as_may_be_open_are_accepted_and_then_somebody_is_told_to_wait(
    wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(puts, "OPEN_MAX", 2)
    wall.ask("first")
    wall.ask("second")
    with pytest.raises(Refusal) as refused:
        wall.ask("third")
    assert (refused.value.kind, refused.value.reasons[0].code) == (RefusalKind.BUSY, "tooManyOpen")
    wall.tell(PutEnded(put_id="first", quantity=3, short=False))
    wall.ask("third")
