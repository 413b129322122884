// A recorded run of updates: the label's probability rises, the others fall. As in nudge.py.
import { bar, change, count, element, fill, percent, picture, readable, stepper, sum, svg, whole } from "./shared.js";

/** @import { Parts } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/nudge.json")} Words */

/**
 * @typedef {object} State
 * @property {string[]} names of the tokens, the label first
 * @property {number[][]} rows shape (updates + 1, names): probabilities
 * @property {number[]} fell shape (updates,): the share of all other tokens that fell
 * @property {number} step
 */
/** @typedef {(probability: number) => number} Share how long a bar is, from 0 to 1 */

const COLOURS = ["target", "mark", "rise"];
const [WIDTH, HEIGHT] = [600, 130]; // the curves' own units

/**
 * The whole run as curves; the line at `cursor` is moved to the present step.
 * @param {number[][]} rows
 * @param {Share} share
 * @param {Words} words
 */
function curves(rows, share, words) {
  /** @type {(step: number) => number} */
  const x = (step) => (WIDTH * step) / (rows.length - 1);
  /** @type {(probability: number) => number} */
  const y = (p) => HEIGHT * (1 - share(p));
  const cursor = svg("line", { y1: 0, y2: HEIGHT, class: "cursor" });
  const drawn = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": words.curve });
  const lines = rows[0].map((_, i) => svg("polyline", {
    points: rows.map((row, step) => `${x(step).toFixed(1)},${y(row[i]).toFixed(1)}`).join(" "),
    style: `stroke: var(--${COLOURS[i]})`,
  }));
  drawn.append(...lines, cursor);
  /** @param {number} step */
  const moveTo = (step) => {
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, String(x(step)));
  };
  return { drawn, moveTo };
}

/**
 * How a probability has changed by the last update.
 * @param {number} now
 * @param {number | undefined} before
 */
function arrow(now, before) {
  const sign = before === undefined || now === before ? " " : now > before ? "▲" : "▼";
  return element("span", { class: sign === "▲" ? "rise" : "fall" }, sign);
}

/**
 * A bar for a probability.
 * @param {string} name
 * @param {number} now
 * @param {number | undefined} before
 * @param {Share} share
 * @param {string} colour
 */
function row(name, now, before, share, colour) {
  const words = element("span", {}, percent(now), " ", arrow(now, before));
  const made = bar(name, share(now), words, colour);
  made.dataset.value = String(now);
  return made;
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words }) {
  const rows = model.get("rows"), names = model.get("names"), fell = model.get("fell");
  const decades = Math.ceil(-Math.log10(Math.min(...rows.flat())));
  /** @type {Share} */
  const share = (p) => 1 + Math.log10(p) / decades;
  const steps = stepper(words.step, words.back, words.onward, (step) => change(model, { step }));
  const bars = element("div", { class: "bars" }), run = curves(rows, share, words);
  root.append(element("div", { class: "controls" }, steps), bars, run.drawn,
    element("p", { class: "quiet" }, fill(words.scale, { least: count(10 ** decades) })));

  return () => {
    const step = whole(model, "step", 0, fell.length), now = rows[step], before = rows[step - 1] ?? [];
    steps.show(step, fell.length, `${step} / ${fell.length}`);
    bars.replaceChildren(
      ...names.map((name, i) => row(i ? name : `${name} (${words.label})`, now[i], before[i], share, COLOURS[i])),
      row(words.others, 1 - sum(now), before.length ? 1 - sum(before) : undefined, share, "line"));
    run.moveTo(step);
    return sentence(words, names[0], step, rows, fell);
  };
}

/**
 * @param {Words} words
 * @param {string} name
 * @param {number} step
 * @param {number[][]} rows
 * @param {number[]} fell
 */
function sentence(words, name, step, rows, fell) {
  const [p] = rows[step], values = { step, steps: fell.length, name, p: percent(p), loss: readable(-Math.log(p)) };
  const after = step === fell.length ? words.end
    : fill(words.next, { p: percent(rows[step + 1][0]), fell: percent(fell[step]) });
  return `${fill(words.done, values)} ${after}`;
}

export default picture(build);
