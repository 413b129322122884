// The loops of a training step, in the fastest way that this browser has: WebAssembly of kernels.c, or plain.js.
import { plain } from "./plain.js";

/** @import { Files, Kernels, Loops } from "./trainer" */

const PAGE = 65536; // bytes, by which WebAssembly's memory grows
const LINE = 64; // bytes that a processor's cache takes at once

// How many arguments of each loop are places, which come first. JavaScript counts in numbers, C in bytes.
/** @type {Record<keyof Kernels, number>} */
const PLACES = {
  gemm: 3, causal_softmax: 1, causal_softmax_back: 2, cross_entropy: 3, gelu: 2, gelu_back: 2, layer_norm: 5,
  layer_norm_back: 7, set_rows: 2, add_rows: 2, sum_rows: 2, squares: 1, mix: 2, adamw: 4,
};

/**
 * A memory with room for so many float32, all 0, and the loops for it. Of the WebAssembly files, by name, the first that
 * this browser takes is used: one with relaxed SIMD is not valid everywhere, and WebAssembly itself may be off.
 * @param {number} size
 * @param {Files} files
 * @returns {Promise<Loops>}
 */
export async function load(size, files) {
  for (const [way, bytes] of /** @type {[Loops["way"], Uint8Array<ArrayBuffer>][]} */ (Object.entries(files))) {
    if (typeof WebAssembly !== "object" || !WebAssembly.validate(bytes)) continue;
    const made = await WebAssembly.instantiate(bytes).catch(() => null); // a page's rules may forbid it
    if (made) return { way, ...inMemory(made.instance.exports, size) };
  }
  const f = new Float32Array(size);
  return { way: "js", f, kernels: plain(f) };
}

/**
 * @param {WebAssembly.Exports} exports
 * @param {number} size
 * @returns {{ f: Float32Array, kernels: Kernels }}
 */
function inMemory(exports, size) {
  const memory = /** @type {WebAssembly.Memory} */ (exports.memory), own = /** @type {WebAssembly.Global} */ (exports.__heap_base).value;
  const start = Math.ceil(own / LINE) * LINE; // C's own arrays lie before it
  memory.grow(Math.max(0, Math.ceil((start + 4 * size) / PAGE) - memory.buffer.byteLength / PAGE));
  const loop = (/** @type {string} */ name) => /** @type {(...numbers: number[]) => any} */ (exports[name]);
  const kernels = Object.fromEntries(Object.entries(PLACES).map(([name, places]) => [name, inBytes(loop(name), places, start)]));
  return { f: new Float32Array(memory.buffer, start, size), kernels: /** @type {any} */ (kernels) };
}

/**
 * The same loop, called with places as JavaScript counts them.
 * @param {(...numbers: number[]) => any} loop
 * @param {number} places
 * @param {number} start
 */
function inBytes(loop, places, start) {
  return (/** @type {number[]} */ ...numbers) => {
    for (let i = 0; i < places; i++) numbers[i] = start + 4 * numbers[i];
    return loop(...numbers);
  };
}
