/** What one event says of the plant, written into a draft of it. */

/**
 * @typedef {import("./contract.js").Container} Container
 * @typedef {import("./contract.js").Device} Device
 * @typedef {import("./contract.js").Transport} Transport
 * @typedef {import("./contract.js").Alarm} Alarm
 * @typedef {import("./contract.js").Block} Block
 * @typedef {import("./contract.js").FeedEvent} FeedEvent
 *
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
export function hear(plant, event) {
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
  } else if (kind === "put") hearPut(plant, event);
}

/** @param {Pick<Draft, "lit">} plant @param {FeedEvent} event */
export function hearPut({ lit }, { type, data }) {
  const slot = `${data["wall"]}/${data["slot"]}`;
  if (type === "put.lit") lit.add(slot);
  else if (type !== "put.accepted" && type !== "put.curtain") lit.delete(slot);
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
