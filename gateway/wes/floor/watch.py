"""What at stations and on the floor needs somebody, though nobody has noticed: as alarms (S0-38).

Each kind is one alarm that names all places; it is looked up in the database in rounds, so that it stands again after a restart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import Store
from gateway.wes.alarms import Alarm, Alarms
from gateway.wes.codes import Code
from gateway.wes.context import WesContext
from gateway.wes.floor.questions import NOTICE_US, QuestionKind

SUBJECT: Final = "stations"
UNATTENDED_US: Final = 600_000_000
"""A container that nobody has scanned for so long waits for somebody."""
PLACES_MAX: Final = 20
"""Places that one alarm names."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of alarm.

    Attributes:
        sql: selects (what it is about, since when), the oldest first, by `before` and `limit`.
        after: what is younger is no alarm yet.
    """

    code: str
    sql: str
    after: Micros
    text: str
    advice: str
    subject: str = SUBJECT


def _asked(kind: QuestionKind) -> str:
    return (
        f"SELECT station_id || ' ' || slot_id, at_us FROM questions WHERE settled_at IS NULL AND kind = '{kind}'"
        " AND at_us <= :before ORDER BY at_us, question_id LIMIT :limit"
    )


_KINDS: Final = (
    _Kind(
        QuestionKind.NO_BUTTON,
        _asked(QuestionKind.NO_BUTTON),
        NOTICE_US,
        "A hand was in a lit slot, and nothing was confirmed",
        "Press the slot's button, or say at the station what was put.",
    ),
    _Kind(
        QuestionKind.STILL_LIT,
        _asked(QuestionKind.STILL_LIT),
        0,
        "A slot should be dark, and its wall does not answer",
        "Put nothing there, and look after the wall; the question is answered once the slot is dark.",
    ),
    _Kind(
        "unattended",
        "SELECT p.container_id || ' at ' || o.station_id, o.opened_at FROM operations o"
        " JOIN presentations p ON p.presentation_id = o.presentation_id WHERE o.state = 'open' AND o.scanned_at IS NULL"
        " AND o.opened_at <= :before ORDER BY o.opened_at, o.operation_id LIMIT :limit",
        UNATTENDED_US,
        "A container stands at a station, and nobody has scanned it",
        "Scan it there, or close the station: then it leaves, and its work is done elsewhere.",
    ),
    _Kind(
        "notReplenished",
        "SELECT r.source_id, COALESCE(p.arrived_at, r.created_at) FROM replenishments r"
        " LEFT JOIN presentations p ON p.presentation_id = r.presentation_id WHERE r.state = 'open'"
        " AND (r.presentation_id IS NULL OR p.state = 'arrived') AND COALESCE(p.arrived_at, r.created_at) <= :before"
        " AND EXISTS (SELECT 1 FROM work_waits x JOIN work_orders w ON w.work_id = x.work_id"
        f" WHERE x.replenishment_id = r.replenishment_id AND w.code < {Code.RELEASED:d})"
        " ORDER BY COALESCE(p.arrived_at, r.created_at), r.replenishment_id LIMIT :limit",
        UNATTENDED_US,
        "Picks wait for goods that nobody brings out of the reserve",
        "See what is to be moved: gateway wes replenishments.",
    ),
    _Kind(
        "notCounted",
        "SELECT p.container_id || ' at ' || p.station_id, p.arrived_at FROM presentations p WHERE p.state = 'arrived'"
        " AND p.purpose = 'count' AND p.arrived_at <= :before ORDER BY p.arrived_at, p.presentation_id LIMIT :limit",
        UNATTENDED_US,
        "A container stands at a station to be counted, and nobody has counted it",
        "Count it there, or close the station: then it goes back, and comes to another one. See: gateway wes counts.",
    ),
    _Kind(
        "notTransferred",
        "SELECT p.container_id || ' at ' || p.station_id, p.arrived_at FROM presentations p WHERE p.state = 'arrived'"
        " AND p.purpose = 'replenish' AND p.arrived_at <= :before AND EXISTS (SELECT 1 FROM transfer_tasks t"
        " WHERE t.source_visit = p.presentation_id AND t.ended_at IS NULL AND t.taken = 0)"
        " ORDER BY p.arrived_at, p.presentation_id LIMIT :limit",
        UNATTENDED_US,
        "A container stands at a station for a transfer, and nobody takes anything out of it",
        "Take it out there, or close the station: then it goes back, and comes to another one. See: gateway wes transfers.",
    ),
    _Kind(
        "transferLate",
        "SELECT transfer_no, due_at FROM transfers WHERE ended_at IS NULL AND due_at <= :before"
        " ORDER BY due_at, transfer_id LIMIT :limit",
        0,
        "A transfer should be done by now",
        "See what is still to be moved: gateway wes transfers; or abort it.",
        "stock",
    ),
    _Kind(
        "recalledInBoxes",
        "SELECT COALESCE(box_id, ''), created_at FROM put_backs WHERE done_at IS NULL AND recall_id IS NOT NULL"
        " AND created_at <= :before ORDER BY created_at, put_back_id LIMIT :limit",
        0,
        "Recalled goods lie in boxes, which can go nowhere before they are out",
        "See which, of which orders: gateway wes exceptions list. Take them out, and say where they are (act putBack).",
        "stock",
    ),
    _Kind(
        "removedWithGoods",
        "SELECT h.holder_id, h.removed_at FROM holders h WHERE h.removed_at <= :before AND EXISTS"
        " (SELECT 1 FROM positions p WHERE p.holder_id = h.holder_id AND p.quantity > 0)"
        " ORDER BY h.removed_at, h.holder_id LIMIT :limit",
        0,
        "A container was taken out of the site's books, and there are goods in it",
        "Say where it is (gateway container locate); if the goods have left too, count them: POST /v1/wes/corrections/counts.",
        "stock",
    ),
)


class Watch:
    """Raises and clears the alarms of the stations."""

    def __init__(self, store: Store, context: WesContext, alarms: Alarms) -> None:
        self._store = store
        self._context = context
        self._alarms = alarms

    async def work(self) -> None:
        """Look once."""
        for kind in _KINDS:
            which = {"before": self._context.clock.now_us() - kind.after, "limit": PLACES_MAX}
            found = await self._store.read(lambda tx, kind=kind, which=which: tx.fetch(kind.sql, which))
            if found:
                self._raise(kind, [(row[0], row[1]) for row in found])
            else:
                self._alarms.clear(kind.code)

    def _raise(self, kind: _Kind, found: Sequence[tuple[str, Micros]]) -> None:
        places = ", ".join(place for place, _ in found)
        alarm = Alarm(
            subject=kind.subject,
            code=kind.code,
            text=f"{kind.text}: {places}",
            advice=kind.advice,
            raised_at=found[0][1],
        )
        self._alarms.raise_alarm(alarm)
