"""The verifier: silent about what was posted, and every kind of corruption is found, named and measured."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.kernel.ports import Store, Tx
from gateway.store.inline import InlineStore, open_inline
from gateway.wes.schema import MIGRATIONS
from gateway.wes.stock.model import Lot
from gateway.wes.stock.verbs import allocate, hold, pick, receive, reserve
from gateway.wes.stock.verify import FINDINGS_MAX, Finding, verify
from tests.stock.rig import DAY, NOON, PICK_TO, Warehouse, at, build, of
from tests.unit.wes_rig import command, core_on

pytestmark = pytest.mark.unit


async def found(warehouse: Warehouse, now: int = NOON) -> list[Finding]:
    return await warehouse.store.read(lambda tx: verify(tx, now))


async def busy(warehouse: Warehouse, expiry_at: int | None = None) -> Lot:
    """Ten of a lot: six reserved, five of them allocated, two of those picked, one held; three units of another lot."""
    lot = await warehouse.stocked(10, expiry_at=expiry_at)
    await warehouse.do(reserve(warehouse.act(), [of(lot, 6)]))
    await warehouse.do(allocate(warehouse.act(), [at("TOTE-1", lot, 5)]))
    await warehouse.do(pick(warehouse.act("pick"), [at("TOTE-1", lot, 2)], PICK_TO))
    await warehouse.do(hold(warehouse.act(), lot, at("TOTE-1", lot, 1)))
    phones = await warehouse.lot(sku="PHONE", serial=True)
    await warehouse.do(receive(warehouse.act(), phones, at("TOTE-2", phones, 3, "U1", "U2", "U3")))
    return lot


async def corrupt(store: Store, *statements: str) -> None:
    """Write what no constraint and no trigger would let pass."""
    sqlite = isinstance(store, InlineStore)

    async def job(tx: Tx) -> None:
        for sql in statements:
            await tx.execute(sql)

    async def unguard(tx: Tx) -> None:
        await tx.execute("PRAGMA foreign_keys = OFF")
        await tx.execute("PRAGMA ignore_check_constraints = ON")
        for row in await tx.fetch("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            await tx.execute(f"DROP TRIGGER {row[0]}")

    if sqlite:
        await store.read(unguard)
        await store.write(job)
    else:
        statements = ("SET LOCAL session_replication_role = replica", *statements)
        await store.write(job)


async def test_what_was_posted_agrees(warehouse: Warehouse) -> None:
    assert await found(warehouse) == []
    await busy(warehouse)
    assert await found(warehouse) == []


CORRUPTIONS = {
    # a figure of one layer
    "UPDATE pools SET quantity = quantity + 7 WHERE sku = 'SKU-1'": {("poolLedger", 7), ("poolLots", 7)},
    "UPDATE pools SET reserved = reserved - 1 WHERE sku = 'SKU-1'": {("poolLedger", -1), ("poolLots", -1)},
    "UPDATE lots SET held = held + 1 WHERE lot_no = 'A' AND serial = 0": {("lotLedger", 1), ("lotPlaced", 1), ("poolLots", -1)},
    "UPDATE lots SET quantity = quantity + 2 WHERE serial = 0": {("lotLedger", 2), ("lotPositions", 2), ("poolLots", -2)},
    "UPDATE lots SET allocated = allocated - 1 WHERE serial = 0": {("lotLedger", -1), ("lotPlaced", -1), ("poolLots", 1)},
    "UPDATE positions SET quantity = quantity + 3 WHERE holder_id = 'TOTE-1'": {("positionLedger", 3), ("lotPositions", -3)},
    "UPDATE positions SET allocated = allocated + 1 WHERE holder_id = 'TOTE-1'": {("positionLedger", 1), ("lotPlaced", -1)},
    "UPDATE positions SET held = 0 WHERE holder_id = 'TOTE-1'": {("positionLedger", -1), ("lotPlaced", 1)},
    "UPDATE lots SET unplaced = unplaced + 1 WHERE serial = 0": {("lotOwn", 1), ("lotPlaced", -1)},
    # the ledger
    "UPDATE ledger SET d_quantity = d_quantity + 1 WHERE event_id = 'pick' AND holder_id = 'TOTE-1'": {
        ("poolLedger", -1),
        ("lotLedger", -1),
        ("positionLedger", -1),
        ("eventNet", 1),
    },
    "DELETE FROM ledger WHERE event_id = 'pick'": {("positionLedger", -2), ("positionLedger", 2), ("eventEmpty", -1)},
    "DELETE FROM stock_events WHERE event_id = 'pick'": {("ledgerStray", 1)},
    "UPDATE stock_events SET at = at + 1 WHERE event_id = 'pick'": {("ledgerStray", 1)},
    # what figures belong to
    "DELETE FROM holders WHERE holder_id = 'TOTE-1'": {("positionStray", 1), ("ledgerStray", 1)},
    "UPDATE holders SET warehouse_id = 'WH2' WHERE holder_id = 'TOTE-1'": {("positionStray", 1)},
    "DELETE FROM units WHERE upn = 'U1'": {("unitCount", -1)},
    "UPDATE units SET holder_id = 'TOTE-3' WHERE upn = 'U1'": {("unitCount", -1), ("unitCount", 1)},
}  # fmt: skip


@pytest.mark.parametrize("statement", CORRUPTIONS)
async def test_what_was_written_past_the_ledger_is_found_and_measured(
    warehouse: Warehouse, statement: str
) -> None:
    await busy(warehouse)
    await corrupt(warehouse.store, statement)
    findings = await found(warehouse)
    assert {(finding.check, finding.off) for finding in findings} == CORRUPTIONS[statement]
    assert all(finding.place and finding.problem and finding.mend for finding in findings)


UNSOUND = {
    "UPDATE lots SET quality = 'rejected' WHERE serial = 0": {"lotBarred"},
    "UPDATE lots SET barred = 1 WHERE serial = 0": {"lotBarred", "lotOwn", "lotPlaced"},
    "UPDATE pools SET reserved = quantity WHERE sku = 'SKU-1'": {"poolSound", "poolLedger", "poolLots"},
    "UPDATE lots SET allocated = reserved + 1 WHERE serial = 0": {
        "lotSound",
        "lotLedger",
        "lotPlaced",
        "poolLots",
    },
    "UPDATE positions SET held = -1 WHERE holder_id = 'TOTE-2'": {
        "positionSound",
        "positionLedger",
        "lotPlaced",
    },
    "UPDATE positions SET allocated = quantity WHERE holder_id = 'TOTE-1'": {
        "positionSound",
        "positionLedger",
        "lotPlaced",
    },
}


@pytest.mark.parametrize("statement", UNSOUND)
async def test_what_a_constraint_forbids_is_found_where_it_is_missing(statement: str) -> None:
    async with open_inline(migrations=MIGRATIONS) as store:
        warehouse = await build(store)
        await busy(warehouse)
        await corrupt(store, statement)
        assert {finding.check for finding in await found(warehouse)} == UNSOUND[statement]


async def test_a_finding_says_what_where_by_how_much_and_what_to_do(warehouse: Warehouse) -> None:
    lot = await busy(warehouse)
    await corrupt(warehouse.store, "UPDATE pools SET quantity = quantity + 7 WHERE sku = 'SKU-1'")
    finding = (await found(warehouse))[0]
    assert (finding.place, finding.problem, finding.off) == (
        f"pool {lot.pool_id}",
        "quantity is 17, the ledger's rows sum to 10",
        7,
    )
    assert "Trace the ledger" in finding.mend


async def test_allocations_of_a_lot_that_expired_by_the_clock_are_told(warehouse: Warehouse) -> None:
    lot = await busy(warehouse, expiry_at=NOON + DAY)
    assert [
        (finding.check, finding.place, finding.off) for finding in await found(warehouse, NOON + DAY)
    ] == [("lotExpired", f"lot {lot.lot_id}", 5)]


async def test_findings_are_bounded(warehouse: Warehouse) -> None:
    lot = await warehouse.lot()
    values = ", ".join(f"('T{n}', {lot.lot_id}, 1)" for n in range(FINDINGS_MAX + 50))
    await corrupt(warehouse.store, f"INSERT INTO positions (holder_id, lot_id, quantity) VALUES {values}")
    strays = [finding for finding in await found(warehouse) if finding.check == "positionStray"]
    assert len(strays) == FINDINGS_MAX


@pytest.mark.parametrize(
    "statement", ["UPDATE ledger SET d_held = 1", "DELETE FROM ledger", "DELETE FROM stock_events"]
)
async def test_the_ledger_only_grows(warehouse: Warehouse, statement: str) -> None:
    await busy(warehouse)
    with pytest.raises(Exception, match="append-only"):
        await warehouse.write(statement)


# ── the command ──────────────────────────────────────────────────────────────────────────────────────


def run(words: Sequence[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """Ten of a product, four of them promised to an order."""
    async with open_inline(tmp_path / "wes.db", MIGRATIONS) as store:
        core = await core_on(store)
        await core.products("SKU-1")
        await core.stock("SKU-1", 10)
        await core.submit(command("C-1", ("SKU-1", 4)))
    return tmp_path


@pytest.fixture
async def false_data(data: Path) -> Path:
    async with open_inline(data / "wes.db", MIGRATIONS) as store:
        await corrupt(store, "UPDATE pools SET quantity = quantity + 7 WHERE sku = 'SKU-1'")
    return data


def test_the_command_ends_with_0_where_stock_agrees(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["wes", "verify", "--data", str(data)]) == 0
    assert "agree" in capsys.readouterr().out


def test_the_command_ends_with_1_and_tells_each_finding(
    false_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["wes", "verify", "--data", str(false_data)]) == 1
    told = capsys.readouterr().out
    assert "quantity is 17, the ledger's rows sum to 10" in told
    assert "+7" in told
    assert "2 findings" in told


@pytest.fixture
async def forgotten_promise(data: Path) -> Path:
    async with open_inline(data / "wes.db", MIGRATIONS) as store:
        await corrupt(store, "DELETE FROM lot_reservations")
    return data


def test_the_command_names_what_orders_and_stock_disagree_about(
    forgotten_promise: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["wes", "verify", "--data", str(forgotten_promise)]) == 1
    told = capsys.readouterr().out
    assert "order ORD-C-1, SKU-1" in told
    assert "the order counts on 4 pieces, but stock holds 0 for it" in told
    assert "2 findings" in told


def test_the_command_tells_findings_as_json(false_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["wes", "verify", "--data", str(false_data), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [(finding["check"], finding["off"]) for finding in told["findings"]] == [
        ("poolLedger", 7),
        ("poolLots", 7),
    ]
    assert not told["ok"]


def test_the_command_says_where_no_stock_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["wes", "verify", "--data", str(tmp_path)]) == 1
    assert "does not exist" in capsys.readouterr().err
    assert run(["wes", "verify"]) == 2


def test_the_command_reads_postgresql(postgres: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["wes", "verify", "--database", f"postgresql://wes@/wes?host={postgres}/nowhere"]) == 1
    assert "cannot be reached" in capsys.readouterr().err
