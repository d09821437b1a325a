"""Sites made for measuring, written as site files and read like any other.

*Bays* hold one carrier a protocol with two places and a tote: the shortest transports there are. The *warehouse* holds 20,000
slots, 15,000 totes and a shuttle a level, and hands totes out over a lift and a conveyor. The *factory* has many devices of
every kind and nothing to do.
"""

import json
from collections.abc import Iterator, Mapping
from math import cos, pi, sin
from pathlib import Path
from typing import Any, Final

SiteFile = dict[str, Any]

BRISK: Final = {"speed": 100, "acceleration": 10_000, "handling": 0.02}
"""Motion that takes no time worth mentioning."""

BAYS: Final = ("modbus", "mqtt", "opcua")
"""Named after the links behind which they are."""

LEVELS: Final = 10
COLUMNS: Final = 1000
TOTES: Final = 15_000

SERVERS: Final = 5
VEHICLES: Final = 50


def write_site(site: SiteFile, folder: Path) -> Path:
    """Write a site file (JSON is YAML); return its path."""
    folder.mkdir()
    file = folder / "site.yaml"
    file.write_text(json.dumps(site, indent=1))
    return file


def bays() -> SiteFile:
    """Return a site of a shuttle over OPC UA, one over Modbus, polled every 10 ms, and a vehicle over MQTT."""
    return {
        "id": "bays",
        "links": [
            _opcua_link("opcua", 4840),
            _modbus_link("modbus", 502, poll_ms=10),
            {"id": "mqtt", "kind": "mqtt", "url": "embedded", "port": 1883},
        ],
        "racks": [_bay("opcua", 1), _bay("modbus", 11)],
        "locations": [
            {"id": slot_of("mqtt", n), "kind": "station", "x": n, "y": -1, "node": f"pocket-{n}"}
            for n in (1, 2)
        ],
        "devices": [
            _bay_shuttle("opcua", "opcua-mailbox", "Shuttle."),
            _bay_shuttle("modbus", "modbus-mailbox", 0),
        ],
        "road_maps": [_ring("bay", pockets=3, parking=1)],
        "fleets": [
            {
                "id": "fleet",
                "link": "mqtt",
                "road_map": "bay",
                "picks": ["mqtt-*"],
                "drops": ["mqtt-*"],
                "motion": BRISK,
                "vehicles": [
                    {"id": "vehicle", "manufacturer": "bench", "serial": "vehicle", "start": "pocket-0"}
                ],
            }
        ],
        "stock": [{"container": tote_of(bay), "location": slot_of(bay, 1)} for bay in BAYS],
    }


def tote_of(bay: str) -> str:
    """Return the tote of a bay."""
    return f"TOTE-{bay}"


def slot_of(bay: str, number: int) -> str:
    """Return one of a bay's places, from 1."""
    return f"{bay}-{number}"


def _bay(bay: str, first_place: int) -> dict[str, Any]:
    return {
        "id": bay,
        "slot": f"{bay}-{{column}}",
        "levels": 1,
        "sides": ["L"],
        "columns": 2,
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
        "links": [
            _opcua_link("aisle-opcua", 4840),
            _modbus_link("aisle-modbus", 502),
            _modbus_link("ground", 503),
        ],
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


def factory() -> SiteFile:
    """Return 50 shuttles over OPC UA, 40 conveyors and 10 put walls over Modbus, on 5 servers each, and 50 vehicles."""
    servers = range(1, SERVERS + 1)
    shuttles = [f"shuttle-{server}-{n}" for server in servers for n in range(10)]
    conveyors = [f"conveyor-{server}-{n}" for server in servers for n in range(8)]
    return {
        "id": "factory",
        "links": [
            *(_opcua_link(f"opcua-{server}", 4840 + server) for server in servers),
            *(_modbus_link(f"modbus-{server}", 500 + server) for server in servers),
            {"id": "broker", "kind": "mqtt", "url": "embedded", "port": 1883},
        ],
        "locations": [
            *(
                {"id": f"{device}-{end}", "kind": "transfer", "place": 1 + 2 * n + (end == "b")}
                for n, device in enumerate([*shuttles, *conveyors])
                for end in "ab"
            ),
            *({"id": f"dock-{n}", "kind": "station", "node": f"pocket-{VEHICLES + n}"} for n in (0, 1)),
        ],
        "devices": [
            *(
                {
                    "id": device,
                    "kind": "shuttle",
                    "link": f"opcua-{1 + n // 10}",
                    "profile": "opcua-mailbox",
                    "motion": BRISK,
                    "channel": {"id": "main", "base": f"{device}."},
                    "picks": [f"{device}-a"],
                    "drops": [f"{device}-b"],
                }
                for n, device in enumerate(shuttles)
            ),
            *(
                {
                    "id": device,
                    "kind": "conveyor",
                    "link": f"modbus-{1 + n // 8}",
                    "profile": "modbus-mailbox",
                    "motion": BRISK,
                    "channels": [
                        {"id": "main", "base": 64 * (n % 8), "source": f"{device}-a", "target": f"{device}-b"}
                    ],
                }
                for n, device in enumerate(conveyors)
            ),
            *(
                {
                    "id": f"wall-{server}-{n}",
                    "kind": "putwall",
                    "link": f"modbus-{server}",
                    "profile": "modbus-putwall",
                    "base": 1000 + 500 * n,
                    "slot": f"W{server}{n}-{{n:02}}",
                    "slots": 12,
                }
                for server in servers
                for n in (0, 1)
            ),
        ],
        "road_maps": [_ring("floor", pockets=VEHICLES + 2, parking=VEHICLES)],
        "fleets": [
            {
                "id": "fleet",
                "link": "broker",
                "road_map": "floor",
                "picks": ["dock-*"],
                "drops": ["dock-*"],
                "motion": {"speed": 1.5, "acceleration": 0.8, "handling": 4},
                "vehicles": [
                    {"id": f"agv-{n}", "manufacturer": "bench", "serial": f"agv-{n}", "start": f"pocket-{n}"}
                    for n in range(VEHICLES)
                ],
            }
        ],
    }


def _ring(map_id: str, *, pockets: int, parking: int) -> dict[str, Any]:
    """Return a one-way ring with pockets beside it, each between two of its nodes; in the first ones vehicles park."""
    ring = range(pockets + 1)
    radius = len(ring) / pi  # two nodes are 2 m apart
    roads = [
        *((f"ring-{n}", f"ring-{(n + 1) % len(ring)}") for n in ring),
        *((f"ring-{n}", f"pocket-{n}") for n in range(pockets)),
        *((f"pocket-{n}", f"ring-{n + 1}") for n in range(pockets)),
    ]
    return {
        "id": map_id,
        "nodes": [
            *({"id": f"ring-{n}", **_on_circle(radius, n / len(ring))} for n in ring),
            *({"id": f"pocket-{n}", **_on_circle(radius + 1, (n + 0.5) / len(ring))} for n in range(pockets)),
        ],
        "edges": [{"id": f"{start}.{end}", "start": start, "end": end} for start, end in roads],
        "parking": [f"pocket-{n}" for n in range(parking)],
    }


def _on_circle(radius: float, turn: float) -> dict[str, float]:
    return {"x": round(radius * cos(2 * pi * turn), 3), "y": round(radius * sin(2 * pi * turn), 3)}


def _opcua_link(link_id: str, port: int) -> dict[str, Any]:
    """Return a link; `--ports-from` gives it another port."""
    return {"id": link_id, "kind": "opcua", "url": f"opc.tcp://127.0.0.1:{port}/{link_id}"}


def _modbus_link(link_id: str, port: int, poll_ms: int = 20) -> dict[str, Any]:
    """Return a link; `--ports-from` gives it another port."""
    return {"id": link_id, "kind": "modbus", "port": port, "poll_ms": poll_ms}
