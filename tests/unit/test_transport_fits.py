"""A container is brought only to places that accept its type, on every way there, whatever becomes of its transport."""

import pytest

from gateway.contract.faults import Refusal, RefusalKind
from gateway.contract.transports import Act
from gateway.site.model import Site
from gateway.transport.messages import CorrectContainer
from tests.unit.floor import Floor, shuttle_site

pytestmark = pytest.mark.unit

ANN = Act(operator="Ann", reason="came in")
TYPES = [{"id": "tote", "containers": ["T?"]}, {"id": "pallet", "containers": ["PALLET-*"]}]


def mixed_site(**accepts: list[str]) -> Site:
    """A site of totes T1 to T3 and pallets, whose places named here accept what is said; `_` stands for `-`."""
    site = shuttle_site(container_types=TYPES).model_dump(by_alias=True, exclude={"root"})
    for place in (*site["locations"], *site["racks"]):
        place["accepts"] = accepts.get(place["id"].replace("-", "_"))
    return Site.model_validate(site)


def come(floor: Floor, container_id: str, place: str) -> None:
    """Somebody puts a container there, and says so."""
    floor.world[container_id] = place
    floor.tell(CorrectContainer(container_id, place, ANN))


def refused(floor: Floor, container_id: str, destination: str) -> list[tuple[str, str, str]]:
    with pytest.raises(Refusal) as refusal:
        floor.submit("M1", container_id, destination)
    assert refusal.value.kind is RefusalKind.INVALID
    return [(reason.field, reason.code, reason.message) for reason in refusal.value.reasons]


def test_a_pallet_is_not_sent_to_a_slot_for_totes() -> None:
    floor = Floor(mixed_site(A=["tote"]))
    come(floor, "PALLET-9", "IN-1")
    assert refused(floor, "PALLET-9", "A-1-L-03") == [
        ("destination", "doesNotFit", "container PALLET-9 is of type pallet; A-1-L-03 accepts tote")
    ]


def test_what_is_of_no_type_goes_only_where_everything_may_go() -> None:
    floor = Floor(mixed_site(A=["tote", "pallet"]))
    come(floor, "CAGE-1", "IN-1")
    assert refused(floor, "CAGE-1", "A-1-L-03") == [
        (
            "destination",
            "doesNotFit",
            "container CAGE-1 is of no type that the site file names; A-1-L-03 accepts tote, pallet",
        )
    ]
    floor.submit("M1", "CAGE-1", "1-IN")


def test_what_fits_at_its_destination_has_to_get_there() -> None:
    floor = Floor(mixed_site(A=["tote", "pallet"], **{"1_IN": ["tote"]}))
    come(floor, "PALLET-9", "IN-1")
    assert refused(floor, "PALLET-9", "A-1-L-03") == [
        ("destination", "noRoute", "no device leads from IN-1 to A-1-L-03 for a container of type pallet")
    ]
    floor.submit("M1", "PALLET-9", "A-2-L-03")
    floor.run()
    assert floor.status("M1") == "completed"


def test_a_cancelled_load_that_fits_nowhere_goes_on_to_its_destination() -> None:
    floor = Floor(mixed_site(A=["tote"]))
    come(floor, "PALLET-9", "2-OUT")
    floor.submit("M1", "PALLET-9", "ST-1")
    floor.step()
    floor.cancel("M1")
    floor.run()
    assert floor.where("PALLET-9") == "ST-1"


def test_without_types_everything_fits_everywhere() -> None:
    floor = Floor()
    come(floor, "PALLET-9", "IN-1")
    floor.submit("M1", "PALLET-9", "A-1-L-03")
    floor.run()
    assert floor.where("PALLET-9") == "A-1-L-03"


def test_a_person_may_say_that_a_container_stands_where_it_does_not_fit() -> None:
    floor = Floor(mixed_site(A=["tote"]))
    come(floor, "PALLET-9", "A-1-L-03")
    floor.submit("M1", "PALLET-9", "ST-1")
    floor.run()
    assert floor.where("PALLET-9") == "ST-1"
