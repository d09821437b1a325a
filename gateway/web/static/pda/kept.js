/** Lists that a handheld has read, kept for where there is no network. */

import { all, Unanswered } from "../core/http.js";

const NAMED = "list:";
const ROOM = 2_000_000; // characters, of the five million that a browser keeps: acts that are not sent need some of them

/**
 * @typedef {object} KeptList
 * @property {readonly any[]} items
 * @property {string} at RFC 3339: when the gateway has told them
 * @property {boolean} isOld it does not answer now
 */

/**
 * Read a list; if nobody answers, as it was read last.
 *
 * @param {string} path with its parameters
 * @param {number} [most] items
 * @param {Storage} [store]
 * @param {(path: string, most: number) => Promise<any[]>} [read]
 * @returns {Promise<KeptList>}
 * @throws {Unanswered} and it has never been read
 */
export async function keptList(path, most = 500, store = localStorage, read = all) {
  const name = `${NAMED}${path}`;
  try {
    const list = { items: await read(path, most), at: new Date().toISOString() };
    try {
      const text = JSON.stringify(list);
      makeRoom(store, ROOM - text.length);
      store.setItem(name, text);
    } catch {
      // No room: what was kept before is older, and says so.
    }
    return { ...list, isOld: false };
  } catch (error) {
    const kept = store.getItem(name);
    if (!(error instanceof Unanswered) || kept === null) throw error;
    return { ...JSON.parse(kept), isOld: true };
  }
}

/** Forget all lists: who is next on this handheld has no business with them. @param {Storage} [store] */
export function forgetLists(store = localStorage) {
  makeRoom(store, 0);
}

/** Forget the oldest lists until those that are left have so few characters. @param {Storage} store @param {number} most */
function makeRoom(store, most) {
  const names = Array.from({ length: store.length }, (_, index) => store.key(index) ?? "").filter((name) => name.startsWith(NAMED));
  const lists = names.map((name) => ({ name, text: store.getItem(name) ?? "" }));
  const at = (/** @type {string} */ text) => String(JSON.parse(text).at);
  lists.sort((one, other) => (at(one.text) < at(other.text) ? 1 : -1));
  let taken = 0;
  for (const { name, text } of lists) {
    taken += text.length;
    if (taken > most) store.removeItem(name);
  }
}
