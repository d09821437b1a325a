"""What is told of some days (contract v1, /v1/wes): goods that left, how suppliers deliver, and the report that is made of both."""

from datetime import date, datetime

from gateway.contract.model import WireModel
from gateway.contract.throughput import PerformanceView


class OutboundView(WireModel):
    """Pieces of one lot that have left in one package. Whom they went to stands with the order."""

    at: datetime
    owner_id: str
    order_no: str
    outbound_no: str
    package_no: str
    tracking_no: str | None
    sku_id: str
    lot_no: str
    quantity: int
    operator: str


class SupplierView(WireModel):
    """How a supplier's announced goods came (S2-153): of notices that have ended, but for those that upstream cancelled.

    Attributes:
        supplier: empty: the notices did not say.
        exact: notices of which every line came as it was announced, and nothing besides.
        due: notices that said when they would come.
        in_time: of these, ended by then.
        missing, surplus: pieces that lacked of lines, and that were too much or not announced.
        accuracy: `exact` of `notices`, from 0 to 1.
        punctuality: `inTime` of `due`; None of none.
    """

    supplier: str
    notices: int
    exact: int
    due: int
    in_time: int
    announced: int
    received: int
    missing: int
    surplus: int
    accuracy: float
    punctuality: float | None


class ReportView(WireModel):
    """The last days in figures.

    Attributes:
        packages, pieces: that left.
        suppliers: the first ones by name.
    """

    warehouse_id: str
    since: datetime
    until: datetime
    packages: int
    pieces: int
    performance: PerformanceView
    suppliers: tuple[SupplierView, ...]


class WrittenReportView(WireModel):
    """A report that was written by schedule.

    Attributes:
        day: on which it was due.
        files: their names; each is at `/v1/wes/reports/{day}/{file}`.
    """

    day: date
    since: datetime
    until: datetime
    made_at: datetime
    files: tuple[str, ...]
