// The loops of a training step in JavaScript, for browsers without WebAssembly, and to be read: kernels.c has the same, of
// the same names and arguments, and says more of why. An array is a place in f, the one memory; sums are in float64.

/** @import { Kernels } from "./trainer" */

const BEND = Math.sqrt(2 / Math.PI), CUBE = 0.044715; // GELU's
const DEPTH = 256; // rows of b that are packed at a time
const LEAST = -60; // e to less counts as e to this, and
const TINY = 1e-15; // what is nearer to 0 counts as 0: smaller float32 are slow, see kernels.c

/**
 * @param {Float32Array} f
 * @returns {Kernels}
 */
export function plain(f) {
  return { gemm: product(f), ...ofAttention(f), ...ofGelu(f), ...ofLayerNorm(f), ...ofRows(f), ...ofUpdates(f) };
}

/**
 * c (M, N) = a (M, K) b (K, N), or += where acc is set. ar: from row to row of a; ak: from column to column; bk and bc: of
 * b; cr: from row to row of c. A transposed matrix has the two exchanged. 2 x 4 numbers of c are summed at a time.
 * @param {Float32Array} f
 * @returns {Kernels["gemm"]}
 */
function product(f) {
  const panel = new Float64Array(4 * DEPTH);
  /** @type {(out: number, columns: number, add: boolean, s0: number, s1: number, s2: number, s3: number) => void} */
  const put = (out, columns, add, s0, s1, s2, s3) => {
    f[out] = add ? f[out] + s0 : s0;
    if (columns > 1) f[out + 1] = add ? f[out + 1] + s1 : s1;
    if (columns > 2) f[out + 2] = add ? f[out + 2] + s2 : s2;
    if (columns > 3) f[out + 3] = add ? f[out + 3] + s3 : s3;
  };
  /** @type {(b: number, depth: number, columns: number, bk: number, bc: number) => void} */
  const pack = (b, depth, columns, bk, bc) => {
    for (let k = 0, p = 0; k < depth; k++, b += bk) {
      for (let t = 0; t < 4; t++) panel[p++] = t < columns ? f[b + t * bc] : 0;
    }
  };
  return (c, a, b, M, N, K, ar, ak, bk, bc, cr, acc) => {
    for (let k0 = 0; k0 < K; k0 += DEPTH) {
      const depth = Math.min(DEPTH, K - k0), add = acc > 0 || k0 > 0;
      for (let j = 0; j < N; j += 4) {
        const columns = Math.min(4, N - j);
        pack(b + k0 * bk + j * bc, depth, columns, bk, bc);
        for (let i = 0; i < M; i += 2) {
          const two = i + 1 < M;
          let at = a + i * ar + k0 * ak, next = two ? at + ar : at;
          let p0 = 0, p1 = 0, p2 = 0, p3 = 0, q0 = 0, q1 = 0, q2 = 0, q3 = 0;
          for (let p = 0; p < 4 * depth; p += 4, at += ak, next += ak) {
            const x = f[at], y = f[next], b0 = panel[p], b1 = panel[p + 1], b2 = panel[p + 2], b3 = panel[p + 3];
            p0 += x * b0; p1 += x * b1; p2 += x * b2; p3 += x * b3;
            q0 += y * b0; q1 += y * b1; q2 += y * b2; q3 += y * b3;
          }
          put(c + i * cr + j, columns, add, p0, p1, p2, p3);
          if (two) put(c + (i + 1) * cr + j, columns, add, q0, q1, q2, q3);
        }
      }
    }
  };
}

/**
 * In place: n numbers from x on become e to the (x - most) scale over their sum, which is returned.
 * @param {Float32Array} f
 * @param {number} x
 * @param {number} n
 * @param {number} most the largest of them
 * @param {number} scale
 */
function softmax(f, x, n, most, scale) {
  let total = 0;
  for (let i = x; i < x + n; i++) total += f[i] = Math.exp(Math.max(LEAST, (f[i] - most) * scale));
  for (let i = x; i < x + n; i++) f[i] /= total;
  return total;
}

/**
 * @param {Float32Array} f
 * @param {number} x
 * @param {number} n
 */
function largest(f, x, n) {
  let most = f[x];
  for (let i = x + 1; i < x + n; i++) if (f[i] > most) most = f[i];
  return most;
}

/**
 * Scores of a document become weights, gradients of weights those of scores, logits those of the loss; all in place.
 * @param {Float32Array} f
 * @returns {Pick<Kernels, "causal_softmax" | "causal_softmax_back" | "cross_entropy">}
 */
function ofAttention(f) {
  const ints = new Int32Array(f.buffer);
  return {
    // rows first .. first + rows of (T, T); columns after a row's own position, up to seen, become 0
    causal_softmax(p, first, rows, T, seen, scale) {
      for (let t = first; t < first + rows; t++) {
        const row = p + t * T;
        softmax(f, row, t + 1, largest(f, row, t + 1), scale);
        f.fill(0, row + t + 1, row + seen);
      }
    },
    causal_softmax_back(d, p, first, rows, T, seen, scale) {
      for (let t = first; t < first + rows; t++) {
        const row = t * T;
        let dot = 0;
        for (let j = row; j <= row + t; j++) dot += f[d + j] * f[p + j];
        for (let j = row; j <= row + t; j++) f[d + j] = (f[d + j] - dot) * f[p + j] * scale;
        f.fill(0, d + row + t + 1, d + row + seen);
      }
    },
    // x (N, V); a label's loss is log(parts[n][0]) - parts[n][1]
    cross_entropy(x, labels, parts, N, V, share) {
      for (let n = 0; n < N; n++, x += V, parts += 2) {
        const label = x + ints[labels + n], most = largest(f, x, V);
        f[parts + 1] = f[label] - most;
        f[parts] = softmax(f, x, V, most, 1);
        f[label] -= 1;
        for (let i = x; i < x + V; i++) f[i] *= share;
      }
    },
  };
}

/**
 * @param {Float32Array} f
 * @returns {Pick<Kernels, "gelu" | "gelu_back">}
 */
function ofGelu(f) {
  return {
    gelu(y, x, n) {
      for (let i = 0; i < n; i++) {
        const v = f[x + i];
        f[y + i] = 0.5 * v * (1 + Math.tanh(BEND * v * (1 + CUBE * v * v)));
      }
    },
    // d *= the slope at x
    gelu_back(d, x, n) {
      for (let i = 0; i < n; i++) {
        const v = f[x + i], t = Math.tanh(BEND * v * (1 + CUBE * v * v));
        f[d + i] *= 0.5 * (1 + t) + 0.5 * v * (1 - t * t) * BEND * (1 + 3 * CUBE * v * v);
      }
    },
  };
}

/**
 * Of x (N, C): less the mean, over the spread, times scale, plus shift. stats (N, 2): each row's mean and 1 / spread.
 * @param {Float32Array} f
 * @returns {Pick<Kernels, "layer_norm" | "layer_norm_back">}
 */
function ofLayerNorm(f) {
  return {
    layer_norm(y, x, scale, shift, stats, N, C) {
      for (let n = 0; n < N; n++, x += C, y += C, stats += 2) {
        let mean = 0, squares = 0;
        for (let i = 0; i < C; i++) mean += f[x + i];
        mean /= C;
        for (let i = 0; i < C; i++) squares += (f[x + i] - mean) ** 2;
        const r = 1 / Math.sqrt(squares / C + 1e-5);
        for (let i = 0; i < C; i++) f[y + i] = (f[x + i] - mean) * r * f[scale + i] + f[shift + i];
        f[stats] = mean;
        f[stats + 1] = r;
      }
    },
    // dx, dscale, dshift += the gradients, from dy
    layer_norm_back(dx, dy, x, scale, stats, dscale, dshift, N, C) {
      for (let n = 0; n < N; n++, x += C, dy += C, dx += C, stats += 2) {
        const mean = f[stats], r = f[stats + 1];
        let sum = 0, dot = 0;
        for (let i = 0; i < C; i++) {
          const d = f[dy + i], h = (f[x + i] - mean) * r, g = d * f[scale + i];
          f[dscale + i] += d * h;
          f[dshift + i] += d;
          sum += g;
          dot += g * h;
        }
        for (let i = 0; i < C; i++) {
          const h = (f[x + i] - mean) * r, g = f[dy + i] * f[scale + i];
          f[dx + i] += r * (g - sum / C - (h * dot) / C);
        }
      }
    },
  };
}

/**
 * Of y (N, C) and a row (C,).
 * @param {Float32Array} f
 * @returns {Pick<Kernels, "set_rows" | "add_rows" | "sum_rows">}
 */
function ofRows(f) {
  return {
    set_rows(y, row, N, C) { for (let n = 0; n < N; n++) f.copyWithin(y + n * C, row, row + C); },
    add_rows(y, row, N, C) { for (let n = 0; n < N; n++, y += C) for (let i = 0; i < C; i++) f[y + i] += f[row + i]; },
    sum_rows(row, y, N, C) { for (let n = 0; n < N; n++, y += C) for (let i = 0; i < C; i++) f[row + i] += f[y + i]; },
  };
}

/** @type {(x: number, least: number) => number} x, and 0 where it is nearer to 0 than `least`; NaN stays NaN */
const keep = (x, least) => (Math.abs(x) < least ? 0 : x);

/**
 * @param {Float32Array} f
 * @returns {Pick<Kernels, "squares" | "mix" | "adamw">}
 */
function ofUpdates(f) {
  return {
    squares(x, n) {
      let total = 0;
      for (let i = x; i < x + n; i++) total += f[i] * f[i];
      return total;
    },
    mix(y, x, n, a, b) { for (let i = 0; i < n; i++) f[y + i] = a * f[y + i] + b * f[x + i]; }, // y = a y + b x
    // n weights w by gradients g; m and v: the running means of g and of g^2
    adamw(w, g, m, v, n, clip, b1, b2, rate, root, decay) {
      for (let i = 0; i < n; i++) {
        const d = keep(f[g + i] * clip, TINY);
        f[m + i] = keep(b1 * f[m + i] + (1 - b1) * d, TINY);
        f[v + i] = keep(b2 * f[v + i] + (1 - b2) * d * d, TINY * TINY);
        f[w + i] = f[w + i] * decay - (rate * f[m + i]) / (Math.sqrt(f[v + i]) / root + 1e-8);
      }
    },
  };
}
