/** The page's beginning. */

import { html } from "../vendor/lit-html/lit-html.js";
import { link, runPage } from "../core/shell.js";
import { createStore } from "../core/store.js";

const store = createStore({});

runPage({
  title: "pda",
  store,
  needsName: true,
  start: () => link(true),
  view: () => html`<p></p>`,
});
