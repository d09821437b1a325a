/** The control room: what needs a person beside what happens, each thing one press away. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { runPage, valueOf } from "../core/shell.js";
import { mattersOf } from "./attention.js";
import { lookAt } from "./details.js";
import { actButtons, dialogView } from "./dialog.js";
import { summaryOf } from "./figures.js";
import { clockOf, count } from "./format.js";
import { listView, tabsView } from "./lists.js";
import { start } from "./live.js";
import { mapView } from "./map.js";
import { linkTo, linkToList, routeOf } from "./route.js";
import { find, matchesOf } from "./search.js";
import { store } from "./state.js";
import { arrivalsView } from "./statistics.js";
import { thingView } from "./things.js";
import { t } from "./words.js";

const MATTERS_SHOWN = 50;
const TEN_MINUTES_MS = 600_000;

window.addEventListener("hashchange", () => {
  store.set({ route: routeOf(location.hash), query: "" });
  void lookAt().catch(() => undefined); // it is asked for again with the next look
});

runPage({
  title: "controlRoom",
  store,
  needsName: false,
  start() {
    start();
    void lookAt().catch(() => undefined);
  },
  view,
});

function view() {
  const { route, hasPlant, plant, wes } = store.get();
  const matters = mattersOf(plant, wes);
  const pressing = matters.filter((matter) => matter.weight !== "note").length;
  return html`
    <div class="control ${hasPlant ? "" : "without-plant"}">
      ${summaryView()}
      ${attentionView(matters, pressing)}
      ${hasPlant ? html`<div class="pictures">${mapView()}</div>` : nothing}
      <section class="card panels" aria-label=${t("details")}>${tabsView()}<div class="panel">${route.kind ? thingView() : listView()}</div></section>
    </div>
    ${pressing ? html`<a class="pressing-note" href="#attention-title" @click=${upToAttention}>▲ ${pressing} <span>${t("attention")}</span></a>` : nothing}
    ${dialogView()}`;
}

/** Where not all is in sight at once, one press leads up; the address stays. @param {Event} event */
function upToAttention(event) {
  event.preventDefault();
  document.getElementById("attention-title")?.scrollIntoView({ block: "center" });
}

function summaryView() {
  const { plant, hasPlant, wes, arrived, layout } = store.get();
  const { executing, waiting, working, devices, containers } = summaryOf(plant);
  const since = new Date(Date.now() - TEN_MINUTES_MS).toISOString();
  const lately = arrived.filter((time) => time > since).length;
  return html`
    <div class="summary">
      <h1>${layout?.siteId ?? ""}</h1>
      ${searchView()}
      <dl class="figures">
        ${hasPlant ? html`
          ${figure("underWayNow", count(executing), linkToList("transports"))}
          ${figure("waitingNow", count(waiting), linkToList("transports", "waiting"))}
          ${figure("devicesNow", `${working} / ${devices}`, linkToList("devices"))}
          ${figure("containers", count(containers), linkToList("containers"))}
          ${figure("arrivedNow", html`${count(lately)}${arrivalsView()}`, linkToList("transports", "completed"))}` : nothing}
        ${wes?.performance[0] ? figure("ordersNow", count(wes.performance[0].shipped), linkToList("orders")) : nothing}
      </dl>
    </div>`;
}

/** @param {import("./words.js").Word} word @param {unknown} value @param {string} href */
function figure(word, value, href) {
  return html`<div><dt><a href=${href}>${t(word)}</a></dt><dd>${value}</dd></div>`;
}

function searchView() {
  const { query } = store.get();
  const matches = matchesOf(store.get(), query);
  const go = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const found = await find(store.get());
    if (found) location.hash = found;
  };
  return html`
    <form class="search" role="search" @submit=${go}>
      <input
        type="search" aria-label=${t("search")} placeholder=${t("search")} autocomplete="off" spellcheck="false" maxlength="64"
        .value=${query} @input=${(/** @type {Event} */ event) => store.set({ query: valueOf(event) })}
      />
      ${query ? html`
        <ul class="matches card">
          ${matches.map(({ kind, id }) => html`<li><a href=${linkTo(kind, id)}><b>${id}</b> <span class="faint">${t(kind)}</span></a></li>`)}
          ${matches.length ? nothing : html`<li class="faint">${t("noMatch")}</li>`}
        </ul>` : nothing}
    </form>`;
}

/** @param {readonly import("./attention.js").Matter[]} matters @param {number} pressing how many of them are no notes */
function attentionView(matters, pressing) {
  const { isWhole } = store.get();
  const shown = matters.slice(0, MATTERS_SHOWN);
  return html`
    <section class="card attention ${pressing ? "pressing" : ""}" aria-labelledby="attention-title">
      <h2 id="attention-title">${t("attention")} ${pressing ? html`<span class="badge">${pressing}</span>` : nothing}</h2>
      ${matters.length
        ? html`<ul class="matters" tabindex="0" aria-labelledby="attention-title">${repeat(shown, (matter) => matter.key, matterView)}</ul>`
        : html`<p class="faint calm">${isWhole ? html`<span aria-hidden="true">✓</span> ${t("nothingWrong")}` : t("notKnownYet")}</p>`}
      ${matters.length > MATTERS_SHOWN ? html`<p class="faint">${t("moreMatters", { n: matters.length - MATTERS_SHOWN })}</p>` : nothing}
    </section>`;
}

/** @param {import("./attention.js").Matter} matter */
function matterView({ weight, kind, id, title, word, text, advice, since, acts }) {
  const sign = { bad: "▲", warn: "◆", note: "‖" }[weight];
  const name = kind ? html`<a href=${linkTo(kind, id)}>${id}</a>` : html`<b>${id}</b>`;
  return html`
    <li class="matter is-${weight}">
      <p class="what"><span class="sign" aria-hidden="true">${sign}</span> ${name} <b>${word ? t(word) : title}</b></p>
      ${text ? html`<p>${text}</p>` : nothing} ${advice ? html`<p class="advice">${advice}</p>` : nothing}
      ${since ? html`<p class="faint small">${t("since", { time: clockOf(since) })}</p>` : nothing} ${actButtons(acts)}
    </li>`;
}
