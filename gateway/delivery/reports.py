"""The report of the last days, written every day into the site's folder: as a page and as tables for a spreadsheet (S2-157).

Files are whole or not there: each is written under another name, made durable, and renamed. Only then is the report noted in the
database; what is cut off before is written once more, under the same names. A day that was slept through is made up for once, with
the days up to now. What cannot be written is an alarm, and tried again with the next round.
"""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from gateway.contract.clock import Micros
from gateway.contract.reporting import OutboundView, ReportView, SupplierView
from gateway.kernel.clock import last_due
from gateway.kernel.ports import SqlValue, Tx
from gateway.kernel.supervise import to_its_end
from gateway.paper.report import report_page
from gateway.paper.table import BOM, table_of
from gateway.site.wes import Report
from gateway.wes.alarms import Alarm
from gateway.wes.core import WesCore
from gateway.wes.reporting import DAY_US, FIRST, list_outbound, list_suppliers, report_on

NOT_WRITTEN: Final = "reportNotWritten"
STEP: Final = 1_000
"""Rows that are read at a time."""
PRUNED_MAX: Final = 100
"""Reports that one round deletes."""

_LAST: Final = "SELECT MAX(day) FROM reports"
_NOTE: Final = "INSERT INTO reports (day, since_us, until_us, files, made_at) VALUES (:day, :since, :until, :files, :until)"
_OLD: Final = "SELECT day, files FROM reports WHERE day <= (SELECT MAX(day) FROM reports) - :keep ORDER BY day LIMIT :limit"
_FORGET: Final = "DELETE FROM reports WHERE day = :day"

Texts = AsyncGenerator[str]


class Reports:
    """Writes the report of each day."""

    def __init__(self, core: WesCore, settings: Report) -> None:
        self._core = core
        self._settings = settings

    async def work(self) -> None:
        """Write the report that is due, if it is not written, and delete those that are too old."""
        wes, now = self._core.context.wes, self._core.context.clock.now_us()
        day = last_due(now, self._settings.at, ZoneInfo(wes.timezone))
        ((last,),) = await self._core.store.read(lambda tx: tx.fetch(_LAST))
        try:
            if last is None or last < day.toordinal():
                await self._write(day, now)
            await self._prune()
        except OSError as error:
            self._core.alarms.raise_alarm(
                Alarm(
                    subject="reports",
                    code=NOT_WRITTEN,
                    text=f"The report of {day} cannot be kept in {self._settings.folder}: {error.strerror or error}",
                    advice="Make room there and let the gateway write into it; it is tried again by itself.",
                    raised_at=now,
                )
            )
        else:
            self._core.alarms.clear(NOT_WRITTEN)

    async def _write(self, day: date, now: Micros) -> None:
        since = now - self._settings.days * DAY_US
        written = {
            f"report-{day}.html": self._page(since, now),
            f"outbound-{day}.csv": _table(OutboundView, partial(self._outbound, since, now)),
            f"suppliers-{day}.csv": _table(SupplierView, partial(self._suppliers, since, now)),
        }
        for name, texts in written.items():
            await _write_file(self._settings.folder / name, texts)
        noted: dict[str, SqlValue] = {
            "day": day.toordinal(),
            "since": since,
            "until": now,
            "files": json.dumps(list(written)),
        }
        await self._core.store.write(lambda tx: tx.execute(_NOTE, noted))

    async def _page(self, since: Micros, until: Micros) -> Texts:
        wes = self._core.context.wes

        async def job(tx: Tx) -> ReportView:
            return await report_on(tx, wes.warehouse_id, since, until)

        yield report_page(await self._core.store.read(job), ZoneInfo(wes.timezone))

    async def _outbound(self, since: Micros, until: Micros, after: Any) -> tuple[Sequence[BaseModel], Any]:
        found = await self._core.store.read(lambda tx: list_outbound(tx, since, until, after or FIRST, STEP))
        return [view for _, view in found], found[-1][0] if len(found) == STEP else None

    async def _suppliers(self, since: Micros, until: Micros, after: Any) -> tuple[Sequence[BaseModel], Any]:
        found = await self._core.store.read(lambda tx: list_suppliers(tx, since, until, after, STEP))
        return found, found[-1].supplier if len(found) == STEP else None

    async def _prune(self) -> None:
        """Delete the reports of days that are too long ago, files first: only such as a report has."""
        which = {"keep": self._settings.keep, "limit": PRUNED_MAX}
        for day, files in await self._core.store.read(lambda tx: tx.fetch(_OLD, which)):
            for name in json.loads(files):
                await _in_thread(partial((self._settings.folder / name).unlink, missing_ok=True))
            await self._core.store.write(lambda tx, day=day: tx.execute(_FORGET, {"day": day}))


async def _table(
    model: type[BaseModel], read: Callable[[Any], Awaitable[tuple[Sequence[BaseModel], Any]]]
) -> Texts:
    """Yield a list as a table that Excel reads, page by page.

    Args:
        model: of its items.
        read: returns a page and what the next one comes after; None: begins, or there is no other.
    """
    table = table_of(model)
    yield BOM + table.header()
    after: Any = None
    while True:
        items, after = await read(after)
        yield table.lines([each.model_dump(mode="json", by_alias=True) for each in items])
        if after is None:
            return


async def _write_file(file: Path, texts: Texts) -> None:
    """Write a file that is whole, or as it was.

    Raises:
        OSError: it cannot be written.
    """
    part = file.with_name(f".{file.name}.part")
    opened = await _in_thread(partial(_open, part))
    try:
        async for text in texts:
            await _in_thread(partial(opened.write, text))
        await _in_thread(partial(_keep, opened))
    finally:
        await _in_thread(opened.close)
    await _in_thread(partial(_rename, part, file))


def _open(part: Path) -> TextIO:
    part.parent.mkdir(parents=True, exist_ok=True)
    return part.open("w", encoding="utf-8", newline="")


def _keep(opened: TextIO) -> None:
    opened.flush()
    os.fsync(opened.fileno())


def _rename(part: Path, file: Path) -> None:
    part.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


async def _in_thread(work: Callable[[], Any]) -> Any:
    """Do what a disk may take long for, to its end, without keeping others waiting."""
    return await to_its_end(asyncio.to_thread(work))
