/**
 * Who uses this page.
 *
 * Where the gateway keeps people, they sign in, and their token ends with the tab. Where it has one token for all, that is asked for. In
 * both cases, and where everything is open, acts bear a name.
 */

const TOKEN = "token";
const OPERATOR = "operator";
/** How the gateway has answered who uses this tab. */
export const KNOWN = "session";

/** @type {Set<() => void>} */
const watchers = new Set();

/** @returns {string | null} what requests show */
export function shownToken() {
  return sessionStorage.getItem(TOKEN);
}

/** @param {string} token */
export function showToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

/** The token is not known any more: whoever looks at the page signs in again. */
export function signedOut() {
  sessionStorage.removeItem(TOKEN);
  sessionStorage.removeItem(KNOWN);
  for (const watcher of watchers) watcher();
}

/** Be told when the token has ended. @param {() => void} watcher */
export function whenSignedOut(watcher) {
  watchers.add(watcher);
}

/** @returns {string} the name that acts bear; empty: nobody has said it yet */
export function operator() {
  return sessionStorage.getItem(OPERATOR) ?? "";
}

/** @param {string} name */
export function actAs(name) {
  sessionStorage.setItem(OPERATOR, name);
}
