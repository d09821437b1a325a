"""Ports and broker of a site can be moved, so that several run on one machine."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.wiring import Link, ModbusLink, MqttLink, OpcUaLink
from gateway.site.model import Site
from gateway.site.ports import with_broker, with_ports_from

SITE = Site(
    id="site",
    links=(
        OpcUaLink(kind="opcua", id="a", url="opc.tcp://127.0.0.1:4840/path?x=1"),
        ModbusLink(kind="modbus", id="b", host="10.0.0.1", port=502, unit=7),
        OpcUaLink(kind="opcua", id="c", url="opc.tcp://[::1]"),
        MqttLink(kind="mqtt", id="d"),
        MqttLink(kind="mqtt", id="e", url="mqtts://broker:8883", password_file=Path("pass")),
    ),
)


def port(link: Link) -> str:
    return link.url if isinstance(link, OpcUaLink) else str(link.port)


def test_links_get_ports_in_file_order() -> None:
    moved = with_ports_from(SITE, 20000)
    assert [port(link) for link in moved.links] == [
        "opc.tcp://127.0.0.1:20000/path?x=1",
        "20001",
        "opc.tcp://[::1]:20002",
        "20003",
        "20004",
    ]


def test_nothing_but_ports_changes() -> None:
    b, d, e = (with_ports_from(SITE, 20000).links[n] for n in (1, 3, 4))
    assert b == ModbusLink(kind="modbus", id="b", host="10.0.0.1", port=20001, unit=7)
    assert d == MqttLink(kind="mqtt", id="d", port=20003)
    assert isinstance(e, MqttLink)
    assert e.url == "mqtts://broker:8883"


@given(st.integers(-10, 70_000))
def test_ports_are_ports(first: int) -> None:
    if 1 <= first <= 65531:
        assert port(with_ports_from(SITE, first).links[1]) == str(first + 1)
    else:
        with pytest.raises(ValueError, match="must be from 1 to 65535"):
            with_ports_from(SITE, first)


def test_every_mqtt_link_gets_the_broker() -> None:
    moved = with_broker(SITE, "mqtt://127.0.0.1:1884")
    assert [link.url for link in moved.links if isinstance(link, MqttLink)] == ["mqtt://127.0.0.1:1884"] * 2
    assert moved.links[:3] == SITE.links[:3]


def test_a_broker_has_an_address() -> None:
    with pytest.raises(ValueError, match="url"):
        with_broker(SITE, "127.0.0.1:1884")
    with pytest.raises(ValueError, match="no user and password"):
        with_broker(SITE, "mqtt://me:secret@127.0.0.1:1884")
