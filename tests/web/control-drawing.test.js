/** Where things are drawn: the camera, the floor, a rack from its front, and machines that glide but never run ahead. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { elevationOf } from "../../gateway/web/static/control/elevation.js";
import { cellAt, fillOf, floorOf } from "../../gateway/web/static/control/floor.js";
import { boxAround, fitted, panned, toScreen, toSite, zoomed } from "../../gateway/web/static/control/geometry.js";
import { isGliding, seen, shown } from "../../gateway/web/static/control/motion.js";
import { linkTo, linkToList, routeOf } from "../../gateway/web/static/control/route.js";

const SIZE = { width: 800, height: 400 };
const slot = (level, side, column) => ({ locationId: `A-${level}-${side}-${column}`, kind: "storage", capacity: 1, x: 5 + column, y: side * 2, z: level, rackId: "A", level, side, column });
const LAYOUT = {
  siteId: "s",
  locations: [
    { locationId: "IN", kind: "buffer", capacity: 1, x: 4, y: 2.5, z: 1 },
    { locationId: "GROUND", kind: "conveyor", capacity: 1, x: 3, y: 0, z: 0, node: "n1" },
    ...[1, 2].flatMap((level) => [1, 2].flatMap((side) => [1, 2, 3].map((column) => slot(level, side, column)))),
  ],
  racks: [{ rackId: "A", kind: "storage", levels: 2, sides: ["L", "R"], columns: 3 }],
  roadMaps: [{ roadMapId: "r", nodes: [{ nodeId: "n1", x: 0, y: 0, use: "parking" }, { nodeId: "n2", x: 3, y: -2, use: "crossing" }], edges: [{ edgeId: "e", start: "n1", end: "n2" }] }],
  devices: [
    { deviceId: "sh-1", kind: "shuttle", linkId: "l", racks: [{ rackId: "A", levels: [1] }], locations: ["IN"] },
    { deviceId: "lift", kind: "lift", linkId: "l", locations: ["IN", "GROUND"] },
    { deviceId: "agv", kind: "vehicle", linkId: "b", fleetId: "f" },
  ],
  stations: [],
};

test("zooming keeps what is under the finger, and the screen and the site are each other's inverse", () => {
  const camera = fitted(boxAround([{ x: 0, y: 0 }, { x: 20, y: 10 }], 1), SIZE);
  for (const pixel of [{ x: 0, y: 0 }, { x: 123, y: 321 }]) {
    const held = toSite(camera, SIZE, pixel);
    const after = toScreen(zoomed(camera, SIZE, pixel, 3), SIZE, held);
    assert.ok(Math.hypot(after.x - pixel.x, after.y - pixel.y) < 1e-9);
  }
  assert.deepEqual(toScreen(camera, SIZE, { x: 10, y: 5 }), { x: 400, y: 200 });
});

test("nobody moves the site out of sight, and an empty one can be drawn", () => {
  const box = boxAround([{ x: 0, y: 0 }, { x: 20, y: 10 }], 0);
  assert.deepEqual(panned({ x: 10, y: 5, scale: 10 }, { x: 1e6, y: 1e6 }, box), { x: 0, y: 10, scale: 10 });
  assert.ok(Number.isFinite(fitted(boxAround([], 1), SIZE).scale));
});

test("places above each other are one cell, as full as they are together", () => {
  const floor = floorOf(LAYOUT);
  const [chunk] = floor.chunks.filter((each) => each.kind === "storage");
  assert.equal(chunk.cells.length, 6);
  const standing = new Map([["A-1-1-1", ["T1"]], ["A-1-1-2", ["T2"]], ["A-2-1-2", ["T3"]]]);
  assert.equal(fillOf(chunk, standing), "240000");
});

test("pressing on the floor finds the place, and nothing where nothing is", () => {
  const { chunks } = floorOf(LAYOUT);
  assert.deepEqual(cellAt(chunks, { x: 7.1, y: 2.1 }, 0.3)?.locations, ["A-1-1-2", "A-2-1-2"]);
  assert.equal(cellAt(chunks, { x: 50, y: 50 }, 0.3), null);
});

test("every slot of every level has its cell in the elevation, with its machines beside it", () => {
  const elevation = elevationOf(LAYOUT, "A");
  const cells = elevation.chunks.flatMap((chunk) => chunk.cells);
  assert.equal(new Set(cells.map(({ x, y }) => `${x}/${y}`)).size, 13);
  const [low, high] = [elevation.places.get("A-1-1-1"), elevation.places.get("A-2-1-1")];
  assert.ok(high.y > low.y && high.x === low.x);
  const [left, right] = [elevation.places.get("A-1-1-1"), elevation.places.get("A-1-2-1")];
  const shuttle = elevation.stand("sh-1", "A-1-1-1");
  assert.ok(left.y < shuttle.y && shuttle.y < right.y);
  assert.ok(elevation.stand("lift", "GROUND").y < elevation.stand("lift", "IN").y);
  assert.equal(elevation.stand("sh-1", "nowhere"), null);
  assert.deepEqual([...elevation.carriers], ["sh-1", "lift"]);
  assert.equal(elevationOf(LAYOUT, "B"), null);
});

const at = (x, theta = 0, more = {}) => ({ deviceId: "agv", time: "", x, y: 0, z: null, theta, locationId: null, load: "empty", battery: null, ...more });

test("a vehicle glides to where it says it is, by the shorter way round, and never beyond", () => {
  let sight = seen(undefined, at(0, 3), 1000);
  assert.deepEqual(shown(sight, 1000), { x: 0, y: 0, theta: 3 });
  sight = seen(sight, at(1, -3), 1200);
  assert.equal(shown(sight, 1300).x, 0.5);
  assert.ok(shown(sight, 1300).theta > 3);
  assert.deepEqual(shown(sight, 99_999), { x: 1, y: 0, theta: -3 });
  assert.deepEqual([isGliding([sight], 1300), isGliding([sight], 2000)], [true, false]);
});

test("a machine that tells no place keeps its last one, and is known to have left it", () => {
  const nowhere = at(null, null, { y: null });
  const sight = seen(seen(undefined, { ...nowhere, locationId: "A" }, 0), { ...nowhere, load: "loaded" }, 50);
  assert.deepEqual([sight.position.locationId, sight.isBetween, sight.load], ["A", true, "loaded"]);
});

test("an address leads to what it was made of", () => {
  assert.deepEqual(routeOf(linkTo("transport", "a/b c")), { list: "transports", kind: "transport", id: "a/b c", filter: "" });
  assert.deepEqual(routeOf(linkToList("transports", "halted")), { list: "transports", kind: null, id: "", filter: "halted" });
  assert.deepEqual(routeOf("#location/%E0%A4%A"), { list: "containers", kind: "location", id: "%E0%A4%A", filter: "" });
  assert.equal(routeOf("#nonsense").list, "transports");
});
