// A GPT that learns: the forward pass, the backward pass written out, AdamW and Muon. GPT-2's
// shape, as nbutils.model.GPT; weights carry PyTorch's names and layouts, so gpt.js reads them.
//
// A batch is documents end to end, one row of C numbers for each of the N tokens: every product is
// one large one, nothing is padded, and only attention knows where a document begins.
import { load } from "./kernels.js";

const BLOCK = 16; // rows of attention computed together: columns after them are skipped

export function shapes({ vocab_size: V, block_size: T, n_layer, n_embd: C, rotary = false, positions = "table" }) {
  const rows = [["token_embedding.weight", V, C], ...(rotary || positions === "none" ? [] : [["position_embedding.weight", T, C]])];
  for (let i = 0; i < n_layer; i++) {
    for (const [name, ...shape] of [["attention_norm.weight", C], ["attention_norm.bias", C],
      ["attention.query_key_value.weight", 3 * C, C], ["attention.query_key_value.bias", 3 * C],
      ["attention.projection.weight", C, C], ["attention.projection.bias", C], ["mlp_norm.weight", C], ["mlp_norm.bias", C],
      ["mlp.expand.weight", 4 * C, C], ["mlp.expand.bias", 4 * C], ["mlp.contract.weight", C, 4 * C], ["mlp.contract.bias", C],
    ]) rows.push([`blocks.${i}.${name}`, ...shape]);
  }
  return [...rows, ["final_norm.weight", C], ["final_norm.bias", C]];
}

const size = (shape) => shape.reduce((a, b) => a * b, 1);

// A stream of random numbers below 1 from a seed (mulberry32), and of normal ones (Box and Muller).
export function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
const normal = (next) => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

export class Trainer {
  // most: tokens in the largest batch; longest: in the longest document.
  static async make(config, { most, longest = config.block_size, files = {}, seed = 0 }) {
    const { vocab_size: V, n_layer, n_head: H, n_embd: C } = config, N = most, table = shapes(config);
    const count = table.reduce((sum, [, ...shape]) => sum + size(shape) + 3, 0);
    const perLayer = N * (C + 2 + C + 3 * C + C + C + 2 + C + 4 * C + 4 * C) + H * (N + longest) * longest;
    const floats = 4 * count + n_layer * perLayer + N * (V + 11 * C + 8) + 2 * longest * longest + 64 * n_layer * 20 + 3 * (4 * C * C + C * C) + 4096;
    return new Trainer(config, await load(floats, files), N, longest, table, seed);
  }

  constructor(config, { name, f, first, kernels }, most, longest, table, seed) {
    Object.assign(this, { config, backend: name, f, ints: new Int32Array(f.buffer), k: kernels, most, step: 0 });
    let free = first;
    const room = (n) => { const at = free; free += (n + 3) & ~3; return at; };
    const { vocab_size: V, n_layer, n_head: H, n_embd: C } = config, N = most;
    this.tensors = table.map(([tensor, ...shape]) => ({ name: tensor, shape, n: size(shape) }));
    const all = (key) => { const from = free; for (const t of this.tensors) t[key] = room(t.n); return from; };
    this.params = all("w"); this.grads = all("g"); all("m"); all("v");
    this.count = this.grads - this.params;
    this.named = Object.fromEntries(this.tensors.map((t) => [t.name, t]));
    this.x = Array.from({ length: n_layer + 1 }, () => room(N * C));
    this.layers = Array.from({ length: n_layer }, (_, i) => ({
      w: this.group(`blocks.${i}.`), stats1: room(2 * N), a1: room(N * C), qkv: room(3 * N * C), p: room(H * (N + longest) * longest), h: room(N * C),
      mid: room(N * C), stats2: room(2 * N), a2: room(N * C), u: room(4 * N * C), g: room(4 * N * C) }));
    Object.assign(this, { stats: room(2 * N), final: room(N * C), logits: room(N * V), labels: room(N), chosen: room(N),
      dx: room(N * C), dc: room(N * C), dq: room(3 * N * C), du: room(4 * N * C), dp: room(longest * longest),
      muon: [room(4 * C * C), room(4 * C * C), room(C * C), room(C * C)] });
    if (free > f.length) throw new RangeError(`${free} numbers, ${f.length} places`);
    if (config.rotary) {
      const half = C / H / 2;
      this.turns = Float64Array.from({ length: longest * half * 2 }, (_, i) => {
        const angle = Math.floor(i / (2 * half)) * 10000 ** (-(Math.floor(i / 2) % half) / half);
        return i % 2 ? Math.sin(angle) : Math.cos(angle);
      });
    }
    this.start(seed);
  }

  group(prefix) {
    const { named } = this;
    return { norm1: [named[`${prefix}attention_norm.weight`], named[`${prefix}attention_norm.bias`]],
      qkv: [named[`${prefix}attention.query_key_value.weight`], named[`${prefix}attention.query_key_value.bias`]],
      out: [named[`${prefix}attention.projection.weight`], named[`${prefix}attention.projection.bias`]],
      norm2: [named[`${prefix}mlp_norm.weight`], named[`${prefix}mlp_norm.bias`]],
      up: [named[`${prefix}mlp.expand.weight`], named[`${prefix}mlp.expand.bias`]],
      down: [named[`${prefix}mlp.contract.weight`], named[`${prefix}mlp.contract.bias`]] };
  }

  // GPT-2's start, as nbutils.model._initialise.
  start(seed) {
    const next = random(seed), { f } = this, small = 0.02 / Math.sqrt(2 * this.config.n_layer);
    for (const { name, shape, n, w, m, v } of this.tensors) {
      f.fill(0, m, m + n); f.fill(0, v, v + n);
      if (shape.length === 1) { f.fill(name.endsWith("norm.weight") ? 1 : 0, w, w + n); continue; }
      const std = /projection|contract/.test(name) ? small : 0.02;
      for (let i = w; i < w + n; i++) f[i] = std * normal(next);
    }
    this.step = 0;
  }

  get(name, key = "w") { const t = this.named[name]; return this.f.subarray(t[key], t[key] + t.n); }
  // What gpt.js takes: a copy.
  network() {
    const weights = Object.fromEntries(this.tensors.map(({ name }) => [name, this.get(name).slice()]));
    return { config: this.config, weights };
  }

  // y (N, O) = x (N, I) W^T + b; onto: y already holds what the product is added to.
  linear(y, x, [W, b], N, onto = 0) {
    const [O, I] = W.shape, { k } = this;
    if (onto) k.add_rows(y, b.w, N, O);
    else k.rows(y, b.w, N, O);
    k.gemm(y, x, W.w, N, O, I, I, 1, 1, I, O, 1);
  }
  // From dy: dx = dy W, and dW += dy^T x, db += the sum of dy's rows.
  linearBack(dx, dy, x, [W, b], N) {
    const [O, I] = W.shape, { k } = this;
    k.gemm(dx, dy, W.w, N, I, O, O, 1, I, 1, I, 0);
    k.gemm(W.g, dy, x, O, I, N, 1, O, I, 1, I, 1);
    k.sum_rows(b.g, dy, N, O);
  }

  // Documents (arrays of ids, each at most block_size + 1) -> activations; the labels are the next tokens.
  place(documents) {
    let N = 0;
    this.documents = documents.map((ids) => { const at = N; N += ids.length - 1; return { at, T: ids.length - 1 }; });
    if (N > this.most) throw new RangeError(`a batch of ${N} tokens; there is room for ${this.most}`);
    this.N = N;
    this.tokens = new Int32Array(N);
    documents.forEach((ids, d) => {
      const { at, T } = this.documents[d];
      for (let t = 0; t < T; t++) { this.tokens[at + t] = ids[t]; this.ints[this.labels + at + t] = ids[t + 1]; }
    });
  }

  forward() {
    const { f, k, N, config: { n_embd: C, vocab_size: V } } = this, E = this.named["token_embedding.weight"], P = this.named["position_embedding.weight"];
    for (const { at, T } of this.documents) {
      for (let t = 0, x = this.x[0] + at * C; t < T; t++, x += C) {
        const e = E.w + this.tokens[at + t] * C;
        f.copyWithin(x, e, e + C);
        if (P) for (let i = 0, p = P.w + t * C; i < C; i++) f[x + i] += f[p + i];
      }
    }
    this.layers.forEach((l, i) => {
      const { w } = l, x = this.x[i], y = this.x[i + 1];
      k.norm(l.a1, x, w.norm1[0].w, w.norm1[1].w, l.stats1, N, C);
      this.linear(l.qkv, l.a1, w.qkv, N);
      if (this.turns) this.rotate(l.qkv, 1);
      this.attention(l);
      f.copyWithin(l.mid, x, x + N * C);
      this.linear(l.mid, l.h, w.out, N, 1);
      k.norm(l.a2, l.mid, w.norm2[0].w, w.norm2[1].w, l.stats2, N, C);
      this.linear(l.u, l.a2, w.up, N);
      k.gelu(l.g, l.u, 4 * N * C);
      f.copyWithin(y, l.mid, l.mid + N * C);
      this.linear(y, l.g, w.down, N, 1);
    });
    k.norm(this.final, this.x.at(-1), this.get1("final_norm.weight"), this.get1("final_norm.bias"), this.stats, N, C);
    k.gemm(this.logits, this.final, E.w, N, V, C, C, 1, 1, C, V, 0);
  }
  get1(name, key = "w") { return this.named[name][key]; }

  // Queries and keys turned by their positions, or gradients turned back (way -1): nbutils.model.rotate.
  rotate(qkv, way) {
    const { f, turns, config: { n_embd: C, n_head: H } } = this, half = C / H / 2;
    for (const { at, T } of this.documents) {
      for (let t = 0, row = qkv + at * 3 * C; t < T; t++, row += 3 * C) {
        for (let x = row; x < row + 2 * C; x += 2 * half) {
          for (let i = 0, a = 2 * t * half; i < half; i++, a += 2) {
            const cos = turns[a], sin = way * turns[a + 1], one = f[x + i], other = f[x + i + half];
            f[x + i] = one * cos - other * sin;
            f[x + i + half] = one * sin + other * cos;
          }
        }
      }
    }
  }

  attention(l) {
    const { k, config: { n_embd: C, n_head: H } } = this, D = C / H, scale = 1 / Math.sqrt(D), W = 3 * C;
    let p = l.p;
    for (const { at, T } of this.documents) {
      for (let head = 0; head < H; head++, p += T * T) {
        const q = l.qkv + at * W + head * D, key = q + C, value = key + C, h = l.h + at * C + head * D;
        for (let r = 0; r < T; r += BLOCK) {
          const rows = Math.min(BLOCK, T - r), seen = r + rows;
          k.gemm(p + r * T, q + r * W, key, rows, seen, D, W, 1, 1, W, T, 0);
          k.causal_softmax(p, r, rows, T, seen, scale);
          k.gemm(h + r * C, p + r * T, value, rows, D, seen, T, 1, W, 1, C, 0);
        }
      }
    }
  }
  attentionBack(l, dh, dqkv) {
    const { f, k, N, config: { n_embd: C, n_head: H } } = this, D = C / H, scale = 1 / Math.sqrt(D), W = 3 * C, { dp } = this;
    f.fill(0, dqkv, dqkv + N * W);
    let p = l.p;
    for (const { at, T } of this.documents) {
      for (let head = 0; head < H; head++, p += T * T) {
        const q = l.qkv + at * W + head * D, key = q + C, value = key + C, h = dh + at * C + head * D;
        const dq = dqkv + at * W + head * D, dk = dq + C, dv = dk + C;
        for (let r = 0; r < T; r += BLOCK) {
          const rows = Math.min(BLOCK, T - r), seen = r + rows;
          k.gemm(dv, p + r * T, h + r * C, seen, D, rows, 1, T, C, 1, W, 1);
          k.gemm(dp + r * T, h + r * C, value, rows, seen, D, C, 1, 1, W, T, 0);
          k.causal_softmax_back(dp, p, r, rows, T, seen, scale);
          k.gemm(dq + r * W, dp + r * T, key, rows, D, seen, T, 1, W, 1, W, 0);
          k.gemm(dk, dp + r * T, q + r * W, seen, D, rows, 1, T, W, 1, W, 1);
        }
      }
    }
  }

  // The mean loss of the batch (nats a token) and the gradients of it, times `share` of all tokens.
  lossAndGradients(documents, total = null) {
    this.place(documents);
    this.forward();
    const { f, k, N, config: { n_embd: C, vocab_size: V } } = this, E = this.named["token_embedding.weight"], P = this.named["position_embedding.weight"];
    f.fill(0, this.grads, this.grads + this.count);
    k.cross_entropy(this.logits, this.labels, this.chosen, N, V, 1 / (total ?? N));
    let loss = 0;
    for (let n = 0; n < N; n++) loss -= Math.log(f[this.chosen + n]);
    const { dx, dc, dq, du } = this;
    k.gemm(E.g, this.logits, this.final, V, C, N, 1, V, C, 1, C, 1);
    k.gemm(dc, this.logits, E.w, N, C, V, V, 1, C, 1, C, 0);
    f.fill(0, dx, dx + N * C);
    k.norm_back(dx, dc, this.x.at(-1), this.get1("final_norm.weight"), this.stats, this.get1("final_norm.weight", "g"), this.get1("final_norm.bias", "g"), N, C);
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const l = this.layers[i], { w } = l;
      this.linearBack(du, dx, l.g, w.down, N);
      k.gelu_back(du, l.u, 4 * N * C);
      this.linearBack(dc, du, l.a2, w.up, N);
      k.norm_back(dx, dc, l.mid, w.norm2[0].w, l.stats2, w.norm2[0].g, w.norm2[1].g, N, C);
      this.linearBack(dc, dx, l.h, w.out, N);
      this.attentionBack(l, dc, dq);
      if (this.turns) this.rotate(dq, -1);
      this.linearBack(dc, dq, l.a1, w.qkv, N);
      k.norm_back(dx, dc, this.x[i], w.norm1[0].w, l.stats1, w.norm1[0].g, w.norm1[1].g, N, C);
    }
    for (const { at, T } of this.documents) {
      for (let t = 0, d = dx + at * C; t < T; t++, d += C) {
        const e = E.g + this.tokens[at + t] * C;
        for (let i = 0; i < C; i++) f[e + i] += f[d + i];
        if (P) for (let i = 0, p = P.g + t * C; i < C; i++) f[p + i] += f[d + i];
      }
    }
    return loss / N;
  }

  // The loss of the batch's n-th token, in nats, after its gradients were computed.
  lossOf(n) {
    return -Math.log(this.f[this.chosen + n]);
  }

  // One update with the gradients that are there. Only matrices decay, as in training.make_optimizer.
  update(rate, { optimizer = "adamw", betas = [0.9, 0.99], weight_decay = 0.1, grad_clip = 1, momentum = 0.95, scale = 1 } = {}) {
    this.step += 1;
    const { k } = this, length = scale * Math.sqrt(k.squares(this.grads, this.count)), clip = scale * Math.min(1, grad_clip / (length + 1e-6));
    const [b1, b2] = betas, rate1 = rate / (1 - b1 ** this.step), root2 = Math.sqrt(1 - b2 ** this.step);
    for (const t of this.tensors) {
      if (optimizer === "muon" && t.shape.length === 2 && t.name.startsWith("blocks.")) this.turn(t, rate, weight_decay, momentum, clip);
      else k.adamw(t.w, t.g, t.m, t.v, t.n, clip, b1, b2, rate1, root2, t.shape.length > 1 ? 1 - rate * weight_decay : 1);
    }
    return length;
  }

  // Muon for one matrix, as nbutils.training.Muon.
  turn({ w, g, m, n, shape: [R, C] }, rate, weight_decay, momentum, clip) {
    const { k, f } = this, [x, y, A, B] = this.muon, s = Math.min(R, C), [a, b, c] = [3.4445, -4.775, 2.0315];
    k.mix(m, g, n, momentum, (1 - momentum) * clip);
    f.copyWithin(x, g, g + n);
    k.mix(x, m, n, (1 - momentum) * clip, momentum);
    k.mix(x, x, n, 0, 1 / Math.max(1e-7, Math.sqrt(k.squares(x, n))));
    const tall = R > C;
    for (let i = 0; i < 5; i++) {
      if (tall) k.gemm(A, x, x, s, s, R, 1, C, C, 1, s, 0); // x^T x
      else k.gemm(A, x, x, s, s, C, C, 1, 1, C, s, 0); // x x^T
      f.copyWithin(B, A, A + s * s);
      k.gemm(B, A, A, s, s, s, s, 1, s, 1, s, 0);
      k.mix(B, A, s * s, c, b);
      if (tall) k.gemm(y, x, B, R, C, C, C, 1, C, 1, C, 0);
      else k.gemm(y, B, x, R, C, R, R, 1, C, 1, C, 0);
      k.mix(x, y, n, a, 1);
    }
    k.mix(w, x, n, 1 - rate * weight_decay, -rate * 0.2 * Math.sqrt(Math.max(R, C)));
  }

  // The mean loss of documents, and of each token; nothing is learned.
  losses(documents) {
    this.place(documents);
    this.forward();
    this.k.cross_entropy(this.logits, this.labels, this.chosen, this.N, this.config.vocab_size, 1);
    return Float64Array.from(this.f.subarray(this.chosen, this.chosen + this.N), (p) => -Math.log(p));
  }
}
