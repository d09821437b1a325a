/** What is drawn upon the site because of how things stand: which states machines are in, which places are spoken for, what is looked at. */

/**
 * @typedef {import("./plant.js").Plant} Plant
 * @typedef {"fault" | "offline" | "disabled" | "works"} DeviceState the worst that applies
 */

/** @param {Pick<import("./contract.js").Device, "fault" | "online" | "enabled">} device @returns {DeviceState} */
export function stateOf({ fault, online, enabled }) {
  if (fault !== null) return "fault";
  if (!online) return enabled ? "offline" : "disabled";
  return enabled ? "works" : "disabled";
}

/** Whether somebody has to decide before it goes on. @param {Pick<import("./contract.js").Transport, "status">} transport */
export function isHalted({ status }) {
  return status === "failed" || status === "unknown";
}

/** Whether it will go on by itself, only not now. @param {Pick<import("./contract.js").Transport, "status" | "waiting">} transport */
export function isWaiting({ status, waiting }) {
  return Boolean(waiting) && !isHalted({ status });
}

/** Signs that stand for states, as colour alone says nothing. @type {Readonly<Record<DeviceState, string>>} */
export const SIGNS = { fault: "▲", offline: "✕", disabled: "‖", works: "" };

/** Where containers are under way to now. @param {Plant} plant @returns {ReadonlySet<string>} */
export function reservedPlaces(plant) {
  const targets = [...plant.transports.values()].flatMap((transport) => transport.legs.filter((leg) => leg.status === "active").map((leg) => leg.target));
  return new Set(targets);
}

/** @param {Plant} plant @returns {{blocked: readonly string[], locked: readonly string[]}} */
export function closedPlaces(plant) {
  const all = [...plant.blocks.values()];
  return {
    blocked: all.filter((block) => block.operator === null).map((block) => block.locationId),
    locked: all.filter((block) => block.operator !== null).map((block) => block.locationId),
  };
}

/**
 * The places and machines that belong to what is looked at; of a transport also the way that lies before it.
 *
 * @param {Plant} plant
 * @param {import("./route.js").Route} route
 * @returns {{places: readonly string[], devices: readonly string[], way: readonly string[]}}
 */
export function lookedAt(plant, { kind, id }) {
  const none = { places: [], devices: [], way: [] };
  switch (kind) {
    case "location":
      return { ...none, places: [id] };
    case "device":
      return { ...none, devices: [id] };
    case "container":
      return whereabouts(plant, id);
    case "transport": {
      const transport = plant.transports.get(id);
      if (!transport) return none;
      const here = whereabouts(plant, transport.containerId);
      const ahead = transport.legs.filter((leg) => leg.status !== "done").map((leg) => leg.target);
      return { ...here, way: [...here.places, ...(ahead.length ? ahead : [transport.destination])] };
    }
    default:
      return none;
  }
}

/** @param {Plant} plant @param {string} containerId */
function whereabouts(plant, containerId) {
  const container = plant.containers.get(containerId);
  return {
    places: container?.locationId ? [container.locationId] : [],
    devices: container?.deviceId ? [container.deviceId] : [],
    way: /** @type {string[]} */ ([]),
  };
}

/**
 * What stands at places, for whoever points at them.
 *
 * @param {Plant} plant
 * @param {readonly string[]} locations
 * @param {number} most
 * @returns {string}
 */
export function heldBy(plant, locations, most) {
  const held = locations.flatMap((id) => plant.standing.get(id) ?? []);
  const more = held.length > most ? ` +${held.length - most}` : "";
  return held.slice(0, most).join(", ") + more;
}
