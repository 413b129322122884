// The types that engine.js, optim.js and the loops share. Only tsc and editors read them.
//
// N: tokens of a batch; T: of a document; C: n_embd; H: n_head; V: vocab_size. An array is a place: the index of its
// first number in the one memory of float32.
import type { Way } from "./types";

/** How positions come in: queries and keys are turned by them, a table is added, or not at all. */
export type Positions = "rotary" | "table" | "none";

/** The network's shape, by the names of nbutils.config.GPTConfig. */
export interface Shape {
  vocab_size: number;
  block_size: number; // tokens of the longest document
  n_layer: number;
  n_head: number;
  n_embd: number;
  positions?: Positions; // "table" where nothing is said
}

/** What is learned: a matrix (O, I) or a vector. */
export interface Tensor {
  name: string; // as PyTorch names it in nbutils.model.GPT
  shape: number[];
  n: number; // of numbers
  w: number; // the place of the numbers,
  g: number; // of their gradients,
  m: number; // of the gradients' running mean,
  v: number; // and of the squares' one
}

/** A linear layer (O, I), (O,) or a layer norm (C,), (C,). */
export interface Layer {
  weight: Tensor;
  bias: Tensor;
}

/** A block's weights, and what its forward pass leaves for its backward pass; (N, C) where nothing is said. */
export interface Block {
  attention_norm: Layer;
  query_key_value: Layer; // (3 C, C)
  projection: Layer;
  mlp_norm: Layer;
  expand: Layer; // (4 C, C)
  contract: Layer; // (C, 4 C)
  attention_stats: number; // (N, 2): a row's mean and 1 / spread
  attention_normed: number;
  qkv: number; // (N, 3 C): query, key and value of each token side by side, in each the heads
  weights: number; // a table (T, T) for each document and head, one after the other
  heads: number;
  after_attention: number;
  mlp_stats: number; // (N, 2)
  mlp_normed: number;
  expanded: number; // (N, 4 C), before GELU
  bent: number; // (N, 4 C), after it
}

/** Where the backward pass and the optimizer compute. */
export interface Scratch {
  dx: number; // (N, C): the gradient of the residual stream
  dy: number; // (N, C): of what a part of a block gave or took
  dqkv: number; // (N, 3 C)
  dexpanded: number; // (N, 4 C)
  dweights: number; // (T, T)
  muon: [update: number, next: number, square: number, polynomial: number]; // (R, C) twice, (S, S) twice, S = min(R, C)
}

/** Where each array begins, and how many numbers there are in all. */
export interface Places {
  size: number;
  tensors: Tensor[];
  grads: number; // of all tensors, one after the other
  count: number; // numbers from the first gradient to the last
  x: number[]; // n_layer + 1 times (N, C): the residual stream before each block, and after the last
  blocks: Block[];
  stats: number; // (N, 2)
  normed: number; // (N, C): what the last norm gives
  logits: number; // (N, V); the backward pass puts their gradients in their place
  labels: number; // (N,) as int32
  parts: number; // (N, 2): what the loss of each label is made of
  scratch: Scratch;
}

/** Of an update, by the names of nbutils.config.TrainConfig. */
export interface Update {
  optimizer?: "adamw" | "muon"; // muon: for the blocks' matrices; all else is AdamW's
  betas?: number[]; // AdamW's memory: of the gradient and of its square
  weight_decay?: number;
  grad_clip?: number; // the longest gradient
  momentum?: number; // Muon's memory
  scale?: number; // by which the gradients are multiplied first: 1 where they are of a mean
}

/** The loops of a training step. Numbers are places, counts, or float32; see plain.js. */
export interface Kernels {
  gemm(c: number, a: number, b: number, M: number, N: number, K: number,
    ar: number, ak: number, bk: number, bc: number, cr: number, acc: number): void;
  causal_softmax(p: number, first: number, rows: number, T: number, seen: number, scale: number): void;
  causal_softmax_back(d: number, p: number, first: number, rows: number, T: number, seen: number, scale: number): void;
  cross_entropy(x: number, labels: number, parts: number, N: number, V: number, share: number): void;
  gelu(y: number, x: number, n: number): void;
  gelu_back(d: number, x: number, n: number): void;
  layer_norm(y: number, x: number, scale: number, shift: number, stats: number, N: number, C: number): void;
  layer_norm_back(dx: number, dy: number, x: number, scale: number, stats: number,
    dscale: number, dshift: number, N: number, C: number): void;
  set_rows(y: number, row: number, N: number, C: number): void;
  add_rows(y: number, row: number, N: number, C: number): void;
  sum_rows(row: number, y: number, N: number, C: number): void;
  squares(x: number, n: number): number;
  mix(y: number, x: number, n: number, a: number, b: number): void;
  adamw(w: number, g: number, m: number, v: number, n: number, clip: number, b1: number, b2: number,
    rate: number, root: number, decay: number): void;
}

/** WebAssembly by way, the best first. */
export type Files = Partial<Record<Way, Uint8Array<ArrayBuffer>>>;

/** The memory, and the loops that compute in it. */
export interface Loops {
  way: Way;
  f: Float32Array;
  kernels: Kernels;
}
