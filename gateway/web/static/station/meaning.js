/**
 * What a scanned or typed code means at a station: one field, and what is expected next decides.
 *
 * Only what stands before the person is told apart here (its containers, its slots, by their exact names); whether it is the right one, and what
 * a code on goods says, judges the gateway.
 */

import { withoutSymbology } from "../core/scanner.js";
import * as deeds from "./deeds.js";

/**
 * @typedef {import("./steps.js").Step} Step
 * @typedef {import("./words.js").Word} Word
 *
 * @typedef {"container" | "goods" | "slot" | "box" | "holder" | "unit" | "nothing"} Expected
 *
 * @typedef {"quantity" | "short" | "damaged" | "reject" | "hold" | "lack" | "adjust" | "seal" | "find" | "close"} Sheet
 * @typedef {"pieces" | "cases" | "damaged"} Field
 *
 * @typedef {object} Draft what a person has filled in and not yet done, for one step
 * @property {string} key of the step
 * @property {number} [quantity]
 * @property {string} [scan] of the goods that are in the hand
 * @property {string} [boxId]
 * @property {string} [weight]
 * @property {boolean} [isThere] the container that is counted was scanned
 * @property {number} [lineId] that is counted
 * @property {string} [pieces]
 * @property {string} [cases]
 * @property {string} [damaged]
 * @property {string | undefined} [lotNo]
 * @property {readonly string[] | undefined} [upns]
 * @property {Sheet | undefined} [sheet] what is asked on top
 * @property {number | undefined} [putId] that is corrected
 * @property {string | undefined} [number] that is typed on the sheet
 * @property {Field} [field] that the keypad fills
 * @property {string} [skuId] of what was found
 *
 * @typedef {{kind: "deed", deed: deeds.Deed}
 *   | {kind: "draft", change: Partial<Draft>}
 *   | {kind: "choose", key: string, word: Word, values: Record<string, string | number>}
 *   | {kind: "refuse", word: Word, values: Record<string, string | number>}} Meaning
 */

/** @param {Step} step @param {Draft} draft @returns {Expected} */
export function expected(step, draft) {
  switch (step.kind) {
    case "scan":
    case "release":
      return "container";
    case "pick":
      return step.task.serial ? "unit" : "goods";
    case "put":
      return "slot";
    case "seal":
      return "box";
    case "box":
      return draft.sheet === "seal" ? "box" : "nothing";
    case "count":
      if (!draft.isThere) return "container";
      return lineOf(step, draft)?.serial ? "unit" : "goods";
    case "replenish":
      return isInHand(step.goods, draft) ? "holder" : step.goods.serial ? "unit" : "goods";
    case "putBack":
      return "holder";
    case "transfer":
      if (!isInHand(step.goods, draft)) return step.goods.serial ? "unit" : "goods";
      return step.isTaken ? "holder" : "container";
    case "wait":
    case "closed":
    case "held":
      return "nothing";
  }
}

/**
 * @param {string} code as the scanner sent it
 * @param {import("./types.js").Station} station
 * @param {readonly Step[]} steps
 * @param {Step} step the one that is shown
 * @param {Draft} draft
 * @param {boolean} eachPiece every scan is one piece
 * @returns {Meaning}
 */
export function meaningOf(code, station, steps, step, draft, eachPiece) {
  const label = withoutSymbology(code);
  if (step.kind === "putBack") return deed(deeds.putBack(step.goods, label));
  if (step.kind === "replenish") return ofReplenishment(code, label, step, draft);
  if (step.kind === "transfer") return ofTransfer(code, label, step, draft);
  if (step.kind === "count" && !draft.isThere && label === step.holderId) return { kind: "draft", change: { isThere: true } };
  const operation = station.operations.find((each) => each.containerId === label);
  if (operation) return ofContainer(operation, steps);
  if (step.kind === "scan") return deed(deeds.scan(step.operation.operationId, label));
  if (step.kind === "count") return ofCount(label, step, draft);
  if (station.boxPlaces.includes(label)) return ofSlot(label, steps, step, draft);
  if (step.kind === "seal" || (step.kind === "box" && draft.sheet === "seal")) return { kind: "draft", change: { boxId: label } };
  if (step.kind === "pick") return ofGoods(code, label, steps, step, draft, eachPiece);
  if (step.kind === "put") return atLitSlot(code, label, steps, step, draft, eachPiece);
  return { kind: "refuse", word: "notExpected", values: { code: label } };
}

/** @param {deeds.Deed} of @returns {Meaning} */
const deed = (of) => ({ kind: "deed", deed: of });

/** @param {import("./steps.js").CountStep} step @param {Draft} draft @returns {import("./types.js").CountLine | undefined} the line that is counted */
export function lineOf(step, draft) {
  return step.lines.find((line) => line.lineId === draft.lineId) ?? step.lines[0];
}

/** @param {import("./types.js").Operation} operation @param {readonly Step[]} steps @returns {Meaning} */
function ofContainer(operation, steps) {
  if (!operation.scanned) return deed(deeds.scan(operation.operationId, operation.containerId));
  const isFinished = steps.some((each) => each.kind === "release" && each.operation === operation);
  if (isFinished) return deed(deeds.done(operation));
  return { kind: "refuse", word: "isScanned", values: { container: operation.containerId } };
}

/** @param {string} slotId @param {readonly Step[]} steps @param {Step} step @param {Draft} draft @returns {Meaning} */
function ofSlot(slotId, steps, step, draft) {
  const lit = steps.find((each) => each.kind === "put" && each.put.slotId === slotId);
  if (lit?.kind === "put") return deed(deeds.put(lit.put.putId, slotId, (lit.key === draft.key ? draft.quantity : undefined) ?? lit.put.quantity));
  if (step.kind === "put") return deed(deeds.put(step.put.putId, slotId, draft.quantity ?? step.put.quantity));
  const full = steps.find((each) => each.kind === "seal" && each.box.slotId === slotId);
  if (full) return { kind: "choose", key: full.key, word: "nowSeal", values: { slot: slotId } };
  return { kind: "refuse", word: "slotIsDark", values: { slot: slotId } };
}

/**
 * @param {string} code @param {string} label @param {readonly Step[]} steps @param {import("./steps.js").PickStep} step @param {Draft} draft
 * @param {boolean} eachPiece
 * @returns {Meaning}
 */
function ofGoods(code, label, steps, step, draft, eachPiece) {
  const other = steps.find((each) => each.kind === "pick" && each.operation === step.operation && isOf(each.task, label));
  if (other?.kind === "pick" && !isOf(step.task, label)) {
    return { kind: "choose", key: other.key, word: "nowPick", values: { name: other.task.name, quantity: other.task.rest } };
  }
  const quantity = step.task.serial || eachPiece ? undefined : (draft.quantity ?? step.task.rest);
  return deed(deeds.pick(step.task, { quantity, scan: code }));
}

/**
 * The next piece may be scanned while the slot of the last one is still lit; anything else is a slot, and the wrong one.
 *
 * @param {string} code @param {string} label @param {readonly Step[]} steps @param {import("./steps.js").PutStep} step @param {Draft} draft
 * @param {boolean} eachPiece
 * @returns {Meaning}
 */
function atLitSlot(code, label, steps, step, draft, eachPiece) {
  const open = steps.filter((each) => each.kind === "pick" && each.operation === step.operation);
  const next = open.find((each) => each.kind === "pick" && each.task === step.task) ?? open[0];
  if (next?.kind === "pick") return ofGoods(code, label, steps, next, { key: next.key }, eachPiece);
  return deed(deeds.put(step.put.putId, label, draft.quantity ?? step.put.quantity));
}

/** @param {{barcodes: readonly string[], skuId: string}} goods @param {string} label */
function isOf(goods, label) {
  return goods.skuId === label || goods.barcodes.includes(label);
}

/** @param {string} code @param {string} label @param {import("./steps.js").TransferStep} step @param {Draft} draft @returns {Meaning} */
function ofTransfer(code, label, { goods, isTaken }, draft) {
  if (!isInHand(goods, draft)) return { kind: "draft", change: { scan: code } };
  const quantity = goods.serial ? undefined : (draft.quantity ?? (isTaken ? goods.moving : goods.rest));
  return deed(deeds.transfer(goods, label, { quantity, scan: draft.scan, isTaken }));
}

/**
 * Whether all is known of the goods that are moved, so that their place comes next.
 *
 * @param {{scan: string, serial: boolean}} goods
 * @param {Draft} draft
 */
export function isInHand(goods, draft) {
  return draft.scan !== undefined || (goods.scan === "none" && !goods.serial);
}

/** @param {string} code @param {string} label @param {import("./steps.js").ReplenishStep} step @param {Draft} draft @returns {Meaning} */
function ofReplenishment(code, label, { goods }, draft) {
  if (!isInHand(goods, draft)) return { kind: "draft", change: { scan: code } };
  const quantity = goods.serial ? undefined : (draft.quantity ?? goods.rest);
  return deed(deeds.replenish(goods, label, { quantity, scan: draft.scan }));
}

/** @param {string} label @param {import("./steps.js").CountStep} step @param {Draft} draft @returns {Meaning} */
function ofCount(label, step, draft) {
  if (!draft.isThere) return { kind: "refuse", word: "otherContainer", values: { code: label, container: step.holderId } };
  if (draft.sheet === "find") return { kind: "draft", change: { skuId: label } };
  const line = lineOf(step, draft);
  if (line?.serial) {
    const units = draft.upns ?? [];
    if (units.includes(label)) return { kind: "refuse", word: "unitTwice", values: { code: label } };
    return { kind: "draft", change: { upns: [...units, label], pieces: String(units.length + 1) } };
  }
  const meant = step.lines.find((each) => isOf(each, label)) ?? step.lines.find((each) => each.lotNo && each.lotNo === label);
  if (meant) return { kind: "draft", change: { lineId: meant.lineId, ...(meant.lotNo === label ? { lotNo: label } : {}) } };
  return { kind: "refuse", word: "notInCount", values: { code: label } };
}
