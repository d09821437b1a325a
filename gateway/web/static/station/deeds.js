/** What a person may do, as the gateway is asked for it: where to, what, and in which words it is told to the person. */

/**
 * @typedef {import("./words.js").Word} Word
 *
 * @typedef {object} Deed
 * @property {string} path
 * @property {Record<string, unknown>} body
 * @property {Word} word
 * @property {Record<string, string | number>} values
 */

const ACTS = "/v1/wes/acts";
const COUNTING = "/v1/wes/counting";

/** @param {string} act @param {Record<string, unknown>} body @param {Word} word @param {Record<string, string | number>} values @returns {Deed} */
const act = (act, body, word, values = {}) => ({ path: ACTS, body: { act, ...body }, word, values });

/** @param {number} operationId @param {string} containerId */
export const scan = (operationId, containerId) => act("scan", { operationId, containerId }, "didScan", { container: containerId });

/**
 * Take pieces.
 *
 * @param {import("./types.js").Task} task
 * @param {{quantity?: number | undefined, scan?: string | undefined}} taken without a quantity: what the code stands for
 */
export function pick(task, { quantity, scan }) {
  const values = { quantity: quantity ?? 1, name: task.name };
  const body = { allocationId: task.allocationId, ...(quantity === undefined ? {} : { quantity }), ...(scan === undefined ? {} : { scan }) };
  return act("pick", body, "didPick", values);
}

/** @param {number} putId @param {string} slotId as scanned @param {number} quantity */
export const put = (putId, slotId, quantity) => act("put", { putId, slotId, quantity }, "didPut", { quantity, slot: slotId });

/** @param {import("./types.js").Put} lit */
export const withdraw = (lit) => act("withdraw", { putId: lit.putId }, "didWithdraw", { slot: lit.slotId });

/** @param {import("./types.js").Put} ended @param {number} quantity */
export const adjust = (ended, quantity) => act("adjust", { putId: ended.putId, quantity }, "didAdjust", { slot: ended.slotId, quantity });

/** @param {"short" | "damaged"} what @param {import("./types.js").Task} task @param {number} quantity */
export function miss(what, task, quantity) {
  const word = what === "short" ? "didShort" : "didDamaged";
  return act(what, { allocationId: task.allocationId, quantity }, word, { quantity, name: task.name });
}

/** @param {import("./types.js").Operation} operation */
export const done = ({ operationId, containerId }) => act("done", { operationId }, "didRelease", { container: containerId });

/** @param {import("./types.js").Operation} operation @param {string} reason */
export function reject({ operationId, containerId }, reason) {
  return act("reject", { operationId, reason }, "didReject", { container: containerId });
}

/** @param {import("./types.js").Box} box @param {{boxId?: string | undefined, weightKg?: number | undefined}} told */
export function seal(box, { boxId, weightKg }) {
  const more = { ...(boxId ? { boxId } : {}), ...(weightKg === undefined ? {} : { weightKg }) };
  return act("seal", { workId: box.workId, ...more }, "didSeal", { order: box.orderNo });
}

/** @param {number} workId @param {string} reason */
export const hold = (workId, reason) => act("hold", { workId, reason }, "didHold");

/** @param {number} workId */
export const resume = (workId) => act("resume", { workId }, "didResume");

/** @param {import("./types.js").Question} question */
export const answer = ({ questionId, slotId }) => act("answer", { questionId }, "didAnswer", { slot: slotId });

/** @param {import("./types.js").PutBack} goods @param {string} holderId */
export function putBack({ putBackId, quantity }, holderId) {
  return act("putBack", { putBackId, holderId }, "didPutBack", { quantity, holder: holderId });
}

/** @param {import("./types.js").Replenishment} goods */
export const beginReplenishment = ({ replenishmentId, name }) => act("beginReplenishment", { replenishmentId }, "didBegin", { name });

/**
 * @param {import("./types.js").Replenishment} goods
 * @param {string} holderId
 * @param {{quantity?: number | undefined, scan?: string | undefined}} taken
 */
export function replenish({ replenishmentId, name }, holderId, { quantity, scan }) {
  const taken = { ...(quantity === undefined ? {} : { quantity }), ...(scan === undefined ? {} : { scan }) };
  return act("replenish", { replenishmentId, holderId, ...taken }, "didReplenish", { quantity: quantity ?? 1, name, holder: holderId });
}

/** @param {import("./types.js").Replenishment} goods @param {string} reason @param {number} missing */
export function endReplenishment({ replenishmentId, name }, reason, missing) {
  return act("endReplenishment", { replenishmentId, reason, missing }, "didEnd", { name });
}

const TRANSFERRING = "/v1/wes/transferring/acts";

/**
 * @param {import("./types.js").Transfer} goods
 * @param {string} holderId
 * @param {{quantity?: number | undefined, scan?: string | undefined, isTaken: boolean}} done taken out of a container, or put where they go
 * @returns {Deed}
 */
export function transfer({ taskId, name }, holderId, { quantity, scan, isTaken }) {
  const taken = { ...(quantity === undefined ? {} : { quantity }), ...(scan === undefined ? {} : { scan }) };
  const body = { act: isTaken ? "put" : "take", taskId, holderId, ...taken };
  return { path: TRANSFERRING, body, word: isTaken ? "didReplenish" : "didPick", values: { quantity: quantity ?? 1, name, holder: holderId } };
}

/** @param {import("./types.js").Transfer} goods @param {number} quantity @param {"missing" | "damaged"} code @returns {Deed} */
export function missTransfer({ taskId, name }, quantity, code) {
  const word = code === "missing" ? "didShort" : "didDamaged";
  return { path: TRANSFERRING, body: { act: "miss", taskId, quantity, code }, word, values: { quantity, name } };
}

/** @typedef {{quantity: number, cases: number, damaged: number, upns: readonly string[]}} Counted */

/** @param {import("./types.js").CountLine} line @param {Counted} counted @param {string} lotNo as it stands on the goods; empty: not read @returns {Deed} */
export function countLine({ lineId, name }, counted, lotNo) {
  const body = { lineId, ...counted, ...(lotNo ? { lotNo } : {}) };
  return { path: `${COUNTING}/results`, body, word: "didCount", values: { name } };
}

/** @param {string} countId @param {string} holderId @returns {Deed} */
export function countEmpty(countId, holderId) {
  return { path: `${COUNTING}/empties`, body: { countId, holderId }, word: "didCountEmpty", values: { container: holderId } };
}

/** @param {string} countId @param {string} holderId @param {string} skuId @param {string} lotNo @param {Counted} counted @returns {Deed} */
export function countFind(countId, holderId, skuId, lotNo, counted) {
  return { path: `${COUNTING}/finds`, body: { countId, holderId, skuId, lotNo, ...counted }, word: "didFind", values: { name: skuId } };
}
