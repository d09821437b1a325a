"""Log lines: one format for ours and for those of libraries; the wire libraries' chatter is left to the drivers."""

import json
import logging
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog

from gateway.cli.logs import CHATTY, LogFormat, configure_logs

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in CHATTY}
    # Handlers that are not there when the logs are configured are not closed by it.
    root.handlers.clear()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()


def say_everything() -> None:
    structlog.get_logger().info("the link is lost", link="plc-aisle", reason="料箱")
    token = "hunter2"
    try:
        raise ValueError("boom" if token else "")
    except ValueError:
        structlog.get_logger().exception("a task failed")
    logging.getLogger("uvicorn.error").error("cannot bind to %s", "127.0.0.1:80")
    logging.getLogger("uvicorn.error").info("never shown")
    for name in CHATTY:
        logging.getLogger(f"{name}.client").error("chatter")


def test_json_is_one_object_a_line_for_everybody() -> None:
    stream = StringIO()
    configure_logs(LogFormat.JSON, stream)
    say_everything()
    ours, failed, theirs = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (ours["event"], ours["level"], ours["link"]) == ("the link is lost", "info", "plc-aisle")
    assert ours["reason"] == "料箱" and "料箱" in stream.getvalue()
    assert ours["timestamp"].endswith("Z")
    assert "ValueError: boom" in failed["exception"]
    assert (theirs["event"], theirs["level"]) == ("cannot bind to 127.0.0.1:80", "error")


def test_console_lines_are_plain_where_there_is_no_terminal() -> None:
    stream = StringIO()
    configure_logs(LogFormat.CONSOLE, stream)
    say_everything()
    told = stream.getvalue()
    assert "the link is lost" in told and "link=plc-aisle" in told
    assert "ValueError: boom" in told
    assert "cannot bind to 127.0.0.1:80" in told
    assert "chatter" not in told and "never shown" not in told
    assert "\x1b[" not in told


@pytest.mark.parametrize("log_format", list(LogFormat))
def test_a_stack_trace_shows_no_local_variable(log_format: LogFormat) -> None:
    stream = StringIO()
    configure_logs(log_format, stream)
    say_everything()
    assert "ValueError: boom" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()
