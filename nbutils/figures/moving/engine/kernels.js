import { plain } from "./plain.js";
// The loops of a training step. `wasm(bytes)` gives them as WebAssembly, `plain(floats)` as
// JavaScript for browsers without it: same names, same arguments, places counted in floats.

// { f, kernels, name }: the shared memory as float32, room for `floats` numbers.
export async function load(floats, files = {}) {
  for (const [name, bytes] of Object.entries(files)) {
    try {
      if (!bytes || !WebAssembly.validate(bytes)) continue; // no relaxed SIMD here, or no SIMD
      const { instance: { exports } } = await WebAssembly.instantiate(bytes, {});
      const made = wrap(exports, floats);
      if (name.startsWith("hybrid")) made.kernels = { ...plain(made.f), gemm: made.kernels.gemm }; // only the products
      return { name, ...made };
    } catch (error) { console.warn(name, error); }
  }
  const f = new Float32Array(floats);
  return { name: "js", f, first: 0, kernels: plain(f) };
}

function wrap(x, floats) {
  const start = (x.__heap_base.value + 63) & ~63, pages = Math.ceil((start + 4 * floats) / 65536);
  if (pages > x.memory.buffer.byteLength / 65536) x.memory.grow(pages - x.memory.buffer.byteLength / 65536);
  const f = new Float32Array(x.memory.buffer), first = start / 4;
  const kernels = {
    gemm: (c, a, b, M, N, K, ar, ak, bk, bc, cr, acc) => x.gemm(c << 2, a << 2, b << 2, M, N, K, ar, ak, bk, bc, cr, acc),
    causal_softmax: (p, at, rows, T, upto, scale) => x.causal_softmax(p << 2, at, rows, T, upto, scale),
    causal_softmax_back: (d, p, at, rows, T, upto, scale) => x.causal_softmax_back(d << 2, p << 2, at, rows, T, upto, scale),
    cross_entropy: (l, labels, chosen, N, V, share) => x.cross_entropy(l << 2, labels << 2, chosen << 2, N, V, share),
    gelu: (y, a, n) => x.gelu(y << 2, a << 2, n),
    gelu_back: (d, a, n) => x.gelu_back(d << 2, a << 2, n),
    norm: (y, a, w, b, s, N, C) => x.norm(y << 2, a << 2, w << 2, b << 2, s << 2, N, C),
    norm_back: (dx, dy, a, w, s, dw, db, N, C) => x.norm_back(dx << 2, dy << 2, a << 2, w << 2, s << 2, dw << 2, db << 2, N, C),
    rows: (y, r, N, C) => x.rows(y << 2, r << 2, N, C),
    add_rows: (y, r, N, C) => x.add_rows(y << 2, r << 2, N, C),
    sum_rows: (r, y, N, C) => x.sum_rows(r << 2, y << 2, N, C),
    squares: (a, n) => x.squares(a << 2, n),
    mix: (y, a, n, p, q) => x.mix(y << 2, a << 2, n, p, q),
    adamw: (p, g, m, v, n, ...rest) => x.adamw(p << 2, g << 2, m << 2, v << 2, n, ...rest),
  };
  return { f, first, kernels };
}

