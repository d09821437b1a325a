/**
 * Where devices are, between one word of them and the next.
 *
 * A vehicle glides from where it was shown to where it says it is, and never beyond: nothing is guessed ahead. A machine that tells its place only
 * while it stands keeps its last one while it is under way, and is marked as such.
 */

/**
 * @typedef {import("./contract.js").Position} Position
 *
 * @typedef {object} Place
 * @property {number | null} x
 * @property {number | null} y
 * @property {number} theta
 *
 * @typedef {object} Sight
 * @property {Position} position the last one with a place
 * @property {boolean} isBetween it has left there and has not said where it is
 * @property {Position["load"]} load
 * @property {Place} from where it was shown when it came
 * @property {number} heardMs
 * @property {number} glideMs how long it takes to get there on the screen
 */

const GLIDE_MOST_MS = 400;

/** @param {Sight | undefined} known @param {Position} position @param {number} nowMs @returns {Sight} */
export function seen(known, position, nowMs) {
  const tells = position.x !== null || position.locationId !== null;
  if (!tells && known) return { ...known, isBetween: true, load: position.load };
  const { x, y, theta } = position;
  const from = known && known.position.x !== null ? shown(known, nowMs) : { x, y, theta: theta ?? 0 };
  const glideMs = known ? Math.min(nowMs - known.heardMs, GLIDE_MOST_MS) : 0;
  return { position, isBetween: !tells, load: position.load, from, heardMs: nowMs, glideMs };
}

/** Where it is shown at a moment. @param {Sight} sight @param {number} nowMs @returns {Place} */
export function shown({ position, from, heardMs, glideMs }, nowMs) {
  const { x, y } = position;
  const theta = position.theta ?? from.theta;
  const part = glideMs > 0 ? Math.min(Math.max((nowMs - heardMs) / glideMs, 0), 1) : 1;
  if (part === 1 || x === null || y === null || from.x === null || from.y === null) return { x, y, theta };
  return { x: from.x + (x - from.x) * part, y: from.y + (y - from.y) * part, theta: from.theta + turn(from.theta, theta) * part };
}

/** Whether anything glides at a moment. @param {Iterable<Sight>} sights @param {number} nowMs */
export function isGliding(sights, nowMs) {
  for (const { position, heardMs, glideMs } of sights) if (position.x !== null && nowMs - heardMs < glideMs) return true;
  return false;
}

/** The shorter way round, in rad. @param {number} from @param {number} to */
function turn(from, to) {
  const whole = 2 * Math.PI;
  return ((((to - from + Math.PI) % whole) + whole) % whole) - Math.PI;
}
