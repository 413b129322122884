// What a network that learns here says next, beside the truth.
import { Refusal } from "./refusal.js";

/** @import { Likely } from "./types" */
/** @typedef {import("./engine.js").Trainer} Trainer */
/** @typedef {import("./stream.js").Stream} Stream */

/**
 * The likeliest tokens after a text, and what all others have together: as the network is now, in between two updates.
 * @param {Trainer} trainer the network
 * @param {Pick<Stream, "ids" | "text" | "END" | "truth">} docs
 * @param {string} text
 * @param {number} most how many by name
 * @returns {{ likely: Likely[], rest: Likely }}
 * @throws {Refusal} a word that no document has, or a text that is too long
 */
export function next(trainer, docs, text, most) {
  const { vocab_size: V, block_size } = trainer.config, row = [docs.END, ...docs.ids(text)];
  if (row.length > block_size) throw new Refusal("textLong", { length: row.length - 1, most: block_size - 1 });
  trainer.place([[...row, docs.END]]); // the last only as a label, which nothing reads
  trainer.forward();
  const at = trainer.logits + (row.length - 1) * V, logits = trainer.f.subarray(at, at + V); // (V,)
  const p = softmax(logits), truth = docs.truth(row);
  /** @type {(id: number) => number | null} */
  const trueOf = (id) => truth && (truth.get(id) ?? 0);
  const likely = [...p.keys()].sort((a, b) => p[b] - p[a]).slice(0, most)
    .map((id) => ({ name: id === docs.END ? null : docs.text([id]), p: p[id], truth: trueOf(id) }));
  const left = (/** @type {"p" | "truth"} */ what) => Math.max(0, likely.reduce((all, one) => all - (one[what] ?? 0), 1));
  return { likely, rest: { name: "", p: left("p"), truth: truth && left("truth") } };
}

/**
 * @param {Float32Array} logits shape (V,)
 * @returns {Float64Array} shape (V,)
 */
export function softmax(logits) {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity), shares = Float64Array.from(logits, (logit) => Math.exp(logit - most));
  const all = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => share / all);
}
