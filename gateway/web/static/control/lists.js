/** The lists: transports, devices, containers, orders, the feed; each bounded, each row leading to its thing. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { repeat } from "../vendor/lit-html/directives/repeat.js";
import { ageOf, clockOf, count } from "./format.js";
import { isHalted, isWaiting, SIGNS, stateOf } from "./marks.js";
import { LISTS, linkTo, linkToList } from "./route.js";
import { store } from "./state.js";
import { statisticsView } from "./statistics.js";
import { t } from "./words.js";

/** @typedef {import("./contract.js").Transport} Transport */

const ROWS = 100;
const FILTERS = /** @type {const} */ (["open", "halted", "waiting", "completed", "cancelled"]);

export function tabsView() {
  const { wes, hasPlant } = store.get();
  const open = openList();
  const there = LISTS.filter((list) => (list === "orders" ? wes !== null : hasPlant));
  return html`
    <nav class="tabs" aria-label=${t("details")}>
      ${there.map((list) => html`<a href=${linkToList(list)} aria-current=${list === open ? "true" : nothing}>${t(list)}</a>`)}
    </nav>`;
}

/** A WES core in a process of its own has orders alone. */
function openList() {
  const { route, hasPlant } = store.get();
  return hasPlant ? route.list : "orders";
}

export function listView() {
  switch (openList()) {
    case "transports":
      return transportsView();
    case "devices":
      return devicesView();
    case "containers":
      return containersView();
    case "orders":
      return ordersView();
    case "feed":
      return feedView();
  }
}

function transportsView() {
  const { plant, ended, route } = store.get();
  const filter = FILTERS.find((each) => each === route.filter) ?? "open";
  const found = filter === "completed" || filter === "cancelled" ? ended : [...plant.transports.values()].filter(chosenBy(filter)).sort(mostUrgent);
  const choices = FILTERS.map(
    (each) => html`<a class="chip" href=${linkToList("transports", each === "open" ? "" : each)} aria-current=${each === filter ? "true" : nothing}>${t(each)}</a>`,
  );
  return html`
    <p class="chips">${choices}</p>
    ${found.length ? html`<ul class="rows" id="transports">${repeat(found.slice(0, ROWS), keyOf, transportRow)}</ul>` : html`<p class="faint">${t("noTransports")}</p>`}
    ${more(found.length)}`;
}

/** @param {Transport} transport */
function keyOf(transport) {
  return transport.transportId;
}

/** @param {"open" | "halted" | "waiting"} filter @returns {(transport: Transport) => boolean} */
function chosenBy(filter) {
  if (filter === "halted") return isHalted;
  return filter === "waiting" ? isWaiting : () => true;
}

/** @param {Transport} a @param {Transport} b */
function mostUrgent(a, b) {
  return Number(isHalted(b)) - Number(isHalted(a)) || (a.createdAt < b.createdAt ? -1 : 1);
}

/** @param {Transport} transport */
export function transportRow(transport) {
  const { transportId, containerId, source, destination, status, waiting, problem, updatedAt } = transport;
  return html`
    <li>
      <a href=${linkTo("transport", transportId)} class="row">
        <b>${containerId}</b>
        <span class="to">${source} → ${destination}</span>
        <span class="status ${status}">${isHalted(transport) ? "▲ " : nothing}${t(status)}</span>
        <span class="faint small">${clockOf(updatedAt)}</span>
        ${isWaiting(transport) ? html`<span class="why">${t("waitsBecause", { reason: waiting ?? "" })}</span>` : nothing}
        ${problem ? html`<span class="why bad">${problem.title}</span>` : nothing}
      </a>
    </li>`;
}

function devicesView() {
  const devices = [...store.get().plant.devices.values()];
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${t("devices")}>
      <table id="devices">
        <thead><tr><th>${t("device")}</th><th>${t("state")}</th><th>${t("load")}</th><th class="number">${t("latency")}</th><th class="number">${t("battery")}</th></tr></thead>
        <tbody>${repeat(devices, (device) => device.deviceId, deviceRow)}</tbody>
      </table>
    </div>`;
}

/** @param {import("./contract.js").Device} device */
function deviceRow(device) {
  const state = stateOf(device);
  const battery = device.position?.battery;
  const latency = device.link?.latencyMs;
  return html`
    <tr>
      <td><a href=${linkTo("device", device.deviceId)}>${device.deviceId}</a></td>
      <td class="state ${state}">${SIGNS[state]} ${state === "works" ? t(device.commands.length ? "working" : "idle") : t(state)}</td>
      <td>${device.containers.join(", ")}</td>
      <td class="number">${latency == null ? "" : `${latency.toFixed(latency < 10 ? 1 : 0)} ms`}</td>
      <td class="number">${battery == null ? "" : `${Math.round(battery * 100)} %`}</td>
    </tr>`;
}

function containersView() {
  const all = [...store.get().plant.containers.values()];
  const moving = all.filter((container) => container.transportId);
  const shown = [...moving, ...all.filter((container) => !container.transportId)].slice(0, ROWS);
  if (!shown.length) return html`<p class="faint">${t("noContainers")}</p>`;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${t("containers")}>
      <table id="containers">
        <thead><tr><th>${t("container")}</th><th>${t("where")}</th><th>${t("to")}</th></tr></thead>
        <tbody>${repeat(shown, (container) => container.containerId, containerRow)}</tbody>
      </table>
    </div>
    ${more(all.length)}`;
}

/** @param {import("./contract.js").Container} container */
function containerRow({ containerId, locationId, deviceId, transportId }) {
  const to = store.get().plant.transports.get(transportId ?? "")?.destination ?? "";
  return html`<tr><td><a href=${linkTo("container", containerId)}>${containerId}</a></td><td>${locationId ?? deviceId ?? t("noPlace")}</td><td>${to}</td></tr>`;
}

function ordersView() {
  const orders = store.get().wes?.orders ?? [];
  return html`
    ${statisticsView()}
    ${orders.length ? html`<ul class="rows" id="orders">${repeat(orders.slice(0, ROWS), (order) => order.orderId, orderRow)}</ul>` : html`<p class="faint">${t("noOrders")}</p>`}`;
}

/** @param {import("./contract.js").Order} order */
function orderRow({ orderId, orderNo, status, quantity, picked, shipped, waiting, createdAt }) {
  return html`
    <li>
      <a href=${linkTo("order", orderId)} class="row">
        <b>${orderNo}</b>
        <span class="to">${count(Math.max(picked, shipped))} / ${count(quantity)}</span>
        <span class="status">${status.toLowerCase()}</span>
        <span class="faint small">${ageOf(createdAt)}</span>
        ${waiting ? html`<span class="why">${t("waitsBecause", { reason: waiting })}</span>` : nothing}
      </a>
    </li>`;
}

function feedView() {
  const { feed } = store.get();
  if (!feed.length) return html`<p class="faint">${t("noEvents")}</p>`;
  const shown = feed.slice(-ROWS).reverse();
  return html`<ol class="feed" id="feed">${repeat(shown, (event) => event.seq, eventRow)}</ol>`;
}

/** @param {import("./contract.js").FeedEvent} event */
function eventRow({ seq, type, subject, time, data }) {
  const told = [data["containerId"], data["locationId"] ?? data["target"], data["deviceId"], data["text"] ?? data["reason"]?.title ?? data["reason"]];
  const said = [...new Set(told)].filter((each) => each && each !== subject);
  const who = data["operator"] ? html` · <b>${t("by", { who: data["operator"] })}</b>` : nothing;
  return html`
    <li>
      <span><span class="faint small">${clockOf(time)}</span> <b>${type}</b> ${subjectView(type, subject)}</span>
      <span class="number small">${seq}</span>
      ${said.length || data["operator"] ? html`<span class="said">${said.join(" · ")}${who}</span>` : nothing}
    </li>`;
}

/** @param {string} type @param {string} subject */
function subjectView(type, subject) {
  const kind = /** @type {const} */ (["transport", "container", "device", "location"]).find((each) => type.startsWith(`${each}.`));
  return kind ? html`<a href=${linkTo(kind, subject)}>${subject}</a>` : subject;
}

/** @param {number} all */
function more(all) {
  return all > ROWS ? html`<p class="faint small">${t("andMore", { n: ROWS, all: count(all) })}</p>` : nothing;
}
