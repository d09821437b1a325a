"""Files that a command was asked to write."""

from pathlib import Path

from gateway.cli.failure import REFUSED, Failure


def write_file(file: Path, content: str | bytes) -> None:
    """Write a file; a text as UTF-8.

    Raises:
        Failure: it cannot be written.
    """
    try:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise Failure(REFUSED, f"{file} cannot be written: {error.strerror}") from error
