// What the next run is made of, as the reader chooses it.
import { goodRate } from "./failures.js";
import { DEFAULTS, KNOBS, LONGEST, OPTIMIZERS, POSITIONS, offered } from "./settings.js";
import { Sentence, change, choice, count, element, fill, readable, slider } from "./shared.js";

/** @import { CommonWords, Model } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/train.json") & CommonWords} Words */
/** @typedef {import("./settings.js").Chosen} Asked */
/** @typedef {keyof Asked} Knob */

const SLIDERS = /** @type {const} */ (["layers", "width", "rate", "seconds", "window"]);

/**
 * What the state asks for; what can't be chosen is a sentence.
 * @param {Model} model
 * @param {Words} words
 * @returns {Asked}
 */
export function asked(model, words) {
  return /** @type {any} */ (Object.fromEntries(KNOBS.map((name) => {
    const value = model.get(name), those = /** @type {unknown[]} */ (offered(name));
    if (those.includes(value)) return [name, value];
    throw new Sentence(fill(words.notOffered, { name, value: String(value).slice(0, 60).toWellFormed(), those: those.join(", ") }));
  })));
}

/**
 * Choose a value. A rate that was the good one for optimizer and width stays the good one when these change; one that the
 * reader tries stays as it is.
 * @param {Model} model
 * @param {Knob} name
 * @param {unknown} value
 */
function take(model, name, value) {
  const before = { optimizer: model.get("optimizer"), width: model.get("width") }, after = { ...before, [name]: value };
  const follows = name !== "rate" && model.get("rate") === goodRate(before);
  change(model, { [name]: value, ...(follows ? { rate: goodRate(after) } : {}) });
}

/**
 * A slider over the values that are offered.
 * @param {Model} model
 * @param {typeof SLIDERS[number]} name
 * @param {Words} words
 */
function ranged(model, name, words) {
  const values = /** @type {number[]} */ (offered(name)), last = values.length - 1;
  const shown = name === "seconds" ? (/** @type {number} */ value) => fill(words.shortSeconds, { seconds: count(value) }) : readable;
  const made = slider(words[name], (at) => take(model, name, values[at]));
  return { name, made, put: (/** @type {any} */ value) => made.show(Math.max(0, values.indexOf(value)), last, shown(value)) };
}

/**
 * A list of the values that are offered, each with its words.
 * @param {Model} model
 * @param {Knob} name
 * @param {string} label
 * @param {string[]} told
 */
function listed(model, name, label, told) {
  const values = /** @type {(string | number)[]} */ (offered(name));
  const made = choice(label, Object.fromEntries(values.map((value, i) => [String(value), told[i]])),
    (value) => take(model, name, values.find((one) => String(one) === value)));
  return { name, made, put: (/** @type {any} */ value) => { made.list.value = String(value); } };
}

/**
 * All of them, the rarer ones folded away; show() moves them to a state.
 * @param {Model} model
 * @param {Words} words
 * @param {HTMLElement} own the field for an own text, which stands beside the choice of texts
 */
export function knobs(model, words, own) {
  const by = Object.fromEntries([...SLIDERS.map((name) => ranged(model, name, words)),
    listed(model, "optimizer", words.optimizer, words.optimizers), listed(model, "positions", words.positions, words.places),
    listed(model, "workers", words.workers, words.cores), listed(model, "data", words.data, words.texts)].map((one) => [one.name, one]));
  const group = (/** @type {string} */ name, /** @type {HTMLElement[]} */ ...inside) =>
    element("fieldset", {}, element("legend", {}, name), ...inside);
  const one = navigator.hardwareConcurrency === 1; // a second core would have to wait for the first
  by.workers.made.querySelectorAll("option")[1].toggleAttribute("disabled", one);
  const more = element("details", {}, element("summary", {}, words.more),
    element("div", { class: "rarer" }, by.positions.made, by.window.made, by.workers.made, by.data.made, own));
  const made = element("div", { class: "knobs" }, group(words.network, by.layers.made, by.width.made, by.optimizer.made),
    group(words.learning, by.rate.made, by.seconds.made, more));
  /** @param {Asked} state */
  const show = (state) => {
    for (const name of KNOBS) by[name].put(state[name]);
    own.hidden = state.data !== "own";
    if (KNOBS.slice(-4).some((name) => state[name] !== DEFAULTS[name])) more.open = true;
  };
  return Object.assign(made, { show });
}

/**
 * Runs by what differs between them; by what they are where nothing does.
 * @param {{ asked: Asked, seed: number, until: number, stored?: boolean }[]} told until: seconds, with those for which it went on
 * @param {Words} words
 * @returns {string[]}
 */
export function named(told, words) {
  const runs = told.map((run) => ({ ...run, asked: { ...run.asked, seconds: run.until } }));
  const differ = KNOBS.filter((name) => new Set(runs.map(({ asked: one }) => one[name])).size > 1);
  const seeds = new Set(runs.map(({ seed }) => seed)).size > 1;
  const shown = differ.length || seeds ? differ : /** @type {Knob[]} */ (["layers", "width", "optimizer", "rate", "seconds"]);
  return runs.map(({ asked: one, seed, stored }) => [
    ...shown.map((name) => described(one, name, words)), ...(seeds ? [fill(words.seed, { seed })] : []), ...(stored ? [words.stored] : []),
  ].join(", "));
}

/**
 * @param {Asked} one
 * @param {Knob} name
 * @param {Words} words
 */
function described(one, name, words) {
  if (name === "optimizer") return words.optimizers[OPTIMIZERS.indexOf(one.optimizer)];
  if (name === "positions") return fill(words.byPlaces, { places: words.places[POSITIONS.indexOf(one.positions)] });
  if (name === "data") return words.texts[one.data === "own" ? 1 : 0];
  if (name === "workers") return words.cores[one.workers - 1];
  if (name === "window" && one.window === LONGEST) return words.wholeWindow;
  return fill(words.named[SLIDERS.indexOf(name)], { value: readable(one[name]) });
}
