// Recorded runs at several learning rates: their losses, and a guess beside the truth. As rates.py.
import {
  bar, change, element, fill, percent, picture, readable, slider, stepper, sum, svg, whole,
} from "./shared.js";

/** @import { Parts } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/rates.json")} Words */

/**
 * @typedef {object} State
 * @property {number[]} rates
 * @property {number[][]} losses shape (rates, n), in nats
 * @property {number[][][]} guesses shape (rates, n, names): probabilities
 * @property {number[]} truth shape (names,)
 * @property {string[]} names
 * @property {number} floor in nats
 * @property {number} chosen the rate's place in the list
 * @property {number} step
 */

const [WIDTH, HEIGHT] = [600, 180]; // the curves' own units
const CEILING = 1.6; // of the curves, in losses at the start

/**
 * All runs as curves; show() brings one to the front and moves the cursor and the point to a step.
 * @param {number[][]} losses
 * @param {number} floor
 * @param {Words} words
 */
function curves(losses, floor, words) {
  const n = losses[0].length, ceiling = CEILING * losses[0][0];
  /** @type {(step: number) => number} */
  const x = (step) => (WIDTH * step) / (n - 1);
  /** @type {(loss: number) => number} */
  const y = (loss) => HEIGHT * (1 - Math.min(1.05, loss / ceiling));
  const lines = losses.map((run) => svg("polyline", {
    points: run.map((loss, step) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(" "),
  }));
  const cursor = svg("line", { y1: 0, y2: HEIGHT, class: "cursor" });
  const lowest = svg("line", { x1: 0, x2: WIDTH, y1: y(floor), y2: y(floor), class: "floor" });
  const drawn = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": words.curves },
    lowest, cursor, ...lines);
  const note = element("span", { class: "note" }), point = element("span", { class: "point" });
  const top = element("span", { class: "top" }, readable(ceiling)), end = element("span", { class: "end" }, String(n - 1));
  const frame = element("div", { class: "runs" }, drawn, point, top, element("span", { class: "low" }, "0"), end, note);
  /** @type {(chosen: number, step: number) => void} */
  const show = (chosen, step) => {
    const loss = losses[chosen][step], high = loss > ceiling;
    lines.forEach((line, i) => line.classList.toggle("chosen", i === chosen));
    drawn.append(lines[chosen]);
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, String(x(step)));
    point.style.left = `${(100 * x(step)) / WIDTH}%`;
    point.style.top = `${(100 * Math.max(0, y(loss))) / HEIGHT}%`;
    note.textContent = high ? fill(words.above, { loss: readable(loss) }) : "";
  };
  return { frame, show };
}

/**
 * A token's bar for the guess, with a mark where the truth is.
 * @param {string} name
 * @param {number} guess
 * @param {number} truth
 * @param {Words} words
 */
function compared(name, guess, truth, words) {
  const made = bar(name, guess, fill(words.compare, { p: percent(guess), truth: percent(truth) }), "mark");
  made.querySelector(".track")?.append(element("span", { class: "truth", style: `left: ${100 * truth}%` }));
  made.dataset.value = String(guess);
  made.dataset.truth = String(truth);
  return made;
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words }) {
  const rates = model.get("rates"), losses = model.get("losses"), guesses = model.get("guesses");
  const names = model.get("names"), truth = model.get("truth"), last = losses[0].length - 1;
  /** @param {number[]} row */
  const withRest = (row) => [...row, Math.max(0, 1 - sum(row))];
  const rate = slider(words.rate, (chosen) => change(model, { chosen }));
  const steps = stepper(words.step, words.back, words.onward, (step) => change(model, { step }));
  const run = curves(losses, model.get("floor"), words), bars = element("div", { class: "bars compared" });
  const [shown, actual] = [[...names, words.others], withRest(truth)];
  root.append(element("div", { class: "controls" }, rate, steps), run.frame,
    element("p", { class: "quiet" }, words.losses), element("p", {}, words.guess), bars);

  return () => {
    const chosen = whole(model, "chosen", 0, rates.length - 1), step = whole(model, "step", 0, last);
    const guess = withRest(guesses[chosen][step]);
    rate.show(chosen, rates.length - 1, readable(rates[chosen]));
    steps.show(step, last, `${step} / ${last}`);
    run.show(chosen, step);
    bars.replaceChildren(...shown.map((name, i) => compared(name, guess[i], actual[i], words)));
    const misplaced = sum(guess.map((p, i) => Math.abs(p - actual[i]))) / 2;
    return fill(words.done, { rate: readable(rates[chosen]), step, steps: last, loss: readable(losses[chosen][step]),
      name: names[0], p: percent(guess[0]), truth: percent(truth[0]), misplaced: percent(misplaced) });
  };
}

export default picture(build);
