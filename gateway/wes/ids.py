"""Numbers for documents, lots and whatever else needs an identity: unique without a row that everybody waits for.

A run takes a block of numbers before its first act, durably, and hands them out in memory. What a crash leaves unused
is lost, and there is enough of it: a block is three years at a thousand numbers a second, and 90,000 runs take their
blocks before the numbers reach 2^53, where JSON readers would begin to round them.
"""

from typing import Final

from gateway.kernel.ports import Store, Tx

BLOCK: Final = 100_000_000_000
NUMBER_MAX: Final = 2**53 - 1

_TAKE = (
    "INSERT INTO id_blocks (name, next) VALUES ('wes', CAST(:size AS BIGINT) + 1)"
    " ON CONFLICT (name) DO UPDATE SET next = id_blocks.next + :size RETURNING next"
)


class Ids:
    """Numbers of one block, each of them once."""

    def __init__(self, first: int, end: int) -> None:
        """Args: end: the first number that is no longer of the block."""
        self._numbers = iter(range(first, end))

    def next(self) -> int:
        """Return a number that nobody else has had.

        Raises:
            OverflowError: the block is used up; another run takes another one.
        """
        number = next(self._numbers, None)  # one step, as jobs ask from several threads
        if number is None:
            raise OverflowError("the numbers of this run are used up: start again")
        return number


async def take_ids(store: Store, size: int = BLOCK) -> Ids:
    """Take a block of numbers for this run.

    Raises:
        OverflowError: there are none left.
    """

    async def job(tx: Tx) -> int:
        return (await tx.fetch(_TAKE, {"size": size}))[0][0]

    end = await store.write(job)
    if end > NUMBER_MAX:
        raise OverflowError(f"numbers end at {NUMBER_MAX}: a new database is needed")
    return Ids(end - size, end)
