// Well-known ways in which a run goes wrong, told from what the page hears of it while it learns. bench/failures.md has the
// runs by which each threshold was found. What could be one thing or another is not named.

/** @import { Looks } from "./types" */
/** @import { Progress, Settings } from "./engine/types" */
/** @typedef {Pick<Settings, "layers" | "width" | "positions" | "window" | "optimizer" | "rate">} Asked */
/** @typedef {Pick<Progress, "done" | "step" | "all" | "loss" | "floor" | "looks">} Report */
/** @typedef {{ key: string, values: Record<string, string> }} Failure key: of the words in runs/failures.json */

/** What smallworld costs, in nats a token: who takes each of 441 words for equally likely; who knows how often each pair of
 * neighbours comes, and no more. */
export const GUESSING = Math.log(441), PAIRS = 1.9;
/** Learning rates: up to `low` runs crawled, from `high` on they failed. Those from `slow` to `fast` did well; between them
 * and the outer ones it depends. */
export const RATES = {
  muon: { low: 0.003, slow: 0.005, good: "0.01", fast: 0.05, high: 0.3 },
  adamw: { low: 0.001, slow: 0.005, good: "0.01", fast: 0.015, high: 0.05 },
};
const WHOLE = 80; // tokens: a window that shows every document whole
const FEW = 40; // updates, or marked words: fewer tell little
const NOW = 0.05, LATELY = 0.25; // of all tokens so far: a mean over them is what a loss is now; marked words are rare
const SUM = 4000; // tokens at least
const EARLY = 0.25, LATE = 0.97; // of a run

/**
 * What a run is like.
 * @typedef {object} View
 * @property {Asked} asked
 * @property {number} done of its schedule
 * @property {number} step
 * @property {number} start the loss of a network that has learned nothing
 * @property {number} loss now
 * @property {number} above the floor; NaN where nobody knows that one
 * @property {Record<Looks | "hidden", number>} looks nats that a marked word costs lately; NaN where few of them came
 */

/**
 * What is wrong with a run, or null. Where several things are, the one that keeps the others from being seen.
 * @param {Asked} asked
 * @param {Report[]} history all that it told so far, oldest first
 * @returns {Failure | null}
 */
export function failure(asked, history) {
  if (!history.length) return null;
  const view = viewed(asked, history);
  for (const rule of RULES) {
    const found = rule(view);
    if (found) return found;
  }
  return null;
}

/** @param {number} n */
const nats = (n) => n.toFixed(2);
/** @type {(asked: Asked) => Record<string, string>} */
const rates = ({ optimizer, rate }) => ({ rate: String(rate), good: RATES[optimizer].good });

/** @type {((view: View) => Failure | null)[]} */
const RULES = [noNumber, diverges, tooFast, crawls, shortWindow, oneLayer, tooFew];

/** @param {View} view */
function noNumber({ asked, loss, step }) {
  return Number.isFinite(loss) ? null : { key: "noNumber", values: { step: String(step), ...rates(asked) } };
}

/**
 * It is worse than before it learned anything: no rate that is small enough leads there.
 * @param {View} view
 */
function diverges({ asked, loss, start }) {
  return loss > start + 0.5 ? { key: "diverges", values: { loss: nats(loss), start: nats(start), ...rates(asked) } } : null;
}

/**
 * A quarter of the run is over, and a table of pairs of words would do as well; or the end has come, and much is left.
 * @param {View} view
 */
const behind = ({ above, done, step }) => step >= FEW && done >= EARLY && above > (done < LATE ? 2 : 0.5);

/** @param {View} view */
function tooFast(view) {
  const { asked, loss, above, done } = view;
  if (asked.rate < RATES[asked.optimizer].high || !behind(view)) return null;
  return { key: "tooFast", values: { loss: nats(loss), above: nats(above), done: String(Math.round(100 * done)), ...rates(asked) } };
}

/** @param {View} view */
function crawls(view) {
  const { asked, loss, above, done } = view;
  if (asked.rate > RATES[asked.optimizer].low || !behind(view)) return null;
  return { key: "crawls", values: { loss: nats(loss), above: nats(above), done: String(Math.round(100 * done)), ...rates(asked) } };
}

/**
 * Words whose first mention the window hides stay dear, while those whose first mention it shows were learned.
 * @param {View} view
 */
function shortWindow({ asked, done, looks: { once, hidden } }) {
  if (asked.window >= WHOLE || done < EARLY || !(hidden > 1.5) || !(once < hidden - 0.8)) return null;
  return { key: "shortWindow", values: { window: String(asked.window), whole: String(WHOLE), hidden: nats(hidden), once: nats(once) } };
}

/**
 * What one look back finds was learned, and what only two find was not.
 * @param {View} view
 */
function oneLayer({ asked, done, looks: { once, twice } }) {
  if (asked.layers > 1 || done < EARLY || !(once < 0.3) || !(twice > 1.5)) return null;
  return { key: "oneLayer", values: { once: nats(once), twice: nats(twice) } };
}

/**
 * The rate has fallen to nothing, and was right; it could have learned on.
 * @param {View} view
 */
function tooFew({ asked: { optimizer, rate, window, layers }, above, done, step }) {
  const { slow, fast } = RATES[optimizer], well = rate >= slow && rate <= fast && window >= WHOLE && layers > 1;
  return well && done > LATE && above > 0.25 ? { key: "tooFew", values: { above: nats(above), step: String(step) } } : null;
}

/**
 * @param {Asked} asked
 * @param {Report[]} history
 * @returns {View}
 */
function viewed(asked, history) {
  const { done, step, all } = history[history.length - 1], now = since(history, all - Math.max(SUM, NOW * all));
  let tokens = 0, loss = 0, floor = 0;
  for (let i = now; i < history.length; i++) {
    const its = history[i].all - (i ? history[i - 1].all : 0);
    tokens += its;
    loss += its * history[i].loss;
    floor += its * history[i].floor;
  }
  const start = Number.isNaN(floor) ? history[0].loss : GUESSING;
  return { asked, done, step, start, loss: loss / tokens, above: (loss - floor) / tokens, looks: looksOf(history.slice(since(history, (1 - LATELY) * all))) };
}

/**
 * The place of the first report that tells of tokens after the given one.
 * @param {Report[]} history
 * @param {number} token
 */
function since(history, token) {
  let at = history.length - 1;
  while (at > 0 && history[at - 1].all > token) at--;
  return at;
}

/** @param {Report[]} history */
function looksOf(history) {
  /** @param {Looks | "hidden"} looks */
  const mean = (looks) => {
    let n = 0, loss = 0;
    for (const report of history) {
      n += report.looks[looks].n;
      loss += report.looks[looks].loss;
    }
    return n < FEW ? NaN : loss / n;
  };
  return { once: mean("once"), twice: mean("twice"), hidden: mean("hidden") };
}
