/** Counting what lies in a container, without knowing what should lie there where the count is blind (S2-87…90). */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import * as deeds from "./deeds.js";
import { lineOf } from "./meaning.js";
import { fillIn } from "./model.js";
import { closeSheet, deedButton, facts, fillButton, headline, keypad } from "./parts.js";
import { t } from "./words.js";

/** @typedef {import("./meaning.js").Draft} Draft @typedef {import("./meaning.js").Field} Field */

/** @param {import("./steps.js").CountStep} step @param {Draft} draft */
export function countView(step, draft) {
  const { holderId, locationId, lines } = step;
  const line = lineOf(step, draft);
  if (!draft.isThere || !line) {
    return html`
      ${headline(t("stepCount"), holderId)}
      <div class="huge"><span class="place">${locationId}</span><span class="arrow" aria-hidden="true">◂</span><span class="container">${holderId}</span></div>
      <p class="hint">${t("countThere", { container: holderId })}</p>`;
  }
  if (draft.sheet === "find") return findSheet(line, draft);
  return html`
    ${headline(t("stepCount"), holderId, locationId)}
    ${lines.length > 1 ? chooseLine(lines, line) : nothing}
    <div class="form">
      <div class="fields">
        <p class="name">${line.name}</p>
        ${facts(line)}
        <p class="hint">${line.books === undefined ? t("countBlind") : t("countBooks", { books: line.books })}</p>
        ${line.serial ? html`<p class="hint"><b>${t("unitsScanned", { count: draft.upns?.length ?? 0 })}</b></p>` : fields(line, draft)}
        ${draft.lotNo ? html`<p class="field"><span>${t("lotOnGoods")}</span><b>${draft.lotNo}</b></p>` : nothing}
      </div>
      ${line.serial ? nothing : fieldKeypad(draft)}
    </div>
    <div class="actions">
      ${deedButton(t("nothingThere"), deeds.countEmpty(line.countId, holderId))}
      ${fillButton(t("foundOther"), { sheet: "find", pieces: "", cases: "", damaged: "" })}
      ${isTold(line, draft) ? deedButton(t("countDone", { quantity: told(line, draft) }), deeds.countLine(line, counted(draft), draft.lotNo ?? ""), "main large grow") : nothing}
    </div>`;
}

/** @param {Draft} draft @returns {deeds.Counted} */
function counted(draft) {
  return { quantity: Number(draft.pieces || 0), cases: Number(draft.cases || 0), damaged: Number(draft.damaged || 0), upns: draft.upns ?? [] };
}

/** @param {import("./types.js").CountLine} line @param {Draft} draft */
function told(line, draft) {
  const { quantity, cases } = counted(draft);
  return quantity + cases * (line.unitsPerCase ?? 0);
}

/** Whether there is a figure: nothing typed is not nothing there. @param {import("./types.js").CountLine} line @param {Draft} draft */
function isTold(line, draft) {
  return line.serial || Boolean(draft.pieces || draft.cases);
}

/** @param {readonly import("./types.js").CountLine[]} lines @param {import("./types.js").CountLine} current */
function chooseLine(lines, current) {
  return html`
    <div class="tabs" role="group" aria-label=${t("countAlso")}>
      ${lines.map((each) => html`
        <button aria-pressed=${each === current} @click=${() => fillIn({ lineId: each.lineId, pieces: "", cases: "", damaged: "", lotNo: undefined, upns: undefined })}>
          ${each.name} ${each.lotNo}
        </button>`)}
    </div>`;
}

/** @param {import("./types.js").CountLine} line @param {Draft} draft */
function fields(line, draft) {
  return html`
    ${numberField("pieces", t("singlePieces"), draft)}
    ${line.unitsPerCase ? numberField("cases", t("cases", { units: line.unitsPerCase }), draft) : nothing}
    ${numberField("damaged", t("thereofDamaged"), draft)}`;
}

/** @param {Field} name @param {string} label @param {Draft} draft */
function numberField(name, label, draft) {
  const isOn = (draft.field ?? "pieces") === name;
  return html`<button class="field" aria-pressed=${isOn} @click=${() => fillIn({ field: name })}><span>${label}</span><b>${draft[name] || "0"}</b></button>`;
}

/** @param {Draft} draft */
function fieldKeypad(draft) {
  const name = draft.field ?? "pieces";
  return keypad(draft[name] ?? "", (value) => fillIn({ [name]: value }));
}

/** @param {import("./types.js").CountLine} line @param {Draft} draft */
function findSheet(line, draft) {
  const { skuId = "", lotNo = "" } = draft;
  return html`
    <div class="sheet">
      <h2>${t("foundOther")}</h2>
      <div class="form">
        <div class="fields">
          <label>${t("foundSku")}<input .value=${skuId} @input=${(/** @type {InputEvent} */ event) => fillIn({ skuId: typedIn(event) })} /></label>
          <label>${t("lotOnGoods")}<input .value=${lotNo} @input=${(/** @type {InputEvent} */ event) => fillIn({ lotNo: typedIn(event) })} /></label>
          ${numberField("pieces", t("singlePieces"), draft)} ${numberField("damaged", t("thereofDamaged"), draft)}
        </div>
        ${fieldKeypad(draft)}
      </div>
      <div class="actions">
        ${closeSheet()}
        ${skuId ? deedButton(t("confirm"), deeds.countFind(line.countId, line.holderId, skuId, lotNo, { ...counted(draft), cases: 0, upns: [] }), "main large grow") : nothing}
      </div>
    </div>`;
}

/** @param {Event} event */
function typedIn(event) {
  return /** @type {HTMLInputElement} */ (event.target).value.trim();
}
