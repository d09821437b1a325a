/**
 * What a person may do from here, as the contract has it: each act names its thing, what will happen, and what must be said.
 *
 * None of them happens by one press: each is a question first (`dialog.js`), and what is answered to it goes with it.
 */

/**
 * @typedef {import("./words.js").Word} Word
 *
 * @typedef {object} Act
 * @property {Word} verb what its button says
 * @property {Word} will what will happen
 * @property {string} of the thing's name
 * @property {"POST" | "PUT"} method
 * @property {string} path
 * @property {Readonly<Record<string, string>>} body what is sent besides the answers
 * @property {readonly ("reason" | "locationId" | "nodeId" | "theta")[]} asks
 * @property {boolean} isGrave it ends or stops something
 */

/** @type {Readonly<Record<import("./contract.js").OperatorAction, {verb: Word, will: Word}>>} */
const RESOLVING = {
  retry: { verb: "retry", will: "willRetry" },
  containerAt: { verb: "containerAt", will: "willContainerAt" },
  completeAt: { verb: "completeAt", will: "willCompleteAt" },
  cancel: { verb: "cancelTransport", will: "willCancelHalted" },
};
const ORDER = /** @type {import("./contract.js").OperatorAction[]} */ (Object.keys(RESOLVING));
/** @type {Readonly<Record<string, {verb: Word, will: Word}>>} */
const SETTLING = {
  release: { verb: "release", will: "willRelease" },
  retry: { verb: "tryAgain", will: "willTryAgain" },
  part: { verb: "part", will: "willPart" },
  urge: { verb: "urge", will: "willUrge" },
  short: { verb: "short", will: "willShort" },
  cancel: { verb: "cancelOrder", will: "willCancelOrder" },
};
const GRAVE = new Set(["cancel", "short"]);

/** @param {import("./contract.js").Transport} transport that has halted @returns {readonly Act[]} */
export function resolving({ transportId, problem }) {
  const offered = problem?.actions ?? [];
  return ORDER.filter((action) => offered.includes(action)).map((action) => ({
    ...RESOLVING[action],
    of: transportId,
    method: "POST",
    path: `/v1/transports/${encodeURIComponent(transportId)}/resolve`,
    body: { action },
    asks: action === "containerAt" || action === "completeAt" ? ["locationId", "reason"] : ["reason"],
    isGrave: GRAVE.has(action),
  }));
}

/** @param {import("./contract.js").Transport} transport @returns {readonly Act[]} */
export function ofTransport(transport) {
  if (transport.status === "failed" || transport.status === "unknown") return resolving(transport);
  if (transport.status === "completed" || transport.status === "cancelled" || transport.cancelRequested) return [];
  const path = `/v1/transports/${encodeURIComponent(transport.transportId)}/cancel`;
  return [{ verb: "cancelTransport", will: "willCancel", of: transport.transportId, method: "POST", path, body: {}, asks: [], isGrave: true }];
}

/** @param {import("./contract.js").Device} device @returns {readonly Act[]} */
export function ofDevice({ deviceId, kind, enabled, fault }) {
  const act = (/** @type {string} */ name, /** @type {Word} */ verb, /** @type {Word} */ will) => ({
    verb,
    will,
    of: deviceId,
    method: /** @type {const} */ ("POST"),
    path: `/v1/devices/${encodeURIComponent(deviceId)}/${name}`,
    body: {},
    asks: /** @type {Act["asks"]} */ (["reason"]),
    isGrave: false,
  });
  return [
    ...(fault === null ? [] : [act("reset", "reset", "willReset")]),
    ...(fault !== null && kind === "vehicle" ? [{ ...act("localise", "localise", "willLocalise"), asks: /** @type {const} */ (["nodeId", "theta", "reason"]) }] : []),
    enabled ? { ...act("disable", "disable", "willDisable"), isGrave: true } : act("enable", "enable", "willEnable"),
  ];
}

/** @param {import("./contract.js").Block} block @returns {Act} */
export function unblock({ locationId, operator }) {
  return ofPlace(locationId, "unblock", "unblock", operator === null ? "willUnblock" : "willUnlock");
}

/** @param {string} locationId @returns {Act} */
export function lock(locationId) {
  return { ...ofPlace(locationId, "block", "lock", "willLock"), isGrave: true };
}

/** @param {string} locationId @param {string} name @param {Word} verb @param {Word} will @returns {Act} */
function ofPlace(locationId, name, verb, will) {
  return { verb, will, of: locationId, method: "POST", path: `/v1/locations/${encodeURIComponent(locationId)}/${name}`, body: {}, asks: ["reason"], isGrave: false };
}

/** @param {string} containerId @returns {readonly Act[]} */
export function ofContainer(containerId) {
  const path = `/v1/containers/${encodeURIComponent(containerId)}`;
  return [
    { verb: "locate", will: "willLocate", of: containerId, method: "PUT", path: `${path}/location`, body: {}, asks: ["locationId", "reason"], isGrave: false },
    { verb: "remove", will: "willRemove", of: containerId, method: "POST", path: `${path}/removal`, body: {}, asks: ["reason"], isGrave: true },
  ];
}

/** @param {import("./contract.js").OrderException} exception @returns {readonly Act[]} */
export function settling({ exceptionId, orderNo, decisions }) {
  return decisions.flatMap((decision) => {
    const words = SETTLING[decision];
    if (!words) return [];
    const path = `/v1/wes/exceptions/${exceptionId}/settle`;
    return [{ ...words, of: orderNo, method: "POST", path, body: { decision }, asks: ["reason"], isGrave: GRAVE.has(decision) }];
  });
}

/** @param {import("./contract.js").Message} message @returns {readonly Act[]} */
export function ofMessage({ messageId, topic, orderNo }) {
  const of = orderNo ? `${topic} ${orderNo}` : topic;
  const path = `/v1/wes/messages/${messageId}`;
  return [
    { verb: "sendAgain", will: "willSendAgain", of, method: "POST", path: `${path}/send`, body: {}, asks: ["reason"], isGrave: false },
    { verb: "skip", will: "willSkip", of, method: "POST", path: `${path}/skip`, body: {}, asks: ["reason"], isGrave: true },
  ];
}

/**
 * What is sent when somebody has answered.
 *
 * @param {Act} act
 * @param {string} operator
 * @param {Readonly<Record<string, string>>} answers by what is asked
 * @returns {Record<string, string | number> | undefined}
 */
export function bodyOf({ body, asks }, operator, answers) {
  if (!asks.length) return undefined;
  const said = asks.filter((name) => answers[name]).map((name) => [name, name === "theta" ? (Number(answers[name]) * Math.PI) / 180 : (answers[name] ?? "")]);
  return { ...body, operator, ...Object.fromEntries(said) };
}
