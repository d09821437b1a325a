"""What stands on a package (contract v1, /v1/wes)."""

from gateway.contract.model import WireModel


class LabelView(WireModel):
    """Who gets a package, and by whom: what a shipping label shows (S4-7, S4-8, S4-15).

    Attributes:
        weight_kg: kg; None: nobody has weighed it.
    """

    package_id: int
    package_no: str
    order_no: str
    outbound_no: str
    consignee: str
    phone: str
    province: str
    city: str
    district: str
    address: str
    carrier_code: str | None
    service_type: str | None
    tracking_no: str | None
    weight_kg: float | None
