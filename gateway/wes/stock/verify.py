"""Proof that stock agrees with itself: each check is one statement, so it sees one moment while work goes on.

Nothing is repaired here. What is found was written past the ledger, by a program or a person: who finds out how, and
then posts what puts it right, keeps the books true; who overwrites a figure does not.
"""

from dataclasses import dataclass
from typing import Final

from gateway.contract.clock import Micros
from gateway.kernel.ports import Row, Tx
from gateway.wes.stock.model import OUTSIDE

FINDINGS_MAX: Final = 100
"""Findings of one check; the first ones tell what is wrong."""

_FIGURES: Final = ("quantity", "reserved", "allocated", "held")
_LOT_LIMITS: Final = {
    "less than nothing allocated": ("-allocated", "0"),
    "less than nothing held": ("-held", "0"),
    "allocated of what is reserved": ("allocated", "reserved"),
    "reserved and held": ("reserved + held", "quantity"),
}
_POSITION_LIMITS: Final = {
    "less than nothing allocated": ("-allocated", "0"),
    "less than nothing held": ("-held", "0"),
    "allocated and held": ("allocated + held", "quantity"),
}
_INSIDE: Final = f"(holder_id IS NULL OR holder_id NOT IN {tuple(sorted(OUTSIDE))})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that cannot be.

    Attributes:
        check: a stable word.
        place: what it is about, by its ids.
        problem: what is wrong, with both figures.
        off: by how much.
        mend: what a person can do.
    """

    check: str
    place: str
    problem: str
    off: int
    mend: str


@dataclass(frozen=True, slots=True)
class _Check:
    """A statement that finds what cannot be.

    Attributes:
        place: with {0}, {1} … for the columns that a row begins with.
        figures: names of the pairs that follow: what is found, what is expected.
        problem: with {figure}, {found}, {expected}.
    """

    name: str
    place: str
    figures: tuple[str, ...]
    sql: str
    problem: str
    mend: str

    def findings(self, row: Row) -> list[Finding]:
        keys = len(row) - 2 * len(self.figures)
        pairs = zip(self.figures, row[keys::2], row[keys + 1 :: 2], strict=True)
        return [
            Finding(
                check=self.name,
                place=self.place.format(*row[:keys]),
                problem=self.problem.format(figure=figure, found=found, expected=expected),
                off=found - expected,
                mend=self.mend,
            )
            for figure, found, expected in pairs
            if found != expected
        ]


async def verify(tx: Tx, now: Micros) -> list[Finding]:
    """Look for everything that cannot be in stock and ledger; none found: it is proved to agree.

    Args:
        tx: of a job that reads.
        now: what has expired by then must not be allocated.
    """
    findings: list[Finding] = []
    for check in CHECKS:
        params = {"limit": FINDINGS_MAX} | ({"now": now} if ":now" in check.sql else {})
        for row in await tx.fetch(check.sql, params):
            findings += check.findings(row)
    return findings


def _columns(*figures: str) -> str:
    return ", ".join(f"{expression} AS {name}" for name, expression in zip(_FIGURES, figures, strict=True))


def _differ(keys: str, found: str, expected: str) -> str:
    """Compare the four figures of two sources, summed up by keys; a key that only one of them has counts as well."""
    zeros = ("0",) * len(_FIGURES)
    sums = ", ".join(
        f"CAST(SUM({figure}) AS BIGINT), CAST(SUM(expected_{figure}) AS BIGINT)" for figure in _FIGURES
    )
    differ = " OR ".join(f"SUM({figure}) <> SUM(expected_{figure})" for figure in _FIGURES)
    expected_names = ", ".join(f"{figure} AS expected_{figure}" for figure in _FIGURES)
    zero_names = ", ".join(f"0 AS expected_{figure}" for figure in _FIGURES)
    return f"""SELECT {keys}, {sums} FROM (
    SELECT {keys}, {", ".join(_FIGURES)}, {zero_names} FROM ({found}) AS found_side
    UNION ALL SELECT {keys}, {_columns(*zeros)}, {expected_names} FROM ({expected}) AS expected_side
    ) AS sides GROUP BY {keys} HAVING {differ} ORDER BY {keys} LIMIT :limit"""


_LEDGER: Final = f"""SELECT pool_id, lot_id, holder_id, {_columns("d_quantity", "d_reserved", "d_allocated", "d_held")}
FROM ledger WHERE {_INSIDE}"""
_POSITIONS: Final = (
    f"SELECT lot_id, holder_id, {_columns('quantity', '0', 'allocated', 'held')} FROM positions"
)

_PAST_THE_LEDGER: Final = (
    "Somebody wrote past the ledger. Trace the ledger of this place, count the goods, and post the count's gain or loss"
    " after the figure has been set back to the ledger's sum."
)
_BETWEEN_LAYERS: Final = (
    "Find out with the checks against the ledger which of the two layers was written past it."
)


def _beyond(table: str, keys: str, found: str, limit: str) -> str:
    return (
        f"SELECT {keys}, {found}, {limit} FROM {table} WHERE {found} > {limit} ORDER BY {keys} LIMIT :limit"
    )


CHECKS: Final = (
    _Check(
        "poolLedger",
        "pool {0}",
        _FIGURES,
        _differ("pool_id", "SELECT * FROM pools", _LEDGER),
        "{figure} is {found}, the ledger's rows sum to {expected}",
        _PAST_THE_LEDGER,
    ),
    _Check(
        "lotLedger",
        "lot {0}",
        _FIGURES,
        _differ("lot_id", "SELECT * FROM lots", _LEDGER),
        "{figure} is {found}, the ledger's rows sum to {expected}",
        _PAST_THE_LEDGER,
    ),
    _Check(
        "positionLedger",
        "lot {0} at {1}",
        _FIGURES,
        _differ("lot_id, holder_id", _POSITIONS, f"{_LEDGER} AND holder_id IS NOT NULL"),
        "{figure} is {found}, the ledger's rows sum to {expected}",
        _PAST_THE_LEDGER,
    ),
    _Check(
        "poolLots",
        "pool {0}",
        _FIGURES,
        _differ("pool_id", "SELECT * FROM pools", "SELECT * FROM lots"),
        "{figure} is {found}, its lots have {expected}",
        _BETWEEN_LAYERS,
    ),
    _Check(
        "lotPositions",
        "lot {0}",
        ("quantity",),
        """SELECT lot_id, CAST(SUM(quantity) AS BIGINT), CAST(SUM(expected) AS BIGINT) FROM (
        SELECT lot_id, quantity, 0 AS expected FROM lots UNION ALL SELECT lot_id, 0, quantity FROM positions
        ) AS sides GROUP BY lot_id HAVING SUM(quantity) <> SUM(expected) ORDER BY lot_id LIMIT :limit""",
        "{figure} is {found}, its positions have {expected}",
        _BETWEEN_LAYERS,
    ),
    _Check(
        "lotOwn",
        "lot {0}",
        ("unplaced", "barred"),
        """SELECT lot_id, unplaced, own_allocated, barred, own_held FROM (
            SELECT lots.lot_id, unplaced, barred, CAST(COALESCE(SUM(d_allocated), 0) AS BIGINT) AS own_allocated,
            CAST(COALESCE(SUM(d_held), 0) AS BIGINT) AS own_held
            FROM lots LEFT JOIN ledger ON ledger.lot_id = lots.lot_id AND ledger.holder_id IS NULL
            GROUP BY lots.lot_id, unplaced, barred
        ) AS sums WHERE unplaced <> own_allocated OR barred <> own_held ORDER BY lot_id LIMIT :limit""",
        "{figure} is {found}, the ledger's rows without a holder sum to {expected}",
        _PAST_THE_LEDGER,
    ),
    _Check(
        "lotPlaced",
        "lot {0}",
        ("allocated", "held"),
        """SELECT lot_id, allocated, placed_allocated, held, placed_held FROM (
            SELECT lots.lot_id, lots.allocated, lots.held,
            CAST(unplaced + COALESCE(SUM(positions.allocated), 0) AS BIGINT) AS placed_allocated,
            CAST(barred + COALESCE(SUM(positions.held), 0) AS BIGINT) AS placed_held
            FROM lots LEFT JOIN positions ON positions.lot_id = lots.lot_id
            GROUP BY lots.lot_id, lots.allocated, lots.held, unplaced, barred
        ) AS sums WHERE allocated <> placed_allocated OR held <> placed_held ORDER BY lot_id LIMIT :limit""",
        "{figure} is {found}; with its positions' it would be {expected}",
        _BETWEEN_LAYERS,
    ),
    *(
        _Check(
            f"{word}Sound",
            place,
            (figure,),
            _beyond(table, keys, found, limit),
            f"{figure}: {{found}}, and at most {{expected}} can be",
            "A constraint of the database is missing or was switched off: restore it, then see the checks against the ledger.",
        )
        for word, place, table, keys, limits in (
            ("pool", "pool {0}", "pools", "pool_id", _LOT_LIMITS),
            ("lot", "lot {0}", "lots", "lot_id", _LOT_LIMITS),
            ("position", "lot {0} at {1}", "positions", "lot_id, holder_id", _POSITION_LIMITS),
        )
        for figure, (found, limit) in limits.items()
    ),
    _Check(
        "lotBarred",
        "lot {0}, {1}",
        ("held",),
        """SELECT lot_id, quality, held, CASE quality WHEN 'qualified' THEN held - barred ELSE quantity END
        FROM lots WHERE CASE quality WHEN 'qualified' THEN barred <> 0 ELSE held <> quantity END
        ORDER BY lot_id LIMIT :limit""",
        "{found} are held; with this quality it would be {expected}",
        "Set the quality by an act of its own; whoever changed the column did not hold the goods.",
    ),
    _Check(
        "lotExpired",
        "lot {0}",
        ("allocated",),
        """SELECT lot_id, allocated, 0 FROM lots WHERE expiry_at <= :now AND allocated > 0
        ORDER BY lot_id LIMIT :limit""",
        "{found} are allocated, and the lot has expired",
        "Release them from their orders, put back what is picked, then mark the lot as expired.",
    ),
    _Check(
        "eventNet",
        "event {0}, lot {1}",
        ("quantity",),
        """SELECT event_id, lot_id, CAST(SUM(d_quantity) AS BIGINT), 0 FROM ledger GROUP BY event_id, lot_id
        HAVING SUM(d_quantity) <> 0 ORDER BY event_id, lot_id LIMIT :limit""",
        "the rows sum to {found}: goods came from nowhere or went nowhere",
        "A row of the event was changed or is missing: compare with a backup.",
    ),
    _Check(
        "eventEmpty",
        "event {0}",
        ("rows",),
        """SELECT event_id, 0, 1 FROM stock_events WHERE NOT EXISTS (
        SELECT 1 FROM ledger WHERE ledger.event_id = stock_events.event_id) ORDER BY event_id LIMIT :limit""",
        "the ledger has no row of it",
        "Rows were deleted: compare with a backup.",
    ),
    _Check(
        "ledgerStray",
        "event {0}, line {1}",
        ("rows",),
        """SELECT ledger.event_id, ledger.line, 1, 0 FROM ledger
        LEFT JOIN stock_events ON stock_events.event_id = ledger.event_id
        LEFT JOIN lots ON lots.lot_id = ledger.lot_id AND lots.pool_id = ledger.pool_id
        LEFT JOIN holders ON holders.holder_id = ledger.holder_id
        WHERE stock_events.event_id IS NULL OR lots.lot_id IS NULL
        OR (ledger.holder_id IS NOT NULL AND holders.holder_id IS NULL) OR stock_events.at <> ledger.at
        OR (ledger.holder_id IS NULL AND d_quantity <> 0) OR (ledger.holder_id IS NOT NULL AND d_reserved <> 0)
        ORDER BY ledger.event_id, ledger.line LIMIT :limit""",
        "its event, lot, pool or holder is missing or another one, or no event can have such a row",
        "The row was changed or what it names was deleted: compare with a backup.",
    ),
    _Check(
        "positionStray",
        "lot {0} at {1}",
        ("rows",),
        """SELECT positions.lot_id, positions.holder_id, 1, 0 FROM positions
        LEFT JOIN lots ON lots.lot_id = positions.lot_id LEFT JOIN pools ON pools.pool_id = lots.pool_id
        LEFT JOIN holders ON holders.holder_id = positions.holder_id
        WHERE pools.pool_id IS NULL OR holders.holder_id IS NULL OR holders.kind = 'outside'
        OR holders.warehouse_id <> pools.warehouse_id ORDER BY positions.lot_id, positions.holder_id LIMIT :limit""",
        "there is no such holder, lot or pool, or the holder is of another warehouse",
        "Open the holder or the lot again with its id; goods elsewhere are moved by events.",
    ),
    _Check(
        "unitCount",
        "lot {0} at {1}",
        ("units",),
        f"""SELECT lot_id, holder_id, CAST(SUM(units) AS BIGINT), CAST(SUM(expected) AS BIGINT) FROM (
        SELECT lot_id, holder_id, 1 AS units, 0 AS expected FROM units WHERE {_INSIDE}
        UNION ALL SELECT positions.lot_id, positions.holder_id, 0, positions.quantity FROM positions
        JOIN lots ON lots.lot_id = positions.lot_id WHERE lots.serial = 1
        ) AS sides GROUP BY lot_id, holder_id HAVING SUM(units) <> SUM(expected) ORDER BY lot_id, holder_id LIMIT :limit""",
        "{found} units are known, {expected} are in stock",
        "Scan the units there; post what is missing as a loss and what is new as a gain.",
    ),
)
