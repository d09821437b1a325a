/** Boxes: what lies in one, what of it was told wrong, closing it, its label; and goods that are to be taken out of one. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { openLabel } from "./beside.js";
import * as deeds from "./deeds.js";
import { choose, fillIn, mayAct, page, perform } from "./model.js";
import { closeSheet, deedButton, fillButton, headline, keypad, numberSheet, reasonSheet } from "./parts.js";
import { t } from "./words.js";

/** @typedef {import("./meaning.js").Draft} Draft */

/** @param {import("./steps.js").SealStep} step @param {Draft} draft */
export function sealView({ box }, draft) {
  return html`
    ${headline(t("stepSeal"), box.slotId, t("ofOrder", { order: box.orderNo }))}
    ${sealForm(box, draft, t("sealNow"))}`;
}

/** @param {import("./types.js").Box} box @param {Draft} draft @param {string} text */
function sealForm(box, draft, text) {
  const weightKg = draft.weight ? Number(draft.weight) : undefined;
  return html`
    <div class="form">
      <div class="fields">
        <p class="hint">${t("boxOf", { packed: box.quantity - box.rest, quantity: box.quantity })}</p>
        <p class="field"><span>${t("boxLabel")}</span><b>${draft.boxId ?? "–"}</b></p>
        <p class="field"><span>${t("weight")}</span><b>${draft.weight || "–"}</b></p>
      </div>
      ${keypad(draft.weight ?? "", (weight) => fillIn({ weight }), true)}
    </div>
    <div class="actions">${deedButton(text, deeds.seal(box, { boxId: draft.boxId, weightKg }), "main large grow")}</div>`;
}

/** @param {import("./types.js").Station} station @param {import("./steps.js").BoxStep} step @param {Draft} draft */
export function boxView(station, { slotId }, draft) {
  const box = station.boxes.find((each) => each.slotId === slotId);
  const tasks = station.operations.flatMap((each) => each.tasks).filter((task) => task.workId === box?.workId);
  const ended = tasks.flatMap((task) => task.ended.map((put) => ({ task, put })));
  const held = tasks.find((task) => task.held !== null)?.held ?? null;
  const wrong = ended.find(({ put }) => put.putId === draft.putId);
  if (draft.sheet === "adjust" && wrong) return adjustSheet(wrong.task, wrong.put, draft);
  if (draft.sheet === "seal" && box) {
    return html`${headline(t("stepSeal"), box.slotId, t("ofOrder", { order: box.orderNo }))} ${sealForm(box, draft, t(box.complete ? "sealNow" : "sealEarly"))}
      <div class="actions">${closeSheet()}</div>`;
  }
  if (draft.sheet === "hold" && box) return reasonSheet(t("holdWhy"), [t("reasonAsk"), t("reasonNoRoom")], (why) => deeds.hold(box.workId, why));
  const back = html`<button class="large" @click=${() => choose(null)}>${t("back")}</button>`;
  if (!box) return html`${headline(t("stepBox"), slotId)}<p class="hint">${t("boxFree")}</p><div class="actions">${back}</div>`;
  return html`
    ${headline(t("stepBox"), slotId, t("ofOrder", { order: box.orderNo }))}
    ${box.recalled ? html`<p class="hint bad">⚠ ${t("boxRecalled", { count: box.recalled })}</p>` : nothing}
    ${held === null ? nothing : html`<p class="hint warn">⏸ ${held}</p>`}
    ${ended.length ? html`
      <h2>${t("boxPuts")}</h2>
      <ul class="list">
        ${ended.map(({ task, put }) => html`
          <li><span><b>${put.confirmed}</b> × ${task.name}</span> ${fillButton(t("correct"), { sheet: "adjust", putId: put.putId, number: "" })}</li>`)}
      </ul>` : nothing}
    <p class="hint">${t("boxOf", { packed: box.quantity - box.rest, quantity: box.quantity })}</p>
    <div class="actions">
      ${back} ${box.packed ? fillButton(t(box.complete ? "sealNow" : "sealEarly"), { sheet: "seal" }, "large grow") : nothing}
      ${held === null ? fillButton(t("hold"), { sheet: "hold" }, "large") : deedButton(t("resume"), deeds.resume(box.workId), "large")}
    </div>`;
}

/** @param {import("./types.js").Task} task @param {import("./types.js").Put} put @param {Draft} draft */
function adjustSheet(task, put, draft) {
  return numberSheet(t("correctHowMany", { name: task.name }), draft, put.quantity, put.confirmed ?? 0, (quantity) =>
    html`<button class="main large" ?disabled=${!mayAct()} @click=${() => perform(deeds.adjust(put, quantity))}>${t("confirm")}</button>`);
}

/** @param {import("./steps.js").PutBackStep} step */
export function putBackView({ goods }) {
  return html`
    ${headline(t(goods.recallId ? "stepTakeOut" : "stepPutBack"), goods.name ?? goods.skuId)}
    <div class="huge">
      <span class="place">${goods.boxId}</span><span class="arrow" aria-hidden="true">▸</span><span class="number">${goods.quantity}</span>
    </div>
    <p class="hint">${t("putBackTitle", { quantity: goods.quantity, box: goods.boxId ?? "" })}</p>
    <p class="hint ${goods.recallId ? "bad" : ""}">${goods.recallId ? `⚠ ${t("putBackRecalled")}` : t("putBackCancelled", { order: goods.orderNo })}</p>
    ${goods.lotNo ? html`<p class="hint">${t("lot")} <b>${goods.lotNo}</b></p>` : nothing}
    ${goods.upns.length ? html`<p class="hint">${goods.upns.join(", ")}</p>` : nothing}
    <p class="hint">${t("putBackWhere", { holder: goods.fromHolder ?? "–" })}</p>`;
}

/** Boxes that were closed here since the page was opened, with their labels. */
export function closedBoxes() {
  const { sealed } = page.get();
  if (!sealed.length) return nothing;
  return html`
    <section class="closed-boxes">
      <h2>${t("lastBoxes")}</h2>
      <ul class="list">
        ${sealed.map(({ packageId, order }) => html`
          <li>${order} <button @click=${() => openLabel(packageId)}>${t("printLabel")}</button></li>`)}
      </ul>
    </section>`;
}
