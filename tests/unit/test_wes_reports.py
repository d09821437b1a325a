"""The report of the last days is written every day, whole or not at all, and whoever asks for it gets it at once (S2-157)."""

import asyncio
import csv
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.problems import add_problem_handlers
from gateway.api.wes_reports import report_routes
from gateway.delivery.reports import Reports
from gateway.kernel.ports import StoreFull
from gateway.site.wes import Report
from gateway.wes.core import WesCore
from tests.cli_bench import served, typed
from tests.unit.chain_rig import fill, order
from tests.unit.station_rig import Station, station

pytestmark = pytest.mark.unit

DAY_US = 86_400_000_000


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1e6)


class Office:
    """A station's line, what is written of it, and what is asked of that."""

    def __init__(self, line: Station, core: WesCore, app: FastAPI, http: httpx.AsyncClient) -> None:
        self.line = line
        self.core = core
        self.app = app
        self.http = http
        assert core.context.wes.report is not None
        self.folder = core.context.wes.report.folder
        self.reports = Reports(core, core.context.wes.report)

    async def work(self, moment: str | None = None) -> list[str]:
        """Do a round, at a moment; return the days of which there are reports."""
        if moment is not None:
            self.line.core.clock.at_us = at(moment)
        await self.reports.work()
        return sorted(file.stem.removeprefix("report-") for file in self.folder.glob("report-*.html"))

    async def ship(self, name: str, quantity: int) -> None:
        await order(self.line, name, ("A", quantity))
        await self.line.finish()

    def outbound(self, day: str) -> list[dict[str, str]]:
        with (self.folder / f"outbound-{day}.csv").open(encoding="utf-8-sig", newline="") as table:
            return list(csv.DictReader(table))


@asynccontextmanager
async def office(folder: Path, **report: Any) -> AsyncGenerator[Office]:
    settings = {"folder": str(folder / "reports"), "at": "04:00", **report}
    async with station(timezone="Asia/Shanghai", report=settings) as line:
        core = WesCore(store=line.core.store, context=line.core.context, numbers=line.core.numbers)
        app = FastAPI()
        app.include_router(report_routes(core))
        add_problem_handlers(app)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://wes/v1/wes") as http:
            line.core.clock.at_us = at("2026-11-20T10:00:00")
            await fill(line, "T-1", "A1-1-L-05", A=50)
            yield Office(line, core, app, http)


async def test_a_report_is_written_once_a_day_at_the_sites_hour(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        assert await here.work() == ["2026-11-20"], "the first start tells what there is"
        assert await here.work("2026-11-20T19:59:00") == ["2026-11-20"], (
            "it is 3:59 of the next day in Shanghai"
        )
        assert await here.work("2026-11-20T20:00:01") == ["2026-11-20", "2026-11-21"]
        written = (here.folder / "report-2026-11-21.html").stat().st_mtime_ns
        await here.work("2026-11-21T10:00:00")
        assert (here.folder / "report-2026-11-21.html").stat().st_mtime_ns == written


async def test_days_that_were_slept_through_are_made_up_for_once(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await here.work()
        assert await here.work("2026-11-24T10:00:00") == ["2026-11-20", "2026-11-24"]


async def test_it_tells_what_left_in_the_last_seven_days(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await here.ship("C-1", 2)
        await here.work("2026-11-21T10:00:00")
        await here.ship("C-2", 3)
        await here.work("2026-11-27T20:30:00")
        lines = [(row["orderNo"], row["quantity"]) for row in here.outbound("2026-11-21")]
        assert lines == [("ORD-C-1", "2")]
        assert [row["orderNo"] for row in here.outbound("2026-11-28")] == ["ORD-C-2"]
        page = (here.folder / "report-2026-11-28.html").read_text(encoding="utf-8")
        assert "<dt>pieces that left</dt><dd>3</dd>" in page and "2026-11-28 04:30" in page


async def test_what_cannot_be_written_is_an_alarm_until_it_is_and_leaves_no_part(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        here.folder.parent.mkdir(exist_ok=True)
        here.folder.write_text("in the way")
        await here.reports.work()
        alarm = here.core.alarms.standing["reportNotWritten"]
        assert str(here.folder) in alarm.text and "2026-11-20" in alarm.text
        here.folder.unlink()
        assert await here.work() == ["2026-11-20"]
        assert here.core.alarms.standing == {}
        assert sorted(os.listdir(here.folder)) == [
            "outbound-2026-11-20.csv",
            "report-2026-11-20.html",
            "suppliers-2026-11-20.csv",
        ]


async def test_a_report_that_was_cut_off_is_written_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(job: object) -> None:
        raise StoreFull("no room")

    async with office(tmp_path) as here:
        with monkeypatch.context() as patch, pytest.raises(StoreFull):
            patch.setattr(here.core.store, "write", full)
            await here.work()
        (here.folder / "report-2026-11-20.html").write_text("of before")
        await here.work()
        assert "of before" not in (here.folder / "report-2026-11-20.html").read_text(encoding="utf-8")


async def test_old_reports_are_deleted_and_nothing_else_in_their_folder(tmp_path: Path) -> None:
    async with office(tmp_path, keep=2) as here:
        await here.work()
        (here.folder / "report-1999-01-01.html").write_text("somebody's own")
        for day in (21, 22, 23):
            await here.work(f"2026-11-{day}T10:00:00")
        assert await here.work() == ["1999-01-01", "2026-11-22", "2026-11-23"]
        listed = (await here.http.get("/reports")).json()["items"]
        assert [each["day"] for each in listed] == ["2026-11-23", "2026-11-22"]


async def test_reports_are_listed_with_their_files_and_each_can_be_fetched(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await here.ship("C-1", 2)
        await here.work("2026-11-21T10:00:00")
        (listed,) = (await here.http.get("/reports")).json()["items"]
        for file in listed["files"]:
            answer = await here.http.get(f"/reports/{listed['day']}/{file}")
            assert answer.status_code == 200 and answer.content == (here.folder / file).read_bytes()


@pytest.mark.parametrize(
    "file", ["secret.txt", "..%2Fsecret.txt", "%2Fetc%2Fpasswd", "report-2026-11-20.html"]
)
async def test_nothing_but_what_a_report_has_can_be_fetched(file: str, tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await here.work("2026-11-21T10:00:00")
        (here.folder / "secret.txt").write_text("secret")
        (tmp_path / "secret.txt").write_text("secret")
        assert (await here.http.get(f"/reports/2026-11-21/{file}")).status_code == 404


async def test_who_asks_for_a_report_gets_it_as_data_or_as_a_page(tmp_path: Path) -> None:
    async with office(tmp_path) as here:
        await here.ship("C-1", 2)
        view = (await here.http.get("/report", params={"days": 1})).json()
        assert (view["packages"], view["pieces"], view["performance"]["shipped"]) == (1, 2, 1)
        page = await here.http.get("/report", headers={"accept": "text/html"})
        assert page.headers["content-type"].startswith("text/html") and "<dd>2</dd>" in page.text
        table = await here.http.get("/outbound", headers={"accept": "text/csv"})
        assert table.text.splitlines()[1].count("ORD-C-1") == 1


async def test_a_command_shows_the_last_days_or_writes_them(tmp_path: Path) -> None:
    async with office(tmp_path) as here, served(here.app) as url:
        await here.ship("C-1", 2)
        shown = await asyncio.to_thread(typed, "wes", "report", "--url", url)
        assert shown.code == 0 and "pieces that left" in shown.out
        out = tmp_path / "on request"
        written = await asyncio.to_thread(
            typed, "wes", "report", "--days", "2", "--out", str(out), "--url", url
        )
        assert written.code == 0 and sorted(os.listdir(out)) == [
            "outbound.csv",
            "report.html",
            "suppliers.csv",
        ]
        assert "ORD-C-1" in (out / "outbound.csv").read_text(encoding="utf-8-sig")


def test_a_site_says_where_and_when(tmp_path: Path) -> None:
    report = Report.model_validate({"folder": tmp_path})
    assert (report.at.hour, report.days, report.keep) == (4, 7, 60)
