"""Sites made for measuring, written as site files and read like any other.

*Bays* hold one shuttle a protocol with four slots and a tote: the shortest transports there are. The *warehouse* holds 20,000
slots, 15,000 totes and a shuttle a level, and hands totes out over a lift and a conveyor.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

SiteFile = dict[str, Any]

BRISK: Final = {"speed": 100, "acceleration": 10_000, "handling": 0.02}
"""Motion that takes no time worth mentioning."""

LEVELS: Final = 10
COLUMNS: Final = 1000
TOTES: Final = 15_000


def write_site(site: SiteFile, folder: Path) -> Path:
    """Write a site file (JSON is YAML); return its path."""
    folder.mkdir()
    file = folder / "site.yaml"
    file.write_text(json.dumps(site, indent=1))
    return file


def bays() -> SiteFile:
    """Return a site of one shuttle over OPC UA and one over Modbus, polled every 10 ms, that have nothing to do."""
    return {
        "id": "bays",
        "links": [opcua_link("opcua"), modbus_link("modbus", 502, poll_ms=10)],
        "racks": [_bay("opcua", 1), _bay("modbus", 11)],
        "devices": [
            _bay_shuttle("opcua", "opcua-mailbox", "Shuttle."),
            _bay_shuttle("modbus", "modbus-mailbox", 0),
        ],
        "stock": [{"container": tote_of(bay), "location": slot_of(bay, 1)} for bay in ("opcua", "modbus")],
    }


def tote_of(bay: str) -> str:
    """Return the tote of a bay."""
    return f"TOTE-{bay}"


def slot_of(bay: str, number: int) -> str:
    """Return one of a bay's four slots."""
    return f"{bay}-{number}"


def _bay(bay: str, first_place: int) -> dict[str, Any]:
    return {
        "id": bay,
        "slot": f"{bay}-{{column}}",
        "levels": 1,
        "sides": ["L"],
        "columns": 4,
        "places": {"start": first_place, "level": 100, "side": 10, "column": 1},
        "origin": [0, first_place, 0],
        "pitch": [1, 1, 1],
    }


def _bay_shuttle(bay: str, profile: str, base: int | str) -> dict[str, Any]:
    return {
        "id": f"shuttle-{bay}",
        "kind": "shuttle",
        "link": bay,
        "profile": profile,
        "motion": BRISK,
        "channel": {"id": "main", "base": base},
        "picks": [f"{bay}-*"],
        "drops": [f"{bay}-*"],
    }


def warehouse(motion: Mapping[str, float]) -> SiteFile:
    """Return the warehouse; shuttles of odd levels speak OPC UA, the others Modbus; they and the lift move as given."""
    levels = range(1, LEVELS + 1)
    return {
        "id": "warehouse",
        "links": [opcua_link("aisle-opcua"), modbus_link("aisle-modbus", 502), modbus_link("ground", 503)],
        "racks": [
            {
                "id": "A",
                "slot": "A-{level:02}-{side}-{column:04}",
                "levels": LEVELS,
                "sides": ["L", "R"],
                "columns": COLUMNS,
                "places": {"start": 100_001, "level": 2 * COLUMNS, "side": COLUMNS, "column": 1},
                "origin": [1, 0, 0],
                "pitch": [0.6, 2, 0.9],
            }
        ],
        "locations": [
            *(
                {"id": f"OUT-{level:02}", "kind": "buffer", "place": level, "z": 0.9 * level}
                for level in levels
            ),
            {"id": "BELT", "kind": "conveyor", "place": 101},
            {"id": "DOCK", "kind": "station", "place": 102, "x": -1},
        ],
        "devices": [
            *(_level_shuttle(level, motion) for level in levels),
            {
                "id": "lift",
                "kind": "lift",
                "link": "ground",
                "profile": "modbus-mailbox",
                "motion": motion,
                "channel": {"id": "main", "base": 0},
                "picks": ["OUT-*"],
                "drops": ["BELT"],
            },
            {
                "id": "belt",
                "kind": "conveyor",
                "link": "ground",
                "profile": "modbus-mailbox",
                "motion": {"speed": 0.5, "acceleration": 1},
                "channels": [{"id": "main", "source": "BELT", "target": "DOCK", "base": 64}],
            },
        ],
        "stations": [{"id": "dock", "name": "Dock", "slots": ["DOCK"]}],
        "fill": [{"rack": "A", "count": TOTES, "container": "T-{n}"}],
    }


def warehouse_requests() -> Iterator[dict[str, Any]]:
    """Yield a transport for each tote: one in three to the free slot of its own four, the others out to the dock."""
    for n in range(TOTES):
        index = n * 4 // 3  # a fill leaves every fourth slot free
        level, side, column = index // (2 * COLUMNS), index // COLUMNS % 2, index % COLUMNS
        free = f"A-{level + 1:02}-{'LR'[side]}-{column // 4 * 4 + 4:04}"
        yield {
            "transportId": f"t-{n + 1}",
            "containerId": f"T-{n + 1}",
            "destination": free if n % 3 == 0 else "DOCK",
        }


def opcua_link(link_id: str) -> dict[str, Any]:
    """Return a link; `--ports-from` gives it another port."""
    return {"id": link_id, "kind": "opcua", "url": f"opc.tcp://127.0.0.1:4840/{link_id}"}


def modbus_link(link_id: str, port: int, poll_ms: int = 20) -> dict[str, Any]:
    """Return a link; `--ports-from` gives it another port."""
    return {"id": link_id, "kind": "modbus", "port": port, "poll_ms": poll_ms}


def _level_shuttle(level: int, motion: Mapping[str, float]) -> dict[str, Any]:
    opcua = level % 2 == 1
    slots = f"A-{level:02}-*"
    return {
        "id": f"shuttle-{level:02}",
        "kind": "shuttle",
        "link": "aisle-opcua" if opcua else "aisle-modbus",
        "profile": "opcua-mailbox" if opcua else "modbus-mailbox",
        "motion": motion,
        "channel": {"id": "main", "base": f"Shuttle{level}." if opcua else 64 * level},
        "picks": [slots],
        "drops": [slots, f"OUT-{level:02}"],
    }
