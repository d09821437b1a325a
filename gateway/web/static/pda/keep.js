/** Has the browser keep this page, where it may (TLS or localhost), for a handheld that is started out of reach. */

const KEPT = "pages"; // as `offline.js` calls it

/** Keep what this page was loaded from; what it loads later `offline.js` keeps. */
export async function keepPage() {
  if (!("serviceWorker" in navigator) || !("caches" in globalThis)) return;
  await navigator.serviceWorker.register("/ui/offline.js");
  const loaded = performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname);
  const kept = await caches.open(KEPT);
  await kept.addAll([...new Set([location.pathname, ...loaded.filter((path) => path.startsWith("/ui/"))])]);
}
