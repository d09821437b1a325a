"""The log of a simulated gateway: its last lines are kept, and a line that tells of a fault of the program is wrong."""

import traceback
from collections import deque
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from typing import Any, Final

import structlog

LINES_KEPT: Final = 200
SAID_OF_FAULTS: Final = frozenset({"nothing can be made durable: requests are refused, nothing is commanded"})
"""What the gateway rightly calls an error, because an operator has to do something about it."""


@contextmanager
def log_into(wrong: list[str]) -> Generator[deque[str]]:
    """Yield the last lines as they come; what is wrong goes to the list."""
    kept: deque[str] = deque(maxlen=LINES_KEPT)

    def keep(_: Any, level: str, entry: MutableMapping[str, Any]) -> str:
        broken = entry.pop("exc_info", None)
        words = " ".join(f"{key}={value}" for key, value in entry.items() if key != "event")
        line = f"{level}: {entry['event']} {words}"
        kept.append(line)
        if level in ("error", "exception", "critical") and entry["event"] not in SAID_OF_FAULTS:
            wrong.append(f"{line} {traceback.format_exc() if broken else ''}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[keep], cache_logger_on_first_use=False)
    try:
        yield kept
    finally:
        structlog.configure(**before)
