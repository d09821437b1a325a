/** The page's beginning: which station it is stands in the address, `#station-1`. */

import { all } from "../core/http.js";
import { hearScans } from "../core/scanner.js";
import { link, runPage } from "../core/shell.js";
import { alone } from "../core/sole.js";
import { lookForAlarms } from "./beside.js";
import { attend, page, scanned } from "./model.js";
import { stationView } from "./view.js";

const AGAIN_MS = 2000;
const SEPARATOR = "groupSeparator"; // what this machine's scanner types where FNC1 is, if it is none of the usual ones

runPage({ title: "station", store: page, needsName: true, start: () => void start(), view: stationView });

async function start() {
  addEventListener("hashchange", () => location.reload());
  hearScans(window, { scanned, typing: (typed) => page.set({ typed }) }, localStorage.getItem(SEPARATOR) ?? "");
  const stationId = decodeURIComponent(location.hash.slice(1));
  if (!stationId) {
    await listStations();
    return;
  }
  page.set({ stationId });
  await alone(stationId, () => page.set({ isElsewhere: true }));
  page.set({ isElsewhere: false });
  attend(stationId);
  void lookForAlarms();
}

async function listStations() {
  try {
    page.set({ stations: await all("/v1/wes/stations") });
    link(true);
  } catch {
    link(false);
    setTimeout(() => void listStations(), AGAIN_MS);
  }
}
