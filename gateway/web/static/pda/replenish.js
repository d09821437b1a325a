/** From the reserve to where goods are picked, for places that somebody walks to (decision 17). */

import { keptList } from "./kept.js";
import { ACTS, entered, noneOf, only, onlyAt } from "./task.js";
import { t } from "./words.js";

/** @type {import("./task.js").Task} */
export const replenish = {
  id: "replenish",
  word: "replenish",
  sign: "⇄",
  async load() {
    const list = await keptList("/v1/wes/replenishments");
    return { ...list, items: list.items.filter((each) => each.stationId === null && each.rest > 0).map((each) => item(each, list.isOld)) };
  },
  keyOf: (body) => (body["replenishmentId"] ? `replenish ${body["replenishmentId"]}` : null),
};

/** @param {any} each @param {boolean} isOld @returns {import("./task.js").Item} */
function item(each, isOld) {
  const target = each.targetId ?? each.places;
  return {
    key: `replenish ${each.replenishmentId}`,
    head: `${each.sourceId} → ${target}`,
    lines: [`${each.rest} ${each.unit} ${each.name}`, each.lotNo && `${t("lot")} ${each.lotNo}`, each.operator].filter(Boolean),
    facts: [
      ["place", each.sourceId],
      ["product", `${each.name} (${each.skuId})`],
      ...(each.lotNo ? [/** @type {const} */ (["lot", each.lotNo])] : []),
      ["toMove", `${each.rest} ${each.unit}`],
      ["target", target],
    ],
    codes: [each.sourceId, each.skuId, each.lotNo, ...each.barcodes],
    job: {
      word: "replenish",
      fields: [
        { name: "source", word: "scanPlace", kind: "code", refuses: onlyAt(each.sourceId) },
        { name: "scan", word: "scanGoods", kind: "code", codes: [each.skuId, each.lotNo, ...each.barcodes], refuses: only(each, isOld), isOptional: each.scan === "none" },
        each.serial
          ? { name: "upns", word: "scanUnits", kind: "units", most: each.rest }
          : { name: "quantity", word: "pieces", kind: "pieces", most: each.rest },
        { name: "holderId", word: "scanInto", kind: "code", refuses: noneOf([each.skuId, ...each.barcodes]) },
      ],
      given: each.serial ? {} : { quantity: each.rest },
      draft: ({ scan, quantity, upns, holderId }) => ({
        path: ACTS,
        words: t("replenishWords", { quantity: quantity ?? upns.length, what: each.name, place: holderId }),
        body: entered({
          act: "replenish",
          replenishmentId: each.replenishmentId,
          holderId,
          quantity: quantity ?? upns.length,
          scan,
          upns,
        }),
      }),
    },
    others: [
      {
        word: "endIt",
        fields: [
          { name: "missing", word: "missing", kind: "pieces", least: 0, most: each.rest },
          { name: "reason", word: "why", kind: "text" },
        ],
        given: { missing: 0 },
        draft: ({ missing, reason }) => ({
          path: ACTS,
          words: t("endWords", { what: each.name }),
          body: { act: "endReplenishment", replenishmentId: each.replenishmentId, missing, reason },
        }),
      },
    ],
  };
}
