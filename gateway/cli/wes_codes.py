"""`gateway wes codes`: the site's rules for codes, numbers for labels, and what a scanned text is."""

from typing import Annotated

import typer
from pydantic import JsonValue
from rich.text import Text

from gateway.cli.acts import OperatorOption, derived_id, who
from gateway.cli.appearance import Listing, stdout
from gateway.cli.client import (
    DEFAULT_URL,
    JsonOption,
    UrlOption,
    connect,
    content,
    parse,
    parse_items,
    print_json,
)
from gateway.cli.credentials import TokenFileOption
from gateway.contract.acts import ActView
from gateway.contract.codes import ISSUED_MAX, CodeRuleView, CodeView, IssuedKind

LIMIT = 1_000

codes = typer.Typer(
    help="Codes of the site: its rules, numbers for labels, what a scanned text is.", no_args_is_help=True
)


@codes.command("list")
def list_rules(
    url: UrlOption = DEFAULT_URL, token_file: TokenFileOption = None, as_json: JsonOption = False
) -> None:
    """List what codes look like, kind by kind; codes of older versions stay valid."""
    with connect(url, token_file) as gateway:
        page = gateway.items("/v1/wes/codes", {}, LIMIT)
    if as_json:
        print_json(page)
        return
    table = Listing("kind", "version", "valid from", "new ones", "issued", sentences=("made of",))
    for view in parse_items(CodeRuleView, page):
        table.add_row(
            *(view.kind, str(view.version), "" if view.valid_from is None else view.valid_from.isoformat()),
            *("yes" if view.current else "", "yes" if view.issued else "", Text(view.form)),
        )
    none = "the site has no rules for codes: any code will do (docs/site-file.md, CodeRule)"
    stdout().print(table if page["items"] else none, soft_wrap=not page["items"])


@codes.command()
def issue(
    kind: Annotated[IssuedKind, typer.Argument(help="What the numbers are for.")],
    count: Annotated[int, typer.Option("--count", min=1, max=ISSUED_MAX, metavar="N", help="How many.")] = 1,
    text: Annotated[
        str | None,
        typer.Option("--text", metavar="TEXT", help="What the site's rule leaves open, such as a category."),
    ] = None,
    act_id: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="ID", help="The same id again gets the same numbers; without it: a new one."
        ),
    ] = None,
    operator: OperatorOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Issue numbers, one a line: nobody else gets them. Of containers, print their labels next."""
    body: dict[str, JsonValue] = {
        "actId": act_id or derived_id(),
        "operator": who(operator),
        "kind": kind.value,
        "count": count,
        **({} if text is None else {"text": text}),
    }
    with connect(url, token_file) as gateway:
        response = gateway.post("/v1/wes/codes/issues", body)
    if as_json:
        print_json(content(response))
        return
    console = stdout()
    for code in parse(ActView, response).codes or ():
        console.print(Text(code), soft_wrap=True)


@codes.command()
def check(
    code: Annotated[str, typer.Argument(metavar="CODE", help="As a scanner or a reader of tags sends it.")],
    owner: Annotated[
        str | None,
        typer.Option("--owner", metavar="OWNER", help="Whose product; without it: the site's own."),
    ] = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a scanned text is: what it says, which rule it fits or breaks, what the books have under it."""
    asked = {"code": code} | ({} if owner is None else {"ownerId": owner})
    with connect(url, token_file) as gateway:
        response = gateway.get("/v1/wes/codes/reading", asked)
    if as_json:
        print_json(content(response))
        return
    for line in _told(parse(CodeView, response)):
        stdout().print(line, soft_wrap=True)


def _told(view: CodeView) -> list[Text]:
    if view.unreadable is not None:
        return [Text(f"it cannot be read: {view.unreadable}")]
    says = {
        "GTIN": view.gtin,
        "SSCC": view.sscc,
        "lot": view.lot_no,
        "serial number": view.serial,
        "produced on": view.produced_on,
        "best before": view.best_before,
        "expires on": view.expires_on,
        "pieces": view.count,
    }
    lines = [Text(f"{what} {value}") for what, value in says.items() if value is not None]
    lines += [Text(view.doubtful)] if view.doubtful else []
    for each in view.rules:
        digit = "" if not each.check_digit else ", its check digit is right"
        verdict = f"is one{digit}" if each.fits else f"would be one, but {each.text}"
        lines.append(
            Text.assemble(
                f"as a {each.kind} it {verdict}  ", (f"(rule {each.kind} {each.version}: {each.form})", "dim")
            )
        )
    lines += [
        Text(f"the books have {each.kind} {each.id}{'' if each.name is None else f', {each.name}'}")
        for each in view.known
    ]
    return lines or [Text("no rule of the site is about such a code, and the books do not know it")]
