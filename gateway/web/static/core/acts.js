/** What people do on pages, sent by the outbox: every act under an id and the name of who does it. */

import { ask, NotSignedIn, Refused } from "./http.js";
import { newActId, Outbox, OutboxFull } from "./outbox.js";
import { operator } from "./session.js";
import { isLetIn, person, tell } from "./shell.js";
import { t } from "./shell-words.js";

/**
 * Open the outbox of a page, and send what is left in it of a time before.
 *
 * What one person has done waits until that person is signed in again: the gateway takes nobody's acts from somebody else.
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
    send: (kept) => (isLetIn() ? ask("POST", kept.path, kept.body) : Promise.reject(new NotSignedIn())),
    isDue,
    pause: (ms) => new Promise((go) => setTimeout(go, ms)),
    changed,
    orphaned: (kept, error) => refused(kept.words, error instanceof Error ? error.message : String(error)),
  });
  void outbox.deliver();
  const others = outbox.kept.filter((kept) => !isDue(kept)).map(({ body }) => String(body["operator"]));
  for (const name of new Set(others)) tell("bad", t("waitsFor", { name }));
  return {
    kept: () => outbox.kept.filter(isDue),
    act: (path, body, words) =>
      outbox.add({ path, body: { ...body, actId: newActId(), operator: operator() }, words, since: new Date().toISOString() }),
  };
}

/** @param {import("./outbox.js").Kept} kept */
function isDue({ body }) {
  const who = person();
  return who === null || body["operator"] === who.personId;
}

/** Whether an act was answered with a no, or could not be begun: nothing was changed. @param {unknown} error @returns {error is Error} */
export function isRefusal(error) {
  return error instanceof Refused || error instanceof OutboxFull;
}
