/** What the map and the elevation are drawn with: cells that are drawn anew only where they changed, machines, names, rings. */

import { nothing, svg } from "../vendor/lit-html/lit-html.js";
import { fillOf } from "./floor.js";
import { squares, toScreen } from "./geometry.js";
import { SIGNS } from "./marks.js";

/**
 * @typedef {import("./geometry.js").Camera} Camera
 * @typedef {import("./geometry.js").Size} Size
 * @typedef {import("./geometry.js").Point} Point
 * @typedef {import("./floor.js").Chunk} Chunk
 */

const GRADES = ["0", "1", "2", "3", "4"];
const LABELS_MOST = 250;
/** @type {WeakMap<Chunk, {standing: unknown, fill: string, paths: readonly string[]}>} */
const drawnAs = new WeakMap();

/** Cells, darker the fuller they are. @param {readonly Chunk[]} chunks @param {ReadonlyMap<string, readonly string[]>} standing */
export function cellsView(chunks, standing) {
  return chunks.map((chunk) => pathsOf(chunk, standing).map((path, grade) => (path ? svg`<path class="cell ${chunk.kind} grade-${grade}" d=${path} />` : nothing)));
}

/** @param {Chunk} chunk @param {ReadonlyMap<string, readonly string[]>} standing */
function pathsOf(chunk, standing) {
  let drawn = drawnAs.get(chunk);
  if (drawn?.standing !== standing) {
    const fill = fillOf(chunk, standing);
    const paths = drawn?.fill === fill ? drawn.paths : GRADES.map((grade) => squares(chunk.cells.filter((_, n) => fill[n] === grade), chunk.width, chunk.height));
    drawn = { standing, fill, paths };
    drawnAs.set(chunk, drawn);
  }
  return drawn.paths;
}

/** @param {readonly import("./floor.js").Label[]} labels @param {Camera} camera @param {Size} size */
export function labelsView(labels, camera, size) {
  const seen = labels
    .filter((label) => label.detail <= camera.scale)
    .map((label) => ({ ...label, ...toScreen(camera, size, label) }))
    .filter(({ x, y }) => x > -50 && y > -20 && x < size.width + 50 && y < size.height + 20);
  return seen.slice(0, LABELS_MOST).map(({ x, y, text, kind }) => svg`<text class="label ${kind}" x=${x.toFixed(1)} y=${y.toFixed(1)}>${text}</text>`);
}

/** Rings around what is looked at. @param {readonly Point[]} points @param {Camera} camera @param {Size} size */
export function ringsView(points, camera, size) {
  return points.map((point) => {
    const { x, y } = toScreen(camera, size, point);
    return svg`<circle class="ring" cx=${x.toFixed(1)} cy=${y.toFixed(1)} r=${Math.max(13, camera.scale * 0.6).toFixed(1)} />`;
  });
}

/**
 * Crosses over places that nothing is brought to, with a sign that says so without colour.
 *
 * @param {readonly Point[]} points
 * @param {string} kind
 * @param {number} radius in units of the drawing
 * @param {Camera} camera
 * @param {Size} size
 */
export function closedView(points, kind, radius, camera, size) {
  const r = Math.max(6, camera.scale * radius);
  return points.map((point) => {
    const { x, y } = toScreen(camera, size, point);
    const bar = kind === "blocked" ? `M${-r} ${-r}L${r} ${r}M${-r} ${r}L${r} ${-r}` : `M${-r} 0H${r}`;
    return svg`
      <g class="closed ${kind}" transform="translate(${x.toFixed(1)} ${y.toFixed(1)})">
        <rect x=${-r} y=${-r} width=${2 * r} height=${2 * r} /><path d=${bar} />
      </g>`;
  });
}

/**
 * @typedef {object} Machine
 * @property {string} id
 * @property {Point} at
 * @property {number} heading rad
 * @property {boolean} isVehicle it has a front
 * @property {import("./marks.js").DeviceState} state
 * @property {boolean} isLoaded
 * @property {boolean} isBetween it is under way and does not say where
 * @property {string} old since when its place is old; empty: it is not
 * @property {string} name shown below; empty: none
 */

/** @param {Machine} machine @param {number} length of a carrier in units of the drawing @param {Camera} camera @param {Size} size */
export function machineView({ id, at, heading, isVehicle, state, isLoaded, isBetween, old, name }, length, camera, size) {
  const { x, y } = toScreen(camera, size, at);
  const half = isVehicle ? Math.max(9, camera.scale * 0.45) : Math.max(5, (camera.scale * length) / 2);
  const wide = half * (isVehicle ? 0.66 : 1);
  const front = `M${half * 0.45} ${-wide * 0.55}L${half * 0.85} 0L${half * 0.45} ${wide * 0.55}`;
  const marks = ["machine", state, isLoaded ? "loaded" : "", isBetween ? "between" : "", old ? "old" : ""].filter(Boolean).join(" ");
  return svg`
    <g class=${marks} data-device=${id} transform="translate(${x.toFixed(1)} ${y.toFixed(1)})">
      <g transform="rotate(${((-heading * 180) / Math.PI).toFixed(1)})">
        <rect class="body" x=${-half} y=${-wide} width=${2 * half} height=${2 * wide} rx=${isVehicle ? 4 : 2} />
        ${isLoaded ? svg`<rect class="load" x=${isVehicle ? -half * 0.65 : -half * 0.5} y=${-wide * 0.5} width=${half * (isVehicle ? 0.75 : 1)} height=${wide} />` : nothing}
        ${isVehicle ? svg`<path class="front" d=${front} />` : nothing}
      </g>
      ${SIGNS[state] ? svg`<text class="sign" x=${half} y=${-wide}>${SIGNS[state]}</text>` : nothing}
      ${name ? svg`<text class="label" y=${(wide + 12).toFixed(1)}>${name}</text>` : nothing}
      ${old ? svg`<text class="label aged" y=${(wide + 24).toFixed(1)}>${old}</text>` : nothing}
    </g>`;
}
