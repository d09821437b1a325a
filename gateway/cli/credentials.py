"""The API token as the command line gets it: from a file or from the environment, never from the arguments."""

import os
import shlex
from pathlib import Path
from stat import S_IRWXG, S_IRWXO
from typing import Annotated, Final

import typer

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
    try:
        given = token_file.read_text(encoding="utf-8").strip()
        shared = os.name == "posix" and token_file.stat().st_mode & (S_IRWXG | S_IRWXO)
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"cannot read {token_file}: {error}", param_hint="--token-file") from error
    if shared:
        raise typer.BadParameter(
            f"others can read or change {token_file}: make it yours alone with  chmod 600 {shlex.quote(str(token_file))}"
            "  and, if others have seen it, make a new token",
            param_hint="--token-file",
        )
    return _checked(given, "--token-file")


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
