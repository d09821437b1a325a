/** One thing in full: a transport, a device, a container, a location, an order; with what may be done about it. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { lock, ofContainer, ofDevice, ofTransport, unblock } from "./acts.js";
import { actButtons } from "./dialog.js";
import { clockOf, count } from "./format.js";
import { isHalted, transportRow } from "./lists.js";
import { SIGNS, stateOf } from "./marks.js";
import { linkTo, linkToList } from "./route.js";
import { store } from "./state.js";
import { t } from "./words.js";

const TELEGRAMS_SHOWN = 20;
/** @type {Readonly<Record<string, import("./words.js").Word>>} */
const KINDS = { shuttle: "shuttle", lift: "lift", conveyor: "conveyor", putwall: "putwall", vehicle: "vehicle" };

export function thingView() {
  const { route, detail } = store.get();
  const { kind, id, list } = route;
  if (!kind) return nothing;
  return html`
    <article class="thing" data-kind=${kind}>
      <p class="path"><a href=${linkToList(list)}>← ${t("back")}</a></p>
      <h2><span class="faint">${t(kind)}</span> <span class="id">${kind === "order" ? (detail.thing?.orderNo ?? id) : id}</span></h2>
      ${detail.error ? html`<p class="refusal" role="alert">${detail.error}</p>` : detail.thing ? bodyView(kind, detail.thing, detail.more) : nothing}
    </article>`;
}

/** @param {import("./route.js").Kind} kind @param {any} thing @param {any} more */
function bodyView(kind, thing, more) {
  switch (kind) {
    case "transport":
      return transportView(thing);
    case "device":
      return deviceView(thing, more);
    case "container":
      return containerView(thing, more);
    case "location":
      return locationView(thing.locationId);
    case "order":
      return orderView(thing);
  }
}

/** @param {readonly (readonly [import("./words.js").Word, unknown])[]} facts */
function factsView(facts) {
  return html`<dl class="facts">${facts.map(([word, value]) => html`<div><dt>${t(word)}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** @param {import("./route.js").Kind} kind @param {string | null | undefined} id */
function to(kind, id) {
  return id ? html`<a href=${linkTo(kind, id)}>${id}</a>` : "–";
}

/** @param {import("./contract.js").Transport & import("./contract.js").TransportDetails} transport */
function transportView(transport) {
  const { containerId, source, destination, status, priority, createdAt, waiting, problem, legs, commands, timeline, acts } = transport;
  return html`
    ${problem ? html`<div class="problem"><b>▲ ${problem.title}</b><p>${problem.detail}</p><p>${problem.advice}</p></div>` : nothing}
    ${waiting ? html`<p class="why">${t("waitsBecause", { reason: waiting })}</p>` : nothing}
    ${actButtons(ofTransport(transport))}
    ${factsView([
      ["status", html`<span class="status ${status}">${isHalted(transport) ? "▲ " : nothing}${t(status)}</span>`],
      ["container", to("container", containerId)],
      ["from", to("location", source)],
      ["to", to("location", destination)],
      ["priority", priority],
      ["begun", clockOf(createdAt)],
    ])}
    ${acts.length ? html`<h3>${t("decided")}</h3><ul class="plainly">${acts.map((act) => html`<li>${clockOf(act.at)} <b>${act.operator}</b>: ${act.act} – ${act.reason}</li>`)}</ul>` : nothing}
    ${legs.length ? html`<h3>${t("legs")}</h3><ol class="legs">${legs.map(legView)}</ol>` : nothing}
    ${commands.length ? html`<h3>${t("commands")}</h3>${commandsView(commands)}` : nothing}
    ${timeline.length ? html`<h3>${t("timeline")}</h3><ol class="timeline">${timeline.map((event) => html`<li><span class="faint small">${clockOf(event.time)}</span> ${event.type} <span class="faint">${[event.data["deviceId"], event.data["target"] ?? event.data["locationId"], event.data["operator"], event.data["reason"]?.title ?? event.data["reason"]].filter(Boolean).join(" · ")}</span></li>`)}</ol>` : nothing}`;
}

/** @param {import("./contract.js").Leg} leg */
function legView({ source, target, deviceId, carrierId, status }) {
  return html`<li class=${status}>${source ?? ""} → ${to("location", target)} <span class="faint">${deviceId ? to("device", deviceId) : carrierId}</span></li>`;
}

/** @param {readonly import("./contract.js").Command[]} commands */
function commandsView(commands) {
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${t("commands")}>
      <table class="small">
        <tbody>
          ${commands.map(
            ({ deviceId, op, source, target, status, text, issuedAt }) => html`
              <tr><td class="faint">${clockOf(issuedAt)}</td><td>${to("device", deviceId)}</td><td>${op.toLowerCase()}</td><td>${source ?? ""} → ${target ?? ""}</td><td>${status}${text ? html`<br /><span class="faint">${text}</span>` : nothing}</td></tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

/** @param {import("./contract.js").Device} device @param {readonly {time: string, outgoing: boolean, text: string, note: string}[]} telegrams */
function deviceView(device, telegrams) {
  const state = stateOf(device);
  const { link, position, containers, commands } = device;
  const errors = Object.entries(link?.errors ?? {}).map(([kind, n]) => `${kind} ${count(n)}`);
  const kind = KINDS[device.kind];
  return html`
    ${device.fault === null ? nothing : html`<div class="problem"><b>▲ ${t("inFault")}</b><p>${device.fault}</p></div>`}
    ${device.online ? nothing : html`<div class="problem calm"><b>✕ ${t("isOffline")}</b><p>${device.offlineReason}</p></div>`}
    ${actButtons(ofDevice(device))}
    ${factsView([
      ["state", html`<span class="state ${state}">${SIGNS[state]} ${t(state)}</span>`],
      ["kind", kind ? t(kind) : device.kind],
      ["where", position?.locationId ? to("location", position.locationId) : position?.x != null ? `${position.x.toFixed(2)} m, ${position.y?.toFixed(2)} m` : "–"],
      ["load", containers.length ? containers.map((id) => to("container", id)) : t(position?.load === "loaded" ? "isLoaded" : "empty")],
      ["battery", position?.battery == null ? "–" : `${Math.round(position.battery * 100)} %`],
      ["link", link ? t(link.connected ? "connected" : "broken") : "–"],
      ["latency", link?.latencyMs == null ? "–" : `${link.latencyMs.toFixed(1)} ms`],
      ["lastHeard", clockOf(link?.lastHeardAt) || "–"],
      ["errors", errors.join(", ") || t("none")],
    ])}
    ${commands.length ? html`<h3>${t("commands")}</h3>${commandsView(commands)}` : nothing}
    <h3>${t("telegrams")}</h3>
    <ol class="telegrams" tabindex="0" aria-label=${t("telegrams")}>
      ${telegrams.slice(-TELEGRAMS_SHOWN).reverse().map(({ time, outgoing, text, note }) => html`<li><span class="faint">${clockOf(time)} ${outgoing ? "→" : "←"} ${note}</span> <code>${text}</code></li>`)}
    </ol>`;
}

/** @param {import("./contract.js").Container} asked @param {{goods: readonly any[] | null, moves: readonly import("./contract.js").Transport[]}} more */
function containerView(asked, { goods, moves }) {
  const { plant } = store.get();
  const container = plant.containers.get(asked.containerId) ?? asked;
  const transport = plant.transports.get(container.transportId ?? "");
  const why = transport ? (transport.waiting ? t("waitsBecause", { reason: transport.waiting }) : t("willCome", { place: transport.destination })) : t("noTransport");
  return html`
    ${actButtons(ofContainer(container.containerId))}
    ${factsView([
      ["where", container.locationId ? to("location", container.locationId) : container.deviceId ? to("device", container.deviceId) : t("noPlace")],
      ["transport", html`${to("transport", container.transportId)} <span class="faint">${why}</span>`],
    ])}
    ${goods?.length ? html`<h3>${t("goods")}</h3><ul class="plainly">${goods.map((each) => html`<li><b>${count(each.quantity)}</b> × ${each.skuId} <span class="faint">${each.lotNo ?? ""}</span></li>`)}</ul>` : nothing}
    ${moves.length ? html`<h3>${t("lately")}</h3><ul class="rows">${moves.map(transportRow)}</ul>` : nothing}`;
}

/** @param {string} locationId */
function locationView(locationId) {
  const { plant, layout } = store.get();
  const place = layout?.locations.find((each) => each.locationId === locationId);
  const block = plant.blocks.get(locationId);
  const coming = [...plant.transports.values()].filter((each) => each.destination === locationId || each.legs.some((leg) => leg.status === "active" && leg.target === locationId));
  const held = plant.standing.get(locationId) ?? [];
  if (!place) return html`<p>${t("noMatch")}</p>`;
  return html`
    ${block ? html`<div class="problem calm"><b>✕ ${t(block.operator === null ? "isBlocked" : "isLocked")}</b><p>${block.operator ? `${block.operator}: ` : ""}${block.reason}</p></div>` : nothing}
    ${actButtons(block ? [unblock(block)] : [lock(locationId)])}
    ${factsView([
      ["holds", held.length ? held.map((id, n) => html`${n ? ", " : ""}${to("container", id)}`) : t("free")],
      ["kind", place.kind],
      ["zone", place.zone ?? "–"],
      ["where", `${place.x} m, ${place.y} m, ${place.z} m`],
    ])}
    ${coming.length ? html`<h3>${t("expected")}</h3><ul class="rows">${coming.slice(0, TELEGRAMS_SHOWN).map(transportRow)}</ul>` : nothing}`;
}

/** @param {any} order */
function orderView({ status, statusCode, quantity, picked, shipped, priority, waiting, createdAt, lines, stages, presentations }) {
  return html`
    ${waiting ? html`<p class="why">${t("waitsBecause", { reason: waiting })}</p>` : nothing}
    ${factsView([
      ["status", `${status.toLowerCase()} (${statusCode})`],
      ["pieces", `${count(picked)} / ${count(quantity)}`],
      ["shippedPieces", count(shipped)],
      ["priority", priority],
      ["begun", clockOf(createdAt)],
    ])}
    <ul class="plainly">${lines.map((/** @type {any} */ line) => html`<li><b>${count(line.quantity)}</b> × ${line.skuId} <span class="faint">${line.status.toLowerCase()}</span></li>`)}</ul>
    ${presentations?.length ? html`<h3>${t("containers")}</h3><ul class="plainly">${presentations.map((/** @type {any} */ each) => html`<li>${to("container", each.containerId)} <span class="faint">${each.stationId ?? ""}</span></li>`)}</ul>` : nothing}
    <h3>${t("timeline")}</h3>
    <ol class="timeline">${stages.map((/** @type {any} */ stage) => html`<li><span class="faint small">${clockOf(stage.at)}</span> ${stage.status.toLowerCase()} <span class="faint">${stage.operator}</span></li>`)}</ol>`;
}
