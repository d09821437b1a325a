/** What stands around the step: where containers stand, the put wall, what is asked, what else is to be done. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import * as deeds from "./deeds.js";
import { choose, page } from "./model.js";
import { deedButton } from "./parts.js";
import { othersThan } from "./steps.js";
import { t } from "./words.js";

/** @typedef {import("./types.js").Station} Station @typedef {import("./steps.js").Step} Step @typedef {import("./words.js").Word} Word */

/** @type {Record<string, Word>} */
const ASKED = {
  noButton: "askNoButton",
  darkSlot: "askDarkSlot",
  less: "askLess",
  unwanted: "askUnwanted",
  refused: "askRefused",
  stillLit: "askStillLit",
  withdrawn: "askWithdrawn",
};

/** @type {Record<Step["kind"], Word>} */
const VERBS = {
  scan: "stepScan",
  pick: "stepPick",
  put: "stepPut",
  release: "stepRelease",
  held: "stepHeld",
  seal: "stepSeal",
  count: "stepCount",
  replenish: "stepReplenish",
  putBack: "stepPutBack",
  transfer: "stepReplenish",
  wait: "stepWait",
  closed: "closedTitle",
  box: "stepBox",
};

/** Which container stands where. @param {Station} station @param {Step} step */
export function places(station, step) {
  const current = "operation" in step ? step.operation.locationId : step.kind === "count" ? step.locationId : null;
  return html`
    <ol class="places">
      ${station.slots.map((slot) => {
        const operation = station.operations.find((each) => each.locationId === slot);
        const counted = station.counts.find((each) => each.locationId === slot);
        const moved = station.replenishments.find((each) => each.locationId === slot);
        const transferred = station.transfers.find((each) => each.locationId === slot);
        const container = operation?.containerId ?? counted?.holderId ?? moved?.sourceId ?? transferred?.sourceId;
        return html`
          <li class=${slot === current ? "here" : ""}>
            <span class="place">${slot}</span>
            <b>${container ?? t("nothingStands")}</b>
            ${operation?.scanned ? html`<span class="good" aria-hidden="true">✓</span>` : nothing}
          </li>`;
      })}
    </ol>`;
}

/** The wall as it stands before the person. @param {Station} station @param {Step} step */
export function wall(station, step) {
  const columns = station.columns ?? Math.ceil(Math.sqrt(station.boxPlaces.length));
  const target = step.kind === "put" ? step.put.slotId : step.kind === "pick" ? step.task.slotId : null;
  return html`
    <section class="wall">
      <h2>${t("wall")}</h2>
      <div class="grid columns-${columns}">${station.boxPlaces.map((slotId) => slotView(station, slotId, target))}</div>
    </section>`;
}

/** @param {Station} station @param {string} slotId @param {string | null} target */
function slotView(station, slotId, target) {
  const { look, sign, text } = slotState(station, slotId);
  const isNext = slotId === target && look !== "lit";
  return html`
    <button class="slot ${look} ${isNext ? "next" : ""}" @click=${() => choose(`box-${slotId}`)}>
      <span class="id">${slotId}</span><span class="sign" aria-hidden="true">${sign}</span><span class="state">${text}</span>
    </button>`;
}

/**
 * What a slot looks like: its light first, then what keeps its box from going on, then how full it is.
 *
 * @param {Station} station
 * @param {string} slotId
 * @returns {{look: string, sign: string, text: string}}
 */
function slotState(station, slotId) {
  const lit = station.operations.flatMap((each) => each.tasks).flatMap((task) => task.puts).filter((put) => put.slotId === slotId);
  const box = station.boxes.find((each) => each.slotId === slotId);
  if (lit.length) return { look: "lit", sign: "●", text: t("slotLit", { count: lit[0]?.quantity ?? 0 }) };
  if (station.questions.some((each) => each.slotId === slotId)) return { look: "asks", sign: "?", text: t("slotAsks") };
  if (!box) return { look: "free", sign: "", text: t("slotFree") };
  if (box.recalled) return { look: "asks", sign: "⚠", text: t("slotRecalled") };
  if (box.complete) return { look: "complete", sign: "✓", text: t("slotComplete") };
  return { look: "filling", sign: "", text: t("slotOf", { packed: box.quantity - box.rest, quantity: box.quantity }) };
}

/** @param {Station} station */
export function questions(station) {
  if (!station.questions.length) return nothing;
  return html`
    <section class="asks" role="alert">
      <h2>? ${t("questions")}</h2>
      ${station.questions.map((each) => html`
        <div class="card">
          <p><b>${each.slotId}</b> ${t(ASKED[each.kind] ?? "askOther")}</p>
          <p class="faint" lang="en">${each.text}</p>
          ${deedButton(t("answered"), deeds.answer(each))}
        </div>`)}
    </section>`;
}

export function alarms() {
  const standing = page.get().alarms;
  if (!standing.length) return nothing;
  return html`
    <section class="asks">
      <h2>⚠ ${t("alarms")}</h2>
      ${standing.map((each) => html`<div class="card" lang="en"><p>${each.text}</p><p class="faint">${each.advice}</p></div>`)}
    </section>`;
}

/** @param {readonly Step[]} steps @param {Step} step */
export function others(steps, step) {
  const rest = othersThan(steps, step);
  if (!rest.length) return nothing;
  return html`
    <section class="others">
      <h2>${t("alsoToDo")}</h2>
      <div class="chips">
        ${rest.slice(0, 8).map((each) => html`<button @click=${() => choose(each.key)}><b>${t(VERBS[each.kind])}</b> ${subject(each)}</button>`)}
      </div>
    </section>`;
}

/** @param {Step} step */
function subject(step) {
  switch (step.kind) {
    case "pick":
      return `${step.task.rest} × ${step.task.name}`;
    case "put":
      return `${step.put.quantity} ▸ ${step.put.slotId}`;
    case "scan":
    case "release":
    case "held":
      return step.operation.containerId;
    case "seal":
      return step.box.slotId;
    case "count":
      return step.holderId;
    case "replenish":
    case "transfer":
      return step.goods.name;
    case "putBack":
      return step.goods.name ?? step.goods.skuId;
    case "wait":
    case "closed":
    case "box":
      return "";
  }
}

/** What is on its way, and why it waits. @param {Station} station */
export function coming(station) {
  if (!station.coming.length) return html`<p class="hint faint">${t("nothingComing")}</p>`;
  return html`
    <ul class="list coming">
      ${station.coming.slice(0, 5).map((each) => html`
        <li><b>${each.containerId}</b> <span>${t("comingPieces", { count: each.units })}</span> <span class="faint" lang="en">${each.reason ?? each.state}</span></li>`)}
    </ul>`;
}
