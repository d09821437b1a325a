"""What is wrong with a site: where it stands, what it is, what mends it. All of it is told at once."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import final

Keys = tuple[str | int, ...]
"""The way from the root of a YAML file, or of the merged site, to a value: `("devices", 3, "channel")`."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        line: from 1.
        path: the value in the file's own words: `devices[shuttle-1].channel.base`; empty for the file itself.
        message: what is wrong.
        mend: what would mend it.
    """

    file: Path
    line: int
    path: str
    message: str
    mend: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: {self.path}" if self.path else f"{self.file}:{self.line}"
        return f"{where}: {self.message}. Mend: {self.mend}"


@dataclass(frozen=True, slots=True)
class Flaw:
    """A finding as a cross-check makes it, before its keys are looked up in the files.

    Attributes:
        other: the second place that takes part, if there is one.
        nobody: the name, or the pattern of names, that nobody has, if that is the flaw.
    """

    keys: Keys
    message: str
    mend: str
    other: Keys = ()
    nobody: str = ""


@final
class SiteInvalid(Exception):  # noqa: N818 - what was read is wrong, not the program
    """A site, or a file that belongs to one, is wrong; carries everything that is."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(sorted(set(findings)))
        super().__init__("\n".join(str(finding) for finding in self.findings))


def without_credentials(address: str) -> str:
    """Return what somebody has written for an address as it may be shown: whatever stands before the last @ may be a password."""
    return re.sub(r"^([a-z]+://)?.*@", r"\1…@", address, flags=re.DOTALL)
