/**
 * In which language the pages speak.
 *
 * Each folder has its own words. Words of the warehouse are those of the glossary. What the gateway itself says (reasons, alarms) comes
 * in English, with a `code`.
 */

export const LANGUAGES = /** @type {const} */ (["en", "zh"]);
/** @typedef {typeof LANGUAGES[number]} Language */

const KEPT_AS = "language";
const language = firstKnown([localStorage.getItem(KEPT_AS) ?? "", ...navigator.languages]);

/** @param {readonly string[]} wished @returns {Language} */
function firstKnown(wished) {
  const known = wished.map((each) => LANGUAGES.find((one) => one === each.slice(0, 2)));
  return known.find((each) => each !== undefined) ?? "en";
}

/** @returns {Language} its two letters (ISO 639-1) */
export function currentLanguage() {
  return language;
}

/** Speak another language from now on; the page loads anew, so that no text is forgotten. @param {string} chosen */
export function speak(chosen) {
  localStorage.setItem(KEPT_AS, chosen);
  location.reload();
}

/**
 * Return what says a folder's words in the language of whoever looks at the page, values put into the places in braces.
 *
 * @template {string} Word
 * @param {Record<Language, Record<Word, string>>} words
 * @returns {(word: Word, values?: Record<string, string | number>) => string}
 */
export function speaking(words) {
  return (word, values = {}) => words[language][word].replace(/\{(\w+)\}/g, (place, name) => String(values[name] ?? place));
}
