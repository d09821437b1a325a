"""Where log lines go and how they look: for people on a terminal, or one JSON object a line for a collector."""

import logging
from contextlib import suppress
from enum import StrEnum
from typing import Final, TextIO, cast

import structlog
from structlog.typing import Processor

CHATTY: Final = ("asyncua", "pymodbus", "mqtt", "nats", "aiokafka", "aio_pika", "aiormq", "redis")
"""Libraries of the wire: they tell every failed attempt; we tell a loss once and a recovery once."""


class LogFormat(StrEnum):
    """How log lines look."""

    CONSOLE = "console"
    JSON = "json"


def configure_logs(log_format: LogFormat, stream: TextIO) -> None:
    """Send every log line of this process to a stream, those of libraries too, in one format."""
    common: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last = _last_steps(log_format, stream)
    structlog.configure(
        processors=[*common, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Careless(stream))),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=common,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.CRITICAL)


class _Careless:
    """A stream that may lose lines: where there is no room for them, or nobody reads them, the gateway's work goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def _last_steps(log_format: LogFormat, stream: TextIO) -> list[Processor]:
    if log_format is LogFormat.JSON:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    # Plain, because the rich form shows local variables, and with them whatever is secret.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain)]
