/**
 * Barcode scanners that type like a keyboard (wedges), wherever the focus is, and people who type.
 *
 * A scanner is told from a person by its pace. What it types goes to no field and presses no button: its keys are taken away, and a field
 * that has got some of them gets its text back. Nothing is cut: a scanner that stumbles (Bluetooth, a busy machine) is waited for. The code is
 * handed on as it was sent, with its symbology (`]C1`) and with the group separator (GS1's FNC1) as U+001D.
 */

export const GS = "\u001d";

const PAUSE_MS = 300; // longer than any scanner stumbles: what was typed before is not of the same code
const PACE_MS = 60; // on average, from key to key and to the last one; a person needs twice as long
const LEAST = 3; // a person may hit two keys at once

/**
 * @typedef {object} Key what of a key event matters
 * @property {string} key
 * @property {boolean} ctrlKey
 * @property {boolean} altKey
 * @property {boolean} metaKey
 * @property {number} timeStamp ms, when the key was pressed
 *
 * @typedef {object} Heard what a key has led to
 * @property {boolean} isOurs it belongs to a code: nobody else is to see it
 * @property {string} [code] it was the last one of this code
 * @property {boolean} [isFirst] it may be the first one of a code
 */

/** Puts keys together to codes. */
export class Wedge {
  #text = "";
  #run = 0; // where in the text the keys begin that came without a pause
  #began = 0; // when the first of these came
  #last = -Infinity;
  #ended = -Infinity; // when a code did
  #separator;

  /** @param {string} [separator] what this scanner types instead of a group separator; U+001D, `␝` and Ctrl+] are known anyhow */
  constructor(separator = "") {
    this.#separator = separator;
  }

  /** @returns {string} what has been typed and not ended */
  get typed() {
    return this.#text;
  }

  /** Forget what has been typed. */
  clear() {
    this.#text = "";
  }

  /**
   * Take a key.
   *
   * @param {Key} key
   * @param {boolean} inField whether the focus is in a field for text: what a person types there is the field's
   * @returns {Heard}
   */
  press(key, inField) {
    const isLast = key.key === "Enter" || key.key === "Tab";
    const text = isLast ? "" : this.#textOf(key);
    if (!isLast && !text) return { isOurs: false };
    const isAnew = key.timeStamp - this.#last > PAUSE_MS;
    if (isLast) return this.#end(key, inField, isAnew);
    const isFirst = isAnew || !this.#text;
    // In a field a pause ends what is no scan; outside, a person may think while typing, and a scanner begins anew (see `#end`).
    if (isFirst) this.#began = key.timeStamp;
    if (isFirst && inField) this.#text = "";
    this.#run = isFirst ? this.#text.length : this.#run;
    this.#text += text;
    this.#last = key.timeStamp;
    return { isOurs: !inField || text === GS, isFirst };
  }

  /** @param {Key} key @param {boolean} inField @param {boolean} isAnew @returns {Heard} */
  #end(key, inField, isAnew) {
    const run = this.#text.slice(this.#run);
    const isScan = !isAnew && run.length >= LEAST && key.timeStamp - this.#began <= PACE_MS * run.length;
    // Some scanners end a code with two keys: the second one is theirs too, and presses nothing.
    if (!this.#text && key.timeStamp - this.#ended <= PAUSE_MS) return { isOurs: true };
    const code = isScan ? run : inField || key.key === "Tab" ? "" : this.#text;
    if (code || key.key === "Enter" || inField) this.clear();
    this.#last = -Infinity;
    if (isScan) this.#ended = key.timeStamp;
    return code.trim() ? { isOurs: true, code } : { isOurs: false };
  }

  /** @param {Key} key */
  #textOf({ key, ctrlKey, altKey, metaKey }) {
    if (key === GS || key === "␝" || (ctrlKey && !altKey && key === "]") || (this.#separator && key === this.#separator)) return GS;
    // AltGr is Ctrl+Alt, and makes brackets on some keyboards.
    const isCommand = metaKey || ctrlKey !== altKey;
    return key.length === 1 && !isCommand ? key : "";
  }
}

/**
 * Hear the scanner of this machine, and codes that are typed outside of fields.
 *
 * @param {Window} window_
 * @param {object} heard
 * @param {(code: string) => void} heard.scanned each code once, in the order in which they came
 * @param {(text: string) => void} [heard.typing] what has been typed so far
 * @param {string} [separator]
 * @returns {() => void} stops it
 */
export function hearScans(window_, heard, separator = "") {
  const wedge = new Wedge(separator);
  /** @type {{field: TextField, text: string} | null} */
  let before = null;

  /** @param {KeyboardEvent} event */
  const press = (event) => {
    if (event.repeat || event.isComposing) return;
    const field = textField(event.target);
    const { isOurs, isFirst, code } = wedge.press(event, field !== null);
    if (isFirst) before = field && { field, text: field.value };
    if (isOurs) {
      event.preventDefault();
      event.stopPropagation();
    }
    if (code && before) giveBack(before.field, before.text);
    if (code || isOurs) heard.typing?.(wedge.typed);
    if (code) heard.scanned(code);
  };
  // A space that a scanner types presses the button that has the focus when it is let go.
  /** @param {KeyboardEvent} event */
  const release = (event) => {
    if (event.key === " " && wedge.typed && !textField(event.target)) event.preventDefault();
  };
  window_.addEventListener("keydown", press, true);
  window_.addEventListener("keyup", release, true);
  return () => {
    window_.removeEventListener("keydown", press, true);
    window_.removeEventListener("keyup", release, true);
  };
}

/** @typedef {HTMLInputElement | HTMLTextAreaElement} TextField */

const NOT_TEXT = new Set(["button", "checkbox", "radio", "range", "submit", "file", "color"]);

/** @param {EventTarget | null} target @returns {TextField | null} */
function textField(target) {
  const element = /** @type {any} */ (target);
  const isField = element?.tagName === "TEXTAREA" || (element?.tagName === "INPUT" && !NOT_TEXT.has(element.type));
  return isField ? element : null;
}

/** @param {TextField} field @param {string} text */
function giveBack(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** The code without the symbology before it (ISO/IEC 15424), for labels that are no goods. @param {string} code */
export function withoutSymbology(code) {
  return code.replace(/^\][A-Za-z][0-9A-Za-z](?=.)/, "").trim();
}
