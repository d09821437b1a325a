/**
 * Keeps what the page knows up to date: the feed of events, and answers for all that no event tells (why a transport waits, how a wire is).
 *
 * The feed is opened first and everything is asked for then, so that nothing falls between the two. After each break, everything is asked for anew.
 */

import { all, ask, Refused, Unanswered } from "../core/http.js";
import { link } from "../core/shell.js";
import { listen } from "../core/stream.js";
import { seen } from "./motion.js";
import { OPEN, UNKNOWN, withAlarms, withBlocks, withContainers, withDevices, withEvents, withPast, withTransports } from "./plant.js";
import { lookAgain } from "./details.js";
import { sights, store } from "./state.js";

/** @typedef {import("./contract.js").FeedEvent} FeedEvent */

const BATCH_MS = 50;
const POLL_MS = 2000;
const SLOW_MS = 6000;
const FEED_KEPT = 300;
const ARRIVED_KEPT = 2000;
const ARRIVED_ASKED = 300;
const CONTAINERS_MOST = 50_000;
const OPEN_MOST = 1000;
const HOURS = [1, 2, 4, 8, 24];
const OPEN_QUERY = OPEN.map((status) => `status=${status}`).join("&");

/** @type {FeedEvent[]} */
let waiting = [];
let isAsking = false;

/** Begin; it goes on as long as the page is there. */
export function start() {
  followFeed();
  followPositions();
  void again(POLL_MS, async () => {
    if (store.get().hasPlant && store.get().isWhole) await askForMoving();
    await lookAgain();
  });
  void again(SLOW_MS, askWes);
}

/** @param {number} everyMs @param {() => Promise<void>} job */
async function again(everyMs, job) {
  for (;;) {
    if (!document.hidden) await unlessLost(job);
    await new Promise((go) => setTimeout(go, everyMs));
  }
}

/** @param {() => Promise<unknown>} job */
async function unlessLost(job) {
  try {
    await job();
    if (!store.get().hasPlant) link(true);
  } catch (error) {
    if (!(error instanceof Unanswered) && !(error instanceof Refused)) throw error;
    if (!store.get().hasPlant && error instanceof Unanswered) link(false);
  }
}

function followFeed() {
  listen("/v1/events/stream", {
    at: (id) => advance(Number(id)),
    event(event) {
      if (!waiting.length) setTimeout(takeIn, BATCH_MS);
      waiting.push(JSON.parse(event.data));
    },
    link(isUp) {
      link(isUp);
      store.set({ isWhole: false });
      if (isUp) void askForAll();
    },
    refused(refused) {
      if (refused.status === 404) store.set({ hasPlant: false, isWhole: true });
      else {
        store.set({ plant: UNKNOWN, feed: [], isWhole: false }); // these are the books of another day
        setTimeout(followFeed, POLL_MS);
      }
    },
  });
}

/** @param {number} seq up to which the feed has been read, if nothing is still to be taken in */
function advance(seq) {
  const { plant } = store.get();
  if (!waiting.length && seq > plant.seq) store.set({ plant: { ...plant, seq } });
}

function takeIn() {
  const events = waiting;
  waiting = [];
  const { plant, feed, arrived } = store.get();
  const ended = events.filter((event) => event.type === "transport.completed").map((event) => event.time);
  store.set({ plant: withEvents(plant, events), feed: feedWith(feed, events), arrived: [...arrived, ...ended].slice(-ARRIVED_KEPT) });
  if (events.some(isOfDetail)) void unlessLost(lookAgain);
}

/** @param {FeedEvent} event */
function isOfDetail({ subject, data }) {
  const { id } = store.get().route;
  return id !== "" && [subject, data["transportId"], data["containerId"], data["deviceId"], data["locationId"]].includes(id);
}

/** @param {readonly FeedEvent[]} feed @param {readonly FeedEvent[]} events @returns {readonly FeedEvent[]} in order, each once */
function feedWith(feed, events) {
  const known = new Map([...feed, ...events].map((event) => [event.seq, event]));
  return [...known.values()].sort((a, b) => a.seq - b.seq).slice(-FEED_KEPT);
}

/** Ask for everything, until it is answered. */
async function askForAll() {
  if (isAsking) return;
  isAsking = true;
  while (!store.get().isWhole && store.get().hasPlant) {
    await unlessLost(async () => {
      const layout = await ask("GET", "/v1/layout");
      const { rackId } = store.get();
      const isThere = layout.racks.some((/** @type {{rackId: string}} */ rack) => rack.rackId === rackId);
      store.set({ layout, rackId: isThere ? rackId : (layout.racks[0]?.rackId ?? "") });
      await askForMoving();
      await Promise.all([askForContainers(), askForBlocks(), askForPast()]);
      store.set({ isWhole: true });
    });
    if (!store.get().isWhole) await new Promise((go) => setTimeout(go, POLL_MS));
  }
  isAsking = false;
}

/** What changes without an event that says all of it. */
async function askForMoving() {
  const askedAt = store.get().plant.seq;
  const [devices, transports, alarms] = await Promise.all([
    all("/v1/devices", OPEN_MOST),
    all(`/v1/transports?${OPEN_QUERY}`, OPEN_MOST),
    all("/v1/alarms", OPEN_MOST),
  ]);
  let { plant } = store.get();
  plant = withTransports(withDevices(plant, devices, askedAt), transports, askedAt);
  store.set({ plant: withAlarms(plant, alarms, askedAt) });
  for (const { position } of devices) if (position && !sights.get().byDevice.has(position.deviceId)) see(position);
}

async function askForContainers() {
  const askedAt = store.get().plant.seq;
  const containers = await all("/v1/containers", CONTAINERS_MOST);
  store.set({ plant: withContainers(store.get().plant, containers, askedAt) });
}

async function askForBlocks() {
  const askedAt = store.get().plant.seq;
  const places = await all("/v1/locations?blocked=true", OPEN_MOST);
  const blocks = places.map(({ locationId, blocked, blockedBy }) => ({ locationId, reason: blocked ?? "", operator: blockedBy ?? null }));
  store.set({ plant: withBlocks(store.get().plant, blocks, askedAt) });
}

/** What happened last before the page was opened, or while it was away. */
async function askForPast() {
  const after = Math.max(0, store.get().plant.seq - FEED_KEPT);
  const [{ items }, ended] = await Promise.all([
    ask("GET", `/v1/events?after=${after}&limit=${FEED_KEPT}`),
    all("/v1/transports?status=completed", ARRIVED_ASKED),
  ]);
  const arrived = ended.map((/** @type {{updatedAt: string}} */ each) => each.updatedAt).sort();
  const feed = feedWith(store.get().feed, items);
  store.set({ feed, arrived, plant: withPast(store.get().plant, feed) });
}

async function askWes() {
  const alarms = await unlessAbsent(ask("GET", "/v1/wes/alarms?limit=200"));
  if (!alarms) return store.set({ wes: null });
  const [exceptions, messages, orders, throughput, performance] = await Promise.all([
    ask("GET", "/v1/wes/exceptions?limit=200"),
    ask("GET", "/v1/wes/messages?limit=200"),
    ask("GET", "/v1/wes/orders?limit=100"),
    ask("GET", "/v1/wes/throughput?hours=24"),
    Promise.all(HOURS.map((hours) => ask("GET", `/v1/wes/performance?hours=${hours}`))),
  ]);
  store.set({
    wes: { alarms: alarms.items, exceptions: exceptions.items, messages: messages.items, orders: orders.items, throughput, performance },
  });
}

/** @template T @param {Promise<T>} answer @returns {Promise<T | null>} null: there is no such thing here */
async function unlessAbsent(answer) {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

/** A tab that nobody sees holds no connection for positions: a browser has six for each gateway. */
function followPositions() {
  let stop = () => {};
  const follow = () => {
    stop();
    sights.set({ isOpen: false });
    if (document.hidden) return;
    stop = listen("/v1/positions/stream", {
      event: (event) => see(JSON.parse(event.data)),
      link: (isOpen) => sights.set({ isOpen }),
    });
  };
  document.addEventListener("visibilitychange", follow);
  follow();
}

/** @param {import("./contract.js").Position} position */
function see(position) {
  const byDevice = new Map(sights.get().byDevice);
  byDevice.set(position.deviceId, seen(byDevice.get(position.deviceId), position, performance.now()));
  sights.set({ byDevice });
}
