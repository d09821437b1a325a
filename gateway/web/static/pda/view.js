/** How a handheld looks: for one hand and a glance, from state to page. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { live } from "../vendor/lit-html/directives/live.js";
import { clock, valueOf } from "../core/shell.js";
import { isMuted, mute } from "../core/sound.js";
import { expected, filled, isComplete, typedCode } from "./job.js";
import { lookUpView } from "./look-up.js";
import { TASKS } from "./tasks.js";
import { t } from "./words.js";

/**
 * @typedef {object} Does
 * @property {(item: import("./task.js").Item, job: import("./task.js").Job) => void} openJob
 * @property {() => void} confirm
 * @property {() => void} more
 * @property {() => void} back
 * @property {(entry: import("./job.js").Entry) => void} enter
 * @property {(code: string) => void} scanned
 */

/** @param {Readonly<import("./main.js").PdaState>} state @param {readonly import("./task.js").Item[]} items @param {Does} does */
export function view(state, items, does) {
  if (state.isElsewhere) return html`<p class="ask bad" role="alert">${t("otherTab")}</p>`;
  const task = TASKS.find((each) => each.id === state.screen);
  return html`
    ${unsent(state.kept)}
    ${state.open ? jobView(state.open, does) : task ? listView(task, state, items, does) : state.screen === "look-up" ? lookUpScreen(state, does) : menu()}`;
}

/** @param {readonly import("../core/outbox.js").Kept[]} kept */
function unsent(kept) {
  if (kept.length === 0) return nothing;
  return html`
    <details class="unsent">
      <summary>⏳ ${t("unsent", { count: kept.length })}</summary>
      <p>${t("unsentWhy")}</p>
      <ol>${kept.map((act) => html`<li>${act.words} <span class="faint">${clock(new Date(act.since))}</span></li>`)}</ol>
    </details>`;
}

function menu() {
  const tiles = [...TASKS.map(({ id, word, sign }) => ({ id, word, sign })), { id: "look-up", word: /** @type {const} */ ("lookUp"), sign: "?" }];
  return html`
    <nav class="tiles">${tiles.map(({ id, word, sign }) => html`<a class="tile" href="#${id}"><span aria-hidden="true">${sign}</span>${t(word)}</a>`)}</nav>
    <label class="switch"><input type="checkbox" .checked=${!isMuted()} @change=${(/** @type {any} */ event) => mute(!event.target.checked)} />${t("sound")}</label>`;
}

/** @param {Does} does @param {string} title */
function head(does, title) {
  return html`<div class="head"><button @click=${does.back} aria-label=${t("back")}>‹</button><h1>${title}</h1></div>`;
}

/**
 * @param {import("./task.js").Task} task
 * @param {Readonly<import("./main.js").PdaState>} state
 * @param {readonly import("./task.js").Item[]} items
 * @param {Does} does
 */
function listView(task, { list, failure }, items, does) {
  return html`
    ${head(does, t(task.word))}
    ${list?.isOld ? html`<p class="old" role="status">${t("asOf", { time: clock(new Date(list.at)) })}</p>` : nothing}
    ${failure ? html`<p class="bad" role="alert">${failure}</p>` : nothing}
    ${list && items.length === 0 ? html`<p class="ask faint">${t("nothingToDo")}</p>` : nothing}
    ${items.length ? html`<p class="faint">${t("scanOrTouch")} · ${t("todo", { count: items.length })}</p>` : nothing}
    <ul class="cards">
      ${repeat(items, (item) => item.key, (item) => html`
        <li><button class="card item" @click=${() => does.openJob(item, item.job)}>
          <b>${item.head}</b>${item.lines.map((line) => html`<span>${line}</span>`)}
        </button></li>`)}
    </ul>
    ${task.more ? html`<button class="main wide" @click=${does.more}>${t("takeMore")}</button>` : nothing}`;
}

/** @param {import("./main.js").Open} open @param {Does} does */
function jobView({ item, job, entry }, does) {
  const next = expected(entry);
  return html`
    ${head(does, t(job.word))}
    <dl class="facts">${item.facts.map(([word, text]) => html`<div><dt>${t(word)}</dt><dd>${text}</dd></div>`)}</dl>
    <p class="next ${entry.refusal ? "bad" : ""}" role="alert">${entry.refusal ? `✕ ${entry.refusal}` : next ? t(next.word) : `✓ ${t("send")}`}</p>
    <form @submit=${(/** @type {SubmitEvent} */ event) => { event.preventDefault(); does.confirm(); }}>
      ${entry.fields.map((field) => fieldView(field, entry, field === next, does))}
      <div class="sticky"><button class="main wide" ?disabled=${!isComplete(entry)}>${t("send")}</button></div>
    </form>
    ${item.others.includes(job) ? nothing : html`
      <div class="others">${item.others.map((other) => html`<button @click=${() => does.openJob(item, other)}>${t(other.word)}</button>`)}</div>`}`;
}

/**
 * @param {import("./job.js").Field} field
 * @param {import("./job.js").Entry} entry
 * @param {boolean} isNext
 * @param {Does} does
 */
function fieldView(field, entry, isNext, does) {
  const value = entry.values[field.name];
  /** @param {import("./job.js").Value} given */
  const enter = (given) => does.enter(filled(entry, field.name, given));
  /** @param {Event} event */
  const type = (event) => enter(valueOf(event));
  const name = html`${t(field.word)}${field.isOptional ? html` <small>(${t("optional")})</small>` : nothing}`;
  switch (field.kind) {
    case "code":
      return html`<label class=${isNext ? "next-field" : ""}>${name}
        <input .value=${live(String(value ?? ""))} enterkeyhint="done" autocapitalize="characters"
          @change=${(/** @type {Event} */ event) => does.enter(typedCode(entry, field, valueOf(event).trim()))} /></label>`;
    case "pieces":
      return html`<div class="pieces ${isNext ? "next-field" : ""}">
        <label>${name}<input type="number" inputmode="numeric" min=${field.least ?? 1} max=${field.most ?? nothing} step="1" .value=${live(String(value ?? ""))}
          @input=${(/** @type {Event} */ event) => enter(valueOf(event) === "" ? "" : Number(valueOf(event)))} /></label>
        <button type="button" aria-label="${t(field.word)} −1" @click=${() => enter(Math.max(field.least ?? 1, Number(value ?? 0) - 1))}>−</button>
        <button type="button" aria-label="${t(field.word)} +1" @click=${() => enter(Math.min(field.most ?? Infinity, Number(value ?? 0) + 1))}>+</button>
      </div>`;
    case "units":
      return html`<div class=${isNext ? "next-field" : ""}><p class="faint">${name}</p>
        <ol class="units">${/** @type {readonly string[]} */ (value ?? []).map((each, at, units) => html`
          <li>${each} <button type="button" class="plain" aria-label="${each} ✕" @click=${() => enter(units.filter((_, place) => place !== at))}>✕</button></li>`)}</ol></div>`;
    case "choice":
      return html`<label>${name}<select @change=${type}>
        ${field.options?.map(([option, word]) => html`<option value=${option} ?selected=${option === value}>${t(word)}</option>`)}</select></label>`;
    case "text":
    case "day":
      return html`<label class=${isNext ? "next-field" : ""}>${name}<input type=${field.kind === "day" ? "date" : "text"} maxlength="200" .value=${live(String(value ?? ""))} @input=${type} /></label>`;
  }
}

/** @param {Readonly<import("./main.js").PdaState>} state @param {Does} does */
function lookUpScreen({ found }, does) {
  return html`
    ${head(does, t("lookUp"))}
    <form @submit=${(/** @type {any} */ event) => { event.preventDefault(); does.scanned(event.target.elements.code.value); }}>
      <label>${t("scanAnything")}<input name="code" autocapitalize="characters" enterkeyhint="search" required /></label>
    </form>
    ${lookUpView(found)}`;
}
