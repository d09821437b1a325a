/**
 * A rack from its front, made once from the layout: for each level a strip with a row of cells for each side, the rail of its shuttle between them,
 * its buffers at the ends, and the lifts that stand there. One unit is the height of a cell; the picture is a scheme, not to scale.
 */

import { boxAround } from "./geometry.js";

/**
 * @typedef {import("./contract.js").Layout} Layout
 * @typedef {import("./contract.js").LaidLocation} LaidLocation
 * @typedef {import("./contract.js").LaidDevice} LaidDevice
 * @typedef {import("./geometry.js").Point} Point
 *
 * @typedef {object} Elevation
 * @property {string} rackId
 * @property {import("./geometry.js").Box} box
 * @property {readonly import("./floor.js").Chunk[]} chunks a level each
 * @property {readonly import("./floor.js").Label[]} labels
 * @property {string} rails
 * @property {string} shafts
 * @property {ReadonlyMap<string, Point>} places of slots and buffers
 * @property {(deviceId: string, locationId: string) => Point | null} stand where a shuttle or a lift is drawn that stands at a location
 * @property {ReadonlySet<string>} carriers that are drawn here
 */

const GAP = 0.7;
const END = 1.4;
const SHAFT = 1.7;
const GROUND = -1.6;
/** How wide the whole is, of its height, if its cells are to be wider than high. */
const SHAPE = 4;
const WIDEST = 2;

/** @param {Layout} layout @param {string} rackId @returns {Elevation | null} */
export function elevationOf(layout, rackId) {
  const rack = layout.racks.find((each) => each.rackId === rackId);
  if (!rack) return null;
  const slots = layout.locations.filter((place) => place.rackId === rackId);
  const grid = gridOf(rack, slots);
  const shuttles = layout.devices.filter((device) => device.kind === "shuttle" && (device.racks ?? []).some((each) => each.rackId === rackId));
  const places = new Map(slots.map((slot) => [slot.locationId, grid.place(slot)]));
  const level = new Map(slots.map((slot) => [slot.locationId, slot.level ?? 1]));
  const ends = endsOf(layout, rackId, shuttles, slots, grid);
  for (const end of ends) {
    places.set(end.locationId, end.at);
    level.set(end.locationId, end.level);
  }
  const lifts = liftsOf(layout, ends, grid);
  const carriers = new Set([...shuttles, ...lifts.map((each) => each.device)].map((device) => device.deviceId));
  const rails = shuttles.flatMap((device) => levelsOf(device, rackId).map((each) => grid.rail(each)));
  const stops = lifts.flatMap(({ stops: at }) => [...at.values()]);
  const corners = [{ x: grid.left - END * grid.wide, y: lifts.length ? GROUND - 1.6 : 0 }, { x: grid.right + 1.6 * grid.wide, y: 0 }];
  return {
    rackId,
    box: boxAround([...places.values(), ...stops, ...corners], 0.9),
    chunks: chunksOf(slots, ends, places, grid.wide),
    labels: labelsOf(rack, grid, lifts),
    rails: rails.map((y) => `M${grid.left - (END - 0.4) * grid.wide} ${y}H${grid.right + grid.wide / 2}`).join(""),
    shafts: lifts.map(({ x, stops: at }) => shaftOf(x, [...at.values()])).join(""),
    places,
    carriers,
    stand(deviceId, locationId) {
      const stop = lifts.find(({ device }) => device.deviceId === deviceId)?.stops.get(locationId);
      if (stop) return stop;
      const at = places.get(locationId);
      return at ? { x: at.x, y: grid.rail(level.get(locationId) ?? 1) } : null;
    },
  };
}

/** @param {number} x @param {readonly Point[]} stops */
function shaftOf(x, stops) {
  const heights = stops.map((stop) => stop.y);
  return `M${x} ${Math.min(...heights) - 0.5}V${Math.max(...heights) + 0.5}`;
}

/** @param {LaidDevice} device @param {string} rackId */
function levelsOf(device, rackId) {
  return (device.racks ?? []).filter((each) => each.rackId === rackId).flatMap((each) => each.levels);
}

/** @param {import("./contract.js").LaidRack} rack @param {readonly LaidLocation[]} slots */
function gridOf({ sides: { length: sides }, levels, columns }, slots) {
  const first = slots.find((slot) => slot.column === 1);
  const second = slots.find((slot) => slot.column === 2);
  const runs = first && second && second.x < first.x ? -1 : 1; // as on the map, to the right or to the left
  const below = Math.ceil(sides / 2);
  const strip = sides + 1 + GAP;
  const wide = Math.min(Math.max((SHAPE * levels * strip) / (columns + 6), 1), WIDEST);
  const ends = [0, runs * (columns - 1) * wide];
  const base = (/** @type {number} */ level) => (level - 1) * strip;
  return {
    below,
    wide,
    left: Math.min(...ends),
    right: Math.max(...ends),
    /** @param {number} level @param {number} side from 1 */
    row: (level, side) => base(level) + side - 1 + (side > below ? 1 : 0),
    /** @param {number} level */
    rail: (level) => base(level) + below,
    /** @param {LaidLocation} slot @returns {Point} */
    place(slot) {
      return { x: runs * ((slot.column ?? 1) - 1) * wide, y: this.row(slot.level ?? 1, slot.side ?? 1) };
    },
  };
}

/**
 * Buffers stand at the end of the rail at which they are, in the row of the side that is nearest.
 *
 * @param {Layout} layout
 * @param {string} rackId
 * @param {readonly LaidDevice[]} shuttles
 * @param {readonly LaidLocation[]} slots
 * @param {ReturnType<typeof gridOf>} grid
 */
function endsOf(layout, rackId, shuttles, slots, grid) {
  const byId = new Map(layout.locations.map((place) => [place.locationId, place]));
  const middle = slots.reduce((sum, slot) => sum + slot.x, 0) / slots.length;
  const depth = slots.reduce((sum, slot) => sum + slot.y, 0) / slots.length;
  /** @type {Map<string, number>} */
  const taken = new Map();
  return shuttles.flatMap((device) => {
    const level = levelsOf(device, rackId)[0] ?? 1;
    return (device.locations ?? []).flatMap((locationId) => {
      const place = byId.get(locationId);
      if (!place) return [];
      const isLeft = place.x < middle;
      const side = place.y <= depth ? grid.below : grid.below + 1;
      const key = `${level}/${side}/${isLeft}`;
      const before = taken.get(key) ?? 0;
      taken.set(key, before + 1);
      const out = (END + before) * grid.wide;
      const x = isLeft ? grid.left - out : grid.right + out;
      return [{ locationId, level, isLeft, capacity: place.capacity, at: { x, y: grid.row(level, side) } }];
    });
  });
}

/**
 * @param {Layout} layout
 * @param {ReturnType<typeof endsOf>} ends
 * @param {ReturnType<typeof gridOf>} grid
 */
function liftsOf(layout, ends, grid) {
  const lifts = layout.devices.filter(
    (device) => device.kind === "lift" && ends.some((end) => device.locations?.includes(end.locationId)),
  );
  return lifts.map((device, n) => {
    const met = ends.filter((end) => device.locations?.includes(end.locationId));
    const isLeft = met.every((end) => end.isLeft);
    const outermost = met.map((end) => end.at.x);
    const x = isLeft ? Math.min(...outermost) - SHAFT * (n + 1) : Math.max(...outermost) + SHAFT * (n + 1);
    const stops = new Map(met.map((end) => [end.locationId, { x, y: grid.rail(end.level) }]));
    for (const id of device.locations ?? []) if (!stops.has(id)) stops.set(id, { x, y: GROUND });
    return { device, x, stops };
  });
}

/**
 * @param {readonly LaidLocation[]} slots
 * @param {ReturnType<typeof endsOf>} ends
 * @param {ReadonlyMap<string, Point>} places
 * @param {number} wide
 * @returns {import("./floor.js").Chunk[]}
 */
function chunksOf(slots, ends, places, wide) {
  const chunk = (/** @type {string} */ kind, /** @type {readonly {locationId: string, capacity: number}[]} */ held) => ({
    kind,
    width: 0.84 * wide,
    height: 0.84,
    cells: held.map(({ locationId, capacity }) => {
      const { x, y } = places.get(locationId) ?? { x: 0, y: 0 };
      return { x, y, kind, capacity, locations: [locationId] };
    }),
  });
  /** @type {Map<number, LaidLocation[]>} */
  const levels = new Map();
  for (const slot of slots) levels.set(slot.level ?? 1, [...(levels.get(slot.level ?? 1) ?? []), slot]);
  const rows = [...levels.values()].map((each) => chunk(each[0]?.kind ?? "storage", each));
  return ends.length ? [...rows, chunk("buffer", ends)] : rows;
}

/**
 * @param {import("./contract.js").LaidRack} rack
 * @param {ReturnType<typeof gridOf>} grid
 * @param {ReturnType<typeof liftsOf>} lifts
 * @returns {import("./floor.js").Label[]}
 */
function labelsOf(rack, grid, lifts) {
  const x = grid.right + grid.wide * 0.9;
  const rows = Array.from({ length: rack.levels }, (_, n) => ({ x, y: grid.rail(n + 1) - 0.25, text: String(n + 1), detail: 0, kind: "level" }));
  const shafts = lifts.map((lift) => ({ x: lift.x, y: GROUND, text: lift.device.deviceId, detail: 6, kind: "shaft" }));
  return [...rows, ...shafts];
}
