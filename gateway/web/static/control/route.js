/** What the page shows, as its address says it: `#transport/T-17`, `#devices`, `#transports?status=failed`. A colleague can be sent it. */

/**
 * @typedef {"transport" | "device" | "container" | "location" | "order"} Kind
 * @typedef {"transports" | "devices" | "containers" | "orders" | "feed"} ListName
 *
 * @typedef {object} Route
 * @property {ListName} list the list that is open, or that the thing belongs to
 * @property {Kind | null} kind of the thing that is looked at; null: none is
 * @property {string} id
 * @property {string} filter of the list
 */

/** @type {Readonly<Record<Kind, ListName>>} */
const LIST_OF = { transport: "transports", device: "devices", container: "containers", location: "containers", order: "orders" };
export const LISTS = /** @type {const} */ (["transports", "devices", "containers", "orders", "feed"]);

/** @param {string} hash @returns {Route} */
export function routeOf(hash) {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?");
  const [first = "", ...rest] = path.split("/");
  const filter = new URLSearchParams(query).get("filter") ?? "";
  const kind = /** @type {Kind[]} */ (Object.keys(LIST_OF)).find((each) => each === first);
  const id = plain(rest.join("/"));
  if (kind && id) return { list: LIST_OF[kind], kind, id, filter: "" };
  return { list: LISTS.find((each) => each === first) ?? "transports", kind: null, id: "", filter };
}

/** @param {Kind} kind @param {string | number} id */
export function linkTo(kind, id) {
  return `#${kind}/${encodeURIComponent(id)}`;
}

/** @param {ListName} list @param {string} [filter] */
export function linkToList(list, filter = "") {
  return `#${list}${filter ? `?${new URLSearchParams({ filter })}` : ""}`;
}

/** @param {string} text */
function plain(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
