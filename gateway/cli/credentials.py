"""What the command line shows a gateway: a token from a file or from the environment, never from the arguments; or a session.

`gateway login` keeps one session, in a file of the user's own. A token that is given goes before it.
"""

import os
import shlex
from contextlib import suppress
from pathlib import Path
from stat import S_IRWXG, S_IRWXO
from typing import Annotated, Final

import typer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

SESSION_VARIABLE: Final = "GATEWAY_SESSION_FILE"
TOKEN_VARIABLE: Final = "GATEWAY_TOKEN"
TOKEN_MIN: Final = 16
"""Characters of the shortest token: what can be guessed is none."""

TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file", metavar="FILE", help=f"File with the API token; without it ${TOKEN_VARIABLE} counts."
    ),
]


def token_of(token_file: Path | None) -> str | None:
    """Return the API token from its file, or else from the environment, if there is one.

    Raises:
        typer.BadParameter: the file cannot be read, or others can read it too; what is given is no token, or a short one.
    """
    if token_file is None:
        given, where = os.environ.get(TOKEN_VARIABLE, ""), TOKEN_VARIABLE
        return _checked(given, where) if given else None
    return _checked(read_secret(token_file, "--token-file").strip(), "--token-file")


def read_secret(file: Path, option: str) -> str:
    """Return what stands in a file that its user alone can read.

    Raises:
        typer.BadParameter: the file cannot be read, or others can read it too.
    """
    try:
        secret = file.read_text(encoding="utf-8")
        shared = _is_shared(file)
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"cannot read {file}: {error}", param_hint=option) from error
    if shared:
        raise typer.BadParameter(
            f"others can read or change {file}: make it yours alone with  chmod 600 {shlex.quote(str(file))}"
            "  and, if others have seen it, take a new one",
            param_hint=option,
        )
    return secret


class KeptSession(BaseModel):
    """The session that `gateway login` has begun.

    Attributes:
        url: of the gateway that it is of; no other is shown its token.
        person_id: who does what this user types.
    """

    model_config = ConfigDict(frozen=True)

    url: str
    person_id: str
    token: str = Field(repr=False)


def kept_session() -> KeptSession | None:
    """Return the session of this user, if there is one.

    Raises:
        typer.BadParameter: others can read its file.
    """
    file = _session_file()
    try:
        session = KeptSession.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return None
    if _is_shared(file):
        raise typer.BadParameter(f"others can read or change {file}: sign in again with  gateway login NAME")
    return session


def keep_session(session: KeptSession) -> None:
    """Keep a session in place of the one before, where nobody but this user can read it.

    Raises:
        OSError: it cannot be written.
    """
    file = _session_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    write_secret(file, session.model_dump_json())


def forget_session() -> None:
    """Forget the session of this user."""
    with suppress(OSError):
        _session_file().unlink(missing_ok=True)


def write_secret(file: Path, text: str) -> None:
    """Write a new file that nobody but its owner can read.

    Raises:
        OSError: it is there already, or cannot be written.
    """
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as written:
        written.write(f"{text}\n")


def _session_file() -> Path:
    given = os.environ.get(SESSION_VARIABLE)
    return Path(given) if given else Path(typer.get_app_dir("warehouse-gateway")) / "session.json"


def _is_shared(file: Path) -> bool:
    """Tell whether others can read or change a file, where a system says so by its mode."""
    return os.name == "posix" and bool(file.stat().st_mode & (S_IRWXG | S_IRWXO))


def _checked(token: str, where: str) -> str:
    if not (token and token.isascii() and token.isprintable() and " " not in token):
        raise typer.BadParameter("a token is one word of printable ASCII characters", param_hint=where)
    if len(token) < TOKEN_MIN:
        raise typer.BadParameter(
            f"the token is too short, {len(token)} characters where {TOKEN_MIN} are the least; make one with"
            "  (umask 077; openssl rand -hex 32 > token)  and give that file with --token-file",
            param_hint=where,
        )
    return token
