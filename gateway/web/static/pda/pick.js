/** Picking on foot: the work orders that somebody has taken on, place by place, then their boxes (S1-76, S1-77). */

import { operator } from "../core/session.js";
import { keptList } from "./kept.js";
import { ACTS, entered, only, onlyAt } from "./task.js";
import { t } from "./words.js";

const CLAIMS_MAX = 50;

/** @type {import("./task.js").Task} */
export const pick = {
  id: "pick",
  word: "pick",
  sign: "☑",
  async load() {
    const list = await keptList(`/v1/wes/claims?claimant=${encodeURIComponent(operator())}`, CLAIMS_MAX);
    const picks = list.items.flatMap((work) => work.tasks.filter((/** @type {any} */ task) => task.rest > 0).map((/** @type {any} */ task) => pickItem(task, list.isOld)));
    picks.sort((one, other) => (one.place < other.place ? -1 : one.place > other.place ? 1 : 0));
    const boxes = list.items.filter((work) => work.picked > 0 && work.tasks.every((/** @type {any} */ task) => task.rest === 0)).map(boxItem);
    return { ...list, items: [...picks.map((each) => each.item), ...boxes] };
  },
  keyOf: (body) => (body["allocationId"] ? `pick ${body["allocationId"]}` : body["workId"] ? `seal ${body["workId"]}` : null),
  more: async () => ({ path: ACTS, body: { act: "claim" }, words: t("tookMore") }),
};

/** @param {any} task @param {boolean} isOld @returns {{place: string, item: import("./task.js").Item}} */
function pickItem(task, isOld) {
  const place = task.holderId ?? "";
  /** @param {"short" | "damaged"} act @returns {import("./task.js").Job} */
  const lacking = (act) => ({
    word: act === "short" ? "shortPieces" : "damaged",
    fields: [{ name: "quantity", word: "pieces", kind: "pieces", most: task.rest }],
    draft: ({ quantity }) => ({
      path: ACTS,
      words: t(act === "short" ? "shortWords" : "damagedWords", { quantity, what: task.name }),
      body: { act, allocationId: task.allocationId, quantity },
    }),
  });
  return {
    place,
    item: {
      key: `pick ${task.allocationId}`,
      head: `${place}${task.cell ? ` · ${task.cell}` : ""}`,
      lines: [`${task.rest} ${task.unit} ${task.name}`, task.lotNo && `${t("lot")} ${task.lotNo}`, task.orderNo].filter(Boolean),
      facts: [
        ["place", place],
        ["product", `${task.name} (${task.skuId})`],
        ...(task.lotNo ? [/** @type {const} */ (["lot", task.lotNo])] : []),
        ["toPick", `${task.rest} ${task.unit}${task.serial ? ` · ${t("serial")}` : ""}`],
        ["order", task.orderNo],
      ],
      codes: [place, task.skuId, task.lotNo, ...task.barcodes],
      job: {
        word: "pick",
        fields: [
          { name: "place", word: "scanPlace", kind: "code", refuses: onlyAt(place) },
          { name: "scan", word: "scanGoods", kind: "code", codes: [task.skuId, task.lotNo, ...task.barcodes], refuses: only(task, isOld), isOptional: task.scan === "none" },
          task.serial
            ? { name: "upns", word: "scanUnits", kind: "units", most: task.rest }
            : { name: "quantity", word: "pieces", kind: "pieces", most: task.rest },
        ],
        given: task.serial ? {} : { quantity: task.rest },
        draft: ({ scan, quantity, upns }) => ({
          path: ACTS,
          words: t("pickWords", { quantity: quantity ?? upns.length, what: task.name }),
          body: entered({ act: "pick", allocationId: task.allocationId, quantity: quantity ?? upns.length, scan, upns }),
        }),
      },
      others: [lacking("short"), lacking("damaged")],
    },
  };
}

/** @param {any} work @returns {import("./task.js").Item} */
function boxItem(work) {
  return {
    key: `seal ${work.workId}`,
    head: t("seal"),
    lines: [work.orderNo],
    facts: [["order", work.orderNo]],
    codes: [work.orderNo],
    job: {
      word: "seal",
      fields: [
        { name: "boxId", word: "boxLabel", kind: "code", isOptional: true },
        { name: "weightKg", word: "weight", kind: "text", isOptional: true },
      ],
      draft: ({ boxId, weightKg }) => ({
        path: ACTS,
        words: t("sealWords", { order: work.orderNo }),
        body: entered({ act: "seal", workId: work.workId, boxId, weightKg: weightKg && kilograms(weightKg) }),
      }),
    },
    others: [],
  };
}

/** A weight as somebody writes it; what is no number is left to the gateway, which says so. @param {string} text @returns {number | string} */
export function kilograms(text) {
  const number = Number(text.replace(",", "."));
  return Number.isFinite(number) ? number : text;
}
