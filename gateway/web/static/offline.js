/**
 * Keeps the pages where the browser may (TLS or localhost), so that a handheld that starts out of reach has its page: what the gateway has
 * comes from the gateway, what it cannot send comes from what was kept. Data are never kept here.
 */

const KEPT = "pages"; // as `pda/keep.js` calls it
const self_ = /** @type {any} */ (self);

self_.addEventListener("install", () => self_.skipWaiting());
self_.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(self_.clients.claim()));
self_.addEventListener("fetch", (/** @type {any} */ event) => {
  const { method, url } = event.request;
  if (method === "GET" && /^\/ui(\/|$)/.test(new URL(url).pathname)) event.respondWith(newest(event.request));
});

/** @param {Request} request @returns {Promise<Response>} */
async function newest(request) {
  const kept = await caches.open(KEPT);
  const answer = await fetch(request).catch(() => null);
  // Where it cannot be kept, it is shown all the same: an old page is for where there is no other.
  if (answer?.ok) await kept.put(request, answer.clone()).catch(() => undefined);
  if (answer && answer.status < 500) return answer;
  return (await kept.match(request, { ignoreSearch: true })) ?? answer ?? Response.error();
}
