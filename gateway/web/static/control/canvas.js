/**
 * A drawing that is zoomed and moved: by wheel, by one or two fingers, by keys, by buttons. It draws at most once a frame.
 *
 * What is drawn is somebody else's; here is only where one looks from. As long as nobody has moved it, all of it is seen.
 */

import { html, render } from "../vendor/lit-html/lit-html.js";
import { centred, fitted, isSeen, panned, toSite, zoomed } from "./geometry.js";

/**
 * @typedef {import("./geometry.js").Point} Point
 * @typedef {import("./geometry.js").Camera} Camera
 * @typedef {import("./geometry.js").Size} Size
 *
 * @typedef {object} Picture
 * @property {() => import("./geometry.js").Box} box
 * @property {(camera: Camera, size: Size) => unknown} view
 * @property {() => boolean} isMoving whether the next frame is another one
 * @property {(point: Point, within: number) => void} pick somebody has pressed there; metres
 * @property {(point: Point | null, within: number) => void} hover
 *
 * @typedef {object} Canvas
 * @property {() => void} draw soon
 * @property {() => void} fit
 * @property {(factor: number) => void} zoom
 * @property {(point: Point) => void} show
 * @property {() => void} end
 */

const STEP = 1.3;
const PAN_PX = 60;
const PRESS_PX = 5;
const FINGER_PX = 14;
const NEAR = 18;

/** @param {HTMLElement} element @param {Picture} picture @returns {Canvas} */
export function createCanvas(element, picture) {
  const gone = new AbortController();
  /** @type {Size} */
  let size = { width: element.clientWidth || 1, height: element.clientHeight || 1 };
  let camera = fitted(picture.box(), size);
  let isOwn = false;
  let isDue = false;
  const sizes = new ResizeObserver(() => {
    size = { width: element.clientWidth || 1, height: element.clientHeight || 1 };
    if (!isOwn) camera = fitted(picture.box(), size);
    draw();
  });
  sizes.observe(element);
  listenTo(element);
  draw();
  return {
    draw,
    fit() {
      isOwn = false;
      look(fitted(picture.box(), size), false);
    },
    zoom: (factor) => look(zoomed(camera, size, middle(), factor)),
    show(point) {
      if (!isSeen(camera, size, point, 40)) look(centred(camera, point, NEAR));
    },
    end() {
      gone.abort();
      sizes.disconnect();
    },
  };

  function draw() {
    if (isDue || gone.signal.aborted) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      if (gone.signal.aborted) return;
      render(html`<svg width=${size.width} height=${size.height} aria-hidden="true">${picture.view(camera, size)}</svg>`, element);
      if (picture.isMoving()) draw();
    });
  }

  /** @param {Camera} from @param {boolean} [own] */
  function look(from, own = true) {
    isOwn = own;
    camera = from;
    draw();
  }

  function middle() {
    return { x: size.width / 2, y: size.height / 2 };
  }

  /** @param {HTMLElement} target */
  function listenTo(target) {
    /** @type {Map<number, Point>} */
    const fingers = new Map();
    let travelled = 0;
    const on = /** @type {typeof target.addEventListener} */ (
      (/** @type {string} */ name, /** @type {any} */ heard) => target.addEventListener(name, heard, { signal: gone.signal, passive: false })
    );
    const at = (/** @type {PointerEvent | WheelEvent} */ event) => {
      const frame = target.getBoundingClientRect();
      return { x: event.clientX - frame.left, y: event.clientY - frame.top };
    };
    const near = () => FINGER_PX / camera.scale;
    on("wheel", (event) => {
      event.preventDefault();
      look(zoomed(camera, size, at(event), Math.exp(-event.deltaY / 400)));
    });
    on("pointerdown", (event) => {
      if (fingers.size === 0) travelled = 0;
      fingers.set(event.pointerId, at(event));
      target.setPointerCapture(event.pointerId);
    });
    on("pointermove", (event) => {
      const was = fingers.get(event.pointerId);
      const now = at(event);
      if (!was) {
        picture.hover(toSite(camera, size, now), near());
        return;
      }
      const by = { x: now.x - was.x, y: now.y - was.y };
      travelled += Math.hypot(by.x, by.y);
      if (travelled > PRESS_PX) {
        const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
        const factor = other ? Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(was.x - other.x, was.y - other.y)) : 1;
        const share = other ? 0.5 : 1;
        look(zoomed(panned(camera, { x: by.x * share, y: by.y * share }, picture.box()), size, other ?? now, factor));
      }
      fingers.set(event.pointerId, now);
    });
    on("pointerup", (event) => {
      if (fingers.delete(event.pointerId) && travelled <= PRESS_PX) picture.pick(toSite(camera, size, at(event)), near());
    });
    on("pointercancel", (event) => fingers.delete(event.pointerId));
    on("pointerleave", () => picture.hover(null, 0));
    on("keydown", (event) => {
      const moved = keyed(event.key);
      if (!moved) return;
      event.preventDefault();
      look(moved);
    });
  }

  /** @param {string} key @returns {Camera | null} */
  function keyed(key) {
    const by = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
    if (by) return panned(camera, { x: (by[0] ?? 0) * PAN_PX, y: (by[1] ?? 0) * PAN_PX }, picture.box());
    if (key === "+" || key === "=") return zoomed(camera, size, middle(), STEP);
    if (key === "-") return zoomed(camera, size, middle(), 1 / STEP);
    return key === "0" ? fitted(picture.box(), size) : null;
  }
}
