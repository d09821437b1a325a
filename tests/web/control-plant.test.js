/** What the control room knows of the plant: answers, brought up to date by events, whichever of them comes first. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { UNKNOWN, withAlarms, withBlocks, withContainers, withDevices, withEvents, withPast, withTransports } from "../../gateway/web/static/control/plant.js";

const event = (seq, type, data) => ({ seq, type, subject: "", time: `2026-11-23T10:00:0${seq % 10}Z`, data });
const device = (deviceId, more = {}) => ({ deviceId, kind: "shuttle", enabled: true, online: true, offlineReason: null, fault: null, containers: [], commands: [], link: null, position: null, ...more });
const transport = (transportId, more = {}) => ({ transportId, containerId: "TOTE-1", source: "A", destination: "B", status: "accepted", legs: [], waiting: null, problem: null, ...more });
const LEGS = [{ source: "A", target: "OUT", carrierId: "shuttle-1" }, { source: "OUT", target: "B", carrierId: "agvs" }];
const ORDERED = [
  event(1, "transport.accepted", { transportId: "T", containerId: "TOTE-1", status: "accepted", source: "A", destination: "B", priority: 7 }),
  event(2, "transport.planned", { transportId: "T", containerId: "TOTE-1", status: "planned", legs: LEGS }),
  event(3, "transport.legStarted", { transportId: "T", containerId: "TOTE-1", status: "executing", leg: 0, target: "OUT", deviceId: "shuttle-1" }),
];

test("a transport is followed from its order to its end", () => {
  let plant = withContainers(UNKNOWN, [{ containerId: "TOTE-1", locationId: "A", transportId: "T" }], 0);
  plant = withEvents(plant, ORDERED);
  const { status, destination, legs } = plant.transports.get("T");
  assert.deepEqual([status, destination, legs.map((leg) => leg.status), legs[0].deviceId], ["executing", "B", ["active", "ahead"], "shuttle-1"]);
  plant = withEvents(plant, [
    event(4, "container.located", { containerId: "TOTE-1", locationId: "OUT", transportId: "T" }),
    event(5, "transport.legCompleted", { transportId: "T", containerId: "TOTE-1", status: "executing", leg: 0 }),
  ]);
  assert.deepEqual([plant.transports.get("T").legs[0].status, plant.standing.get("OUT"), plant.standing.get("A")], ["done", ["TOTE-1"], undefined]);
  plant = withEvents(plant, [event(6, "transport.completed", { transportId: "T", containerId: "TOTE-1", status: "completed", locationId: "B" })]);
  assert.deepEqual([plant.transports.size, plant.containers.get("TOTE-1").transportId], [0, undefined]);
});

test("what was heard before is not heard again", () => {
  const plant = withEvents(UNKNOWN, ORDERED);
  assert.equal(withEvents(plant, ORDERED), plant);
});

test("a transport that halts says why, and what may be done; what somebody decides ends it", () => {
  let plant = withEvents(UNKNOWN, [
    ...ORDERED,
    event(4, "transport.unknown", { transportId: "T", containerId: "TOTE-1", status: "unknown", reason: { code: "timeout", title: "late", detail: "d", advice: "look" }, actions: ["retry"] }),
  ]);
  assert.deepEqual(plant.transports.get("T").problem, { code: "timeout", title: "late", detail: "d", advice: "look", actions: ["retry"] });
  plant = withEvents(plant, [event(5, "transport.resolved", { transportId: "T", containerId: "TOTE-1", status: "unknown", action: "retry", operator: "Ann" })]);
  assert.deepEqual([plant.transports.get("T").status, plant.transports.get("T").problem], ["executing", null]);
});

test("an answer does not undo what the feed has told since it was asked for", () => {
  const before = withContainers({ ...UNKNOWN, seq: 3 }, [{ containerId: "TOTE-1", locationId: "A" }], 3);
  const plant = withEvents(before, [event(4, "container.located", { containerId: "TOTE-1", locationId: "B", transportId: null })]);
  assert.equal(withContainers(plant, [{ containerId: "TOTE-1", locationId: "A" }], 3).containers.get("TOTE-1").locationId, "B");
  assert.equal(withContainers(plant, [{ containerId: "TOTE-1", locationId: "C" }], 4).containers.get("TOTE-1").locationId, "C");
});

test("what has ended since is not brought back by an older answer, and what is new is not lost by it", () => {
  let plant = withTransports(UNKNOWN, [transport("T"), transport("gone")], 0);
  plant = withEvents(plant, [event(1, "transport.completed", { transportId: "T", containerId: "TOTE-1", status: "completed" }), ...ORDERED.slice(1).map((each) => ({ ...each, data: { ...each.data, transportId: "N" } }))]);
  assert.deepEqual([...withTransports(plant, [transport("T")], 0).transports.keys()], ["N"]);
});

test("a load on board stands nowhere else, unless the feed has put it down since", () => {
  const known = withContainers(UNKNOWN, [{ containerId: "TOTE-1", locationId: "A" }], 0);
  const boarded = withDevices(known, [device("shuttle-1", { containers: ["TOTE-1"] })], 0);
  assert.deepEqual([boarded.containers.get("TOTE-1"), boarded.standing.size], [{ containerId: "TOTE-1", deviceId: "shuttle-1" }, 0]);
  const down = withEvents(boarded, [event(1, "container.located", { containerId: "TOTE-1", locationId: "B", transportId: null })]);
  assert.equal(withDevices(down, [device("shuttle-1", { containers: ["TOTE-1"] })], 0).containers.get("TOTE-1").locationId, "B");
});

test("devices, places, alarms and lights follow the feed", () => {
  let plant = withDevices(UNKNOWN, [device("lift-1")], 0);
  plant = withEvents(plant, [
    event(1, "device.fault", { deviceId: "lift-1", text: "jam" }),
    event(2, "device.disabled", { deviceId: "lift-1" }),
    event(3, "location.blocked", { locationId: "A", reason: "bent", operator: "Ann" }),
    event(4, "alarm.raised", { alarmId: "x", subject: "lift-1", code: "c", text: "t", advice: "a", actions: [] }),
    event(5, "put.lit", { wall: "wall-1", slot: "W1-01" }),
    event(6, "device.fault", { deviceId: "nobody knows it yet", text: "jam" }),
  ]);
  assert.deepEqual([plant.devices.get("lift-1").fault, plant.devices.get("lift-1").enabled, plant.devices.size], ["jam", false, 1]);
  assert.deepEqual([...plant.blocks.keys(), ...plant.alarms.keys(), ...plant.lit], ["A", "x", "wall-1/W1-01"]);
  plant = withEvents(plant, [
    event(7, "device.recovered", { deviceId: "lift-1" }),
    event(8, "location.unblocked", { locationId: "A" }),
    event(9, "alarm.cleared", { alarmId: "x" }),
    event(10, "put.confirmed", { wall: "wall-1", slot: "W1-01" }),
  ]);
  assert.deepEqual([plant.devices.get("lift-1").fault, plant.blocks.size, plant.alarms.size, plant.lit.size], [null, 0, 0, 0]);
  assert.equal(withBlocks(plant, [{ locationId: "A", reason: "bent", operator: null }], 7).blocks.size, 0);
  assert.equal(withAlarms(plant, [{ alarmId: "y" }], 10).alarms.size, 1);
});

test("slots that were lit before the page listened are lit, unless they have gone out since", () => {
  const past = [event(1, "put.lit", { wall: "w", slot: "1" }), event(2, "put.lit", { wall: "w", slot: "2" }), event(3, "put.short", { wall: "w", slot: "1" })];
  const plant = withPast({ ...UNKNOWN, lit: new Set(["w/3"]) }, past);
  assert.deepEqual([...plant.lit].sort(), ["w/2", "w/3"]);
});
