// Documents without end, as ids: smallworld's, fresh all the time and each with its exact floor, or windows of a text of
// the reader's own. In both the last id is END, which stands before and after each document.
import { END, read, write } from "../smallworld.js";
import { OTHER, ownText, plainText } from "./characters.js";
import { random } from "./engine.js";
import { Refusal } from "./refusal.js";
import recipe from "../recipe.json";

/** @import { World } from "../types" */
/** @import { Document, Source, Trained } from "./types" */

/**
 * Where a run's documents come from, and what their ids mean.
 * one: the next document. vocab: V. END: its id, V - 1. ids, text: a text's ids, and the text of ids, both without END.
 * judge: whether the world can say such a row of ids, and where (counted as a string counts) it no longer can; null
 * where nobody knows. ended: END came after the row.
 * @typedef {object} Stream
 * @property {() => Document} one
 * @property {number} vocab
 * @property {number} END
 * @property {(text: string) => number[]} ids
 * @property {(row: number[]) => string} text
 * @property {(row: number[], ended: boolean) => { possible: boolean | null, wrong: number }} judge
 * @property {(row: number[]) => Map<number, number> | null} truth the true chances of what comes after such a row; null where
 *   nobody knows
 * @property {Trained["encoding"]} encoding
 */

/**
 * @param {Source} source
 * @param {number} seed the same gives the same documents, everywhere
 * @param {number} window tokens that a position may see; an own text is read in windows of so many
 * @returns {Stream}
 * @throws {Refusal} an own text that can't be read
 */
export function stream(source, seed, window) {
  const next = random(recipe.documents + seed); // the first weights take the seed's own numbers
  return source.kind === "world" ? ofWorld(source.world, next) : ofText(source.text, next, window);
}

/**
 * A document in pieces of at most `window` tokens, each read alone, as if nothing stood before it. Each has its labels:
 * one id more, with which the next piece begins. (What the truth pays stays that of the whole document: who can't see
 * its beginning can't reach it.)
 * @param {number[]} ids
 * @param {number} window
 * @returns {number[][]}
 */
export function pieces(ids, window) {
  const cut = [];
  for (let at = 0; at < ids.length - 1; at += window) cut.push(ids.slice(at, at + window + 1));
  return cut;
}

/**
 * smallworld says 440 of its encoding's 1,241 words; the others would cost three times the work and teach nothing.
 * @param {World} world
 * @param {() => number} next
 * @returns {Stream}
 */
function ofWorld(world, next) {
  const words = world.spoken.map((id) => world.vocabulary[id]), end = words.length;
  const known = new Map(words.map((word, id) => [word, id]));
  const { cut, spelled } = cutter(world);
  /** @param {string} word */
  const idOf = (word) => {
    const id = known.get(word);
    if (id === undefined) throw new Refusal("unknownWord", { word: spelled([word]) });
    return id;
  };
  /** @param {number[]} row */
  const said = (row) => row.filter((id) => id !== end).map((id) => words[id]);
  return {
    one() {
      const { pieces: told, loss, marks } = write(next, world, cut);
      return { ids: [end, ...told.map(idOf), end], loss, marks: marks.map((at) => at + 1) };
    },
    vocab: end + 1,
    END: end,
    ids: (text) => cut(text).map(idOf),
    text: (row) => spelled(said(row)),
    judge(row, ended) {
      const told = said(row), { next: then, at } = read(told, world, cut);
      const possible = then !== null && (!ended || then.has(END));
      return { possible, wrong: spelled(told.slice(0, at)).length };
    },
    truth(row) {
      const { next: then } = read(said(row), world, cut);
      return then && new Map([...then].map(([word, p]) => [word === END ? end : idOf(word), p]));
    },
    encoding: { ids: [...world.spoken, world.vocabulary.length] },
  };
}

/**
 * How the world's texts are cut into words, and words become text again. A word has a character for each byte of UTF-8,
 * as in the vocabulary.
 * @param {World} world
 */
function cutter({ pattern }) {
  const word = new RegExp(pattern, "gu"), utf8 = new TextEncoder(), reading = new TextDecoder();
  /** @type {Map<string, string[]>} few texts are said over and over */
  const known = new Map();
  /** @param {string} text */
  const cut = (text) => {
    const found = known.get(text);
    if (found) return found;
    const made = (text.match(word) ?? []).map((one) => String.fromCharCode(...utf8.encode(one)));
    if (known.size < 10_000) known.set(text, made);
    return made;
  };
  /** @param {string[]} words */
  const spelled = (words) => reading.decode(Uint8Array.from(words.join(""), (byte) => byte.charCodeAt(0)));
  return { cut, spelled };
}

/**
 * Windows at random places, each after an END, as a document begins: so a network can also begin with nothing. The text's
 * own end is END, too; a text that is shorter than a window is read whole each time.
 * @param {string} content
 * @param {() => number} next
 * @param {number} window
 * @returns {Stream}
 */
function ofText(content, next, window) {
  const { signs, ids } = ownText(content), end = signs.length, all = [...ids, end];
  const known = new Map(signs.map((sign, id) => [sign, id])), places = Math.max(0, all.length - window) + 1;
  /** @param {number[]} row */
  const text = (row) => row.filter((id) => id !== end).map((id) => signs[id]).join("");
  return {
    one() {
      const at = Math.floor(next() * places);
      return { ids: [end, ...all.slice(at, at + window)], loss: NaN };
    },
    vocab: end + 1,
    END: end,
    ids: (said) => [...plainText(said)].map((sign) => {
      const id = known.get(sign) ?? known.get(OTHER);
      if (id === undefined) throw new Refusal("unknownSign", { sign });
      return id;
    }),
    text,
    judge: (row) => ({ possible: null, wrong: text(row).length }),
    truth: () => null,
    encoding: { characters: signs },
  };
}
