// A window on a token stream and its cost: the same numbers as in window.py.
import { change, chip, count, element, fill, picture, readable, slider, svg, whole } from "./shared.js";

/** @import { Parts } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/window.json")} Words */

/**
 * @typedef {object} State
 * @property {[number: number, text: string][]} tokens
 * @property {number} start
 * @property {number} length
 * @property {number} longest
 * @property {[fixed: number, growing: number]} flops of a token: fixed + growing * length
 */
/** @typedef {{ start: number, length: number }} Window */

const THOUSAND = 1000, TALLEST = 112; // pixels of the longer window's stairs

/** @param {number} length */
const countLooks = (length) => (length * (length + 1)) / 2;
/**
 * @param {State["flops"]} flops
 * @param {number} length
 */
const windowFlops = ([fixed, growing], length) => length * (fixed + growing * length);

/**
 * A window's looks as stairs: row i has a step for each of the positions 0 to i.
 * @param {number} length
 * @param {number} step in pixels
 * @param {string} words
 */
function stairs(length, step, words) {
  const size = step * length, gap = step / 5;
  /** @param {number} i */
  const row = (i) => `M0 ${step * i}h${step * (i + 1) - gap}v${step - gap}H0z`;
  const path = svg("path", { d: Array.from({ length }, (_, i) => row(i)).join("") });
  const drawn = svg("svg", { width: size, height: size, "aria-hidden": true }, path);
  return element("div", {}, drawn, element("div", { class: "quiet" }, words));
}

/**
 * Dragging over the boxes moves the window: move(place) is told where it begins.
 * @param {HTMLElement} stream
 * @param {Element[]} boxes
 * @param {() => Window} window
 * @param {(place: number) => void} move
 */
function makeDraggable(stream, boxes, window, move) {
  /** @type {number | null} */
  let grip = null;
  /** @param {PointerEvent} event */
  const under = (event) => {
    const box = document.elementFromPoint(event.clientX, event.clientY)?.closest(".chip");
    return box ? boxes.indexOf(box) : -1;
  };
  stream.addEventListener("pointerdown", (event) => {
    const at = under(event), { start, length } = window();
    if (at < 0) return;
    grip = Math.min(Math.max(at - start, 0), length);
    stream.setPointerCapture(event.pointerId);
    move(at - grip);
  });
  stream.addEventListener("pointermove", (event) => {
    if (grip === null) return;
    const at = under(event);
    if (at >= 0) move(at - grip);
  });
  for (const end of ["pointerup", "pointercancel"]) stream.addEventListener(end, () => { grip = null; });
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words, said }) {
  const tokens = model.get("tokens"), last = tokens.length - 1;
  const window = () => ({ start: model.get("start"), length: model.get("length") });
  /** @param {number} start */
  const move = (start) => change(model, { start: Math.min(Math.max(start, 0), last - model.get("length")) });
  /** @param {number} length */
  const resize = (length) => change(model, { start: Math.min(model.get("start"), last - length), length });
  const place = slider(words.start, move), size = slider(words.length, resize);
  const boxes = tokens.map(([number, text]) => chip(text, number));
  const stream = element("div", { class: "chips stream" }, ...boxes), costs = element("div", { class: "costs" });
  root.append(element("div", { class: "controls" }, place, size),
    element("p", { class: "quiet" }, words.stream), stream,
    element("div", { class: "priced" }, costs, said));
  makeDraggable(stream, boxes, window, move);

  return () => {
    const length = whole(model, "length", 0, model.get("longest"));
    const start = whole(model, "start", 0, last - length), label = start + length;
    place.show(start, last - length, fill(words.place, { start: start + 1 }));
    size.show(length, model.get("longest"), fill(words.tokens, { length }));
    boxes.forEach((box, i) => {
      box.className = `chip ${i === label ? "label" : start <= i && i < label ? "context" : ""}`;
    });
    costs.replaceChildren(...[length, 2 * length].filter(Boolean).map((T) =>
      stairs(T, TALLEST / (2 * length), fill(words.looks, { length: T, looks: count(countLooks(T)) }))));
    return sentence(words, tokens, start, length, model.get("flops"));
  };
}

/**
 * @param {Words} words
 * @param {State["tokens"]} tokens
 * @param {number} start
 * @param {number} length
 * @param {State["flops"]} flops
 */
function sentence(words, tokens, start, length, flops) {
  const [number, text] = tokens[start + length];
  if (!length) return fill(words.empty, { text, number });
  const seen = tokens.slice(start, start + length).map((token) => token[1]).join("");
  const once = countLooks(length), twice = countLooks(2 * length), T = THOUSAND * length;
  const cost = windowFlops(flops, T), doubled = windowFlops(flops, 2 * T);
  return [
    fill(words.said, { length, seen, text, number }),
    fill(words.cost, { once, longer: 2 * length, twice, times: readable(twice / once) }),
    fill(words.thousands, { tokens: count(T), once: readable(cost / 1e12), longer: count(2 * T),
      times: readable(doubled / cost) }),
  ].join("\n");
}

export default picture(build);
