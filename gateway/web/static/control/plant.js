/**
 * What the page knows of the plant: answers of the gateway, brought up to date by its events.
 *
 * An answer is as old as the moment at which it was asked for: what the feed has told since then wins. So every entry remembers the
 * number of the event that spoke of it last, and every answer comes with the number that had been heard when it was asked for.
 */

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
  const isMoved = news.some((event) => event.type.startsWith("container."));
  return { ...next, standing: isMoved ? standingOf(next.containers) : plant.standing };
}

/**
 * @typedef {object} Draft
 * @property {Map<string, Container>} containers
 * @property {Map<string, Device>} devices
 * @property {Map<string, Transport>} transports
 * @property {Map<string, Alarm>} alarms
 * @property {Map<string, Block>} blocks
 * @property {Map<string, number>} told
 * @property {Set<string>} lit
 */

/** @param {Draft} plant @param {FeedEvent} event */
function hear(plant, event) {
  const { type, data, seq } = event;
  const kind = type.slice(0, type.indexOf("."));
  if (kind === "transport") hearTransport(plant, event);
  else if (kind === "container") hearContainer(plant, event);
  else if (kind === "device") hearDevice(plant, event);
  else if (type === "location.blocked") {
    const block = { locationId: data["locationId"], reason: data["reason"], operator: data["operator"] ?? null };
    plant.blocks.set(block.locationId, block);
    plant.told.set(`block:${block.locationId}`, seq);
  } else if (type === "location.unblocked") {
    plant.blocks.delete(data["locationId"]);
    plant.told.set(`block:${data["locationId"]}`, seq);
  } else if (type === "alarm.raised") {
    const { alarmId, subject, code, text, advice, actions } = data;
    plant.alarms.set(alarmId, { alarmId, subject, code, text, advice, actions: actions ?? [], raisedAt: event.time });
    plant.told.set(`alarm:${alarmId}`, seq);
  } else if (type === "alarm.cleared") {
    plant.alarms.delete(data["alarmId"]);
    plant.told.set(`alarm:${data["alarmId"]}`, seq);
  } else if (type === "put.lit") plant.lit.add(`${data["wall"]}/${data["slot"]}`);
  else if (kind === "put" && type !== "put.accepted" && type !== "put.curtain") plant.lit.delete(`${data["wall"]}/${data["slot"]}`);
}

/** @param {Draft} plant @param {FeedEvent} event */
function hearContainer(plant, { type, data, seq }) {
  const id = data["containerId"];
  plant.told.set(`container:${id}`, seq);
  if (type === "container.removed") {
    plant.containers.delete(id);
    return;
  }
  const { locationId, transportId } = data;
  plant.containers.set(id, { containerId: id, ...(locationId ? { locationId } : {}), ...(transportId ? { transportId } : {}) });
}

/** @param {Draft} plant @param {FeedEvent} event */
function hearDevice(plant, { type, data, seq }) {
  const id = data["deviceId"];
  const known = plant.devices.get(id);
  if (!known) return; // the list that brings it is under way
  plant.told.set(`device:${id}`, seq);
  const change = {
    "device.online": { online: true, offlineReason: null },
    "device.offline": { online: false, offlineReason: data["reason"] ?? null },
    "device.fault": { fault: data["text"] ?? "" },
    "device.recovered": { fault: null },
    "device.enabled": { enabled: true },
    "device.disabled": { enabled: false },
  }[type];
  plant.devices.set(id, { ...known, ...change });
}

/** @param {Draft} plant @param {FeedEvent} event */
function hearTransport(plant, { type, data, seq, time }) {
  const id = data["transportId"];
  plant.told.set(`transport:${id}`, seq);
  if (type === "transport.completed" || type === "transport.cancelled") {
    plant.transports.delete(id);
    release(plant, data["containerId"], id);
    return;
  }
  const known = plant.transports.get(id) ?? begun(id, data, time);
  const change = {
    "transport.planned": { legs: laid(data["legs"]) },
    "transport.legStarted": { legs: legsWith(known.legs, data["leg"], "active", data["deviceId"]), waiting: null, problem: null },
    "transport.legCompleted": { legs: legsWith(known.legs, data["leg"], "done", data["deviceId"]) },
    "transport.failed": { problem: problemOf(data), waiting: null },
    "transport.unknown": { problem: problemOf(data), waiting: null },
    "transport.resolved": { problem: null },
  }[type];
  const status = type === "transport.resolved" ? "executing" : data["status"];
  plant.transports.set(id, { ...known, ...change, status, updatedAt: time });
}

/** @param {string} id @param {FeedEvent["data"]} data @param {string} time @returns {Transport} */
function begun(id, data, time) {
  return {
    transportId: id,
    containerId: data["containerId"],
    source: data["source"] ?? "",
    destination: data["destination"] ?? "",
    priority: data["priority"] ?? 5,
    status: data["status"],
    cancelRequested: false,
    createdAt: time,
    updatedAt: time,
    waiting: null,
    problem: null,
    legs: [],
  };
}

/** @param {readonly any[] | undefined} legs @returns {Transport["legs"]} */
function laid(legs = []) {
  return legs.map((leg, index) => ({
    index,
    source: leg.source ?? null,
    target: leg.target,
    carrierId: leg.carrierId ?? "",
    deviceId: leg.deviceId ?? null,
    status: "ahead",
  }));
}

/** @param {Transport["legs"]} legs @param {number} index @param {string} status @param {string | null} deviceId @returns {Transport["legs"]} */
function legsWith(legs, index, status, deviceId) {
  return legs.map((leg) => {
    if (leg.index < index) return { ...leg, status: "done" };
    return leg.index === index ? { ...leg, status, deviceId: deviceId ?? leg.deviceId } : leg;
  });
}

/** @param {FeedEvent["data"]} data @returns {Transport["problem"]} */
function problemOf(data) {
  return { code: "", title: "", detail: "", advice: "", ...data["reason"], actions: data["actions"] ?? [] };
}

/** @param {Draft} plant @param {string} containerId @param {string} transportId */
function release(plant, containerId, transportId) {
  const known = plant.containers.get(containerId);
  if (known?.transportId !== transportId) return;
  const { transportId: _, ...free } = known;
  plant.containers.set(containerId, free);
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
  return { ...plant, devices, containers, standing: standingOf(containers) };
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

/** @param {Map<string, number>} told */
function forgetOldest(told) {
  if (told.size <= TOLD_MOST) return;
  const oldest = [...told].sort(([, a], [, b]) => a - b).slice(0, told.size - TOLD_MOST / 2);
  for (const [key] of oldest) told.delete(key);
}
