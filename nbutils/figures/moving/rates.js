// Recorded runs at several learning rates: their losses, and a guess beside the truth. As rates.py.
import { plot } from "./curves.js";
import { bar, change, element, fill, percent, picture, readable, slider, stepper, sum, svg, whole } from "./shared.js";

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

const CEILING = 1.6; // of the curves, in losses at the start

/**
 * All runs as curves, by name; show() brings one to the front and moves the cursor and the point to a step.
 * @param {Parts<Words, State>["model"]} model
 * @param {Words} words
 */
function curves(model, words) {
  const rates = model.get("rates"), losses = model.get("losses"), floor = model.get("floor");
  const ceiling = CEILING * losses[0][0], caption = element("p", { class: "quiet" }, words.losses);
  const apart = [1, 2, 5, 10, 20, 50].find((step) => ceiling / step < 4) ?? ceiling; // between two marks, in nats
  const { frame, show } = plot({
    label: words.curves, across: words.step,
    heights: losses.map((run) => run.map((loss) => loss / ceiling)),
    names: rates.map((rate, i) => losses[i][losses[i].length - 1] > ceiling ? `${readable(rate)} ▲` : readable(rate)),
    ticks: Array.from({ length: Math.floor(ceiling / apart) + 1 }, (_, i) => [(apart * i) / ceiling, readable(apart * i)]),
    choose: (chosen, step) => change(model, { chosen, step }),
    hover: (at, step) => {
      caption.textContent = at === null ? words.losses
        : fill(words.pointed, { rate: readable(rates[at]), step, loss: readable(losses[at][step]) });
    },
  });
  const height = 170 * (1 - floor / ceiling);
  frame.querySelector("svg")?.prepend(svg("line", { x1: 0, x2: 600, y1: height, y2: height, class: "floor" }));
  const note = element("span", { class: "note" });
  frame.append(note);
  /** @type {(chosen: number, step: number) => void} */
  const showRun = (chosen, step) => {
    const loss = losses[chosen][step];
    show(chosen, step);
    note.textContent = loss > ceiling ? fill(words.above, { loss: readable(loss) }) : "";
  };
  return { plotted: element("div", {}, frame, caption), show: showRun };
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
  const run = curves(model, words), bars = element("div", { class: "bars compared" });
  const [shown, actual] = [[...names, words.others], withRest(truth)];
  root.append(element("div", { class: "controls" }, rate, steps),
    element("div", { class: "learning" }, run.plotted, element("div", {}, element("p", {}, words.guess), bars)));

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
