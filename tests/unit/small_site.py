"""A small sound site for tests of the site room: one of everything, one mistake away from every finding."""

from pathlib import Path

from gateway.site.findings import Finding, SiteInvalid
from gateway.site.load import BUNDLED_PROFILES, load_site

SMALL = """\
id: small
links:
  - {id: plc-1, kind: opcua, url: "opc.tcp://127.0.0.1:4840"}
  - {id: plc-2, kind: modbus, port: 5020}
  - {id: broker, kind: mqtt, port: 1883}
racks:
  - {id: R, slot: "R-{column}", levels: 1, sides: [L], columns: 3,
     places: {start: 11, level: 0, side: 0, column: 1}, origin: [2, 5, 0], pitch: [1, 0, 0]}
locations:
  - {id: BUF, kind: buffer, place: 1, x: 1, y: 5}
  - {id: IN, kind: transfer, place: 2, x: 1, y: 4, node: n2}
  - {id: OUT, kind: transfer, place: 3, x: 3, y: 4, node: n3}
  - {id: S-1, kind: station, node: n4}
devices:
  - id: shuttle
    kind: shuttle
    link: plc-1
    profile: opcua-mailbox
    channel: {id: main, base: Shuttle.}
    picks: ["R-*", BUF]
    drops: ["R-*", OUT]
    motion: {speed: 2, acceleration: 1}
  - id: conveyor
    kind: conveyor
    link: plc-2
    profile: modbus-mailbox
    channels:
      - {id: c1, source: IN, target: BUF, base: 0}
      - {id: c2, source: BUF, target: OUT, base: 64}
    motion: {speed: 1, acceleration: 1}
  - {id: wall, kind: putwall, link: plc-2, profile: modbus-putwall, base: 1000, slot: "W-{n}", slots: 12}
stations:
  - {id: station-1, name: One, slots: [S-1], putwall: wall}
"""

ROADS = """\
road_maps:
  - id: floor
    parking: [p1, p2]
    chargers: [c1]
    nodes:
      - {id: n1, x: 0, y: 0}
      - {id: n2, x: 2, y: 0}
      - {id: n3, x: 2, y: 2}
      - {id: n4, x: 0, y: 2}
      - {id: p1, x: 1, y: -1}
      - {id: p2, x: 3, y: 1}
      - {id: c1, x: 1, y: 3}
    edges:
      - {id: n1:n2, start: n1, end: n2}
      - {id: n2:n3, start: n2, end: n3}
      - {id: n3:n4, start: n3, end: n4}
      - {id: n4:n1, start: n4, end: n1}
      - {id: n1:p1, start: n1, end: p1}
      - {id: p1:n2, start: p1, end: n2}
      - {id: n2:p2, start: n2, end: p2}
      - {id: p2:n3, start: p2, end: n3}
      - {id: n3:c1, start: n3, end: c1}
      - {id: c1:n4, start: c1, end: n4}
fleets:
  - id: agvs
    link: broker
    road_map: floor
    picks: [OUT, S-1]
    drops: [IN, S-1]
    motion: {speed: 1, acceleration: 1}
    vehicles:
      - {id: agv-1, manufacturer: acme, serial: a1, start: p1}
      - {id: agv-2, manufacturer: acme, serial: a2, start: p2}
"""

STOCK = """\
stock:
  - {container: BOX-1, location: BUF}
fill:
  - {rack: R, count: 3, container: "TOTE-{n:02}"}
"""


def small_site() -> dict[str, str]:
    """Return the files of the small site."""
    return {"site.yaml": SMALL, "roads.yaml": ROADS, "stock.yaml": STOCK}


def own_profile(bundled: str, edits: dict[str, str]) -> str:
    """Return a bundled profile under the id `own`, edited."""
    text = (BUNDLED_PROFILES / f"{bundled}.yaml").read_text(encoding="utf-8")
    return edited(text, {f"id: {bundled}\n": "id: own\n", **edits})


def edited(text: str, edits: dict[str, str]) -> str:
    """Replace what stands exactly once."""
    for old, new in edits.items():
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
    return text


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files into a folder and return it."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def findings(path: Path) -> tuple[Finding, ...]:
    """Return everything that is wrong with a site."""
    try:
        load_site(path)
    except SiteInvalid as invalid:
        return invalid.findings
    return ()
