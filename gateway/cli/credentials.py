"""The API token as the command line gets it: from a file or from the environment, never from the arguments."""

import os
from pathlib import Path
from typing import Annotated, Final

import typer

TOKEN_VARIABLE: Final = "GATEWAY_TOKEN"

TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file", metavar="FILE", help=f"File with the API token; without it ${TOKEN_VARIABLE} counts."
    ),
]


def token_of(token_file: Path | None) -> str | None:
    """Return the API token from its file, or else from the environment, if there is one.

    Raises:
        typer.BadParameter: the file cannot be read, or what is given is no token.
    """
    if token_file is None:
        given, where = os.environ.get(TOKEN_VARIABLE, ""), TOKEN_VARIABLE
        return _checked(given, where) if given else None
    try:
        given = token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"cannot read {token_file}: {error}", param_hint="--token-file") from error
    return _checked(given, "--token-file")


def _checked(token: str, where: str) -> str:
    if not (token and token.isascii() and token.isprintable() and " " not in token):
        raise typer.BadParameter("a token is one word of printable ASCII characters", param_hint=where)
    return token
