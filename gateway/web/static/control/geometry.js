/** Where things of the site are on the screen: the site has metres with y upwards, the screen pixels with y downwards. */

/**
 * @typedef {{x: number, y: number}} Point
 * @typedef {{left: number, right: number, bottom: number, top: number}} Box in metres
 * @typedef {{width: number, height: number}} Size in pixels
 *
 * @typedef {object} Camera
 * @property {number} x the metre that is in the middle of the screen
 * @property {number} y
 * @property {number} scale pixels a metre
 */

const SCALE_LEAST = 0.5;
const SCALE_MOST = 400;

/** @param {Iterable<Point>} points @param {number} margin in metres @returns {Box} */
export function boxAround(points, margin) {
  const box = { left: Infinity, right: -Infinity, bottom: Infinity, top: -Infinity };
  for (const { x, y } of points) {
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.bottom = Math.min(box.bottom, y);
    box.top = Math.max(box.top, y);
  }
  if (box.left > box.right) return { left: -1, right: 1, bottom: -1, top: 1 };
  return { left: box.left - margin, right: box.right + margin, bottom: box.bottom - margin, top: box.top + margin };
}

/** The camera that shows all of a box. @param {Box} box @param {Size} size @returns {Camera} */
export function fitted(box, size) {
  const scale = Math.min(size.width / (box.right - box.left), size.height / (box.top - box.bottom));
  return { x: (box.left + box.right) / 2, y: (box.bottom + box.top) / 2, scale: bounded(scale) };
}

/** @param {Camera} camera @param {Size} size @param {Point} metres @returns {Point} pixels */
export function toScreen(camera, size, metres) {
  return {
    x: (metres.x - camera.x) * camera.scale + size.width / 2,
    y: (camera.y - metres.y) * camera.scale + size.height / 2,
  };
}

/** @param {Camera} camera @param {Size} size @param {Point} pixels @returns {Point} metres */
export function toSite(camera, size, pixels) {
  return {
    x: (pixels.x - size.width / 2) / camera.scale + camera.x,
    y: camera.y - (pixels.y - size.height / 2) / camera.scale,
  };
}

/**
 * Zoom so that what is under a pixel stays there.
 *
 * @param {Camera} camera
 * @param {Size} size
 * @param {Point} pixels
 * @param {number} factor
 * @returns {Camera}
 */
export function zoomed(camera, size, pixels, factor) {
  const scale = bounded(camera.scale * factor);
  const held = toSite(camera, size, pixels);
  const moved = toSite({ ...camera, scale }, size, pixels);
  return { x: camera.x + held.x - moved.x, y: camera.y + held.y - moved.y, scale };
}

/**
 * Move what is seen by so many pixels, but never out of sight of a box.
 *
 * @param {Camera} camera
 * @param {Point} by
 * @param {Box} box
 * @returns {Camera}
 */
export function panned(camera, by, box) {
  return {
    ...camera,
    x: within(camera.x - by.x / camera.scale, box.left, box.right),
    y: within(camera.y + by.y / camera.scale, box.bottom, box.top),
  };
}

/**
 * Bring a point into the middle, near enough to be seen well.
 *
 * @param {Camera} camera
 * @param {Point} point
 * @param {number} least scale
 * @returns {Camera}
 */
export function centred(camera, point, least) {
  return { x: point.x, y: point.y, scale: Math.max(camera.scale, bounded(least)) };
}

/**
 * Whether a point is on the screen, and not at its very edge.
 *
 * @param {Camera} camera
 * @param {Size} size
 * @param {Point} point
 * @param {number} edge in pixels
 * @returns {boolean}
 */
export function isSeen(camera, size, point, edge) {
  const { x, y } = toScreen(camera, size, point);
  return x > edge && y > edge && x < size.width - edge && y < size.height - edge;
}

/** How metres become pixels, as SVG says it. @param {Camera} camera @param {Size} size @returns {string} */
export function transformOf({ x, y, scale }, size) {
  return `translate(${round(size.width / 2 - x * scale)} ${round(size.height / 2 + y * scale)}) scale(${round(scale)} ${round(-scale)})`;
}

/** Squares around points, as one path. @param {readonly Point[]} centres @param {number} width @param {number} height @returns {string} */
export function squares(centres, width, height) {
  const [w, h] = [round(width), round(height)];
  return centres.map(({ x, y }) => `M${round(x - width / 2)} ${round(y - height / 2)}h${w}v${h}h${-w}z`).join("");
}

/** Squares that stand on a corner. @param {readonly Point[]} centres @param {number} width @returns {string} */
export function diamonds(centres, width) {
  const r = round(width / 2);
  return centres.map(({ x, y }) => `M${round(x - r)} ${round(y)}l${r} ${r}l${r} ${-r}l${-r} ${-r}z`).join("");
}

/** @param {readonly (readonly [Point, Point])[]} pairs @returns {string} */
export function lines(pairs) {
  return pairs.map(([from, to]) => `M${round(from.x)} ${round(from.y)}L${round(to.x)} ${round(to.y)}`).join("");
}

/** Small arrow heads in the middle of lines. @param {readonly (readonly [Point, Point])[]} pairs @param {number} size in metres @returns {string} */
export function arrowHeads(pairs, size) {
  return pairs
    .filter(([from, to]) => from.x !== to.x || from.y !== to.y)
    .map(([from, to]) => {
      const along = Math.atan2(to.y - from.y, to.x - from.x);
      const tip = { x: from.x + (to.x - from.x) * 0.56, y: from.y + (to.y - from.y) * 0.56 };
      const wing = (/** @type {number} */ angle) => ({ x: tip.x - size * Math.cos(along + angle), y: tip.y - size * Math.sin(along + angle) });
      const [left, right] = [wing(0.5), wing(-0.5)];
      return `M${round(left.x)} ${round(left.y)}L${round(tip.x)} ${round(tip.y)}L${round(right.x)} ${round(right.y)}`;
    })
    .join("");
}

/** @param {number} value */
export function round(value) {
  return Math.round(value * 1000) / 1000;
}

/** @param {number} scale */
function bounded(scale) {
  return within(Number.isFinite(scale) ? scale : 1, SCALE_LEAST, SCALE_MOST);
}

/** @param {number} value @param {number} least @param {number} most */
function within(value, least, most) {
  return Math.min(Math.max(value, least), most);
}
