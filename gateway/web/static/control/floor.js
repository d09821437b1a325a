/**
 * The site from above, made once from its layout: what is drawn and never changes, and the cells that hold containers.
 *
 * Places above each other are one cell. Cells come in chunks: what has changed in one chunk leaves the drawing of all the others alone.
 */

import { arrowHeads, boxAround, lines, round } from "./geometry.js";

/**
 * @typedef {import("./contract.js").Layout} Layout
 * @typedef {import("./contract.js").LaidLocation} LaidLocation
 * @typedef {import("./geometry.js").Point} Point
 *
 * @typedef {object} Cell one place, or several above each other
 * @property {number} x
 * @property {number} y
 * @property {string} kind
 * @property {readonly string[]} locations
 * @property {number} capacity of all of them
 *
 * @typedef {object} Chunk
 * @property {string} kind of all its cells
 * @property {number} width of each
 * @property {number} height
 * @property {readonly Cell[]} cells
 *
 * @typedef {Point & {text: string, detail: number, kind: string}} Label shown from so many pixels a metre on
 *
 * @typedef {object} Floor
 * @property {import("./geometry.js").Box} box
 * @property {string} lanes
 * @property {string} arrows
 * @property {string} serves where vehicles reach what they serve
 * @property {string} belts
 * @property {string} reaches of shuttles and lifts
 * @property {readonly (Point & {use: string, id: string})[]} nodes
 * @property {ReadonlyMap<string, number>} rails the y at which each shuttle is drawn, beside those above and below it
 * @property {readonly Chunk[]} chunks
 * @property {readonly Label[]} labels
 * @property {ReadonlyMap<string, Point>} places where each location, node and standing device is
 * @property {readonly (Point & {wall: string, slot: string})[]} lights of put walls
 */

const MARGIN = 2;
const CELL = 0.5;
const CHUNK_MOST = 300;
const LIGHT = 0.32;
const LIGHTS_A_ROW = 6;
/** Pixels a metre from which on names of these can be read. */
const DETAIL = { station: 0, rack: 0, place: 46, node: 56, slot: 90 };
/** Metres between shuttles of one aisle that run above each other. */
const BESIDE = 0.34;

/** @param {Layout} layout @returns {Floor} */
export function floorOf(layout) {
  const drawn = layout.locations.filter((place) => place.kind !== "node");
  const nodes = layout.roadMaps.flatMap((map) => map.nodes.map((node) => ({ x: node.x, y: node.y, use: node.use, id: node.nodeId })));
  const places = new Map(nodes.map((node) => [node.id, /** @type {Point} */ ({ x: node.x, y: node.y })]));
  for (const { locationId, x, y } of layout.locations) places.set(locationId, { x, y });
  const chunks = chunksOf(layout, drawn);
  const roads = layout.roadMaps.flatMap((map) => map.edges.map((edge) => pair(places, edge.start, edge.end)));
  const belts = layout.devices.flatMap((device) => (device.segments ?? []).map((each) => pair(places, each.source, each.target)));
  const hubs = hubsOf(layout, places);
  for (const { id, x, y } of hubs) places.set(id, { x, y });
  const lights = lightsOf(layout, places);
  return {
    box: boxAround([...places.values(), ...lights], MARGIN),
    lanes: lines(roads),
    arrows: arrowHeads(roads, 0.35),
    serves: lines(layout.locations.filter((place) => place.node && places.has(place.node)).map((place) => pair(places, place.node ?? "", place.locationId))),
    belts: lines(belts),
    reaches: lines(hubs.flatMap(({ x, y, reached }) => reached.map((to) => /** @type {const} */ ([{ x, y }, to])))),
    nodes,
    chunks,
    labels: [...labelsOf(layout, drawn, places), ...nodes.map(({ x, y, id }) => ({ x, y: y + 0.3, text: id, detail: DETAIL.node, kind: "node" }))],
    places,
    lights,
    rails: railsOf(layout, drawn),
  };
}

/** @param {Layout} layout @param {readonly LaidLocation[]} drawn @returns {Map<string, number>} */
function railsOf(layout, drawn) {
  const rails = new Map();
  for (const { rackId } of layout.racks) {
    const box = boxAround(drawn.filter((place) => place.rackId === rackId && place.level === 1), 0);
    const shuttles = layout.devices.filter((device) => device.kind === "shuttle" && device.racks?.some((each) => each.rackId === rackId));
    const step = Math.min(BESIDE, Math.max(0, box.top - box.bottom - 0.7) / Math.max(1, shuttles.length - 1));
    shuttles.forEach(({ deviceId }, n) => rails.set(deviceId, (box.top + box.bottom) / 2 + (n - (shuttles.length - 1) / 2) * step));
  }
  return rails;
}

/** @param {Map<string, Point>} places @param {string} from @param {string} to @returns {readonly [Point, Point]} */
function pair(places, from, to) {
  const origin = { x: 0, y: 0 };
  return [places.get(from) ?? origin, places.get(to) ?? origin];
}

/** @param {Layout} layout @param {readonly LaidLocation[]} drawn @returns {Chunk[]} */
function chunksOf(layout, drawn) {
  /** @type {Map<string, Chunk & {cells: Cell[]}>} */
  const open = new Map();
  const chunks = [];
  const sizes = new Map(layout.racks.map((rack) => [rack.rackId, slotSize(rack.rackId, drawn)]));
  for (const cell of cellsOf(drawn)) {
    const { rackId, kind } = cell.first;
    const group = rackId ?? kind;
    let chunk = open.get(group);
    if (!chunk || chunk.cells.length === CHUNK_MOST) {
      const side = kind === "conveyor" ? 0.62 : CELL;
      const size = (rackId && sizes.get(rackId)) || { width: side, height: side };
      chunk = { kind, ...size, cells: [] };
      open.set(group, chunk);
      chunks.push(chunk);
    }
    chunk.cells.push(cell);
  }
  return chunks;
}

/** @param {readonly LaidLocation[]} drawn @returns {(Cell & {first: LaidLocation})[]} */
function cellsOf(drawn) {
  /** @type {Map<string, Cell & {first: LaidLocation, locations: string[]}>} */
  const cells = new Map();
  for (const place of drawn) {
    const key = `${round(place.x)}/${round(place.y)}/${place.rackId ?? place.kind}`;
    const cell = cells.get(key);
    if (cell) {
      cell.locations.push(place.locationId);
      cell.capacity += place.capacity;
    } else {
      const { x, y, kind, capacity } = place;
      cells.set(key, { x, y, kind, capacity, locations: [place.locationId], first: place });
    }
  }
  return [...cells.values()];
}

/** A slot is nearly as wide as its column, and as deep as a container. @param {string} rackId @param {readonly LaidLocation[]} drawn */
function slotSize(rackId, drawn) {
  const row = drawn.filter((place) => place.rackId === rackId && place.level === 1 && place.side === 1);
  const pitch = row[0] && row[1] ? Math.abs(row[1].x - row[0].x) : CELL / 0.86;
  const width = (pitch || CELL / 0.86) * 0.86;
  return { width, height: Math.min(Math.max(width, 0.4), 1.2) };
}

/** Shuttles and lifts stand where they were seen last; until then, amid what they reach. @param {Layout} layout @param {Map<string, Point>} places */
function hubsOf(layout, places) {
  return layout.devices
    .filter((device) => device.kind === "shuttle" || device.kind === "lift")
    .map((device) => {
      const reached = unique((device.locations ?? []).map((id) => places.get(id)).filter((point) => point !== undefined));
      const middle = mean(reached) ?? { x: 0, y: 0 };
      return { id: device.deviceId, ...middle, reached: device.kind === "lift" ? reached : [] };
    });
}

/** @param {readonly Point[]} points */
function unique(points) {
  return [...new Map(points.map((point) => [`${round(point.x)}/${round(point.y)}`, point])).values()];
}

/** @param {readonly Point[]} points @returns {Point | null} */
function mean(points) {
  if (!points.length) return null;
  return { x: points.reduce((sum, { x }) => sum + x, 0) / points.length, y: points.reduce((sum, { y }) => sum + y, 0) / points.length };
}

/** Put walls are drawn below the slots of their station. @param {Layout} layout @param {Map<string, Point>} places */
function lightsOf(layout, places) {
  const walls = new Map(layout.devices.map((device) => [device.deviceId, device.lights ?? []]));
  return layout.stations.flatMap(({ slots, putwall }) => {
    const lights = walls.get(putwall ?? "") ?? [];
    const middle = mean(slots.map((slot) => places.get(slot)).filter((point) => point !== undefined));
    if (!middle || !putwall) return [];
    return lights.map((slot, n) => ({
      wall: putwall,
      slot,
      x: middle.x + ((n % LIGHTS_A_ROW) - (Math.min(LIGHTS_A_ROW, lights.length) - 1) / 2) * LIGHT,
      y: middle.y - 0.75 - Math.floor(n / LIGHTS_A_ROW) * LIGHT,
    }));
  });
}

/** @param {Layout} layout @param {readonly LaidLocation[]} drawn @param {Map<string, Point>} places @returns {Label[]} */
function labelsOf(layout, drawn, places) {
  const stations = layout.stations.flatMap(({ name, slots, putwall }) => {
    const middle = mean(slots.map((slot) => places.get(slot)).filter((point) => point !== undefined));
    return middle ? [{ x: middle.x, y: middle.y - (putwall ? 1.95 : 1), text: name, detail: DETAIL.station, kind: "station" }] : [];
  });
  const racks = layout.racks.map(({ rackId }) => {
    const slots = drawn.filter((place) => place.rackId === rackId && place.level === 1);
    const box = boxAround(slots, 0);
    const y = box.top > box.bottom ? (box.top + box.bottom) / 2 - 0.2 : box.top + 0.85; // in its aisle, if it has one
    return { x: (box.left + box.right) / 2, y, text: rackId, detail: DETAIL.rack, kind: "rack" };
  });
  const listed = cellsOf(drawn).map(({ x, y, locations, first }) => {
    const text = locations.length > 1 ? `${locations[0]} +${locations.length - 1}` : (locations[0] ?? "");
    const isSlot = first.rackId !== undefined;
    return { x, y: y - (isSlot ? 0.1 : 0.55), text, detail: isSlot ? DETAIL.slot : DETAIL.place, kind: "place" };
  });
  return [...stations, ...racks, ...listed];
}

/**
 * How full each cell of a chunk is: 0 empty … 4 full, a digit a cell.
 *
 * @param {Chunk} chunk
 * @param {ReadonlyMap<string, readonly string[]>} standing
 * @returns {string}
 */
export function fillOf(chunk, standing) {
  return chunk.cells
    .map(({ locations, capacity }) => {
      let held = 0;
      for (const id of locations) held += standing.get(id)?.length ?? 0;
      return held === 0 ? 0 : Math.max(1, Math.min(4, Math.floor((4 * held) / capacity)));
    })
    .join("");
}

/**
 * The cell whose middle is nearest to a point, within a distance.
 *
 * @param {readonly Chunk[]} chunks
 * @param {Point} point
 * @param {number} within
 * @returns {Cell | null}
 */
export function cellAt(chunks, point, within) {
  let found = null;
  let least = within;
  for (const { cells, width, height } of chunks) {
    for (const cell of cells) {
      const away = Math.max(0, Math.abs(cell.x - point.x) - width / 2) + Math.max(0, Math.abs(cell.y - point.y) - height / 2);
      if (away < least || (away === 0 && found === null)) {
        least = away;
        found = cell;
      }
    }
  }
  return found;
}
