/** What a page knows, in one place: it changes by `set` alone, and whoever watches is told. */

import { render } from "../vendor/lit-html/lit-html.js";

/**
 * @template {object} State
 * @typedef {object} Store
 * @property {() => Readonly<State>} get
 * @property {(change: Partial<State>) => void} set
 * @property {(watcher: () => void) => void} watch
 */

/**
 * @template {object} State
 * @param {State} first
 * @returns {Store<State>}
 */
export function createStore(first) {
  let state = first;
  /** @type {Set<() => void>} */
  const watchers = new Set();
  return {
    get: () => state,
    set(change) {
      state = { ...state, ...change };
      for (const watcher of watchers) watcher();
    },
    watch(watcher) {
      watchers.add(watcher);
    },
  };
}

/**
 * Draw a page now, and at most once a frame whenever one of its stores changes.
 *
 * @param {HTMLElement} root
 * @param {readonly Pick<Store<any>, "watch">[]} stores
 * @param {() => unknown} view
 */
export function mount(root, stores, view) {
  let due = false;
  const draw = () => {
    due = false;
    render(view(), root);
  };
  for (const store of stores) {
    store.watch(() => {
      if (!due) requestAnimationFrame(draw);
      due = true;
    });
  }
  draw();
}
