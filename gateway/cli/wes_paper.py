"""`gateway wes label`, `document`: what people stick on things and carry, for an office printer or a label printer."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.client import DEFAULT_URL, UrlOption, connect, segment
from gateway.cli.credentials import TokenFileOption
from gateway.cli.failure import REFUSED, Failure
from gateway.cli.files import write_file
from gateway.contract.labels import LabelFormat


class Labelled(StrEnum):
    """What has a label."""

    CONTAINER = "container"
    LOCATION = "location"
    LOT = "lot"
    PACKAGE = "package"


_PATHS: Final = {
    Labelled.CONTAINER: ("/v1/wes/labels/containers", "containerId"),
    Labelled.LOCATION: ("/v1/wes/labels/locations", "locationId"),
    Labelled.LOT: ("/v1/wes/labels/lots", "skuId"),
    Labelled.PACKAGE: ("/v1/wes/labels/packages", "packageNo"),
}
AT_ONCE: Final = 100
"""Labels in one answer."""

OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FILE", dir_okay=False, help="Where to write it; without it: to the output."
    ),
]


def label(
    kind: Annotated[Labelled, typer.Argument(help="What has a label.")],
    ids: Annotated[
        list[str],
        typer.Argument(
            metavar="ID…", help="Containers, locations, numbers of packages, or a lot's product (SKU)."
        ),
    ],
    as_: Annotated[
        LabelFormat,
        typer.Option(
            "--as", help="For an office printer (pdf, svg), a label printer (zpl), or as data (json)."
        ),
    ] = LabelFormat.PDF,
    lot: Annotated[str, typer.Option("--lot", metavar="LOT", help="Of a lot: its number.")] = "",
    copies: Annotated[
        int, typer.Option("--copies", min=1, max=AT_ONCE, metavar="N", help="Of a lot: so many labels.")
    ] = 1,
    out: OutOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
) -> None:
    """Draw labels, each on a page of its own. A label printer is sent what it prints: … --as zpl | nc PRINTER 9100."""
    path, name = _PATHS[kind]
    if kind is Labelled.LOT and len(ids) > 1:
        raise typer.BadParameter("a lot is one of one product: name it with --lot", param_hint="ID…")
    if kind is not Labelled.LOT and (lot or copies > 1):
        raise typer.BadParameter("only lots have it", param_hint="--lot" if lot else "--copies")
    if len(ids) > AT_ONCE:
        raise typer.BadParameter(f"at most {AT_ONCE} at once", param_hint="ID…")
    params: dict[str, str | int | list[str]] = {name: ids, "format": as_.value}
    if kind is Labelled.LOT:
        params |= {"lotNo": lot, "copies": copies}
    with connect(url, token_file) as gateway:
        put_out(gateway.get(path, params).content, out)


def put_out(content: bytes, out: Path | None) -> None:
    """Write what a printer or a person is to have into a file, or to the output.

    Raises:
        Failure: the file cannot be written, or what is no text is to be written to the output.
    """
    if out is not None:
        write_file(out, content)
    elif content.startswith(b"%PDF"):
        raise Failure(REFUSED, "a PDF is no text", ("what to do", "name a file: --out FILE"))
    else:
        sys.stdout.write(content.decode())


class Document(StrEnum):
    """What people carry."""

    PICK = "pick"
    PACKAGE = "package"
    ARRIVAL = "arrival"
    COUNT = "count"
    TRANSFER = "transfer"


_DOCUMENTS: Final = {
    Document.PICK: "picks",
    Document.PACKAGE: "packages",
    Document.ARRIVAL: "arrivals",
    Document.COUNT: "counts",
    Document.TRANSFER: "transfers",
}


def document(
    kind: Annotated[Document, typer.Argument(help="Of what.")],
    number: Annotated[
        str, typer.Argument(metavar="NUMBER", help="Of the work order, package, notice, count or transfer.")
    ],
    out: OutOption = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
) -> None:
    """Make a page to print: a pick list, a packing slip, what is to come, to be counted, or to be moved."""
    with connect(url, token_file) as gateway:
        path = f"/v1/wes/documents/{_DOCUMENTS[kind]}/{segment(number)}"
        put_out(gateway.get(path, accept="text/html").content, out)
