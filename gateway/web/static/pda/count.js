/** Counting on foot: places that somebody has taken on, line by line (S2-87, S2-88, S2-94). */

import { operator } from "../core/session.js";
import { keptList } from "./kept.js";
import { entered, onlyAt } from "./task.js";
import { t } from "./words.js";

const WAITING = new Set(["open", "again"]);

/** @type {import("./task.js").Task} */
export const count = {
  id: "count",
  word: "count",
  sign: "∑",
  async load() {
    const counts = await keptList("/v1/wes/counts?state=open");
    const mine = `claimant=${encodeURIComponent(operator())}`;
    const lists = await Promise.all(counts.items.map((each) => keptList(`/v1/wes/counts/${encodeURIComponent(each.countId)}/lines?${mine}`)));
    const items = lists.flatMap((list) => list.items).filter((line) => WAITING.has(line.state)).map(item);
    return { at: counts.at, isOld: counts.isOld || lists.some((list) => list.isOld), items };
  },
  keyOf: (body) => (body["lineId"] ? `count ${body["lineId"]}` : null),
  async more() {
    const counts = await keptList("/v1/wes/counts?state=open");
    const open = counts.items.find((each) => each.report.open + each.report.again > 0);
    return open && { path: "/v1/wes/counting/claims", body: { countId: open.countId, places: 5 }, words: t("tookMore") };
  },
};

/** @param {any} line @returns {import("./task.js").Item} */
function item(line) {
  const what = `${line.name}${line.lotNo ? ` · ${line.lotNo}` : ""}`;
  return {
    key: `count ${line.lineId}`,
    head: line.holderId,
    lines: [what, line.unit],
    facts: [
      ["place", line.holderId],
      ["product", `${line.name} (${line.skuId})`],
      ...(line.lotNo ? [/** @type {const} */ (["lot", line.lotNo])] : []),
      ...(line.books === undefined ? [] : [/** @type {const} */ (["books", `${line.books} ${line.unit}`])]),
    ],
    codes: [line.holderId, line.skuId, line.lotNo, ...(line.barcodes ?? [])],
    job: {
      word: "count",
      fields: [
        { name: "place", word: "scanPlace", kind: "code", refuses: onlyAt(line.holderId) },
        line.serial
          ? { name: "upns", word: "scanUnits", kind: "units", isOptional: true }
          : { name: "quantity", word: "pieces", kind: "pieces", least: 0 },
        ...(line.unitsPerCase && !line.serial
          ? [/** @type {const} */ ({ name: "cases", word: "cases", kind: "pieces", least: 0, isOptional: true })]
          : []),
        { name: "damaged", word: "damagedPieces", kind: "pieces", least: 0, isOptional: true },
      ],
      draft: ({ quantity, cases, damaged, upns = [] }) => ({
        path: "/v1/wes/counting/results",
        words: t("countWords", { what, quantity: line.serial ? upns.length : quantity + (cases ?? 0) * (line.unitsPerCase ?? 0) }),
        body: entered({ lineId: line.lineId, quantity: line.serial ? upns.length : quantity, cases, damaged, upns: line.serial ? upns : undefined }),
      }),
    },
    others: [
      {
        word: "empty",
        fields: [{ name: "place", word: "scanPlace", kind: "code", refuses: onlyAt(line.holderId) }],
        draft: () => ({
          path: "/v1/wes/counting/empties",
          words: t("emptyWords", { place: line.holderId }),
          body: { countId: line.countId, holderId: line.holderId },
        }),
      },
    ],
  };
}
