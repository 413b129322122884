// A GPT that learns: forward pass, loss, and the backward pass written out. Read it from forward() to the end; each part
// and its way back stand together. It is nbutils.model.GPT, with PyTorch's names and layouts, and gets its gradients; no
// autograd: chapter 4a derives each line of the way back. optim.js then turns the knobs; places.js says where each array
// lies; the loops are kernels.c, or plain.js.
//
// Letters: N tokens of a batch, T of a document, C = n_embd, H = n_head heads of D = C / H, V = vocab_size. An array is a
// place in this.f; `dy` is the gradient of the loss by y, and has y's shape.
//
// A batch is documents end to end, a row of C numbers for each of the N tokens. So every product is one large one, and
// nothing is padded. Only attention and positions know where a document begins.
import { load } from "./kernels.js";
import { update } from "./optim.js";
import { checked, laidOut, layer } from "./places.js";

/** @import { Block, Files, Layer, Loops, Places, Shape, Tensor, Update } from "./trainer" */
/** @typedef {import("./places.js").Config} Config */

const ROWS = 16; // of attention that are computed together; columns after them are skipped
const BASE = 10000; // rotary's slowest turn

/**
 * Random numbers from 0 to below 1, the same for the same seed (mulberry32).
 * @param {number} seed
 * @returns {() => number}
 */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @type {(next: () => number) => number} of two numbers, one that is normal with mean 0 and spread 1 (Box and Muller) */
const normal = (next) => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

export class Trainer {
  /**
   * A network with random weights, and room for batches of `most` tokens, of documents of `longest`.
   * @param {Shape & { rotary?: boolean }} shape
   * @param {{ most: number, longest?: number, files?: Files, seed?: number }} more
   *   files: the first that runs here is used, else JavaScript
   */
  static async make(shape, { most, longest = shape.block_size, files = {}, seed = 0 }) {
    const config = checked(shape, most, longest), places = laidOut(config, most, longest);
    const trainer = new Trainer(config, places, await load(places.size, files), most, longest);
    trainer.start(seed);
    return trainer;
  }

  /**
   * @param {Config} config
   * @param {Places} places
   * @param {Loops} loops
   * @param {number} most
   * @param {number} longest
   */
  constructor(config, places, { way, f, kernels }, most, longest) {
    this.config = config;
    this.most = most;
    this.longest = longest;
    this.backend = way; // which loops run
    this.f = f;
    this.ints = new Int32Array(f.buffer, f.byteOffset, f.length); // the same memory
    this.kernels = kernels;
    this.places = places;
    this.tensors = places.tensors;
    this.grads = places.grads; // of all tensors, `count` numbers one after the other
    this.count = places.count;
    this.logits = places.logits;
    this.finalNorm = layer(places.tensors, "final_norm");
    this.turns = config.positions === "rotary" ? turns(longest, config.n_embd / config.n_head) : null;
    this.step = 0; // updates so far
    this.N = 0;
    /** @type {{ at: number, T: number }[]} the rows of each document: T of them, from row `at` on */
    this.documents = [];
    this.tokens = new Int32Array(most);
  }

  /**
   * New random weights, as nbutils.model draws them: small, biases 0, norms that change nothing. What is added to the
   * residual stream 2 n_layer times begins smaller, so that the sum does not grow with depth.
   * @param {number} seed
   */
  start(seed) {
    const next = random(seed), { f } = this, last = 0.02 / Math.sqrt(2 * this.config.n_layer);
    f.fill(0);
    for (const { name, shape, n, w } of this.tensors) {
      if (shape.length === 1) {
        if (name.endsWith("norm.weight")) f.fill(1, w, w + n);
        continue;
      }
      const spread = /projection|contract/.test(name) ? last : 0.02;
      for (let i = w; i < w + n; i++) f[i] = spread * normal(next);
    }
    this.step = 0;
  }

  /**
   * The numbers of a tensor, or of its gradient ("g"), in place.
   * @param {string} name
   * @param {"w" | "g" | "m" | "v"} [key]
   */
  get(name, key = "w") {
    const tensor = this.tensors.find((one) => one.name === name);
    if (!tensor) throw new RangeError(`name=${name} is no tensor of this network: tensors has their names`);
    return this.f.subarray(tensor[key], tensor[key] + tensor.n);
  }

  /**
   * A copy of the network, which nbutils.model.GPT and gpt.js read. They know no network without positions, but one whose
   * table of positions is all 0 is the same.
   */
  network() {
    const { positions, ...shape } = this.config, switches = { rotary: positions === "rotary", qk_norm: false, rms_norm: false, relu_squared: false };
    const weights = Object.fromEntries(this.tensors.map(({ name }) => [name, this.get(name).slice()]));
    if (positions === "none") weights["position_embedding.weight"] = new Float32Array(shape.block_size * shape.n_embd);
    return { config: { ...shape, ...switches }, weights };
  }

  /**
   * Lay a batch out: the tokens that go in, and behind each the label, which is the next token (chapter 2).
   * @param {number[][]} documents ids, from 2 to longest + 1 of them
   */
  place(documents) {
    const { config: { vocab_size: V }, most, longest } = this, N = documents.reduce((sum, ids) => sum + ids.length - 1, 0);
    if (N > most || N < 1) throw new RangeError(`a batch of ${N} tokens: most=${most} is what there is room for, and 1 is the least`);
    this.N = N;
    this.documents = [];
    let at = 0;
    documents.forEach((ids, d) => {
      const T = ids.length - 1;
      if (T < 1 || T > longest) throw new RangeError(`documents[${d}] has ${T + 1} ids, and must have from 2 to longest + 1 = ${longest + 1}`);
      const wrong = ids.find((id) => !(id >= 0 && id < V && Number.isInteger(id)));
      if (wrong !== undefined) throw new RangeError(`documents[${d}] has the id ${wrong}, and vocab_size=${V} ends at ${V - 1}`);
      this.documents.push({ at, T });
      for (let t = 0; t < T; t++, at++) [this.tokens[at], this.ints[this.places.labels + at]] = [ids[t], ids[t + 1]];
    });
  }

  /** Tokens -> logits (N, V), the whole network (chapter 3c, "The box, written out"). */
  forward() {
    const { places: { x, blocks, stats, normed, logits }, tensors: [E] } = this;
    this.embed(x[0]);
    blocks.forEach((block, i) => this.block(block, x[i], x[i + 1]));
    this.norm(normed, x[blocks.length], this.finalNorm, stats);
    this.product(logits, normed, E); // the token table E (V, C), used backwards, scores each token
  }

  /**
   * The mean loss of a batch, in nats a token, and its gradients by all weights: the whole way back (chapter 4a).
   * @param {number[][]} documents
   * @param {number} [total] tokens of the whole batch, where these documents are a part of it: the gradients of the parts
   *   add up to the batch's
   * @returns {number}
   */
  lossAndGradients(documents, total) {
    this.place(documents);
    this.forward();
    const { f, N, places, tensors: [E], config: { n_embd: C, vocab_size: V } } = this, { x, logits, normed, scratch: { dx, dy } } = places;
    this.kernels.cross_entropy(logits, places.labels, places.parts, N, V, 1 / (total ?? N));
    const loss = this.lossesOfLabels().reduce((sum, one) => sum + one, 0) / N;
    f.fill(0, places.grads, places.grads + places.count);
    this.productBack(dy, logits, normed, E); // from here on `logits` holds their gradients
    f.fill(0, dx, dx + N * C);
    this.normBack(dx, dy, x[places.blocks.length], this.finalNorm, places.stats);
    for (let i = places.blocks.length - 1; i >= 0; i--) this.blockBack(places.blocks[i], x[i]);
    this.embedBack(dx);
    return loss;
  }

  /** The loss of each label, after cross_entropy. (N,) */
  lossesOfLabels() {
    const { f, places: { parts } } = this;
    return Float64Array.from({ length: this.N }, (_, n) => Math.log(f[parts + 2 * n]) - f[parts + 2 * n + 1]);
  }

  /**
   * The loss of each label of documents; nothing is learned.
   * @param {number[][]} documents
   */
  losses(documents) {
    this.place(documents);
    this.forward();
    const { places: { logits, labels, parts } } = this;
    this.kernels.cross_entropy(logits, labels, parts, this.N, this.config.vocab_size, 1);
    return this.lossesOfLabels();
  }

  /**
   * Turn every knob by the gradients that are there. Returns the gradient's length.
   * @param {number} rate the learning rate
   * @param {Update} [options]
   */
  update(rate, options = {}) {
    this.step += 1;
    return update(this, this.step, rate, options);
  }

  /**
   * x (N, C) = each token's row of the table (chapter 3a, "Words as places in space"), plus its position's, if there is a
   * table of them.
   * @param {number} x
   */
  embed(x) {
    const { f } = this;
    this.eachRow((token, position, C, n) => {
      f.copyWithin(x + n * C, token.w, token.w + C);
      if (position) for (let i = 0; i < C; i++) f[x + n * C + i] += f[position.w + i];
    });
  }

  /**
   * A row that was taken gets the gradient of each place that it was taken to.
   * @param {number} dx
   */
  embedBack(dx) {
    const { f } = this;
    this.eachRow((token, position, C, n) => {
      for (let i = 0; i < C; i++) f[token.g + i] += f[dx + n * C + i];
      if (position) for (let i = 0; i < C; i++) f[position.g + i] += f[dx + n * C + i];
    });
  }

  /** @param {(token: { w: number, g: number }, position: { w: number, g: number } | null, C: number, n: number) => void} action */
  eachRow(action) {
    const [E, P] = this.tensors, { n_embd: C, positions } = this.config;
    for (const { at, T } of this.documents) {
      for (let t = 0; t < T; t++) {
        const token = this.tokens[at + t] * C;
        action({ w: E.w + token, g: E.g + token }, positions === "table" ? { w: P.w + t * C, g: P.g + t * C } : null, C, at + t);
      }
    }
  }

  /**
   * A block (chapter 3b, "One block, in order"): y = x + attention of x, y += MLP of y, each of a normed copy.
   * @param {Block} b
   * @param {number} x (N, C)
   * @param {number} y (N, C)
   */
  block(b, x, y) {
    const { f, kernels, N, config: { n_embd: C } } = this, middle = b.after_attention;
    this.norm(b.attention_normed, x, b.attention_norm, b.attention_stats);
    this.linear(b.qkv, b.attention_normed, b.query_key_value); // (N, 3 C)
    this.rotate(b.qkv, 1);
    this.attention(b); // heads (N, C)
    f.copyWithin(middle, x, x + N * C);
    this.linear(middle, b.heads, b.projection, 1);
    this.norm(b.mlp_normed, middle, b.mlp_norm, b.mlp_stats);
    this.linear(b.expanded, b.mlp_normed, b.expand); // (N, 4 C)
    kernels.gelu(b.bent, b.expanded, 4 * N * C);
    f.copyWithin(y, middle, middle + N * C);
    this.linear(y, b.bent, b.contract, 1);
  }

  /**
   * The same lines from the last to the first (chapter 4a, "The whole way back"). dx, the gradient of the residual stream,
   * runs through: what a part adds to the stream, its gradient comes from there, and what it read, it adds to there.
   * @param {Block} b
   * @param {number} x (N, C): what the block read
   */
  blockBack(b, x) {
    const { kernels, N, config: { n_embd: C }, places: { scratch: { dx, dy, dqkv, dexpanded } } } = this;
    this.linearBack(dexpanded, dx, b.bent, b.contract);
    kernels.gelu_back(dexpanded, b.expanded, 4 * N * C);
    this.linearBack(dy, dexpanded, b.mlp_normed, b.expand);
    this.normBack(dx, dy, b.after_attention, b.mlp_norm, b.mlp_stats);
    this.linearBack(dy, dx, b.heads, b.projection);
    this.attentionBack(b, dy, dqkv);
    this.rotate(dqkv, -1); // turned by the opposite angle
    this.linearBack(dy, dqkv, b.attention_normed, b.query_key_value);
    this.normBack(dx, dy, x, b.attention_norm, b.attention_stats);
  }

  /**
   * y (N, O) = x (N, I) W^T + b, or y += that.
   * @param {number} y
   * @param {number} x
   * @param {Layer} layer W (O, I), b (O,)
   * @param {0 | 1} [onto] 1: y += it
   */
  linear(y, x, { weight, bias }, onto = 0) {
    const { kernels, N } = this, [O] = bias.shape;
    if (onto) kernels.add_rows(y, bias.w, N, O);
    else kernels.set_rows(y, bias.w, N, O);
    this.product(y, x, weight, 1);
  }

  /**
   * dx = dy W; dW += dy^T x; db += the sum of dy's rows (chapter 4a, "A linear layer").
   * @param {number} dx
   * @param {number} dy
   * @param {number} x
   * @param {Layer} layer
   */
  linearBack(dx, dy, x, { weight, bias }) {
    this.productBack(dx, dy, x, weight);
    this.kernels.sum_rows(bias.g, dy, this.N, bias.n);
  }

  /**
   * y (N, O) = x (N, I) W^T, or y += that. (kernels.c says what the numbers behind the sizes are: how far it is from row to
   * row and from column to column.)
   * @param {number} y
   * @param {number} x
   * @param {Tensor} W (O, I)
   * @param {0 | 1} [onto] 1: y += it
   */
  product(y, x, { w, shape: [O, I] }, onto = 0) {
    this.kernels.gemm(y, x, w, this.N, O, I, I, 1, 1, I, O, onto);
  }

  /**
   * dx (N, I) = dy (N, O) W; dW (O, I) += dy^T x. So the way back costs twice what the way forward did.
   * @param {number} dx
   * @param {number} dy
   * @param {number} x
   * @param {Tensor} W
   */
  productBack(dx, dy, x, { w, g, shape: [O, I] }) {
    const { kernels, N } = this;
    kernels.gemm(dx, dy, w, N, I, O, O, 1, I, 1, I, 0);
    kernels.gemm(g, dy, x, O, I, N, 1, O, I, 1, I, 1);
  }

  /**
   * y = x, each row less its mean and over its spread, times weight, plus bias (chapter 3b, "The other parts, by taking them out").
   * @param {number} y
   * @param {number} x
   * @param {Layer} layer
   * @param {number} stats (N, 2): each row's mean and 1 / spread, for the way back
   */
  norm(y, x, { weight, bias }, stats) {
    this.kernels.layer_norm(y, x, weight.w, bias.w, stats, this.N, this.config.n_embd);
  }

  /**
   * dx += the gradient through the norm (chapter 4a, "Norm and GELU").
   * @param {number} dx
   * @param {number} dy
   * @param {number} x
   * @param {Layer} layer
   * @param {number} stats
   */
  normBack(dx, dy, x, { weight, bias }, stats) {
    this.kernels.layer_norm_back(dx, dy, x, weight.w, stats, weight.g, bias.g, this.N, this.config.n_embd);
  }

  /**
   * With rotary positions: each query and key turned by its position (chapter 6, "Rotary positions"; nbutils.model.rotate).
   * Numbers i and i + D / 2 of a head are a point in a plane. In place.
   * @param {number} qkv (N, 3 C)
   * @param {1 | -1} way -1: gradients, turned back
   */
  rotate(qkv, way) {
    const { f, turns, config: { n_embd: C, n_head: H } } = this, half = C / H / 2;
    if (!turns) return;
    for (const { at, T } of this.documents) {
      for (let t = 0, row = qkv + at * 3 * C; t < T; t++, row += 3 * C) {
        for (let head = row; head < row + 2 * C; head += 2 * half) { // queries, then keys
          for (let i = head, angle = 2 * t * half; i < head + half; i++, angle += 2) {
            const cos = turns[angle], sin = way * turns[angle + 1], one = f[i], other = f[i + half];
            f[i] = one * cos - other * sin;
            f[i + half] = one * sin + other * cos;
          }
        }
      }
    }
  }

  /**
   * For each document and head: p = softmax(q k^T / sqrt(D)), masked, and h = p v (chapter 3b, "Two matrix products"), ROWS
   * rows at a time. q, k and v (T, D) lie side by side in qkv: their rows are W = 3 C numbers apart, those of h are C.
   * @param {Block} b
   */
  attention(b) {
    const { kernels, config: { n_embd: C } } = this, W = 3 * C;
    this.eachHead(b, (p, T, D, scale, inQkv, inHeads) => {
      const q = b.qkv + inQkv, k = q + C, v = k + C, h = b.heads + inHeads;
      for (let r = 0; r < T; r += ROWS) {
        const rows = Math.min(ROWS, T - r), seen = r + rows; // columns that any of these rows looks at
        kernels.gemm(p + r * T, q + r * W, k, rows, seen, D, W, 1, 1, W, T, 0);
        kernels.causal_softmax(p, r, rows, T, seen, scale);
        kernels.gemm(h + r * C, p + r * T, v, rows, D, seen, T, 1, W, 1, C, 0);
      }
    });
  }

  /**
   * dv = p^T dh; dp = dh v^T; through the softmax; dq = dp k; dk = dp^T q (chapter 4a, "Attention").
   * @param {Block} b
   * @param {number} dheads (N, C)
   * @param {number} dqkv (N, 3 C)
   */
  attentionBack(b, dheads, dqkv) {
    const { f, kernels, N, config: { n_embd: C }, places: { scratch: { dweights: dp } } } = this, W = 3 * C;
    f.fill(0, dqkv, dqkv + N * W);
    this.eachHead(b, (p, T, D, scale, inQkv, inHeads) => {
      const q = b.qkv + inQkv, k = q + C, v = k + C, dq = dqkv + inQkv, dk = dq + C, dv = dk + C, dh = dheads + inHeads;
      for (let r = 0; r < T; r += ROWS) {
        const rows = Math.min(ROWS, T - r), seen = r + rows;
        kernels.gemm(dv, p + r * T, dh + r * C, seen, D, rows, 1, T, C, 1, W, 1);
        kernels.gemm(dp + r * T, dh + r * C, v, rows, seen, D, C, 1, 1, W, T, 0);
        kernels.causal_softmax_back(dp, p, r, rows, T, seen, scale);
        kernels.gemm(dq + r * W, dp + r * T, k, rows, D, seen, T, 1, W, 1, W, 0);
        kernels.gemm(dk, dp + r * T, q + r * W, seen, D, rows, 1, T, W, 1, W, 1);
      }
    });
  }

  /**
   * @param {Block} b
   * @param {(p: number, T: number, D: number, scale: number, inQkv: number, inHeads: number) => void} action gets the place
   *   of the table of weights (T, T), and how far into qkv and into heads this document's and head's numbers begin
   */
  eachHead(b, action) {
    const { n_embd: C, n_head: H } = this.config, D = C / H;
    let p = b.weights;
    for (const { at, T } of this.documents) {
      for (let head = 0; head < H; head++, p += T * T) action(p, T, D, 1 / Math.sqrt(D), at * 3 * C + head * D, at * C + head * D);
    }
  }
}

/**
 * Cosine and sine by which pair i of a head at position t is turned: of t / BASE^(2 i / D) radians. (T, D / 2, 2)
 * @param {number} T
 * @param {number} D
 */
function turns(T, D) {
  const table = new Float64Array(T * D);
  for (let t = 0, at = 0; t < T; t++) {
    for (let i = 0; i < D / 2; i++) {
      const angle = t * BASE ** ((-2 * i) / D);
      table[at++] = Math.cos(angle);
      table[at++] = Math.sin(angle);
    }
  }
  return table;
}
