// Curves over the updates of a training: each with its name at its end, axes with numbers, and a point to hover over.
import { element, svg } from "./shared.js";

/**
 * @typedef {object} Plotted
 * @property {string} label what a screen reader says of the drawing
 * @property {string[]} names of the curves
 * @property {number[][]} heights shape (curves, n): 0 at the foot, 1 at the top
 * @property {string[]} [colours] CSS variables, without their --
 * @property {[share: number, words: string][]} ticks of the upright axis
 * @property {string} across what runs from left to right
 * @property {(curve: number, step: number) => void} choose hears of a click or a tap
 * @property {(curve: number | null, step: number) => void} hover hears what the mouse is at; null: of nothing
 */

const WIDTH = 600, HEIGHT = 170, LINE = 15; // the drawing's own units across; pixels of its height and of a name
const REACH = 40; // pixels from a curve that still mean it

/**
 * Places for names, each as near to its own as the others let it be: none covers another.
 * @param {number[]} tops in pixels
 * @param {number} height
 */
export function spread(tops, height) {
  const order = tops.map((_, i) => i).sort((a, b) => tops[a] - tops[b]), placed = [...tops];
  order.forEach((i, k) => { placed[i] = Math.max(placed[i], k ? placed[order[k - 1]] + LINE : 0); });
  order.reverse().forEach((i, k) => { placed[i] = Math.min(placed[i], k ? placed[order[k - 1]] - LINE : height); });
  return placed;
}

/** @param {Plotted} plotted */
export function plot({ label, names, heights, colours = [], ticks, across, choose, hover }) {
  const last = heights[0].length - 1;
  /** @type {(step: number) => number} */
  const x = (step) => (WIDTH * step) / last;
  /** @type {(share: number) => number} */
  const y = (share) => HEIGHT * (1 - Math.min(1.05, share));
  /** @param {number} i */
  const own = (i) => colours[i] ? `--curve: var(--${colours[i]})` : ""; // the chosen curve has a colour, others none
  const lines = heights.map((run, i) => svg("polyline", { style: own(i),
    points: run.map((share, step) => `${x(step).toFixed(1)},${y(share).toFixed(1)}`).join(" ") }));
  const grid = ticks.map(([share]) => svg("line", { x1: 0, x2: WIDTH, y1: y(share), y2: y(share), class: "grid" }));
  const cursor = svg("line", { y1: 0, y2: HEIGHT, class: "cursor" });
  const drawn = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    ...grid, cursor, ...lines);
  const tops = spread(heights.map((run) => Math.min(HEIGHT, Math.max(0, y(run[last])))), HEIGHT);
  const ends = names.map((name, i) => element("span", { class: "name", style: `top: ${tops[i]}px` }, name));
  const point = element("span", { class: "point" });
  const frame = element("div", { class: "plot", style: `margin-right: ${Math.max(...names.map((name) => name.length)) * 0.5 + 0.7}rem` },
    drawn, point, ...ends, ...ticks.map(([share, words]) => element("span", { class: "tick", style: `top: ${y(share)}px` }, words)),
    element("span", { class: "first" }, "0"), element("span", { class: "across" }, across), element("span", { class: "end" }, String(last)));
  const nearest = pointing(drawn, heights.map((run) => run.map((share) => Math.max(0, y(share)))));
  drawn.addEventListener("pointermove", (event) => {
    const [curve, step] = event.pointerType === "mouse" ? nearest(event) : [null, 0];
    lines.forEach((line, i) => line.classList.toggle("hovered", i === curve));
    hover(curve, step);
  });
  drawn.addEventListener("pointerleave", () => {
    lines.forEach((line) => line.classList.remove("hovered"));
    hover(null, 0);
  });
  drawn.addEventListener("click", (event) => {
    const [curve, step] = nearest(event);
    if (curve !== null) choose(curve, step);
  });
  /** @type {(curve: number, step: number) => void} */
  const show = (curve, step) => {
    [...lines, ...ends].forEach((part, i) => part.classList.toggle("chosen", i % lines.length === curve));
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, String(x(step)));
    point.style.cssText = `left: ${(100 * step) / last}%; top: ${Math.max(0, y(heights[curve][step]))}px; ${own(curve)}`;
  };
  return { frame, show };
}

/**
 * The curve and the step that a pointer means; null where none is near.
 * @param {Element} drawn
 * @param {number[][]} tops shape (curves, n), in pixels
 * @returns {(event: MouseEvent) => [curve: number | null, step: number]}
 */
function pointing(drawn, tops) {
  return (event) => {
    const box = drawn.getBoundingClientRect(), last = tops[0].length - 1;
    const step = Math.min(last, Math.max(0, Math.round((last * (event.clientX - box.left)) / box.width)));
    const far = tops.map((run) => Math.abs(run[step] - (event.clientY - box.top))), nearest = Math.min(...far);
    return [nearest <= REACH ? far.indexOf(nearest) : null, step];
  };
}
