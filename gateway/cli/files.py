"""Files that a command was asked to write."""

from pathlib import Path

from gateway.cli.failure import REFUSED, Failure


def write_file(file: Path, text: str) -> None:
    """Write a text.

    Raises:
        Failure: it cannot be written.
    """
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure(REFUSED, f"{file} cannot be written: {error.strerror}") from error
