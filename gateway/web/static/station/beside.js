/** What the page asks for besides the stream of its station: alarms, labels to be printed. */

import { ask, request } from "../core/http.js";
import { page, tellBad } from "./model.js";
import { t } from "./words.js";

const LABEL_MS = 10_000;
const ALARMS_MS = 15_000;
const PRINTED_MS = 600_000;

/** Show a package's label in a window of its own, to be printed: asked for with the token, which a link cannot show. @param {number} packageId */
export async function openLabel(packageId) {
  const paper = open("about:blank");
  try {
    const { packageNo } = await ask("GET", `/v1/wes/packages/${packageId}/label`);
    const path = `/v1/wes/labels/packages?format=pdf&packageNo=${encodeURIComponent(packageNo)}`;
    const label = await request("GET", path, { signal: AbortSignal.timeout(LABEL_MS) });
    const address = URL.createObjectURL(await label.blob());
    paper?.location.replace(address);
    setTimeout(() => URL.revokeObjectURL(address), PRINTED_MS); // it is held in memory till then
  } catch (error) {
    paper?.close();
    tellBad(t("labelNotDrawn"), "", error instanceof Error ? error.message : "");
  }
}

/** Keep an eye on the alarms of the WES that name this station. */
export async function lookForAlarms() {
  try {
    const { items } = await ask("GET", "/v1/wes/alarms?limit=100");
    const alarms = /** @type {import("./model.js").Alarm[]} */ (items).filter((each) => each.text.includes(page.get().stationId));
    page.set({ alarms });
  } catch {
    // The stream tells whether the gateway is there; the next look tells of alarms.
  }
  setTimeout(() => void lookForAlarms(), ALARMS_MS);
}
