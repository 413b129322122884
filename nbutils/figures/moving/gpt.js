// nbutils' GPT in plain JavaScript, one token at a time: GPT-2 and the switches of GPTConfig.
// Weights are a safetensors file, as networks.py writes it; everything else is computed in float64.
import { Sentence, fill } from "./shared.js";

/** @import { Numbers } from "./types" */
/** @import { Config, Header, KVCache, KeysAndValues, LayerValues, Network, Values } from "./types" */

const EPS = 1e-5; // of layer norms and RMSNorm
const FLOAT32_EPS = 2 ** -23; // of the norm of queries and keys: PyTorch's default
const BASE = 10000; // rotary's slowest turn

/**
 * The network in a file's bytes (a DataView): { config, weights: name -> Float32Array }.
 * @param {DataView<ArrayBuffer>} view
 * @param {{ unread: string }} words for a file that is none
 * @returns {Network}
 */
export function network(view, words) {
  try {
    const length = Number(view.getBigUint64(0, true));
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + 8, length)));
    const { __metadata__: { config }, ...tensors } = head;
    /** @type {Network["weights"]} */
    const weights = {};
    for (const [name, { dtype, data_offsets: [from, to] }] of Object.entries(/** @type {Header} */ (tensors))) {
      const start = view.byteOffset + 8 + length + from;
      weights[name] = floats(view.buffer.slice(start, start + to - from), dtype);
    }
    return { config: JSON.parse(config), weights };
  } catch (error) {
    throw new Sentence(fill(words.unread, { what: /** @type {Error} */ (error).message }));
  }
}

/**
 * @param {ArrayBuffer} buffer
 * @param {string} dtype
 */
function floats(buffer, dtype) {
  if (dtype === "F32") return new Float32Array(buffer);
  if (dtype === "F16") return Float32Array.from(new Uint16Array(buffer), half);
  throw new Error(dtype);
}

/**
 * The number that 16 bits stand for: sign, 5 bits of exponent, 10 of fraction.
 * @param {number} bits
 */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, power = (bits >> 10) & 31, part = bits & 1023;
  if (power === 31) return part ? NaN : sign * Infinity;
  return sign * (power ? (1 + part / 1024) * 2 ** (power - 15) : (part / 1024) * 2 ** -14);
}

/**
 * What a network remembers of the tokens it has read: each layer's keys and values.
 * @param {Network} net
 * @returns {KVCache}
 */
export function kvCache({ config }) {
  return { length: 0, layers: Array.from({ length: config.n_layer }, () => ({ k: [], v: [] })) };
}

/**
 * Read one more token. Returns every value at its position.
 * @param {Network} net
 * @param {KVCache} cache
 * @param {number} token its id
 * @returns {Values}
 */
export function read(net, cache, token) {
  const { config, weights } = net, at = cache.length, width = config.n_embd;
  const token_embedding = rowOf(weights["token_embedding.weight"], token, width);
  const position_embedding = config.rotary ? new Float64Array(width)
    : rowOf(weights["position_embedding.weight"], at, width);
  const embedded = sum(token_embedding, position_embedding);
  /** @type {LayerValues[]} */
  const layers = [];
  /** @type {Float64Array} */
  let x = embedded;
  for (let i = 0; i < config.n_layer; i++) {
    layers.push(block(net, `blocks.${i}.`, cache.layers[i], x, at));
    x = layers[i].after_mlp;
  }
  cache.length += 1;
  return { token_embedding, position_embedding, embedded, layers, final_normed: norm(net, "final_norm", x) };
}

/**
 * The logits after a position, from its final_normed.
 * @param {Network} net
 * @param {Float64Array} x shape (C,)
 * @returns {Float64Array} shape (V,)
 */
export function unembed({ weights }, x) {
  return product(weights["head.weight"] ?? weights["token_embedding.weight"], null, x);
}

/**
 * Numbers above 0 that sum to 1.
 * @param {Numbers} numbers
 * @returns {Float64Array}
 */
export function softmax(numbers) {
  let most = -Infinity, total = 0;
  for (const number of numbers) most = Math.max(most, number);
  const out = Float64Array.from(numbers, (number) => Math.exp(number - most));
  for (const part of out) total += part;
  return out.map((part) => part / total);
}

/**
 * @param {Network} net
 * @param {string} name of the layer, with a dot
 * @param {KeysAndValues} cache
 * @param {Float64Array} x shape (C,)
 * @param {number} at its position
 * @returns {LayerValues}
 */
function block(net, name, cache, x, at) {
  const attention_normed = norm(net, `${name}attention_norm`, x);
  const looked = attention(net, `${name}attention.`, cache, attention_normed, at);
  const after_attention = sum(x, looked.attention_answer);
  const mlp_normed = norm(net, `${name}mlp_norm`, after_attention);
  const mlp_hidden = linear(net, `${name}mlp.expand`, mlp_normed).map(net.config.relu_squared ? reluSquared : gelu);
  const mlp_answer = linear(net, `${name}mlp.contract`, mlp_hidden);
  const after_mlp = sum(after_attention, mlp_answer);
  return { attention_normed, ...looked, after_attention, mlp_normed, mlp_hidden, mlp_answer, after_mlp };
}

/**
 * @param {Network} net
 * @param {string} name
 * @param {KeysAndValues} cache
 * @param {Float64Array} x shape (C,)
 * @param {number} at its position
 */
function attention(net, name, cache, x, at) {
  const { n_embd: width, n_head } = net.config, D = width / n_head, seen = at + 1;
  const three = linear(net, `${name}query_key_value`, x);
  const q = normalizeAndRotate(net.config, three.slice(0, width), at);
  const k = normalizeAndRotate(net.config, three.slice(width, 2 * width), at);
  const v = three.slice(2 * width);
  cache.k.push(k);
  cache.v.push(v);
  const scores = new Float64Array(n_head * seen), weights = new Float64Array(n_head * seen);
  const heads = new Float64Array(width);
  for (let head = 0; head < n_head; head++) {
    const first = head * D;
    for (let j = 0; j < seen; j++) {
      let dot = 0;
      for (let d = first; d < first + D; d++) dot += q[d] * cache.k[j][d];
      scores[head * seen + j] = dot / Math.sqrt(D);
    }
    weights.set(softmax(scores.subarray(head * seen, (head + 1) * seen)), head * seen);
    for (let j = 0; j < seen; j++) {
      for (let d = first; d < first + D; d++) heads[d] += weights[head * seen + j] * cache.v[j][d];
    }
  }
  return { q, k, v, scores, weights, heads, attention_answer: linear(net, `${name}projection`, heads) };
}

/**
 * Queries or keys as they are compared: each head's normed and turned, if the network does so.
 * @param {Config} config
 * @param {Float64Array} x shape (C,): H heads of D side by side
 * @param {number} at its position
 */
function normalizeAndRotate({ n_head, qk_norm, rotary }, x, at) {
  const D = x.length / n_head, out = x.slice();
  for (let first = 0; first < x.length; first += D) {
    if (qk_norm) {
      let squares = 0;
      for (let d = first; d < first + D; d++) squares += x[d] * x[d];
      for (let d = first; d < first + D; d++) out[d] /= Math.sqrt(squares / D + FLOAT32_EPS);
    }
    for (let d = 0; rotary && d < D / 2; d++) {
      const angle = at * BASE ** ((-2 * d) / D), [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      const one = out[first + d], other = out[first + d + D / 2];
      out[first + d] = one * cos - other * sin;
      out[first + d + D / 2] = one * sin + other * cos;
    }
  }
  return out;
}

/**
 * @param {Network} net
 * @param {string} name
 * @param {Float64Array} x
 */
function linear({ weights }, name, x) {
  return product(weights[`${name}.weight`], weights[`${name}.bias`], x);
}

/**
 * A matrix of rows as long as x, times x, plus a constant for each row.
 * @param {Float32Array} matrix shape (rows, x.length)
 * @param {Float32Array | null | undefined} bias shape (rows,)
 * @param {Float64Array} x
 * @returns {Float64Array} shape (rows,)
 */
function product(matrix, bias, x) {
  const n = x.length, out = new Float64Array(matrix.length / n);
  for (let row = 0, i = 0; row < out.length; row++) {
    let total = bias ? bias[row] : 0;
    for (let j = 0; j < n; j++, i++) total += matrix[i] * x[j];
    out[row] = total;
  }
  return out;
}

/**
 * @param {Network} net
 * @param {string} name
 * @param {Float64Array} x
 */
function norm({ config, weights }, name, x) {
  const scale = weights[`${name}.weight`], shift = weights[`${name}.bias`], { mean, spread } = meanAndSpread(config, x);
  return x.map((value, i) => ((value - mean) / spread) * scale[i] + (shift ? shift[i] : 0));
}

/**
 * What a norm takes off and divides by; RMSNorm takes nothing off.
 * @param {Config} config
 * @param {Float64Array} x
 */
export function meanAndSpread({ rms_norm }, x) {
  let total = 0, squares = 0;
  for (const value of x) total += value;
  const mean = rms_norm ? 0 : total / x.length;
  for (const value of x) squares += (value - mean) ** 2;
  return { mean, spread: Math.sqrt(squares / x.length + EPS) };
}

/**
 * The approximation that GPT-2 uses.
 * @param {number} x
 */
export function gelu(x) {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** @param {number} x */
function reluSquared(x) {
  return Math.max(0, x) ** 2;
}

/**
 * @param {Float32Array} table shape (rows, width)
 * @param {number} row
 * @param {number} width
 */
function rowOf(table, row, width) {
  return Float64Array.from(table.subarray(row * width, (row + 1) * width));
}

/**
 * @param {Float64Array} a
 * @param {Float64Array} b
 */
function sum(a, b) {
  return a.map((value, i) => value + b[i]);
}
