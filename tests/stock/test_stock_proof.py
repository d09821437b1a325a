"""Documents against stock: what is promised or set aside for nobody is found, and named in words that people know it by."""

from collections.abc import Sequence
from datetime import UTC, datetime, time

import pytest

from gateway.kernel.ports import Store
from gateway.wes.core import WesCore
from gateway.wes.proof import find_contradictions, prove
from gateway.wes.stock.verify import Finding
from gateway.wes.timers import CONTRADICTIONS, Verification
from tests.stock.test_stock_verify import corrupt
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station_on

pytestmark = pytest.mark.unit


async def warehouse(store: Store, **settings: object) -> Station:
    """A tote is at a station for two pieces of C-1; C-2 has three promised and none set aside; C-3 has gone."""
    line = await station_on(store, **settings)
    await fill(line, "T-1", "A1-1-L-05", A=20)
    await order(line, "C-3", ("A", 1))
    await line.finish()
    await order(line, "C-1", ("A", 2))
    await line.bring()
    await order(line, "C-2", ("A", 3))
    return line


async def told(store: Store) -> set[tuple[str, str, int]]:
    findings: Sequence[Finding] = await store.read(find_contradictions)
    assert all(finding.problem and finding.mend for finding in findings)
    return {(finding.check, finding.place, finding.off) for finding in findings}


CONTRADICTED = {
    "UPDATE lots SET reserved = reserved + 1": {("promisedToNobody", "A, lot A-1", 1)},
    "UPDATE positions SET allocated = allocated - 1 WHERE holder_id = 'T-1'": {("boundToNobody", "A, lot A-1 in T-1", -1)},
    "UPDATE order_lines SET reserved = reserved - 1 WHERE quantity = 3": {("lineWithout", "order ORD-C-2, A", -1)},
    "DELETE FROM lot_reservations": {("promisedToNobody", "A, lot A-1", 3), ("lineWithout", "order ORD-C-2, A", 3)},
    "UPDATE orders SET code = 190 WHERE oms_order_no = 'ORD-C-2'": {("endedWith", "order ORD-C-2", 3)},
    "UPDATE allocations SET short = 1 WHERE picked = 0": {
        ("promisedToNobody", "A, lot A-1", 1),
        ("boundToNobody", "A, lot A-1 in T-1", 1),
        ("lineWithout", "order ORD-C-1, A", 1),
    },
    "DELETE FROM package_lines": {("promisedToNobody", "A, lot A-1", -1), ("lineWithout", "order ORD-C-3, A", -1)},
    "DELETE FROM orders WHERE oms_order_no = 'ORD-C-2'; UPDATE order_lines SET reserved = 1 WHERE quantity = 3": {
        ("lineWithout", "order unknown, A", -2)
    },
}  # fmt: skip


async def test_documents_and_stock_agree_while_work_goes_on(store: Store) -> None:
    line = await warehouse(store)
    assert await told(store) == set()
    await line.finish()
    assert await told(store) == set()


@pytest.mark.parametrize("statements", CONTRADICTED)
async def test_what_nobody_accounts_for_is_named_and_measured(store: Store, statements: str) -> None:
    await warehouse(store)
    await corrupt(store, *statements.split("; "))
    assert await told(store) == CONTRADICTED[statements]


async def test_a_contradiction_is_told_in_words(store: Store) -> None:
    await warehouse(store)
    await corrupt(store, "DELETE FROM lot_reservations")
    findings = await store.read(find_contradictions)
    assert [finding.problem for finding in findings] == [
        "5 pieces are promised, but orders, boxes and transfers account for 2",
        "the order counts on 3 pieces, but stock holds 0 for it",
    ]


# ── every night ───────────────────────────────────────────────────────────────────────────────────────


def core_of(line: Station) -> WesCore:
    return WesCore(store=line.store, context=line.core.context, numbers=line.core.numbers)


def set_clock(line: Station, day: int, hour: int) -> None:
    at = datetime(2026, 1, 1 + day, hour, tzinfo=UTC)
    line.core.clock.at_us = int(at.timestamp() * 1_000_000)


async def test_stock_is_verified_every_night_and_what_is_found_is_an_alarm(store: Store) -> None:
    line = await warehouse(store, verify_at=time(3, 0))
    core, sound = core_of(line), "UPDATE lots SET reserved = reserved - 1"
    verification = Verification(core)
    set_clock(line, day=1, hour=1)
    await verification.work()
    assert (core.tally.findings, core.alarms.standing) == (0, {})

    await corrupt(store, "UPDATE lots SET reserved = reserved + 1")
    set_clock(line, day=1, hour=2)
    await verification.work()
    assert core.tally.findings == 0, "it is not night yet"
    set_clock(line, day=1, hour=3)
    await verification.work()
    found = len(await store.read(lambda tx: prove(tx, line.core.clock.at_us)))
    assert core.tally.findings == found > 0
    assert core.alarms.standing[CONTRADICTIONS].text.startswith(f"Verification found {found}: ")
    assert "gateway wes verify" in core.alarms.standing[CONTRADICTIONS].advice

    await corrupt(store, sound)
    await verification.work()
    assert core.tally.findings == found, "once a night"
    set_clock(line, day=2, hour=3)
    await verification.work()
    assert (core.tally.findings, core.alarms.standing) == (0, {})


async def test_after_a_restart_only_a_night_that_was_missed_or_found_something_is_made_up_for(
    store: Store,
) -> None:
    line = await warehouse(store, verify_at=time(3, 0))
    set_clock(line, day=1, hour=4)
    await Verification(core_of(line)).work()
    await corrupt(store, "UPDATE lots SET reserved = reserved + 1")

    again = core_of(line)
    await Verification(again).work()
    assert again.tally.findings == 0, "this night is done"
    set_clock(line, day=2, hour=12)
    for _ in range(2):
        later = core_of(line)
        await Verification(later).work()
        assert later.tally.findings, "what was found is found again"
        assert CONTRADICTIONS in later.alarms.standing


async def test_a_site_may_verify_by_hand_alone(store: Store) -> None:
    line = await warehouse(store, verify_at=None)
    core = core_of(line)
    await corrupt(store, "UPDATE lots SET reserved = reserved + 1")
    await Verification(core).work()
    assert (core.tally.findings, core.alarms.standing) == (None, {})
