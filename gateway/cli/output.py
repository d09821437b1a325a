"""Where answers go: to a disk that may be full, to a reader that may have gone, or nowhere at all."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, Final, TextIO, cast, final

from gateway.cli.failure import REFUSED, Failure

READER_GONE: Final = 141
"""Exit status of a program that writes to somebody who no longer reads, as shells know it: 128 + SIGPIPE."""


@contextmanager
def answers() -> Generator[None]:
    """Let a command tell what it has to, all of it before it ends.

    Raises:
        Failure: there is no room for what was to be told.
        SystemExit: nobody reads it any more.
    """
    try:
        with redirect_stdout(cast(TextIO, _Output(sys.stdout))):
            try:
                yield
            finally:
                sys.stdout.flush()
    except Unwritten as unwritten:
        if isinstance(unwritten.why, BrokenPipeError):
            raise SystemExit(READER_GONE) from None
        raise Failure(REFUSED, f"the answer cannot be written: {unwritten.why.strerror}") from None


@final
class Unwritten(Exception):  # noqa: N818 - becomes a failure
    """What was to be told could not be written."""

    def __init__(self, why: OSError) -> None:
        super().__init__(str(why))
        self.why = why


@final
class _Output:
    """A stream whose own errors are told from those of a command's work."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with self._told():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._told():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextmanager
    def _told(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            self._silence()
            raise Unwritten(error) from error

    def _silence(self) -> None:
        """Let go nowhere what is still in the stream: the interpreter would complain of it in the end."""
        with suppress(OSError), open(os.devnull, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), self._stream.fileno())
