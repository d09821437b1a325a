/** One tab at a time: two that keep acts under the same name would each forget what the other keeps. */

const ANSWER_MS = 300;

/**
 * Wait until no other tab of this browser has a name, and have it from then on, as long as this tab lives.
 *
 * @param {string} name
 * @param {() => void} taken is told when another tab has it
 * @returns {Promise<() => void>} gives it back
 */
export async function alone(name, taken) {
  const channel = new BroadcastChannel(`sole:${name}`);
  const self = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  let has = false;
  let heard = false;
  channel.onmessage = ({ data }) => {
    if (data.has || ("asks" in data && data.asks < self)) heard = true;
    // Of two that ask at the same time the smaller number is first.
    if ("asks" in data && has) channel.postMessage({ has: true });
    else if ("asks" in data && data.asks > self) channel.postMessage({ asks: self });
  };
  do {
    if (heard) taken();
    heard = false;
    channel.postMessage({ asks: self });
    await new Promise((go) => setTimeout(go, ANSWER_MS));
  } while (heard);
  has = true;
  return () => channel.close();
}
