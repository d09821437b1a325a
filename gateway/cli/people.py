"""`gateway people`: who may ask for what. The first one must be an administrator; from then on everybody signs in."""

import secrets
import string
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic import JsonValue
from rich.text import Text

from gateway.cli.appearance import Listing, relative, stdout
from gateway.cli.client import (
    DEFAULT_URL,
    JsonOption,
    UrlOption,
    acknowledged,
    connect,
    content,
    parse,
    parse_items,
    print_json,
    segment,
)
from gateway.cli.credentials import TokenFileOption, write_secret
from gateway.cli.failure import REFUSED, Failure
from gateway.contract.people import AuditView, PersonStatus, PersonView, Role, TokenView
from gateway.kernel.clock import SystemClock, to_datetime

PATH: Final = "/v1/people"
LIMIT: Final = 10_000
GROUPS: Final = 4
GROUP: Final = 5
SIGNS: Final = "".join(sorted(set(string.ascii_lowercase + string.digits) - set("0o1li")))
"""Of initial passwords: what is not mistaken for another when it is read from paper. 20 of 31 are 99 bits."""

PersonArgument = Annotated[str, typer.Argument(metavar="NAME", help="The name that is signed in with.")]

people = typer.Typer(
    help="People and machines: who may ask for what. Begin with: gateway people add NAME --role administrator",
    no_args_is_help=True,
)


@people.command()
def add(
    person_id: PersonArgument,
    role: Annotated[
        list[Role], typer.Option("--role", help="What for; may be repeated. A machine is a service.")
    ],
    name: Annotated[
        str | None, typer.Option("--name", metavar="TEXT", help="As others know this person.")
    ] = None,
    phone: Annotated[
        str | None, typer.Option("--phone", metavar="NUMBER", help="How to call this person.")
    ] = None,
    zone: Annotated[
        list[str] | None,
        typer.Option("--zone", metavar="ID", help="Where; may be repeated. Without it: everywhere."),
    ] = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
) -> None:
    """Keep a person, and print the password for the first sign-in; or keep a machine, which gets a token.

    From the first one on, who must be an administrator, everybody is asked who it is.
    """
    body: dict[str, JsonValue] = {
        "personId": person_id,
        "name": name or person_id,
        "roles": [each.value for each in role],
        "zones": list[JsonValue](zone or ()),
    }
    if phone is not None:
        body["phone"] = phone
    password = None if Role.SERVICE in role else _initial_password()
    if password is not None:
        body["initialPassword"] = password
    with connect(url, token_file) as gateway:
        gateway.post(PATH, body)
    if password is None:
        stdout().print(f"{person_id} is kept. Give it a token:  gateway people token {person_id} FILE")
    else:
        _tell_password(person_id, password)


@people.command("list")
def list_people(
    url: UrlOption = DEFAULT_URL, token_file: TokenFileOption = None, as_json: JsonOption = False
) -> None:
    """List people and machines, with what they may do."""
    with connect(url, token_file) as gateway:
        page = gateway.items(PATH, {}, LIMIT)
    if as_json:
        print_json(page)
        return
    _show(parse_items(PersonView, page))


@people.command()
def show(
    person_id: PersonArgument,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a person, and what last happened to the account."""
    with connect(url, token_file) as gateway:
        answer = gateway.get(f"{PATH}/{segment(person_id)}")
        if as_json:
            print_json(content(answer))
            return
        events = gateway.items("/v1/audit", {"personId": person_id}, 10)
    _show([parse(PersonView, answer)])
    _show_audit(parse_items(AuditView, events))


@people.command()
def roles(
    person_id: PersonArgument,
    role: Annotated[list[Role], typer.Argument(help="All roles from now on.")],
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
) -> None:
    """Give a person these roles, in place of those before."""
    _change(person_id, {"roles": [each.value for each in role]}, url, token_file)


@people.command()
def zones(
    person_id: PersonArgument,
    zone: Annotated[
        list[str] | None, typer.Argument(metavar="[ZONE]...", help="All zones; none: everywhere.")
    ] = None,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
) -> None:
    """Have a person act in these zones alone, in place of those before."""
    _change(person_id, {"zones": list[JsonValue](zone or ())}, url, token_file)


@people.command()
def lock(person_id: PersonArgument, url: UrlOption = DEFAULT_URL, token_file: TokenFileOption = None) -> None:
    """Sign a person out everywhere, and let nobody sign in under this name until it is unlocked."""
    _change(person_id, {"status": PersonStatus.LOCKED.value}, url, token_file)


@people.command()
def unlock(
    person_id: PersonArgument, url: UrlOption = DEFAULT_URL, token_file: TokenFileOption = None
) -> None:
    """Let a person sign in again, also after too many wrong passwords."""
    _change(person_id, {"status": PersonStatus.ACTIVE.value}, url, token_file)


@people.command()
def leave(
    person_id: PersonArgument, url: UrlOption = DEFAULT_URL, token_file: TokenFileOption = None
) -> None:
    """A person has left: password and phone are forgotten, and what was done stays under the name.

    Somebody who comes back: `unlock`, then `reset-password`.
    """
    _change(person_id, {"status": PersonStatus.LEFT.value}, url, token_file)


@people.command()
def reset_password(
    person_id: PersonArgument, url: UrlOption = DEFAULT_URL, token_file: TokenFileOption = None
) -> None:
    """Print a password for the next sign-in, in place of a forgotten one."""
    password = _initial_password()
    with connect(url, token_file) as gateway:
        gateway.patch(f"{PATH}/{segment(person_id)}", {"initialPassword": password})
    _tell_password(person_id, password)


@people.command()
def token(
    person_id: PersonArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="New file that gets the token.")],
    days: Annotated[int, typer.Option(min=1, max=3660, metavar="N", help="For how long.")] = 365,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
) -> None:
    """Give a machine a token, in a file that its owner alone can read."""
    if file.exists():
        raise typer.BadParameter(f"{file} is there already", param_hint="FILE")
    with connect(url, token_file) as gateway:
        view = parse(TokenView, gateway.post(f"{PATH}/{segment(person_id)}/tokens", {"days": days}))
    try:
        write_secret(file, view.token)
    except OSError as error:
        again = ("what to do", f"gateway people revoke {person_id}, then ask for another one")
        raise Failure(REFUSED, f"the token cannot be written: {error}", again) from error
    stdout().print(f"{file} holds a token of {person_id} until {view.expires_at:%Y-%m-%d}.")


@people.command()
def revoke(
    person_id: PersonArgument, url: UrlOption = DEFAULT_URL, token_file: TokenFileOption = None
) -> None:
    """End all sessions of a person, or all tokens of a machine."""
    with connect(url, token_file) as gateway:
        acknowledged(gateway.delete(f"{PATH}/{segment(person_id)}/tokens"))
    stdout().print(f"{person_id} is signed out everywhere.")


@people.command()
def audit(
    limit: Annotated[int, typer.Option(min=1, max=LIMIT, metavar="N", help="How many.")] = 50,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what last happened to accounts: sign-ins, failures, locks, changes of rights."""
    with connect(url, token_file) as gateway:
        page = gateway.items("/v1/audit", {}, limit)
    if as_json:
        print_json(page)
        return
    _show_audit(parse_items(AuditView, page))


def _change(person_id: str, change: dict[str, JsonValue], url: str, token_file: Path | None) -> None:
    with connect(url, token_file) as gateway:
        _show([parse(PersonView, gateway.patch(f"{PATH}/{segment(person_id)}", change))])


def _show(views: list[PersonView]) -> None:
    now = to_datetime(SystemClock().now_us())
    table = Listing("name", "known as", "roles", "zones", "status", "phone", "signed in", "last seen")
    for view in views:
        locked = view.locked_until is not None and view.locked_until > now
        status = f"locked until {view.locked_until:%H:%M}" if locked else view.status.value
        table.add_row(
            *(view.person_id, view.name, " ".join(view.roles), " ".join(view.zones) or "all"),
            Text(status, "" if status == PersonStatus.ACTIVE.value else "red"),
            *(view.phone or "", str(view.sessions or "")),
            "" if view.last_seen_at is None else relative(view.last_seen_at, now),
        )
    stdout().print(table)


def _show_audit(views: list[AuditView]) -> None:
    now = to_datetime(SystemClock().now_us())
    table = Listing("when", "what", "whose", "by", sentences=("details",))
    for view in views:
        table.add_row(
            *(
                relative(view.at, now),
                view.kind.value,
                view.person_id or "unknown name",
                view.by,
                view.details,
            )
        )
    stdout().print(table)


def _tell_password(person_id: str, password: str) -> None:
    console = stdout()
    console.print(f"{person_id} signs in with  {password}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"This is told once, and must be changed at the first sign-in:  gateway login {person_id}")


def _initial_password() -> str:
    return "-".join("".join(secrets.choice(SIGNS) for _ in range(GROUP)) for _ in range(GROUPS))
