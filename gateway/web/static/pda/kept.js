/** Lists that a handheld has read, kept for where there is no network. */

import { all, Unanswered } from "../core/http.js";

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
 * @param {Pick<Storage, "getItem" | "setItem">} [store]
 * @param {(path: string, most: number) => Promise<any[]>} [read]
 * @returns {Promise<KeptList>}
 * @throws {Unanswered} and it has never been read
 */
export async function keptList(path, most = 500, store = localStorage, read = all) {
  const name = `list:${path}`;
  try {
    const list = { items: await read(path, most), at: new Date().toISOString() };
    try {
      store.setItem(name, JSON.stringify(list));
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
