/**
 * What the page knows, and how it changes: by the stream of the station, by what the person fills in, and by answers of the gateway.
 *
 * Nothing is booked here: after an act the page waits for its answer and for a view that was asked for after it, and takes nothing
 * meanwhile but scans, which wait in a queue. So a double tap finds no button, and a scan is taken for what is shown then.
 */

import { ask, Refused } from "../core/http.js";
import { isRefusal, openActs } from "../core/acts.js";
import { OutboxFull } from "../core/outbox.js";
import { link } from "../core/shell.js";
import { sound } from "../core/sound.js";
import { createStore } from "../core/store.js";
import { listen } from "../core/stream.js";
import { meaningOf } from "./meaning.js";
import { newsOf } from "./news.js";
import { currentStep, stepsOf } from "./steps.js";
import { t } from "./words.js";

const REST_MS = 350; // after an act, before the next tap counts
const AGAIN_MS = 500;
const SILENCE_MS = 12_000; // a stream of a station says something every 5 s
const PRAISE_MS = 4000;
const SCANS_MOST = 20;
const SEALED_MOST = 3;

/**
 * @typedef {import("./meaning.js").Draft} Draft
 * @typedef {{kind: "good" | "bad", text: string, code: string, said: string}} Feedback `said`: the gateway's own words
 * @typedef {{code: string, text: string, advice: string}} Alarm
 *
 * @typedef {object} PageState
 * @property {readonly {stationId: string, name: string, open: boolean, operator: string | null}[] | null} stations to choose from
 * @property {string} stationId empty: none is chosen
 * @property {import("./types.js").Station | null} station as it was heard of last
 * @property {boolean} isFresh whether that is how it is now
 * @property {boolean} isElsewhere another tab of this browser has the station
 * @property {boolean} isBusy an act is not answered yet, or its answer not seen
 * @property {readonly import("../core/outbox.js").Kept[]} kept acts that nobody has answered
 * @property {string | null} chosen step
 * @property {Draft} draft
 * @property {boolean} eachPiece
 * @property {Feedback | null} feedback
 * @property {ReadonlySet<number>} counted
 * @property {readonly {packageId: number, order: string}[]} sealed boxes that were closed here, the last one first
 * @property {readonly Alarm[]} alarms
 * @property {string} typed
 * @property {string} scanned the last code, as it came
 */

const EACH_PIECE = "eachPiece";

export const page = createStore(
  /** @type {PageState} */ ({
    stations: null,
    stationId: "",
    station: null,
    isFresh: false,
    isElsewhere: false,
    isBusy: false,
    kept: [],
    chosen: null,
    draft: { key: "" },
    eachPiece: localStorage.getItem(EACH_PIECE) === "yes",
    feedback: null,
    counted: new Set(),
    sealed: [],
    alarms: [],
    typed: "",
    scanned: "",
  }),
);

/** @type {ReturnType<typeof openActs> | null} */
let acts = null;
/** @type {string[]} */
let scans = [];

/** What is to be done, and what of it is shown. */
export function shownSteps() {
  const { station, chosen, draft, counted } = page.get();
  if (!station) return null;
  const steps = stepsOf(station, counted);
  const isBegun = Object.values(draft).filter((each) => each !== undefined).length > 1;
  const step = currentStep(station, steps, chosen, isBegun ? draft.key : null);
  return { station, steps, step, draft: draft.key === step.key ? draft : { key: step.key } };
}

/** Whether something may be done now: what is shown is so, and what was done before is answered. */
export function mayAct() {
  const { isFresh, isBusy, kept } = page.get();
  return isFresh && !isBusy && !kept.length;
}

/** Listen to a station, and send what was kept for it. @param {string} stationId */
export function attend(stationId) {
  acts = openActs({
    name: stationId,
    changed: () => {
      const isAnswered = (acts?.kept().length ?? 0) < page.get().kept.length;
      page.set({ kept: acts?.kept() ?? [] });
      if (isAnswered && !page.get().isBusy) void settle(); // it was kept before this page was loaded
    },
    refused: (words, reason) => tellBad(t("refusedLater", { what: words }), "", reason),
  });
  page.set({ stationId, kept: acts.kept() });
  let stop = follow(stationId);
  // The browser knows at once that its network is gone; a stream would only fall silent.
  addEventListener("offline", () => {
    stop();
    isLinked(false);
    stop = follow(stationId);
  });
}

/** @param {string} stationId */
function follow(stationId) {
  const heard = {
    event: (/** @type {import("../core/stream.js").StreamEvent} */ { data }) => show(JSON.parse(data)),
    link: isLinked,
    refused: (/** @type {Refused} */ error) => tellBad(t("noStation", { station: stationId }), "", error.message),
  };
  return listen(`/v1/wes/stations/${encodeURIComponent(stationId)}/stream`, heard, "", SILENCE_MS);
}

/** @param {boolean} isUp */
function isLinked(isUp) {
  link(isUp);
  if (!isUp) page.set({ isFresh: false });
}

/** @param {import("./types.js").Station} station */
function show(station) {
  const before = page.get().station;
  page.set({ station, isFresh: true });
  const shown = shownSteps();
  if (shown && page.get().chosen && shown.step.key !== page.get().chosen) page.set({ chosen: null });
  const news = before ? newsOf(before, station) : [];
  const bad = news.find((each) => each.kind === "bad");
  const last = bad ?? news.at(-1);
  if (last) (last.kind === "good" ? tellGood : tellBad)(t(last.word, last.values), "", "");
  void takeScans();
}

/** Do something: keep it, send it, and show what has become of it. @param {import("./deeds.js").Deed} deed */
export async function perform({ path, body, word, values }) {
  if (!acts || !mayAct()) return;
  page.set({ isBusy: true, feedback: null });
  try {
    const answer = await acts.act(path, body, t(word, values));
    if (answer.lineIds) page.set({ counted: new Set([...page.get().counted, ...answer.lineIds]) });
    const { packageId } = answer;
    if (packageId) page.set({ sealed: [{ packageId, order: String(values["order"]) }, ...page.get().sealed].slice(0, SEALED_MOST) });
    // The container that is counted still stands there: its other goods are next.
    const { key, isThere } = page.get().draft;
    page.set({ draft: isThere ? { key, isThere } : { key: "" }, chosen: null });
    tellGood(answer.differs || answer.lineStates?.includes("again") ? t("countedAgain") : t(word, values), "", "");
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (error instanceof OutboxFull) tellBad(t("outboxFull"), "", "");
    else if (error instanceof Refused) tellRefusal(t(word, values), error);
  }
  await settle();
}

/** Take nothing before it is seen what has become of an act. */
async function settle() {
  page.set({ isBusy: true });
  await lookAgain();
  await new Promise((go) => setTimeout(go, REST_MS));
  page.set({ isBusy: false });
  void takeScans();
}

/** Ask how the station is, until somebody answers: an act has changed it, or its refusal shows that it is not as it was thought to be. */
async function lookAgain() {
  for (;;) {
    try {
      show(await ask("GET", `/v1/wes/stations/${encodeURIComponent(page.get().stationId)}`));
      return;
    } catch (error) {
      page.set({ isFresh: false });
      if (error instanceof Refused) {
        tellBad(t("noStation", { station: page.get().stationId }), "", error.message);
        return;
      }
      await new Promise((go) => setTimeout(go, AGAIN_MS));
    }
  }
}

/** Open or close the station; asked again it changes nothing. @param {"open" | "close"} what @param {Record<string, unknown>} body */
export async function setOpen(what, body) {
  try {
    show(await ask("POST", `/v1/wes/stations/${encodeURIComponent(page.get().stationId)}/${what}`, body));
  } catch (error) {
    tellBad(t("notAnswered"), "", error instanceof Error ? error.message : "");
  }
}

/** A code was scanned, or typed. @param {string} code */
export function scanned(code) {
  page.set({ scanned: code });
  if (!page.get().station) return;
  if (!page.get().isFresh) {
    tellBad(t("notNow", { code }), "", "");
    return;
  }
  if (scans.length < SCANS_MOST) scans = [...scans, code];
  void takeScans();
}

async function takeScans() {
  const code = scans[0];
  const shown = shownSteps();
  if (code === undefined || !shown || !mayAct()) return;
  scans = scans.slice(1);
  const { station, steps, step, draft } = shown;
  const meaning = meaningOf(code, station, steps, step, draft, page.get().eachPiece);
  switch (meaning.kind) {
    case "deed":
      await perform(meaning.deed);
      break;
    case "draft":
      fillIn(meaning.change);
      sound("good");
      if (meaning.change.skuId) await findProduct(meaning.change.skuId);
      break;
    case "choose":
      page.set({ chosen: meaning.key });
      tellGood(t(meaning.word, meaning.values), "", "");
      break;
    case "refuse":
      tellBad(t(meaning.word, meaning.values), meaning.word, "");
  }
  void takeScans();
}

/** What was found is told by its SKU: the gateway knows whose code it is. @param {string} code */
async function findProduct(code) {
  try {
    const { items } = await ask("GET", `/v1/wes/products?limit=1&barcode=${encodeURIComponent(code)}`);
    if (items[0]) fillIn({ skuId: items[0].skuId });
  } catch {
    // Then the code stands there as it was scanned, and the gateway says what it thinks of it.
  }
}

/** Note what the person has filled in for the step that is shown. @param {Partial<Draft>} change */
export function fillIn(change) {
  const shown = shownSteps();
  if (shown) page.set({ draft: { ...shown.draft, ...change } });
}

/** Show another step; null: whatever comes next. @param {string | null} key */
export function choose(key) {
  page.set({ chosen: key, draft: { key: "" }, feedback: null });
}

/** @param {boolean} eachPiece every scan and every tap is one piece */
export function setEachPiece(eachPiece) {
  localStorage.setItem(EACH_PIECE, eachPiece ? "yes" : "no");
  page.set({ eachPiece });
}

/** @param {string} text @param {string} code @param {string} said */
function tellGood(text, code, said) {
  const feedback = /** @type {Feedback} */ ({ kind: "good", text, code, said });
  page.set({ feedback });
  sound("good");
  setTimeout(() => page.get().feedback === feedback && page.set({ feedback: null }), PRAISE_MS);
}

/** @param {string} text @param {string} code of the refusal: it has an advice @param {string} said by the gateway */
export function tellBad(text, code, said) {
  page.set({ feedback: { kind: "bad", text, code, said } });
  sound("bad");
}

/** @param {string} what was to be done @param {Refused} refused */
function tellRefusal(what, refused) {
  const [reason] = refused.reasons;
  tellBad(t("refused", { what }), reason?.code ?? "", reason?.message ?? refused.message);
}
