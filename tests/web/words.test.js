/** Every language says everything, and nothing is written that nobody says. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../gateway/web/static/", import.meta.url));
const GATEWAY = fileURLToPath(new URL("../../gateway/", import.meta.url));
const scripts = readdirSync(ROOT, { recursive: true }).filter((name) => name.endsWith(".js") && !name.startsWith("vendor"));
const sources = new Map(scripts.map((name) => [name, readFileSync(ROOT + name, "utf-8")]));
const dictionaries = scripts.filter((name) => sources.get(name).includes("speaking({ en, zh })"));

/** The words of one language, read from the source: `  word: "text",` a line. */
function wordsOf(source, language) {
  const block = new RegExp(`const ${language} = \\{(.*?)\\n\\};`, "s").exec(source)?.[1] ?? "";
  return new Map([...block.matchAll(/^ {2}(\w+):\s*("(?:[^"\\]|\\.)*"),$/gm)].map(([, word, text]) => [word, JSON.parse(text)]));
}

const placesOf = (text) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

test("there are words", () => assert.ok(dictionaries.length > 0));

for (const name of dictionaries) {
  const [en, zh] = ["en", "zh"].map((language) => wordsOf(sources.get(name), language));

  test(`${name}: the languages have the same words with the same places`, () => {
    assert.ok(en.size > 0);
    assert.deepEqual([...zh.keys()].sort(), [...en.keys()].sort());
    for (const [word, text] of en) assert.deepEqual(placesOf(zh.get(word)), placesOf(text), word);
  });

  // Advice is given about refusals: its words are their codes, which the gateway says.
  if (name.endsWith("/advice.js")) {
    test(`${name}: every code is one of the gateway's`, () => {
      const programs = readdirSync(GATEWAY, { recursive: true }).filter((each) => each.endsWith(".py"));
      const said = programs.map((each) => readFileSync(GATEWAY + each, "utf-8")).join("\n");
      assert.deepEqual([...en.keys()].filter((word) => !said.includes(`"${word}"`)), []);
    });
    continue;
  }

  test(`${name}: every word is said`, () => {
    const folder = name.slice(0, name.lastIndexOf("/") + 1);
    const said = scripts.filter((each) => each.startsWith(folder) && each !== name).map((each) => sources.get(each)).join("\n");
    assert.deepEqual([...en.keys()].filter((word) => !new RegExp(`"${word}"|\\b${word}:`).test(said)), []);
  });
}
