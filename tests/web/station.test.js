/** What a station's page proposes next, what a code means there, and what it tells: over views as the gateway sends them. */

import assert from "node:assert/strict";
import { test } from "node:test";

const STATIC = "../../gateway/web/static/station";
const { currentStep, othersThan, stepsOf } = await import(`${STATIC}/steps.js`);
const { expected, meaningOf } = await import(`${STATIC}/meaning.js`);
const { newsOf } = await import(`${STATIC}/news.js`);

// ── a station as the stream tells of it ──────────────────────────────────────────────────────────────

const SLOTS = ["W1-01", "W1-02", "W1-03", "W1-04"];

function station(more = {}) {
  return {
    stationId: "station-1", name: "Station 1", open: true, operator: "Ann", reason: null, wall: "wall-1", slots: ["S1-1", "S1-2"],
    boxPlaces: SLOTS, columns: 2, operations: [], coming: [], boxes: [], questions: [], replenishments: [], counts: [], putBacks: [], transfers: [], ...more,
  };
}

function task(allocationId, more = {}) {
  return {
    allocationId, workId: 70 + allocationId, orderNo: `ORD-${allocationId}`, skuId: `SKU-${allocationId}`, name: `Tea ${allocationId}`,
    barcodes: [`690000000000${allocationId}`], unit: "box", attributes: {}, lotNo: "", expiryAt: null, cell: null, quantity: 3, picked: 0, short: 0,
    rest: 3, slotId: "W1-01", serial: false, scan: "none", held: null, puts: [], ended: [], ...more,
  };
}

const put = (putId, more = {}) => ({ putId, slotId: "W1-01", quantity: 3, confirmed: null, state: "lit", ...more });
const operation = (operationId, tasks, more = {}) => ({
  operationId, containerId: `TOTE-${operationId}`, locationId: `S1-${operationId}`, scanned: true, cells: [], tasks, ...more,
});
const box = (slotId, more = {}) => ({ slotId, workId: 71, orderNo: "ORD-1", quantity: 3, rest: 0, packed: true, recalled: 0, complete: false, ...more });
const line = (lineId, more = {}) => ({
  lineId, countId: "N-1", holderId: "TOTE-9", locationId: "S1-2", skuId: `SKU-${lineId}`, name: "Tea", barcodes: [`69${lineId}`], unit: "box",
  lotNo: "", serial: false, unitsPerCase: null, state: "open", ...more,
});
const goods = (more = {}) => ({
  replenishmentId: 5, skuId: "SKU-5", name: "Tea", barcodes: [], unit: "box", lotNo: "", serial: false, scan: "none", sourceId: "PALLET-1",
  locationId: "S1-2", places: "TOTE-*", targetId: "TOTE-2", rest: 6, state: "open", operator: null, ...more,
});
const transfer = (more = {}) => ({
  taskId: 9, transferId: "T-1", skuId: "SKU-9", name: "Tea", barcodes: [], unit: "box", lotNo: "", expiryAt: null, serial: false, scan: "none",
  sourceId: "TOTE-9", locationId: "S1-2", stationId: "station-1", target: "SHELF-1", targetZone: null, rest: 4, moving: 0, ...more,
});
const back = (more = {}) => ({ putBackId: 8, orderNo: "ORD-8", skuId: "SKU-8", lotNo: "", quantity: 2, upns: [], boxId: "W1-04", fromHolder: "TOTE-1", ...more });

const keys = (of) => stepsOf(of).map((each) => each.key);
const shown = (of, chosen = null, begun = null) => currentStep(of, stepsOf(of), chosen, begun);

// ── what comes next ──────────────────────────────────────────────────────────────────────────────────

test("where nothing is to be done, the page waits for a container, or for somebody to open the station", () => {
  assert.deepEqual(keys(station()), ["wait"]);
  assert.deepEqual(keys(station({ open: false })), ["closed"]);
});

test("a container is scanned, emptied, and let go", () => {
  assert.deepEqual(keys(station({ operations: [operation(1, [task(1)], { scanned: false })] })), ["scan-1"]);
  assert.deepEqual(keys(station({ operations: [operation(1, [task(1), task(2)])] })), ["pick-1", "pick-2"]);
  assert.deepEqual(keys(station({ operations: [operation(1, [task(1, { rest: 0, puts: [put(4)] }), task(2, { rest: 0 })])] })), ["put-4"]);
  assert.deepEqual(keys(station({ operations: [operation(1, [task(1, { rest: 0, picked: 3 })])] })), ["release-1"]);
  assert.deepEqual(keys(station({ operations: [operation(1, [])] })), ["release-1"], "its orders were cancelled");
});

test("what is in a hand goes into its slot before more is taken", () => {
  const half = station({ operations: [operation(1, [task(1, { rest: 1, puts: [put(4, { quantity: 2 })] })])] });
  assert.deepEqual(keys(half), ["put-4", "pick-1"]);
});

test("of several goods those come first of which some were taken already", () => {
  const begun = [task(1), task(2, { skuId: "TEA", rest: 0 }), task(3), task(4, { skuId: "TEA" })];
  assert.deepEqual(keys(station({ operations: [operation(1, begun)] })), ["pick-4", "pick-1", "pick-3"]);
});

test("what is held is not taken, and keeps its container only where nothing else is left", () => {
  const [held, open] = [task(1, { held: "Ann: ask" }), task(2)];
  assert.deepEqual(keys(station({ operations: [operation(1, [held, open])] })), ["pick-2"]);
  assert.deepEqual(keys(station({ operations: [operation(1, [held, task(2, { rest: 0, puts: [put(4)] })])] })), ["put-4"]);
  const all = station({ operations: [operation(1, [held, task(2, { rest: 0 })])] });
  assert.deepEqual(keys(all), ["held-1"]);
  assert.deepEqual(shown(all).tasks, [held]);
});

test("a container that was begun comes first, then boxes that are complete, then the next container, then what keeps fewer waiting", () => {
  const busy = station({
    operations: [operation(2, [task(2)], { scanned: false }), operation(1, [task(1)])],
    boxes: [box("W1-02", { complete: true }), box("W1-03", { workId: 72 })],
    counts: [line(3)], replenishments: [goods()], putBacks: [back()],
  });
  assert.deepEqual(keys(busy), ["pick-1", "seal-71", "scan-2", "count-TOTE-9", "replenish-5", "putBack-8"]);
});

test("what is left in a container is counted when all is picked, before it leaves; what somebody has counted is somebody else's", () => {
  const left = line(3, { holderId: "TOTE-1" });
  const picked = station({ operations: [operation(1, [task(1, { rest: 0 })])], counts: [left, line(4)] });
  assert.deepEqual(keys(picked), ["count-TOTE-1", "release-1", "count-TOTE-9"]);
  assert.deepEqual(keys(station({ operations: [operation(1, [task(1)])], counts: [left] })), ["pick-1"]);
  assert.deepEqual(stepsOf(picked, new Set([3, 4])).map((each) => each.key), ["release-1"]);
  const two = stepsOf(station({ counts: [line(3), line(4), line(5, { holderId: "TOTE-8" })] }));
  assert.deepEqual(two.map((each) => each.lines.length), [2, 1]);
});

test("goods of a transfer are taken here, and what is taken goes where it should before more is; what leaves the site is no matter of ours", () => {
  const phases = (...given) => stepsOf(station({ transfers: given })).map(({ key, isTaken }) => [key, isTaken]);
  assert.deepEqual(phases(transfer()), [["transfer-9", false]]);
  assert.deepEqual(phases(transfer({ rest: 1, moving: 3 })), [["transfer-9", true]]);
  assert.deepEqual(phases(transfer({ rest: 0, moving: 3, target: null, targetZone: "B" })), [["transfer-9", true]]);
  assert.deepEqual(phases(transfer({ rest: 0, moving: 3, target: null })), [["wait", undefined]]);
  assert.deepEqual(phases(transfer({ stationId: "station-2" })), [["wait", undefined]]);
});

test("a person may choose, and stays where a form is begun, as long as that is to be done", () => {
  const two = station({ operations: [operation(1, [task(1), task(2)])], counts: [line(3)] });
  assert.equal(shown(two).key, "pick-1");
  assert.equal(shown(two, "pick-2").key, "pick-2");
  assert.equal(shown(two, null, "count-TOTE-9").key, "count-TOTE-9");
  assert.equal(shown(two, "pick-2", "count-TOTE-9").key, "pick-2");
  assert.equal(shown(two, "pick-7", "count-X").key, "pick-1");
  assert.deepEqual(shown(two, "box-W1-03"), { kind: "box", key: "box-W1-03", slotId: "W1-03" });
  assert.equal(shown(two, "box-W9-99").key, "pick-1");
  assert.deepEqual(othersThan(stepsOf(two), shown(two)).map((each) => each.key), ["pick-2", "count-TOTE-9"]);
  assert.deepEqual(othersThan(stepsOf(station()), shown(two)), []);
});

// ── what a code means ────────────────────────────────────────────────────────────────────────────────

function meaning(code, of, { chosen = null, draft = {}, eachPiece = false } = {}) {
  const steps = stepsOf(of);
  const step = currentStep(of, steps, chosen, null);
  return meaningOf(code, of, steps, step, { key: step.key, ...draft }, eachPiece);
}

const body = (...given) => {
  const { kind, deed } = meaning(...given);
  assert.equal(kind, "deed");
  return deed.body;
};

test("each step expects one thing of the scanner", () => {
  const expects = (of, draft = {}) => expected(shown(of), { key: "", ...draft });
  const at = (...tasks) => station({ operations: [operation(1, tasks)] });
  assert.equal(expects(station({ operations: [operation(1, [task(1)], { scanned: false })] })), "container");
  assert.equal(expects(at(task(1))), "goods");
  assert.equal(expects(at(task(1, { serial: true }))), "unit");
  assert.equal(expects(at(task(1, { rest: 0, puts: [put(4)] }))), "slot");
  assert.equal(expects(at()), "container");
  assert.equal(expects(at(task(1, { held: "no" }))), "nothing");
  assert.equal(expects(station({ boxes: [box("W1-01", { complete: true })] })), "box");
  assert.equal(expects(station({ counts: [line(3)] })), "container");
  assert.equal(expects(station({ counts: [line(3)] }), { isThere: true }), "goods");
  assert.equal(expects(station({ counts: [line(3, { serial: true })] }), { isThere: true }), "unit");
  assert.equal(expects(station({ replenishments: [goods()] })), "holder");
  assert.equal(expects(station({ replenishments: [goods({ scan: "lot" })] })), "goods");
  assert.equal(expects(station({ replenishments: [goods({ serial: true })] })), "unit");
  assert.equal(expects(station({ replenishments: [goods({ scan: "lot" })] }), { scan: "X" }), "holder");
  assert.equal(expects(station({ putBacks: [back()] })), "holder");
  assert.equal(expects(station()), "nothing");
  assert.equal(expects(station({ open: false })), "nothing");
  assert.equal(expected(shown(station(), "box-W1-01"), { key: "" }), "nothing");
  assert.equal(expected(shown(station(), "box-W1-01"), { key: "", sheet: "seal" }), "box");
});

test("a container that stands here is itself, whatever is shown; another one is judged by the gateway", () => {
  const two = station({ operations: [operation(1, [task(1)]), operation(2, [task(2)], { scanned: false })] });
  assert.deepEqual(body("TOTE-2", two), { act: "scan", operationId: 2, containerId: "TOTE-2" });
  assert.deepEqual(body("]C0TOTE-2", two), { act: "scan", operationId: 2, containerId: "TOTE-2" });
  assert.equal(meaning("TOTE-1", two).word, "isScanned");
  const waiting = station({ operations: [operation(2, [task(2)], { scanned: false })] });
  assert.deepEqual(body("TOTE-77", waiting), { act: "scan", operationId: 2, containerId: "TOTE-77" });
  const empty = station({ operations: [operation(1, [task(1, { rest: 0 })])] });
  assert.deepEqual(body("TOTE-1", empty), { act: "done", operationId: 1 });
  assert.equal(meaning("6900000000001", empty).word, "notExpected");
});

test("goods go on as the scanner has sent them, with as many as are shown, one by one, or as their numbers say", () => {
  const here = station({ operations: [operation(1, [task(1), task(2)])] });
  const code = "]C10106900000000001\u001d10L1";
  assert.deepEqual(body(code, here), { act: "pick", allocationId: 1, quantity: 3, scan: code });
  assert.deepEqual(body(code, here, { draft: { quantity: 2 } }), { act: "pick", allocationId: 1, quantity: 2, scan: code });
  assert.deepEqual(body(code, here, { eachPiece: true }), { act: "pick", allocationId: 1, scan: code });
  const serial = station({ operations: [operation(1, [task(1, { serial: true })])] });
  assert.deepEqual(body("SN-1", serial, { draft: { quantity: 2 } }), { act: "pick", allocationId: 1, scan: "SN-1" });
});

test("the code of something else that is wanted of the same container shows that, and takes nothing", () => {
  const here = station({ operations: [operation(1, [task(1), task(2)])] });
  const told = meaning("6900000000002", here);
  assert.deepEqual([told.kind, told.key, told.word], ["choose", "pick-2", "nowPick"]);
  const same = station({ operations: [operation(1, [task(1), task(2, { barcodes: ["6900000000001"] })])] });
  assert.equal(body("6900000000001", same).allocationId, 1);
  assert.equal(body("6900000000001", same, { chosen: "pick-2" }).allocationId, 2);
  assert.equal(body("SKU-1", same).allocationId, 1);
});

test("a slot confirms what is lit there; a dark one is refused, a complete one is closed", () => {
  const lit = station({
    operations: [operation(1, [task(1, { rest: 0, puts: [put(4)] }), task(2, { puts: [put(5, { slotId: "W1-02", quantity: 1 })] })])],
    boxes: [box("W1-03", { complete: true })],
  });
  assert.deepEqual(body("W1-01", lit), { act: "put", putId: 4, slotId: "W1-01", quantity: 3 });
  assert.deepEqual(body("W1-01", lit, { draft: { quantity: 2 } }).quantity, 2);
  assert.deepEqual(body("W1-02", lit), { act: "put", putId: 5, slotId: "W1-02", quantity: 1 });
  assert.deepEqual(body("W1-04", lit), { act: "put", putId: 4, slotId: "W1-04", quantity: 3 }, "the gateway says that it is the wrong one");
  assert.equal(meaning("W1-04", lit, { chosen: "pick-2" }).word, "slotIsDark");
  const told = meaning("W1-03", lit, { chosen: "pick-2" });
  assert.deepEqual([told.kind, told.key], ["choose", "seal-71"]);
});

test("while a slot is lit the next piece may be scanned; if nothing is left to take, the code is a slot and the wrong one", () => {
  const half = station({ operations: [operation(1, [task(1, { rest: 1, puts: [put(4, { quantity: 2 })] })])] });
  assert.deepEqual(body("6900000000001", half, { eachPiece: true }), { act: "pick", allocationId: 1, scan: "6900000000001" });
  assert.equal(body("6900000000001", half, { draft: { quantity: 2 } }).quantity, 1, "what was typed is of the put");
  const next = station({ operations: [operation(1, [task(1, { rest: 0, puts: [put(4)] }), task(2)])] });
  assert.equal(body("6900000000002", next).allocationId, 2);
  const last = station({ operations: [operation(1, [task(1, { rest: 0, puts: [put(4)] })])] });
  assert.deepEqual(body("6900000000001", last), { act: "put", putId: 4, slotId: "6900000000001", quantity: 3 });
});

test("a box gets its label, goods that come back their place", () => {
  assert.deepEqual(meaning("BOX-1", station({ boxes: [box("W1-01", { complete: true })] })), { kind: "draft", change: { boxId: "BOX-1" } });
  assert.equal(meaning("BOX-1", station(), { chosen: "box-W1-01", draft: { sheet: "seal" } }).change.boxId, "BOX-1");
  assert.deepEqual(body("TOTE-5", station({ putBacks: [back()] })), { act: "putBack", putBackId: 8, holderId: "TOTE-5" });
});

test("goods are moved when all is known of them: first what they are, then where they lie", () => {
  const simple = station({ replenishments: [goods()] });
  assert.deepEqual(body("TOTE-2", simple), { act: "replenish", replenishmentId: 5, holderId: "TOTE-2", quantity: 6 });
  assert.equal(body("TOTE-2", simple, { draft: { quantity: 4 } }).quantity, 4);
  const judged = station({ replenishments: [goods({ scan: "product" })] });
  assert.deepEqual(meaning("6901", judged), { kind: "draft", change: { scan: "6901" } });
  assert.deepEqual(body("TOTE-2", judged, { draft: { scan: "6901" } }), { act: "replenish", replenishmentId: 5, holderId: "TOTE-2", quantity: 6, scan: "6901" });
  const unit = station({ replenishments: [goods({ serial: true })] });
  assert.deepEqual(meaning("SN-1", unit), { kind: "draft", change: { scan: "SN-1" } });
  assert.deepEqual(body("TOTE-2", unit, { draft: { scan: "SN-1" } }), { act: "replenish", replenishmentId: 5, holderId: "TOTE-2", scan: "SN-1" });
});

test("goods of a transfer: what they are, then what they are taken out of, or put into", () => {
  const take = station({ transfers: [transfer()] });
  assert.deepEqual(body("TOTE-9", take), { act: "take", taskId: 9, holderId: "TOTE-9", quantity: 4 });
  assert.equal(expected(shown(take), { key: "" }), "container");
  const put_ = station({ transfers: [transfer({ rest: 1, moving: 3, scan: "lot" })] });
  assert.equal(expected(shown(put_), { key: "" }), "goods");
  assert.deepEqual(meaning("10L1", put_), { kind: "draft", change: { scan: "10L1" } });
  assert.equal(expected(shown(put_), { key: "", scan: "10L1" }), "holder");
  assert.deepEqual(body("SHELF-1", put_, { draft: { scan: "10L1" } }), { act: "put", taskId: 9, holderId: "SHELF-1", quantity: 3, scan: "10L1" });
  const unit = station({ transfers: [transfer({ serial: true })] });
  assert.equal(expected(shown(unit), { key: "" }), "unit");
  assert.deepEqual(body("TOTE-9", unit, { draft: { scan: "U-1" } }), { act: "take", taskId: 9, holderId: "TOTE-9", scan: "U-1" });
});

test("nothing is counted before the container was scanned; then a code finds the line, or is one more unit", () => {
  const here = station({ counts: [line(3), line(4, { lotNo: "L-4" }), line(5, { serial: true })] });
  const there = { draft: { isThere: true } };
  assert.equal(meaning("TOTE-8", here).word, "otherContainer");
  assert.deepEqual(meaning("TOTE-9", here), { kind: "draft", change: { isThere: true } });
  assert.deepEqual(meaning("694", here, there), { kind: "draft", change: { lineId: 4 } });
  assert.deepEqual(meaning("L-4", here, there), { kind: "draft", change: { lineId: 4, lotNo: "L-4" } });
  assert.equal(meaning("X", here, there).word, "notInCount");
  const serial = { draft: { isThere: true, lineId: 5, upns: ["U-1"] } };
  assert.deepEqual(meaning("U-2", here, serial), { kind: "draft", change: { upns: ["U-1", "U-2"], pieces: "2" } });
  assert.equal(meaning("U-1", here, serial).word, "unitTwice");
  assert.deepEqual(meaning("SKU-77", here, { draft: { isThere: true, sheet: "find" } }), { kind: "draft", change: { skuId: "SKU-77" } });
});

test("where nothing is expected, a code does nothing", () => {
  for (const of of [station(), station({ open: false })]) assert.deepEqual(meaning("X", of), { kind: "refuse", word: "notExpected", values: { code: "X" } });
  assert.equal(meaning("W1-01", station()).word, "slotIsDark");
});

// ── what is told ─────────────────────────────────────────────────────────────────────────────────────

test("buttons of the wall, questions and arrivals are told once, when they come", () => {
  const lit = station({ operations: [operation(1, [task(1, { puts: [put(4), put(5, { slotId: "W1-02", quantity: 2 })] })])] });
  const ended = [put(3, { confirmed: 1 }), put(4, { confirmed: 3 }), put(5, { slotId: "W1-02", quantity: 2, confirmed: 1 })];
  const question = { questionId: 6, slotId: "W1-03", kind: "darkSlot", putId: null, text: "", at: "" };
  const after = station({ operations: [operation(1, [task(1, { ended })]), operation(2, [], { scanned: false })], questions: [question] });
  assert.deepEqual(newsOf(lit, after).map(({ kind, word, values }) => [kind, word, values.slot ?? values.container]), [
    ["good", "wasPut", "W1-01"], ["bad", "wasPutLess", "W1-02"], ["bad", "isAsked", "W1-03"], ["good", "hasArrived", "TOTE-2"],
  ]);
  assert.deepEqual(newsOf(after, after), []);
});
