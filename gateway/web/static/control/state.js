/** All that this page knows and shows, in one place. */

import { createStore } from "../core/store.js";
import { UNKNOWN } from "./plant.js";
import { routeOf } from "./route.js";

/**
 * @typedef {object} Wes what the bundled core tells; null where there is none
 * @property {readonly import("./contract.js").Alarm[]} alarms
 * @property {readonly import("./contract.js").OrderException[]} exceptions
 * @property {readonly import("./contract.js").Message[]} messages
 * @property {readonly import("./contract.js").Order[]} orders the newest
 * @property {import("./contract.js").Throughput | null} throughput
 * @property {readonly import("./contract.js").Performance[]} performance of the last 1, 2, 4, 8 and 24 hours
 *
 * @typedef {object} Detail the thing that is looked at
 * @property {string} of its address
 * @property {any} thing as the contract shows it; null: not known yet
 * @property {any} more what belongs to it: telegrams of a device, stock in a container
 * @property {string} error why it cannot be shown
 *
 * @typedef {object} ControlState
 * @property {import("./contract.js").Layout | null} layout
 * @property {boolean} hasPlant false: whoever answers is a WES core in a process of its own
 * @property {boolean} isWhole whether the plant has been asked as a whole since the feed was last lost
 * @property {import("./plant.js").Plant} plant
 * @property {readonly import("./contract.js").FeedEvent[]} feed the newest last
 * @property {readonly string[]} arrived when transports were completed, RFC 3339, the newest last
 * @property {Wes | null} wes
 * @property {import("./route.js").Route} route
 * @property {Detail} detail
 * @property {readonly any[]} ended transports that a filter asks the gateway for
 * @property {string} query what somebody looks for
 * @property {string} rackId whose elevation is shown
 * @property {string} hovered the location under the pointer
 * @property {import("./acts.js").Act | null} act that somebody is about to do
 * @property {{isSent: boolean, error: string}} sending
 */

/** @type {Detail} */
export const NOTHING = { of: "", thing: null, more: null, error: "" };

export const store = createStore(
  /** @type {ControlState} */ ({
    layout: null,
    hasPlant: true,
    isWhole: false,
    plant: UNKNOWN,
    feed: [],
    arrived: [],
    wes: null,
    route: routeOf(location.hash),
    detail: NOTHING,
    ended: [],
    query: "",
    rackId: "",
    hovered: "",
    act: null,
    sending: { isSent: false, error: "" },
  }),
);

export const sights = createStore({ byDevice: /** @type {ReadonlyMap<string, import("./motion.js").Sight>} */ (new Map()), isOpen: false });
