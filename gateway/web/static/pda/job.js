/**
 * A job: what a person enters, field by field, by scanning or typing; pure, so that it can be tested without a handheld.
 *
 * One field is expected at a time, the first empty one. A scan goes there if it fits, counts one more piece if it is another one of the same
 * goods, and is refused in words otherwise: nothing that is scanned by mistake lands anywhere.
 */

import { t } from "./words.js";

/**
 * @typedef {object} Field
 * @property {string} name as the act calls it; `scan` are the goods
 * @property {import("./words.js").PdaWord} word what is asked for
 * @property {"code" | "pieces" | "units" | "text" | "day" | "choice"} kind pieces: how many; units: the number of each piece
 * @property {boolean} [isOptional] nothing waits for it
 * @property {boolean} [countsScans] of pieces: each scan of the goods is one more
 * @property {number} [least] pieces at least, else 1
 * @property {number} [most] pieces at most
 * @property {readonly (readonly [string, import("./words.js").PdaWord])[]} [options] of a choice, the first unless another is chosen
 * @property {readonly string[]} [codes] of the goods, as far as this handheld knows them
 * @property {(code: string) => string | null} [refuses] why a code does not fit; null: it does
 *
 * @typedef {string | number | readonly string[]} Value
 *
 * @typedef {object} Entry a job that somebody is at
 * @property {readonly Field[]} fields
 * @property {Readonly<Record<string, Value>>} values
 * @property {string} refusal why the last scan went nowhere
 */

/** @param {readonly Field[]} fields @param {Record<string, Value>} [given] known beforehand @returns {Entry} */
export function begin(fields, given = {}) {
  const chosen = fields.flatMap(({ name, options }) => (options?.[0] ? [[name, options[0][0]]] : []));
  return { fields, values: { ...Object.fromEntries(chosen), ...given }, refusal: "" };
}

/** @param {Value | undefined} value */
function isMissing(value) {
  return value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
}

/** What comes next: the first empty field that is scanned, or that must be filled. @param {Entry} entry @returns {Field | null} */
export function expected({ fields, values }) {
  return fields.find(({ name, kind, isOptional }) => isMissing(values[name]) && (kind === "code" || !isOptional)) ?? null;
}

/** Whether nothing that is needed is missing, and every number may be. @param {Entry} entry */
export function isComplete({ fields, values }) {
  return fields.every(({ name, kind, isOptional, least = 1, most = Infinity }) => {
    const value = values[name];
    if (isMissing(value)) return isOptional ?? false;
    return kind !== "pieces" || (Number.isInteger(value) && Number(value) >= least && Number(value) <= most);
  });
}

/** Whether a code is known to be what is asked for first. @param {Entry} entry @param {string} code */
export function answers(entry, code) {
  const field = expected(entry);
  return field?.kind === "code" && (field.codes ? isOneOf(code, field.codes) : field.refuses?.(code) === null);
}

/** Take a scanned code. @param {Entry} entry @param {string} code @returns {Entry} */
export function scan(entry, code) {
  const { fields } = entry;
  const pieces = fields.find((field) => field.kind === "pieces");
  if (pieces && isSameGoods(entry, code)) return pieces.countsScans ? oneMore(entry, pieces) : { ...entry, refusal: "" };
  const field = expected(entry);
  if (field?.kind === "code") {
    const refusal = field.refuses?.(code) ?? null;
    if (refusal !== null) return { ...entry, refusal };
    const taken = filled(entry, field.name, code);
    return field.name === "scan" && pieces?.countsScans ? oneMore(taken, pieces) : taken;
  }
  const units = fields.find((each) => each.kind === "units");
  return units ? oneUnit(entry, units, code) : { ...entry, refusal: t("notExpected", { code }) };
}

/** Whether a code is that of the goods that have been scanned, or another one of theirs. @param {Entry} entry @param {string} code */
function isSameGoods({ fields, values }, code) {
  const goods = String(values["scan"] ?? "");
  const codes = fields.find((field) => field.name === "scan")?.codes ?? [];
  return goods !== "" && (goods === code || (isOneOf(goods, codes) && isOneOf(code, codes)));
}

/** @param {Entry} entry @param {Field} pieces @returns {Entry} */
function oneMore(entry, { name, most = Infinity }) {
  const more = Number(entry.values[name] ?? 0) + 1;
  return more > most ? { ...entry, refusal: t("tooMany", { most }) } : filled(entry, name, more);
}

/** @param {Entry} entry @param {Field} units @param {string} code @returns {Entry} */
function oneUnit(entry, { name, most = Infinity }, code) {
  const numbers = /** @type {readonly string[]} */ (entry.values[name] ?? []);
  if (numbers.includes(code)) return { ...entry, refusal: t("unitTwice", { code }) };
  return numbers.length >= most ? { ...entry, refusal: t("tooMany", { most }) } : filled(entry, name, [...numbers, code]);
}

/**
 * Take what was typed where a scan is asked for: it is judged as a scan, in whatever order fields are filled.
 *
 * @param {Entry} entry
 * @param {Field} field
 * @param {string} code
 * @returns {Entry}
 */
export function typedCode(entry, field, code) {
  const without = filled(entry, field.name, "");
  if (!code) return without;
  if (expected(without)?.name === field.name) return scan(without, code);
  const refusal = field.refuses?.(code) ?? null;
  return refusal === null ? filled(without, field.name, code) : { ...without, refusal };
}

/** Take what was typed or chosen; nothing empties a field. @param {Entry} entry @param {string} name @param {Value} value @returns {Entry} */
export function filled(entry, name, value) {
  return { ...entry, values: { ...entry.values, [name]: value }, refusal: "" };
}

/**
 * Whether a code is one of these, however it is printed: a GTIN has up to 14 digits with leading zeros, GS1 element strings begin with it.
 *
 * @param {string} code as the scanner sent it
 * @param {readonly string[]} known
 */
export function isOneOf(code, known) {
  const bare = code.replace(/^\][A-Za-z][0-9A-Za-z]/, "");
  const gtin = /^\(?01\)?(\d{14})/.exec(bare)?.[1];
  const same = (/** @type {string} */ one) => (/^\d{8,14}$/.test(one) ? one.padStart(14, "0") : one);
  return known.some((each) => same(each) === same(bare) || (gtin !== undefined && same(each) === gtin));
}
