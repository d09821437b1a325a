/** What the outbox promises: nothing that a person has done is lost, done twice, or done in another order (S2-147). */

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.sessionStorage = /** @type {any} */ (memory());
const { Refused, Unanswered } = await import("../../gateway/web/static/core/http.js");
const { MOST, newActId, Outbox, OutboxFull } = await import("../../gateway/web/static/core/outbox.js");

const NOW = Date.parse("2026-01-01T00:00:00Z");

function memory() {
  /** @type {Map<string, string>} */
  const kept = new Map();
  return { getItem: (name) => kept.get(name) ?? null, setItem: (name, text) => void kept.set(name, text) };
}

/** A gateway that does each act once, and whose network answers as the list says. */
function gateway(weather) {
  const done = [];
  const send = async ({ body }) => {
    const now = weather.shift() ?? "fine";
    if (now === "refused") throw new Refused(409, { title: "", detail: "no", status: 409 });
    if (now !== "requestLost" && !done.includes(body.actId)) done.push(body.actId);
    if (now !== "fine") throw new Unanswered(now);
    return { actId: body.actId };
  };
  return { done, send };
}

const act = (actId) => ({ path: "/v1/wes/acts", body: { actId }, words: actId, since: "2026-01-01T00:00:00Z" });

function outbox(store, send, more = {}) {
  return new Outbox({ name: "acts", store, send, pause: async () => {}, changed: () => {}, orphaned: () => {}, now: () => NOW, ...more });
}

test("what nobody answers is sent again until it is, in the order in which it was done", async () => {
  const { done, send } = gateway(["requestLost", "answerLost", "fine", "answerLost", "requestLost"]);
  const box = outbox(memory(), send);
  await Promise.all([box.add(act("a")), box.add(act("b")), box.add(act("c"))]);
  assert.deepEqual(done, ["a", "b", "c"]);
  assert.deepEqual(box.kept, []);
});

test("a page that was closed amid it goes on where it was, with the same ids", async () => {
  const store = memory();
  const { done, send } = gateway([]);
  const before = outbox(store, async () => new Promise(() => {}));
  void before.add(act("a"));
  void before.add(act("b"));
  const after = outbox(store, send);
  assert.deepEqual(after.kept.map((each) => each.words), ["a", "b"]);
  await after.deliver();
  assert.deepEqual(done, ["a", "b"]);
});

test("a refusal ends an act and its person is told; the next one is sent", async () => {
  const { done, send } = gateway(["refused"]);
  const box = outbox(memory(), send);
  const first = box.add(act("a"));
  const second = box.add(act("b"));
  await assert.rejects(first, Refused);
  await second;
  assert.deepEqual(done, ["b"]);
});

test("a refusal for which nobody waits any more is told all the same", async () => {
  const store = memory();
  void outbox(store, async () => new Promise(() => {})).add(act("a"));
  /** @type {string[]} */
  const told = [];
  await outbox(store, gateway(["refused"]).send, { orphaned: (kept) => told.push(kept.words) }).deliver();
  assert.deepEqual(told, ["a"]);
});

test("an act that cannot be kept is not begun, and its person is told", async () => {
  const { done, send } = gateway([]);
  const away = outbox(memory(), async () => new Promise(() => {}));
  for (let number = 0; number < MOST; number += 1) void away.add(act(String(number)));
  await assert.rejects(away.add(act("one more")), OutboxFull);
  const noRoom = () => {
    throw new Error("quota");
  };
  await assert.rejects(outbox({ getItem: () => null, setItem: noRoom }, send).add(act("a")), OutboxFull);
  assert.deepEqual(done, []);
});

test("what one tab keeps another does not write over, though both have the name", async () => {
  const store = memory();
  const away = async () => new Promise(() => {});
  const asleep = outbox(store, away);
  const awake = outbox(store, away);
  void awake.add(act("a"));
  void asleep.add(act("b"));
  const { done, send } = gateway([]);
  await outbox(store, send).deliver();
  assert.deepEqual(done.sort(), ["a", "b"]);
});

test("an error that is no refusal ends no act", async () => {
  const { done, send } = gateway([]);
  let calls = 0;
  const odd = async (/** @type {any} */ kept) => {
    calls += 1;
    if (calls < 3) throw new TypeError("AbortSignal.timeout is not a function");
    return send(kept);
  };
  await outbox(memory(), odd).add(act("a"));
  assert.deepEqual(done, ["a"]);
});

test("what waits for one person holds up nobody else's acts, and is there when its turn comes", async () => {
  const store = memory();
  void outbox(store, async () => new Promise(() => {})).add(act("ann-1"));
  const { done, send } = gateway([]);
  const bob = outbox(store, send, { isDue: (kept) => kept.words.startsWith("bob") });
  await bob.add(act("bob-1"));
  assert.deepEqual([done, bob.kept.map((each) => each.words)], [["bob-1"], ["ann-1"]]);
  await outbox(store, send).deliver();
  assert.deepEqual(done, ["bob-1", "ann-1"]);
});

test("what the gateway may have forgotten is not sent again: a person looks whether it has happened", async () => {
  const { done, send } = gateway([]);
  const store = memory();
  void outbox(store, async () => new Promise(() => {})).add(act("a"));
  /** @type {string[]} */
  const told = [];
  const late = { now: () => NOW + 7 * 86_400_000, orphaned: (kept, error) => told.push(`${kept.words}: ${error.message}`) };
  await outbox(store, send, late).deliver();
  assert.deepEqual(done, []);
  assert.match(told[0], /^a: it is older than six days/);
});

test("no two acts have the same id", () => {
  const ids = Array.from({ length: 1000 }, newActId);
  assert.equal(new Set(ids).size, ids.length);
  assert.match(ids[0], /^[0-9a-f]{32}$/);
});
