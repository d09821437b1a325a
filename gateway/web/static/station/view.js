/** The page of a station: one step, large; around it what stands there; below it what is expected of the scanner. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { adviceFor } from "../core/advice.js";
import { operator } from "../core/session.js";
import { isMuted, mute } from "../core/sound.js";
import { alarms, coming, others, places, questions, wall } from "./around.js";
import { boxView, closedBoxes, putBackView, sealView } from "./boxing.js";
import { countView } from "./counting.js";
import { expected } from "./meaning.js";
import { choose, fillIn, mayAct, page, scanned, setOpen, shownSteps } from "./model.js";
import { replenishView } from "./moving.js";
import { closeSheet, headline } from "./parts.js";
import { heldView, pickView, putView, releaseView, scanView } from "./picking.js";
import { transferView } from "./transferring.js";
import { t } from "./words.js";

/** @type {Record<import("./meaning.js").Expected, import("./words.js").Word>} */
const EXPECTED = {
  container: "expectContainer",
  goods: "expectGoods",
  unit: "expectUnit",
  slot: "expectSlot",
  box: "expectBox",
  holder: "expectHolder",
  nothing: "expectNothing",
};

export function stationView() {
  const { stationId, isElsewhere, isFresh, kept } = page.get();
  if (!stationId) return choosing();
  if (isElsewhere) return html`<p class="card way-in">${t("elsewhere", { station: stationId })}</p>`;
  const shown = shownSteps();
  if (!shown) return html`${feedback()} ${lost()} <a class="button" href="#">${t("otherStation")}</a>`;
  const { station, steps, step, draft } = shown;
  return html`
    <div class="station ${isFresh ? "" : "stale"}" data-step=${step.kind} data-ready=${mayAct() ? "yes" : "no"}>
      <header class="station-head">
        <h1 class="station-name">${station.name}</h1>
        ${places(station, step)} ${controls(station)}
      </header>
      <div class="floor">
        <div class="work">
          ${feedback()} ${kept.length && isFresh ? unanswered() : nothing}
          <section class="stage card">${isFresh ? (draft.sheet === "close" ? closing() : stage(station, step, draft)) : lost()}</section>
        </div>
        <aside class="side">${questions(station)} ${alarms()} ${wall(station, step)} ${others(steps, step)} ${closedBoxes()}</aside>
      </div>
      ${scanLine(expected(step, draft))}
    </div>`;
}

/** @param {import("./types.js").Station} station @param {import("./steps.js").Step} step @param {import("./meaning.js").Draft} draft */
function stage(station, step, draft) {
  switch (step.kind) {
    case "scan":
      return scanView(step, draft);
    case "pick":
      return pickView(step, draft);
    case "put":
      return putView(step, draft);
    case "release":
      return releaseView(step);
    case "held":
      return heldView(step, draft);
    case "seal":
      return sealView(step, draft);
    case "count":
      return countView(step, draft);
    case "replenish":
      return replenishView(step, draft);
    case "putBack":
      return putBackView(step);
    case "transfer":
      return transferView(step, draft);
    case "box":
      return boxView(station, step, draft);
    case "wait":
      return html`${headline(t("stepWait"), station.coming[0]?.containerId ?? "")}<p class="hint">${t("waitTitle")}</p>${coming(station)}`;
    case "closed":
      return html`
        ${headline(t("closedTitle"), "")}
        <p class="hint">${station.reason ?? ""} ${t("closedWhy")}</p>
        <div class="actions"><button class="main large" ?disabled=${!mayAct()} @click=${() => setOpen("open", { operator: operator() })}>${t("openStation")}</button></div>`;
  }
}

function choosing() {
  const { stations } = page.get();
  return html`
    <div class="card choosing">
      <h1>${t("chooseStation")}</h1>
      <p class="faint">${t("chooseStationWhy")}</p>
      ${stations?.length === 0 ? html`<p>${t("noStations")}</p>` : nothing}
      <div class="choices">
        ${stations?.map((each) => html`
          <a class="button large" href="#${encodeURIComponent(each.stationId)}">
            <b>${each.name}</b> <span class="faint">${t(each.open ? "isOpen" : "isClosed")}${each.operator ? ` · ${t("works", { name: each.operator })}` : ""}</span>
          </a>`)}
      </div>
    </div>`;
}

/** @param {import("./types.js").Station} station */
function controls(station) {
  return html`
    <div class="controls">
      <button aria-pressed=${!isMuted()} @click=${() => { mute(!isMuted()); page.set({}); }}>${isMuted() ? "×" : "♪"} ${t(isMuted() ? "soundOff" : "soundOn")}</button>
      ${page.get().kept.length ? nothing : html`<a class="button" href="#">${t("otherStation")}</a>`}
      ${station.open ? html`<button ?disabled=${!mayAct()} @click=${() => fillIn({ sheet: "close" })}>${t("closeStation")}</button>` : nothing}
      ${!station.open && station.operations.length ? html`<span class="warn">${t("isClosed")}</span>` : nothing}
    </div>`;
}

function closing() {
  return html`
    <div class="sheet">
      <h2>${t("closeWhy")}</h2>
      <div class="choices">
        ${[t("reasonBreak"), t("reasonShift"), t("reasonFault")].map((reason) => html`
          <button class="large" ?disabled=${!mayAct()} @click=${() => { choose(null); void setOpen("close", { operator: operator(), reason }); }}>${reason}</button>`)}
      </div>
      <div class="actions">${closeSheet()}</div>
    </div>`;
}

function lost() {
  return html`
    <div class="no-link" role="alert">
      <p class="sign" aria-hidden="true">✕</p>
      <h1>${t("lostTitle")}</h1>
      <p>${t("lostWhy")}</p>
      ${page.get().kept.length ? unanswered() : nothing}
    </div>`;
}

function unanswered() {
  const { kept } = page.get();
  return html`<div class="banner warn" role="status"><b>… ${t("keptTitle")}</b> <span>${kept.map((each) => each.words).join(" · ")}</span></div>`;
}

function feedback() {
  const told = page.get().feedback;
  if (!told) return nothing;
  const advice = adviceFor(told.code);
  return html`
    <div class="banner ${told.kind}" role=${told.kind === "bad" ? "alert" : "status"}>
      <b>${told.kind === "good" ? "✓" : "✕"} ${told.text}</b>
      ${advice ? html`<span>${advice}</span>` : nothing}
      ${told.said ? html`<span class="said" lang="en">${told.said}</span>` : nothing}
    </div>`;
}

/** @param {import("./meaning.js").Expected} what */
function scanLine(what) {
  const { typed } = page.get();
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const code = String(new FormData(form).get("code") ?? "").trim();
    form.reset();
    if (code) scanned(code);
  };
  return html`
    <form class="scan-line" @submit=${submit}>
      <b class="expected"><span aria-hidden="true">▌║▌</span> ${t(EXPECTED[what])}</b>
      <span class="typing">${typed}</span>
      <input name="code" aria-label=${t("typeCode")} placeholder=${t("typeCode")} autocomplete="off" autocapitalize="off" spellcheck="false" />
      <button>${t("takeCode")}</button>
    </form>`;
}
