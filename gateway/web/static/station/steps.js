/**
 * What is to be done at a station, the next thing first: made of what the gateway tells, and of nothing else.
 *
 * What is in a hand goes into its slot before anything else; then the container is emptied that was begun, then it leaves; then whatever
 * keeps others waiting. A person may choose another step, and stays at one whose form has been begun.
 */

/**
 * @typedef {import("./types.js").Station} Station
 * @typedef {import("./types.js").Operation} Operation
 * @typedef {import("./types.js").Task} Task
 *
 * @typedef {{kind: "put", key: string, operation: Operation, task: Task, put: import("./types.js").Put}} PutStep
 * @typedef {{kind: "pick", key: string, operation: Operation, task: Task}} PickStep
 * @typedef {{kind: "held", key: string, operation: Operation, tasks: readonly Task[]}} HeldStep all that is left in it is held
 * @typedef {{kind: "release", key: string, operation: Operation}} ReleaseStep
 * @typedef {{kind: "scan", key: string, operation: Operation}} ScanStep
 * @typedef {{kind: "seal", key: string, box: import("./types.js").Box}} SealStep
 * @typedef {{kind: "count", key: string, holderId: string, locationId: string | null, lines: readonly import("./types.js").CountLine[]}} CountStep
 * @typedef {{kind: "replenish", key: string, goods: import("./types.js").Replenishment}} ReplenishStep
 * @typedef {{kind: "putBack", key: string, goods: import("./types.js").PutBack}} PutBackStep
 * @typedef {{kind: "transfer", key: string, goods: import("./types.js").Transfer, isTaken: boolean}} TransferStep
 * @typedef {{kind: "wait", key: string}} WaitStep
 * @typedef {{kind: "closed", key: string}} ClosedStep
 * @typedef {{kind: "box", key: string, slotId: string}} BoxStep a person looks into a box
 * @typedef {PutStep | PickStep | HeldStep | ReleaseStep | ScanStep | SealStep | CountStep | ReplenishStep | PutBackStep | TransferStep | WaitStep | ClosedStep | BoxStep} Step
 */

const IDLE = new Set(["wait", "closed"]);

/**
 * Return all that is to be done, in the order in which it is proposed; never nothing.
 *
 * @param {Station} station
 * @param {ReadonlySet<number>} counted lines that this person has counted: what is to be counted again is somebody else's
 * @returns {readonly Step[]}
 */
export function stepsOf(station, counted = new Set()) {
  const begun = station.operations.filter((each) => each.scanned);
  const counts = countSteps(station, counted);
  const isPicked = new Set(station.operations.map((each) => each.containerId));
  const steps = [
    ...begun.flatMap(putSteps),
    ...begun.flatMap(pickSteps),
    ...counts.filter((each) => begun.some((operation) => operation.containerId === each.holderId && isEmpty(operation))),
    ...begun.flatMap(endSteps),
    ...station.boxes.filter((each) => each.complete).map(sealStep),
    ...station.operations.filter((each) => !each.scanned).map(scanStep),
    ...counts.filter((each) => !isPicked.has(each.holderId)),
    ...station.replenishments.map(replenishStep),
    ...station.transfers.flatMap((each) => transferSteps(station, each)),
    ...station.putBacks.map(putBackStep),
  ];
  if (steps.length) return steps;
  return station.open ? [{ kind: "wait", key: "wait" }] : [{ kind: "closed", key: "closed" }];
}

/**
 * Return the step that the page shows.
 *
 * @param {Station} station
 * @param {readonly Step[]} steps as `stepsOf` returns them
 * @param {string | null} chosen by the person
 * @param {string | null} begun whose form the person has begun to fill in
 * @returns {Step}
 */
export function currentStep(station, steps, chosen, begun) {
  const slotId = chosen?.startsWith("box-") ? chosen.slice(4) : null;
  if (chosen && slotId !== null && station.boxPlaces.includes(slotId)) return { kind: "box", key: chosen, slotId };
  const wanted = steps.find((each) => each.key === chosen) ?? steps.find((each) => each.key === begun) ?? steps[0];
  return /** @type {Step} */ (wanted);
}

/** What else could be done now. @param {readonly Step[]} steps @param {Step} current */
export function othersThan(steps, current) {
  return steps.filter((each) => each.key !== current.key && !IDLE.has(each.kind));
}

/** Nothing in it is lit or still to be picked. @param {Operation} operation */
function isEmpty(operation) {
  return operation.tasks.every((task) => !task.puts.length && !task.rest);
}

/** @param {Operation} operation @returns {PutStep[]} */
function putSteps(operation) {
  return operation.tasks.flatMap((task) =>
    task.puts.map((put) => ({ kind: /** @type {const} */ ("put"), key: `put-${put.putId}`, operation, task, put })),
  );
}

/** Goods of which somebody has some in the hand already come first. @param {Operation} operation @returns {PickStep[]} */
function pickSteps(operation) {
  const begun = new Set(operation.tasks.filter((task) => task.rest < task.quantity).map((task) => task.skuId));
  const open = operation.tasks.filter((task) => task.rest > 0 && task.held === null);
  const sorted = [...open.filter((task) => begun.has(task.skuId)), ...open.filter((task) => !begun.has(task.skuId))];
  return sorted.map((task) => ({ kind: "pick", key: `pick-${task.allocationId}`, operation, task }));
}

/** @param {Operation} operation @returns {(HeldStep | ReleaseStep)[]} */
function endSteps(operation) {
  if (isEmpty(operation)) return [{ kind: "release", key: `release-${operation.operationId}`, operation }];
  const held = operation.tasks.filter((task) => task.rest > 0 && task.held !== null);
  const isBusy = operation.tasks.some((task) => task.puts.length || (task.rest > 0 && task.held === null));
  return isBusy ? [] : [{ kind: "held", key: `held-${operation.operationId}`, operation, tasks: held }];
}

/** @param {Operation} operation @returns {ScanStep} */
function scanStep(operation) {
  return { kind: "scan", key: `scan-${operation.operationId}`, operation };
}

/** @param {import("./types.js").Box} box @returns {SealStep} */
function sealStep(box) {
  return { kind: "seal", key: `seal-${box.workId}`, box };
}

/** @param {Station} station @param {ReadonlySet<number>} counted @returns {CountStep[]} a container each */
function countSteps(station, counted) {
  const open = station.counts.filter((line) => !counted.has(line.lineId));
  return [...new Set(open.map((line) => line.holderId))].map((holderId) => {
    const lines = open.filter((line) => line.holderId === holderId);
    return { kind: "count", key: `count-${holderId}`, holderId, locationId: lines[0]?.locationId ?? null, lines };
  });
}

/** @param {import("./types.js").Replenishment} goods @returns {ReplenishStep} */
function replenishStep(goods) {
  return { kind: "replenish", key: `replenish-${goods.replenishmentId}`, goods };
}

/**
 * What has been taken is put where it goes before more is taken; what leaves the site is handed over elsewhere.
 *
 * @param {Station} station
 * @param {import("./types.js").Transfer} goods
 * @returns {TransferStep[]}
 */
function transferSteps(station, goods) {
  const step = /** @type {const} */ ({ kind: "transfer", key: `transfer-${goods.taskId}`, goods });
  if (goods.moving && (goods.target ?? goods.targetZone) !== null) return [{ ...step, isTaken: true }];
  return goods.rest && goods.stationId === station.stationId ? [{ ...step, isTaken: false }] : [];
}

/** @param {import("./types.js").PutBack} goods @returns {PutBackStep} */
function putBackStep(goods) {
  return { kind: "putBack", key: `putBack-${goods.putBackId}`, goods };
}
