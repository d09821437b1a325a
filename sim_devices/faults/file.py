"""Faults by file: a list of faults and, if wanted, a menu from which a seeded chance draws.

seed: 7
faults:
- {kind: reboot, device: shuttle-2, memoryLost: true, after: {point: moved, times: 3}}
random:
meanIntervalS: 20
menu:
- {kind: jam, device: conveyor-out, durationS: 5}
- {kind: linkDrop, device: lift-1, durationS: 2}
"""

import asyncio
from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveFloat, ValidationError

from gateway.contract.model import WireModel
from gateway.site.document import read_document
from sim_devices.clock import Random
from sim_devices.faults.book import FaultBook
from sim_devices.faults.kinds import Fault


class RandomFaults(WireModel):
    """Faults by chance: one from the menu every `meanIntervalS` on average (exponentially distributed)."""

    mean_interval_s: PositiveFloat
    menu: Annotated[tuple[Fault, ...], Field(min_length=1)]


class FaultFile(WireModel):
    """Faults by file."""

    seed: int = 0
    faults: tuple[Fault, ...] = ()
    random: RandomFaults | None = None


def read_fault_file(path: Path) -> FaultFile:
    """Read a fault file.

    Raises:
        ValueError: it cannot be read, or is no fault file; the text names every place and what is wrong there.
    """
    document = read_document(path)
    if document.findings:
        raise ValueError("\n".join(map(str, document.findings)))
    try:
        return FaultFile.model_validate(document.data)
    except ValidationError as error:
        places = (f"{path}: {'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors())
        raise ValueError("\n".join(places)) from error


async def play(file: FaultFile, book: FaultBook, chance: Random) -> None:
    """Ask for the file's faults, then for random ones until cancelled, or return if it names none.

    Raises:
        NotPossible: the file asks for what cannot happen to a device.
    """
    for fault in file.faults:
        book.add(fault)
    if file.random is None:
        return
    while True:
        await asyncio.sleep(chance.expovariate(1 / file.random.mean_interval_s))
        book.add(chance.choice(file.random.menu))
