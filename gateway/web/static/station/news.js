/** What has happened at the station by itself, between two views of it: buttons of the wall, and what somebody is asked. */

/**
 * @typedef {{kind: "good" | "bad", word: import("./words.js").Word, values: Record<string, string | number>}} News
 */

/**
 * @param {import("./types.js").Station} before
 * @param {import("./types.js").Station} after
 * @returns {readonly News[]}
 */
export function newsOf(before, after) {
  return [...puts(before, after), ...questions(before, after), ...arrivals(before, after)];
}

/** @param {import("./types.js").Station} station */
const tasksOf = (station) => station.operations.flatMap((each) => each.tasks);

/** @param {import("./types.js").Station} before @param {import("./types.js").Station} after @returns {News[]} */
function puts(before, after) {
  const lit = new Set(tasksOf(before).flatMap((task) => task.puts.map((put) => put.putId)));
  const ended = tasksOf(after).flatMap((task) => task.ended.filter((put) => lit.has(put.putId)));
  return ended.map(({ slotId, quantity, confirmed }) => {
    const values = { slot: slotId, quantity, confirmed: confirmed ?? 0 };
    return confirmed === quantity ? { kind: "good", word: "wasPut", values } : { kind: "bad", word: "wasPutLess", values };
  });
}

/** @param {import("./types.js").Station} before @param {import("./types.js").Station} after @returns {News[]} */
function questions(before, after) {
  const known = new Set(before.questions.map((each) => each.questionId));
  const asked = after.questions.filter((each) => !known.has(each.questionId));
  return asked.map(({ slotId }) => ({ kind: "bad", word: "isAsked", values: { slot: slotId } }));
}

/** @param {import("./types.js").Station} before @param {import("./types.js").Station} after @returns {News[]} */
function arrivals(before, after) {
  const known = new Set(before.operations.map((each) => each.operationId));
  const came = after.operations.filter((each) => !known.has(each.operationId));
  return came.map(({ containerId, locationId }) => ({ kind: "good", word: "hasArrived", values: { container: containerId, location: locationId } }));
}
