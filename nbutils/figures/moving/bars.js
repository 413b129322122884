// Bars of the next word, by a network, with upright marks where the truth is known.
import { bar, element, fill, percent } from "./shared.js";

/** @import { CommonWords, Row } from "./types" */

export const RARE = 1e-6, DIGITS = 2; // of a percentage

/**
 * A probability beside its bar, where one chance in a billion needs no more room than one in a million.
 * @param {number} p
 * @param {CommonWords} words
 */
const shown = (p, words) => (p > 0 && p < RARE ? fill(words.below, { p: percent(RARE, DIGITS) }) : percent(p, DIGITS));

/**
 * @param {Row} row
 * @param {CommonWords} words
 */
export function barOf([name, p, drawn, truth], words) {
  const value = element("span", {}, shown(drawn, words));
  if (truth !== null) value.append(" ", element("small", {}, fill(words.true, { p: shown(truth, words) })));
  const made = bar(name || words.others, drawn, value, name ? "mark" : "quiet");
  if (truth !== null) made.querySelector(".track")?.append(element("span", { class: "truth", style: `left: ${100 * truth}%` }));
  Object.assign(made.dataset, { p, drawn, truth: truth ?? -1 });
  return made;
}
