// Any text as the tokens of two encodings: what tiktoken's encode_ordinary does, in the page.
import { Sentence, button, change, checkText, chip, count, element, fill, picture, resource, spelled, textArea } from "./shared.js";

/** @import { CommonWords, Parts } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/tokenizer.json") & CommonWords} Words */

/**
 * @typedef {object} State
 * @property {string} text
 * @property {Record<string, string>} examples
 * @property {[text: string, tokens: Shown[]]} given the first text, cut by cl100k_base
 * @property {[published: string, own: string]} patterns how the two cut a text
 * @property {string} own the own table, in base 64
 * @property {number} size of the own vocabulary
 * @property {number} most characters of a text
 * @property {number} fetched how often the table came, or failed to
 */
/** @typedef {Map<string, number>} Ranks a token's bytes -> its id */
/** @typedef {{ ranks: Ranks, pattern: RegExp }} Encoding */
/** @typedef {[id: number, bytes: string]} Token */
/** @typedef {[id: number, text: string]} Shown */

const NAME = "cl100k_base";
const RUN = 60; // tokens that are drawn in a frame: four tints go into it

/**
 * Bytes as a string with a character for each: what a map can have as its key.
 * @param {Uint8Array} bytes
 */
function asKey(bytes) {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/**
 * An encoding from its pattern and its packed table: all lengths, a byte each, then all tokens.
 * @param {string} pattern
 * @param {Uint8Array} packed
 * @returns {Encoding}
 */
function encoding(pattern, packed) {
  /** @type {Ranks} */
  const ranks = new Map();
  const all = asKey(packed);
  let size = 0, total = 0;
  while (size + total < packed.length) total += packed[size++];
  for (let id = 0, at = size; id < size; at += packed[id++]) ranks.set(all.slice(at, at + packed[id]), id);
  return { ranks, pattern: new RegExp(pattern, "gu") };
}

/**
 * The tokens of a text: [id, its bytes] each.
 * @param {string} text
 * @param {Encoding} encoding
 * @returns {Token[]}
 */
function encode(text, { ranks, pattern }) {
  const encoder = new TextEncoder();
  return (text.match(pattern) ?? []).flatMap((piece) => merge(asKey(encoder.encode(piece)), ranks));
}

/**
 * Join the neighbours whose token has the lowest id, the first of several, while there are any.
 * @param {string} piece
 * @param {Ranks} ranks
 * @returns {Token[]}
 */
function merge(piece, ranks) {
  const id = ranks.get(piece), n = piece.length;
  if (id !== undefined) return [[id, piece]];
  const ends = Array.from({ length: n }, (_, i) => i + 1), before = ends.map((end) => end - 2);
  const ids = ends.map(() => NONE), queue = new Queue(); // ids: of the part that begins there and the next one, as one
  /** @param {number} i where a part begins */
  const look = (i) => {
    ids[i] = ends[i] < n ? ranks.get(piece.slice(i, ends[ends[i]])) ?? NONE : NONE;
    if (ids[i] !== NONE) queue.push(ids[i] * LONGEST + i);
  };
  for (let i = 0; i < n; i++) look(i);
  for (let first = queue.pop(); first !== undefined; first = queue.pop()) {
    const i = first % LONGEST, gone = ends[i];
    if (ids[i] !== (first - i) / LONGEST) continue; // a neighbour has changed since
    ends[i] = ends[gone];
    before[ends[i]] = i;
    ids[gone] = NONE;
    look(i);
    if (before[i] >= 0) look(before[i]);
  }
  /** @type {Token[]} */
  const tokens = [];
  for (let i = 0; i < n; i = ends[i]) {
    const part = piece.slice(i, ends[i]);
    tokens.push([/** @type {number} */ (ranks.get(part)), part]); // a byte, or what was joined
  }
  return tokens;
}

const NONE = -1, LONGEST = 2 ** 13; // LONGEST: more bytes than a text may have

// Numbers of which the smallest comes first: a binary heap.
class Queue {
  /** @type {number[]} */
  heap = [];
  /** @param {number} value */
  push(value) {
    const { heap } = this;
    let at = heap.push(value) - 1;
    for (let up = (at - 1) >> 1; at > 0 && heap[up] > value; up = (at - 1) >> 1) {
      heap[at] = heap[up];
      at = up;
    }
    heap[at] = value;
  }
  pop() {
    const { heap } = this, first = heap[0], last = /** @type {number} */ (heap.pop());
    if (!heap.length) return first;
    let at = 0;
    for (let down = 1; down < heap.length; down = 2 * at + 1) {
      if (heap[down + 1] < heap[down]) down += 1;
      if (heap[down] >= last) break;
      heap[at] = heap[down];
      at = down;
    }
    heap[at] = last;
    return first;
  }
}

/**
 * Each token with its text, which is spelled once: half a character takes long, and long texts repeat theirs.
 * @param {Token[]} tokens
 * @returns {Shown[]}
 */
function shown(tokens) {
  /** @type {Map<number, string>} */
  const texts = new Map();
  for (const [id, part] of tokens) {
    if (!texts.has(id)) texts.set(id, spelled(Array.from(part, (sign) => sign.charCodeAt(0))));
  }
  return tokens.map(([id]) => [id, texts.get(id) ?? ""]);
}

/** @param {string} text */
function fromBase64(text) {
  return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
}

/**
 * @param {string} text
 * @param {number} most
 * @param {Words} words
 */
function check(text, most, words) {
  if (typeof text !== "string" || !text) throw new Sentence(words.untyped);
  checkText(text, most, words);
}

/**
 * Many tokens as boxes, in runs: the first is drawn at once, each other in a frame of its own, so that a text of a
 * thousand characters stops nobody who types. A run that stays as it is stays in place.
 * @param {string} name
 */
function tokenRow(name) {
  const row = element("div", { class: "tokens", role: "group", tabindex: 0, "aria-label": name });
  /** @type {Shown[][]} */
  const drawn = [];
  let frame = 0;
  /** @type {(wanted: Shown[][], at: number) => void} */
  const goOn = (wanted, at) => {
    while (at < wanted.length && String(drawn[at]) === String(wanted[at])) at += 1;
    if (at < wanted.length) {
      const run = element("div", { class: "chips" }, ...wanted[at].map(([id, text], i) => chip(text, id, "", i % 4)));
      if (at < drawn.length) row.children[at].replaceWith(run);
      else row.append(run);
      drawn[at] = wanted[at];
    }
    row.classList.toggle("waiting", at + 1 < wanted.length);
    if (at + 1 < wanted.length) frame = requestAnimationFrame(() => goOn(wanted, at + 1));
  };
  /** @param {Shown[]} tokens */
  const show = (tokens) => {
    cancelAnimationFrame(frame);
    const wanted = Array.from({ length: Math.ceil(tokens.length / RUN) }, (_, i) => tokens.slice(i * RUN, (i + 1) * RUN));
    drawn.length = Math.min(drawn.length, wanted.length);
    while (row.children.length > drawn.length) row.lastElementChild?.remove();
    goOn(wanted, 0);
  };
  return Object.assign(row, { show });
}

/**
 * The place of one encoding: its name, how long the text is, and the text in pieces.
 * @param {string} name
 */
function half(name) {
  const told = element("p", { class: "told" }), row = tokenRow(name);
  const place = element("section", { "aria-label": name }, element("p", { class: "quiet" }, name), told, row);
  /** @type {(tokens: Shown[], words: string, bytes: number) => void} */
  const show = (tokens, words, bytes) => {
    told.textContent = fill(words, { tokens: count(tokens.length), each: (bytes / tokens.length).toFixed(1) });
    row.show(tokens);
  };
  return Object.assign(place, { show });
}

/**
 * cl100k_base's table, fetched when a text first needs it. A failure is told until another text asks.
 * @param {Parts<unknown, State>["model"]} model
 */
function table(model) {
  /** @type {{ found: Encoding | null, failure: string }} */
  const state = { found: null, failure: "" };
  /** @type {string | null} */
  let asked = null;
  /** @param {string} text */
  const ask = async (text) => {
    if (asked === text || (asked !== null && !state.failure)) return;
    [asked, state.failure] = [text, ""];
    try {
      const view = await resource(model, NAME);
      state.found = encoding(model.get("patterns")[0], new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
    } catch (error) {
      state.failure = /** @type {Error} */ (error).message;
    }
    change(model, { fetched: model.get("fetched") + 1 }); // so the picture is drawn anew
  };
  return Object.assign(state, { ask });
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words }) {
  const size = count(model.get("size")), own = encoding(model.get("patterns")[1], fromBase64(model.get("own")));
  const [first, cut] = model.get("given"), published = table(model);
  const field = textArea(words.text, 3, (text) => change(model, { text }), { most: model.get("most"), words });
  const examples = Object.entries(model.get("examples")).map(([name, text]) => button(name, () => change(model, { text })));
  const left = half(words.published), right = half(fill(words.own, { size }));
  root.append(element("div", { class: "controls" }, field,
    element("div", { class: "examples" }, element("span", { class: "quiet" }, words.examples), ...examples)),
    element("div", { class: "halves" }, left, right));

  return () => {
    const text = model.get("text");
    field.show(String(text));
    check(text, model.get("most"), words);
    const bytes = new TextEncoder().encode(text).length, ours = encode(text, own);
    const values = { characters: count([...text].length), bytes: count(bytes), own: count(ours.length), size };
    right.show(shown(ours), words.cut, bytes);
    const theirs = published.found ? shown(encode(text, published.found)) : text === first ? cut : null;
    if (!theirs) published.ask(text);
    left.show(theirs ?? [], theirs ? words.cut : published.failure || words.table, bytes);
    if (!theirs) return fill(published.failure ? words.without : words.waiting, values);
    return fill(words.said, { ...values, published: count(theirs.length) });
  };
}

export default picture(build);
