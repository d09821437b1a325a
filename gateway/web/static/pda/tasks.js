/** All kinds of work that a handheld shows, in the order of its menu. */

import { count } from "./count.js";
import { pick } from "./pick.js";
import { putBack } from "./put-back.js";
import { receive } from "./receive.js";
import { replenish } from "./replenish.js";

/** @type {readonly import("./task.js").Task[]} */
export const TASKS = [receive, pick, replenish, count, putBack];
