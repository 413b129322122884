// What a reader did, kept in this browser alone: nothing is sent. All of it is one object, saved as JSON under one
// name of localStorage; a path such as ["predictions", "notebooks/01_tokens", "predict-bytes"] leads to a part.

const NAME = "next-token";
const VERSION = 1;

/** @typedef {Record<string, any>} Kept */

/** @type {Kept} what is known where nothing can be saved, as in a browser that forbids it */
let unsaved = {};
let saves = true;

/**
 * Everything that is kept, read anew: another tab may have changed it.
 * @returns {Kept}
 */
export function all() {
  if (!saves) return unsaved;
  try {
    return understood(localStorage.getItem(NAME)) ?? {};
  } catch {
    saves = false;
    return unsaved;
  }
}

/** Whether it is still known after a reload. */
export function lasts() {
  all();
  return saves;
}

/**
 * What a saved text holds; null if it isn't one of ours.
 * @param {string | null} text
 * @returns {Kept | null}
 */
function understood(text) {
  try {
    const { version, kept } = JSON.parse(text ?? "");
    return version === VERSION && isGroup(kept) ? sound(kept) : null;
  } catch {
    return null;
  }
}

/**
 * What is kept without what isn't of its form: a file may have been changed by hand.
 * @param {Kept} kept
 */
function sound(kept) {
  const parts = Object.entries(kept).filter(([, part]) => isGroup(part));
  return Object.fromEntries(parts.map(([name, part]) => {
    const fits = { read: Array.isArray, predictions: isGroup, exercises: isGroup }[name] ?? (() => true);
    return [name, Object.fromEntries(Object.entries(part).filter(([, one]) => fits(one)))];
  }));
}

/**
 * @param {unknown} value
 * @returns {value is Kept}
 */
function isGroup(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * What stands at the path, or `otherwise`.
 * @param {string[]} path
 * @param {any} [otherwise]
 * @returns {any}
 */
export function get(path, otherwise) {
  /** @type {any} */
  let at = all();
  for (const name of path) {
    if (!isGroup(at) || !Object.hasOwn(at, name)) return otherwise;
    at = at[name];
  }
  return at;
}

/**
 * Put a value at the path, or take away what stands there (undefined).
 * @param {string[]} path
 * @param {any} value what JSON can hold
 */
export function set(path, value) {
  const kept = all(), last = path[path.length - 1];
  let at = kept;
  for (const name of path.slice(0, -1)) {
    if (!Object.hasOwn(at, name) || !isGroup(at[name])) at[name] = {};
    at = at[name];
  }
  if (value === undefined) delete at[last];
  else at[last] = value;
  save(kept);
}

/** @param {Kept} kept */
function save(kept) {
  unsaved = kept;
  try {
    localStorage.setItem(NAME, JSON.stringify({ version: VERSION, kept }));
  } catch { // full, or forbidden
    saves = false;
  }
  dispatchEvent(new Event("remembered"));
}

/** Forget everything. */
export function forget() {
  save({});
}

/** All that is kept, as a text to save in a file. */
export function exported() {
  return JSON.stringify({ version: VERSION, kept: all() }, null, 1);
}

/**
 * Take what an exported text holds, in the place of what is kept. False, and nothing changes, if it is no such text.
 * @param {string} text
 */
export function imported(text) {
  const kept = understood(text);
  if (kept) save(kept);
  return kept !== null;
}
