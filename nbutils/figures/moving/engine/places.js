// What is learned, and where each array lies: a GPT's tensors with PyTorch's names and layouts, then all that a batch
// leaves on its way forward for the way back. Everything has its place in one memory from the start: nothing is
// allocated while a network learns (chapter 7, "How much memory", counts the same parts).

/** @import { Block, Layer, Places, Shape, Tensor } from "./trainer" */
/** @typedef {Required<Shape>} Config */

const ALIGN = 16; // numbers, so that an array begins where a line of the cache does

/**
 * The shape, checked here and trusted from here on.
 * @param {Shape & { rotary?: boolean }} shape rotary: as in GPTConfig, where positions is not given
 * @param {number} most tokens in the largest batch
 * @param {number} longest tokens in the longest document
 * @returns {Config}
 */
export function checked({ vocab_size, block_size, n_layer, n_head, n_embd, rotary = false, positions = rotary ? "rotary" : "table" }, most, longest) {
  for (const [name, value] of Object.entries({ vocab_size, block_size, n_layer, n_head, n_embd, most, longest })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name}=${value} must be a whole number from 1 on`);
  }
  if (!["rotary", "table", "none"].includes(positions)) throw new RangeError(`positions=${positions} must be rotary, table or none`);
  if (n_embd % n_head) throw new RangeError(`n_embd=${n_embd} is not divisible by n_head=${n_head}: the heads share the width equally`);
  if (n_embd % 4) throw new RangeError(`n_embd=${n_embd} must be a multiple of 4: the loops take four numbers at a time`);
  if (positions === "rotary" && (n_embd / n_head) % 2) {
    throw new RangeError(`positions=rotary turns pairs of numbers: n_embd=${n_embd} over n_head=${n_head} must be even`);
  }
  if (longest > block_size) throw new RangeError(`longest=${longest} is more than block_size=${block_size}: choose a larger block_size`);
  return { vocab_size, block_size, n_layer, n_head, n_embd, positions };
}

/**
 * Names and shapes of what is learned, in PyTorch's order. There is no head: the token table, used backwards, scores the
 * tokens (chapter 3c, "The box, written out").
 * @param {Config} config
 * @returns {[name: string, ...shape: number[]][]}
 */
function shapes({ vocab_size: V, block_size, n_layer, n_embd: C, positions }) {
  /** @type {(name: string, out: number, into: number) => [string, ...number[]][]} */
  const linear = (name, out, into) => [[`${name}.weight`, out, into], [`${name}.bias`, out]];
  /** @type {(name: string) => [string, ...number[]][]} */
  const norm = (name) => [[`${name}.weight`, C], [`${name}.bias`, C]];
  /** @type {[string, ...number[]][]} */
  const table = positions === "table" ? [["position_embedding.weight", block_size, C]] : [];
  const blocks = Array.from({ length: n_layer }, (_, i) => `blocks.${i}.`).flatMap((block) => [
    ...norm(`${block}attention_norm`),
    ...linear(`${block}attention.query_key_value`, 3 * C, C),
    ...linear(`${block}attention.projection`, C, C),
    ...norm(`${block}mlp_norm`),
    ...linear(`${block}mlp.expand`, 4 * C, C),
    ...linear(`${block}mlp.contract`, C, 4 * C),
  ]);
  return [["token_embedding.weight", V, C], ...table, ...blocks, ...norm("final_norm")];
}

/** @type {(shape: number[]) => number} */
const size = (shape) => shape.reduce((product, side) => product * side, 1);

/**
 * The places of a network's arrays, for batches of at most N tokens.
 * @param {Config} config
 * @param {number} N
 * @param {number} longest
 * @returns {Places}
 */
export function laidOut(config, N, longest) {
  const { vocab_size: V, n_layer, n_embd: C } = config;
  let free = 0;
  const room = (/** @type {number} */ n) => {
    const place = free;
    free += Math.ceil(n / ALIGN) * ALIGN;
    return place;
  };
  const tensors = shapes(config).map(([name, ...shape]) => ({ name, shape, n: size(shape), w: 0, g: 0, m: 0, v: 0 }));
  const of = (/** @type {"w" | "g" | "m" | "v"} */ key) => { for (const tensor of tensors) tensor[key] = room(tensor.n); };
  of("w");
  const grads = free;
  of("g");
  const count = free - grads;
  of("m");
  of("v");
  const streams = Array.from({ length: n_layer + 1 }, () => room(N * C));
  const blocks = Array.from({ length: n_layer }, (_, i) => block(config, tensors, i, N, longest, room));
  const rest = { stats: room(2 * N), normed: room(N * C), logits: room(N * V), labels: room(N), parts: room(2 * N) };
  const scratch = { dx: room(N * C), dy: room(N * C), dqkv: room(3 * N * C), dexpanded: room(4 * N * C), dweights: room(longest * longest),
    muon: /** @type {[number, number, number, number]} */ ([4 * C * C, 4 * C * C, C * C, C * C].map(room)) };
  return { tensors, grads, count, x: streams, blocks, ...rest, scratch, size: free };
}

/**
 * The layer of that name.
 * @param {Tensor[]} tensors
 * @param {string} name
 * @returns {Layer}
 */
export function layer(tensors, name) {
  const [weight, bias] = ["weight", "bias"].map((kind) => tensors.find((tensor) => tensor.name === `${name}.${kind}`));
  return /** @type {Layer} */ ({ weight, bias });
}

/**
 * Block i. Tables of attention: a document of T tokens has T^2 numbers for each head, and T <= longest.
 * @param {Config} config
 * @param {Tensor[]} tensors
 * @param {number} i
 * @param {number} N
 * @param {number} longest
 * @param {(n: number) => number} room
 * @returns {Block}
 */
function block({ n_embd: C, n_head: H }, tensors, i, N, longest, room) {
  const named = (/** @type {string} */ name) => layer(tensors, `blocks.${i}.${name}`);
  return {
    attention_norm: named("attention_norm"), query_key_value: named("attention.query_key_value"),
    projection: named("attention.projection"), mlp_norm: named("mlp_norm"), expand: named("mlp.expand"), contract: named("mlp.contract"),
    attention_stats: room(2 * N), attention_normed: room(N * C), qkv: room(3 * N * C), weights: room(H * N * longest), heads: room(N * C),
    after_attention: room(N * C), mlp_stats: room(2 * N), mlp_normed: room(N * C), expanded: room(4 * N * C), bent: room(4 * N * C),
  };
}
