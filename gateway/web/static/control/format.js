/** Times, lengths of time and shares, as people read them. */

import { currentLanguage } from "../core/words.js";
import { t } from "./words.js";

const DAY_MS = 86_400_000;

/** The time of day, with the date where it is not of the last 24 hours. @param {string | null | undefined} moment RFC 3339 */
export function clockOf(moment) {
  if (!moment) return "";
  const time = new Date(moment);
  const isOld = Date.now() - time.getTime() > DAY_MS;
  const words = /** @type {const} */ ({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  return isOld
    ? time.toLocaleString(currentLanguage(), { month: "short", day: "numeric", ...words })
    : time.toLocaleTimeString(currentLanguage(), words);
}

/** @param {number} seconds */
export function lengthOf(seconds) {
  if (seconds < 90) return t("seconds", { n: Math.max(0, Math.round(seconds)) });
  if (seconds < 5400) return t("minutes", { n: Math.round(seconds / 60) });
  return t("hours", { n: Math.round(seconds / 360) / 10 });
}

/** How long ago a moment is. @param {string} moment RFC 3339 */
export function ageOf(moment) {
  return lengthOf((Date.now() - new Date(moment).getTime()) / 1000);
}

/** @param {number | null} share 0 … 1 */
export function percent(share) {
  return share === null ? "–" : `${(share * 100).toLocaleString(currentLanguage(), { maximumFractionDigits: 1 })} %`;
}

/** @param {number} value */
export function count(value) {
  return value.toLocaleString(currentLanguage());
}
