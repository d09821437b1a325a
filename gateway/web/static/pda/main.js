/** The handheld: a menu, lists of what is to be done, and one job at a time. */

import { ask, Refused, Unanswered } from "../core/http.js";
import { isRefusal, openActs } from "../core/acts.js";
import { hearScans, withoutSymbology } from "../core/scanner.js";
import { whenSignedOut } from "../core/session.js";
import { link, runPage, tell } from "../core/shell.js";
import { alone } from "../core/sole.js";
import { sound } from "../core/sound.js";
import { createStore } from "../core/store.js";
import { answers, begin, isComplete, isOneOf, scan } from "./job.js";
import { keepPage } from "./keep.js";
import { forgetLists } from "./kept.js";
import { lookUp } from "./look-up.js";
import { TASKS } from "./tasks.js";
import { view } from "./view.js";
import { t } from "./words.js";

const LOOK_MS = 10_000;

/**
 * @typedef {object} Open a job that somebody is at
 * @property {import("./task.js").Item} item
 * @property {import("./task.js").Job} job
 * @property {import("./job.js").Entry} entry
 *
 * @typedef {object} PdaState
 * @property {string} screen "", the id of a task, or `look-up`
 * @property {{items: readonly import("./task.js").Item[], at: string, isOld: boolean} | null} list
 * @property {string} sought a code that several lines have
 * @property {Open | null} open
 * @property {import("./look-up.js").Found | null} found
 * @property {readonly import("../core/outbox.js").Kept[]} kept acts that nobody has answered yet
 * @property {boolean} isElsewhere another tab is at it
 * @property {string} failure why there is no list
 */

const store = createStore(/** @type {PdaState} */ ({ screen: "", list: null, sought: "", open: null, found: null, kept: [], isElsewhere: false, failure: "" }));

/** @type {ReturnType<typeof openActs>} */
let acts;

async function start() {
  whenSignedOut(forgetLists);
  await alone("pda", () => store.set({ isElsewhere: true }));
  store.set({ isElsewhere: false });
  acts = openActs({
    name: "pda",
    changed: () => store.set({ kept: acts?.kept() ?? [] }),
    refused: (what, why) => tell("bad", t("wasRefused", { what, why })),
  });
  store.set({ kept: acts.kept() });
  hearScans(window, { scanned });
  window.addEventListener("hashchange", show);
  setInterval(() => {
    if (!store.get().open) void look();
  }, LOOK_MS);
  show();
  keepPage().catch(() => undefined); // without it the page works as long as it is open
}

/** Show what the address says. */
function show() {
  store.set({ screen: location.hash.slice(1), list: null, sought: "", open: null, found: null, failure: "" });
  void look();
}

/** Read the list that is shown; the menu has none, but asks whether the gateway is there. */
async function look() {
  const { screen } = store.get();
  const task = TASKS.find((each) => each.id === screen);
  try {
    const list = task ? await task.load() : await ask("GET", "/v1/session").then(() => null);
    link(!list?.isOld);
    if (store.get().screen === screen) store.set({ list, failure: "" });
  } catch (error) {
    if (error instanceof Unanswered) link(false);
    else if (!(error instanceof Refused)) throw error;
    if (task) store.set({ failure: error instanceof Unanswered ? t("neverRead") : error.message });
  }
}

/** @param {string} code as the scanner sent it */
function scanned(code) {
  const { screen, open } = store.get();
  if (open) scanIntoJob(open, code);
  else if (screen === "look-up") void find(code);
  else seek(code);
}

/** @param {Open} open @param {string} code */
function scanIntoJob(open, code) {
  const field = open.entry.fields.find((each) => each.kind === "code" && each.name !== "scan");
  // Labels of places and containers are compared without their symbology; goods are judged by the gateway, as they were scanned.
  const bare = withoutSymbology(code);
  const asGoods = scan(open.entry, code);
  const entry = asGoods.refusal && field ? scan(open.entry, bare) : asGoods;
  store.set({ open: { ...open, entry } });
  sound(entry.refusal ? "bad" : "good");
}

/** Find the lines that a code is about; one alone is opened. @param {string} code */
function seek(code) {
  const hits = shown().filter((item) => isOneOf(withoutSymbology(code), item.codes));
  sound(hits.length ? "good" : "bad");
  if (!hits.length) tell("bad", t("foundNone", { code }));
  else if (hits.length === 1 && hits[0]) openJob(hits[0], hits[0].job, code);
  else store.set({ sought: code });
}

/** @param {string} code */
async function find(code) {
  try {
    const found = await lookUp(code);
    link(true);
    store.set({ found });
    sound(found.container || found.location || found.product ? "good" : "bad");
  } catch (error) {
    if (error instanceof Unanswered) link(false);
    tell("bad", error instanceof Error ? error.message : String(error));
    sound("bad");
  }
}

/** @returns {readonly import("./task.js").Item[]} the lines of which nothing is on its way to the gateway */
function shown() {
  const { screen, list, kept, sought } = store.get();
  const task = TASKS.find((each) => each.id === screen);
  const sent = new Set(kept.map(({ body }) => task?.keyOf(body)));
  const items = list?.items.filter((item) => !sent.has(item.key)) ?? [];
  return sought ? items.filter((item) => isOneOf(withoutSymbology(sought), item.codes)) : items;
}

/**
 * @param {import("./task.js").Item} item
 * @param {import("./task.js").Job} job
 * @param {string} [code] by which it was found: it may be the first thing that the job asks for
 */
function openJob(item, job, code) {
  const entry = begin(job.fields, job.given);
  store.set({ open: { item, job, entry: code && answers(entry, code) ? scan(entry, code) : entry }, sought: "" });
}

/** Send what was entered, and go back to the list. */
async function confirm() {
  const { open } = store.get();
  if (!open || !isComplete(open.entry)) return;
  store.set({ open: null });
  await send(open.job.draft(open.entry.values));
}

/** @param {import("./task.js").Draft} draft */
async function send(draft) {
  if (await answered(draft)) tell("good", t("done", { what: draft.words }));
}

/** Take on more of the work that is listed. */
async function more() {
  const draft = await TASKS.find((each) => each.id === store.get().screen)?.more?.();
  const answer = draft ? await answered(draft) : { lineIds: [] };
  if (answer && !(answer.workIds ?? answer.lineIds)?.length) tell("bad", t("nothingMore"));
}

/**
 * Keep an act, and wait for whatever the gateway says, however long that takes.
 *
 * @param {import("./task.js").Draft} draft
 * @returns {Promise<any>} its answer; undefined: it was refused, and the person has been told
 */
async function answered({ path, body, words }) {
  try {
    const answer = await acts.act(path, body, words);
    sound("good");
    return answer;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    tell("bad", error instanceof Refused ? t("wasRefused", { what: words, why: error.message }) : t("cannotKeep", { what: words }));
    sound("bad");
    return undefined;
  } finally {
    void look();
  }
}

runPage({
  title: "pda",
  store,
  needsName: true,
  start: () => void start(),
  view: () =>
    view(store.get(), shown(), {
      openJob,
      confirm: () => void confirm(),
      more: () => void more(),
      back: () => (store.get().open ? store.set({ open: null }) : store.get().sought ? store.set({ sought: "" }) : (location.hash = "")),
      enter: (entry) => {
        const { open } = store.get();
        if (open) store.set({ open: { ...open, entry } });
      },
      scanned,
    }),
});
