/** One thing in full: a transport, a device, a container, a location, an order; with what may be done about it. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { lock, ofContainer, ofDevice, ofTransport, unblock } from "./acts.js";
import { actButtons } from "./dialog.js";
import { clockOf, count } from "./format.js";
import { transportRow } from "./lists.js";
import { isHalted, isWaiting, SIGNS, stateOf } from "./marks.js";
import { linkTo, linkToList } from "./route.js";
import { store } from "./state.js";
import { t } from "./words.js";

const TELEGRAMS_SHOWN = 20;
const COMING_SHOWN = 20;
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
      ${detail.error ? html`<p class="refusal" role="alert">${detail.error}</p>` : nothing}
      ${detail.thing ? bodyView(kind, detail.thing, detail.more) : nothing}
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
      return locationView(thing);
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
    ${isWaiting(transport) ? html`<p class="why">${t("waitsBecause", { reason: waiting ?? "" })}</p>` : nothing}
    ${actButtons(ofTransport(transport))}
    ${factsView([
      ["status", html`<span class="status ${status}">${isHalted(transport) ? "▲ " : nothing}${t(status)}</span>`],
      ["container", to("container", containerId)],
      ["from", to("location", source)],
      ["to", to("location", destination)],
      ["priority", priority],
      ["begun", clockOf(createdAt)],
    ])}
    ${part("decided", acts.length, html`<ul class="plainly">${acts.map((act) => html`<li>${clockOf(act.at)} <b>${act.operator}</b>: ${act.act} – ${act.reason}</li>`)}</ul>`)}
    ${part("legs", legs.length, html`<ol class="legs">${legs.map(legView)}</ol>`)}
    ${part("commands", commands.length, commandsView(commands))}
    ${part("timeline", timeline.length, html`<ol class="timeline">${timeline.map(stepView)}</ol>`)}`;
}

/** What is shown under a heading, if there is anything. @param {import("./words.js").Word} word @param {number} size @param {unknown} view */
function part(word, size, view) {
  return size ? html`<h3>${t(word)}</h3>${view}` : nothing;
}

/** @param {import("./contract.js").TransportDetails["timeline"][number]} event */
function stepView({ time, type, data }) {
  const told = [data["deviceId"], data["target"] ?? data["locationId"], data["operator"], data["reason"]?.title ?? data["reason"]];
  return html`<li><span class="faint small">${clockOf(time)}</span> ${type} <span class="faint">${told.filter(Boolean).join(" · ")}</span></li>`;
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
              <tr>
                <td class="faint">${clockOf(issuedAt)}</td>
                <td>${to("device", deviceId)}</td>
                <td>${op.toLowerCase()}</td>
                <td>${source ?? ""} → ${target ?? ""}</td>
                <td>${status}${text ? html`<br /><span class="faint">${text}</span>` : nothing}</td>
              </tr>`,
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
      ["where", spotOf(position)],
      ["load", containers.length ? containers.map((id) => to("container", id)) : t(position?.load === "loaded" ? "isLoaded" : "empty")],
      ["battery", position?.battery == null ? "–" : `${Math.round(position.battery * 100)} %`],
      ["link", link ? t(link.connected ? "connected" : "broken") : "–"],
      ["latency", link?.latencyMs == null ? "–" : `${link.latencyMs.toFixed(1)} ms`],
      ["lastHeard", clockOf(link?.lastHeardAt) || "–"],
      ["errors", errors.join(", ") || t("none")],
    ])}
    ${part("commands", commands.length, commandsView(commands))}
    <h3>${t("telegrams")}</h3>
    <ol class="telegrams" tabindex="0" aria-label=${t("telegrams")}>
      ${telegrams.slice(-TELEGRAMS_SHOWN).reverse().map(telegramView)}
    </ol>`;
}

/** @param {{time: string, outgoing: boolean, text: string, note: string}} telegram */
function telegramView({ time, outgoing, text, note }) {
  return html`<li><span class="faint">${clockOf(time)} ${outgoing ? "→" : "←"} ${note}</span> <code>${text}</code></li>`;
}

/** @param {import("./contract.js").Position | null} position */
function spotOf(position) {
  if (position?.locationId) return to("location", position.locationId);
  return position?.x == null ? "–" : `${position.x.toFixed(2)} m, ${position.y?.toFixed(2)} m`;
}

/**
 * @param {import("./contract.js").Container} asked
 * @param {{goods: readonly any[] | null, moves: readonly import("./contract.js").Transport[]}} more
 */
function containerView(asked, { goods, moves }) {
  const { plant } = store.get();
  const container = plant.containers.get(asked.containerId) ?? asked;
  const transport = plant.transports.get(container.transportId ?? "");
  const where = container.locationId ? to("location", container.locationId) : container.deviceId ? to("device", container.deviceId) : t("noPlace");
  return html`
    ${actButtons(ofContainer(container.containerId))}
    ${factsView([
      ["where", where],
      ["transport", html`${to("transport", container.transportId)} <span class="faint">${whyThere(transport)}</span>`],
    ])}
    ${part("goods", goods?.length ?? 0, html`<ul class="plainly">${goods?.map(goodsView)}</ul>`)}
    ${part("lately", moves.length, html`<ul class="rows">${moves.map(transportRow)}</ul>`)}`;
}

/** @param {import("./contract.js").Transport | undefined} transport */
function whyThere(transport) {
  if (!transport) return t("noTransport");
  return transport.waiting ? t("waitsBecause", { reason: transport.waiting }) : t("willCome", { place: transport.destination });
}

/** @param {{quantity: number, skuId: string, lotNo?: string}} goods */
function goodsView({ quantity, skuId, lotNo }) {
  return html`<li><b>${count(quantity)}</b> × ${skuId} <span class="faint">${lotNo ?? ""}</span></li>`;
}

/** @param {{locationId: string, kind: string, zone: string | null, capacity: number, accepts?: readonly string[]}} location */
function locationView({ locationId, kind, zone, capacity, accepts }) {
  const { plant, layout } = store.get();
  const place = layout?.locations.find((each) => each.locationId === locationId);
  const block = plant.blocks.get(locationId);
  const coming = [...plant.transports.values()].filter((transport) => isBoundFor(transport, locationId)).slice(0, COMING_SHOWN);
  const held = plant.standing.get(locationId) ?? [];
  return html`
    ${block ? blockView(block) : nothing} ${actButtons(block ? [unblock(block)] : [lock(locationId)])}
    ${factsView([
      ["holds", held.length ? held.map((id, n) => html`${n ? ", " : ""}${to("container", id)}`) : t("free")],
      ["room", count(capacity)],
      ["kind", kind],
      ["accepts", accepts?.join(", ") ?? t("whatever")],
      ["zone", zone ?? "–"],
      ["where", place ? `${place.x} m, ${place.y} m, ${place.z} m` : "–"],
    ])}
    ${part("expected", coming.length, html`<ul class="rows">${coming.map(transportRow)}</ul>`)}`;
}

/** @param {import("./contract.js").Transport} transport @param {string} locationId */
function isBoundFor({ destination, legs }, locationId) {
  return destination === locationId || legs.some((leg) => leg.status === "active" && leg.target === locationId);
}

/** @param {import("./contract.js").Block} block */
function blockView({ reason, operator }) {
  return html`
    <div class="problem calm">
      <b>✕ ${t(operator === null ? "isBlocked" : "isLocked")}</b>
      <p>${operator === null ? "" : `${operator}: `}${reason}</p>
    </div>`;
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
    <ul class="plainly">${lines.map(lineView)}</ul>
    ${part("containers", presentations.length, html`<ul class="plainly">${presentations.map(presentationView)}</ul>`)}
    ${part("timeline", stages.length, html`<ol class="timeline">${stages.map(stageView)}</ol>`)}`;
}

/** @param {{quantity: number, skuId: string, status: string}} line */
function lineView({ quantity, skuId, status }) {
  return html`<li><b>${count(quantity)}</b> × ${skuId} <span class="faint">${status.toLowerCase()}</span></li>`;
}

/** @param {{containerId: string, stationId: string | null}} presentation */
function presentationView({ containerId, stationId }) {
  return html`<li>${to("container", containerId)} <span class="faint">${stationId ?? ""}</span></li>`;
}

/** @param {{at: string, status: string, operator: string}} stage */
function stageView({ at, status, operator }) {
  return html`<li><span class="faint small">${clockOf(at)}</span> ${status.toLowerCase()} <span class="faint">${operator}</span></li>`;
}
