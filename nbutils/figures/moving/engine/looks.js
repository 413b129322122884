// What the words cost that only a reader knows who looks back: smallworld's Writer marks them. A network that learns those
// whose first mention its window shows, and never the others, needs a longer one (../failures.js).

/** @import { Document, Looked } from "./types" */

/** @returns {Looked} */
export const none = () => ({ shown: { n: 0, loss: 0 }, hidden: { n: 0, loss: 0 } });

/**
 * Of documents that lie end to end in a batch, each cut into pieces of `window` tokens.
 * @param {Document[]} documents
 * @param {number} window
 * @param {Float64Array} losses of all labels of the batch, in nats
 * @returns {Looked}
 */
export function looked(documents, window, losses) {
  const sums = none();
  let first = -1; // a document's id at 1 is the label of its first token
  for (const { ids, marks = [] } of documents) {
    for (const at of marks) {
      const from = at - 1 - ((at - 1) % window), source = ids.lastIndexOf(ids[at], at - 1); // it sees the ids from there
      const sum = sums[source < from ? "hidden" : "shown"];
      sum.n += 1;
      sum.loss += losses[first + at];
    }
    first += ids.length - 1;
  }
  return sums;
}

/**
 * @param {Looked} to
 * @param {Looked} more is added to it
 */
export function add(to, more) {
  for (const looks of /** @type {(keyof Looked)[]} */ (Object.keys(to))) {
    to[looks].n += more[looks].n;
    to[looks].loss += more[looks].loss;
  }
}
