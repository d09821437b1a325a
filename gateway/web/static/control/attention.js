/**
 * What needs a person: from everything that the plant and the WES say, each matter once, the worst first.
 *
 * An alarm about a thing and the thing's own state are one matter. What only waits its turn is none.
 */

import * as acts from "./acts.js";

/**
 * @typedef {import("./acts.js").Act} Act
 * @typedef {import("./route.js").Kind} Kind
 *
 * @typedef {object} Matter
 * @property {string} key
 * @property {"bad" | "warn" | "note"} weight a note is somebody's own decision that still holds
 * @property {Kind | null} kind of the thing that it is about
 * @property {string} id of it
 * @property {string} title what is the matter, in the gateway's words; empty: `word` says it
 * @property {import("./words.js").Word | null} word
 * @property {string} text
 * @property {string} advice
 * @property {string} since RFC 3339; empty: not known
 * @property {readonly Act[]} acts
 */

const WEIGHTS = { bad: 0, warn: 1, note: 2 };

/** @param {import("./plant.js").Plant} plant @param {import("./state.js").Wes | null} wes @returns {Matter[]} */
export function mattersOf(plant, wes) {
  const matters = [...transports(plant), ...devices(plant), ...blocks(plant)];
  const spoken = new Set(matters.filter((matter) => matter.weight !== "note").map((matter) => matter.id));
  const alarms = [...plant.alarms.values()].filter((alarm) => !spoken.has(alarm.subject)).map((alarm) => alarmMatter(plant, alarm));
  const all = [...matters, ...alarms, ...(wes ? ofWes(wes) : [])];
  return all.sort((a, b) => WEIGHTS[a.weight] - WEIGHTS[b.weight] || (a.since < b.since ? -1 : 1));
}

/** @param {import("./plant.js").Plant} plant @returns {Matter[]} */
function transports(plant) {
  return [...plant.transports.values()]
    .filter((transport) => transport.status === "failed" || transport.status === "unknown")
    .map((transport) => ({
      key: `transport:${transport.transportId}`,
      weight: "bad",
      kind: "transport",
      id: transport.transportId,
      title: transport.problem?.title ?? "",
      word: null,
      text: [transport.containerId, transport.problem?.detail ?? ""].filter(Boolean).join(": "),
      advice: transport.problem?.advice ?? "",
      since: transport.updatedAt,
      acts: acts.resolving(transport),
    }));
}

/** @param {import("./plant.js").Plant} plant @returns {Matter[]} */
function devices(plant) {
  const alarms = new Map([...plant.alarms.values()].map((alarm) => [alarm.subject, alarm]));
  return [...plant.devices.values()].flatMap((device) => deviceMatter(device, alarms.get(device.deviceId)) ?? []);
}

/** @param {import("./contract.js").Device} device @param {import("./contract.js").Alarm | undefined} alarm @returns {Matter | null} */
function deviceMatter(device, alarm) {
  const id = device.deviceId;
  const about = { kind: /** @type {const} */ ("device"), id, title: "", advice: alarm?.advice ?? "", since: alarm?.raisedAt ?? "", acts: acts.ofDevice(device) };
  if (device.fault !== null) return { ...about, key: `fault:${id}`, weight: "bad", word: "inFault", text: device.fault };
  if (!device.enabled) return { ...about, key: `disabled:${id}`, weight: "note", word: "isDisabled", text: "" };
  return device.online ? null : { ...about, key: `offline:${id}`, weight: "warn", word: "isOffline", text: device.offlineReason ?? "" };
}

/** @param {import("./plant.js").Plant} plant @returns {Matter[]} */
function blocks(plant) {
  return [...plant.blocks.values()].map((block) => ({
    key: `block:${block.locationId}`,
    weight: block.operator === null ? "warn" : "note",
    kind: "location",
    id: block.locationId,
    title: "",
    word: block.operator === null ? "isBlocked" : "isLocked",
    text: block.operator === null ? block.reason : `${block.operator}: ${block.reason}`,
    advice: "",
    since: "",
    acts: [acts.unblock(block)],
  }));
}

/** @param {import("./plant.js").Plant} plant @param {import("./contract.js").Alarm} alarm @returns {Matter} */
function alarmMatter(plant, alarm) {
  const kind = kindOf(plant, alarm.subject);
  const device = plant.devices.get(alarm.subject);
  return { ...told(alarm), key: `alarm:${alarm.alarmId}`, kind, acts: device ? acts.ofDevice(device) : [] };
}

/** @param {import("./contract.js").Alarm} alarm @returns {Matter} */
function told({ alarmId, subject, text, advice, raisedAt }) {
  return { key: `wes:${alarmId}`, weight: "bad", kind: null, id: subject, title: without(text, subject), word: null, text: "", advice, since: raisedAt, acts: [] };
}

/** The text without the name that stands before it anyhow. @param {string} text @param {string} name */
function without(text, name) {
  const rest = text.startsWith(name) ? text.slice(name.length).replace(/^[: ]+/, "") : text;
  return rest || text;
}

/** @param {import("./plant.js").Plant} plant @param {string} subject @returns {Kind | null} */
function kindOf(plant, subject) {
  if (plant.transports.has(subject)) return "transport";
  if (plant.devices.has(subject)) return "device";
  return plant.containers.has(subject) ? "container" : null;
}

/** @param {import("./state.js").Wes} wes @returns {Matter[]} */
function ofWes({ alarms, exceptions, messages }) {
  return [
    ...alarms.map(told),
    ...exceptions.map((each) => ({
      key: `exception:${each.exceptionId}`,
      weight: /** @type {const} */ ("warn"),
      kind: null,
      id: each.orderNo,
      title: "",
      word: /** @type {const} */ ("orderHeld"),
      text: each.text,
      advice: "",
      since: each.at,
      acts: acts.settling(each),
    })),
    ...messages.map((each) => ({
      key: `message:${each.messageId}`,
      weight: /** @type {const} */ ("warn"),
      kind: null,
      id: each.orderNo ?? each.topic,
      title: "",
      word: /** @type {const} */ ("messageGivenUp"),
      text: each.error ?? "",
      advice: "",
      since: each.createdAt,
      acts: acts.ofMessage(each),
    })),
  ];
}
