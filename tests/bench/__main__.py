"""Run the bench: `python -m tests.bench [figure…]`. Progress on stderr, one JSON object on stdout."""

import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from rich.console import Console

from gateway.cli.logs import LogFormat, configure_logs
from tests.bench import accepts, orders, planning, restart, roundtrips, steady, stock
from tests.bench.figures import Figure

Measurement = Callable[[Path, Callable[[str], None]], Awaitable[list[Figure]]]

MEASUREMENTS: Final[Mapping[str, Measurement]] = {
    "accepts": accepts.measure,
    "roundtrips": roundtrips.measure,
    "steady": steady.measure,
    "restart": restart.measure,
    "stock": stock.measure,
    "orders": orders.measure,
    "planning": planning.measure,
}


def main(names: Sequence[str]) -> None:
    """Measure what is named, or everything; print the result."""
    console = Console(stderr=True)
    started = time.monotonic()
    figures: list[dict[str, Any]] = []
    for name in names or MEASUREMENTS:
        with (
            TemporaryDirectory(prefix="bench-") as folder,
            (Path(folder) / "bench.log").open("w") as log,
            console.status(name) as status,
        ):
            configure_logs(LogFormat.CONSOLE, log)
            load = os.getloadavg()[0]
            measured = asyncio.run(MEASUREMENTS[name](Path(folder), status.update))
        for figure in measured:
            shown = figure.shown()
            console.print(
                f"{figure.name:<16} {shown['value']:>8} {figure.unit:<4} {shown['target']:<14}"
                f" {'met' if figure.met else 'NOT MET':<8} floor {shown['floor']}"
            )
            figures.append(shown | {"loadBefore": round(load, 2)})
    print(
        json.dumps(
            {
                "python": platform.python_version(),
                "cores": os.cpu_count(),
                "seconds": round(time.monotonic() - started),
                "figures": figures,
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
