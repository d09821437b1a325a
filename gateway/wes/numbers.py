"""Numbers that people read on documents and labels, as the site's rules say (gateway/site/codes.py), e.g. O20261122000001.

Serial numbers are counted in the database, one row for all that stand behind the same beginning; so a number is unique whoever
runs beside or after this one. Orders take theirs in small blocks, each durable before its first number is used: no row is written
for each, and a restart leaves a gap. All others take theirs in the transaction of what they number: whoever numbers the like
meanwhile waits for its end.
"""

from collections import deque
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from gateway.contract.clock import Micros
from gateway.kernel.ports import Store, Tx
from gateway.site.codes import CodeKind, CodeRule, DayForm, current
from gateway.wes.context import WesContext

BLOCK: Final = 100
KEPT: Final = timedelta(days=2)
"""How long the rest of a day's blocks is remembered: who waits over midnight still gets a number of its day."""
ORDERS: Final = CodeRule(kind=CodeKind.ORDER, prefix="O", day=DayForm.YYYYMMDD, serial=6)
"""How orders are numbered where the site says nothing."""

_TAKE = (
    "INSERT INTO id_blocks (name, next) VALUES (:name, :size + 1)"
    " ON CONFLICT (name) DO UPDATE SET next = id_blocks.next + :size RETURNING next"
)


class Numbers:
    """Numbers of outbound orders."""

    def __init__(self, store: Store, rules: Iterable[CodeRule], timezone: ZoneInfo) -> None:
        self._store = store
        self._rules = tuple(rules)
        self._timezone = timezone
        self._days: dict[date, deque[int]] = {}

    async def next(self, at_us: Micros) -> str:
        """Return a number that no other order has; never from inside a job, for it may have to write one."""
        day = datetime.fromtimestamp(at_us / 1e6, UTC).astimezone(self._timezone).date()
        rule = current(self._rules, CodeKind.ORDER, day) or ORDERS
        if day not in self._days:
            self._days = {known: serials for known, serials in self._days.items() if known > day - KEPT}
        serials = self._days.setdefault(day, deque())
        while True:
            if not serials:
                serials.extend(await self._store.write(lambda tx: _take(tx, counter(rule, day, ""), BLOCK)))
            if (number := rule.compose(day, "", serials.popleft())) is not None:
                return number


async def next_number(tx: Tx, context: WesContext, kind: CodeKind) -> str | None:
    """Return a number that no other document of a kind has; None: the site has no rule for it."""
    day = context.today()
    rule = current(context.wes.codes, kind, day)
    return None if rule is None else (await take_codes(tx, rule, day, "", 1))[0]


async def take_codes(tx: Tx, rule: CodeRule, day: date, text: str, count: int) -> list[str]:
    """Return so many codes that were never taken before, of a rule that has serial numbers.

    Args:
        tx: the transaction of what they are for.
        rule: what they look like.
        day: on which they are made.
        text: what others decide in them.
        count: how many.
    """
    codes: list[str] = []
    while lacking := count - len(codes):
        serials = await _take(tx, counter(rule, day, text), lacking)
        codes += [code for serial in serials if (code := rule.compose(day, text, serial)) is not None]
    return codes


def counter(rule: CodeRule, day: date, text: str) -> str:
    """Return the name under which serial numbers are counted: what stands before them in a code."""
    stem = rule.stem(day, text)
    return stem if rule.day is not None else f"{stem}#"  # as no other counter is called


async def _take(tx: Tx, name: str, size: int) -> range:
    end: int = (await tx.fetch(_TAKE, {"name": name, "size": size}))[0][0]
    return range(end - size, end)
