/** From what somebody writes or scans to the thing that bears it. */

import { ask, Refused, Unanswered } from "../core/http.js";
import { linkTo } from "./route.js";

/**
 * @typedef {import("./route.js").Kind} Kind
 * @typedef {{kind: Kind, id: string}} Match
 * @typedef {Pick<import("./state.js").ControlState, "plant" | "layout" | "query" | "wes">} Known
 */

const MOST = 12;

/**
 * What is known and begins with the words, then what has them in it; the whole name first.
 *
 * @param {Pick<Known, "plant" | "layout">} known
 * @param {string} query
 * @returns {Match[]}
 */
export function matchesOf({ plant, layout }, query) {
  const words = query.trim().toLowerCase();
  if (!words) return [];
  const names = /** @type {const} */ ([
    ["container", plant.containers.keys()],
    ["device", plant.devices.keys()],
    ["transport", plant.transports.keys()],
    ["location", (layout?.locations ?? []).map((place) => place.locationId)],
  ]);
  /** @type {(Match & {rank: number})[]} */
  const found = [];
  for (const [kind, ids] of names) {
    for (const id of ids) {
      const at = id.toLowerCase().indexOf(words);
      if (at >= 0) found.push({ kind, id, rank: id.length === words.length ? 0 : at === 0 ? 1 : 2 });
    }
  }
  return found.sort((a, b) => a.rank - b.rank || a.id.localeCompare(b.id)).slice(0, MOST).map(({ kind, id }) => ({ kind, id }));
}

/**
 * The address of the first that is known here, or that the gateway knows: an ended transport, an order.
 *
 * @param {Known} known
 * @returns {Promise<string | null>}
 */
export async function find(known) {
  const query = known.query.trim();
  const [first] = matchesOf(known, query);
  if (first) return linkTo(first.kind, first.id);
  const name = encodeURIComponent(query);
  try {
    const orders = known.wes ? await ask("GET", `/v1/wes/orders?orderNo=${name}&limit=1`) : { items: [] };
    if (orders.items[0]) return linkTo("order", orders.items[0].orderId);
    const transport = await ask("GET", `/v1/transports/${name}`);
    return linkTo("transport", transport.transportId);
  } catch (error) {
    if (error instanceof Refused || error instanceof Unanswered) return null;
    throw error;
  }
}
