/** What is this? A container, a place or goods, by whatever is scanned. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { all, ask, Refused } from "../core/http.js";
import { withoutSymbology } from "../core/scanner.js";
import { t } from "./words.js";

/**
 * @typedef {object} Found
 * @property {string} code
 * @property {any} [container]
 * @property {any} [location]
 * @property {any} [product]
 * @property {any} [pool] its stock as a whole
 * @property {readonly any[]} stock what lies there, or where it lies
 */

/** What is not there is no mistake here. @param {Promise<any>} answer */
function ifAny(answer) {
  return answer.catch((error) => {
    if (error instanceof Refused && (error.status === 404 || error.status === 422)) return undefined;
    throw error;
  });
}

/** @param {string} code @returns {Promise<Found>} */
export async function lookUp(code) {
  const id = encodeURIComponent(withoutSymbology(code));
  const [container, location, products] = await Promise.all([
    ifAny(ask("GET", `/v1/containers/${id}`)),
    ifAny(ask("GET", `/v1/locations/${id}`)),
    ifAny(ask("GET", `/v1/wes/products?barcode=${encodeURIComponent(code)}`)),
  ]);
  const product = products?.items[0];
  if (container || location) {
    const holders = container ? [id] : [id, ...location.containers.map(encodeURIComponent)];
    const lists = await Promise.all(holders.map((holder) => ifAny(all(`/v1/wes/holders/${holder}/stock`, 200))));
    return { code, container, location, stock: lists.flat().filter((each) => each && each.quantity > 0) };
  }
  if (!product) return { code, stock: [] };
  const sku = encodeURIComponent(product.skuId);
  const [stock = [], pools] = await Promise.all([
    ifAny(all(`/v1/wes/stock/${sku}`, 200)),
    ifAny(ask("GET", `/v1/wes/stock?limit=1000`)),
  ]);
  const pool = pools?.items.find((/** @type {any} */ each) => each.skuId === product.skuId);
  return { code, product, pool, stock: stock.filter((/** @type {any} */ each) => each.quantity > 0) };
}

/** @param {Found | null} found */
export function lookUpView(found) {
  if (!found) return html`<p class="ask">${t("scanAnything")}</p>`;
  const { code, container, location, product, pool, stock } = found;
  if (!container && !location && !product) return html`<p class="ask bad" role="alert">${t("unknownCode", { code })}</p>`;
  const where = container && (container.locationId ? `${t("standsAt")} ${container.locationId}` : container.deviceId ? `${t("isOn")} ${container.deviceId}` : t("unknownWhere"));
  return html`
    <section class="card">
      <h1>${product ? product.skuName : code}</h1>
      ${product ? html`<p class="faint">${product.skuId} · ${product.barcodes.join(", ")}</p>` : nothing}
      ${where ? html`<p>${where}</p>` : nothing}
      ${location?.blocked ? html`<p class="bad">⚠ ${t("blocked")}: ${location.blocked}</p>` : nothing}
      ${location?.containers.length ? html`<p>${location.containers.join(", ")}</p>` : nothing}
      ${pool ? html`<p>${t("inHouse")} <b>${pool.quantity}</b> · ${t("free")} <b>${pool.available}</b> · ${t("promised")} ${pool.reserved} · ${t("held")} ${pool.held}</p>` : nothing}
      ${stock.length === 0 ? html`<p class="faint">${t("isEmpty")}</p>` : html`
        <ul class="lines">
          ${stock.map((each) => html`
            <li><b>${each.quantity}</b> ${product ? (each.locationId ?? each.holderId) : each.skuId}
              <span class="faint">${each.lotNo ? `${t("lot")} ${each.lotNo} · ` : ""}${each.quality}${each.held ? ` · ${t("held")} ${each.held}` : ""}</span></li>`)}
        </ul>`}
    </section>`;
}
