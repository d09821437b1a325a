/** What the scanner's ear promises: each code once, whole, wherever the focus is; and what people type stays theirs. */

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.Event ??= /** @type {any} */ (class {});
const { GS, hearScans, Wedge, withoutSymbology } = await import("../../gateway/web/static/core/scanner.js");

const SCANNER_MS = 8;
const PERSON_MS = 180;

/** Somebody's keys: `pace` ms apart, each of `keys` a character or the name of a key. */
function keys(typed, pace, from = 1000) {
  return [...typed, "Enter"].map((key, number) => ({
    key, ctrlKey: false, altKey: false, metaKey: false, timeStamp: from + number * pace,
  }));
}

const codes = (wedge, events, inField = false) => events.flatMap((event) => wedge.press(event, inField).code ?? []);

/** A window whose keys a test presses, and a field in it. */
function window_() {
  const heard = {};
  return {
    addEventListener: (name, listener) => void (heard[name] = listener),
    removeEventListener: (name) => void delete heard[name],
    /** @returns {boolean} whether the page's own elements see the key */
    press(event, target = { tagName: "BODY" }) {
      let passes = true;
      heard.keydown({ repeat: false, isComposing: false, ...event, target, preventDefault: () => (passes = false), stopPropagation() {} });
      if (passes && target.tagName === "INPUT" && event.key.length === 1) target.value += event.key;
      return passes;
    },
  };
}

const field = (value = "") => ({ tagName: "INPUT", type: "text", value, dispatchEvent() {} });

test("a scan is one code, and so is what a person types", () => {
  for (const pace of [0, SCANNER_MS, 45, PERSON_MS]) {
    assert.deepEqual(codes(new Wedge(), keys("TOTE-0001", pace)), ["TOTE-0001"], `${pace} ms`);
  }
});

test("two scans, one right after the other, are two codes", () => {
  const events = [...keys("6901234567892", SCANNER_MS), ...keys("6901234567892", SCANNER_MS, 1000 + 15 * SCANNER_MS)];
  assert.deepEqual(codes(new Wedge(), events), ["6901234567892", "6901234567892"]);
});

test("a scanner that stumbles for a while loses nothing", () => {
  const events = keys("6901234567892", SCANNER_MS).map((event, number) => ({ ...event, timeStamp: event.timeStamp + (number > 4 ? 280 : 0) }));
  assert.deepEqual(codes(new Wedge(), events), ["6901234567892"]);
});

test("a key that somebody hit before is not of the code that is scanned", () => {
  assert.deepEqual(codes(new Wedge(), [...keys("x", 0, 0).slice(0, 1), ...keys("W1-03", SCANNER_MS)]), ["W1-03"]);
});

test("a person who thinks while typing is not cut", () => {
  assert.deepEqual(codes(new Wedge(), [...keys("TOTE-", PERSON_MS, 0).slice(0, 5), ...keys("0001", PERSON_MS, 9000)]), ["TOTE-0001"]);
});

test("the group separator arrives however the scanner types it; the symbology stays before the code", () => {
  const typed = [..."]C10106901234567892", "10L1"].join("");
  for (const separator of [GS, "␝", "|"]) {
    assert.deepEqual(codes(new Wedge("|"), keys([...typed, separator, ..."21S1"], SCANNER_MS)), [`${typed}${GS}21S1`]);
  }
  const byControl = keys([...typed, "]", ..."21S1"], SCANNER_MS).map((event, number) => ({ ...event, ctrlKey: number === typed.length }));
  assert.deepEqual(codes(new Wedge(), byControl), [`${typed}${GS}21S1`]);
  assert.deepEqual(codes(new Wedge(), keys("a|b1", SCANNER_MS)), ["a|b1"]);
});

test("commands are no text, brackets by AltGr are", () => {
  const press = (key, more) => ({ key, ctrlKey: false, altKey: false, metaKey: false, timeStamp: 0, ...more });
  const wedge = new Wedge();
  for (const more of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }]) assert.equal(wedge.press(press("r", more), false).isOurs, false);
  for (const key of ["Shift", "F5", "ArrowDown", "Process"]) assert.equal(wedge.press(press(key, {}), false).isOurs, false);
  wedge.press(press("]", { ctrlKey: true, altKey: true }), false);
  assert.equal(wedge.typed, "]");
});

test("Enter and Tab alone, and blanks, are no code", () => {
  const wedge = new Wedge();
  assert.deepEqual(codes(wedge, [...keys("", 0), ...keys("   ", SCANNER_MS)]), []);
  const tab = (events) => events.map((event) => (event.key === "Enter" ? { ...event, key: "Tab" } : event));
  assert.deepEqual(codes(wedge, tab(keys("ABC", PERSON_MS))), []);
  assert.deepEqual(codes(new Wedge(), tab(keys("ABC", SCANNER_MS))), ["ABC"]);
});

test("a scan goes to no field: what stood there stands there again", () => {
  const [page, weight, heard] = [window_(), field("1.6"), []];
  hearScans(/** @type {any} */ (page), { scanned: (code) => heard.push(code) });
  for (const event of keys("W1-03", SCANNER_MS)) page.press(event, weight);
  assert.deepEqual(heard, ["W1-03"]);
  assert.equal(weight.value, "1.6");
});

test("what a person types into a field is the field's, its Enter as well", () => {
  const [page, weight, heard] = [window_(), field(), []];
  hearScans(/** @type {any} */ (page), { scanned: (code) => heard.push(code) });
  const passed = keys("12.5", PERSON_MS).map((event) => page.press(event, weight));
  assert.deepEqual([heard, weight.value, passed.every(Boolean)], [[], "12.5", true]);
});

test("a scan presses no button, whichever has the focus; a person's Enter does", () => {
  const [page, button, heard] = [window_(), { tagName: "BUTTON" }, []];
  hearScans(/** @type {any} */ (page), { scanned: (code) => heard.push(code) });
  assert.ok(keys("A B-1", SCANNER_MS).every((event) => !page.press(event, button)));
  assert.deepEqual(heard, ["A B-1"]);
  assert.ok(page.press(keys("", 0, 9000)[0], button));
});

test("a scanner that ends a code with two keys presses no button with the second one either", () => {
  const [page, button, heard] = [window_(), { tagName: "BUTTON" }, []];
  hearScans(/** @type {any} */ (page), { scanned: (code) => heard.push(code) });
  const [last] = keys("", 0, 1000 + 6 * SCANNER_MS);
  assert.ok([...keys("AB-12", SCANNER_MS), last].every((event) => !page.press(event, button)));
  assert.deepEqual(heard, ["AB-12"]);
  assert.ok(page.press({ ...last, timeStamp: 2000 }, button), "a person presses it a moment later");
});

test("nothing is heard after the end", () => {
  const page = window_();
  const stop = hearScans(/** @type {any} */ (page), { scanned: () => assert.fail() });
  stop();
  assert.throws(() => page.press(keys("A", 0)[0]));
});

test("a label's symbology can be taken away, and nothing else", () => {
  assert.deepEqual(["]C0TOTE-0001", "TOTE-0001", " W1-03 ", "]C1", "]x"].map(withoutSymbology), ["TOTE-0001", "TOTE-0001", "W1-03", "]C1", "]x"]);
});
