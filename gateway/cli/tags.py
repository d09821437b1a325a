"""`gateway tags`: tag tables between profiles (YAML) and the CSV that PLC programmers send."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Never

import typer
from pydantic import ValidationError

from gateway.cli.files import write_file
from gateway.cli.options import SiteOption
from gateway.contract.wiring import Handshake, Profile
from gateway.site.checks import cross_check
from gateway.site.findings import SiteInvalid
from gateway.site.load import load_site
from gateway.site.model import Site
from gateway.site.registers import FIRST_NUMBER
from gateway.site.tags import (
    MAX_CHARACTERS,
    looks_numbered,
    profile_of,
    profile_yaml,
    read_tags,
    untold,
    write_tags,
)

tags = typer.Typer(help="Tag tables of device profiles, as CSV.", no_args_is_help=True)

OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to this file instead of the terminal."),
]


class Protocol(StrEnum):
    """Protocols that have tag tables."""

    MODBUS = "modbus"
    OPCUA = "opcua"


@tags.command("export")
def export_tags(
    site: SiteOption,
    profile: Annotated[str, typer.Option(metavar="ID", help="The profile whose tags are wanted.")],
    output: OutputOption = None,
) -> None:
    """Write the tag table of a profile as CSV."""
    try:
        known = {profile.id: profile for profile in load_site(site).profiles}
    except SiteInvalid as invalid:
        _refuse(str(invalid))
    if profile not in known:
        _refuse(f"there is no profile `{profile}`; the site knows {', '.join(known)}")
    _write(write_tags(known[profile]), output)
    for key, value in untold(known[profile]).items():
        sys.stderr.write(
            f"a table cannot say `{key}: {value}`: write it into the profile that is made of it\n"
        )


@tags.command("import")
def import_tags(
    table: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV: block,name,address,type,length,description")
    ],
    profile_id: Annotated[str, typer.Option("--id", metavar="ID", help="Id of the new profile.")],
    protocol: Annotated[Protocol, typer.Option(help="What the device speaks.")],
    handshake: Annotated[Handshake, typer.Option(help="How it takes commands.")] = Handshake.MAILBOX,
    method: Annotated[str | None, typer.Option(help="Its method, for the handshake `method`.")] = None,
    output: OutputOption = None,
) -> None:
    """Make a profile of a tag table, and check it against the handshake."""
    try:
        with table.open(encoding="utf-8-sig") as stream:
            tables = read_tags(table, stream.read(MAX_CHARACTERS + 1), protocol)
        profile = profile_of(tables, profile_id, protocol, handshake, method)
    except SiteInvalid as error:
        _refuse(str(error))
    except OSError as error:
        _refuse(f"{table}: cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        _refuse(f"{table}: is not UTF-8 text. Mend: save it as `CSV UTF-8`")
    except ValidationError as error:
        _refuse("\n".join(f"{table}: {reason['loc'][0]}: {reason['msg']}" for reason in error.errors()))
    if flaws := _flaws(profile):
        _refuse("\n".join(f"{table}: {flaw}" for flaw in flaws))
    _write(profile_yaml(profile), output)
    if output is not None:
        sys.stderr.write(f"{output}: profile {profile_id}; a site finds it in its folder `profiles`\n")
    if looks_numbered(tables):
        sys.stderr.write(
            f"{table}: every address is {FIRST_NUMBER} or higher. Addresses count registers from 0; if these are the numbers"
            f" that engineering tools show, subtract {FIRST_NUMBER} from each\n"
        )


def _flaws(profile: Profile) -> list[str]:
    """Return what is wrong with a profile by itself."""
    alone = Site(id="alone", profiles=(profile,))
    return [
        f"{'.'.join(str(key) for key in flaw.keys[2:])}: {flaw.message}. Mend: {flaw.mend}"
        for flaw in cross_check(alone)
    ]


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
    else:
        write_file(output, text)


def _refuse(reason: str) -> Never:
    sys.stderr.write(f"{reason}\n")
    raise typer.Exit(1)
