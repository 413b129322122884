// The loops of a training step in JavaScript, for browsers without WebAssembly: same names and arguments as kernels.c.
const K1 = Math.sqrt(2 / Math.PI), K3 = 0.044715;

export function plain(f) {
  const ints = new Int32Array(f.buffer), KC = 256, panel = new Float64Array(4 * KC);
  const put = (o, x0, x1, x2, x3, n, add) => {
    if (add) { x0 += f[o]; if (n > 1) x1 += f[o + 1]; if (n > 2) x2 += f[o + 2]; if (n > 3) x3 += f[o + 3]; }
    f[o] = x0;
    if (n > 1) f[o + 1] = x1;
    if (n > 2) f[o + 2] = x2;
    if (n > 3) f[o + 3] = x3;
  };
  function softmax(at, n, scale) {
    let most = -Infinity, total = 0;
    for (let i = at; i < at + n; i++) if (f[i] > most) most = f[i];
    for (let i = at; i < at + n; i++) total += f[i] = Math.exp((f[i] - most) * scale);
    for (let i = at; i < at + n; i++) f[i] /= total;
  }
  return {
    // c[i,j] = (acc ? c[i,j] : 0) + sum over k of a[i,k] b[k,j]; 2 x 4 numbers of c at a time
    gemm(c, a, b, M, N, K, ar, ak, bk, bc, cr, acc) {
      for (let k0 = 0; k0 < K; k0 += KC) {
        const kn = Math.min(KC, K - k0), add = acc || k0 > 0;
        for (let j = 0; j < N; j += 4) {
          const jn = Math.min(4, N - j);
          for (let k = 0, p = 0, bp = b + k0 * bk + j * bc; k < kn; k++, bp += bk) {
            for (let t = 0; t < 4; t++) panel[p++] = t < jn ? f[bp + t * bc] : 0;
          }
          for (let i = 0; i < M; i += 2) {
            const two = i + 1 < M;
            let a0 = a + i * ar + k0 * ak, a1 = two ? a0 + ar : a0;
            let p0 = 0, p1 = 0, p2 = 0, p3 = 0, q0 = 0, q1 = 0, q2 = 0, q3 = 0;
            for (let p = 0; p < 4 * kn; p += 4) {
              const b0 = panel[p], b1 = panel[p + 1], b2 = panel[p + 2], b3 = panel[p + 3], x = f[a0], y = f[a1];
              a0 += ak; a1 += ak;
              p0 += x * b0; p1 += x * b1; p2 += x * b2; p3 += x * b3;
              q0 += y * b0; q1 += y * b1; q2 += y * b2; q3 += y * b3;
            }
            put(c + i * cr + j, p0, p1, p2, p3, jn, add);
            if (two) put(c + (i + 1) * cr + j, q0, q1, q2, q3, jn, add);
          }
        }
      }
    },
    causal_softmax(p, first, rows, T, upto, scale) {
      for (let t = first; t < first + rows; t++) {
        softmax(p + t * T, t + 1, scale);
        f.fill(0, p + t * T + t + 1, p + t * T + upto);
      }
    },
    causal_softmax_back(d, p, first, rows, T, upto, scale) {
      for (let t = first; t < first + rows; t++) {
        let dot = 0;
        const at = t * T;
        for (let j = at; j <= at + t; j++) dot += f[d + j] * f[p + j];
        for (let j = at; j <= at + t; j++) f[d + j] = (f[d + j] - dot) * f[p + j] * scale;
        f.fill(0, d + at + t + 1, d + at + upto);
      }
    },
    cross_entropy(x, labels, chosen, N, V, share) {
      for (let n = 0; n < N; n++, x += V) {
        const label = ints[labels + n];
        if (label < 0) { f.fill(0, x, x + V); f[chosen + n] = 1; continue; }
        softmax(x, V, 1);
        f[chosen + n] = f[x + label];
        f[x + label] -= 1;
        for (let i = x; i < x + V; i++) f[i] *= share;
      }
    },
    gelu(y, a, n) {
      for (let i = 0; i < n; i++) { const v = f[a + i]; f[y + i] = 0.5 * v * (1 + Math.tanh(K1 * v * (1 + K3 * v * v))); }
    },
    gelu_back(d, a, n) {
      for (let i = 0; i < n; i++) {
        const v = f[a + i], t = Math.tanh(K1 * v * (1 + K3 * v * v));
        f[d + i] *= 0.5 * (1 + t) + 0.5 * v * (1 - t * t) * K1 * (1 + 3 * K3 * v * v);
      }
    },
    norm(y, a, w, b, s, N, C) {
      for (let n = 0; n < N; n++, a += C, y += C, s += 2) {
        let mean = 0, q = 0;
        for (let i = 0; i < C; i++) mean += f[a + i];
        mean /= C;
        for (let i = 0; i < C; i++) q += (f[a + i] - mean) ** 2;
        const r = 1 / Math.sqrt(q / C + 1e-5);
        for (let i = 0; i < C; i++) f[y + i] = (f[a + i] - mean) * r * f[w + i] + f[b + i];
        f[s] = mean; f[s + 1] = r;
      }
    },
    norm_back(dx, dy, a, w, s, dw, db, N, C) {
      for (let n = 0; n < N; n++, a += C, dy += C, dx += C, s += 2) {
        const m = f[s], r = f[s + 1];
        let p = 0, q = 0;
        for (let i = 0; i < C; i++) {
          const d = f[dy + i], h = (f[a + i] - m) * r, g = d * f[w + i];
          f[dw + i] += d * h; f[db + i] += d; p += g; q += g * h;
        }
        p /= C; q /= C;
        for (let i = 0; i < C; i++) f[dx + i] += r * (f[dy + i] * f[w + i] - p - (f[a + i] - m) * r * q);
      }
    },
    rows(y, r, N, C) { for (let n = 0; n < N; n++) f.copyWithin(y + n * C, r, r + C); },
    add_rows(y, r, N, C) { for (let n = 0; n < N; n++, y += C) for (let i = 0; i < C; i++) f[y + i] += f[r + i]; },
    sum_rows(r, y, N, C) { for (let n = 0; n < N; n++, y += C) for (let i = 0; i < C; i++) f[r + i] += f[y + i]; },
    squares(a, n) { let s = 0; for (let i = a; i < a + n; i++) s += f[i] * f[i]; return s; },
    mix(y, a, n, p, q) { for (let i = 0; i < n; i++) f[y + i] = p * f[y + i] + q * f[a + i]; },
    adamw(p, g, m, v, n, clip, b1, b2, rate1, root2, decay) {
      for (let i = 0; i < n; i++) {
        const d = f[g + i] * clip, mm = f[m + i] = b1 * f[m + i] + (1 - b1) * d, vv = f[v + i] = b2 * f[v + i] + (1 - b2) * d * d;
        f[p + i] = f[p + i] * decay - rate1 * mm / (Math.sqrt(vv) / root2 + 1e-8);
      }
    },
  };
}
