"""What several commands show: commands of the journal, and the data of events."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from rich.text import Text

from gateway.cli.appearance import Listing, relative, state_text
from gateway.contract.transports import CommandView

TOLD_MAX: Final = 80
"""Characters of one value; whoever wants all of it asks for JSON."""


def told(data: Mapping[str, Any], known: Collection[str]) -> str:
    """Return an event's data in one line for people.

    Args:
        data: as the event has it.
        known: keys that stand elsewhere.
    """
    shown = ((key, value) for key, value in data.items() if key not in known and value not in (None, {}, []))
    return " ".join(f"{key}={_brief(value)}" for key, value in shown)


def _brief(value: Any) -> str:
    match value:
        case str():
            text = value
        case {"code": str(code)}:
            text = code
        case [{"source": source, "target": str()}, *_]:  # the legs of a way
            text = "→".join([source or "on board", *(leg["target"] for leg in value)])
        case _:
            text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= TOLD_MAX else f"{text[: TOLD_MAX - 1]}…"


def commands_table(commands: Iterable[CommandView], now: datetime) -> Listing:
    """Return commands of the journal as a table."""
    table = Listing(
        "job",
        "device",
        "seq",
        "command",
        "from",
        "to",
        "status",
        "issued",
        sentences=("outcome",),
        title="commands",
    )
    for command in commands:
        table.add_row(
            *(str(command.job_id), f"{command.device_id}/{command.channel}", str(command.seq), command.op),
            *(command.source or "", command.target or "", state_text(command.status)),
            *(relative(command.issued_at, now), Text(command.text or "", "dim")),
        )
    return table
