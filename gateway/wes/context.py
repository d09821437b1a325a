"""What every act of the WES is given: the site's settings and rules, numbers and the time."""

from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from gateway.contract.clock import Clock
from gateway.kernel.clock import to_datetime
from gateway.site.wes import Wes
from gateway.wes.ids import Ids
from gateway.wes.layout import Layout
from gateway.wes.rules import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class WesContext:
    """The surroundings of an act.

    Attributes:
        layout: the site's places; none where only orders and stock are concerned.
    """

    wes: Wes
    rules: Rulebook
    ids: Ids
    clock: Clock
    layout: Layout = field(default_factory=Layout)

    def today(self) -> date:
        """Return the site's day."""
        return to_datetime(self.clock.now_us()).astimezone(ZoneInfo(self.wes.timezone)).date()
