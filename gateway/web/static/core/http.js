/** The gateway's HTTP interface, as a page asks it. */

import { shownToken, signedOut } from "./session.js";

const PATIENCE_MS = 10_000;

/**
 * @typedef {object} Reason
 * @property {string} field
 * @property {string} code stable word
 * @property {string} message
 *
 * @typedef {object} ProblemBody problem+json (RFC 9457)
 * @property {string} title
 * @property {number} status
 * @property {string} detail
 * @property {readonly Reason[]} [reasons]
 */

/** The gateway has refused: nothing was changed, and asking the same again is refused again. */
export class Refused extends Error {
  /** @param {number} status @param {ProblemBody} problem */
  constructor(status, problem) {
    super(problem.detail || problem.title);
    this.status = status;
    this.title = problem.title;
    this.reasons = problem.reasons ?? [];
  }

  /** Whether one of the reasons is this one. @param {string} code */
  has(code) {
    return this.reasons.some((reason) => reason.code === code);
  }
}

/** Nobody has answered, or somebody who cannot at the moment: whether it happened is not known, the same again will tell. */
export class Unanswered extends Error {}

/** The token is missing or has ended; after somebody has signed in the same is taken. */
export class NotSignedIn extends Unanswered {}

/**
 * Ask for something.
 *
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body] sent as JSON
 * @returns {Promise<any>} the answer's JSON; undefined if it has none
 * @throws {Refused}
 * @throws {Unanswered}
 */
export async function ask(method, path, body) {
  const response = await request(method, path, {
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  try {
    const text = await response.text();
    return text ? JSON.parse(text) : undefined;
  } catch (error) {
    throw new Unanswered("the answer broke off", { cause: error });
  }
}

/**
 * Send a request with the token of whoever is signed in.
 *
 * @param {string} method
 * @param {string} path
 * @param {{body?: string | undefined, signal: AbortSignal, headers?: Record<string, string>}} with_
 * @throws {Refused}
 * @throws {Unanswered}
 */
export async function request(method, path, { body, signal, headers = {} }) {
  const token = shownToken();
  const sent = { ...headers };
  if (token) sent["Authorization"] = `Bearer ${token}`;
  if (body !== undefined) sent["Content-Type"] = "application/json";
  /** @type {Response} */
  let response;
  try {
    response = await fetch(path, { method, headers: sent, signal, cache: "no-store", ...(body === undefined ? {} : { body }) });
  } catch (error) {
    throw new Unanswered("nobody answers", { cause: error });
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({ title: response.statusText, detail: "", status: response.status }));
  if (response.status === 401) {
    if (token === shownToken()) signedOut(); // somebody may have signed in since this was sent
    throw new NotSignedIn(problem.detail || problem.title);
  }
  // What stands between may refuse as well, but it is the gateway alone that knows.
  const isItself = response.headers.get("content-type")?.startsWith("application/problem+json");
  if (!isItself || response.status >= 500 || response.status === 429) throw new Unanswered(problem.detail || problem.title);
  throw new Refused(response.status, problem);
}

/**
 * All items of a list, page by page.
 *
 * @param {string} path with its parameters
 * @param {number} most items; what is beyond is not asked for
 * @returns {Promise<any[]>}
 */
export async function all(path, most = 2000) {
  /** @type {any[]} */
  const items = [];
  /** @type {string | undefined} */
  let cursor;
  do {
    const more = new URLSearchParams({ limit: String(Math.min(1000, most - items.length)), ...(cursor ? { cursor } : {}) });
    const page = await ask("GET", `${path}${path.includes("?") ? "&" : "?"}${more}`);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor && items.length < most);
  return items;
}
