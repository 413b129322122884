// A text of the reader's own as characters, each with an id: what a stranger pastes, from one sign to 200 kB.
import { Refusal } from "./refusal.js";

export const MOST_BYTES = 200_000; // of an own text, in UTF-8
const MOST_SIGNS = 1022; // different ones: with OTHER and END there are 1024 ids at most
export const OTHER = "□"; // stands for the rarest signs, where there are more

/**
 * What an own text is made of: its characters (code points: a Korean syllable or an emoji is one, whatever it takes in
 * UTF-16), the ids of all, how many different ones there are, and how many of these OTHER stands for. Lines end in "\n",
 * and a syllable that was written as its letters is one sign again (Unicode's form NFC).
 * @param {string} text
 * @returns {{ signs: string[], ids: number[], different: number, replaced: number }}
 * @throws {Refusal} ownEmpty; ownLong: { bytes, most }; ownHalf: half a character of UTF-16 stands in it, at { at }
 */
export function ownText(text) {
  if (!text.isWellFormed()) throw new Refusal("ownHalf", { at: text.search(/\p{Surrogate}/u) });
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > MOST_BYTES) throw new Refusal("ownLong", { bytes, most: MOST_BYTES });
  const all = [...plainText(text)];
  if (!all.length) throw new Refusal("ownEmpty");
  /** @type {Map<string, number>} */
  const often = new Map();
  for (const sign of all) often.set(sign, (often.get(sign) ?? 0) + 1);
  // Of signs that are equally rare the later in Unicode goes: the choice must be the same everywhere.
  const kept = [...often.keys()].sort((a, b) => (often.get(b) ?? 0) - (often.get(a) ?? 0) || order(a, b)).slice(0, MOST_SIGNS);
  const replaced = often.size - kept.length, signs = [...new Set(replaced ? [...kept, OTHER] : kept)].sort(order);
  const known = new Map(signs.map((sign, id) => [sign, id])), other = known.get(OTHER) ?? -1;
  return { signs, ids: all.map((sign) => known.get(sign) ?? other), different: often.size, replaced };
}

/** @type {(a: string, b: string) => number} by code point, as Python sorts: UTF-16 would put emoji before "豈" */
const order = (a, b) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0);

/**
 * A text without what only says how it was written down.
 * @param {string} text
 */
export const plainText = (text) => text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n").normalize("NFC");
