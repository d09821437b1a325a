/** Asks for the thing that is looked at, and for lists that only the gateway has. */

import { all, ask, Refused } from "../core/http.js";
import { NOTHING, store } from "./state.js";

const ENDED_MOST = 100;

/** Somebody looks at something else. */
export async function lookAt() {
  const { route, detail } = store.get();
  if (detail.of !== addressOf(route)) store.set({ detail: { ...NOTHING, of: addressOf(route) }, ended: [] });
  await lookAgain();
}

/** Ask for it once more. */
export async function lookAgain() {
  const { route } = store.get();
  const of = addressOf(route);
  if (route.kind === null) {
    const ended = route.list === "transports" && ["completed", "cancelled"].includes(route.filter);
    if (ended) keep(of, { ended: await all(`/v1/transports?status=${route.filter}`, ENDED_MOST) });
    return;
  }
  try {
    keep(of, { detail: { of, error: "", ...(await asked(route.kind, route.id)) } });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    keep(of, { detail: { ...NOTHING, of, error: error.message } });
  }
}

/**
 * What comes too late, for what nobody looks at any more, is not shown.
 *
 * @param {string} of
 * @param {Partial<import("./state.js").ControlState>} change
 */
function keep(of, change) {
  if (addressOf(store.get().route) === of) store.set(change);
}

/** @param {import("./route.js").Route} route */
function addressOf({ list, kind, id, filter }) {
  return [list, kind ?? "", id, filter].join("/");
}

/** @param {import("./route.js").Kind} kind @param {string} id @returns {Promise<{thing: any, more: any}>} */
async function asked(kind, id) {
  const name = encodeURIComponent(id);
  switch (kind) {
    case "transport":
      return { thing: await ask("GET", `/v1/transports/${name}`), more: null };
    case "device": {
      const path = `/v1/devices/${name}`;
      const [thing, telegrams] = await Promise.all([ask("GET", path), ask("GET", `${path}/telegrams`)]);
      return { thing, more: telegrams.items };
    }
    case "container": {
      const thing = await ask("GET", `/v1/containers/${name}`);
      const goods = store.get().wes ? await ask("GET", `/v1/wes/holders/${name}/stock?limit=100`).catch(() => null) : null;
      const moves = await ask("GET", `/v1/transports?containerId=${name}&limit=10`);
      return { thing, more: { goods: goods?.items ?? null, moves: moves.items } };
    }
    case "location":
      return { thing: await ask("GET", `/v1/locations/${name}`), more: null };
    case "order":
      return { thing: await ask("GET", `/v1/wes/orders/${name}`), more: null };
  }
}
