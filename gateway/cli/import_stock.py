"""`gateway wes import-stock`: what is in a warehouse on its first day, from a table.

All of the file is read and checked before anything is sent; then it goes in as receipts, whose ids follow from the file. So the
same file again changes nothing, and one that broke off goes on where it was.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import ValidationError

from gateway.cli.acts import OperatorOption, who
from gateway.cli.appearance import stdout
from gateway.cli.client import DEFAULT_URL, GatewayClient, UrlOption, connect, parse
from gateway.cli.credentials import TokenFileOption
from gateway.cli.failure import REFUSED, Failure
from gateway.contract.acts import ActView
from gateway.contract.inbound import Receive
from gateway.contract.misfits import field_error

PATH: Final = "/v1/wes/inbound/receipts"
LINES_A_RECEIPT: Final = 500
FINDINGS_SHOWN: Final = 50
HEAD: Final = ("holderId", "ownerId", "receivedAt")
LINE: Final = ("skuId", "quantity", "lotNo", "supplier", "producedAt", "expiresAt", "quality", "upns")
NEEDED: Final = frozenset({"skuId", "quantity"})
DAYS: Final = frozenset({"receivedAt", "producedAt", "expiresAt"})
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_LINE_FIELD: Final = re.compile(r"lines\[(\d+)\]\.?")


@dataclass(frozen=True, slots=True)
class StockRow:
    """One row of a table that is right by itself: the number of its line, and a receipt of it alone."""

    number: int
    receipt: Receive

    @property
    def head(self) -> tuple[str, str, str]:
        """What rows of one receipt have in common."""
        receipt = self.receipt
        return receipt.holder_id or "", receipt.owner_id or "", str(receipt.received_at or "")


@dataclass(frozen=True, slots=True)
class StockFinding:
    """What is wrong with a line; 1 is the line of the titles."""

    number: int
    text: str


def import_stock(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help=f"CSV with titles: skuId, quantity, and of {', '.join((*HEAD, *LINE[2:]))} what there is.",
        ),
    ],
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
) -> None:
    """Take the stock of a table in: each line is so much of a product in a container (holderId) or at a flat place.

    Without holderId it comes into the receiving area. The products must be known. The same file again changes nothing.
    """
    try:
        text = table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Failure(
            REFUSED, f"{table} is not UTF-8 text", ("what to do", "save it as `CSV UTF-8`")
        ) from error
    rows, findings = read_stock(text, who(operator))
    if findings:
        raise _wrong(table, findings)
    receipts = [*_receipts(rows, sha256(text.encode()).hexdigest()[:16])]
    with connect(url, token_file) as gateway:
        answers = [_send(gateway, table, receipt, numbers) for receipt, numbers in receipts]
    pieces = sum(line.quantity for receipt, _ in receipts for line in receipt.lines)
    stdout().print(f"{pieces} pieces in {len(rows)} lines of {table} are in stock", soft_wrap=True)
    if waiting := sorted({sku for answer in answers for sku in answer.to_inspect or ()}):
        text = f"cannot be promised until somebody says when they expire: {', '.join(waiting)}"
        stdout().print(text, soft_wrap=True, markup=False)
    if expired := sorted({sku for answer in answers for sku in answer.expired or ()}):
        stdout().print(
            f"have expired, and are never promised: {', '.join(expired)}", soft_wrap=True, markup=False
        )


def read_stock(text: str, operator: str) -> tuple[list[StockRow], list[StockFinding]]:
    """Return the rows of a table that are right, and what is wrong with the others."""
    reader = csv.DictReader(StringIO(text, newline=""), strict=True)
    rows: list[StockRow] = []
    findings: list[StockFinding] = []
    try:
        findings += _title_findings(reader.fieldnames or ())
        if findings:
            return [], findings
        for cells in reader:
            try:
                rows.append(StockRow(reader.line_num, _receipt(cells, operator)))
            except ValidationError as error:
                findings += (StockFinding(reader.line_num, each) for each in _misfits(error))
        if not rows and not findings:
            findings.append(StockFinding(1, "there is no line under the titles"))
    except csv.Error as error:
        broken = reader.reader.line_num  # `reader.line_num` is still that of the line before
        findings.append(StockFinding(broken, f"not a CSV line: {error}"))
    return rows, findings


def _title_findings(row: Sequence[str]) -> Iterator[StockFinding]:
    titles = frozenset(row)
    if missing := sorted(NEEDED - titles):
        yield StockFinding(1, f"no column {', '.join(missing)}")
    if twice := sorted(title for title, count in Counter(row).items() if count > 1):
        yield StockFinding(1, f"more than one column {', '.join(twice)}")
    if unknown := sorted(titles - {*HEAD, *LINE}):
        yield StockFinding(1, f"no such column: {', '.join(unknown)}; there are {', '.join((*LINE, *HEAD))}")


def _receipt(cells: Mapping[str | None, str | list[str] | None], operator: str) -> Receive:
    """Read one line as a receipt of its own; empty cells are left out."""
    values = {
        name: _value(name, cell) for name, cell in cells.items() if isinstance(cell, str) and cell.strip()
    }
    head = {name: values[name] for name in HEAD if name in values}
    line = {name: values[name] for name in LINE if name in values}
    surplus = {"moreCells": cells[None]} if None in cells else {}
    return Receive.model_validate({"actId": "line", "operator": operator, **head, "lines": [line | surplus]})


def _value(name: str | None, cell: str) -> str | int | list[str]:
    """Return a cell as the contract has it: whole numbers, days as their first moment (UTC), units between blanks."""
    text = cell.strip()
    if name == "quantity" and _INTEGER.fullmatch(text):
        return int(text)
    if name in DAYS and _DAY.fullmatch(text):
        return f"{text}T00:00:00Z"
    return text.split() if name == "upns" else text


def _misfits(error: ValidationError) -> Iterator[str]:
    for each in error.errors():
        place = each["loc"][2:] if each["loc"][0] == "lines" else each["loc"]
        misfit = field_error(dict(each), place)
        yield f"{misfit.field}: {misfit.message}"


def _receipts(rows: Iterable[StockRow], digest: str) -> Iterator[tuple[Receive, list[int]]]:
    """Put rows together that came in together; return receipts with the numbers of their lines."""
    count = 0
    for _, same in groupby(sorted(rows, key=lambda row: row.head), key=lambda row: row.head):
        group = list(same)
        for start in range(0, len(group), LINES_A_RECEIPT):
            part = group[start : start + LINES_A_RECEIPT]
            count += 1
            lines = tuple(line for row in part for line in row.receipt.lines)
            changes = {"act_id": f"import-{digest}-{count}", "lines": lines}
            yield part[0].receipt.model_copy(update=changes), [row.number for row in part]


def _send(gateway: GatewayClient, table: Path, receipt: Receive, numbers: list[int]) -> ActView:
    try:
        answer = gateway.post(PATH, receipt.model_dump(mode="json", by_alias=True, exclude_none=True))
        return parse(ActView, answer)
    except Failure as failure:
        details = [
            (_LINE_FIELD.sub(lambda at: f"{table}:{numbers[int(at[1])]} ", label), text)
            for label, text in failure.details
        ]
        raise Failure(failure.exit_code, failure.title, *details) from failure


def _wrong(table: Path, findings: list[StockFinding]) -> Failure:
    shown = [(f"{table}:{finding.number}", finding.text) for finding in findings[:FINDINGS_SHOWN]]
    more = len(findings) - len(shown)
    rest = [("", f"and {more} more")] if more > 0 else []
    return Failure(REFUSED, f"{table} has {len(findings)} finding(s); nothing was taken in", *shown, *rest)
