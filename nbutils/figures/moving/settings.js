// What can be chosen for a run in the page, as settings.json has it for Python too.
import choices from "./settings.json";

/** @import { Settings } from "./engine/types" */

/** What the reader chooses; the seed and the size of a batch are the picture's own. */
/** @typedef {Omit<Settings, "batch" | "seed" | "steps"> & { workers: number, data: "world" | "own" }} Chosen */

export const LAYERS = choices.layers, WIDTHS = choices.width, RATES = choices.rate, SECONDS = choices.seconds, WINDOWS = choices.window;
export const WORKERS = choices.workers; // cores
export const OPTIMIZERS = /** @type {Settings["optimizer"][]} */ (choices.optimizer);
export const POSITIONS = /** @type {Settings["positions"][]} */ (choices.positions);

/** A run that learns well: 2 layers, 48 wide, Muon, rotary positions, 30 seconds. */
export const DEFAULTS = /** @type {Chosen} */ (choices.chosen);
export const KNOBS = /** @type {(keyof Chosen)[]} */ (Object.keys(DEFAULTS));

/**
 * What can be chosen for a knob.
 * @param {keyof Chosen} knob
 */
export const offered = (knob) => /** @type {(number | string)[]} */ (choices[knob]);

/** Beginnings of documents whose next word is worth to be followed: a spread, a fact, a sum, a look back, two looks back. */
export const BEGINNINGS = choices.beginnings;

/** Documents an update; words that smallworld says, with END; tokens of its longest document. */
export const BATCH = choices.batch, VOCABULARY = choices.vocabulary, LONGEST = choices.longest;

/**
 * Parameters of that network: the words' table (V, C), which also unembeds, that of positions (T, C) where there is
 * one, 12 C² + 13 C in each block, and the last norm's 2 C.
 * @param {Pick<Settings, "layers" | "width" | "positions"> & { window?: number }} settings window: T
 * @param {number} [vocabulary] V
 */
export function parameters({ layers, width, positions, window = LONGEST }, vocabulary = VOCABULARY) {
  const table = positions === "table" ? window * width : 0;
  return vocabulary * width + table + layers * (12 * width ** 2 + 13 * width) + 2 * width;
}
