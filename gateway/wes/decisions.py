"""What people decided, with who and why, for ever: about orders and messages that waited for them, and how much is kept back."""

from typing import Final

from gateway.contract.corrections import Correction
from gateway.contract.transports import Act
from gateway.kernel.ports import Tx
from gateway.wes.context import WesContext

_NOTE: Final = (
    "INSERT INTO decisions (decision_id, document, document_id, decision, operator, reason, at_us)"
    " VALUES (:decision_id, :document, :document_id, :decision, :operator, :reason, :at_us)"
)


async def note_decision(
    tx: Tx, context: WesContext, document: str, document_id: int, decision: str, act: Act | Correction
) -> None:
    """Keep a decision, in the commit of what it changes.

    Args:
        tx: the transaction.
        context: numbers and time.
        document: what it is about: order, message, safety or product.
        document_id: its number in the WES; of `safety` the pool's; 0 of a product that is there no more.
        decision: what was decided.
        act: who, and why.
    """
    row = {
        "decision_id": context.ids.next(),
        "document": document,
        "document_id": document_id,
        "decision": decision,
        "operator": act.operator,
        "reason": act.reason,
        "at_us": context.clock.now_us(),
    }
    await tx.execute_many(_NOTE, [row])
