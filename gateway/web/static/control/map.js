/** The site from above with all that moves in it, and a rack from its front. */

import { html, nothing, svg } from "../vendor/lit-html/lit-html.js";
import { ref } from "../vendor/lit-html/directives/ref.js";
import { valueOf } from "../core/shell.js";
import { createCanvas } from "./canvas.js";
import { cellsView, closedView, labelsView, machineView, ringsView } from "./drawing.js";
import { elevationOf } from "./elevation.js";
import { cellAt, floorOf } from "./floor.js";
import { clockOf } from "./format.js";
import { boxAround, diamonds, squares, toScreen, transformOf } from "./geometry.js";
import { closedPlaces, heldBy, lookedAt, reservedPlaces, stateOf } from "./marks.js";
import { isGliding, shown } from "./motion.js";
import { linkTo } from "./route.js";
import { sights, store } from "./state.js";
import { t } from "./words.js";

/**
 * @typedef {import("./canvas.js").Canvas} Canvas
 * @typedef {import("./geometry.js").Camera} Camera
 * @typedef {import("./geometry.js").Size} Size
 * @typedef {import("./geometry.js").Point} Point
 * @typedef {import("./floor.js").Floor} Floor
 * @typedef {import("./elevation.js").Elevation} Elevation
 */

const HELD_SHOWN = 4;
/** Pixels a metre from which on vehicles bear their names. */
const NAMES = 9;
const NO_BOX = boxAround([], 0);

const floor = remembered(() => [store.get().layout], (layout) => (layout ? floorOf(layout) : null));
const elevation = remembered(() => [store.get().layout, store.get().rackId], (layout, rackId) => (layout ? elevationOf(layout, rackId) : null));

/** @type {Canvas | null} */
let map = null;
/** @type {Canvas | null} */
let front = null;
let shownOf = "";

store.watch(() => {
  map?.draw();
  front?.draw();
  bringIntoSight();
});
sights.watch(() => {
  map?.draw();
  front?.draw();
});

const mapMounted = ref((element) => {
  map?.end();
  const picture = { box: () => floor()?.box ?? NO_BOX, view: floorView, isMoving, pick: pickFloor, hover: hoverFloor };
  map = element ? createCanvas(/** @type {HTMLElement} */ (element), picture) : null;
});
const frontMounted = ref((element) => {
  front?.end();
  const picture = { box: () => elevation()?.box ?? NO_BOX, view: elevationView, isMoving, pick: pickFront, hover: hoverFront };
  front = element ? createCanvas(/** @type {HTMLElement} */ (element), picture) : null;
});

export function mapView() {
  const { layout, rackId, hovered, plant } = store.get();
  if (!layout) return html`<section class="card map" aria-busy="true"><p class="faint">${t("notKnownYet")}</p></section>`;
  const held = hovered ? heldBy(plant, hovered.split("\n"), HELD_SHOWN) : "";
  return html`
    <section class="card map" aria-label=${t("fromAbove")}>
      <div class="drawing" id="floor" role="application" tabindex="0" aria-label=${t("mapHelp")} ${mapMounted}></div>
      ${tools(() => map)}
      <p class="caption" ?hidden=${!hovered}>${hovered.split("\n").slice(0, 2).join(", ")}${held ? html`: <b>${held}</b>` : nothing}</p>
    </section>
    ${layout.racks.length ? frontView(layout.racks, rackId) : nothing}`;
}

/** @param {readonly import("./contract.js").LaidRack[]} racks @param {string} rackId */
function frontView(racks, rackId) {
  const choose = (/** @type {Event} */ event) => {
    store.set({ rackId: valueOf(event) });
    front?.fit();
  };
  const options = racks.map((rack) => html`<option value=${rack.rackId} ?selected=${rack.rackId === rackId}>${t("rack", { name: rack.rackId })}</option>`);
  return html`
    <section class="card front" aria-label=${t("rack", { name: rackId })}>
      <div class="drawing" id="front" role="application" tabindex="0" aria-label=${t("rackHelp", { name: rackId })} ${frontMounted}></div>
      <div class="picker">
        ${racks.length > 1 ? html`<select aria-label=${t("whichRack")} @change=${choose}>${options}</select>` : html`<b>${t("rack", { name: rackId })}</b>`}
      </div>
      ${tools(() => front)}
    </section>`;
}

/** @param {() => Canvas | null} canvas */
function tools(canvas) {
  const button = (/** @type {import("./words.js").Word} */ word, /** @type {string} */ sign, /** @type {() => void} */ act) =>
    html`<button type="button" title=${t(word)} aria-label=${t(word)} @click=${act}>${sign}</button>`;
  return html`
    <div class="tools">
      ${button("zoomIn", "+", () => canvas()?.zoom(1.4))} ${button("zoomOut", "−", () => canvas()?.zoom(1 / 1.4))} ${button("all", "⤢", () => canvas()?.fit())}
    </div>`;
}

/** @param {Camera} camera @param {Size} size */
function floorView(camera, size) {
  const drawn = floor();
  if (!drawn) return nothing;
  const { plant, route } = store.get();
  const { places } = drawn;
  const at = (/** @type {Iterable<string>} */ ids) => [...ids].flatMap((id) => places.get(id) ?? []);
  const looked = lookedAt(plant, route);
  const machines = machinesOf(drawn, camera);
  const closed = closedPlaces(plant);
  const held = machines.filter((each) => looked.devices.includes(each.id)).map((each) => each.at);
  return svg`
    <g transform=${transformOf(camera, size)}>
      ${roadsView(drawn)}
      ${cellsView(drawn.chunks, plant.standing)}
      <path class="light" d=${squares(drawn.lights, 0.26, 0.26)} />
      <path class="light lit" d=${squares(drawn.lights.filter(({ wall, slot }) => plant.lit.has(`${wall}/${slot}`)), 0.26, 0.26)} />
      <path class="reserved" d=${squares(at(reservedPlaces(plant)), 0.72, 0.72)} />
    </g>
    ${wayView([...held, ...at(looked.way)], camera, size)}
    ${closedView(at(closed.blocked), "blocked", 0.24, camera, size)} ${closedView(at(closed.locked), "locked", 0.24, camera, size)}
    ${labelsView(drawn.labels, camera, size)}
    ${machines.map((machine) => machineView(machine, 0.32, camera, size))}
    ${ringsView([...at(looked.places), ...held], camera, size)}`;
}

/** @param {Floor} drawn */
function roadsView({ lanes, arrows, serves, belts, reaches, nodes }) {
  const used = (/** @type {string} */ use) => nodes.filter((node) => node.use === use);
  return svg`
    <path class="lane" d=${lanes} /><path class="arrow" d=${arrows} /><path class="serves" d=${serves} />
    <path class="serves" d=${reaches} /><path class="belt" d=${belts} />
    <path class="node" d=${squares(used("crossing"), 0.2, 0.2)} />
    <path class="node parking" d=${squares(used("parking"), 1, 1)} />
    <path class="node charger" d=${diamonds(used("charger"), 1.3)} />`;
}

/** @param {readonly Point[]} points @param {Camera} camera @param {Size} size */
function wayView(points, camera, size) {
  if (points.length < 2) return nothing;
  const along = points.map((point) => toScreen(camera, size, point)).map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`);
  return svg`<polyline class="way" points=${along.join(" ")} />`;
}

/** @param {Floor} drawn @param {Camera} camera @returns {import("./drawing.js").Machine[]} */
function machinesOf(drawn, camera) {
  const now = performance.now();
  return machines((device, sight) => {
    const isVehicle = device.kind === "vehicle";
    if (sight && sight.position.x !== null) {
      const { x, y, theta } = shown(sight, now);
      return { at: { x: x ?? 0, y: y ?? 0 }, heading: theta, name: isVehicle && camera.scale >= NAMES ? device.deviceId : "" };
    }
    const at = drawn.places.get(sight?.position.locationId ?? device.deviceId);
    if (!at || (device.kind !== "shuttle" && device.kind !== "lift")) return null;
    return { at: { x: at.x, y: drawn.rails.get(device.deviceId) ?? at.y }, heading: 0, name: camera.scale >= 60 ? device.deviceId : "" };
  });
}

/**
 * @param {(device: import("./contract.js").Device, sight: import("./motion.js").Sight | undefined) => Pick<import("./drawing.js").Machine, "at" | "heading" | "name"> | null} place
 * @returns {import("./drawing.js").Machine[]}
 */
function machines(place) {
  const { plant } = store.get();
  const { byDevice, isOpen } = sights.get();
  return [...plant.devices.values()].flatMap((device) => {
    const sight = byDevice.get(device.deviceId);
    const placed = place(device, sight);
    if (!placed) return [];
    const isOld = !isOpen || !device.online;
    return {
      ...placed,
      id: device.deviceId,
      isVehicle: device.kind === "vehicle",
      state: stateOf(device),
      isLoaded: device.containers.length > 0 || sight?.load === "loaded",
      isBetween: sight?.isBetween ?? true,
      old: isOld && sight ? t("oldSince", { time: clockOf(sight.position.time) }) : "",
    };
  });
}

/** @param {Camera} camera @param {Size} size */
function elevationView(camera, size) {
  const drawn = elevation();
  if (!drawn) return nothing;
  const { plant, route } = store.get();
  const at = (/** @type {Iterable<string>} */ ids) => [...ids].flatMap((id) => drawn.places.get(id) ?? []);
  const looked = lookedAt(plant, route);
  const closed = closedPlaces(plant);
  const here = machines((device, sight) => {
    const point = drawn.carriers.has(device.deviceId) ? drawn.stand(device.deviceId, sight?.position.locationId ?? "") : null;
    return point && { at: point, heading: 0, name: "" };
  });
  const rings = [...at(looked.places), ...here.filter((each) => looked.devices.includes(each.id)).map((each) => each.at)];
  return svg`
    <g transform=${transformOf(camera, size)}>
      <path class="rail" d=${drawn.rails} /><path class="rail" d=${drawn.shafts} />
      ${cellsView(drawn.chunks, plant.standing)}
      <path class="reserved" d=${squares(at(reservedPlaces(plant)), 0.95, 0.95)} />
    </g>
    ${closedView(at(closed.blocked), "blocked", 0.4, camera, size)} ${closedView(at(closed.locked), "locked", 0.4, camera, size)}
    ${labelsView(drawn.labels, camera, size)}
    ${here.map((machine) => machineView({ ...machine, old: "" }, 0.8, camera, size))}
    ${ringsView(rings, camera, size)}`;
}

function isMoving() {
  return isGliding(sights.get().byDevice.values(), performance.now());
}

/** @param {Point} point @param {number} within */
function pickFloor(point, within) {
  const drawn = floor();
  if (!drawn) return;
  const near = machinesOf(drawn, { x: 0, y: 0, scale: 0 })
    .map((machine) => ({ id: machine.id, away: Math.hypot(machine.at.x - point.x, machine.at.y - point.y) }))
    .sort((a, b) => a.away - b.away)[0];
  const cell = cellAt(drawn.chunks, point, within);
  if (near && near.away < Math.max(0.5, within)) location.hash = linkTo("device", near.id);
  else if (cell) pickCell(cell.locations);
}

/** @param {readonly string[]} locations */
function pickCell(locations) {
  const { plant, layout } = store.get();
  const id = locations.find((each) => plant.blocks.has(each)) ?? locations.find((each) => plant.standing.has(each)) ?? locations[0];
  const rackId = layout?.locations.find((each) => each.locationId === id)?.rackId;
  if (rackId) store.set({ rackId });
  if (id) location.hash = linkTo("location", id);
}

/** @param {Point | null} point @param {number} within */
function hoverFloor(point, within) {
  const drawn = floor();
  hover((point && drawn && cellAt(drawn.chunks, point, within)?.locations) || []);
}

/** @param {Point} point @param {number} within */
function pickFront(point, within) {
  const cell = cellAt(elevation()?.chunks ?? [], point, within);
  if (cell) pickCell(cell.locations);
}

/** @param {Point | null} point @param {number} within */
function hoverFront(point, within) {
  hover((point && cellAt(elevation()?.chunks ?? [], point, within)?.locations) || []);
}

/** @param {readonly string[]} locations */
function hover(locations) {
  const hovered = locations.join("\n");
  if (hovered !== store.get().hovered) store.set({ hovered });
}

/** What somebody has begun to look at is brought into sight, once. */
function bringIntoSight() {
  const { plant, route, layout } = store.get();
  const drawn = floor();
  if (!drawn || !layout || shownOf === route.id) return;
  shownOf = route.id;
  const looked = lookedAt(plant, route);
  const id = looked.places[0] ?? looked.devices[0] ?? "";
  const rackId = layout.locations.find((each) => each.locationId === id)?.rackId;
  if (rackId && rackId !== store.get().rackId) store.set({ rackId });
  const point = drawn.places.get(id) ?? machinesOf(drawn, { x: 0, y: 0, scale: 0 }).find((machine) => machine.id === id)?.at;
  if (point) map?.show(point);
}

/**
 * What is made of something, until that is something else.
 *
 * @template {readonly unknown[]} Of
 * @template Made
 * @param {() => readonly [...Of]} of
 * @param {(...of: Of) => Made} make
 * @returns {() => Made}
 */
function remembered(of, make) {
  /** @type {{of: readonly [...Of], made: Made} | null} */
  let known = null;
  return () => {
    const now = of();
    if (!known || known.of.some((each, n) => each !== now[n])) known = { of: now, made: make(...now) };
    return known.made;
  };
}
