"""The rooms in which the gateway decides: transports and fleets, on the same books."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from gateway.fleet.fleet import Engine as FleetEngine
from gateway.fleet.room import FleetRoom
from gateway.kernel.books import Books
from gateway.kernel.ports import CannotStart
from gateway.site.model import Site
from gateway.transport.engine import TransportEngine
from gateway.transport.tables import TransportTables

_log = structlog.get_logger(__name__)

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

        What merely stands where there is no place any more keeps nobody from starting; it is told.

        Raises:
            SiteChanged: it does not.
        """
        if missing := list(self.engine.missing()):
            raise SiteChanged(
                f"the site file lacks what is under way: {_first_of(missing)};"
                " put it back into the site file, and take it out again once all that has ended or is cancelled"
            )
        if stranded := list(self.engine.stranded()):
            _log.warning(
                "containers stand where the site file has no place: say where they are (gateway container locate)",
                containers=_first_of(stranded),
            )


def _first_of(things: Sequence[str]) -> str:
    more = f" and {len(things) - SHOWN_MAX} more" if len(things) > SHOWN_MAX else ""
    return f"{', '.join(things[:SHOWN_MAX])}{more}"


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
