/** Numbers that are counted here, from what the page knows. */

import { isWaiting, stateOf } from "./marks.js";

const MINUTE_MS = 60_000;

/**
 * How many arrivals there were in each of the last minutes, the newest last.
 *
 * @param {readonly string[]} arrived RFC 3339
 * @param {number} nowMs
 * @param {number} minutes
 * @returns {number[]}
 */
export function arrivalsPerMinute(arrived, nowMs, minutes) {
  const counts = new Array(minutes).fill(0);
  for (const time of arrived) {
    const ago = Math.floor((nowMs - new Date(time).getTime()) / MINUTE_MS);
    if (ago >= 0 && ago < minutes) counts[minutes - 1 - ago] += 1;
  }
  return counts;
}

/** @param {import("./plant.js").Plant} plant */
export function summaryOf(plant) {
  const transports = [...plant.transports.values()];
  const devices = [...plant.devices.values()];
  return {
    executing: transports.filter((transport) => transport.status === "executing").length,
    waiting: transports.filter(isWaiting).length,
    working: devices.filter((device) => stateOf(device) === "works").length,
    devices: devices.length,
    containers: plant.containers.size,
  };
}
