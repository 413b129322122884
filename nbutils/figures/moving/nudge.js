// A recorded run of updates: the label's probability rises, the others fall. As in nudge.py.
import { plot } from "./curves.js";
import { bar, change, element, fill, percent, picture, readable, stepper, sum, whole } from "./shared.js";

/** @import { Parts } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/nudge.json")} Words */

/**
 * @typedef {object} State
 * @property {string[]} names of the tokens, the label first
 * @property {number[][]} rows shape (updates + 1, names): probabilities
 * @property {number[]} fell shape (updates,): the share of all other tokens that fell
 * @property {number} step
 */

const COLOURS = ["target", "mark", "rise"];

/**
 * The whole run as curves, where each factor of ten is as high as the next: the first updates are seen there alone.
 * @param {Parts<Words, State>["model"]} model
 * @param {Words} words
 */
function curves(model, words) {
  const rows = model.get("rows"), names = model.get("names"), caption = element("p", { class: "quiet" }, words.scale);
  const decades = Math.ceil(-Math.log10(Math.min(...rows.flat()))), apart = Math.ceil(decades / 4);
  const marked = Array.from({ length: Math.floor(decades / apart) + 1 }, (_, i) => apart * i);
  const { frame, show } = plot({
    label: words.curve, names, colours: COLOURS, across: words.step,
    heights: names.map((_, i) => rows.map((row) => 1 + Math.log10(row[i]) / decades)),
    ticks: marked.map((power) => [1 - power / decades, percent(10 ** -power)]),
    choose: (_, step) => change(model, { step }),
    hover: (at, step) => {
      caption.textContent = at === null ? words.scale : fill(words.pointed, { name: names[at], step, p: percent(rows[step][at]) });
    },
  });
  return { plotted: element("div", {}, frame, caption), show };
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
 * @param {string} colour
 */
function row(name, now, before, colour) {
  const words = element("span", {}, percent(now), " ", arrow(now, before));
  const made = bar(name, now, words, colour);
  made.dataset.value = String(now);
  return made;
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words }) {
  const rows = model.get("rows"), names = model.get("names"), fell = model.get("fell");
  const steps = stepper(words.step, words.back, words.onward, (step) => change(model, { step }));
  const bars = element("div", { class: "bars nudged" }), run = curves(model, words);
  const ends = element("div", { class: "scale", "aria-hidden": "true" }, element("span"),
    element("span", {}, ...[0, 0.5, 1].map((share) => element("small", {}, percent(share)))));
  root.append(element("div", { class: "controls" }, steps), bars, ends, run.plotted);

  return () => {
    const step = whole(model, "step", 0, fell.length), now = rows[step], before = rows[step - 1] ?? [];
    steps.show(step, fell.length, `${step} / ${fell.length}`);
    bars.replaceChildren(
      ...names.map((name, i) => row(i ? name : `${name} (${words.label})`, now[i], before[i], COLOURS[i])),
      row(words.others, 1 - sum(now), before.length ? 1 - sum(before) : undefined, "quiet"));
    run.show(0, step);
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
