"""Tables that several commands show."""

from collections.abc import Iterable
from datetime import datetime

from rich.table import Table
from rich.text import Text

from gateway.cli.appearance import listing, relative, state_text
from gateway.contract.transports import CommandView


def commands_table(commands: Iterable[CommandView], now: datetime) -> Table:
    """Return commands of the journal as a table."""
    table = listing("job", "device", "seq", "command", "from", "to", "status", "issued", "", title="commands")
    for command in commands:
        table.add_row(
            *(str(command.job_id), f"{command.device_id}/{command.channel}", str(command.seq), command.op),
            *(command.source or "", command.target or "", state_text(command.status)),
            *(relative(command.issued_at, now), Text(command.text or "", "dim")),
        )
    return table
