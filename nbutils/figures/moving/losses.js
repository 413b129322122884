// The live curve: how far each run's loss is above the floor, while it learns.
import { count, element, svg } from "./shared.js";

/** What a run told: x seconds or tokens, and means in nats a token since the point before. floor NaN: nobody knows it. */
/** @typedef {{ x: number, loss: number, floor: number }} Point */
/**
 * @typedef {object} Run
 * @property {string} name
 * @property {Point[]} points with growing x
 * @property {string} [told] what its line in the list says beside the name
 * @property {string} [colour] a CSS variable, without its --
 * @property {boolean} [quiet] an earlier run, drawn thin
 */
/** @typedef {{ runs: Run[], most: number, across: string }} Shown most: where the axis ends; across: what it counts */
/** @typedef {{ lossCurves: string, aboveFloor: string, lossAlone: string, floor: string }} Words */

const WIDTH = 600, HEIGHT = 210; // the drawing's own units across, which are stretched; pixels of its height
const TICKS = [0, 0.05, 0.2, 0.5, 1, 2, 4, 6], TOP = 6.5, FOOT = -0.02; // nats above the floor
const RECENT = 0.05; // of the way so far: over so much a mean is taken
const DASHES = ["", "7 4", "2 3", "9 3 2 3", "5 2", "1 4"]; // tell runs apart where colours don't

/**
 * The place of a loss on the axis, which is stretched near the floor, where a run spends its time.
 * @param {number} above in nats
 */
const root = (above) => Math.sign(above) * Math.sqrt(Math.abs(above));

/** @param {number} above */
const place = (above) => HEIGHT * (1 - (root(Math.min(TOP, Math.max(FOOT, above))) - root(FOOT)) / (root(TOP) - root(FOOT)));

/** @param {Point} point */
const aboveFloor = ({ loss, floor }) => (Number.isNaN(floor) ? loss : loss - floor);

/**
 * Nats above the floor at each point (the loss itself, where nobody knows the floor): the mean of the last twentieth of
 * the way to it, since each point alone is the mean of few documents.
 * @param {Point[]} points
 * @returns {number[]}
 */
export function smoothed(points) {
  let from = 0, total = 0;
  return points.map((point, at) => {
    total += aboveFloor(point);
    while (from < at && points[from].x < (1 - RECENT) * point.x) total -= aboveFloor(points[from++]);
    return total / (at - from + 1);
  });
}

/**
 * An element with show(): draws the runs, the first of them in front. The size never changes; the list of runs below
 * it has a line for each.
 * @param {Words} words
 */
export function losses(words) {
  const lines = svg("g", {}), floor = svg("line", { x1: 0, x2: WIDTH, y1: place(0), y2: place(0), class: "floor" });
  const grid = TICKS.map((above) => svg("line", { x1: 0, x2: WIDTH, y1: place(above), y2: place(above), class: "grid" }));
  const drawn = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": words.lossCurves },
    ...grid, floor, lines);
  const caption = element("p", { class: "quiet" }), across = element("span", { class: "across" }), end = element("span", { class: "end" });
  const named = element("span", { class: "named" }, words.floor), list = element("ul", { class: "runs" });
  const frame = element("div", { class: "plot" }, drawn, named,
    ...TICKS.map((above) => element("span", { class: "tick", style: `top: ${place(above)}px` }, String(above))),
    element("span", { class: "first" }, "0"), across, end);
  named.style.top = `${place(0)}px`;
  /** @type {{ name: string, line: SVGElement, row: HTMLElement, told: HTMLElement, key: string }[]} */
  let made = [];

  /** @param {Shown} shown */
  const show = ({ runs, most, across: counted }) => {
    const known = !runs.some(({ points }) => points.some((point) => Number.isNaN(point.floor)));
    caption.textContent = known ? words.aboveFloor : words.lossAlone;
    for (const part of [floor, named]) part.toggleAttribute("hidden", !known);
    floor.style.display = known ? "" : "none";
    across.textContent = counted;
    end.textContent = count(most);
    if (made.map(({ name }) => name).join("\n") !== runs.map(({ name }) => name).join("\n")) {
      made = runs.map(({ name }, i) => ({ name, ...parts(name, i), key: "" }));
      lines.replaceChildren(...made.map(({ line }) => line).reverse());
      list.replaceChildren(...made.map(({ row }) => row));
    }
    runs.forEach((run, i) => draw(made[i], run, most));
  };
  return Object.assign(element("div", { class: "losses" }, caption, frame, list), { show });
}

/**
 * A run's line in the drawing and in the list.
 * @param {string} name
 * @param {number} i
 */
function parts(name, i) {
  const dashes = { "stroke-dasharray": DASHES[i % DASHES.length] }, line = svg("polyline", dashes), told = element("b");
  const sample = svg("svg", { viewBox: "0 0 28 8", "aria-hidden": "true" }, svg("line", { x1: 0, x2: 28, y1: 4, y2: 4, ...dashes }));
  return { line, told, row: element("li", {}, sample, element("span", {}, name), told) };
}

/**
 * @param {{ line: SVGElement, row: HTMLElement, told: HTMLElement, key: string }} part
 * @param {Run} run
 * @param {number} most
 */
function draw(part, { points, told = "", colour, quiet = false }, most) {
  const last = points.at(-1), key = `${points.length} ${last?.x} ${most}`;
  for (const one of [part.line, part.row]) {
    one.classList.toggle("chosen", !quiet);
    one.style.setProperty("--curve", colour ? `var(--${colour})` : "");
  }
  if (part.told.textContent !== told) part.told.textContent = told;
  if (part.key === key) return; // an earlier run stays as it is
  part.key = key;
  const heights = smoothed(points).map(place);
  part.line.setAttribute("points", points.map(({ x }, i) => `${((WIDTH * x) / most).toFixed(1)},${heights[i].toFixed(1)}`).join(" "));
}
