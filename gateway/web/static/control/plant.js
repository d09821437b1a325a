/**
 * What the page knows of the plant: answers of the gateway, brought up to date by its events.
 *
 * An answer is as old as the moment at which it was asked for: what the feed has told since then wins. So every entry remembers the
 * number of the event that spoke of it last, and every answer comes with the number that had been heard when it was asked for.
 */

import { hear, hearPut } from "./hearing.js";

/**
 * @typedef {import("./contract.js").Container} Container
 * @typedef {import("./contract.js").Device} Device
 * @typedef {import("./contract.js").Transport} Transport
 * @typedef {import("./contract.js").Alarm} Alarm
 * @typedef {import("./contract.js").Block} Block
 * @typedef {import("./contract.js").FeedEvent} FeedEvent
 *
 * @typedef {object} Plant
 * @property {number} seq the newest event that has been heard
 * @property {ReadonlyMap<string, Container>} containers
 * @property {ReadonlyMap<string, readonly string[]>} standing containers by the location that holds them
 * @property {ReadonlyMap<string, Device>} devices
 * @property {ReadonlyMap<string, Transport>} transports those that have not ended
 * @property {ReadonlyMap<string, Alarm>} alarms
 * @property {ReadonlyMap<string, Block>} blocks by location
 * @property {ReadonlyMap<string, number>} told the event that spoke of it last, by `kind:id`
 * @property {ReadonlySet<string>} lit slots of put walls, as `wall/slot`
 */

/** @type {Plant} */
export const UNKNOWN = {
  seq: 0,
  containers: new Map(),
  standing: new Map(),
  devices: new Map(),
  transports: new Map(),
  alarms: new Map(),
  blocks: new Map(),
  told: new Map(),
  lit: new Set(),
};
export const OPEN = /** @type {const} */ (["accepted", "planned", "executing", "failed", "unknown"]);
const TOLD_MOST = 5000;

/**
 * Bring the plant up to date with events, in their order; what has been heard before is passed over.
 *
 * @param {Plant} plant
 * @param {readonly FeedEvent[]} events
 * @returns {Plant}
 */
export function withEvents(plant, events) {
  const news = events.filter((event) => event.seq > plant.seq);
  const last = news.at(-1);
  if (!last) return plant;
  const next = {
    seq: last.seq,
    containers: new Map(plant.containers),
    standing: plant.standing,
    devices: new Map(plant.devices),
    transports: new Map(plant.transports),
    alarms: new Map(plant.alarms),
    blocks: new Map(plant.blocks),
    told: new Map(plant.told),
    lit: new Set(plant.lit),
  };
  for (const event of news) hear(next, event);
  forgetOldest(next.told);
  const moved = news.filter((event) => event.type.startsWith("container.")).map((event) => event.data["containerId"]);
  return { ...next, standing: standingWith(plant, next.containers, moved) };
}

/**
 * Take in what happened before the page listened, as far as no list tells it: which slots of put walls are lit.
 *
 * @param {Plant} plant
 * @param {readonly FeedEvent[]} feed in order, up to now
 * @returns {Plant}
 */
export function withPast(plant, feed) {
  const draft = { lit: new Set(plant.lit) };
  for (const event of feed) if (event.type.startsWith("put.")) hearPut(draft, event);
  return { ...plant, lit: draft.lit };
}

/**
 * Take in all containers.
 *
 * @param {Plant} plant
 * @param {readonly Container[]} answer
 * @param {number} askedAt the newest event that had been heard then
 * @returns {Plant}
 */
export function withContainers(plant, answer, askedAt) {
  const containers = whole(plant, "container", plant.containers, answer, (each) => each.containerId, askedAt);
  return { ...plant, containers, standing: standingOf(containers) };
}

/**
 * Take in all devices; what is on board of one stands nowhere else.
 *
 * @param {Plant} plant
 * @param {readonly Device[]} answer
 * @param {number} askedAt
 * @returns {Plant}
 */
export function withDevices(plant, answer, askedAt) {
  const devices = whole(plant, "device", plant.devices, answer, (each) => each.deviceId, askedAt);
  const boarded = answer.flatMap((device) => device.containers.map((id) => /** @type {const} */ ([id, device.deviceId])));
  const moved = boarded.filter(([id, deviceId]) => {
    const isOld = (plant.told.get(`container:${id}`) ?? 0) > askedAt;
    return !isOld && plant.containers.get(id)?.deviceId !== deviceId;
  });
  if (!moved.length) return { ...plant, devices };
  const containers = new Map(plant.containers);
  for (const [id, deviceId] of moved) {
    const { locationId: _, ...rest } = containers.get(id) ?? { containerId: id };
    containers.set(id, { ...rest, deviceId });
  }
  const ids = moved.map(([id]) => id);
  return { ...plant, devices, containers, standing: standingWith(plant, containers, ids) };
}

/** Take in all transports that have not ended. @param {Plant} plant @param {readonly Transport[]} answer @param {number} askedAt @returns {Plant} */
export function withTransports(plant, answer, askedAt) {
  return { ...plant, transports: whole(plant, "transport", plant.transports, answer, (each) => each.transportId, askedAt) };
}

/** Take in all alarms. @param {Plant} plant @param {readonly Alarm[]} answer @param {number} askedAt @returns {Plant} */
export function withAlarms(plant, answer, askedAt) {
  return { ...plant, alarms: whole(plant, "alarm", plant.alarms, answer, (each) => each.alarmId, askedAt) };
}

/** Take in all blocked places. @param {Plant} plant @param {readonly Block[]} answer @param {number} askedAt @returns {Plant} */
export function withBlocks(plant, answer, askedAt) {
  return { ...plant, blocks: whole(plant, "block", plant.blocks, answer, (each) => each.locationId, askedAt) };
}

/**
 * Put an answer into the place of what was known, but for what the feed has spoken of since it was asked for.
 *
 * @template Item
 * @param {Plant} plant
 * @param {string} kind
 * @param {ReadonlyMap<string, Item>} known
 * @param {readonly Item[]} answer
 * @param {(item: Item) => string} key
 * @param {number} askedAt
 * @returns {ReadonlyMap<string, Item>}
 */
function whole(plant, kind, known, answer, key, askedAt) {
  const isNewer = (/** @type {string} */ id) => (plant.told.get(`${kind}:${id}`) ?? 0) > askedAt;
  const items = new Map(answer.map((item) => [key(item), item]));
  for (const id of items.keys()) if (isNewer(id) && !known.has(id)) items.delete(id);
  for (const [id, item] of known) if (isNewer(id)) items.set(id, item);
  return items;
}

/** @param {ReadonlyMap<string, Container>} containers @returns {ReadonlyMap<string, readonly string[]>} */
function standingOf(containers) {
  /** @type {Map<string, string[]>} */
  const standing = new Map();
  for (const { containerId, locationId } of containers.values()) {
    if (locationId === undefined) continue;
    const here = standing.get(locationId);
    if (here) here.push(containerId);
    else standing.set(locationId, [containerId]);
  }
  return standing;
}

/**
 * Where containers stand after some of them have moved.
 *
 * @param {Plant} before
 * @param {ReadonlyMap<string, Container>} containers
 * @param {readonly string[]} moved
 * @returns {Plant["standing"]}
 */
function standingWith(before, containers, moved) {
  if (!moved.length) return before.standing;
  const standing = new Map(before.standing);
  for (const id of new Set(moved)) {
    const left = before.containers.get(id)?.locationId;
    if (left !== undefined) {
      const rest = (standing.get(left) ?? []).filter((each) => each !== id);
      if (rest.length) standing.set(left, rest);
      else standing.delete(left);
    }
    const come = containers.get(id)?.locationId;
    if (come !== undefined) standing.set(come, [...(standing.get(come) ?? []), id]);
  }
  return standing;
}

/** @param {Map<string, number>} told */
function forgetOldest(told) {
  if (told.size <= TOLD_MOST) return;
  const oldest = [...told].sort(([, a], [, b]) => a - b).slice(0, told.size - TOLD_MOST / 2);
  for (const [key] of oldest) told.delete(key);
}
