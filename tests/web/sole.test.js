/** Two tabs never keep acts under one name: the second waits until the first is closed. */

import assert from "node:assert/strict";
import { test } from "node:test";

const { alone } = await import("../../gateway/web/static/core/sole.js");

test("a second tab is told that another has the name, and has it once that one is closed", async () => {
  const close = await alone("station-1", () => assert.fail("nobody else is there"));
  const told = new Promise((taken) => {
    void alone("station-1", taken).then((closeSecond) => (second = closeSecond));
  });
  /** @type {(() => void) | undefined} */
  let second;
  await told;
  assert.equal(second, undefined);
  (await alone("station-2", () => assert.fail("that is another name")))();
  close();
  while (!second) await new Promise((go) => setTimeout(go, 20));
  second();
});

test("of two that come at the same moment one waits", async () => {
  let waiting = 0;
  const both = [0, 1].map(() => alone("both", () => (waiting += 1)).then((close) => close()));
  await Promise.all(both);
  assert.ok(waiting);
});
