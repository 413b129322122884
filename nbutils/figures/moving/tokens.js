// What a network's ids mean: a text's ids, an id's text, and what smallworld would truly say next.
import { Sentence, count, fill, visible } from "./shared.js";
import { END, nextProbabilities } from "./smallworld.js";
import { OTHER, plainText } from "./engine/characters.js";

/** @import { Cut, Meaning, World } from "./types" */
/** @import { Trained } from "./engine/types" */
/** @typedef {typeof import("../../words/en/pictures/whose.json")} Words */

const FEW = 3; // unknown words that are told

/**
 * How smallworld's texts are cut. split: into words; pieces: into tokens, by the course's byte pair encoding: of all
 * neighbours the first learned are joined first.
 * @param {World} world
 * @returns {{ ids: Map<string, number>, split: Cut, pieces: Cut }}
 */
export function encoder({ vocabulary, pattern }) {
  const ids = new Map(vocabulary.map((piece, id) => [piece, id])), rule = new RegExp(pattern, "gu");
  /** @param {string} piece */
  const joined = (piece) => {
    const row = [...piece];
    while (row.length > 1) {
      let best = Infinity, at = -1;
      for (let i = 1; i < row.length; i++) {
        const id = ids.get(row[i - 1] + row[i]) ?? Infinity;
        if (id < best) [best, at] = [id, i];
      }
      if (at < 0) break;
      row.splice(at - 1, 2, row[at - 1] + row[at]);
    }
    return row;
  };
  /** @type {Cut} */
  const split = (text) => text.match(rule) ?? [];
  /** @type {Cut} */
  const pieces = (text) => split(text).flatMap((piece) => {
    const bytes = String.fromCharCode(...new TextEncoder().encode(piece));
    return ids.has(bytes) ? [bytes] : joined(bytes);
  });
  return { ids, split, pieces };
}

/**
 * @param {World} world
 * @returns {Trained["encoding"]} the course's: all of smallworld's tokens
 */
export const courseEncoding = ({ vocabulary }) => ({ ids: Array.from({ length: vocabulary.length + 1 }, (_, id) => id) });

/**
 * @param {Trained["encoding"]} encoding
 * @param {World} world
 * @param {Words} words for a text that it can't read
 * @returns {Meaning}
 */
export const meaningOf = (encoding, world, words) => (
  "ids" in encoding ? ofWords(encoding.ids, world, words) : ofCharacters(encoding.characters, words));

/**
 * @param {number[]} chosen ids of smallworld's encoding, one for each of the network's
 * @param {World} world
 * @param {Words} words
 * @returns {Meaning}
 */
function ofWords(chosen, world, words) {
  const { ids: known, split, pieces } = encoder(world), end = chosen.length - 1;
  const place = new Map(chosen.map((id, i) => [id, i]));
  /** @param {string} piece */
  const idOf = (piece) => place.get(known.get(piece) ?? -1);
  /** @type {Map<string, string[]>} few texts are cut over and over */
  const met = new Map();
  /** @type {Cut} */
  const cut = (text) => met.get(text) ?? met.set(text, pieces(text)).get(text) ?? [];
  const reading = new TextDecoder();
  return {
    end,
    name: (id) => reading.decode(Uint8Array.from(world.vocabulary[chosen[id]], (sign) => sign.charCodeAt(0))),
    ids(text) {
      const strange = split(text).filter((word) => pieces(word).some((piece) => idOf(piece) === undefined));
      if (strange.length) refuse(strange, fill(words.saysWords, { count: count(end) }), words);
      return pieces(text).map((piece) => idOf(piece) ?? end);
    },
    truth(text) {
      const next = nextProbabilities(pieces(text), world, cut);
      if (!next) return null;
      const p = new Float64Array(chosen.length);
      for (const [piece, share] of next) {
        const id = piece === END ? end : idOf(piece);
        if (id !== undefined) p[id] = share;
      }
      return p;
    },
  };
}

/**
 * Whatever is none of them is OTHER, if the text had so many that OTHER stood for the rarest: see ownText.
 * @param {string[]} characters
 * @param {Words} words
 * @returns {Meaning}
 */
function ofCharacters(characters, words) {
  const place = new Map(characters.map((sign, id) => [sign, id])), end = characters.length, other = place.get(OTHER);
  return {
    end,
    name: (id) => characters[id],
    ids(text) {
      const signs = [...plainText(text)], strange = signs.filter((sign) => !place.has(sign));
      if (strange.length && other === undefined) refuse(strange, fill(words.saysCharacters, { count: count(end) }), words);
      return signs.map((sign) => place.get(sign) ?? other ?? end);
    },
    truth: () => null,
  };
}

/**
 * @param {string[]} strange what the network does not know
 * @param {string} remedy
 * @param {Words} words
 * @returns {never}
 */
function refuse(strange, remedy, words) {
  const those = [...new Set(strange)].slice(0, FEW).map((one) => `“${visible(one.trim() || one)}”`).join(", ");
  throw new Sentence(fill(words.strange, { those, remedy }));
}
