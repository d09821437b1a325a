/** Steps with a container: scan it, take goods out of it, put them into their slot, let it go. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import * as deeds from "./deeds.js";
import { fillIn, mayAct, page, perform, setEachPiece } from "./model.js";
import { compartments, deedButton, facts, fillButton, headline, numberSheet, picture, quantityBar, reasonSheet } from "./parts.js";
import { t } from "./words.js";

/** @typedef {import("./meaning.js").Draft} Draft */

/** @param {import("./steps.js").ScanStep} step @param {Draft} draft */
export function scanView({ operation }, draft) {
  if (draft.sheet === "reject") return rejectSheet(operation);
  return html`
    ${headline(t("stepScan"), operation.containerId)}
    <div class="huge">
      <span class="place">${operation.locationId}</span>
      <span class="arrow" aria-hidden="true">◂</span>
      <span class="container">${operation.containerId}</span>
    </div>
    <p class="hint">${t("scanAt", { location: operation.locationId })}</p>
    <div class="actions">${fillButton(t("cannotWork"), { sheet: "reject" })}</div>`;
}

/** @param {import("./steps.js").PickStep} step @param {Draft} draft */
export function pickView({ operation, task }, draft) {
  const { eachPiece } = page.get();
  const quantity = eachPiece || task.serial ? 1 : Math.min(draft.quantity ?? task.rest, task.rest);
  if (draft.sheet === "reject") return rejectSheet(operation);
  if (draft.sheet === "short" || draft.sheet === "damaged") return missSheet(draft.sheet, task, draft);
  if (draft.sheet === "quantity") {
    return numberSheet(t("howMany"), draft, task.rest, task.rest, (number) =>
      html`<button class="main large" ?disabled=${number < 1} @click=${() => fillIn({ quantity: number, sheet: undefined })}>${t("confirm")}</button>`);
  }
  const text = quantity === task.rest ? t("takeAll", { quantity }) : t("takeSome", { quantity, rest: task.rest });
  return html`
    ${headline(t("stepPick"), operation.containerId, operation.locationId)}
    ${goods(operation, task, quantity, `${task.rest === quantity ? "" : `/ ${task.rest} `}${task.unit}`)}
    <div class="actions">
      ${task.serial || eachPiece ? nothing : quantityBar(quantity, task.rest)}
      ${task.scan === "none" && !task.serial ? deedButton(text, deeds.pick(task, { quantity }), "main large grow") : nothing}
    </div>
    <div class="actions">
      ${task.serial ? nothing : html`<button aria-pressed=${eachPiece} @click=${() => setEachPiece(!eachPiece)}>${t(eachPiece ? "allAtOnce" : "eachPiece")}</button>`}
      ${fillButton(t("missing"), { sheet: "short", number: "" }, "danger")} ${fillButton(t("damaged"), { sheet: "damaged", number: "" }, "danger")}
      ${fillButton(t("cannotWork"), { sheet: "reject" })}
    </div>`;
}

/** @param {import("./steps.js").PutStep} step @param {Draft} draft */
export function putView({ operation, task, put }, draft) {
  const quantity = Math.min(draft.quantity ?? put.quantity, put.quantity);
  if (draft.sheet === "quantity") {
    return numberSheet(t("howMany"), draft, put.quantity, put.quantity, (number) =>
      html`<button class="main large" @click=${() => fillIn({ quantity: number, sheet: undefined })}>${t("confirm")}</button>`);
  }
  return html`
    ${headline(t("stepPut"), put.slotId, task.name)}
    <div class="huge lit">
      <span class="number">${put.quantity}</span>
      <span class="arrow" aria-hidden="true">▸</span>
      <span class="container">${put.slotId}</span>
    </div>
    <p class="hint">${t("putHint")}</p>
    ${compactGoods(task, operation)}
    <div class="actions">
      ${put.quantity > 1 ? quantityBar(quantity, put.quantity) : nothing}
      ${deedButton(t("putByHand", { quantity }), deeds.put(put.putId, put.slotId, quantity), "grow")}
      ${deedButton(t("darken"), deeds.withdraw(put))}
    </div>`;
}

/** @param {import("./steps.js").ReleaseStep} step */
export function releaseView({ operation }) {
  return html`
    ${headline(t("stepRelease"), operation.containerId, operation.locationId)}
    <div class="huge"><span class="sign good" aria-hidden="true">✓</span><span class="container">${operation.containerId}</span></div>
    <p class="hint">${t("releaseTitle")}</p>
    <div class="actions">${deedButton(t("letGo", { container: operation.containerId }), deeds.done(operation), "main large grow")}</div>`;
}

/** @param {import("./steps.js").HeldStep} step @param {Draft} draft */
export function heldView({ operation, tasks }, draft) {
  if (draft.sheet === "reject") return rejectSheet(operation);
  const works = [...new Map(tasks.map((task) => [task.workId, task])).values()];
  return html`
    ${headline(t("stepHeld"), operation.containerId, operation.locationId)}
    <p class="hint">${t("heldTitle", { container: operation.containerId })}</p>
    <ul class="list">
      ${works.map((task) => html`
        <li><span><b>${t("ofOrder", { order: task.orderNo })}</b> ${task.held}</span> ${deedButton(t("resume"), deeds.resume(task.workId))}</li>`)}
    </ul>
    <div class="actions">${fillButton(t("cannotWork"), { sheet: "reject" }, "large")}</div>`;
}

/**
 * @param {import("./types.js").Operation} operation
 * @param {import("./types.js").Task} task
 * @param {number} quantity
 * @param {string} unit
 */
function goods(operation, task, quantity, unit) {
  return html`
    <div class="goods">
      ${picture(task)}
      <div class="what">
        <p class="name">${task.name}</p>
        ${facts(task)} ${compartments(operation.cells, task.cell)}
      </div>
      <p class="how-many"><span class="number">${quantity}</span> <span class="unit">${unit}</span></p>
      <div class="way">
        <p class="hint">${t("still", { rest: task.rest, quantity: task.quantity })} · ${t("ofOrder", { order: task.orderNo })}</p>
        ${task.slotId ? html`<p class="target"><span class="faint">${t("intoSlot")}</span> <b>${task.slotId}</b></p>` : nothing}
      </div>
    </div>`;
}

/** @param {import("./types.js").Task} task @param {import("./types.js").Operation} operation */
function compactGoods(task, { containerId }) {
  return html`<div class="compact">${picture(task)}<div><p class="name">${task.name}</p><p class="faint">${containerId} · ${t("ofOrder", { order: task.orderNo })}</p></div></div>`;
}

/** @param {"short" | "damaged"} what @param {import("./types.js").Task} task @param {Draft} draft */
function missSheet(what, task, draft) {
  const title = t(what === "short" ? "missingHowMany" : "damagedHowMany");
  return numberSheet(`${task.name}: ${title}`, draft, task.rest, 1, (quantity) =>
    html`<button class="danger large" ?disabled=${!mayAct() || quantity < 1} @click=${() => perform(deeds.miss(what, task, quantity))}>
      ${quantity} × ${t(what === "short" ? "missing" : "damaged")}
    </button>`);
}

/** @param {import("./types.js").Operation} operation */
function rejectSheet(operation) {
  const reasons = [t("reasonLabel"), t("reasonBroken"), t("reasonMixed")];
  return reasonSheet(`${operation.containerId}: ${t("rejectWhy")}`, reasons, (reason) => deeds.reject(operation, reason));
}

