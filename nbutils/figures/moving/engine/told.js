// What goes wrong in a run, in words that the picture has.

/** @import { Told } from "./types" */

/**
 * An error as the page is told of it.
 * @param {unknown} error
 * @returns {Told}
 */
export function told(error) {
  const { key, values = {}, message = String(error) } = /** @type {any} */ (error ?? {});
  const memory = error instanceof RangeError && /alloc|memory/i.test(message);
  return { what: message, key: key ?? (memory ? "memory" : "broken"), values };
}
