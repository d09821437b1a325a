"""Every cross-check: a small sound site with one mistake, and the finding it must lead to.

The line that the finding must name carries the mark `#!`.
"""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.site.checks import CHECKS
from tests.unit.small_site import edited, findings, own_profile, small_site, write


@dataclass(frozen=True, kw_only=True)
class Case:
    """One mistake.

    Attributes:
        edits: file → what stands there → what is written instead.
        profile: a bundled profile that is copied to profiles/own.yaml and edited there.
        also: messages of the further findings that the mistake cannot but cause.
    """

    edits: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    profile: tuple[str, dict[str, str]] | None = None
    path: str
    message: str
    mend: str
    also: tuple[str, ...] = ()


def site(edits: dict[str, str]) -> dict[str, dict[str, str]]:
    return {"site.yaml": edits}


def roads(edits: dict[str, str]) -> dict[str, dict[str, str]]:
    return {"roads.yaml": edits}


def stock(edits: dict[str, str]) -> dict[str, dict[str, str]]:
    return {"stock.yaml": edits}


def wes(text: str) -> dict[str, dict[str, str]]:
    return stock({"stock:\n": f"wes:\n  warehouse_id: WH-1\n{text}\nstock:\n"})


def rule(*rules: str) -> dict[str, dict[str, str]]:
    return wes("  rules:\n" + "\n".join(f"    - {each}" for each in rules))


def codes(*rules: str) -> dict[str, dict[str, str]]:
    return wes("  codes:\n" + "\n".join(f"    - {each}" for each in rules))


SECOND_STATION = "putwall: wall}\n  - {id: station-2, name: Two, slots: [], putwall: wall} #!\n"
LIFT = """motion: {speed: 2, acceleration: 1}
  - id: lift
    kind: lift
    link: plc-1
    profile: opcua-mailbox
    channel: {id: main, base: Shuttle.} #!
    picks: [BUF]
    drops: ["R-*"]
    motion: {speed: 1, acceleration: 1}
"""
SECOND_MAP = """c1, end: n4}
  - id: attic
    nodes: [{id: a1, x: 0, y: 9}, {id: a2, x: 1, y: 9}]
    edges: [{id: a12, start: a1, end: a2}, {id: a21, start: a2, end: a1}]
fleets:
"""
SEPARATE = """c1, x: 1, y: 3}
      - {id: s1, x: 9, y: 9} #!
      - {id: s2, x: 9, y: 8}
    edges:
      - {id: s12, start: s1, end: s2}
      - {id: s21, start: s2, end: s1}
"""

CASES: dict[str, list[Case]] = {
    "duplicate_ids": [
        Case(
            edits=site({'slot: "W-{n}", slots: 12}': "slot: W, slots: 2} #!"}),
            path="devices[wall].slot",
            message="slot of wall `W` exists twice",
            mend="another id",
        ),
        Case(
            edits=site({"  - {id: S-1,": "  - {id: BUF, kind: buffer, place: 1} #!\n  - {id: S-1,"}),
            path="locations[BUF].id",
            message="location `BUF` exists twice (the other one: FOLDER/site.yaml:10)",
            mend="give one of the two another id",
        ),
        Case(
            edits=site(
                {
                    "locations:": '  - {id: Q, slot: "R-{column}", levels: 1, sides: [L], columns: 2, #!\n'
                    "     places: {start: 50, level: 0, side: 0, column: 1}, origin: [9, 9, 0], pitch: [1, 0, 0]}\n"
                    "locations:"
                }
            ),
            path="racks[Q].slot",
            message="location `R-1` exists twice",
            mend="another id",
        ),
        Case(
            edits=roads(
                {"{id: agv-2, manufacturer": "{id: wall, manufacturer"}
                | {"serial: a2, start: p2}": "serial: a2, start: p2} #!"}
            ),
            path="fleets[agvs].vehicles[wall].id",
            message="device `wall` exists twice",
            mend="another id",
        ),
        Case(
            edits=site(
                {
                    "{id: c2, source: BUF, target: OUT, base: 64}": "{id: c1, source: BUF, target: OUT, base: 64} #!"
                }
            ),
            path="devices[conveyor].channels[c1].id",
            message="channel of conveyor `c1` exists twice",
            mend="another id",
        ),
        Case(
            edits=stock(
                {
                    "container: BOX-1, location: BUF}": "container: TOTE-02, location: BUF}",
                    '"TOTE-{n:02}"}': '"TOTE-{n:02}"} #!',
                }
            ),
            path="fill[0].container",
            message="container `TOTE-02` exists twice",
            mend="another id",
        ),
    ],
    "duplicate_vehicles": [
        Case(
            edits=roads({"serial: a2, start: p2}": "serial: a1, start: p2} #!"}),
            path="fleets[agvs].vehicles[agv-2].serial",
            message="the topic `uagv/acme/a1` exists twice",
            mend="its own serial",
        ),
        Case(
            edits=roads({"serial: a2, start: p2}": "serial: a2, start: p1} #!"}),
            path="fleets[agvs].vehicles[agv-2].start",
            message="starts at `p1` exists twice",
            mend="start at another node",
        ),
    ],
    "overlapping_wall_blocks": [
        Case(
            profile=("modbus-putwall", {"command_base: 200": "command_base: 120"}),
            edits=site(
                {
                    "link: plc-2, profile: modbus-putwall": "link: plc-2, profile: own",
                    "slots: 12}\n": "slots: 12} #!\n",
                }
            ),
            path="devices[wall].profile",
            message="in profile `own` the order of slot 1 overlaps with the status of slot 12: 12 slots take more room",
            mend="correct the profile's bases",
        ),
        Case(
            profile=("modbus-putwall", {"status_base: 4": "status_base: 2"}),
            edits=site(
                {
                    "link: plc-2, profile: modbus-putwall": "link: plc-2, profile: own",
                    "slots: 12}\n": "slots: 1} #!\n",
                }
            ),
            path="devices[wall].profile",
            message="in profile `own` the status of slot 1 overlaps with the header",
            mend="correct the profile's bases",
        ),
    ],
    "stations_without_slots": [
        Case(
            edits=site({"slots: [S-1], putwall: wall}": "slots: [], putwall: wall} #!"}),
            path="stations[station-1].slots",
            message="no container can come to `station-1`: it has no slot",
            mend="name the locations",
        ),
    ],
    "stations_in_storage": [
        Case(
            edits=site({"slots: [S-1], putwall: wall}": "slots: [S-1, R-3], putwall: wall} #!"}),
            path="stations[station-1].slots[1]",
            message="`R-3` is storage: containers would be put away into the station",
            mend="of kind `station`",
        ),
    ],
    "shared_station_parts": [
        Case(
            edits=site({"putwall: wall}\n": SECOND_STATION}),
            path="stations[station-2].putwall",
            message="put wall of a station `wall` exists twice",
            mend="take it out of one",
            also=("it has no slot",),
        ),
    ],
    "unknown_links": [
        Case(
            edits=site({"    link: plc-1\n": "    link: plc-9 #!\n"}),
            path="devices[shuttle].link",
            message="there is no link `plc-9`",
            mend="did you mean `plc-",
            also=("no device uses the link `plc-1`",),
        ),
    ],
    "unknown_profiles": [
        Case(
            edits=site({"profile: opcua-mailbox": "profile: acme #!"}),
            path="devices[shuttle].profile",
            message="there is no profile `acme`",
            mend="add profiles/acme.yaml",
        ),
    ],
    "unknown_container_types": [
        Case(
            edits=site(
                {"- {id: BUF, kind: buffer,": "- {id: BUF, kind: buffer, accepts: [pallet], #!\n    "}
            ),
            path="locations[BUF].accepts[0]",
            message="there is no container type `pallet`",
            mend="add it to `container_types`",
        ),
        Case(
            edits=site(
                {
                    "racks:": 'container_types: [{id: tote, containers: ["TOTE-*"]}]\nracks:',
                    "- {id: R,": "- {id: R, accepts: [tots], #!\n    ",
                }
            ),
            path="racks[R].accepts[0]",
            message="there is no container type `tots`",
            mend="did you mean `tote`?",
        ),
    ],
    "unknown_road_maps": [
        Case(
            edits=roads({"road_map: floor": "road_map: flor #!"}),
            path="fleets[agvs].road_map",
            message="there is no road map `flor`",
            mend="did you mean `floor`?",
        ),
    ],
    "unknown_locations": [
        Case(
            edits=site({'picks: ["R-*", BUF]': 'picks: ["R-*", BUFF, BUF] #!'}),
            path="devices[shuttle].picks[1]",
            message="there is no location `BUFF`",
            mend="did you mean `BUF`?",
        ),
        Case(
            edits=site({'drops: ["R-*", OUT]': 'drops: ["R-*", "Q-?", OUT] #!'}),
            path="devices[shuttle].drops[1]",
            message="the pattern `Q-?` matches no location",
            mend="correct it",
        ),
        Case(
            edits=site({"source: BUF, target: OUT, base: 64}": "source: BUF, target: OUTT, base: 64} #!"}),
            path="devices[conveyor].channels[c2].target",
            message="there is no location `OUTT`",
            mend="did you mean `OUT`?",
        ),
        Case(
            edits=site({"slots: [S-1], putwall: wall}": "slots: [S-1, S-2], putwall: wall} #!"}),
            path="stations[station-1].slots[1]",
            message="there is no location `S-2`",
            mend="did you mean `S-1`?",
        ),
    ],
    "unknown_putwalls": [
        Case(
            edits=site({"putwall: wall}": "putwall: shuttle} #!"}),
            path="stations[station-1].putwall",
            message="there is no put wall `shuttle`",
            mend="kind `putwall`",
        ),
    ],
    "unknown_nodes": [
        Case(
            edits=site({"node: n2}": "node: x2} #!"}),
            path="locations[IN].node",
            message="there is no node `x2`",
            mend="add it to the `nodes`",
        ),
        Case(
            edits=roads({"start: n1, end: n2}": "start: n1, end: n22} #!"}),
            path="road_maps[floor].edges[n1:n2].end",
            message="there is no node `n22`",
            mend="did you mean `n2`?",
            also=("a vehicle that stands at `p1` closes the road",),
        ),
        Case(
            edits=roads({"parking: [p1, p2]": "parking: [p1, p2, p3] #!"}),
            path="road_maps[floor].parking[2]",
            message="there is no node `p3`",
            mend="`nodes` of the road map",
        ),
        Case(
            edits=roads({"chargers: [c1]": "chargers: [c1, lader] #!"}),
            path="road_maps[floor].chargers[1]",
            message="there is no node `lader`",
            mend="add it to the `nodes`",
        ),
        Case(
            edits=roads({"start: p2}\n": "start: p9} #!\n"}),
            path="fleets[agvs].vehicles[agv-2].start",
            message="there is no node `p9`",
            mend="add it to the `nodes`",
        ),
    ],
    "locations_without_node": [
        Case(
            edits=site({"{id: S-1, kind: station, node: n4}": "{id: S-1, kind: station} #!"}),
            path="locations[S-1]",
            message="vehicles of `agvs` serve `S-1`, which has no node",
            mend="a node of road map `floor`",
        ),
        Case(
            edits=roads({"drops: [IN, S-1]": 'drops: [IN, S-1, "R-*"]', "  - id: agvs": "  - id: agvs #!"}),
            path="fleets[agvs]",
            message="vehicles of `agvs` serve `R-1`, and slots of racks have no node",
            mend="name listed locations alone",
        ),
        Case(
            edits=site({"node: n4}": "node: a1} #!"}) | roads({"c1, end: n4}\nfleets:\n": SECOND_MAP}),
            path="locations[S-1].node",
            message="`agvs` serves `S-1`, whose node is not on its road map",
            mend="name a node of that road map",
        ),
    ],
    "unused_links": [
        Case(
            edits=site({"port: 1883}\n": "port: 1883}\n  - {id: spare, kind: modbus} #!\n"}),
            path="links[spare]",
            message="no device uses the link `spare`",
            mend="take it out",
        ),
    ],
    "wrong_protocols": [
        Case(
            edits=site(
                {
                    "profile: opcua-mailbox": "profile: modbus-mailbox #!",
                    "base: Shuttle.": "base: 0",
                }
            ),
            path="devices[shuttle].profile",
            message="profile `modbus-mailbox` speaks modbus, link `plc-1` speaks opcua",
            mend="a profile for opcua",
        ),
        Case(
            edits=site(
                {"profile: modbus-putwall, base: 1000,": "profile: modbus-mailbox, base: 1000, #!\n   "}
            ),
            path="devices[wall].profile",
            message="a putwall cannot speak the handshake `mailbox`",
            mend="of the device's own kind",
        ),
        Case(
            edits=roads({"link: broker": "link: plc-2 #!"}),
            path="fleets[agvs].link",
            message="link `plc-2` speaks modbus",
            mend="kind `mqtt`",
            also=("no device uses the link `broker`",),
        ),
    ],
    "shared_ports": [
        Case(
            edits=site({"port: 1883}": "port: 5020} #!"}),
            path="links[broker]",
            message="port 5020 of 127.0.0.1 serves another link already (the other one: FOLDER/site.yaml:4)",
            mend="share one link",
            also=(),
        ),
        Case(
            edits=site(
                {
                    "{id: plc-2, kind: modbus, port: 5020}": "{id: plc-2, kind: modbus, host: localhost, port: 4840} #!"
                }
            ),
            path="links[plc-2]",
            message="port 4840 of 127.0.0.1",
            mend="share one link",
        ),
    ],
    "secrets_in_urls": [
        Case(
            edits=site({"port: 1883}": 'url: "mqtt://me:pass@host:1883"} #!'}),
            path="links[broker].url",
            message="the address holds credentials",
            mend="`password_file`",
        ),
    ],
    "missing_files": [
        Case(
            edits=site({"port: 1883}": 'url: "mqtts://host:8883", ca_file: pki/ca.pem} #!'}),
            path="links[broker].ca_file",
            message="there is no file",
            mend="counts from the site's folder",
        ),
        Case(
            edits=site(
                {
                    'url: "opc.tcp://127.0.0.1:4840"}': 'url: "opc.tcp://127.0.0.1:4840", security:\n'
                    "     {certificate: site.yaml, private_key: roads.yaml, server_certificate: no.der}} #!"
                }
            ),
            path="links[plc-1].security.server_certificate",
            message="no.der",
            mend="correct the path",
        ),
    ],
    "halves_of_credentials": [
        Case(
            edits=site({"port: 1883}": 'url: "mqtt://host:1883", username: me} #!'}),
            path="links[broker].username",
            message="`username` needs `password_file`",
            mend="add `password_file: …`",
        ),
        Case(
            edits=site({"port: 1883}": 'url: "mqtt://host:1883", ca_file: site.yaml} #!'}),
            path="links[broker].ca_file",
            message="`ca_file` has no effect on mqtt",
            mend="`mqtts://host:port`",
        ),
    ],
    "missing_fields": [
        Case(
            profile=(
                "opcua-mailbox",
                {"  - {name: ackSeq,": "  # {name: ackSeq,", "status:\n": "status: #!\n"},
            ),
            path="status",
            message="the status block of handshake `mailbox` needs the field `ackSeq`",
            mend="add `{name: ackSeq, address: …, type: u16}`",
        ),
    ],
    "wrong_fields": [
        Case(
            profile=(
                "modbus-mailbox",
                {
                    "  - {name: ackSeq, address: 4, type: u16,": "  - {name: ackSeq, address: 4, type: u32, #!\n    "
                },
            ),
            path="status[3].type",
            message="`ackSeq` has the type u32",
            mend="write u16",
            also=("`acceptCode` overlaps with `ackSeq`",),
        ),
        Case(
            profile=(
                "modbus-mailbox",
                {
                    "{name: container, address: 12, type: string, length: 16,": (
                        "{name: container, address: 12, type: string, length: 12, #!\n    "
                    )
                },
            ),
            path="command[6].length",
            message="`container` has the length 12",
            mend="write `length: 16`",
        ),
        Case(
            profile=(
                "modbus-mailbox",
                {
                    "  - {name: life, address: 1, type: u16,": "  - {name: life, address: 1, type: u16, length: 2, #!\n    "
                },
            ),
            path="status[1].length",
            message="`life` has the length 2",
            mend="only strings have one",
        ),
        Case(
            profile=(
                "modbus-mailbox",
                {"status:\n": "status:\n  - {name: akSeq, address: 40, type: u16} #!\n"},
            ),
            path="status[0].name",
            message="has no field `akSeq`",
            mend="did you mean `ackSeq`?",
        ),
        Case(
            profile=(
                "modbus-mailbox",
                {"status:\n": "  - {name: seq, address: 30, type: u16} #!\nstatus:\n"},
            ),
            path="command[9].name",
            message="`seq` stands twice",
            mend="take one out",
        ),
        Case(
            profile=(
                "modbus-mailbox",
                {
                    "  - {name: life, address: 1, type: u16,": "  - {name: life, address: life, type: u16, #!\n    "
                },
            ),
            path="status[1].address",
            message="`life` is no address in modbus",
            mend="write a register number",
        ),
        Case(
            profile=(
                "modbus-mailbox",
                {
                    "  - {name: life, address: 1, type: u16,": "  - {name: life, address: -1, type: u16, #!\n    "
                },
            ),
            path="status[1].address",
            message="the address -1 is negative",
            mend="0 or higher",
        ),
    ],
    "overlapping_fields": [
        Case(
            profile=(
                "modbus-mailbox",
                {"  - {name: seq, address: 2, type: u16,": "  - {name: seq, address: 1, type: u16, #!\n    "},
            ),
            path="command[1].address",
            message="`seq` overlaps with `epoch`",
            mend="an address of its own",
        ),
        Case(
            profile=(
                "opcua-mailbox",
                {
                    "  - {name: seq, address: Cmd.seq, type: u16,": "  - {name: seq, address: Cmd.op, type: u16,",
                    "  - {name: op, address: Cmd.op, type: u16,": "  - {name: op, address: Cmd.op, type: u16, #!\n    ",
                },
            ),
            path="command[2].address",
            message="`op` overlaps with `seq`",
            mend="an address of its own",
        ),
    ],
    "long_blocks": [
        Case(
            profile=(
                "modbus-mailbox",
                {
                    "  - {name: check, address: 21,": "  - {name: check, address: 123,",
                    "command:\n": "command: #!\n",
                    "status_base: 32": "status_base: 200",
                },
            ),
            path="command",
            message="the command block is 124 registers long; one request can write 123",
            mend="closer together",
        ),
        Case(
            profile=(
                "modbus-mailbox",
                {
                    "  - {name: refusedCode, address: 28,": "  - {name: refusedCode, address: 125,",
                    "status:\n": "status: #!\n",
                },
            ),
            path="status",
            message="the status block is 126 registers long; one request can read 125",
            mend="closer together",
        ),
    ],
    "overlapping_blocks": [
        Case(
            profile=("modbus-mailbox", {"status_base: 32": "status_base: 20 #!"}),
            path="status_base",
            message="the command block and the status block overlap",
            mend="write `status_base: 22` or more",
        ),
        Case(
            profile=(
                "opcua-mailbox",
                {
                    "{name: epoch, address: Status.epoch, type: u32,": "{name: epoch, address: Cmd.epoch, type: u32, #!\n"
                },
            ),
            path="status[2].address",
            message="`epoch` stands in the same node as `epoch` of the command",
            mend="an address of its own",
        ),
    ],
    "short_strides": [
        Case(
            profile=("modbus-putwall", {"command_stride: 11": "command_stride: 8 #!"}),
            path="command_stride",
            message="slots of 11 registers overlap at a stride of 8",
            mend="write `command_stride: 11` or more",
        ),
    ],
    "missing_method": [
        Case(
            profile=("opcua-method", {"id: opcua-method\n": "id: own #!\n", "method: Execute\n": ""}),
            path="",
            message="the handshake `method` needs the method's name",
            mend="add `method: Execute`",
        ),
        Case(
            profile=("opcua-mailbox", {"handshake: mailbox\n": "handshake: mailbox\nmethod: Execute #!\n"}),
            path="method",
            message="the handshake `mailbox` calls no method",
            mend="take it out",
        ),
    ],
    "unspecified_handshakes": [
        Case(
            profile=(
                "modbus-mailbox",
                {
                    "handshake: mailbox\n": "handshake: method\nmethod: Execute\n",
                    "protocol: modbus": "protocol: modbus #!",
                },
            ),
            path="protocol",
            message="the handshake `method` is not specified for modbus",
            mend="write `protocol: opcua`",
        ),
    ],
    "shuffled_arguments": [
        Case(
            profile=(
                "opcua-method",
                {
                    "name: seq, address: Cmd.seq,": "name: op, address: Cmd.seq,",
                    "name: op, address: Cmd.op,": "name: seq, address: Cmd.op,",
                    "command:\n": "command: #!\n",
                },
            ),
            path="command",
            message="the method takes its arguments in another order",
            mend="sort them: epoch, seq, op, jobId, source, target, container, bootId, check",
        ),
    ],
    "wrong_bases": [
        Case(
            edits=site({"base: Shuttle.}": "base: 100} #!"}),
            path="devices[shuttle].channel.base",
            message="`100` is no base in opcua",
            mend="the beginning of its nodes' identifiers",
        ),
        Case(
            edits=site({"target: OUT, base: 64}": "target: OUT, base: C2.} #!"}),
            path="devices[conveyor].channels[c2].base",
            message="`C2.` is no base in modbus",
            mend="a register number",
        ),
    ],
    "registers_out_of_range": [
        Case(
            edits=site({"target: OUT, base: 64}": "target: OUT, base: 65500} #!"}),
            path="devices[conveyor].channels[c2].base",
            message="the registers 65532–65560 (status of conveyor/c2) do not exist",
            mend="write a base from 0 to 65475",
        ),
    ],
    "overlapping_registers": [
        Case(
            edits=site({"target: OUT, base: 64}": "target: OUT, base: 40} #!"}),
            path="devices[conveyor].channels[c2].base",
            message="the registers 40–61 (command of conveyor/c2) overlap with 32–60 (status of conveyor/c1)",
            mend="from 1332 on everything is free",
        ),
        Case(
            edits=site({"base: 1000,": "base: 100, #!\n   "}),
            path="devices[wall].base",
            message="the registers 100–102 (header of wall) overlap with 96–124 (status of conveyor/c2)",
            mend="move one of the two",
            also=("the registers 104–223 (slots of wall) overlap",),
        ),
    ],
    "clashing_nodes": [
        Case(
            edits=site({"motion: {speed: 2, acceleration: 1}\n": LIFT}),
            path="devices[lift].channel.base",
            message="the node `Shuttle.Status.bootId` belongs to another channel of the link too",
            mend="a base of its own",
        ),
    ],
    "topic_characters": [
        Case(
            edits=roads(
                {"{id: agv-2, manufacturer: acme,": "{id: agv-2, manufacturer: Acme Inc, #!\n        "}
            ),
            path="fleets[agvs].vehicles[agv-2].manufacturer",
            message="`Acme Inc` becomes part of MQTT topics",
            mend="use letters, digits",
        ),
        Case(
            edits=roads({"serial: a2,": "serial: a/2, #!\n       "}),
            path="fleets[agvs].vehicles[agv-2].serial",
            message="`a/2`",
            mend="use letters, digits",
        ),
        Case(
            edits=roads({"    link: broker\n": "    link: broker\n    interface: u+agv #!\n"}),
            path="fleets[agvs].interface",
            message="`u+agv`",
            mend="use letters, digits",
        ),
    ],
    "missing_places": [
        Case(
            edits=site({"{id: BUF, kind: buffer, place: 1,": "{id: BUF, kind: buffer, #!\n   "}),
            path="locations[BUF]",
            message="serves `BUF`, which has no place number",
            mend="add `place: …`",
        ),
    ],
    "duplicate_places": [
        Case(
            edits=site(
                {"{id: OUT, kind: transfer, place: 3,": "{id: OUT, kind: transfer, place: 1, #!\n   "}
            ),
            path="locations[OUT].place",
            message="`shuttle` knows `BUF` and `OUT` both as place 1",
            mend="another number",
        ),
        Case(
            edits=site(
                {
                    "{id: OUT, kind: transfer, place: 3,": "{id: OUT, kind: transfer, place: 13,",
                    "places: {start: 11,": "places: {start: 11, #!\n     ",
                }
            ),
            path="racks[R].places",
            message="`shuttle` knows `OUT` and `R-3` both as place 13",
            mend="another number",
        ),
    ],
    "misnamed_channels": [  # found by reading: such a shuttle was online, and never got any work
        Case(
            edits=site({"channel: {id: main, base: Shuttle.}": "channel: {id: c1, base: Shuttle.} #!"}),
            path="devices[shuttle].channel.id",
            message="`c1` is no channel of a shuttle, which has only one",
            mend="write `id: main`",
        ),
    ],
    "idle_channels": [
        Case(
            edits=site({"source: BUF, target: OUT, base: 64}": "source: BUF, target: BUF, base: 64} #!"}),
            path="devices[conveyor].channels[c2].target",
            message="the channel leads from `BUF` to itself",
            mend="name the next segment",
        ),
        Case(
            edits=roads({"drops: [IN, S-1]": "drops: [] #!"}),
            path="fleets[agvs].drops",
            message="`agvs` drops nowhere",
            mend="name locations in `drops`",
            also=("`S-1` cannot be reached",),
        ),
        Case(
            edits=roads(
                {
                    "    vehicles:\n"
                    "      - {id: agv-1, manufacturer: acme, serial: a1, start: p1}\n"
                    "      - {id: agv-2, manufacturer: acme, serial: a2, start: p2}\n": "    vehicles: [] #!\n"
                }
            ),
            path="fleets[agvs].vehicles",
            message="nothing moves for `agvs`: it has no vehicle",
            mend="add its vehicles",
        ),
    ],
    "unreachable_locations": [
        Case(
            edits=site({"  - {id: S-1,": "  - {id: LOST, kind: transfer} #!\n  - {id: S-1,"}),
            path="locations[LOST]",
            message="`LOST` cannot be reached: no device picks or drops there",
            mend="name it in a device's `picks` and `drops`",
        ),
        Case(
            edits=site(
                {'picks: ["R-*", BUF]': "picks: [BUF]", "  - {id: R, slot": "  - {id: R, #!\n     slot"}
            ),
            path="racks[R]",
            message="`R-1`, `R-2`, `R-3` cannot be left: no device picks there",
            mend="name it",
        ),
        Case(
            edits=site(
                {
                    'drops: ["R-*", OUT]': "drops: [R-1, R-2, OUT]",
                    "  - {id: R, slot": "  - {id: R, #!\n     slot",
                }
            ),
            path="racks[R]",
            message="`R-3` cannot be entered: no device drops there",
            mend="name it",
        ),
    ],
    "dead_ends": [
        Case(
            edits=roads(
                {
                    "      - {id: c1:n4, start: c1, end: n4}\n": "",
                    "{id: c1, x: 1, y: 3}": "{id: c1, x: 1, y: 3} #!",
                }
            ),
            path="road_maps[floor].nodes[c1]",
            message="node `c1` has no way out",
            mend="add an edge with `start: c1`",
        ),
        Case(
            edits=roads(
                {
                    "      - {id: n3:c1, start: n3, end: c1}\n": "",
                    "{id: c1, x: 1, y: 3}": "{id: c1, x: 1, y: 3} #!",
                }
            ),
            path="road_maps[floor].nodes[c1]",
            message="node `c1` has no way in",
            mend="add an edge with `end: c1`",
        ),
        Case(
            edits=roads(
                {"start: c1, end: n4}\n": "start: c1, end: n4}\n      - {id: loop, start: n1, end: n1} #!\n"}
            ),
            path="road_maps[floor].edges[loop].end",
            message="edge `loop` leads from `n1` to itself",
            mend="name the next node",
        ),
    ],
    "separate_parts": [
        Case(
            edits=roads({"c1, x: 1, y: 3}\n    edges:\n": SEPARATE}),
            path="road_maps[floor].nodes[s1]",
            message="no way leads from `n1` to `s1`: the road map is not strongly connected",
            mend="add the missing lanes",
            also=("to `s2`",),
        ),
    ],
    "parking_on_lanes": [
        Case(
            edits=roads({"parking: [p1, p2]": "parking: [p1, p2, n1] #!"}),
            path="road_maps[floor].parking[2]",
            message="a vehicle that stands at `n1` closes the road to others",
            mend="off the lane",
        ),
        Case(
            edits=roads(
                {"      - {id: n3:n4, start: n3, end: n4}\n": "", "chargers: [c1]": "chargers: [c1] #!"}
            ),
            path="road_maps[floor].chargers[0]",
            message="a vehicle that stands at `c1` closes the road to others",
            mend="off the lane",
        ),
    ],
    "parking_at_locations": [
        Case(
            edits={
                "site.yaml": {"kind: station, node: n4}": "kind: station, node: p2}"},
                "roads.yaml": {"parking: [p1, p2]": "parking: [p1, p2] #!"},
            },
            path="road_maps[floor].parking[1]",
            message="a vehicle that parks at `p2` keeps the others from `S-1`",
            mend="a node of its own",
        ),
    ],
    "nodes_in_one_place": [
        Case(
            edits=roads({"{id: p1, x: 1, y: -1}": "{id: p1, x: 0.3, y: 0.4} #!"}),
            path="road_maps[floor].nodes[p1]",
            message="`p1` is 0.5 m from `n1`: vehicles at both would meet (the other one: FOLDER/roads.yaml:6)",
            mend="further apart than 0.5 m",
        ),
    ],
    "nodes_on_lanes": [
        Case(
            edits=roads({"{id: p1, x: 1, y: -1}": "{id: p1, x: 1, y: 0.5} #!"}),
            path="road_maps[floor].nodes[p1]",
            message="the lane from `n1` to `n2` leads over `p1` (the other one: FOLDER/roads.yaml:14)",
            mend="let it end and begin there",
        ),
    ],
    "crossing_lanes": [
        Case(
            edits=roads(
                {
                    "      - {id: n1:p1,": "      - {id: n1:n3, start: n1, end: n3}\n"
                    "      - {id: n3:n1, start: n3, end: n1}\n"
                    "      - {id: n4:n2, start: n4, end: n2} #!\n"
                    "      - {id: n1:p1,"
                }
            ),
            path="road_maps[floor].edges[n4:n2]",
            message="the lane from `n4` to `n2` crosses the one from `n1` to `n3`: vehicles on them would meet",
            mend="put a node where they cross",
        ),
    ],
    "too_few_parking_nodes": [
        Case(
            edits=roads({"parking: [p1, p2]": "parking: [p1] #!"}),
            path="road_maps[floor].parking",
            message="1 parking nodes for 2 vehicles",
            mend="for each vehicle",
        ),
    ],
    "charging_thresholds": [
        Case(
            edits=roads({"    vehicles:\n": "    charging: {below: 0.9, until: 0.3} #!\n    vehicles:\n"}),
            path="fleets[agvs].charging",
            message="vehicles charge below 0.9 until 0.3",
            mend="higher than `below`",
        ),
    ],
    "unknown_stock": [
        Case(
            edits=stock({"location: BUF}": "location: BAF} #!"}),
            path="stock[0].location",
            message="there is no location `BAF`",
            mend="did you mean `BUF`?",
        ),
        Case(
            edits=stock({"{rack: R,": "{rack: Q, #!\n    "}),
            path="fill[0].rack",
            message="there is no rack `Q`",
            mend="add it to `racks`",
        ),
    ],
    "misplaced_containers": [
        Case(
            edits=site(
                {
                    "racks:": 'container_types: [{id: tote, containers: ["TOTE-*"]}]\nracks:',
                    "- {id: BUF, kind: buffer,": "- {id: BUF, kind: buffer, accepts: [tote],",
                }
            )
            | stock({"location: BUF}": "location: BUF} #!"}),
            path="stock[0]",
            message="`BOX-1` is of no type in `container_types`, and `BUF` accepts `tote`",
            mend="put it elsewhere",
        ),
        Case(
            edits=site(
                {
                    "racks:": "container_types:\n  - {id: box, containers: [BOX-1]}\n"
                    '  - {id: tote, containers: ["T*"]}\nracks:',
                    "- {id: R,": "- {id: R, accepts: [box],",
                }
            )
            | stock({'count: 3, container: "TOTE-{n:02}"}': 'count: 3, container: "TOTE-{n:02}"} #!'}),
            path="fill[0]",
            message="`TOTE-01` is of type `tote`, and `R-1` accepts `box`",
            mend="put it elsewhere",
        ),
    ],
    "overfull_locations": [
        Case(
            edits=stock({"location: BUF}\n": "location: BUF}\n  - {container: BOX-2, location: BUF} #!\n"}),
            path="stock[1]",
            message="`BUF` holds 1, and `BOX-2` is one too many",
            mend="fewer containers",
        ),
        Case(
            edits=stock({'count: 3, container: "TOTE-{n:02}"}': 'count: 4, container: "TOTE-{n:02}"} #!'}),
            path="fill[0]",
            message="`R-1` holds 1, and `TOTE-02` is one too many",
            mend="fewer containers",
        ),
    ],
    "long_container_ids": [
        Case(
            edits=stock({"container: BOX-1,": "container: A-VERY-LONG-BOX-01, #!\n    "}),
            path="stock[0].container",
            message="`A-VERY-LONG-BOX-01` has 18 characters",
            mend="at most 16",
        ),
    ],
    "unknown_facts": [
        Case(
            edits=rule("{at: review, when: {provence: A}, then: required} #!"),
            path="wes.rules[0].when.provence",
            message="`review` has no fact `provence`",
            mend="did you mean `province`?",
        ),
        Case(
            edits={
                **wes("  zones:\n    - {zone: cold, takes: {product: chill}} #!"),
                **site({"- {id: R,": "- {id: R, zone: cold,"}),
            },
            path="wes.zones[0].takes.product",
            message="`zone cold` has no fact `product`",
            mend="did you mean `product.*`?",
        ),
    ],
    "conditions_that_never_hold": [
        Case(
            edits=rule("{at: review, when: {priority: {like: A*}}, then: required} #!"),
            path="wes.rules[0].when.priority",
            message="`priority` is a number; this never holds",
            mend="compare it with a number",
        ),
        Case(
            edits=rule("{at: review, when: {priority: {min: 7, max: 3}}, then: required} #!"),
            path="wes.rules[0].when.priority",
            message="no `priority` is from 7 to 3; this never holds",
            mend="let `max` be at least as large",
        ),
    ],
    "unknown_zones": [
        Case(
            edits={
                **wes("  zones:\n    - {zone: reject, purpose: rejected} #!"),
                **site({"- {id: R,": "- {id: R, zone: rejects,"}),
            },
            path="wes.zones[0].zone",
            message="no rack and no location is in zone `reject`",
            mend="did you mean `rejects`?",
        ),
        Case(
            edits={
                **wes("  zones:\n    - {zone: dock, purpose: pending} #!"),
                **site({"{id: BUF,": "{id: BUF, zone: dock,"}),
            },
            path="wes.zones[0].zone",
            message="in zone `dock` there is no place where goods stay",
            mend="of kind `storage` or `shelf`",
        ),
    ],
    "zones_named_twice": [
        Case(
            edits={
                **wes("  zones:\n    - {zone: cold}\n    - {zone: cold, purpose: pick} #!"),
                **site({"- {id: R,": "- {id: R, zone: cold,"}),
            },
            path="wes.zones[1].zone",
            message="zone `cold` is told twice",
            mend="make one of the two",
        ),
    ],
    "unknown_outcomes": [
        Case(
            edits=rule("{at: review, then: perhaps} #!"),
            path="wes.rules[0].then",
            message="`review` cannot decide `perhaps`",
            mend="'required' or 'skipped'; the default is `skipped`",
        ),
    ],
    "walls_that_are_nowhere": [
        Case(
            edits={
                **rule("{at: picking, then: wall} #!"),
                **site({"slots: [S-1], putwall: wall}": "slots: [S-1]}"}),
            },
            path="wes.rules[0].then",
            message="no station has a put wall: these orders would wait for ever",
            mend="or decide `station`",
        ),
    ],
    "stations_that_are_nowhere": [
        Case(
            edits=rule('{at: move, then: {pick: "P-*", reserve: "R-*", station: decanting}} #!'),
            path="wes.rules[0].then.station",
            message="no station is called `decanting`",
            mend="name a station, or leave it out",
        ),
    ],
    "returns_that_are_nowhere": [
        Case(
            edits=rule("{at: return, when: {empty: true}, then: 'R-[12]'}", "{at: return, then: 'S-*'} #!"),
            path="wes.rules[1].then",
            message="no storage location is called `S-*`",
            mend="name storage locations",
        ),
    ],
    "rules_never_reached": [
        Case(
            edits=rule("{at: review, then: required}", "{at: review, when: {city: A}, then: skipped} #!"),
            path="wes.rules[1]",
            message="an earlier rule decides every `review`",
            mend="put this one before it",
        ),
    ],
    "missing_secrets": [
        Case(
            edits=wes('  upstream: {http: {url: "http://oms", secret_file: nowhere}} #!'),
            path="wes.upstream.http.secret_file",
            message="there is no file FOLDER/nowhere",
            mend="readable for the gateway only",
        ),
        Case(
            edits=wes('  upstream: {broker: {kind: redis, url: "rediss://cache:6379", ca_file: nowhere}} #!'),
            path="wes.upstream.broker.ca_file",
            message="there is no file FOLDER/nowhere",
            mend="counts from the site's folder",
        ),
    ],
    "unusable_secrets": [
        Case(
            edits=wes('  upstream: {http: {url: "http://oms", secret_file: site.yaml}} #!'),
            path="wes.upstream.http.secret_file",
            message="FOLDER/site.yaml holds no secret to sign with",
            mend="what it holds must be whsec_ and the base64 of 24 to 64 bytes",
        ),
    ],
    "half_credentials": [
        Case(
            edits=wes('  upstream: {broker: {kind: nats, url: "nats://oms:4222", username: me}} #!'),
            path="wes.upstream.broker.username",
            message="`username` needs `password_file`",
            mend="add `password_file: …`",
        ),
        Case(
            edits=wes('  upstream: {broker: {kind: nats, url: "oms:4222", ca_file: site.yaml}} #!'),
            path="wes.upstream.broker.ca_file",
            message="`ca_file` has no effect on nats",
            mend="`tls://host:port`",
        ),
    ],
    "foreign_schemes": [
        Case(
            edits=wes('  upstream: {broker: {kind: nats, url: "nats://a:4222,https://b"}} #!'),
            path="wes.upstream.broker.url",
            message="`https` is no way to speak to nats",
            mend="`nats://`, or with `tls://` for TLS",
        ),
        Case(
            edits=wes('  upstream: {broker: {kind: kafka, url: "kafkas://a:9093,b:9092"}} #!'),
            path="wes.upstream.broker.url",
            message="some servers are spoken to over TLS, others in the clear",
            mend="`kafka://`, or with `kafkas://` for TLS",
        ),
    ],
    "foreign_sasl": [
        Case(
            edits=wes('  upstream: {broker: {kind: redis, url: "redis://c:6379", sasl: SCRAM-SHA-256}} #!'),
            path="wes.upstream.broker.sasl",
            message="`sasl` has no effect on redis",
            mend="it is Kafka's",
        ),
    ],
    "versions_in_disorder": [
        Case(
            edits=codes(
                "{kind: container, prefix: P, serial: 8}", "{kind: container, prefix: Q, serial: 8} #!"
            ),
            path="wes.codes[1].version",
            message="there are two rules `container 1`",
            mend="give the later one the next `version`",
        ),
        Case(
            edits=codes(
                "{kind: wave, prefix: W, serial: 8, valid_from: 2026-01-01}",
                "{kind: wave, version: 2, prefix: V, serial: 8, valid_from: 2025-12-31} #!",
            ),
            path="wes.codes[1].valid_from",
            message="`wave 2` is not valid from a later day than `wave 1`",
            mend="say from which day on it is",
        ),
    ],
    "confusable_rules": [
        Case(
            edits=codes("{kind: order, prefix: O, serial: 8}", "{kind: wave, prefix: O, serial: 8} #!"),
            path="wes.codes[1].prefix",
            message="codes of `wave 1` look like those of `order 1`",
            mend="give one of them another prefix",
        )
    ],
    "codes_that_machines_cannot_read": [
        Case(
            edits=codes("{kind: container, prefix: PALLET-, day: yymmdd, serial: 4} #!"),
            path="wes.codes[0]",
            message="codes of `container 1` have 17 characters",
            mend="use at most 16: PLCs hold no more",
        )
    ],
    "lots_that_nobody_numbers": [
        Case(
            edits=wes(
                "  codes: [{kind: lot, text: {length: 8}}]\n"
                "  rules:\n    - {at: receipt, then: {inspect: true, number_lots: true}} #!"
            ),
            path="wes.rules[0].then.number_lots",
            message="no rule numbers lots",
            mend="add a rule of kind `lot` with a `serial`",
        )
    ],
    "misnamed_places": [
        Case(
            edits=codes("{kind: location, prefix: R-, text: {length: 2}}")
            | site({"columns: 3,": "columns: 3, #!"}),
            path="racks[R].slot",
            message="`R-1` has 3 characters, not 4 (rule `location 1`)",
            mend="correct it, or the rule",
        ),
        Case(
            edits=codes("{kind: location, prefix: R-, text: {length: 1}}")
            | site({"  - {id: S-1,": "  - {id: X-1, kind: storage, place: 99} #!\n  - {id: S-1,"}),
            path="locations[X-1].id",
            message="`X-1` does not begin with R- (rule `location 1`)",
            mend="correct it, or the rule",
            also=("`X-1` cannot be reached",),
        ),
    ],
}


def test_every_check_has_its_cases() -> None:
    assert list(CASES) and set(CASES) == {check.__name__ for check, _ in CHECKS}


def test_the_small_site_is_sound(tmp_path: Path) -> None:
    assert findings(write(tmp_path, small_site())) == ()


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=f"{check}-{n}") for check, cases in CASES.items() for n, case in enumerate(cases)],
)
def test_a_mistake_is_told_with_its_place_and_what_mends_it(case: Case, tmp_path: Path) -> None:
    files = small_site()
    for name, edits in case.edits.items():
        files[name] = edited(files[name], edits)
    if case.profile is not None:
        files["profiles/own.yaml"] = own_profile(*case.profile)
    file, line = marked(files)
    told = findings(write(tmp_path, files))

    (finding,) = [one for one in told if case.message.replace("FOLDER", str(tmp_path)) in one.message]
    assert (finding.file.resolve(), finding.line, finding.path) == (tmp_path / file, line, case.path)
    assert case.mend in finding.mend
    others = [one.message for one in told if one != finding]
    assert [other for other in others if not any(also in other for also in case.also)] == []
    assert len(others) == len(case.also)


def marked(files: dict[str, str]) -> tuple[str, int]:
    """Return file and line of the mark."""
    (place,) = [
        (name, number)
        for name, text in files.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if "#!" in line
    ]
    return place
