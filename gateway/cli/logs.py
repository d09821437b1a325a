"""Where log lines go and how they look: for people on a terminal, or one JSON object a line for a collector."""

import logging
from enum import StrEnum
from typing import Final, TextIO

import structlog

CHATTY: Final = ("asyncua", "pymodbus", "mqtt")
"""Libraries of the wire: they tell every failed attempt; our drivers tell a loss once and a recovery once."""


class LogFormat(StrEnum):
    """How log lines look."""

    CONSOLE = "console"
    JSON = "json"


def configure_logs(log_format: LogFormat, stream: TextIO) -> None:
    """Send every log line of this process to a stream, in one format."""
    renderer = (
        structlog.processors.JSONRenderer()
        if log_format is LogFormat.JSON
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(stream=stream, level=logging.WARNING, force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
