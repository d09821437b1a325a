"""Where webhooks may go: public addresses and what the settings allow, however an address is written."""

from ipaddress import ip_address, ip_network

import pytest

from gateway.delivery.endpoint import PARALLEL
from gateway.delivery.sender import CONNECTIONS_MAX, LOOPBACK, is_allowed
from gateway.delivery.webhooks import SUBSCRIPTIONS_MAX

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(ip_address(address), ())


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1"),
        *(
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "2001:db8::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
        ),
        *("64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00:1::", "64:ff9b:1::a00:1", "::10.0.0.1", "fec0::1"),
    ],
)
def test_no_other_address_is_allowed_by_itself(address: str) -> None:
    assert not is_allowed(ip_address(address), ())


@pytest.mark.parametrize("address", ["10.20.3.4", "::ffff:10.20.3.4", "127.0.0.1", "::1"])
def test_what_the_settings_name_is_allowed(address: str) -> None:
    assert is_allowed(ip_address(address), (*LOOPBACK, ip_network("10.20.0.0/16")))


def test_receivers_that_never_answer_leave_connections_for_all_others() -> None:
    """Each subscription may have all its deliveries on the wire at once, and waits for nobody else's."""
    assert CONNECTIONS_MAX >= SUBSCRIPTIONS_MAX * PARALLEL
