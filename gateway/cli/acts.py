"""Acts of people: who and why, and identities that survive a repeated command."""

import getpass
from typing import Annotated

import typer
from pydantic import JsonValue

from gateway.cli.credentials import kept_session
from gateway.kernel.clock import SystemClock, to_datetime

OperatorOption = Annotated[
    str | None,
    typer.Option(
        "--operator", metavar="NAME", help="Who decides; without it: who is signed in, or your user name."
    ),
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; recorded for ever.")]


def act(operator: str | None, reason: str) -> dict[str, JsonValue]:
    """Return who does something and why, as the contract has it.

    Raises:
        typer.BadParameter: nobody is named.
    """
    return {"operator": who(operator), "reason": reason}


def who(operator: str | None) -> str:
    """Return who decides: whoever is named, or is signed in (`gateway login`), or else whoever types.

    Raises:
        typer.BadParameter: an empty name, as of a variable that was never set; or none, and the system does not know the user.
    """
    if operator is None:
        session = kept_session()
        return _user() if session is None else session.person_id
    if not operator.strip():
        raise typer.BadParameter("say who decides; what stands there is empty", param_hint="--operator")
    return operator


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError) as error:
        raise typer.BadParameter(
            "say who decides; this system does not tell", param_hint="--operator"
        ) from error


def derived_id() -> str:
    """Return an id from this microsecond, for a request that was given none."""
    return f"cli-{to_datetime(SystemClock().now_us()):%Y%m%dT%H%M%S%f}"
