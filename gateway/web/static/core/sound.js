/** What a person hears without looking: it was good, or it was not (WebAudio, no files). */

const KEPT_AS = "muted";

/** Of a tone: Hz, when it begins and how long it lasts, in s. @typedef {readonly [hertz: number, at: number, lasts: number]} Tone */

/** @type {Record<"good" | "bad", {wave: OscillatorType, tones: readonly Tone[]}>} */
const SOUNDS = {
  good: { wave: "sine", tones: [[880, 0, 0.07], [1320, 0.08, 0.1]] },
  bad: { wave: "square", tones: [[196, 0, 0.16], [156, 0.2, 0.28]] },
};
const LOUDNESS = 0.25;

/** @type {AudioContext | null} */
let audio = null;

/** @returns {boolean} */
export function isMuted() {
  return localStorage.getItem(KEPT_AS) === "yes";
}

/** Be silent from now on, or not; this browser remembers it. @param {boolean} silent */
export function mute(silent) {
  localStorage.setItem(KEPT_AS, silent ? "yes" : "no");
}

/** Make a sound; browsers make none before somebody has touched the page. @param {"good" | "bad"} which */
export function sound(which) {
  if (isMuted() || !("AudioContext" in globalThis)) return;
  audio ??= new AudioContext();
  void audio.resume();
  const { wave, tones } = SOUNDS[which];
  for (const [hertz, at, lasts] of tones) play(audio, wave, hertz, audio.currentTime + at, lasts);
}

/** @param {AudioContext} on @param {OscillatorType} wave @param {number} hertz @param {number} at @param {number} lasts */
function play(on, wave, hertz, at, lasts) {
  const source = new OscillatorNode(on, { type: wave, frequency: hertz });
  const volume = new GainNode(on, { gain: 0 });
  volume.gain.setValueAtTime(LOUDNESS, at);
  volume.gain.exponentialRampToValueAtTime(0.001, at + lasts);
  source.connect(volume).connect(on.destination);
  source.start(at);
  source.stop(at + lasts);
}
