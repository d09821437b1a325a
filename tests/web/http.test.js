/** Who has said no, and to whom: only the gateway's own refusals end an act, and only the token that was shown has ended. */

import assert from "node:assert/strict";
import { test } from "node:test";

/** @type {Map<string, string>} */
const kept = new Map();
globalThis.sessionStorage = /** @type {any} */ ({
  getItem: (name) => kept.get(name) ?? null,
  setItem: (name, text) => void kept.set(name, text),
  removeItem: (name) => void kept.delete(name),
});
const { ask, NotSignedIn, Refused, Unanswered } = await import("../../gateway/web/static/core/http.js");
const { showToken, shownToken } = await import("../../gateway/web/static/core/session.js");

const PROBLEM = { "content-type": "application/problem+json; charset=utf-8" };

/** @param {number} status @param {Record<string, string>} headers */
function answering(status, headers, before = () => {}) {
  globalThis.fetch = async () => {
    before();
    return new Response(JSON.stringify({ title: "no", detail: "no", status }), { status, headers });
  };
}

test("what the gateway refuses is refused; what something between says is no answer", async () => {
  for (const status of [403, 404, 409, 413, 422]) {
    answering(status, PROBLEM);
    await assert.rejects(ask("POST", "/v1/wes/acts", {}), Refused, String(status));
    answering(status, { "content-type": "text/html" });
    await assert.rejects(ask("POST", "/v1/wes/acts", {}), Unanswered, `${status} of a proxy`);
  }
  for (const status of [429, 500, 503]) {
    answering(status, PROBLEM);
    await assert.rejects(ask("POST", "/v1/wes/acts", {}), Unanswered, String(status));
  }
});

test("a token has ended when it was refused, and not when one before it was", async () => {
  showToken("ann");
  answering(401, PROBLEM, () => showToken("bob"));
  await assert.rejects(ask("GET", "/v1/devices"), NotSignedIn);
  assert.equal(shownToken(), "bob");
  answering(401, PROBLEM);
  await assert.rejects(ask("GET", "/v1/devices"), NotSignedIn);
  assert.equal(shownToken(), null);
});
