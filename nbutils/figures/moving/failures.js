// Well-known ways in which a run goes wrong, told from what the page hears of it while it runs. Each threshold was found
// by runs of bench/failures.py; bench/failures.md has them. What could be two things is not named.
import { WINDOWS } from "./settings.js";

/** @import { Looks } from "./types" */
/** @import { Progress, Settings } from "./engine/types" */
/** @typedef {Pick<Settings, "layers" | "width" | "positions" | "window" | "optimizer" | "rate">} Asked */
/** @typedef {{ key: string, values: Record<string, string> }} Failure a key of the words in runs/failures.json */

/** nats a token: guessing among all 441 words alike; by how often each word comes; by the word before, too. */
export const GUESSING = Math.log(441), FREQUENCIES = 4.887, PAIRS = 1.897;
// Rates at which runs were seen to fail, and those to try.
const HIGH = { muon: 0.3, adamw: 0.1 }, LOW = { muon: 0.003, adamw: 0.001 }, GOOD = { muon: 0.01, adamw: 0.005 };
const RECENT = 0.05; // of the way so far: a mean over less is chance
const LEAST = 40; // updates that say something; and marked words
const CHANCE = 0.5; // nats by which means of so few documents differ at most, from one to the next

/**
 * What the run is like now.
 * @typedef {object} View
 * @property {Asked} settings
 * @property {number} done of the schedule
 * @property {number} step
 * @property {number} loss in the last twentieth of the way, nats a token
 * @property {number} above the floor; NaN where nobody knows it
 * @property {number} best the least that `loss` was
 * @property {number} first the loss of the first report
 * @property {Record<Looks | "hidden", number>} looks losses of the marked words since the middle; NaN where they are few
 */

/**
 * What went wrong, or null. Where several things did, the first that explains the others.
 * @param {Asked} settings of the run
 * @param {Progress[]} history all that it reported, oldest first
 * @returns {Failure | null}
 */
export function failure(settings, history) {
  if (!history.length) return null;
  const view = seen(settings, history);
  for (const rule of RULES) {
    const found = rule(view);
    if (found) return found;
  }
  return null;
}

/** @type {((view: View) => Failure | null)[]} */
const RULES = [noNumber, diverges, crawls, shortSighted, onceOnly, tooSoon];
