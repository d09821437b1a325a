"""Commands of upstream from a broker (S4-14): each message once, in the transaction of what it does.

A command that is declined is told upstream (FAIL) and is not an error; a message that cannot be made durable now is given back
to the broker and comes again.
"""

from functools import partial
from typing import Any, Final

import structlog
from pydantic import JsonValue, ValidationError

from gateway.contract.faults import FieldError
from gateway.contract.misfits import field_error
from gateway.contract.nul import NO_NUL, holds_nul
from gateway.contract.problems import Reason
from gateway.contract.strict_json import read_json
from gateway.contract.wms import CallbackDetails, CancelCommand, ResultCode
from gateway.delivery.brokers import Incoming, command_topics
from gateway.kernel.ports import Tx
from gateway.site.wes import BrokerUpstream
from gateway.wes.core import WesCore
from gateway.wes.floor.cancel import cancel
from gateway.wes.orders.declined import Declined
from gateway.wes.orders.intake import Prepared, prepare, take
from gateway.wes.outbox import tell_failure

log = structlog.get_logger()

BODY_MAX_BYTES: Final = 1_000_000

_TAKEN: Final = "INSERT INTO inbox (consumer, message_id, at_us) VALUES (:consumer, :message_id, :at_us) ON CONFLICT DO NOTHING"


class Inbound:
    """Takes messages of upstream."""

    def __init__(self, core: WesCore, settings: BrokerUpstream) -> None:
        self._core = core
        self._consumer = settings.consumer
        self._commands, self._cancellations = command_topics(settings.topics, core.context.wes.warehouse_id)

    async def take(self, message: Incoming) -> None:
        """Take one message; return once what came of it is durable."""
        try:
            raw = _read(message.body)
        except Declined as unreadable:
            is_new = await self._core.store.write(partial(self._decline, message, unreadable))
            if is_new and message.topic == self._commands:
                self._core.note_command(taken=False)
            return
        if message.topic == self._cancellations:
            await self._core.store.write(lambda tx: self._cancel(tx, message, raw))
            return
        prepared = await prepare(self._core.store, self._core.context, self._core.numbers, raw)
        taken = await self._core.store.write(lambda tx: self._command(tx, message, raw, prepared))
        if taken is not None:
            self._core.note_command(taken=taken)

    async def _command(self, tx: Tx, message: Incoming, raw: JsonValue, prepared: Prepared) -> bool | None:
        if not await self._is_new(tx, message):
            return None
        context = self._core.context
        try:
            await tx.attempt(lambda part: take(context, prepared, part))
        except Declined as declined:
            await self._fail(tx, raw, declined)
            return False
        return True

    async def _cancel(self, tx: Tx, message: Incoming, raw: JsonValue) -> None:
        if not await self._is_new(tx, message):
            return
        try:
            request = _cancellation(raw)
            await tx.attempt(lambda part: cancel(part, self._core.context, request))
        except Declined as declined:
            await self._fail(tx, raw, declined)

    async def _decline(self, message: Incoming, unreadable: Declined, tx: Tx) -> bool:
        is_new = await self._is_new(tx, message)
        if is_new:
            await self._fail(tx, None, unreadable)
        return is_new

    async def _is_new(self, tx: Tx, message: Incoming) -> bool:
        """Note a message; False if it has been taken before. One without an identity is known by what it asks for."""
        if message.message_id is None:
            return True
        row: dict[str, Any] = {
            "consumer": f"{self._consumer}/{message.topic}",
            "message_id": message.message_id,
            "at_us": self._core.context.clock.now_us(),
        }
        return await tx.execute(_TAKEN, row) > 0

    async def _fail(self, tx: Tx, raw: JsonValue, declined: Declined) -> None:
        body = raw if isinstance(raw, dict) else {}
        log.info("a message of upstream was declined", code=declined.code.value, why=str(declined))
        errors = tuple(
            Reason(field=each.field, code=each.code, message=each.message) for each in declined.reasons
        )
        details = CallbackDetails(
            command_id=_text(body.get("commandId")),
            error_code=declined.code.value,
            error_message=str(declined),
            errors=errors,
        )
        await tell_failure(tx, self._core.context, _text(body.get("orderNo")), details)


def _read(body: bytes) -> JsonValue:
    """Return what a message says.

    Raises:
        Declined: that is no JSON, or none that can be kept.
    """
    if len(body) > BODY_MAX_BYTES:
        text = f"the message takes more than {BODY_MAX_BYTES} bytes"
        raise Declined(ResultCode.INVALID, FieldError("", "tooLarge", text))
    try:
        raw = read_json(body)
    except ValueError as error:
        text = f"the message is no JSON: {error}"
        raise Declined(ResultCode.INVALID, FieldError("", "brokenJson", text)) from None
    if holds_nul(body):
        raise Declined(ResultCode.INVALID, FieldError("", "nulCharacter", NO_NUL))
    return raw


def _cancellation(raw: JsonValue) -> CancelCommand:
    try:
        return CancelCommand.model_validate(raw)
    except ValidationError as error:
        reasons: list[FieldError] = [field_error(each, each["loc"]) for each in error.errors()]
        raise Declined(ResultCode.INVALID, *reasons) from None


def _text(value: JsonValue) -> str | None:
    return value[:64] if isinstance(value, str) else None
