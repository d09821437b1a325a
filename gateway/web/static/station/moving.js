/** Goods that are moved from the reserve to where they are picked (S2-45). */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { operator } from "../core/session.js";
import * as deeds from "./deeds.js";
import { isInHand } from "./meaning.js";
import { fillIn, mayAct, perform } from "./model.js";
import { deedButton, facts, fillButton, headline, numberSheet, picture, quantityBar } from "./parts.js";
import { t } from "./words.js";

/** @param {import("./steps.js").ReplenishStep} step @param {import("./meaning.js").Draft} draft */
export function replenishView({ goods }, draft) {
  const quantity = goods.serial ? 1 : Math.min(draft.quantity ?? goods.rest, goods.rest);
  if (draft.sheet === "lack") {
    return numberSheet(t("endWhy", { source: goods.sourceId }), draft, goods.rest, 0, (missing) => {
      const reason = t(missing ? "reasonNotThere" : "reasonNoSpace");
      return html`<button class="danger large" ?disabled=${!mayAct()} @click=${() => perform(deeds.endReplenishment(goods, reason, missing))}>${t("endIt")}</button>`;
    });
  }
  if (draft.sheet === "quantity") {
    return numberSheet(t("howMany"), draft, goods.rest, goods.rest, (number) =>
      html`<button class="main large" ?disabled=${number < 1} @click=${() => fillIn({ quantity: number, sheet: undefined })}>${t("confirm")}</button>`);
  }
  const isMine = goods.operator === operator();
  const target = goods.targetId ?? t("anyOf", { places: goods.places });
  return html`
    ${headline(t("stepReplenish"), goods.name, goods.locationId ?? "")}
    <div class="goods">
      ${picture(goods)}
      <div class="what"><p class="name">${goods.name}</p>${facts(goods)}</div>
      <p class="how-many"><span class="number">${quantity}</span> <span class="unit">${quantity === goods.rest ? "" : `/ ${goods.rest} `}${goods.unit}</span></p>
    </div>
    <div class="huge small"><span class="place">${goods.sourceId}</span><span class="arrow" aria-hidden="true">▸</span><span class="container">${target}</span></div>
    ${goods.operator && !isMine ? html`<p class="hint warn">${t("isAtIt", { name: goods.operator })}</p>` : nothing}
    ${draft.scan !== undefined && isInHand(goods, draft) ? html`<p class="hint good">✓ ${t("goodsScanned")}</p>` : nothing}
    <div class="actions">
      ${goods.operator ? nothing : deedButton(t("begin"), deeds.beginReplenishment(goods), "main large grow")}
      ${goods.serial ? nothing : quantityBar(quantity, goods.rest)}
      ${fillButton(t("endIt"), { sheet: "lack", number: "" }, "danger large")}
    </div>`;
}
