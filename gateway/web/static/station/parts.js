/** What several steps are drawn with. No field needs a keyboard: numbers are typed on the page, codes are scanned. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { fillIn, mayAct, perform } from "./model.js";
import { t } from "./words.js";

/** @typedef {import("./meaning.js").Draft} Draft */

const DIGITS = ["7", "8", "9", "4", "5", "6", "1", "2", "3"];
const NUMBER_MOST = 7; // characters

/**
 * What has to be done, and with what.
 *
 * @param {string} verb
 * @param {unknown} subject
 * @param {unknown} [where]
 */
export function headline(verb, subject, where = nothing) {
  return html`<h1 class="headline"><span class="verb">${verb}</span> <span class="subject">${subject}</span> <span class="where">${where}</span></h1>`;
}

/** A button that does something; it waits while something else is being done. @param {string} text @param {import("./deeds.js").Deed} deed @param {string} [look] */
export function deedButton(text, deed, look = "") {
  return html`<button class=${look} ?disabled=${!mayAct()} @click=${() => perform(deed)}>${text}</button>`;
}

/** A button that fills something in. @param {string} text @param {Partial<Draft>} change @param {string} [look] */
export function fillButton(text, change, look = "") {
  return html`<button class=${look} ?disabled=${!mayAct()} @click=${() => fillIn(change)}>${text}</button>`;
}

/**
 * A number with a smaller and a larger one beside it; touched, it is typed.
 *
 * @param {number} value
 * @param {number} most
 */
export function quantityBar(value, most) {
  return html`
    <div class="quantity-bar" role="group" aria-label=${t("howMany")}>
      <button aria-label=${t("fewer")} ?disabled=${value <= 1} @click=${() => fillIn({ quantity: value - 1 })}>−</button>
      <button class="value" aria-label=${`${t("howMany")} ${value}`} @click=${() => fillIn({ sheet: "quantity", number: "" })}>${value}</button>
      <button aria-label=${t("more")} ?disabled=${value >= most} @click=${() => fillIn({ quantity: value + 1 })}>+</button>
    </div>`;
}

/**
 * Keys for gloves.
 *
 * @param {string} value
 * @param {(value: string) => void} set
 * @param {boolean} [isDecimal]
 */
export function keypad(value, set, isDecimal = false) {
  /** @param {string} key */
  const press = (key) => set(value.length < NUMBER_MOST ? (value + key).replace(/^0+(?=\d)/, "") : value);
  /** @param {string} key */
  const button = (key) => html`<button @click=${() => press(key)}>${key}</button>`;
  const point = html`<button ?disabled=${value.includes(".")} @click=${() => press(value ? "." : "0.")}>.</button>`;
  const clear = html`<button aria-label=${t("clear")} @click=${() => set("")}>C</button>`;
  return html`
    <div class="keypad">
      ${DIGITS.map(button)} ${isDecimal ? point : clear} ${button("0")}
      <button aria-label=${t("back")} @click=${() => set(value.slice(0, -1))}>⌫</button>
    </div>`;
}

/**
 * A number is asked for, on top of a step.
 *
 * @param {string} title
 * @param {Draft} draft
 * @param {number} most
 * @param {number} first what is proposed
 * @param {(quantity: number) => unknown} confirm the button that takes it
 */
export function numberSheet(title, draft, most, first, confirm) {
  const number = draft.number || String(first);
  const isFine = Number(number) <= most;
  return html`
    <div class="sheet">
      <h2>${title}</h2>
      <div class="sheet-body">
        <output class="typed ${isFine ? "" : "bad"}">${number}</output>
        ${keypad(draft.number ?? "", (value) => fillIn({ number: value }))}
      </div>
      <div class="actions">${closeSheet()} ${isFine ? confirm(Number(number)) : nothing}</div>
    </div>`;
}

/**
 * A reason is asked for, on top of a step.
 *
 * @param {string} title
 * @param {readonly string[]} reasons
 * @param {(reason: string) => import("./deeds.js").Deed} deed
 */
export function reasonSheet(title, reasons, deed) {
  return html`
    <div class="sheet">
      <h2>${title}</h2>
      <div class="choices">${reasons.map((reason) => deedButton(reason, deed(reason), "large"))}</div>
      <div class="actions">${closeSheet()}</div>
    </div>`;
}

/** Away with what is asked on top. */
export function closeSheet() {
  return html`<button class="large" @click=${() => fillIn({ sheet: undefined, number: undefined, putId: undefined })}>${t("back")}</button>`;
}

/** What the goods look like. @param {{name: string, attributes?: Record<string, unknown>}} goods */
export function picture({ name, attributes }) {
  const address = attributes?.["picture"];
  const isOne = typeof address === "string" && /^(https?:\/\/|data:image\/)/.test(address);
  return html`
    <div class="picture" aria-hidden="true">
      <span>${[...name][0]}</span>
      ${isOne ? html`<img src=${address} alt="" referrerpolicy="no-referrer" @error=${hide} />` : nothing}
    </div>`;
}

/** @param {Event} event */
function hide(event) {
  /** @type {HTMLElement} */ (event.target).hidden = true;
}

/** What is known of goods, as words and values. @param {{skuId: string, lotNo: string, expiryAt?: string | null}} goods */
export function facts({ skuId, lotNo, expiryAt }) {
  return html`
    <dl class="facts">
      <div><dt>${t("sku")}</dt><dd>${skuId}</dd></div>
      ${lotNo ? html`<div><dt>${t("lot")}</dt><dd>${lotNo}</dd></div>` : nothing}
      ${expiryAt ? html`<div><dt>${t("expires")}</dt><dd>${day(expiryAt)}</dd></div>` : nothing}
    </dl>`;
}

/** A day that nobody reads in another order (ISO 8601), where this screen stands. @param {string} moment */
function day(moment) {
  return new Date(moment).toLocaleDateString("sv");
}

/** Where in the container. @param {readonly (readonly string[])[]} cells row by row @param {string | null} cell */
export function compartments(cells, cell) {
  if (!cell) return nothing;
  const isDrawn = cells.some((row) => row.includes(cell));
  return html`
    <figure class="cells">
      <figcaption>${t("cell")} <b>${cell}</b></figcaption>
      ${isDrawn ? html`<table aria-hidden="true">${cells.map((row) => html`<tr>${row.map((each) => html`<td class=${each === cell ? "here" : ""}>${each}</td>`)}</tr>`)}</table>` : nothing}
    </figure>`;
}
