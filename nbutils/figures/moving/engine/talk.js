// What a network in training says: texts drawn from its probabilities (chapter 5).
import { random } from "./engine.js";
import { softmax } from "./next.js";

/** @typedef {import("./stream.js").Stream} Stream */
/** @typedef {import("./engine.js").Trainer} Trainer */

const LENGTH = 80; // tokens of a text at most, with its beginning: smallworld's longest document

/**
 * The next token's probabilities (V,). A network can't look back further than its window.
 * @param {Trainer} trainer
 * @param {number[]} row ids, END first
 * @param {number} temperature
 * @returns {Float64Array}
 */
function probabilities(trainer, row, temperature) {
  const { config: { vocab_size: V, block_size: T } } = trainer, seen = row.slice(-T);
  trainer.place([[...seen, 0]]); // any label: the loss is not asked for
  trainer.forward();
  const last = trainer.logits + (seen.length - 1) * V;
  return softmax(trainer.f.subarray(last, last + V).map((logit) => logit / temperature));
}

/**
 * A text that begins so and goes on as the network draws it, judged by the world.
 * @param {Trainer} trainer
 * @param {Stream} docs
 * @param {{ text: string, seed: number, temperature: number, length?: number }} wish length: tokens at most
 * @param {() => Promise<void>} breathe between tokens: the page is heard
 * @returns {Promise<{ text: string, possible: boolean | null, wrong: number }>}
 */
export async function talk(trainer, docs, { text, seed, temperature, length = LENGTH }, breathe) {
  const next = random(seed), row = [docs.END, ...docs.ids(text)];
  let ended = false;
  while (row.length < length && !ended) {
    const p = probabilities(trainer, row, temperature);
    if (!Number.isFinite(p[0])) return { text, possible: null, wrong: text.length }; // diverged: no numbers, no words
    let left = next(), id = 0;
    while (id < p.length - 1 && (left -= p[id]) >= 0) id++;
    ended = id === docs.END;
    if (!ended) row.push(id);
    await breathe();
  }
  return { text: docs.text(row), ...docs.judge(row, ended) };
}
