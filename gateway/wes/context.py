"""What every act of the WES is given: the site's settings and rules, numbers and the time."""

from dataclasses import dataclass

from gateway.contract.clock import Clock
from gateway.site.wes import Wes
from gateway.wes.ids import Ids
from gateway.wes.rules import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class WesContext:
    """The surroundings of an act."""

    wes: Wes
    rules: Rulebook
    ids: Ids
    clock: Clock
