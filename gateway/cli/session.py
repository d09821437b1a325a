"""`gateway login` and `gateway logout`: from then on every command acts as that person."""

from pathlib import Path
from typing import Annotated

import httpx
import typer

from gateway.cli.appearance import stdout
from gateway.cli.client import DEFAULT_URL, UrlOption, acknowledged, connect_as, parse
from gateway.cli.credentials import KeptSession, forget_session, keep_session, kept_session, read_secret
from gateway.cli.failure import REFUSED, Failure
from gateway.contract.people import NewSessionView

PATH = "/v1/session"


def login(
    person_id: Annotated[str, typer.Argument(metavar="NAME", help="The name that you sign in with.")],
    change_password: Annotated[
        bool, typer.Option("--change-password", help="Take a new password, too.")
    ] = False,
    password_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File with the password, and with the new one in its second line, for scripts.",
        ),
    ] = None,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Sign in. The session is kept in a file that you alone can read, until it ends or you sign out.

    Who signs in for the first time, or after a reset, takes a password of their own: 12 characters or more.
    """
    given = [] if password_file is None else read_secret(password_file, "--password-file").splitlines()
    password = given[0] if given else typer.prompt("Password", hide_input=True, err=True)
    with connect_as(url, None) as gateway:
        view = parse(NewSessionView, gateway.post(PATH, {"personId": person_id, "password": password}))
        session = KeptSession(url=str(httpx.URL(url)), person_id=view.person.person_id, token=view.token)
    if change_password or view.person.must_change_password:
        new = given[1] if len(given) > 1 else _new_password()
        with connect_as(url, view.token) as gateway:
            acknowledged(gateway.post(f"{PATH}/password", {"old": password, "new": new}))
    _keep(session)
    stdout().print(f"{view.person.name} is signed in until {view.expires_at.astimezone():%Y-%m-%d %H:%M}.")


def logout() -> None:
    """Sign out: the session's token opens nothing any more."""
    session = kept_session()
    if session is None:
        stdout().print("Nobody is signed in.")
        return
    try:
        with connect_as(session.url, session.token) as gateway:
            acknowledged(gateway.delete(PATH))
    finally:
        forget_session()
    stdout().print(f"{session.person_id} is signed out.")


def _keep(session: KeptSession) -> None:
    try:
        keep_session(session)
    except OSError as error:
        raise Failure(REFUSED, f"the session cannot be kept: {error}") from error


def _new_password() -> str:
    typer.echo("Take a password of your own: 12 characters or more, without your name.", err=True)
    return typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True)
