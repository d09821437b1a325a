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
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field, PositiveFloat, ValidationError
from pydantic_core import ErrorDetails

from gateway.contract.misfits import field_error, without_kinds
from gateway.contract.model import WireModel
from gateway.site.document import Document, read_document
from sim_devices.clock import Random
from sim_devices.faults.book import FAULTS_HELD, FaultBook, NotPossible
from sim_devices.faults.kinds import Fault


class RandomFaults(WireModel):
    """Faults by chance: one from the menu every `meanIntervalS` on average (exponentially distributed)."""

    mean_interval_s: PositiveFloat
    menu: Annotated[tuple[Fault, ...], Field(min_length=1)]


class FaultFile(WireModel):
    """Faults by file."""

    seed: int = 0
    faults: Annotated[tuple[Fault, ...], Field(max_length=FAULTS_HELD)] = ()
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
        raise ValueError("\n".join(_told(document, each) for each in error.errors())) from error


def _told(document: Document, error: ErrorDetails) -> str:
    place = without_kinds({**error, "loc": ("body", *error["loc"])}, document.data)
    misfit = field_error(error, place)
    return f"{document.file}:{document.line(place)}: {misfit.field or 'file'}: {misfit.message}"


def misfits(file: FaultFile, book: FaultBook) -> Iterator[str]:
    """Yield each place of the file that asks for what cannot happen to a device of the site, and why."""
    lists = {"faults": file.faults, "random.menu": file.random.menu if file.random else ()}
    for name, faults in lists.items():
        for index, fault in enumerate(faults):
            try:
                book.place_of(fault)
            except NotPossible as reason:
                yield f"{name}[{index}]: {reason}"


async def play(file: FaultFile, book: FaultBook, chance: Random) -> None:
    """Ask for the file's faults, then for random ones until cancelled, or return if it names none.

    A random fault for which the book has no room is left out.

    Raises:
        NotPossible: the file asks for what cannot happen to a device.
    """
    for fault in file.faults:
        book.add(fault)
    if file.random is None:
        return
    while True:
        await asyncio.sleep(chance.expovariate(1 / file.random.mean_interval_s))
        fault = chance.choice(file.random.menu)
        if book.has_room():
            book.add(fault)
