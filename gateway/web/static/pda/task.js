/**
 * The kinds of work of a handheld, as data: what there is to do, and what is entered for it. One engine shows all of them.
 *
 * @typedef {object} Draft what is sent once a job is complete
 * @property {string} path
 * @property {Record<string, unknown>} body without `actId` and `operator`
 * @property {string} words what was done
 *
 * @typedef {object} Job
 * @property {import("./words.js").PdaWord} word what is to be done
 * @property {readonly import("./job.js").Field[]} fields
 * @property {Record<string, import("./job.js").Value>} [given] known beforehand
 * @property {(values: Readonly<Record<string, any>>) => Draft} draft
 *
 * @typedef {object} Item a line of a list
 * @property {string} key what acts are about; one that is not sent yet hides its item
 * @property {string} head
 * @property {readonly string[]} lines
 * @property {readonly (readonly [import("./words.js").PdaWord, string])[]} facts shown beside the fields
 * @property {readonly string[]} codes by which it is found in the list
 * @property {Job} job
 * @property {readonly Job[]} others what may be the matter instead
 *
 * @typedef {object} Task
 * @property {string} id in the address
 * @property {import("./words.js").PdaWord} word
 * @property {string} sign
 * @property {() => Promise<{items: readonly Item[], at: string, isOld: boolean}>} load
 * @property {(body: Record<string, any>) => string | null} keyOf which item an act is about
 * @property {() => Promise<Draft | undefined>} [more] takes on more work, for lists of one's own; undefined: there is none
 */

import { isOneOf } from "./job.js";
import { t } from "./words.js";

export const ACTS = "/v1/wes/acts";

/**
 * Judge goods as far as this handheld knows them: what it does not know the gateway judges before anything is booked, and where that does
 * not answer nobody does, so it is refused (S2-145).
 *
 * @param {{skuId: string, name: string, barcodes: readonly string[], lotNo: string}} goods
 * @param {boolean} isOld whether the gateway did not answer when the list was read
 * @returns {(code: string) => string | null}
 */
export function only(goods, isOld) {
  const known = [...goods.barcodes, goods.skuId, goods.lotNo].filter(Boolean);
  return (code) => (isOneOf(code, known) || (!isOld && navigator.onLine) ? null : t("wrongGoods", { code, what: goods.name }));
}

/** @param {string} place @returns {(code: string) => string | null} */
export function onlyAt(place) {
  return (code) => (code === place ? null : t("wrongPlace", { code, place }));
}

/** Refuse goods where a container or a place is asked for. @param {readonly string[]} goods @returns {(code: string) => string | null} */
export function noneOf(goods) {
  return (code) => (isOneOf(code, goods) ? t("goodsNotPlace", { code }) : null);
}

/** Leave out what was not entered. @param {Record<string, unknown>} fields */
export function entered(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== ""));
}

/** A day as the contract has it: its beginning where the handheld is. @param {unknown} day YYYY-MM-DD @returns {string | undefined} */
export function beginningOf(day) {
  return day ? new Date(`${day}T00:00:00`).toISOString() : undefined;
}
