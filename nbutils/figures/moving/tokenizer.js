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
  const id = ranks.get(piece);
  if (id !== undefined) return [[id, piece]];
  const starts = Array.from({ length: piece.length + 1 }, (_, i) => i);
  /** @param {number} i */
  const joined = (i) => ranks.get(piece.slice(starts[i], starts[i + 2])) ?? Infinity;
  const ids = starts.slice(0, -2).map((_, i) => joined(i)); // of parts i and i + 1 as one
  for (;;) {
    let best = 0;
    for (let i = 1; i < ids.length; i++) if (ids[i] < ids[best]) best = i;
    if (!(ids[best] < Infinity)) break;
    starts.splice(best + 1, 1);
    ids.splice(best, 1);
    if (best < ids.length) ids[best] = joined(best);
    if (best > 0) ids[best - 1] = joined(best - 1);
  }
  return starts.slice(0, -1).map((start, i) => {
    const part = piece.slice(start, starts[i + 1]);
    return [/** @type {number} */ (ranks.get(part)), part]; // a byte, or what was joined
  });
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
 * The place of one encoding: its name, how long the text is, and the text in pieces.
 * @param {string} name
 */
function half(name) {
  const told = element("p", { class: "told" }), row = element("div", { class: "chips tokens" });
  const place = element("section", { "aria-label": name }, element("p", { class: "quiet" }, name), told, row);
  /** @type {(tokens: Shown[], words: string, bytes: number) => void} */
  const show = (tokens, words, bytes) => {
    told.textContent = fill(words, { tokens: count(tokens.length), each: (bytes / tokens.length).toFixed(1) });
    row.replaceChildren(...tokens.map(([id, text], i) => chip(text, id, "", i % 4)));
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
  const field = textArea(words.text, 3, (text) => change(model, { text }));
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
