// What a run in the page can be asked for. One check stands here, at the door; what follows trusts it.

/** @import { Settings } from "./types" */

/** Lowest and highest, and what a number must be a multiple of (0: any number between). */
const RANGES = /** @type {const} */ ({
  layers: [1, 3, 1],
  width: [16, 128, 16], // 4 heads, each of a multiple of 4: the loops take four numbers at a time
  window: [2, 80, 1],
  batch: [1, 32, 1],
  seconds: [1, 600, 0], // ten minutes of a phone's heat are enough
  seed: [0, 2 ** 32 - 1, 1],
  steps: [1, 1_000_000, 1],
  workers: [1, 2, 1],
});
const NAMES = /** @type {const} */ ({ positions: ["rotary", "table", "none"], optimizer: ["adamw", "muon"] });

/**
 * @param {string} name
 * @param {unknown} value
 * @param {string} remedy
 */
const wrong = (name, value, remedy) => new RangeError(`${name}=${JSON.stringify(value) ?? String(value)}: ${remedy}`);

/**
 * @param {keyof typeof RANGES} name
 * @param {unknown} value
 */
function checkNumber(name, value) {
  const [least, most, unit] = RANGES[name], right = typeof value === "number" && value >= least && value <= most && (!unit || value % unit === 0);
  const kind = unit > 1 ? `a multiple of ${unit}` : unit ? "a whole number" : "a number";
  if (!right) throw wrong(name, value, `give ${kind} from ${least} to ${most}`);
}

/**
 * The seconds of a run, or of more of it.
 * @param {unknown} seconds
 * @throws {RangeError} with the argument's name, its value and what would be right
 */
export const checkSeconds = (seconds) => checkNumber("seconds", seconds);

/**
 * @param {Settings} settings
 * @throws {RangeError} with the argument's name, its value and what would be right
 */
export function checkSettings(settings) {
  /** @type {Record<string, unknown>} */
  const given = { ...settings };
  for (const name of /** @type {(keyof typeof RANGES)[]} */ (Object.keys(RANGES))) {
    const optional = name === "steps" || name === "workers";
    if (!optional || given[name] !== undefined) checkNumber(name, given[name]);
  }
  for (const [name, values] of Object.entries(NAMES)) {
    if (!values.some((value) => value === given[name])) throw wrong(name, given[name], `give one of ${values.join(", ")}`);
  }
  const { rate } = settings;
  if (!(typeof rate === "number" && rate > 0 && rate <= 1)) throw wrong("rate", rate, "give a number above 0, and 1 at most");
}
