/** Server-sent events over fetch: EventSource can show no token. */

import { request, Refused } from "./http.js";

const SILENCE_MS = 25_000; // the gateway says something every 10 s
const WAITS_MS = [250, 1000, 2000, 5000];

/** @typedef {{id: string, type: string, data: string}} StreamEvent */

/** Cuts a text that comes in pieces into events (WHATWG HTML, section 9.2.6). */
export class EventParser {
  #rest = "";
  #id = "";
  #type = "";
  /** @type {string[]} */
  #data = [];

  /** How far the stream has been read: a number may come without an event. */
  get id() {
    return this.#id;
  }

  /** @param {string} piece @returns {StreamEvent[]} what is complete with it */
  feed(piece) {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#line(line));
  }

  /** @param {string} line @returns {StreamEvent[]} */
  #line(line) {
    if (line === "") {
      const event = { id: this.#id, type: this.#type || "message", data: this.#data.join("\n") };
      const isOne = this.#data.length > 0;
      this.#type = "";
      this.#data = [];
      return isOne ? [event] : [];
    }
    const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#type = value;
    else if (field === "id") this.#id = value;
    return [];
  }
}

/**
 * Listen to a stream until told to stop; a stream that ends or falls silent is opened again where it was.
 *
 * @param {string} path
 * @param {object} heard
 * @param {(event: StreamEvent) => void} heard.event
 * @param {(open: boolean) => void} heard.link whether the gateway is there
 * @param {(id: string) => void} [heard.at] how far the stream has been read, after its events
 * @param {(refused: Refused) => void} [heard.refused] the gateway will not open it: nothing more comes
 * @param {string} [lastId] what has been heard before
 * @param {number} [silenceMs] after which nobody is there any more
 * @returns {() => void} stops it
 */
export function listen(path, heard, lastId = "", silenceMs = SILENCE_MS) {
  const stop = new AbortController();
  void follow();
  return () => stop.abort();

  async function follow() {
    for (let tries = 0; !stop.signal.aborted; tries += 1) {
      const silence = new AbortController();
      let timer = setTimeout(() => silence.abort(), silenceMs);
      try {
        const response = await request("GET", path, {
          signal: AbortSignal.any([stop.signal, silence.signal]),
          headers: { Accept: "text/event-stream", ...(lastId ? { "Last-Event-ID": lastId } : {}) },
        });
        const parser = new EventParser();
        const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
        heard.link(true);
        for (let next = await reader.read(); !next.done; next = await reader.read()) {
          clearTimeout(timer);
          timer = setTimeout(() => silence.abort(), silenceMs);
          for (const event of parser.feed(next.value)) heard.event(event);
          if (parser.id && parser.id !== lastId) {
            lastId = parser.id;
            heard.at?.(lastId);
          }
          tries = 0; // only now: one that breaks off as soon as it is open is not asked for in haste
        }
      } catch (error) {
        if (error instanceof Refused) {
          heard.refused?.(error);
          return;
        }
      } finally {
        clearTimeout(timer);
      }
      if (stop.signal.aborted) return;
      heard.link(false);
      await new Promise((go) => setTimeout(go, WAITS_MS[Math.min(tries, WAITS_MS.length - 1)]));
    }
  }
}
