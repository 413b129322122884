// Where each head of a token looks: scores, scale, mask and softmax as in heads.py.
import {
  Sentence, change, chip, element, fill, flag, later, percent, picture, resource, slider, sum, svg, tick, visible, whole,
} from "./shared.js";
import { kvCache, read, softmax } from "./gpt.js";
import { meaningOf } from "./tokens.js";
import { whose } from "./whose.js";

/** @import { Meaning, Parts, World } from "./types" */
/** @import { Own } from "./engine/types" */
/** @typedef {typeof import("../../words/en/pictures/heads.json") & import("./whose.js").Words} Words */

/**
 * @typedef {object} State
 * @property {string[]} tokens
 * @property {number[][][]} q queries, shape (H, T, D)
 * @property {number[][][]} k keys, shape (H, T, D)
 * @property {number} token the one that looks
 * @property {boolean} scaled
 * @property {boolean} masked
 * @property {boolean} yours the heads are those of the reader's own network
 * @property {number} layer of that network
 */
/** @typedef {{ q: number[][][], k: number[][][] }} Heads each (H, T, D) */
/** @typedef {{ x: number, top: number, bottom: number }} Box where a token's box is: its middle, and its edges */
/** @typedef {Pick<State, "q" | "k" | "token" | "scaled" | "masked">} Asked */

const LEAST = 0.03; // of a weight that gets a line
const MOST_HEADS = 4, MOST_LAYERS = 100; // as in heads.py
const START = "<start>"; // how chapters write the end of a document that stands before a text

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
 * A head's weight for one token, and its score. show(weight, score) changes them.
 * @param {Words} words
 */
function cell(words) {
  const weight = element("span"), score = element("small");
  const line = element("span", { class: "fill" }), made = element("td", {}, weight, score, element("span", { class: "track" }, line));
  /** @type {(share: number, from: number) => void} */
  const show = (share, from) => {
    weight.textContent = String(Math.round(100 * share));
    score.textContent = Number.isFinite(from) ? signed(from) : words.never;
    line.style.width = `${100 * share}%`;
    made.dataset.weight = String(share);
    if (Number.isFinite(from)) made.dataset.score = String(from);
    else delete made.dataset.score;
  };
  return Object.assign(made, { show });
}

/**
 * A row for each token, with what every head makes of it; hover(place): the pointer is on a row, or on none (-1).
 * @param {string[]} tokens
 * @param {number} H
 * @param {Words} words
 * @param {(place: number) => void} hover
 */
function table(tokens, H, words, hover) {
  const heads = Array.from({ length: H }, (_, head) => head);
  const names = heads.map((head) => element("th", { scope: "col" }, fill(words.head, { head: head + 1 }), swatch(head)));
  const cells = tokens.map(() => heads.map(() => cell(words)));
  const rows = tokens.map((text, place) => element("tr", { pointerenter: () => hover(place), pointerleave: () => hover(-1) },
    element("th", { scope: "row" }, text), ...cells[place]));
  const made = element("table", { class: "heads" },
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, words.seen), ...names)), element("tbody", {}, ...rows));
  /** @type {(token: number, scores: number[][], weights: number[][]) => void} */
  const show = (token, scores, weights) => {
    rows.forEach((row, place) => row.classList.toggle("looks", place === token));
    rows.forEach((row, place) => row.classList.toggle("later", place > token));
    cells.forEach((those, place) => those.forEach((one, head) => one.show(weights[head][place], scores[head][place])));
  };
  return Object.assign(made, { show, lines: rows });
}

/**
 * How a head's lines look.
 * @param {number} head
 */
function swatch(head) {
  return svg("svg", { class: `swatch head-${head}`, viewBox: "0 0 34 6", "aria-hidden": true }, svg("path", { d: "M1 3H33" }));
}

/**
 * The tokens as boxes, and from the one that looks a line to each that it looks at, for every head; the thicker, the
 * greater the weight. point(place): those to one token stand out; -1: all do.
 * @param {string[]} tokens
 * @param {(place: number) => void} choose
 * @param {(place: number) => void} hover
 */
function stream(tokens, choose, hover) {
  const boxes = tokens.map((text, i) => chip(text, i)), row = element("div", { class: "chips stream" }, ...boxes);
  const lines = svg("svg", { "aria-hidden": true }), made = element("div", { class: "looking" }, lines, row);
  makeChoosable(row, boxes, choose);
  boxes.forEach((box, place) => box.addEventListener("pointerenter", () => hover(place)));
  row.addEventListener("pointerleave", () => hover(-1));
  /** @type {Box[]} */
  let places = [];
  /** @type {{ token: number, weights: number[][] } | null} */
  let shown = null;
  const paint = () => {
    if (!shown || !places.length) return;
    const { token, weights } = shown;
    lines.replaceChildren(...weights.flatMap((shares, head) => shares.flatMap((share, place) =>
      share < LEAST ? [] : [lineTo(places[token], places[place], share, head - (weights.length - 1) / 2, head, place)])));
  };
  new ResizeObserver(() => {
    places = boxes.map(({ offsetLeft, offsetTop, offsetWidth, offsetHeight }) => { // in the row, which stands lower
      const top = row.offsetTop + offsetTop;
      return { x: offsetLeft + offsetWidth / 2, top, bottom: top + offsetHeight };
    });
    paint();
  }).observe(made);
  /** @type {(token: number, weights: number[][], masked: boolean) => void} */
  const show = (token, weights, masked) => {
    boxes.forEach((box, i) => { box.className = `chip ${i === token ? "context" : masked && i > token ? "later" : ""}`; });
    shown = { token, weights };
    paint();
  };
  /** @param {number} place */
  const point = (place) => {
    for (const line of lines.children) line.classList.toggle("faint", place >= 0 && line.getAttribute("data-place") !== String(place));
  };
  return Object.assign(made, { show, point });
}

/**
 * @param {Box} from
 * @param {Box} to
 * @param {number} share
 * @param {number} aside so many lines from the middle of a box, that those of other heads can be told from it
 * @param {number} head
 * @param {number} place that is looked at
 */
function lineTo(from, to, share, aside, head, place) {
  const [x1, x2] = [from.x + 4 * aside, to.x + 4 * aside], rise = Math.min(36, 9 + Math.abs(x2 - x1) / 9);
  const flat = from.top === to.top, [y1, y2] = flat || to.top < from.top ? [from.top, flat ? to.top : to.bottom] : [from.bottom, to.top];
  const loop = from === to ? 7 : 0, way = flat ? [y1 - rise, y2 - rise] : [(y1 + y2) / 2, (y1 + y2) / 2];
  return svg("path", { class: `head-${head}`, "data-place": place, "stroke-width": (1 + 5 * share).toFixed(2), opacity: (0.3 + 0.7 * share).toFixed(2),
    d: `M${x1 - loop} ${y1}C${x1 - loop} ${way[0]} ${x2 + loop} ${way[1]} ${x2 + loop} ${y2}` });
}

/**
 * What a network makes of the picture's tokens: in each layer the heads' queries and keys.
 * @param {Own["network"]} net
 * @param {string[]} tokens as `visible` shows them
 * @param {Meaning} meaning
 * @param {Words} words
 * @returns {Heads[]}
 */
function headsIn(net, tokens, meaning, words) {
  const { n_head: H, n_embd: C, n_layer, block_size } = net.config, D = C / H;
  if (H > MOST_HEADS) throw new Sentence(fill(words.tooMany, { heads: H, most: MOST_HEADS }));
  if (tokens.length > block_size) throw new Sentence(fill(words.tooShort, { most: block_size, length: tokens.length }));
  const ids = new Map([[START, meaning.end]]);
  for (let id = 0; id < meaning.end; id++) ids.set(visible(meaning.name(id)), id);
  const those = tokens.filter((name) => !ids.has(name)).join(", ");
  if (those) throw new Sentence(fill(words.notRead, { those }));
  const cache = kvCache(net), values = tokens.map((name) => read(net, cache, ids.get(name) ?? meaning.end).layers);
  /** @type {(layer: number, name: "q" | "k") => number[][][]} */
  const split = (layer, name) => Array.from({ length: H }, (_, head) =>
    values.map((layers) => [...layers[layer][name].slice(head * D, (head + 1) * D)]));
  return Array.from({ length: n_layer }, (_, layer) => ({ q: split(layer, "q"), k: split(layer, "k") }));
}

/**
 * The heads of the reader's network, layer by layer; null: it is not here yet.
 * @param {Parts<Words, State>} parts
 * @param {ReturnType<typeof whose>} mine
 */
function ownHeads({ model, words, redraw }, mine) {
  const world = later(async () => /** @type {World} */ (JSON.parse(new TextDecoder().decode(await resource(model, "world")))), redraw);
  /** @type {{ own: Own | null, layers: Heads[] }} */
  const made = { own: null, layers: [] };
  return () => {
    const own = mine.own();
    world.tell();
    if (!world.value) world.fetch();
    if (!own || !world.value) return null;
    const { network } = own;
    if (made.own !== own) Object.assign(made, { own, layers: headsIn(network, model.get("tokens"), meaningOf(network.encoding, world.value, words), words) });
    return made.layers;
  };
}

/**
 * The boxes that the reader ticks, with the width D in the words of one.
 * @param {Parts<Words, State>} parts
 */
function ticks({ model, words }) {
  const scale = tick("", (scaled) => change(model, { scaled })), mask = tick(words.masked, (masked) => change(model, { masked }));
  /** @type {(asked: Asked) => void} */
  const show = ({ scaled, masked, q }) => {
    scale.show(scaled);
    mask.show(masked);
    Object.assign(scale.querySelector("span") ?? {}, { textContent: fill(words.scaled, { D: q[0][0].length }) });
  };
  return Object.assign(element("div", { class: "ticks" }, scale, mask), { show });
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build(parts) {
  const { model, root, words, said } = parts, tokens = model.get("tokens"), T = tokens.length;
  const shape = [model.get("q").length, T, model.get("q")[0][0].length];
  /** @type {{ token: number, scores: number[][], weights: number[][] } | null} */
  let now = null;
  let over = -1; // the token under the pointer
  /** @param {number} token */
  const choose = (token) => change(model, { token });
  const place = slider(words.token, choose), layer = slider(words.layer, (at) => change(model, { layer: at })), boxed = ticks(parts);
  const mine = whose(parts), own = ownHeads(parts, mine);
  const told = element("p", { class: "quiet hovered" }, words.choose);
  /** @param {number} at */
  const hover = (at) => {
    over = at;
    boxes.point(at);
    all.lines.forEach((row, i) => row.classList.toggle("over", i === at));
    told.textContent = at < 0 || !now ? words.choose : lookAt(now, tokens, at, words);
  };
  const boxes = stream(tokens, choose, hover);
  let all = table(tokens, shape[0], words, hover), H = shape[0];
  root.append(element("div", { class: "controls" }, place, layer, boxed), mine, boxes, told, said,
    element("p", { class: "quiet" }, words.caption), all);

  return () => {
    const token = whole(model, "token", 0, T - 1), q = numbers(model, "q", shape, words), k = numbers(model, "k", shape, words);
    const yours = flag(model, "yours"), first = whole(model, "layer", 0, MOST_LAYERS - 1);
    mine.show();
    const layers = yours ? own() : [{ q, k }];
    root.classList.toggle("waiting", !layers);
    if (!layers) return words.recalling;
    const at = Math.min(first, layers.length - 1);
    layer.hidden = !yours;
    layer.show(at, layers.length - 1, fill(words.layerOf, { layer: at + 1, layers: layers.length }));
    const state = { ...layers[at], token, scaled: flag(model, "scaled"), masked: flag(model, "masked") };
    const scores = scoresOf(state), weights = scores.map(weigh);
    now = { token, scores, weights };
    place.show(token, T - 1, fill(words.place, { token, last: T - 1 }));
    boxed.show(state);
    if (H !== scores.length) {
      H = scores.length;
      const before = all;
      all = table(tokens, H, words, hover);
      before.replaceWith(all);
    }
    boxes.show(token, weights, state.masked);
    all.show(token, scores, weights);
    hover(over);
    return `${looks(words, tokens, token, weights)}\n${scaleSaid(words, state, state.q[0][0].length)}\n${maskSaid(words, state, weights)}`;
  };
}

/**
 * What each head gives one token, for who hovers over it.
 * @param {{ token: number, scores: number[][], weights: number[][] }} now
 * @param {string[]} tokens
 * @param {number} place
 * @param {Words} words
 */
function lookAt({ token, scores, weights }, tokens, place, words) {
  const each = weights.map((shares, head) => fill(words.gives, { head: head + 1, share: percent(shares[place]),
    score: Number.isFinite(scores[head][place]) ? signed(scores[head][place]) : words.never }));
  return fill(words.hovered, { name: tokens[token], at: tokens[place], place, each: each.join(", ") });
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
