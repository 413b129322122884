// Numbers as people type them, and how far one is from another.
import { readable } from "../../nbutils/figures/moving/shared.js";
/** @import { Question } from "./types" */

/**
 * 12, -0.5, 1,000,000, 1e6, 10^9, 3·10^8, 1/3, 12 %, 3 million; null for anything else. Units behind it don't count.
 * @param {string} text
 * @param {Record<string, number>} scales words for thousands and more
 */
export function typed(text, scales) {
  const plain = text.trim().replace(/[\u2212\u2013]/g, "-").replace(/(\d)[, \u00a0\u202f_'](?=\d{3}(?!\d))/g, "$1")
    .replace(/(\d),(\d)/g, "$1.$2");
  const found = /^[~≈]?\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(?:([*·×x/^]|\*\*)\s*(\d+(?:\.\d+)?)(?:\s*(?:\^|\*\*)\s*(-?\d+))?)?\s*([^\d\s.,-]*)(?:\s+[^\d]*)?$/iu.exec(plain);
  if (!found) return null;
  const [, first, sign, second, power, unit] = found;
  const value = combined(Number(first), sign, Number(second), power);
  const scale = Object.hasOwn(scales, unit.toLowerCase()) ? scales[unit.toLowerCase()] : 1;
  return Number.isFinite(value) ? value * scale : null;
}

/**
 * @param {number} first
 * @param {string | undefined} sign
 * @param {number} second
 * @param {string | undefined} power
 */
function combined(first, sign, second, power) {
  if (!sign) return first;
  if (sign === "^" || sign === "**") return first ** second;
  const other = power === undefined ? second : second ** Number(power);
  return sign === "/" ? first / other : first * other;
}

/**
 * Whether a number is near enough to the right one.
 * @param {number} said
 * @param {number} right
 * @param {NonNullable<Question["within"]>} within
 */
export function near(said, right, within) {
  const off = Math.abs(said - right), slack = 1e-9 * Math.abs(right);
  if (within.share !== undefined) return off <= within.share * Math.abs(right) + slack;
  if (within.factor !== undefined) return said * right > 0 && Math.max(said / right, right / said) <= within.factor + 1e-9;
  return off <= (within.off ?? 0) + slack;
}

/**
 * What a number is where a share in % is asked for: 2/3 is 66.7.
 * @param {string} text
 * @param {Record<string, number>} scales
 * @param {boolean} [percent]
 */
export function meant(text, scales, percent = false) {
  const value = typed(text, scales);
  return percent && value !== null && text.includes("/") && !text.includes("%") ? 100 * value : value;
}

/**
 * Which of some wrong numbers was said, to 2 %: its place, or -1.
 * @param {number} said
 * @param {number[]} wrong
 */
export function nearest(said, wrong) {
  const off = wrong.map((number) => Math.abs(said - number)), least = Math.min(...off), at = off.indexOf(least);
  return at >= 0 && least <= 0.02 * Math.abs(wrong[at]) ? at : -1;
}

/**
 * Which sentence says how far off a number is, and its numbers.
 * @param {number} said
 * @param {number} right
 * @returns {[string, Record<string, string>]}
 */
export function distance(said, right) {
  if (!right) return ["wrong_word", {}];
  const [a, b] = [Math.abs(said), Math.abs(right)], times = a / b;
  if (said * right > 0 && times >= 3) return ["times_above", { times: readable(times) }];
  if (said * right > 0 && times <= 1 / 3) return ["times_below", { times: readable(1 / times) }];
  const off = Math.abs(said - right);
  return [said > right ? "above" : "below", { off: readable(off), share: readable((100 * off) / b, 2) }];
}
