// Gradients -> a turn of every knob: AdamW (chapter 4a, "One update") and Muon (chapter 6, "Muon"), as nbutils.optim.

/** @import { Kernels, Places, Tensor, Update } from "./trainer" */

// Jordan's numbers: five rounds bring all singular values of a matrix to between about 0.7 and 1.2.
const ROUNDS = 5, [A, B, C] = [3.4445, -4.775, 2.0315];

/**
 * One update with the gradients that are there: number `step`, from 1. Only matrices decay; biases and norms, being
 * vectors, do not. Returns the gradient's length before it was cut to grad_clip.
 * @param {{ f: Float32Array, kernels: Kernels, places: Places }} memory
 * @param {number} step
 * @param {number} rate the learning rate
 * @param {Update} options
 * @returns {number}
 */
export function update(memory, step, rate, { optimizer = "adamw", betas = [0.9, 0.99], weight_decay = 0.1, grad_clip = 1, momentum = 0.95, scale = 1 }) {
  const { kernels, places: { grads, count, tensors } } = memory, [b1, b2] = betas;
  const length = scale * Math.sqrt(kernels.squares(grads, count));
  const clip = scale * Math.min(1, grad_clip / (length + 1e-6)); // as torch.nn.utils.clip_grad_norm_
  // The running means begin at 0, and are too small by these factors until they have seen enough.
  const full = rate / (1 - b1 ** step), root = Math.sqrt(1 - b2 ** step);
  for (const tensor of tensors) {
    const matrix = tensor.shape.length > 1, decay = matrix ? 1 - rate * weight_decay : 1;
    if (optimizer === "muon" && matrix && tensor.name.startsWith("blocks.")) muon(memory, tensor, rate, decay, momentum, clip);
    // w = w decay - full m / (sqrt(v) / root + 1e-8), after m = b1 m + (1 - b1) g and v = b2 v + (1 - b2) g^2
    else kernels.adamw(tensor.w, tensor.g, tensor.m, tensor.v, tensor.n, clip, b1, b2, full, root, decay);
  }
  return length;
}

/**
 * Muon for one matrix (R, C): its averaged gradient, with all directions made about equally strong, and as long as AdamW's
 * update would be.
 * @param {{ f: Float32Array, kernels: Kernels, places: Places }} memory
 * @param {Tensor} tensor
 * @param {number} rate
 * @param {number} decay
 * @param {number} momentum
 * @param {number} clip
 */
function muon({ f, kernels, places: { scratch } }, { w, g, m, n, shape: [R, columns] }, rate, decay, momentum, clip) {
  const [x] = scratch.muon;
  kernels.mix(m, g, n, momentum, (1 - momentum) * clip); // m = momentum m + (1 - momentum) g
  f.copyWithin(x, g, g + n);
  kernels.mix(x, m, n, (1 - momentum) * clip, momentum); // Nesterov's look ahead
  orthogonalize(kernels, scratch.muon, R, columns);
  kernels.mix(w, x, n, decay, -rate * 0.2 * Math.sqrt(Math.max(R, columns)));
}

/**
 * X (R, columns) with all singular values brought near 1, in place: five times X <- a X + (b G + c G^2) X, where G = X X^T.
 * A tall one is taken the other way round, X <- a X + X (b G + c G^2) with G = X^T X, which is smaller.
 * @param {Kernels} kernels
 * @param {Places["scratch"]["muon"]} places of X, of the next one, of G (S, S) and of the polynomial (S, S)
 * @param {number} R
 * @param {number} columns
 */
function orthogonalize(kernels, [x, next, square, polynomial], R, columns) {
  const tall = R > columns, S = tall ? columns : R, n = R * columns;
  kernels.mix(x, x, n, 0, 1 / Math.max(1e-7, Math.sqrt(kernels.squares(x, n)))); // no singular value above 1
  for (let round = 0; round < ROUNDS; round++) {
    if (tall) kernels.gemm(square, x, x, S, S, R, 1, columns, columns, 1, S, 0);
    else kernels.gemm(square, x, x, S, S, columns, columns, 1, 1, columns, S, 0);
    kernels.gemm(polynomial, square, square, S, S, S, S, 1, S, 1, S, 0);
    kernels.mix(polynomial, square, S * S, C, B);
    if (tall) kernels.gemm(next, x, polynomial, R, S, S, S, 1, S, 1, S, 0);
    else kernels.gemm(next, polynomial, x, S, columns, S, S, 1, columns, 1, columns, 0);
    kernels.mix(x, next, n, A, 1);
  }
}
