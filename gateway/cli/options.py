"""Options that `run`, `sim` and `demo` share, and what they mean once they are read and found right."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli.failure import REFUSED, Failure
from gateway.site.findings import SiteInvalid, without_credentials
from gateway.site.load import load_site
from gateway.site.model import Site
from gateway.site.ports import with_broker, with_ports_from

DEMO_SITE: Final = Path(__file__).resolve().parents[2] / "config" / "demo"


def given_path(path: str | Path) -> Path:
    """Return a path that somebody has named; an empty one, as an unset variable makes it, would be the current folder.

    Raises:
        typer.BadParameter: it is empty.
    """
    if not str(path):
        raise typer.BadParameter("what stands there is empty; the current folder is called .")
    return Path(path)


def given_folder(path: str | Path) -> Path:
    """Return a folder that somebody has named, be it there or not.

    Raises:
        typer.BadParameter: it is empty, or a file.
    """
    if given_path(path).is_file():
        raise typer.BadParameter(f"{path} is a file, not a folder")
    return Path(path)


SITE_HELP: Final = "Folder of the site, or its one file."
SiteOption = Annotated[Path, typer.Option("--site", metavar="PATH", parser=given_path, help=SITE_HELP)]
DataOption = Annotated[
    Path,
    typer.Option(
        "--data", metavar="DIR", parser=given_folder, help="Folder of everything that must survive."
    ),
]
PortsFromOption = Annotated[
    int | None,
    typer.Option(
        "--ports-from",
        min=1,
        max=65535,
        metavar="N",
        help="Give the site's links the ports N, N+1, … in file order; a `sim` and a `run` with the same N meet.",
    ),
]
BrokerOption = Annotated[
    str | None,
    typer.Option(
        "--broker",
        metavar="URL",
        help="Broker instead of the site's: `embedded`, mqtt://host:port or mqtts://host:port.",
    ),
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, metavar="N", help="Decides everything that is random.")
]
FaultsOption = Annotated[
    Path | None,
    typer.Option(
        "--faults",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
        help="Faults of the simulated devices, as a file.",
    ),
]
SpeedOption = Annotated[
    float,
    typer.Option(
        "--speed", min=0.01, max=10_000, metavar="X", help="Simulated motion runs so many times as fast."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimOptions:
    """How simulated devices are run alone.

    Attributes:
        site: with the ports and the broker to use.
        port: of /v1/sim.
        speed: times as fast as real time.
        seed: decides everything that is random.
        faults: file of faults.
        state: file that keeps where loads are over the end of the process; None: nothing does.
        hands: whether somebody stands at the put walls and presses their buttons.
    """

    site: Site
    port: int
    speed: float
    seed: int
    faults: Path | None
    state: Path | None = None
    hands: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """How a demo is run: a gateway and its simulated devices.

    Attributes:
        site: with the ports and the broker to use.
        transports: how many are asked for, without a WES core; None: orders, or, where the site has none, until it is stopped.
        orders: how many are placed; None: until it is stopped.
        leave: end once they have ended, without the live view.
        port: of the HTTP interface.
        data: folder of the gateway's data; None: a temporary one.
        speed: times as fast as real time.
        seed: decides everything that is random.
        faults: file of faults.
        cancel_share, short_share: of the orders, 0 … 1: cancelled soon after; for more than there is, and cancelled for that.
        return_share: of the orders that have left, 0 … 1: something of them comes back.
        pace: people work so many times as fast as usual.
        mistakes: share of their acts in which something goes wrong; None: hardly any.
    """

    site: Site
    transports: int | None
    orders: int | None
    leave: bool
    port: int
    data: Path | None
    speed: float
    seed: int
    faults: Path | None
    cancel_share: float
    short_share: float
    return_share: float
    pace: float
    mistakes: float | None


def site_of(folder: Path, ports_from: int | None, broker: str | None) -> Site:
    """Read a site and give it other ports and another broker, where that is wanted.

    Raises:
        Failure: something is wrong with the site; all of it is told.
        typer.BadParameter: the ports or the broker cannot be.
    """
    try:
        site = load_site(folder)
    except SiteInvalid as invalid:
        findings = [("", str(finding)) for finding in invalid.findings]
        raise Failure(REFUSED, f"the site {folder} has {len(findings)} finding(s)", *findings) from invalid
    if ports_from is not None:
        try:
            site = with_ports_from(site, ports_from)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--ports-from") from error
    if broker is not None:
        try:
            site = with_broker(site, broker)
        except ValueError as error:
            raise typer.BadParameter(
                f"{without_credentials(broker)} is neither `embedded` nor mqtt://host:port nor mqtts://host:port;"
                " user and password stand in the site: `username`, `password_file`",
                param_hint="--broker",
            ) from error
    return site
