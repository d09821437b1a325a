"""The rooms in which the gateway decides: transports and fleets, on the same books."""

from dataclasses import dataclass

from gateway.fleet.fleet import Engine as FleetEngine
from gateway.fleet.room import FleetRoom
from gateway.kernel.books import Books
from gateway.site.model import Site
from gateway.transport.engine import TransportEngine
from gateway.transport.tables import TransportTables


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


def open_rooms(site: Site) -> Rooms:
    """Return the rooms of a site; each asks the other by what it was given here."""
    books = Books()
    tables = TransportTables(books)
    fleets = FleetRoom(
        books,
        site,
        FleetEngine(
            usable=lambda vehicle_id: engine.is_enabled(vehicle_id),
            laden=lambda vehicle_id: vehicle_id in tables.loads,
            report=lambda report: engine.hear(report),
            next_job_id=lambda: engine.journal.next_job_id(),
        ),
    )
    engine = TransportEngine(tables, site, fleets.fleets)
    return Rooms(books, tables, engine, fleets)
