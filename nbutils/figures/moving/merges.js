// Byte pair encoding learns from a sentence: the same steps as learn_merges in merges.py.
import { Sentence, change, checkText, chip, element, fill, picture, spelled, stepper, textField, whole } from "./shared.js";

/** @import { CommonWords, Parts } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/merges.json") & CommonWords} Words */

/**
 * @typedef {object} State
 * @property {string} text
 * @property {number} step
 * @property {string} pattern cuts the text into pieces
 * @property {number} most characters of a text
 */
/** @typedef {{ left: number, right: number, count: number }} Pair two neighbours, by number */
/** @typedef {Pair & { number: number }} Merge and the number of what they become */
/**
 * @typedef {object} Learned
 * @property {Merge[]} merges
 * @property {number[][][]} states after each number of merges: the pieces, as numbers
 * @property {number[][]} vocabulary the bytes of each number
 */

const BYTES = 256, LONG = 30; // LONG: a piece of more tokens breaks anywhere, which is laid out much sooner

/**
 * All merges of a text, the row of pieces after each, and the vocabulary: bytes by number.
 * @param {string} text
 * @param {string} pattern
 * @returns {Learned}
 */
function learn(text, pattern) {
  let rows = (text.match(new RegExp(pattern, "gu")) ?? []).map((piece) => [...new TextEncoder().encode(piece)]);
  const vocabulary = Array.from({ length: BYTES }, (_, value) => [value]);
  const numbers = new Map(vocabulary.map((bytes, number) => [String(bytes), number]));
  /** @type {Merge[]} */
  const merges = [], states = [rows];
  for (let pair = best(rows); pair; pair = best(rows)) {
    const joined = [...vocabulary[pair.left], ...vocabulary[pair.right]], key = String(joined);
    const number = numbers.get(key) ?? vocabulary.push(joined) - 1, merge = { ...pair, number };
    numbers.set(key, number);
    merges.push(merge);
    rows = rows.map((row) => merged(row, merge));
    states.push(rows);
  }
  return { merges, states, vocabulary };
}

/**
 * The most frequent pair of neighbours; of equally frequent ones, that with the smaller numbers.
 * @param {number[][]} rows
 * @returns {Pair | null}
 */
function best(rows) {
  const counts = new Map();
  for (const row of rows) {
    for (let i = 1; i < row.length; i++) {
      const pair = row[i - 1] * 65536 + row[i];
      counts.set(pair, (counts.get(pair) ?? 0) + 1);
    }
  }
  let found = null;
  for (const [pair, count] of counts) {
    if (!found || count > found.count || (count === found.count && pair < found.pair)) found = { pair, count };
  }
  return found && { left: Math.floor(found.pair / 65536), right: found.pair % 65536, count: found.count };
}

/**
 * @param {number[]} row
 * @param {Merge} merge
 */
function merged(row, { left, right, number }) {
  /** @type {number[]} */
  const out = [];
  for (const symbol of row) {
    if (out.at(-1) === left && symbol === right) out[out.length - 1] = number;
    else out.push(symbol);
  }
  return out;
}

/**
 * @param {string} text
 * @param {number} most
 * @param {Words} words
 */
function check(text, most, words) {
  if (!text) throw new Sentence(words.untyped);
  checkText(text, most, words);
}

/**
 * A piece of the text as a group of chips; the pair that comes next has a frame, and what the last merge has made.
 * @param {number[]} row
 * @param {number[][]} vocabulary
 * @param {Pair | undefined} next
 * @param {Merge | undefined} last
 */
function group(row, vocabulary, next, last) {
  /** @type {string[]} */
  const kinds = row.map((number) => (number === last?.number ? "made" : ""));
  for (let i = 1; next && i < row.length; i++) {
    if (row[i - 1] === next.left && row[i] === next.right && kinds[i - 1] !== "next") kinds[i - 1] = kinds[i] = "next";
  }
  return element("span", { class: row.length > LONG ? "group long" : "group" }, ...row.map((number, i) => token(number, vocabulary, kinds[i])));
}

/**
 * @param {number} number
 * @param {number[][]} vocabulary
 * @param {string} kind
 */
function token(number, vocabulary, kind = "") {
  return chip(textOf(vocabulary[number]), number, kind, number < BYTES ? null : number % 4);
}

/** @type {WeakMap<number[], string>} */
const TEXTS = new WeakMap();

/**
 * A token's bytes as text, found once: for half a character it takes long.
 * @param {number[]} bytes
 */
function textOf(bytes) {
  const text = TEXTS.get(bytes) ?? spelled(bytes);
  TEXTS.set(bytes, text);
  return text;
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words }) {
  const field = textField(words.text, (text) => change(model, { step: 0, text }), { most: model.get("most"), words });
  const steps = stepper(words.step, words.back, words.onward, (step) => change(model, { step }));
  const row = element("div", { class: "chips tokens" }), list = element("div", { class: "chips learned" });
  root.append(element("div", { class: "controls" }, field, steps),
    element("p", { class: "quiet" }, words.tokens), row, element("p", { class: "quiet" }, words.learned), list);
  let known = "", learned = learn(known, model.get("pattern"));

  return () => {
    const text = model.get("text");
    field.show(text);
    check(text, model.get("most"), words);
    if (text !== known) [known, learned] = [text, learn(text, model.get("pattern"))];
    const { merges, states, vocabulary } = learned, step = whole(model, "step", 0, merges.length);
    steps.show(step, merges.length, `${step} / ${merges.length}`);
    row.replaceChildren(...states[step].map((piece) => group(piece, vocabulary, merges[step], merges[step - 1])));
    const numbers = new Set(merges.slice(0, step).map((merge) => merge.number));
    list.replaceChildren(...[...numbers].map((number) => token(number, vocabulary, number === merges[step - 1]?.number ? "made" : "")));
    if (!step) list.replaceChildren(words.none);
    return sentence(words, learned, step);
  };
}

/**
 * @param {Words} words
 * @param {Learned} learned
 * @param {number} step
 */
function sentence(words, { merges, states, vocabulary }, step) {
  const values = { step, steps: merges.length, bytes: states[0].flat().length, tokens: states[step].flat().length };
  const done = fill(words.done, values), next = merges[step];
  if (!next) return `${done} ${words.end}`;
  const left = textOf(vocabulary[next.left]), right = textOf(vocabulary[next.right]);
  return `${done} ${fill(words.next, { left, right, count: next.count, new: next.number })}`;
}

export default picture(build);
