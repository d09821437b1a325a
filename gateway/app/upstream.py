"""The way to upstream that a site names."""

from gateway.contract.clock import Clock
from gateway.delivery.brokers import Broker, open_broker
from gateway.delivery.sender import Sender
from gateway.delivery.upstream import Courier, HttpCourier
from gateway.kernel.ports import CannotStart
from gateway.site.wes import Wes


class UpstreamRefused(CannotStart):
    """The way to upstream that the site names cannot be gone; the text says what would mend it."""


def open_courier(wes: Wes, sender: Sender, clock: Clock) -> Courier | Broker | None:
    """Return what brings messages to upstream; None where nobody listens.

    Raises:
        UpstreamRefused: the broker's client is not installed.
    """
    http, broker = wes.upstream.http, wes.upstream.broker
    if http is not None:
        secret = None if http.secret_file is None else http.secret_file.read_text(encoding="utf-8").strip()
        return HttpCourier(sender, http.url, secret, clock)
    try:
        return None if broker is None else open_broker(broker, wes.warehouse_id)
    except ImportError as error:
        mend = 'pip install "warehouse-gateway[broker]"'
        raise UpstreamRefused(f"the client of upstream's broker is not installed: {mend}") from error
