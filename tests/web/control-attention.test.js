/** What needs a person is told once, the worst first, with what the contract offers and nothing else. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { bodyOf, ofDevice, ofTransport } from "../../gateway/web/static/control/acts.js";
import { mattersOf } from "../../gateway/web/static/control/attention.js";
import { UNKNOWN } from "../../gateway/web/static/control/plant.js";

const problem = { code: "noRead", title: "The scanner could not read", detail: "at OUT-2", advice: "Clean it", actions: ["retry", "containerAt", "cancel"] };
const halted = { transportId: "T 1", containerId: "TOTE-1", status: "failed", problem, updatedAt: "2026-11-23T10:00:00Z", legs: [], waiting: null };
const alarm = (alarmId, subject) => ({ alarmId, subject, code: "c", text: `${subject} is in trouble`, advice: "look", actions: [], raisedAt: "2026-11-23T09:00:00Z" });
const device = (deviceId, more) => ({ deviceId, kind: "lift", enabled: true, online: true, offlineReason: null, fault: null, containers: [], commands: [], link: null, position: null, ...more });
const byId = (items, key) => new Map(items.map((item) => [item[key], item]));

test("nothing is the matter while all is well or only waits its turn", () => {
  const waiting = { ...halted, status: "planned", problem: null, waiting: "OUT-1 is occupied" };
  assert.deepEqual(mattersOf({ ...UNKNOWN, transports: byId([waiting], "transportId"), devices: byId([device("lift-1")], "deviceId") }, null), []);
});

test("a thing and its alarm are one matter; what has no thing of its own stands alone", () => {
  const plant = {
    ...UNKNOWN,
    transports: byId([halted], "transportId"),
    devices: byId([device("lift-1", { fault: "jam" })], "deviceId"),
    alarms: byId([alarm("a", "T 1"), alarm("b", "lift-1"), alarm("c", "gateway")], "alarmId"),
  };
  const matters = mattersOf(plant, null);
  assert.deepEqual(matters.map(({ kind, id }) => [kind, id]).sort(), [[null, "gateway"], ["device", "lift-1"], ["transport", "T 1"]].sort());
  assert.equal(matters.find((matter) => matter.id === "lift-1").advice, "look");
});

test("faults stand before what is only away, and that before what somebody has switched off", () => {
  const plant = {
    ...UNKNOWN,
    devices: byId([device("off", { enabled: false }), device("away", { online: false, offlineReason: "no answer" }), device("broken", { fault: "jam" })], "deviceId"),
    blocks: byId([{ locationId: "A", reason: "bent", operator: "Ann" }, { locationId: "B", reason: "occupied", operator: null }], "locationId"),
  };
  const weights = mattersOf(plant, null).map((matter) => matter.weight);
  assert.deepEqual(weights, ["bad", "warn", "warn", "note", "note"]);
});

test("a WES brings its alarms, exceptions and messages", () => {
  const wes = {
    alarms: [alarm("w", "stock")],
    exceptions: [{ exceptionId: 4, orderNo: "O-1", kind: "short", text: "3 pieces are missing", at: "2026-11-23T10:00:00Z", decisions: ["retry", "short", "unheardOf"] }],
    messages: [{ messageId: 9, topic: "order.shipped", orderNo: "O-2", attempts: 9, error: "500", createdAt: "2026-11-23T10:00:00Z", waiting: 1 }],
  };
  const [first, ...rest] = mattersOf(UNKNOWN, wes);
  assert.deepEqual([first.id, first.title], ["stock", "is in trouble"]);
  assert.deepEqual(rest.map(({ id, acts }) => [id, acts.map((act) => act.path)]), [
    ["O-1", ["/v1/wes/exceptions/4/settle", "/v1/wes/exceptions/4/settle"]],
    ["O-2", ["/v1/wes/messages/9/send", "/v1/wes/messages/9/skip"]],
  ]);
});

test("a halted transport is resolved as the gateway offers it, in its own words, by name and with a reason", () => {
  const [retry, at, cancel] = ofTransport(halted);
  assert.deepEqual([retry.path, retry.asks, at.asks, cancel.isGrave], ["/v1/transports/T%201/resolve", ["reason"], ["locationId", "reason"], true]);
  assert.deepEqual(bodyOf(at, "Ann", { locationId: "A", reason: "seen", operator: "Eve" }), { action: "containerAt", operator: "Ann", locationId: "A", reason: "seen" });
});

test("an open transport can be given up once, an ended one not at all", () => {
  const [cancel] = ofTransport({ ...halted, status: "executing", problem: null });
  assert.deepEqual([cancel.path, bodyOf(cancel, "Ann", {})], ["/v1/transports/T%201/cancel", undefined]);
  assert.deepEqual(ofTransport({ ...halted, status: "executing", cancelRequested: true }), []);
  assert.deepEqual(ofTransport({ ...halted, status: "completed" }), []);
});

test("only a vehicle with a fault is told where it stands, in rad", () => {
  const verbs = (each) => ofDevice(each).map((act) => act.verb);
  assert.deepEqual(verbs(device("lift-1")), ["disable"]);
  assert.deepEqual(verbs(device("lift-1", { fault: "jam", enabled: false })), ["reset", "enable"]);
  const lost = device("agv-1", { kind: "vehicle", fault: "lost" });
  assert.deepEqual(verbs(lost), ["reset", "localise", "disable"]);
  const body = bodyOf(ofDevice(lost)[1], "Ann", { nodeId: "n1", theta: "180", reason: "seen" });
  assert.deepEqual(body, { operator: "Ann", nodeId: "n1", theta: Math.PI, reason: "seen" });
});
