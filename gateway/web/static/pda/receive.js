/** Goods that were announced come in (S2-36, S2-146): scanned, counted, put somewhere. */

import { keptList } from "./kept.js";
import { beginningOf, entered, noneOf, only } from "./task.js";
import { t } from "./words.js";

/** @type {import("./task.js").Task} */
export const receive = {
  id: "receive",
  word: "receive",
  sign: "⇩",
  async load() {
    const list = await keptList("/v1/wes/arrivals?open=true");
    return { ...list, items: list.items.flatMap((notice) => notice.lines.filter((/** @type {any} */ line) => line.lacks > 0).map((/** @type {any} */ line) => item(notice, line, list.isOld))) };
  },
  // Of a line more may come: it stays in the list.
  keyOf: () => null,
};

/** @param {any} notice @param {any} line @param {boolean} isOld @returns {import("./task.js").Item} */
function item(notice, line, isOld) {
  const lotIsKnown = line.lotNo !== "";
  const goods = [line.skuId, line.lotNo, ...line.barcodes].filter(Boolean);
  return {
    key: `${notice.noticeNo}/${line.lineNo}`,
    head: line.skuName,
    lines: [`${notice.noticeNo} · ${t("toCome")} ${line.lacks} ${line.unit}`, notice.supplier].filter(Boolean),
    facts: [
      ["notice", notice.noticeNo],
      ["product", `${line.skuName} (${line.skuId})`],
      ...(notice.supplier ? [/** @type {const} */ (["supplier", notice.supplier])] : []),
      ["toCome", `${line.lacks} ${line.unit}`],
      ...(lotIsKnown ? [/** @type {const} */ (["lot", line.lotNo])] : []),
    ],
    codes: [notice.noticeNo, ...goods],
    job: {
      word: "receive",
      fields: [
        { name: "scan", word: "scanGoods", kind: "code", codes: goods, refuses: only({ ...line, name: line.skuName }, isOld) },
        { name: "quantity", word: "pieces", kind: "pieces", countsScans: true, most: line.lacks },
        { name: "holderId", word: "scanIntoOrArea", kind: "code", isOptional: true, refuses: noneOf(goods) },
        ...(lotIsKnown ? [] : [/** @type {const} */ ({ name: "lotNo", word: "lot", kind: "text", isOptional: true })]),
        { name: "producedAt", word: "made", kind: "day", isOptional: true },
        { name: "expiresAt", word: "expires", kind: "day", isOptional: true },
        { name: "quality", word: "condition", kind: "choice", options: [["qualified", "good"], ["pending", "inspect"], ["rejected", "bad"]] },
      ],
      draft: (values) => ({
        path: "/v1/wes/inbound/receipts",
        words: t("receiveWords", { quantity: values["quantity"], what: line.skuName }),
        body: entered({
          noticeNo: notice.noticeNo,
          holderId: values["holderId"],
          lines: [
            entered({
              skuId: line.skuId,
              quantity: values["quantity"],
              lotNo: lotIsKnown ? line.lotNo : values["lotNo"],
              producedAt: beginningOf(values["producedAt"]),
              expiresAt: beginningOf(values["expiresAt"]),
              quality: values["quality"],
              scan: values["scan"],
            }),
          ],
        }),
      }),
    },
    others: [
      {
        word: "nothingMoreComes",
        fields: [{ name: "reason", word: "why", kind: "text" }],
        draft: (values) => ({
          path: "/v1/wes/arrivals/completions",
          words: t("completeWords", { notice: notice.noticeNo }),
          body: { noticeNo: notice.noticeNo, reason: values["reason"] },
        }),
      },
    ],
  };
}
