"""The rooms in which the gateway decides: transports and fleets, on the same books."""

from dataclasses import dataclass
from typing import Final

from gateway.fleet.fleet import Engine as FleetEngine
from gateway.fleet.room import FleetRoom
from gateway.kernel.books import Books
from gateway.kernel.ports import CannotStart
from gateway.site.model import Site
from gateway.transport.engine import TransportEngine
from gateway.transport.tables import TransportTables

SHOWN_MAX: Final = 5
"""Things that a site lacks which are named; of the others, how many there are."""


class SiteChanged(CannotStart):
    """The site file was changed while something was under way that needs what is not in it any more."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """The rooms of one gateway.

    Attributes:
        books: of both.
        tables: the books of transports.
    """

    books: Books
    tables: TransportTables
    engine: TransportEngine
    fleets: FleetRoom

    def check_site(self) -> None:
        """Look, once the books are loaded, whether what is under way still finds all that it needs in the site.

        Raises:
            SiteChanged: it does not.
        """
        if missing := list(self.engine.missing()):
            more = f" and {len(missing) - SHOWN_MAX} more" if len(missing) > SHOWN_MAX else ""
            raise SiteChanged(
                f"the site file lacks what is under way: {', '.join(missing[:SHOWN_MAX])}{more};"
                " put it back into the site file, and take it out again once all that has ended or is cancelled"
            )


def open_rooms(site: Site) -> Rooms:
    """Return the rooms of a site; each asks the other by what it was given here."""
    books = Books()
    tables = TransportTables(books)
    fleets = FleetRoom(
        books,
        site,
        FleetEngine(
            usable=lambda vehicle_id: engine.is_enabled(vehicle_id),
            laden=lambda vehicle_id: engine.may_be_laden(vehicle_id),
            report=lambda report: engine.hear(report),
            next_job_id=lambda: engine.journal.next_job_id(),
        ),
    )
    engine = TransportEngine(tables, site, fleets.fleets)
    return Rooms(books, tables, engine, fleets)
