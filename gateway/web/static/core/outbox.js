/**
 * What a person has done and the gateway has not answered yet.
 *
 * An act is kept before it is sent, goes in the order in which it was done, and is sent again under its id until the gateway takes or refuses
 * it; so it survives a lost network, a reload and a flat battery, and happens once (S2-147). A refused act has changed nothing: it
 * leaves the outbox and its person is told. Nothing else ends one: whatever else goes wrong, it is tried again.
 */

import { Refused } from "./http.js";

export const MOST = 500;
const SURE_MS = 6 * 86_400_000; // the gateway knows for seven days which acts it has done
const WAITS_MS = [500, 1000, 2000, 5000];

/**
 * @typedef {object} Kept
 * @property {string} path
 * @property {{actId: string} & Record<string, unknown>} body
 * @property {string} words what was done, for the person
 * @property {string} since RFC 3339
 */

/** The network has been away for so long that no more can be kept: the act was not begun. */
export class OutboxFull extends Error {}

/** The gateway has forgotten by now which acts it has done: whether this one has happened only a person can tell. */
export class TooOld extends Refused {
  constructor() {
    const detail = "it is older than six days, and nobody can tell any more whether it was heard: look, and do it anew if it was not";
    super(409, { title: "Too old", status: 409, detail });
  }
}

/** @returns {string} an id that no other page makes; `crypto.randomUUID` is missing where there is no TLS */
export function newActId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Outbox {
  /** @type {Kept[]} */
  #kept;
  /** @type {Map<string, {taken: (answer: any) => void, refused: (error: unknown) => void}>} */
  #waiting = new Map();
  #isSending = false;
  #store;
  #send;
  #pause;
  #name;
  #changed;
  #orphaned;
  #isDue;
  #now;

  /**
   * @param {object} given
   * @param {string} given.name under which it is kept
   * @param {Pick<Storage, "getItem" | "setItem">} given.store
   * @param {(kept: Kept) => Promise<any>} given.send raises Refused or Unanswered
   * @param {(ms: number) => Promise<void>} given.pause
   * @param {() => void} given.changed is told whenever something came or went
   * @param {(kept: Kept) => boolean} [given.isDue] whether it may be sent now; the others wait, and hold nobody up
   * @param {() => number} [given.now] ms since 1970
   * @param {(kept: Kept, error: unknown) => void} given.orphaned is told of a refusal for which nobody waits any more, after a reload
   */
  constructor({ name, store, send, pause, changed, orphaned, isDue = () => true, now = Date.now }) {
    this.#name = name;
    this.#store = store;
    this.#send = send;
    this.#pause = pause;
    this.#changed = changed;
    this.#orphaned = orphaned;
    this.#isDue = isDue;
    this.#now = now;
    this.#kept = this.#stored();
  }

  /** @returns {readonly Kept[]} oldest first, those that wait for somebody else too */
  get kept() {
    return this.#kept;
  }

  /**
   * Keep an act and send it when its turn comes.
   *
   * @param {Kept} act
   * @returns {Promise<any>} the gateway's answer, whenever it comes
   * @throws {OutboxFull} it was not kept
   */
  add(act) {
    const acts = [...this.#all(), act];
    try {
      if (acts.length > MOST) throw new OutboxFull();
      this.#store.setItem(this.#name, JSON.stringify(acts));
    } catch (error) {
      return Promise.reject(error instanceof OutboxFull ? error : new OutboxFull(undefined, { cause: error }));
    }
    this.#kept = acts;
    this.#changed();
    const answer = new Promise((taken, refused) => this.#waiting.set(act.body.actId, { taken, refused }));
    void this.deliver();
    return answer;
  }

  /** Send what is kept, one after the other, until nothing is left. */
  async deliver() {
    if (this.#isSending) return;
    this.#isSending = true;
    for (let tries = 0, act; (act = this.#kept.find(this.#isDue)); ) {
      const waiting = this.#waiting.get(act.body.actId);
      try {
        if (this.#now() - Date.parse(act.since) > SURE_MS) throw new TooOld();
        const answer = await this.#send(act);
        this.#forget(act);
        waiting?.taken(answer);
        tries = 0;
      } catch (error) {
        if (!(error instanceof Refused)) {
          await this.#pause(WAITS_MS[Math.min(tries, WAITS_MS.length - 1)] ?? 0);
          tries += 1;
          continue;
        }
        this.#forget(act);
        if (waiting) waiting.refused(error);
        else this.#orphaned(act, error);
        tries = 0;
      }
    }
    this.#isSending = false;
  }

  /** @param {Kept} act */
  #forget(act) {
    this.#waiting.delete(act.body.actId);
    this.#kept = this.#all().filter((each) => each.body.actId !== act.body.actId);
    try {
      this.#store.setItem(this.#name, JSON.stringify(this.#kept));
    } catch {
      // After a reload it is sent once more, and answered as before.
    }
    this.#changed();
  }

  /** @returns {Kept[]} */
  #stored() {
    return JSON.parse(this.#store.getItem(this.#name) ?? "[]");
  }

  /** A tab that the browser had put to sleep may wake beside another: what that one keeps under the same name is not written over. */
  #all() {
    const own = new Set(this.#kept.map((each) => each.body.actId));
    return [...this.#kept, ...this.#stored().filter((each) => !own.has(each.body.actId))];
  }
}
