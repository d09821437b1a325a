/** Which version of a page is shown: the gateway's own, whenever it can send one. */

import assert from "node:assert/strict";
import { test } from "node:test";

/** @type {Record<string, (event: any) => void>} */
const heard = {};
globalThis.self = /** @type {any} */ ({ addEventListener: (name, listener) => void (heard[name] = listener) });
await import("../../gateway/web/static/offline.js");

/** Ask for a page. @param {() => Promise<Response>} network @param {boolean} isFull no room for anything that is to be kept */
async function shown(network, isFull = false, path = "/ui/pda") {
  /** @type {string[]} */
  const put = [];
  const kept = {
    put: async (_, answer) => {
      if (isFull) throw new Error("QuotaExceededError");
      put.push(await answer.text());
    },
    match: async () => new Response("old"),
  };
  globalThis.caches = /** @type {any} */ ({ open: async () => kept });
  globalThis.fetch = network;
  /** @type {Promise<Response> | undefined} */
  let answer;
  const request = { method: "GET", url: `http://localhost${path}` };
  heard["fetch"]({ request, respondWith: (given) => (answer = given) });
  return { text: await (await answer)?.text(), put };
}

const from = (text, status = 200) => async () => new Response(text, { status });

test("what the gateway sends is shown and kept, though there were no room for it", async () => {
  assert.deepEqual(await shown(from("new")), { text: "new", put: ["new"] });
  assert.deepEqual(await shown(from("new"), true), { text: "new", put: [] });
  assert.deepEqual(await shown(from("gone", 404)), { text: "gone", put: [] });
});

test("what was kept is shown where nobody answers, or somebody who cannot now", async () => {
  assert.equal((await shown(() => Promise.reject(new TypeError("offline")))).text, "old");
  assert.equal((await shown(from("bad gateway", 502))).text, "old");
});

test("data go past it", async () => {
  for (const path of ["/v1/wes/claims", "/uix"]) assert.equal((await shown(from("data"), false, path)).text, undefined, path);
});
