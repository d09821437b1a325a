/** Goods of cancelled orders, and recalled ones, go out of their boxes to where somebody says. */

import { keptList } from "./kept.js";
import { ACTS } from "./task.js";
import { t } from "./words.js";

/** @type {import("./task.js").Task} */
export const putBack = {
  id: "put-back",
  word: "putBack",
  sign: "↩",
  async load() {
    const list = await keptList("/v1/wes/put-backs");
    return { ...list, items: list.items.map(item) };
  },
  keyOf: (body) => (body["putBackId"] ? `put-back ${body["putBackId"]}` : null),
};

/** @param {any} each @returns {import("./task.js").Item} */
function item(each) {
  const what = each.name ?? each.skuId;
  const box = each.boxId ?? each.fromHolder ?? "";
  return {
    key: `put-back ${each.putBackId}`,
    head: `${each.quantity} × ${what}`,
    lines: [each.orderNo, each.lotNo && `${t("lot")} ${each.lotNo}`, box && `${t("liesIn")} ${box}`].filter(Boolean),
    facts: [
      ["product", `${what} (${each.skuId})`],
      ["order", each.orderNo],
      ...(each.lotNo ? [/** @type {const} */ (["lot", each.lotNo])] : []),
      ["liesIn", box],
    ],
    codes: [each.orderNo, each.skuId, box],
    job: {
      word: "putBack",
      fields: [{ name: "holderId", word: "scanInto", kind: "code" }],
      draft: ({ holderId }) => ({
        path: ACTS,
        words: t("putBackWords", { quantity: each.quantity, what, place: holderId }),
        body: { act: "putBack", putBackId: each.putBackId, holderId },
      }),
    },
    others: [],
  };
}
