/** What people do on pages, sent by the outbox: every act under an id and the name of who does it. */

import { ask, Refused } from "./http.js";
import { newActId, Outbox, OutboxFull } from "./outbox.js";
import { operator } from "./session.js";

/**
 * Open the outbox of a page, and send what is left in it of a time before.
 *
 * @param {object} given
 * @param {string} given.name under which this browser keeps it; no two tabs at a time may have the same
 * @param {() => void} given.changed is told whenever something came or went
 * @param {(words: string, reason: string) => void} given.refused is told of a refusal for which nobody waits any more
 * @returns {{kept: () => readonly import("./outbox.js").Kept[], act: (path: string, body: Record<string, unknown>, words: string) => Promise<any>}}
 */
export function openActs({ name, changed, refused }) {
  const outbox = new Outbox({
    name: `acts:${name}`,
    store: localStorage,
    send: (kept) => ask("POST", kept.path, kept.body),
    pause: (ms) => new Promise((go) => setTimeout(go, ms)),
    changed,
    orphaned: (kept, error) => refused(kept.words, error instanceof Error ? error.message : String(error)),
  });
  void outbox.deliver();
  return {
    kept: () => outbox.kept,
    act: (path, body, words) =>
      outbox.add({ path, body: { ...body, actId: newActId(), operator: operator() }, words, since: new Date().toISOString() }),
  };
}

/** Whether an act was answered with a no, or could not be begun: nothing was changed. @param {unknown} error @returns {error is Error} */
export function isRefusal(error) {
  return error instanceof Refused || error instanceof OutboxFull;
}
