"""Questions to the person who stands at a slot: asked once, open until somebody has answered or events have."""

from enum import StrEnum
from typing import Final

from gateway.kernel.ports import SqlValue, Tx
from gateway.wes.context import WesContext
from gateway.wes.planning.tasks import missing

NOTICE_US: Final = 5_000_000
"""A hand in a lit slot is no question before so much time without a button."""


class QuestionKind(StrEnum):
    """What a person is asked."""

    NO_BUTTON = "noButton"
    """A hand was in a lit slot, and no button was pressed: were the pieces put?"""
    DARK_SLOT = "darkSlot"
    """A hand was in a slot that is not lit: was something put into the wrong slot?"""
    LESS = "less"
    """Fewer pieces were put than were picked for the slot: what about the others?"""
    UNWANTED = "unwanted"
    """Pieces were put for work that had been taken back, or that the books have elsewhere: they are to be taken out again."""
    REFUSED = "refused"
    """The gateway does not know the slot."""
    STILL_LIT = "stillLit"
    """A slot is to go dark, and its wall does not answer: nothing may be put there."""
    WITHDRAWN = "withdrawn"
    """Somebody else has withdrawn the put at the gateway."""


_ASK: Final = (
    "INSERT INTO questions (question_id, station_id, slot_id, kind, put_id, text, at_us)"
    " VALUES (:question_id, :station_id, :slot_id, :kind, :put_id, :text, :at_us)"
)
_ASKED: Final = (
    "SELECT 1 FROM questions WHERE station_id = :station_id AND slot_id = :slot_id AND kind = :kind"
    " AND settled_at IS NULL"
)
_SETTLE: Final = "UPDATE questions SET settled_at = :at_us, settled_by = :operator WHERE settled_at IS NULL"
_ANSWERED: Final = f"{_SETTLE} AND question_id = :question_id"
_SETTLED: Final = f"{_SETTLE} AND put_id = :put_id AND kind = :kind"


async def ask(
    tx: Tx,
    context: WesContext,
    station_id: str,
    slot_id: str,
    kind: QuestionKind,
    text: str,
    put_id: int | None,
) -> None:
    """Ask a person; what is asked already is not asked twice."""
    which: dict[str, SqlValue] = {"station_id": station_id, "slot_id": slot_id, "kind": kind}
    if await tx.fetch(_ASKED, which):
        return
    more: dict[str, SqlValue] = {
        "question_id": context.ids.next(),
        "put_id": put_id,
        "text": text,
        "at_us": context.clock.now_us(),
    }
    await tx.execute_many(_ASK, [which | more])


async def answer(tx: Tx, context: WesContext, question_id: int, operator: str) -> None:
    """Note that a question is answered.

    Raises:
        Refusal: it is not open.
    """
    row = {"question_id": question_id, "operator": operator, "at_us": context.clock.now_us()}
    if not await tx.execute(_ANSWERED, row):
        raise missing("questionId", f"no open question {question_id}")


async def settle(tx: Tx, context: WesContext, kind: QuestionKind, put_id: int, operator: str) -> None:
    """Note that a question about a put has answered itself."""
    row: dict[str, SqlValue] = {
        "kind": kind,
        "put_id": put_id,
        "operator": operator,
        "at_us": context.clock.now_us(),
    }
    await tx.execute_many(_SETTLED, [row])
