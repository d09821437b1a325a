/** What is scanned with a handheld lands where it belongs, or nowhere; what it has read it still knows without a network (S2-145). */

import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.localStorage = /** @type {any} */ ({ getItem: () => "en" });
globalThis.sessionStorage = /** @type {any} */ ({ getItem: () => null });
const { answers, begin, expected, filled, isComplete, isOneOf, scan, typedCode } = await import("../../gateway/web/static/pda/job.js");
const { forgetLists, keptList } = await import("../../gateway/web/static/pda/kept.js");
const { kilograms } = await import("../../gateway/web/static/pda/pick.js");
const { noneOf, only, onlyAt } = await import("../../gateway/web/static/pda/task.js");
const { Refused, Unanswered } = await import("../../gateway/web/static/core/http.js");

const TEA = { skuId: "TEA", name: "Green tea", barcodes: ["6901234567892"], lotNo: "L-1" };
const PICK = [
  { name: "place", word: "scanPlace", kind: "code", refuses: onlyAt("S-01") },
  { name: "scan", word: "scanGoods", kind: "code", refuses: only(TEA, true) },
  { name: "quantity", word: "pieces", kind: "pieces", most: 4 },
];
const scanned = (fields, codes, given) => codes.reduce(scan, begin(fields, given));

test("scans fill one field after the other, and what is complete may be sent", () => {
  const entry = scanned(PICK, ["S-01", "6901234567892"], { quantity: 4 });
  assert.deepEqual(entry.values, { place: "S-01", scan: "6901234567892", quantity: 4 });
  assert.equal(expected(entry), null);
  assert.ok(isComplete(entry));
});

test("what is not expected lands nowhere and says why", () => {
  const wrong = scanned(PICK, ["S-02"]);
  assert.equal(wrong.refusal, "S-02 is not S-01");
  assert.deepEqual(wrong.values, {});
  assert.match(scanned(PICK, ["S-01", "6900000000007"]).refusal, /is not Green tea/);
  assert.match(scanned(PICK, ["S-01", "TEA", "S-01"], { quantity: 1 }).refusal, /nothing is to be scanned/);
  assert.equal(scan(wrong, "S-01").refusal, "", "the next one is heard");
});

test("what is typed is judged as a scan, whichever field somebody fills first", () => {
  const into = { name: "holderId", word: "scanInto", kind: "code", refuses: noneOf(["TEA"]) };
  const fields = [...PICK, into];
  const [place, goods] = fields;
  assert.equal(typedCode(begin(fields), into, "TOTE-1").values.holderId, "TOTE-1");
  for (const [field, code] of [[into, "TEA"], [goods, "6900000000007"], [place, "S-02"]]) {
    const entry = typedCode(begin(fields, { holderId: "TOTE-1" }), field, code);
    assert.notEqual(entry.refusal, "", code);
    assert.ok(!entry.values[field.name], "and it lands nowhere");
  }
  assert.equal(typedCode(begin(fields, { place: "S-01" }), place, "").values.place, "", "what was typed may be taken back");
});

test("goods that this handheld cannot read are left to the gateway, and refused where that does not answer", () => {
  Object.defineProperty(navigator, "onLine", { value: true, configurable: true });
  for (const code of ["TEA", "L-1", "06901234567892"]) assert.equal(only(TEA, true)(code), null, code);
  for (const code of ["]C1010690000000007717261231", "UNIT-0815", "6900000000007"]) {
    assert.equal(only(TEA, false)(code), null, "it judges before anything is booked");
    assert.match(only(TEA, true)(code), /is not Green tea/);
  }
  Object.defineProperty(navigator, "onLine", { value: false, configurable: true });
  assert.match(only(TEA, false)("UNIT-0815"), /is not Green tea/);
});

test("a code that only led to the job is not taken for its first answer", () => {
  const fields = [{ ...PICK[1], codes: ["TEA", "6901234567892"] }, PICK[2]];
  assert.ok(answers(begin(PICK), "S-01"));
  assert.ok(answers(begin(fields), "TEA"));
  assert.ok(!answers(begin(fields), "N-1"), "the number of a notice is not on the goods");
});

test("the code of the goods is no container to put them into", () => {
  const fields = [{ name: "holderId", word: "scanInto", kind: "code", refuses: noneOf(["6901234567892"]) }];
  assert.match(scanned(fields, ["06901234567892"]).refusal, /stands on the goods/);
  assert.equal(scanned(fields, ["TOTE-1"]).values.holderId, "TOTE-1");
});

test("where pieces are counted by scanning, each scan of the goods is one more, and not one too many", () => {
  const fields = [{ ...PICK[1], codes: ["TEA", "6901234567892"] }, { ...PICK[2], countsScans: true }];
  assert.equal(scanned(fields, ["TEA", "6901234567892", "TEA"]).values.quantity, 3);
  const full = scanned(fields, ["TEA", "TEA", "TEA", "TEA", "TEA"]);
  assert.deepEqual([full.values.quantity, full.refusal], [4, "No more than 4"]);
});

test("goods that are scanned twice where nobody counts by scanning are still the same pieces", () => {
  const entry = scanned(PICK, ["S-01", "TEA", "TEA"], { quantity: 4 });
  assert.deepEqual([entry.values.quantity, entry.refusal], [4, ""]);
});

test("every unit is scanned once", () => {
  const fields = [{ name: "upns", word: "scanUnits", kind: "units", most: 2 }];
  const entry = scanned(fields, ["A", "B", "A"]);
  assert.deepEqual([entry.values.upns, entry.refusal], [["A", "B"], "A has been scanned already"]);
  assert.equal(scan(filled(entry, "upns", ["A", "B"]), "C").refusal, "No more than 2");
});

test("nothing that is missing or out of bounds is sent", () => {
  for (const quantity of [undefined, "", 0, 5, 1.5]) {
    assert.equal(isComplete(begin(PICK, { place: "S-01", scan: "TEA", quantity })), false, String(quantity));
  }
  const counted = [{ name: "quantity", word: "pieces", kind: "pieces", least: 0 }];
  assert.ok(isComplete(begin(counted, { quantity: 0 })), "nothing there is a count too");
});

test("a number is one number, however it is printed", () => {
  const printed = ["690123456789", "0690123456789", "00690123456789", "]E00690123456789", "]C10100690123456789", "(01)00690123456789"];
  for (const code of printed) assert.ok(isOneOf(code, ["690123456789"]), code);
  assert.ok(!isOneOf("690123456780", ["690123456789"]));
  assert.ok(!isOneOf("0A-1", ["A-1"]), "only numbers have zeros before them");
});

/** As much of a browser's storage as lists need. */
function storage() {
  /** @type {Map<string, string>} */
  const kept = new Map();
  return {
    get length() {
      return kept.size;
    },
    key: (at) => [...kept.keys()][at] ?? null,
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, text) => void kept.set(name, text),
    removeItem: (name) => void kept.delete(name),
  };
}

test("lists leave room for acts, however many have been read; the oldest go first", async () => {
  const store = storage();
  store.setItem("acts:pda", "[]");
  for (let number = 0; number < 10; number += 1) {
    await keptList(`/v1/list/${number}`, 10, store, async () => ["x".repeat(600_000)]);
    await new Promise((go) => setTimeout(go, 2));
  }
  const names = Array.from({ length: store.length }, (_, at) => store.key(at));
  assert.deepEqual(names, ["acts:pda", "list:/v1/list/7", "list:/v1/list/8", "list:/v1/list/9"]);
  forgetLists(store);
  assert.deepEqual([store.length, store.key(0)], [1, "acts:pda"], "what is not sent is nobody's to forget");
});

test("a weight is a number with a point or a comma; what is none is not left out", () => {
  assert.deepEqual(["1.5", "1,5", "1,5 kg"].map(kilograms), [1.5, 1.5, "1,5 kg"]);
});

test("a list is known as it was read last, if nobody answers", async () => {
  const store = storage();
  const away = () => Promise.reject(new Unanswered(""));
  await assert.rejects(keptList("/v1/list", 10, store, away), Unanswered);
  const fresh = await keptList("/v1/list", 10, store, async () => [1, 2]);
  assert.deepEqual([fresh.items, fresh.isOld], [[1, 2], false]);
  const old = await keptList("/v1/list", 10, store, away);
  assert.deepEqual([old.items, old.isOld, old.at], [[1, 2], true, fresh.at]);
  const no = () => Promise.reject(new Refused(403, { title: "", detail: "no", status: 403 }));
  await assert.rejects(keptList("/v1/list", 10, store, no), Refused);
});
