"""Who owns the database: the run with the newest epoch. An older one that still writes is fenced at its next commit."""

from dataclasses import dataclass
from typing import Final, final

from gateway.kernel.clock import EPOCH_2025_S
from gateway.kernel.ports import CannotStart, MustStop, Store, Tx

EPOCH_MAX: Final = 2**32 - 1
"""What devices hold (docs/plc-handshake.md)."""


@final
class Fenced(MustStop):
    """A newer run owns the database."""


async def claim(store: Store, site_id: str, now_us: int) -> int:
    """Make this run the owner.

    Args:
        store: the database.
        site_id: whose gateway this is.
        now_us: wall-clock time.

    Returns:
        Its epoch: higher than every earlier one of this database, and than those of a database that was lost, as devices
        may remember them.

    Raises:
        CannotStart: the data are of another site, or the clock shows a time for which there is no epoch.
    """

    async def job(tx: Tx) -> int:
        rows = await tx.fetch("SELECT epoch, site_id FROM ownership WHERE key = 1")
        previous: int = rows[0][0] if rows else 0
        if rows and rows[0][1] not in (None, site_id):
            raise CannotStart(
                f"these data are of the site {rows[0][1]}, and the site file describes {site_id}:"
                " name the folder of this site with --data; a site that was renamed needs its former id"
            )
        epoch = max(previous + 1, now_us // 1_000_000 - EPOCH_2025_S)
        if epoch > EPOCH_MAX:
            raise CannotStart(
                "the clock of this machine shows a year after 2160: set it right, and start again"
            )
        await tx.execute(
            "INSERT INTO ownership (key, epoch, site_id) VALUES (1, :epoch, :site_id)"
            " ON CONFLICT (key) DO UPDATE SET epoch = excluded.epoch, site_id = excluded.site_id",
            {"epoch": epoch, "site_id": site_id},
        )
        return epoch

    return await store.write(job)


@dataclass(frozen=True, slots=True)
class Ownership:
    """The kernel's Guard: checks inside every transaction that this run still owns the database."""

    epoch: int

    async def __call__(self, tx: Tx) -> None:
        """Raise Fenced if it does not."""
        rows = await tx.fetch("SELECT epoch FROM ownership WHERE key = 1")
        if rows[0][0] != self.epoch:
            raise Fenced(f"this run has epoch {self.epoch}, the database belongs to epoch {rows[0][0]}")
