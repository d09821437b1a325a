"""`gateway wes verify`: proof that stock, ledger and documents agree, while the gateway runs or not."""

import json
import sqlite3
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from gateway.cli.appearance import Listing, stdout
from gateway.cli.ending import run_to_the_end
from gateway.cli.failure import REFUSED, Failure
from gateway.cli.options import given_path
from gateway.kernel.clock import SystemClock
from gateway.kernel.ports import Tx
from gateway.store.inline import reading_sqlite
from gateway.store.postgres import reading_postgres
from gateway.wes.proof import prove
from gateway.wes.stock.verify import Finding

FILE: Final = "wes.db"


def verify(
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", parser=given_path, help="Folder of the gateway's data."),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option("--database", metavar="URL", help="postgresql://… where the WES lives there."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Tell it as JSON.")] = False,
) -> None:
    """Verify stock: every balance is the sum of its ledger, and orders and stock agree. Ends with 1 if anything does not."""
    if (data is None) == (database is None):
        raise typer.BadParameter("say where the stock is: with --data or with --database")
    if database == "":
        raise typer.BadParameter("what stands there is empty", param_hint="--database")
    reading = reading_postgres(database or "") if data is None else _reading(data)
    findings = run_to_the_end(_find(reading))
    if as_json:
        sys.stdout.write(json.dumps(_plain(findings), indent=2, ensure_ascii=False) + "\n")
    else:
        _tell(findings)
    if findings:
        raise typer.Exit(1)


async def _find(reading: AbstractAsyncContextManager[Tx]) -> list[Finding]:
    async with reading as tx:
        return await prove(tx, SystemClock().now_us())


@asynccontextmanager
async def _reading(data: Path) -> AsyncGenerator[Tx]:
    file = data / FILE
    if not file.exists():
        raise Failure(
            REFUSED, f"{file} does not exist", ("", "Name the folder that the gateway was given (--data).")
        )
    try:
        async with reading_sqlite(file) as tx:
            yield tx
    except sqlite3.OperationalError as error:
        raise Failure(
            REFUSED,
            f"{file} is no database of a WES of this version: {error}",
            ("", "One of an older version is brought up to date when the gateway starts with it."),
        ) from error


def _plain(findings: Sequence[Finding]) -> dict[str, object]:
    return {"ok": not findings, "findings": [asdict(finding) for finding in findings]}


def _tell(findings: Sequence[Finding]) -> None:
    console = stdout()
    if not findings:
        console.print(Text("ok  stock, ledger and orders agree", "bold green"))
        return
    table = Listing("check", "where", "off by", sentences=("what is wrong", "what to do"))
    for finding in findings:
        table.add_row(
            *(finding.check, finding.place, f"{finding.off:+d}"),
            *(finding.problem, Text(finding.mend, "green")),
        )
    console.print(table)
    console.print(Text(f"{len(findings)} finding{'s' * (len(findings) != 1)}", "bold red"))
