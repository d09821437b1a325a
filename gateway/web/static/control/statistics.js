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
  const day = wes.performance.at(-1);
  return html`
    <dl class="figures">
      ${wes.performance.map((each, n) => html`<div><dt>${t("shippedOrders")}, ${t("lastHours", { n: HOURS[n] ?? 0 })}</dt><dd>${count(each.shipped)}</dd></div>`)}
      ${day ? html`
        <div><dt>${t("fulfilment")}</dt><dd>${percent(day.fulfilment)}</dd></div>
        <div><dt>${t("accuracy")}</dt><dd>${percent(day.accuracy)}</dd></div>
        <div><dt>${t("shrinkage")}</dt><dd>${percent(day.shrinkage)}</dd></div>` : nothing}
    </dl>
    ${wes.throughput ? stagesView(wes.throughput) : nothing}`;
}

/** Arrivals a minute, as bars. */
export function arrivalsView() {
  const values = arrivalsPerMinute(store.get().arrived, Date.now(), MINUTES);
  const most = Math.max(1, ...values);
  const bars = values.map((value, n) => svg`<rect x=${n * STEP} y=${HEIGHT - (HEIGHT * value) / most} width=${STEP - 1} height=${(HEIGHT * value) / most} />`);
  return html`<svg class="bars" viewBox="0 0 ${STEP * MINUTES} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${t("arrivals")}: ${values.join(", ")}"><title>${t("arrivals")}</title>${bars}</svg>`;
}

/** @param {import("./contract.js").Throughput} throughput */
function stagesView({ total, stages }) {
  if (!total) return html`<p class="faint">${t("noneShipped")}</p>`;
  const most = Math.max(...stages.map((stage) => stage.p95S), 1);
  const share = (/** @type {number} */ seconds) => `${((100 * seconds) / most).toFixed(1)}%`;
  return html`
    <table class="stages">
      <caption class="faint small">${t("stagesOf")}</caption>
      <tbody>
        <tr><th scope="row">${t("inTotal")}</th><td></td><td class="number">${lengthOf(total.p50S)}</td><td class="number faint">${lengthOf(total.p95S)}</td></tr>
        ${stages.map(
          ({ fromCode, toCode, p50S, p95S }) => html`
            <tr>
              <th scope="row">${fromCode} → ${toCode}</th>
              <td class="plot">
                <svg class="span" width="100%" height="12" aria-hidden="true">
                  <rect class="p95" y="4" width=${share(p95S)} height="4" /><rect class="p50" y="1" width=${share(p50S)} height="10" />
                </svg>
              </td>
              <td class="number">${lengthOf(p50S)}</td>
              <td class="number faint">${lengthOf(p95S)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
}
