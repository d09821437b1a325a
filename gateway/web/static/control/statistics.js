/** How the orders do, in small plots: what was shipped, and how long each stage took. */

import { html, nothing, svg } from "../vendor/lit-html/lit-html.js";
import { count, lengthOf, percent } from "./format.js";
import { arrivalsPerMinute } from "./figures.js";
import { store } from "./state.js";
import { t } from "./words.js";

const HOURS = [1, 2, 4, 8, 24];
const MINUTES = 30;
const STEP = 4;
const HEIGHT = 28;

export function statisticsView() {
  const { wes } = store.get();
  if (!wes) return nothing;
  return html`${performanceView(wes.performance)} ${wes.throughput ? stagesView(wes.throughput, namesOf(wes.orders)) : nothing}`;
}

/** @param {readonly import("./contract.js").Performance[]} spans */
function performanceView(spans) {
  const most = Math.max(1, ...spans.map((span) => span.shipped));
  return html`
    <table class="stages">
      <thead>
        <tr>
          <td></td>
          <th colspan="2">${t("shippedOrders")}</th>
          <th class="number">${t("fulfilment")}</th>
          <th class="number">${t("accuracy")}</th>
          <th class="number">${t("shrinkage")}</th>
        </tr>
      </thead>
      <tbody>
        ${spans.map(
          ({ shipped, fulfilment, accuracy, shrinkage }, n) => html`
            <tr>
              <th scope="row">${t("lastHours", { n: HOURS[n] ?? 0 })}</th>
              <td class="plot">${barView(0, shipped / most)}</td>
              <td class="number">${count(shipped)}</td>
              <td class="number">${percent(fulfilment)}</td>
              <td class="number">${percent(accuracy)}</td>
              <td class="number">${percent(shrinkage)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
}

/** A thick bar, and a thin one behind it. @param {number} thin 0 … 1 @param {number} thick */
function barView(thin, thick) {
  const part = (/** @type {number} */ share) => `${(100 * share).toFixed(1)}%`;
  return html`
    <svg class="span" width="100%" height="12" aria-hidden="true">
      <rect class="p95" y="4" width=${part(thin)} height="4" /><rect class="p50" y="1" width=${part(thick)} height="10" />
    </svg>`;
}

/**
 * What the statuses are called that orders are in.
 *
 * @param {readonly import("./contract.js").Order[]} orders
 * @returns {ReadonlyMap<number, string>}
 */
function namesOf(orders) {
  return new Map(orders.map(({ statusCode, status }) => [statusCode, status.toLowerCase().replaceAll("_", " ")]));
}

/** Arrivals a minute, as bars. */
export function arrivalsView() {
  const values = arrivalsPerMinute(store.get().arrived, Date.now(), MINUTES);
  const most = Math.max(1, ...values);
  const bars = values.map((value, n) => svg`<rect x=${n * STEP} y=${HEIGHT - (HEIGHT * value) / most} width=${STEP - 1} height=${(HEIGHT * value) / most} />`);
  const box = `0 0 ${STEP * MINUTES} ${HEIGHT}`;
  return html`
    <svg class="bars" viewBox=${box} preserveAspectRatio="none" role="img" aria-label="${t("arrivals")}: ${values.join(", ")}">
      <title>${t("arrivals")}</title>${bars}
    </svg>`;
}

/** @param {import("./contract.js").Throughput} throughput @param {ReadonlyMap<number, string>} names */
function stagesView({ total, stages }, names) {
  if (!total) return html`<p class="faint">${t("noneShipped")}</p>`;
  const most = Math.max(total.p95S, ...stages.map((stage) => stage.p95S), 1);
  const called = (/** @type {number} */ code) => names.get(code) ?? String(code);
  const rows = [{ ...total, title: t("inTotal") }, ...stages.map((stage) => ({ ...stage, title: `${called(stage.fromCode)} → ${called(stage.toCode)}` }))];
  return html`
    <table class="stages">
      <caption class="faint small">${t("stagesOf")}</caption>
      <tbody>
        ${rows.map(
          ({ title, p50S, p95S }) => html`
            <tr>
              <th scope="row">${title}</th>
              <td class="plot">${barView(p95S / most, p50S / most)}</td>
              <td class="number">${lengthOf(p50S)}</td>
              <td class="number faint">${lengthOf(p95S)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
}
