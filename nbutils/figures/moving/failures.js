// Well-known ways in which a run goes wrong, told from what the page hears of it while it learns. bench/failures.md has the
// runs by which each threshold was found. What could be one thing or another is not named.
import { LONGEST, VOCABULARY } from "./settings.js";

/** @import { Progress, Settings } from "./engine/types" */
/** @typedef {Pick<Settings, "layers" | "width" | "positions" | "window" | "optimizer" | "rate">} Asked */
/** @typedef {Pick<Progress, "done" | "step" | "all" | "loss" | "floor" | "looks">} Report */
/** @typedef {{ key: string, values: Record<string, string> }} Failure key: of the words in pictures/failures.json */

/** Nats a token, of who takes each of smallworld's words, and the end, for equally likely. */
export const GUESSING = Math.log(VOCABULARY);
/** Nats above the floor, of who knows how often each word follows each other word, and no more. */
export const NEIGHBOURS = 1.52;
/**
 * A learning rate to try, with that optimizer at that width.
 * @param {Pick<Asked, "optimizer" | "width">} asked
 */
export const goodRate = (asked) => rates(asked).good;
/**
 * Learning rates: up to `low` runs crawled, from `high` on they failed; `good` is one to try, and those from `slow` to `fast`
 * did as well. AdamW moves each weight by about the rate, and more of them meet in a wider network: it must go slower there.
 * @param {Pick<Asked, "optimizer" | "width">} asked
 */
function rates({ optimizer, width }) {
  if (optimizer === "muon") return { low: 0.003, slow: 0.005, good: 0.01, fast: 0.05, high: 0.3 };
  const good = width < 64 ? 0.01 : width < 128 ? 0.005 : 0.003;
  return { low: 0.001, slow: good / 2, good, fast: 1.5 * good, high: 1.25 / width };
}
const FEW = 40; // updates, or marked words: fewer tell little
const NOW = 0.05, LATELY = 0.25; // of all tokens so far: a mean over them is what a loss is now; marked words are rare
const SUM = 4000; // tokens at least
const EARLY = 0.25, LATE = 0.99; // of a run

/**
 * What a run is like.
 * @typedef {object} View
 * @property {Asked} asked
 * @property {number} done of its schedule
 * @property {number} step
 * @property {number} start the loss of a network that has learned nothing
 * @property {number} loss now
 * @property {number} above the floor; NaN where nobody knows that one
 * @property {Record<"shown" | "hidden", number>} looks nats that a marked word costs lately; NaN where few of them came
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
const tried = (asked) => ({ rate: String(asked.rate), good: String(goodRate(asked)) });

/** @type {((view: View) => Failure | null)[]} */
const RULES = [noNumber, diverges, tooFast, crawls, shortWindow, noPositions, tooNarrow, tooFew];

/** @param {View} view */
function noNumber({ asked, loss, step }) {
  return Number.isFinite(loss) ? null : { key: "noNumber", values: { step: String(step), ...tried(asked) } };
}

/**
 * It is worse than before it learned anything: no rate that is small enough leads there.
 * @param {View} view
 */
function diverges({ asked, loss, start }) {
  return loss > start + 0.5 ? { key: "diverges", values: { loss: nats(loss), start: nats(start), ...tried(asked) } } : null;
}

/**
 * A quarter of the run is over, and a table of neighbours would do better; later, as the rate falls, more can be expected.
 * @param {View} view
 */
const behind = ({ above, done, step }) => step >= FEW && done >= EARLY && above > NEIGHBOURS - (NEIGHBOURS - 0.5) * (done - EARLY) / (1 - EARLY);

/** @type {(view: View) => Record<string, string>} */
const standing = ({ asked, loss, above, done }) => ({ loss: nats(loss), above: nats(above), done: String(Math.round(100 * done)), neighbours: nats(NEIGHBOURS), ...tried(asked) });

/** @param {View} view */
function tooFast(view) {
  const { asked } = view;
  return asked.rate >= rates(asked).high && behind(view) ? { key: "tooFast", values: standing(view) } : null;
}

/** @param {View} view */
function crawls(view) {
  const { asked } = view;
  return asked.rate <= rates(asked).low && behind(view) ? { key: "crawls", values: standing(view) } : null;
}

/**
 * Words whose first mention the window hides stay dear, while those whose first mention it shows were learned.
 * @param {View} view
 */
function shortWindow({ asked, done, looks: { shown, hidden } }) {
  if (asked.window >= LONGEST || done < EARLY || !(hidden > 1.5) || !(shown < hidden - 0.8)) return null;
  return { key: "shortWindow", values: { window: String(asked.window), whole: String(LONGEST), hidden: nats(hidden), shown: nats(shown) } };
}

/**
 * The run is over, at a rate and in a window with which networks learned.
 * @param {View} view
 */
function wellOver({ asked, done }) {
  const { slow, fast } = rates(asked);
  return done > LATE && asked.rate >= slow && asked.rate <= fast && asked.window >= LONGEST;
}

/**
 * Words that are found by looking back are dear after as many updates as made them cheap where positions were known. They
 * become cheap without, too, but later: the mask shows how many words came before.
 * @param {View} view
 */
function noPositions(view) {
  const { asked, step, looks: { shown } } = view, learned = asked.optimizer === "muon" && asked.layers > 1 && asked.width >= 48;
  if (asked.positions !== "none" || !learned || step < 1200 || !wellOver(view) || !(shown > 0.3)) return null;
  return { key: "noPositions", values: { step: String(step), shown: nats(shown) } };
}

/**
 * So many updates are enough for a wider network.
 * @param {View} view
 */
function tooNarrow(view) {
  const { asked, step, above, looks: { shown } } = view;
  if (asked.width > 16 || step < 2500 || !wellOver(view) || !(shown > 0.3)) return null;
  return { key: "tooNarrow", values: { step: String(step), width: String(asked.width), above: nats(above), shown: nats(shown) } };
}

/**
 * The rate has come down to 0 before all was learned. (Of a very narrow network it could be the width.)
 * @param {View} view
 */
function tooFew(view) {
  const { asked, above, step } = view;
  return wellOver(view) && asked.width > 16 && above > 0.25 ? { key: "tooFew", values: { above: nats(above), step: String(step) } } : null;
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
  /** @param {"shown" | "hidden"} looks */
  const mean = (looks) => {
    let n = 0, loss = 0;
    for (const report of history) {
      n += report.looks[looks].n;
      loss += report.looks[looks].loss;
    }
    return n < FEW ? NaN : loss / n;
  };
  return { shown: mean("shown"), hidden: mean("hidden") };
}
