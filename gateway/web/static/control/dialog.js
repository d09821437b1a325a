/** Asks before anything in the plant is changed: what will happen, by whom, and why; shows a refusal as it comes. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { ref } from "../vendor/lit-html/directives/ref.js";
import { ask, Refused, Unanswered } from "../core/http.js";
import { actAs, operator } from "../core/session.js";
import { tell } from "../core/shell.js";
import { bodyOf } from "./acts.js";
import { lookAgain } from "./details.js";
import { store } from "./state.js";
import { t } from "./words.js";

const PLACES_SHOWN = 30;
const SHORTEST = 2;

/** @param {import("./acts.js").Act} act */
export function propose(act) {
  store.set({ act, sending: { isSent: false, error: "" } });
}

function leave() {
  store.set({ act: null });
}

/** Buttons for what may be done; each opens the question. @param {readonly import("./acts.js").Act[]} acts */
export function actButtons(acts) {
  if (!acts.length) return nothing;
  return html`
    <p class="acts">
      ${acts.map((act) => html`<button type="button" class="act" data-verb=${act.verb} @click=${() => propose(act)}>${t(act.verb)}</button>`)}
    </p>`;
}

/** Where nothing is asked the way out has the focus: the key that has opened a question, held down, does not answer it. */
export function dialogView() {
  const { act, sending } = store.get();
  if (!act) return nothing;
  return html`
    <dialog ${ref(opened)} aria-labelledby="act-title" @cancel=${leave} @close=${leave}>
      <form @submit=${(/** @type {SubmitEvent} */ event) => void send(event, act)}>
        <h2 id="act-title">${t(act.verb)}: <span class="id">${act.of}</span></h2>
        <p>${t(act.will)}</p>
        ${act.asks.length && !operator() ? named() : nothing} ${act.asks.map(field)}
        ${sending.error ? html`<p class="refusal" role="alert">${sending.error}</p>` : nothing}
        <p class="acts">
          <button class=${act.isGrave ? "danger" : "main"} ?disabled=${sending.isSent}>${t(act.verb)}</button>
          <button type="button" class="plain" ?autofocus=${!act.asks.length} @click=${leave}>${t("leave")}</button>
        </p>
      </form>
    </dialog>`;
}

/** @param {Element | undefined} element */
function opened(element) {
  const dialog = /** @type {HTMLDialogElement | undefined} */ (element);
  if (dialog && !dialog.open) queueMicrotask(() => dialog.isConnected && !dialog.open && dialog.showModal());
}

function named() {
  return html`<label>${t("yourName")}<input name="operator" required maxlength="64" autocomplete="username" /></label>`;
}

/** @param {import("./acts.js").Act["asks"][number]} name */
function field(name) {
  switch (name) {
    case "reason":
      return html`
        <label>${t("reason")}<input name="reason" required maxlength="500" autocomplete="off" aria-describedby="reason-why" /></label>
        <p class="faint small" id="reason-why">${operator() ? t("reasonWhy", { who: operator() }) : nothing}</p>`;
    case "locationId":
      return html`<label>${t("place")}${chosen(name, placesLike)}</label>`;
    case "nodeId":
      return html`<label>${t("node")}${chosen(name, nodesLike)}</label>`;
    case "theta":
      return html`<label>${t("heading")}<input name="theta" type="number" min="-180" max="180" value="0" /></label>`;
  }
}

/** A field that offers what begins or goes on like what is written in it. @param {string} name @param {(text: string) => readonly string[]} like */
function chosen(name, like) {
  const offer = (/** @type {Event} */ event) => {
    const input = /** @type {HTMLInputElement} */ (event.target);
    const options = like(input.value.toLowerCase()).map((id) => new Option(id, id));
    document.getElementById(`${name}s`)?.replaceChildren(...options);
  };
  return html`
    <input name=${name} list="${name}s" required maxlength="64" autocomplete="off" spellcheck="false" @input=${offer} @focus=${offer} />
    <datalist id="${name}s"></datalist>`;
}

/** @param {string} text @returns {readonly string[]} */
function placesLike(text) {
  const places = store.get().layout?.locations ?? [];
  if (text.length < SHORTEST) return [];
  return places.filter((place) => place.locationId.toLowerCase().includes(text)).slice(0, PLACES_SHOWN).map((place) => place.locationId);
}

/** @param {string} text @returns {readonly string[]} */
function nodesLike(text) {
  const nodes = store.get().layout?.roadMaps.flatMap((map) => map.nodes) ?? [];
  return nodes.filter((node) => node.nodeId.toLowerCase().includes(text)).slice(0, PLACES_SHOWN).map((node) => node.nodeId);
}

/** @param {SubmitEvent} event @param {import("./acts.js").Act} act */
async function send(event, act) {
  event.preventDefault();
  if (store.get().sending.isSent) return;
  const given = new FormData(/** @type {HTMLFormElement} */ (event.target));
  const answers = Object.fromEntries([...given].map(([name, value]) => [name, String(value).trim()]));
  if (answers["operator"]) actAs(answers["operator"]);
  store.set({ sending: { isSent: true, error: "" } });
  try {
    await ask(act.method, act.path, bodyOf(act, operator(), answers));
    if (store.get().act === act) store.set({ act: null });
    tell("good", t("done", { verb: t(act.verb), of: act.of }));
    await lookAgain().catch(() => undefined); // it comes by itself with the next look
  } catch (error) {
    if (!(error instanceof Refused) && !(error instanceof Unanswered)) throw error;
    const words = error instanceof Refused ? error.message : `${t("notAnswered")} (${error.message})`;
    if (store.get().act === act) store.set({ sending: { isSent: false, error: words } });
    else tell("bad", `${t(act.verb)}: ${act.of}: ${words}`); // its question has been left
  }
}
