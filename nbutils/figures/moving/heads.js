// Where each head of a token looks: scores, scale, mask and softmax as in heads.py.
import { Sentence, change, chip, element, fill, flag, percent, picture, slider, sum, tick, whole } from "./shared.js";
import { softmax } from "./gpt.js";

/** @import { Parts } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/heads.json")} Words */

/**
 * @typedef {object} State
 * @property {string[]} tokens
 * @property {number[][][]} q queries, shape (H, T, D)
 * @property {number[][][]} k keys, shape (H, T, D)
 * @property {number} token the one that looks
 * @property {boolean} scaled
 * @property {boolean} masked
 */
/** @typedef {Pick<State, "q" | "k" | "token" | "scaled" | "masked">} Asked */

/** @param {number[]} numbers */
const mean = (numbers) => sum(numbers) / numbers.length;
/**
 * Where the largest is.
 * @param {number[]} numbers
 */
const most = (numbers) => numbers.indexOf(Math.max(...numbers));

/** @param {number[]} scores */
const weigh = (scores) => [...softmax(scores)];

/**
 * What the softmax gets for the chosen token, a row for each head.
 * @param {Asked} asked
 * @returns {number[][]} shape (H, T)
 */
function scoresOf({ q, k, token, scaled, masked }) {
  return q.map((queries, head) => {
    const query = queries[token], scale = scaled ? 1 / Math.sqrt(query.length) : 1;
    return k[head].map((key, place) =>
      masked && place > token ? -Infinity : scale * sum(key.map((number, i) => number * query[i])));
  });
}

/** @param {Asked} state */
const weightsOf = (state) => scoresOf(state).map(weigh);

/**
 * Queries or keys (H, T, D); what is not like the shape given is a sentence.
 * @param {Parts<unknown, State>["model"]} model
 * @param {"q" | "k"} name
 * @param {number[]} shape
 * @param {Words} words
 */
function numbers(model, name, [H, T, D], words) {
  const heads = model.get(name);
  /** @type {(list: unknown, size: number) => boolean} */
  const sized = (list, size) => Array.isArray(list) && list.length === size;
  const good = sized(heads, H) && heads.every((rows) => sized(rows, T)
    && rows.every((row) => sized(row, D) && row.every(Number.isFinite)));
  if (good) return heads;
  throw new Sentence(fill(words.numbers, { name }));
}

/**
 * Tapping a box or dragging over the boxes chooses one: choose(i).
 * @param {HTMLElement} stream
 * @param {Element[]} boxes
 * @param {(i: number) => void} choose
 */
function makeChoosable(stream, boxes, choose) {
  let held = false;
  /** @param {PointerEvent} event */
  const take = (event) => {
    const box = document.elementFromPoint(event.clientX, event.clientY)?.closest(".chip");
    if (held && box && boxes.includes(box)) choose(boxes.indexOf(box));
  };
  stream.addEventListener("pointerdown", (event) => {
    held = true;
    stream.setPointerCapture(event.pointerId);
    take(event);
  });
  stream.addEventListener("pointermove", take);
  for (const end of ["pointerup", "pointercancel"]) stream.addEventListener(end, () => { held = false; });
}

/**
 * A score with one decimal; what rounds to 0 has no sign.
 * @param {number} score
 */
function signed(score) {
  return score.toFixed(1).replace(/^-(?!0\.0$)/, "−").replace("-", "");
}

/**
 * A head's weight for one token, and its score.
 * @param {number} weight
 * @param {number} score
 * @param {Words} words
 */
function cell(weight, score, words) {
  const made = element("td", {},
    element("span", { class: "weight" }, String(Math.round(100 * weight))),
    element("small", {}, Number.isFinite(score) ? signed(score) : words.never),
    element("span", { class: "track" }, element("span", { class: "fill", style: `width: ${100 * weight}%` })));
  made.dataset.weight = String(weight);
  if (Number.isFinite(score)) made.dataset.score = String(score);
  return made;
}

/**
 * A row for each token: what every head makes of it.
 * @param {string[]} tokens
 * @param {number} token the one that looks
 * @param {number[][]} scores shape (H, T)
 * @param {number[][]} weights shape (H, T)
 * @param {Words} words
 */
function rows(tokens, token, scores, weights, words) {
  return tokens.map((text, place) => element("tr", { class: place === token ? "looks" : place > token ? "later" : "" },
    element("th", { scope: "row" }, text),
    ...weights.map((shares, head) => cell(shares[place], scores[head][place], words))));
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words }) {
  const tokens = model.get("tokens"), shape = [model.get("q").length, tokens.length, model.get("q")[0][0].length];
  const [H, T, D] = shape;
  /** @param {number} token */
  const choose = (token) => change(model, { token });
  const place = slider(words.token, choose);
  const scale = tick(fill(words.scaled, { D }), (scaled) => change(model, { scaled }));
  const mask = tick(words.masked, (masked) => change(model, { masked }));
  const boxes = tokens.map((text, i) => chip(text, i));
  const stream = element("div", { class: "chips stream" }, ...boxes), body = element("tbody");
  const names = Array.from({ length: H }, (_, head) => element("th", { scope: "col" }, fill(words.head, { head: head + 1 })));
  root.append(
    element("div", { class: "controls" }, place, element("div", { class: "ticks" }, scale, mask)),
    element("p", { class: "quiet" }, words.choose), stream,
    element("p", { class: "quiet" }, words.caption),
    element("table", { class: "heads" },
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, words.seen), ...names)), body));
  makeChoosable(stream, boxes, choose);

  return () => {
    const token = whole(model, "token", 0, T - 1), q = numbers(model, "q", shape, words), k = numbers(model, "k", shape, words);
    const state = { q, k, token, scaled: flag(model, "scaled", words), masked: flag(model, "masked", words) };
    const scores = scoresOf(state), weights = scores.map(weigh);
    place.show(token, T - 1, fill(words.place, { token, last: T - 1 }));
    scale.show(state.scaled);
    mask.show(state.masked);
    boxes.forEach((box, i) => { box.className = `chip ${i === token ? "context" : state.masked && i > token ? "later" : ""}`; });
    body.replaceChildren(...rows(tokens, token, scores, weights, words));
    return `${looks(words, tokens, token, weights)}\n${scaleSaid(words, state, D)}\n${maskSaid(words, state, weights)}`;
  };
}

/**
 * @param {Words} words
 * @param {string[]} tokens
 * @param {number} token
 * @param {number[][]} weights shape (H, T)
 */
function looks(words, tokens, token, weights) {
  const each = weights.map((shares, head) =>
    fill(words.most, { head: head + 1, name: tokens[most(shares)], share: percent(Math.max(...shares)) }));
  return fill(words.looks, { name: tokens[token], most: each.join(", ") });
}

/**
 * @param {Words} words
 * @param {Asked} state
 * @param {number} D
 */
function scaleSaid(words, state, D) {
  /** @param {boolean} scaled */
  const largest = (scaled) => percent(mean(weightsOf({ ...state, scaled }).map((shares) => Math.max(...shares))));
  return fill(state.scaled ? words.divided : words.undivided, { D, scaled: largest(true), plain: largest(false) });
}

/**
 * @param {Words} words
 * @param {Asked} state
 * @param {number[][]} weights shape (H, T)
 */
function maskSaid(words, { token, masked }, weights) {
  const later = weights[0].length - 1 - token, share = percent(mean(weights.map((shares) => sum(shares.slice(token + 1)))));
  if (!later) return words.last;
  return fill(masked ? words.hidden : words.peeked, { later, share });
}

export default picture(build);
