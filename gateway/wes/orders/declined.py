"""A request of upstream that was declined: it changed nothing, and every reason is told at once."""

from typing import final

from gateway.contract.faults import FieldError
from gateway.contract.wms import ResultCode


@final
class Declined(Exception):  # noqa: N818 - an answer, not an error of the program
    """The answer to a request that was not carried out."""

    def __init__(self, code: ResultCode, *reasons: FieldError) -> None:
        super().__init__("; ".join(reason.message for reason in reasons))
        self.code = code
        self.reasons = reasons
