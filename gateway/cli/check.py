"""`gateway check`: everything that is wrong with a site, each with its place and what would mend it."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from gateway.cli.appearance import Listing, stdout
from gateway.cli.files import write_file
from gateway.cli.options import SiteOption
from gateway.site.draw import draw
from gateway.site.findings import Finding, SiteInvalid
from gateway.site.handbook import plc_book
from gateway.site.load import load_site
from gateway.site.model import Carrier, Conveyor, Device, Fleet, PutWall, Site


def check(
    site: SiteOption,
    as_json: Annotated[bool, typer.Option("--json", help="Tell it as JSON.")] = False,
    svg: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw a sound site into this file.")
    ] = None,
    plc: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write what its PLCs serve into this file (markdown), for who programs them."
        ),
    ] = None,
) -> None:
    """Check a site: every error at once, with file, line and what would mend it. Ends with 1 if there is any."""
    try:
        sound = load_site(site)
    except SiteInvalid as invalid:
        _tell_findings(invalid.findings, as_json)
        raise typer.Exit(1) from None
    if svg is not None:
        write_file(svg, draw(sound))
    if plc is not None:
        write_file(plc, plc_book(sound))
    if as_json:
        _print_json({"site": sound.id, "ok": True, "counts": counts(sound), "findings": []})
    else:
        _tell_site(sound)


def counts(site: Site) -> dict[str, int]:
    """Return how much of everything a site has."""
    return {
        "links": len(site.links),
        "devices": len(site.devices),
        "vehicles": sum(len(fleet.vehicles) for fleet in site.fleets),
        "locations": len(site.all_locations),
        "nodes": sum(len(road_map.nodes) for road_map in site.road_maps),
        "edges": sum(len(road_map.edges) for road_map in site.road_maps),
        "stations": len(site.stations),
        "containers": len(site.initial_stock()),
    }


def _tell_findings(findings: tuple[Finding, ...], as_json: bool) -> None:
    if as_json:
        _print_json({"ok": False, "findings": [_plain(finding) for finding in findings]})
        return
    console = stdout()
    if console.is_terminal:
        console.print(_table(findings))
    else:
        # One line each, never wrapped: for editors, grep and CI logs.
        for finding in findings:
            sys.stdout.write(f"{finding}\n")
    console.print(Text(f"{len(findings)} finding{'s' * (len(findings) != 1)}", style="bold red"))


def _table(findings: tuple[Finding, ...]) -> Listing:
    table = Listing("where", "what", sentences=("what is wrong", "what mends it"))
    for finding in findings:
        where = Text(f"{finding.file}:{finding.line}", "cyan")
        table.add_row(where, Text(finding.path, "dim"), finding.message, Text(finding.mend, "green"))
    return table


def _plain(finding: Finding) -> dict[str, str | int]:
    return {
        "file": str(finding.file),
        "line": finding.line,
        "path": finding.path,
        "message": finding.message,
        "mend": finding.mend,
    }


def _tell_site(site: Site) -> None:
    console = stdout()
    console.print(_tree(site))
    summary = "  ".join(f"[bold cyan]{count}[/] {thing}" for thing, count in counts(site).items())
    console.print(f"[bold green]ok[/]  {summary}", soft_wrap=True)


def _tree(site: Site) -> Tree:
    tree = Tree(f"[bold]{site.id}[/]")
    for link in site.links:
        branch = tree.add(f"[cyan]{link.id}[/] [dim]{link.kind}[/]")
        for device in (*site.devices, *site.fleets):
            if device.link == link.id:
                branch.add(f"{device.id} [dim]{_described(device)}[/]")
    if site.wes is not None:
        tree.add(f"[cyan]WES core[/] [dim]warehouse {site.wes.warehouse_id}[/]")
    return tree


def _described(device: Device | Fleet) -> str:
    match device:
        case Carrier(kind=kind, profile=profile):
            return f"{kind}, {profile}"
        case Conveyor(channels=channels, profile=profile):
            return f"conveyor of {len(channels)} channels, {profile}"
        case PutWall(slots=slots, profile=profile):
            return f"put wall of {slots} slots, {profile}"
        case Fleet(vehicles=vehicles, road_map=road_map):
            return f"{len(vehicles)} vehicles on {road_map}"


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
