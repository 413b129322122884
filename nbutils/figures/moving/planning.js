// Work, memory, time and price of a run before it starts: the formulas of nbutils/planning.py.
import { sum } from "./shared.js";

/** A GPT: L, C, V, T, and whether the token table is the head as well. */
/** @import { Law, Parameters, RunMemory, Shape } from "./types" */

const FP32_BYTES = 4, BF16_BYTES = 2;

/**
 * planning.parameters
 * @param {Shape} shape
 * @returns {Parameters}
 */
export function parameters({ layers: L, width: C, vocabulary: V, context: T, tied }) {
  return { tokens: V * C, positions: T * C, attention: L * (4 * C * C + 4 * C), mlp: L * (8 * C * C + 5 * C),
    norms: (2 * L + 1) * 2 * C, head: tied ? 0 : V * C };
}

/**
 * planning.training_flops for one token of a full context
 * @param {Shape} shape
 */
export function trainingFlops({ layers: L, width: C, vocabulary: V, context: T }) {
  return 6 * (12 * L * C * C + V * C) + 12 * L * C * T;
}

/**
 * planning.training_memory with AdamW on a GPU, for so many windows; short: products in 16 bits
 * @param {Shape} shape
 * @param {number} windows
 * @param {boolean} short
 * @returns {RunMemory}
 */
export function trainingMemory(shape, windows, short = true) {
  const { layers: L, width: C, vocabulary: V, context: T } = shape, tokens = windows * T;
  const weights = FP32_BYTES * sum(Object.values(parameters(shape))), number = short ? BF16_BYTES : FP32_BYTES;
  return { weights, gradients: weights, optimizer: 2 * weights, copies: short ? number * (12 * L * C * C + V * C) : 0,
    activations: tokens * (L * (2 * FP32_BYTES + 14 * number) * C + (FP32_BYTES + number) * C),
    logits: tokens * 3 * FP32_BYTES * V };
}

/**
 * planning.peak_memory without accumulation
 * @param {RunMemory} parts
 */
export function peakMemory(parts) {
  const whole = sum(Object.values(parts));
  return Math.max(whole - parts.gradients, parts.weights + parts.gradients + parts.optimizer);
}

/**
 * planning.process_memory of "fsdp", for one of so many processes with so many windows each
 * @param {Shape} shape
 * @param {number} windows
 * @param {number} processes
 * @param {boolean} short
 * @returns {RunMemory}
 */
export function shardedMemory(shape, windows, processes, short = true) {
  const parts = trainingMemory(shape, windows, short), counts = parameters(shape), number = short ? BF16_BYTES : FP32_BYTES;
  const blocks = counts.attention + counts.mlp, around = sum(Object.values(counts)) - blocks;
  /** @param {number} bytes */
  const share = (bytes) => Math.floor(bytes / processes);
  const gathered = Math.floor((number * blocks) / shape.layers) + FP32_BYTES * around;
  return { ...parts, weights: share(parts.weights), gradients: share(parts.gradients), optimizer: share(parts.optimizer),
    copies: gathered + (short ? BF16_BYTES * shape.vocabulary * shape.width : 0) };
}

/**
 * planning.inference_memory
 * @param {Shape} shape
 */
export function inferenceMemory(shape) {
  return BF16_BYTES * sum(Object.values(parameters(shape))) + BF16_BYTES * 2 * shape.layers * shape.width * shape.context;
}

/**
 * planning.training_time
 * @param {number} flops
 * @param {number} peak
 * @param {number} utilisation
 * @param {number} chips
 */
export function trainingTime(flops, peak, utilisation, chips = 1) {
  return flops / (peak * utilisation * chips);
}

/**
 * planning.price
 * @param {number} seconds
 * @param {number} chips
 * @param {number} dollars for a chip and hour
 */
export function price(seconds, chips, dollars) {
  return (seconds / 3600) * chips * dollars;
}

/**
 * planning.ScalingLaw.loss, in nats per token
 * @param {Law} law
 * @param {number} n parameters
 * @param {number} d tokens
 */
export function lossByLaw({ E, A, alpha, B, beta }, n, d) {
  return E + A / n ** alpha + B / d ** beta;
}
