"""The sites that are simulated: the demo site, and one in which everybody is in everybody's way."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from gateway.contract.wiring import ModbusLink
from gateway.site.load import load_site
from gateway.site.model import Site
from tests.sim.plant import DEMO
from tests.sim.travel import Pace, pace_of

POLL_MS: Final = 400
"""As often as an OPC UA link reads without news; life counters have to be seen within 2 s."""
GAP: Final = 64
"""Registers read along rather than asking twice, so that a conveyor takes fewer requests."""


@dataclass(frozen=True)
class Setting:
    """A site and how busy it is.

    Attributes:
        folder: its site file.
        totes: so many are at each slot of a station, or under way there or back.
    """

    folder: Path
    totes: int

    @property
    def site(self) -> Site:
        """The site with fewer polls: most of them find nothing new, and cost the simulation its time."""
        return _seldom_polled(self.folder)

    @property
    def pace(self) -> Pace:
        """How fast it brings loads anywhere."""
        return _pace(self.folder)


SETTINGS: Final = {
    "demo": Setting(DEMO, 1),
    "narrow": Setting(Path(__file__).parent / "narrow", 5),
}


@lru_cache
def _seldom_polled(folder: Path) -> Site:
    site = load_site(folder)
    links = tuple(
        link.model_copy(update={"poll_ms": POLL_MS, "max_gap": GAP}) if isinstance(link, ModbusLink) else link
        for link in site.links
    )
    return site.model_copy(update={"links": links})


@lru_cache
def _pace(folder: Path) -> Pace:
    return pace_of(_seldom_polled(folder))
