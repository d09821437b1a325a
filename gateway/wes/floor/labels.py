"""What stands on a package when it is handed over to its carrier (S1-83, S3-24)."""

import json
from typing import Final

from gateway.contract.labels import LabelView
from gateway.kernel.ports import Tx
from gateway.wes.planning.tasks import missing

_LABEL: Final = (
    "SELECT p.package_no, o.oms_order_no, o.outbound_no, o.consignee, o.carrier_code, o.service_type, p.tracking_no, p.weight_kg"
    " FROM packages p JOIN orders o ON o.order_id = p.order_id WHERE p.package_id = :package_id"
)


async def label_view(tx: Tx, package_id: int) -> LabelView:
    """Return what stands on a package.

    Raises:
        Refusal: there is none.
    """
    rows = await tx.fetch(_LABEL, {"package_id": package_id})
    if not rows:
        raise missing("packageId", f"no package {package_id}")
    package_no, order_no, outbound_no, address, carrier_code, service_type, tracking_no, weight_kg = rows[0]
    return LabelView(
        package_id=package_id,
        package_no=package_no,
        order_no=order_no,
        outbound_no=outbound_no,
        carrier_code=carrier_code,
        service_type=service_type,
        tracking_no=tracking_no,
        weight_kg=weight_kg,
        **json.loads(address),
    )
