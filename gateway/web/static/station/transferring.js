/** Goods of a transfer: taken out of the container that stands here, or put into it (S2-58, S2-64). */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import * as deeds from "./deeds.js";
import { isInHand } from "./meaning.js";
import { fillIn, mayAct, perform } from "./model.js";
import { facts, fillButton, headline, numberSheet, picture, quantityBar } from "./parts.js";
import { t } from "./words.js";

/** @param {import("./steps.js").TransferStep} step @param {import("./meaning.js").Draft} draft */
export function transferView({ goods, isTaken }, draft) {
  const most = isTaken ? goods.moving : goods.rest;
  const quantity = goods.serial ? 1 : Math.min(draft.quantity ?? most, most);
  if (draft.sheet === "quantity") {
    return numberSheet(t("howMany"), draft, most, most, (number) =>
      html`<button class="main large" ?disabled=${number < 1} @click=${() => fillIn({ quantity: number, sheet: undefined })}>${t("confirm")}</button>`);
  }
  if (draft.sheet === "short" || draft.sheet === "damaged") {
    const what = draft.sheet === "short" ? "missing" : "damaged";
    return numberSheet(t(what === "missing" ? "missingHowMany" : "damagedHowMany"), draft, goods.rest, 1, (number) =>
      html`<button class="danger large" ?disabled=${!mayAct() || number < 1} @click=${() => perform(deeds.missTransfer(goods, number, what))}>${number} × ${t(what)}</button>`);
  }
  const goal = goods.target ?? goods.targetZone ?? "";
  return html`
    ${headline(t(isTaken ? "stepTransferPut" : "stepTransferTake"), isTaken ? goal : goods.sourceId, goods.locationId ?? "")}
    <div class="goods">
      ${picture(goods)}
      <div class="what"><p class="name">${goods.name}</p>${facts(goods)}</div>
      <p class="how-many"><span class="number">${quantity}</span> <span class="unit">${quantity === most ? "" : `/ ${most} `}${goods.unit}</span></p>
      <div class="way">
        <p class="hint">${t("ofTransfer", { transfer: goods.transferId })}</p>
        ${goal ? html`<p class="target"><span class="faint">${t("intoSlot")}</span> <b>${goal}</b></p>` : nothing}
      </div>
    </div>
    ${draft.scan !== undefined && isInHand(goods, draft) ? html`<p class="hint good">✓ ${t("goodsScanned")}</p>` : nothing}
    <div class="actions">
      ${goods.serial ? nothing : quantityBar(quantity, most)}
      ${isTaken ? nothing : html`${fillButton(t("missing"), { sheet: "short", number: "" }, "danger large")} ${fillButton(t("damaged"), { sheet: "damaged", number: "" }, "danger large")}`}
    </div>`;
}
