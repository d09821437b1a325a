/** Server-sent events are read as the standard says, however the network cuts them. */

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.sessionStorage = /** @type {any} */ ({ getItem: () => null });
const { EventParser, listen } = await import("../../gateway/web/static/core/stream.js");

const TEXT = ": still here\n\nid: 7\nevent: moved\ndata: {\"a\":1}\n\ndata: one\r\ndata:two\r\n\r\nid: 9\ndata: x: y\n\nevent: none\n\ndata: rest";
const EVENTS = [
  { id: "7", type: "moved", data: '{"a":1}' },
  { id: "7", type: "message", data: "one\ntwo" },
  { id: "9", type: "message", data: "x: y" },
];

test("comments are passed over, fields are read, what is not complete waits", () => {
  assert.deepEqual(new EventParser().feed(TEXT), EVENTS);
});

test("it does not matter where the text is cut", () => {
  for (let cut = 0; cut <= TEXT.length; cut += 1) {
    const parser = new EventParser();
    assert.deepEqual([...parser.feed(TEXT.slice(0, cut)), ...parser.feed(TEXT.slice(cut))], EVENTS, `cut at ${cut}`);
  }
});

test("a number that comes without an event says how far the stream has been read", () => {
  const parser = new EventParser();
  assert.deepEqual(parser.feed("id: 12\n: the feed\n\n"), []);
  assert.equal(parser.id, "12");
});

test("a stream that breaks off as soon as it is open is asked for less and less often", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let asked = 0;
  globalThis.fetch = async () => {
    asked += 1;
    return new Response("");
  };
  const stop = listen("/v1/events/stream", { event: () => assert.fail(), link: () => {} });
  for (let ms = 0; ms < 10_000; ms += 50) {
    context.mock.timers.tick(50);
    for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
    await new Promise((go) => setImmediate(go));
  }
  stop();
  assert.ok(asked >= 3 && asked <= 6, `${asked} times in 10 s`);
});
