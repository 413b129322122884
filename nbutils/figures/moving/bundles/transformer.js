(() => {
  // shared.js
  function picture(build2) {
    return { render: ({ model, el }) => show(model, el, build2) };
  }
  function show(model, el, build2) {
    const words = model.get("_words");
    const root = element("div", { class: "picture", role: "group", "aria-label": words.title });
    const stop = followLook(root);
    const said = element("p", { class: "said", "aria-live": "polite" });
    const failed = element("p", { class: "failed", role: "alert", hidden: true });
    el.append(root);
    Object.assign(root, { model });
    const guarded = (work) => {
      try {
        failed.hidden = true;
        root.classList.remove("broken");
        return work();
      } catch (error) {
        failed.textContent = error instanceof Sentence ? error.message : `${words.undrawable} ${error}`;
        failed.hidden = false;
        root.classList.add("broken");
        said.textContent = "";
        return null;
      }
    };
    const draw2 = guarded(() => build2({ model, root, words, redraw: () => redraw() }));
    root.append(failed, said);
    const redraw = () => draw2 && guarded(() => {
      const began = performance.now();
      said.textContent = draw2();
      root.dataset.drawMs = (performance.now() - began).toFixed(2);
    });
    if (draw2) redraw();
    if (draw2) model.on("change", redraw);
    return () => {
      model.off("change", redraw);
      stop();
    };
  }
  var Sentence = class extends Error {
  };
  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") made.addEventListener(name, value);
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value != null) made.setAttribute(name, String(value));
    }
    made.append(...children);
    return made;
  }
  function look() {
    const page = document.documentElement, body = document.body;
    if (page.dataset.theme) return page.dataset.theme;
    if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false" ? "dark" : "light";
    if (body.dataset.vscodeThemeKind) return /dark|black/.test(body.dataset.vscodeThemeKind) ? "dark" : "light";
    if (page.getAttribute("theme")) return page.getAttribute("theme");
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  function followLook(root) {
    const set = () => {
      root.dataset.look = look() === "dark" ? "dark" : "light";
    };
    const watch = new MutationObserver(set), system = matchMedia("(prefers-color-scheme: dark)");
    watch.observe(document.documentElement, { attributes: true });
    watch.observe(document.body, { attributes: true });
    system.addEventListener("change", set);
    set();
    return () => {
      watch.disconnect();
      system.removeEventListener("change", set);
    };
  }
  function change(model, state) {
    for (
      const [name, value] of
      /** @type {[any, any][]} */
      Object.entries(state)
    ) model.set(name, value);
    model.save_changes();
  }
  function whole(model, name, least, most) {
    const value = model.get(name);
    if (Number.isInteger(value) && least <= value && value <= most) return value;
    throw new Sentence(fill(model.get("_words").whole, { name, value, least, most }));
  }
  function readable(value, digits = 3) {
    const [rounded, power] = value.toExponential(digits - 1).split("e");
    const places = Math.max(0, digits - 1 - Number(power));
    const [before, after = ""] = Number(`${rounded}e${power}`).toFixed(places).split(".");
    const decimals = after.replace(/0+$/, "");
    return count(before) + (decimals && `.${decimals}`);
  }
  function count(value) {
    return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
  }
  function fill(words, values2) {
    return words.replace(/\{(\w+)\}/g, (_, name) => String(values2[name]));
  }
  function slider(name, onInput) {
    const output = element("output");
    const input = element("input", {
      type: "range",
      min: 0,
      step: 1,
      "aria-label": name,
      input: () => onInput(Number(input.value))
    });
    const row = element("label", { class: "control" }, element("span", {}, name), input, output);
    const show2 = (value, most, words) => {
      input.max = String(most);
      input.value = String(value);
      input.setAttribute("aria-valuetext", words);
      output.textContent = words;
    };
    return Object.assign(row, { show: show2 });
  }
  function stepper(name, back, onward, onInput) {
    let at = 0;
    const range = slider(name, onInput);
    const less = button(back, () => onInput(at - 1));
    const more = button(onward, () => onInput(at + 1), "main");
    const row = element("div", { class: "stepper" }, less, more, range);
    const show2 = (value, most, words) => {
      at = value;
      range.show(value, most, words);
      turnOff(less, value <= 0);
      turnOff(more, value >= most);
    };
    return Object.assign(row, { show: show2 });
  }
  function turnOff(control, off) {
    control.setAttribute("aria-disabled", String(off));
  }
  function button(name, onClick, kind = "") {
    const made = element("button", { type: "button", class: kind, click: () => {
      if (made.getAttribute("aria-disabled") !== "true") onClick();
    } }, name);
    return made;
  }
  function textField(name, onInput) {
    const input = element("input", {
      type: "text",
      spellcheck: "false",
      autocomplete: "off",
      input: () => onInput(input.value)
    });
    const row = element("label", { class: "control wide" }, element("span", {}, name), input);
    const show2 = (value) => {
      if (input.value !== value) input.value = value;
    };
    return Object.assign(row, { show: show2 });
  }
  async function resource(model, name) {
    const [bytes] = await answered(model, name);
    const expected = model.get("_resources")[name];
    if (crypto.subtle && await sha256(bytes) !== expected) {
      throw new Sentence(fill(model.get("_words").damaged, { name }));
    }
    return bytes;
  }
  function answered(model, name) {
    return new Promise((resolve, reject) => {
      const hear = (message, buffers) => {
        if (message.resource !== name) return;
        model.off("msg:custom", hear);
        if (message.error) reject(new Sentence(message.error));
        else resolve(buffers);
      };
      model.on("msg:custom", hear);
      model.send({ resource: name });
    });
  }
  function later(get, redraw) {
    let asked = null;
    let failed = null;
    const state = {
      value: (
        /** @type {Value | null} */
        null
      ),
      fetch: () => asked ??= get().then(
        (value) => {
          [state.value, failed] = [value, null];
        },
        (error) => {
          [failed, asked] = [error, null];
        }
      ).then(redraw),
      tell() {
        const error = failed;
        failed = null;
        if (error) throw error;
      }
    };
    return state;
  }
  async function sha256(bytes) {
    const hash = await crypto.subtle.digest("SHA-256", bytes);
    return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  var UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  // gpt.js
  var EPS = 1e-5;
  var FLOAT32_EPS = 2 ** -23;
  var BASE = 1e4;
  function network(view, words) {
    try {
      const length = Number(view.getBigUint64(0, true));
      const head = JSON.parse(new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + 8, length)));
      const { __metadata__: { config }, ...tensors } = head;
      const weights = {};
      for (const [name, { dtype, data_offsets: [from, to] }] of Object.entries(
        /** @type {Header} */
        tensors
      )) {
        const start = view.byteOffset + 8 + length + from;
        weights[name] = floats(view.buffer.slice(start, start + to - from), dtype);
      }
      return { config: JSON.parse(config), weights };
    } catch (error) {
      throw new Sentence(fill(words.unread, { what: (
        /** @type {Error} */
        error.message
      ) }));
    }
  }
  function floats(buffer, dtype) {
    if (dtype === "F32") return new Float32Array(buffer);
    if (dtype === "F16") return Float32Array.from(new Uint16Array(buffer), half);
    throw new Error(dtype);
  }
  function half(bits) {
    const sign = bits & 32768 ? -1 : 1, power = bits >> 10 & 31, part2 = bits & 1023;
    if (power === 31) return part2 ? NaN : sign * Infinity;
    return sign * (power ? (1 + part2 / 1024) * 2 ** (power - 15) : part2 / 1024 * 2 ** -14);
  }
  function kvCache({ config }) {
    return { length: 0, layers: Array.from({ length: config.n_layer }, () => ({ k: [], v: [] })) };
  }
  function read(net, cache, token) {
    const { config, weights } = net, at = cache.length, width = config.n_embd;
    const token_embedding = rowOf(weights["token_embedding.weight"], token, width);
    const position_embedding = config.rotary ? new Float64Array(width) : rowOf(weights["position_embedding.weight"], at, width);
    const embedded = sum(token_embedding, position_embedding);
    const layers = [];
    let x = embedded;
    for (let i = 0; i < config.n_layer; i++) {
      layers.push(block(net, `blocks.${i}.`, cache.layers[i], x, at));
      x = layers[i].after_mlp;
    }
    cache.length += 1;
    return { token_embedding, position_embedding, embedded, layers, final_normed: norm(net, "final_norm", x) };
  }
  function unembed({ weights }, x) {
    return product(weights["head.weight"] ?? weights["token_embedding.weight"], null, x);
  }
  function softmax(numbers) {
    let most = -Infinity, total = 0;
    for (const number of numbers) most = Math.max(most, number);
    const out = Float64Array.from(numbers, (number) => Math.exp(number - most));
    for (const part2 of out) total += part2;
    return out.map((part2) => part2 / total);
  }
  function block(net, name, cache, x, at) {
    const attention_normed = norm(net, `${name}attention_norm`, x);
    const looked2 = attention(net, `${name}attention.`, cache, attention_normed, at);
    const after_attention = sum(x, looked2.attention_answer);
    const mlp_normed = norm(net, `${name}mlp_norm`, after_attention);
    const mlp_hidden = linear(net, `${name}mlp.expand`, mlp_normed).map(net.config.relu_squared ? reluSquared : gelu);
    const mlp_answer = linear(net, `${name}mlp.contract`, mlp_hidden);
    const after_mlp = sum(after_attention, mlp_answer);
    return { attention_normed, ...looked2, after_attention, mlp_normed, mlp_hidden, mlp_answer, after_mlp };
  }
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
  function normalizeAndRotate({ n_head, qk_norm, rotary }, x, at) {
    const D = x.length / n_head, out = x.slice();
    for (let first = 0; first < x.length; first += D) {
      if (qk_norm) {
        let squares = 0;
        for (let d = first; d < first + D; d++) squares += x[d] * x[d];
        for (let d = first; d < first + D; d++) out[d] /= Math.sqrt(squares / D + FLOAT32_EPS);
      }
      for (let d = 0; rotary && d < D / 2; d++) {
        const angle = at * BASE ** (-2 * d / D), [cos, sin] = [Math.cos(angle), Math.sin(angle)];
        const one = out[first + d], other = out[first + d + D / 2];
        out[first + d] = one * cos - other * sin;
        out[first + d + D / 2] = one * sin + other * cos;
      }
    }
    return out;
  }
  function linear({ weights }, name, x) {
    return product(weights[`${name}.weight`], weights[`${name}.bias`], x);
  }
  function product(matrix, bias, x) {
    const n = x.length, out = new Float64Array(matrix.length / n);
    for (let row = 0, i = 0; row < out.length; row++) {
      let total = bias ? bias[row] : 0;
      for (let j = 0; j < n; j++, i++) total += matrix[i] * x[j];
      out[row] = total;
    }
    return out;
  }
  function norm({ config, weights }, name, x) {
    const scale = weights[`${name}.weight`], shift = weights[`${name}.bias`], { mean, spread } = meanAndSpread(config, x);
    return x.map((value, i) => (value - mean) / spread * scale[i] + (shift ? shift[i] : 0));
  }
  function meanAndSpread({ rms_norm }, x) {
    let total = 0, squares = 0;
    for (const value of x) total += value;
    const mean = rms_norm ? 0 : total / x.length;
    for (const value of x) squares += (value - mean) ** 2;
    return { mean, spread: Math.sqrt(squares / x.length + EPS) };
  }
  function gelu(x) {
    return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  }
  function reluSquared(x) {
    return Math.max(0, x) ** 2;
  }
  function rowOf(table, row, width) {
    return Float64Array.from(table.subarray(row * width, (row + 1) * width));
  }
  function sum(a, b) {
    return a.map((value, i) => value + b[i]);
  }

  // transformer.js
  var LETTERS = "ABC";
  var ASKED = 6;
  var POSITIONS = 11;
  var WIDTH = 48;
  var HEAD = 16;
  var HEADS = 3;
  var LAYERS = 3;
  var SHOWN = 3;
  var LAYER = [
    "attention_normed",
    "q",
    "k",
    "v",
    "scores",
    "weights",
    "heads",
    "attention_answer",
    "after_attention",
    "mlp_normed",
    "mlp_hidden",
    "mlp_answer",
    "after_mlp"
  ];
  var STAGES = [
    [null, "embedded"],
    ...Array.from({ length: LAYERS }, (_, layer) => LAYER.map((name) => (
      /** @type {Stage} */
      [layer, name]
    ))).flat(),
    [null, "final_normed"],
    [null, "logits"],
    [null, "probabilities"]
  ];
  var LOOKS = ["scores", "weights"];
  var OF_HEADS = ["q", "k", "v", "heads"];
  var NEXT = ["logits", "probabilities"];
  var STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  var [LEFT, TOP, TALL, GAP] = [30, 18, 17, 22];
  function run(net, text) {
    const cache = kvCache(net);
    const rows = [];
    let letters = text;
    for (let at = 0; at < POSITIONS; at++) {
      const seen = read(net, cache, LETTERS.indexOf(letters[at])), logits = unembed(net, seen.final_normed);
      rows.push({ ...seen, logits, probabilities: softmax(logits) });
      if (at >= ASKED - 1) letters += LETTERS[logits.indexOf(Math.max(...logits))];
    }
    rows.forEach((row, at) => row.layers.forEach((layer, i) => fillUp(layer, rows, i, at)));
    return { letters, rows, net };
  }
  function fillUp(layer, rows, i, at) {
    const weights = new Float64Array(HEADS * POSITIONS), scores = new Float64Array(HEADS * POSITIONS);
    for (let head = 0; head < HEADS; head++) {
      for (let j = 0; j < POSITIONS; j++) {
        const key = rows[j].layers[i].k;
        for (let d = HEAD * head; d < HEAD * (head + 1); d++) scores[head * POSITIONS + j] += layer.q[d] * key[d];
        scores[head * POSITIONS + j] /= Math.sqrt(HEAD);
        if (j <= at) weights[head * POSITIONS + j] = layer.weights[head * (at + 1) + j];
      }
    }
    Object.assign(layer, { scores, weights });
  }
  function begin({ text, answer, letters, positions }) {
    const rows = positions.map((position, at) => {
      const token_embedding = letters[LETTERS.indexOf((text + answer)[at])];
      return { token_embedding, position_embedding: position, embedded: position.map((p, i) => p + token_embedding[i]) };
    });
    return { letters: text + answer, rows: (
      /** @type {any[]} */
      rows
    ), net: null };
  }
  var values = ({ rows }, [layer, name], row) => layer === null ? rows[row][name] : rows[row].layers[layer][name];
  function madeOf(seen, stage, row, column, words) {
    const [layer, name] = stage, here = seen.rows[row], total = readable(values(seen, stage, row)[column]);
    const two = (form, one, other) => fill(form, { one: readable(one[column]), other: readable(other[column]), total });
    if (name === "embedded") return two(words.embedding, here.token_embedding, here.position_embedding);
    const { weights: tensors, config } = (
      /** @type {Network} */
      seen.net
    );
    const normed = (path2, x2) => {
      const { mean, spread } = meanAndSpread(config, x2);
      const numbers2 = { value: x2[column], mean, spread, scale: tensors[`${path2}.weight`][column], shift: tensors[`${path2}.bias`][column] };
      return fill(words.norm, { ...Object.fromEntries(Object.entries(numbers2).map(([key, n]) => [key, readable(n)])), total });
    };
    if (name === "logits") {
      return fill(words.sum, { products: products(here.final_normed, part(tensors["head.weight"], column, WIDTH), null, words), total });
    }
    if (name === "probabilities") return share(here.logits, column, total, words);
    if (name === "final_normed") return normed("final_norm", here.layers[LAYERS - 1].after_mlp);
    const now = here.layers[layer], before = layer ? here.layers[layer - 1].after_mlp : here.embedded;
    const path = `blocks.${layer}.`;
    if (name === "attention_normed") return normed(`${path}attention_norm`, before);
    if (name === "mlp_normed") return normed(`${path}mlp_norm`, now.after_attention);
    if (name === "after_attention") return two(words.added, before, now.attention_answer);
    if (name === "after_mlp") return two(words.added, now.after_attention, now.mlp_answer);
    if (name === "heads" || name === "scores" || name === "weights") return looked(seen, layer, name, row, column, total, words);
    const factors = {
      q: ["attention.query_key_value", column, now.attention_normed],
      k: ["attention.query_key_value", WIDTH + column, now.attention_normed],
      v: ["attention.query_key_value", 2 * WIDTH + column, now.attention_normed],
      attention_answer: ["attention.projection", column, now.heads],
      mlp_hidden: ["mlp.expand", column, now.mlp_normed],
      mlp_answer: ["mlp.contract", column, now.mlp_hidden]
    };
    const [matrix, number, x] = factors[name];
    const numbers = part(tensors[`${path}${matrix}.weight`], number, x.length);
    const text = products(x, numbers, tensors[`${path}${matrix}.bias`][number], words);
    return fill(name === "mlp_hidden" ? words.bent : words.sum, { products: text, total });
  }
  function looked({ rows }, layer, name, row, column, total, words) {
    const now = rows[row].layers[layer];
    if (name === "heads") {
      const head2 = Math.floor(column / HEAD), seen2 = rows.slice(0, row + 1);
      const shares = seen2.map((_, j) => now.weights[head2 * POSITIONS + j]);
      return fill(words.sum, { products: products(shares, seen2.map(({ layers }) => layers[layer].v[column]), null, words), total });
    }
    const head = Math.floor(column / POSITIONS), seen = column % POSITIONS;
    if (name === "scores") {
      const [q, k] = [now.q, rows[seen].layers[layer].k].map((of) => part(of, head, HEAD));
      return fill(words.scaled, { products: products(q, k, null, words), total });
    }
    if (seen > row) return words.masked;
    return share(part(now.scores, head, POSITIONS).slice(0, row + 1), seen, total, words);
  }
  var part = (numbers, index, length) => (
    /** @type {Kind} */
    numbers.slice(index * length, (index + 1) * length)
  );
  function products(a, b, constant, words) {
    const some = Array.from(a.slice(0, SHOWN), (x, i) => `${readable(x)} × ${readable(b[i])}`).join(" + ");
    const all = a.length > SHOWN ? fill(words.more, { products: some, count: a.length }) : some;
    return constant === null ? all : fill(words.constant, { products: all, constant: readable(constant) });
  }
  function share(numbers, one, total, words) {
    const powers = numbers.reduce((sum2, number) => sum2 + Math.exp(number), 0);
    return fill(words.share, {
      number: readable(numbers[one]),
      power: readable(Math.exp(numbers[one])),
      powers: readable(powers),
      total
    });
  }
  function placeOf(name, row, column, letters, words) {
    const here = { row, letter: letters[row] };
    if (LOOKS.includes(name)) {
      return fill(words.looks, { ...here, head: Math.floor(column / POSITIONS) + 1, seen: column % POSITIONS });
    }
    if (OF_HEADS.includes(name)) return fill(words.inHead, { ...here, head: Math.floor(column / HEAD) + 1, number: column % HEAD });
    if (NEXT.includes(name)) return fill(words.next, { ...here, next: LETTERS[column] });
    return fill(words.number, { ...here, number: column });
  }
  function heatMap(root, words, onChoose) {
    const canvas = element("canvas"), map = element("div", {
      class: "map",
      role: "application",
      tabindex: 0,
      "aria-label": words.map
    }, canvas);
    let shown = null;
    const paint = () => shown && draw(canvas, root, shown, words);
    const choose = (event) => {
      const cell = shown && cellAt(canvas, shown, event.offsetX, event.offsetY);
      if (cell) onChoose(cell);
    };
    canvas.addEventListener("pointerdown", choose);
    canvas.addEventListener("pointermove", (event) => event.buttons && choose(event));
    map.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      if (!step || !shown) return;
      event.preventDefault();
      const row = Math.min(shown.rows.length - 1, Math.max(0, shown.row + step[0]));
      onChoose({ row, column: Math.min(shown.rows[0].length - 1, Math.max(0, shown.column + step[1])) });
    });
    new ResizeObserver(paint).observe(map);
    new MutationObserver(paint).observe(root, { attributes: true, attributeFilter: ["data-look"] });
    const show2 = (state) => {
      shown = state;
      Object.assign(map, { values: state.rows.flatMap((row) => [...row]) });
      paint();
    };
    return Object.assign(map, { show: show2 });
  }
  var across = ({ rows }) => Math.min(WIDTH, rows[0].length);
  var height = ({ rows }) => TOP + rows.length * TALL;
  function cellAt(canvas, shown, x, y) {
    const n = across(shown), picture2 = Math.floor(y / (height(shown) + GAP - TOP));
    const row = Math.floor((y - picture2 * (height(shown) + GAP - TOP) - TOP) / TALL);
    const column = Math.floor((x - LEFT) / (canvas.clientWidth - LEFT) * n);
    if (row < 0 || row >= shown.rows.length || column < 0 || column >= n) return null;
    return picture2 * n + column < shown.rows[0].length ? { row, column: picture2 * n + column } : null;
  }
  function draw(canvas, root, shown, words) {
    const n = across(shown), pictures = Math.ceil(shown.rows[0].length / n), step = height(shown) + GAP - TOP;
    const wide = canvas.clientWidth || 300, tall = pictures * step, scale = window.devicePixelRatio || 1;
    canvas.style.height = `${tall}px`;
    [canvas.width, canvas.height] = [Math.round(wide * scale), Math.round(tall * scale)];
    const paint = (
      /** @type {CanvasRenderingContext2D} */
      canvas.getContext("2d")
    ), look2 = getComputedStyle(root);
    const [ink, card, quiet, above, below] = ["ink", "card", "quiet", "target", "mark"].map((name) => look2.getPropertyValue(`--${name}`));
    const most = Math.max(...shown.rows.map((row) => Math.max(0, ...row.map(Math.abs)))) || 1;
    const cell = (wide - LEFT) / n;
    paint.scale(scale, scale);
    paint.font = "12px ui-monospace, Menlo, Consolas, monospace";
    paint.textBaseline = "middle";
    for (let p = 0; p < pictures; p++) {
      const top = p * step + TOP;
      paint.globalAlpha = 1;
      paint.fillStyle = quiet;
      for (const [text, x2] of columnNames(shown, n, p, words)) paint.fillText(text, LEFT + x2 * cell, top - TOP / 2);
      shown.rows.forEach((row, t) => {
        const y = top + t * TALL;
        paint.globalAlpha = 1;
        paint.fillStyle = t < ASKED ? quiet : ink;
        paint.fillText(`${shown.letters[t]}${t < ASKED ? "" : "′"}`, 4, y + TALL / 2);
        for (let c = 0; c < n; c++) {
          const value = row[p * n + c];
          paint.globalAlpha = Math.abs(value) / most;
          paint.fillStyle = value > 0 ? above : below;
          paint.fillRect(LEFT + c * cell, y, cell + 0.3, TALL);
          if (n > LETTERS.length) continue;
          paint.globalAlpha = 1;
          const strong = Math.abs(value) > most * (value > 0 ? 0.65 : 0.85);
          paint.fillStyle = strong ? onStrong(value, root.dataset.look, ink, card) : ink;
          paint.fillText(readable(value, 2), LEFT + c * cell + 6, y + TALL / 2);
        }
      });
      paint.globalAlpha = 1;
      paint.strokeStyle = quiet;
      for (const x2 of dividers(shown, n)) paint.strokeRect(LEFT + x2 * cell, top, 0, shown.rows.length * TALL);
      paint.strokeRect(LEFT + 0.5, top + 0.5, wide - LEFT - 1, shown.rows.length * TALL - 1);
    }
    const at = Math.floor(shown.column / n), x = LEFT + shown.column % n * cell;
    paint.strokeStyle = ink;
    paint.lineWidth = 2;
    paint.strokeRect(x - 1, at * step + TOP + shown.row * TALL - 1, cell + 2, TALL + 2);
  }
  function onStrong(value, look2, ink, card) {
    return value > 0 && look2 === "light" ? ink : card;
  }
  function columnNames({ name, rows }, n, p, words) {
    if (NEXT.includes(name)) return [...LETTERS].map((letter, i) => [letter, i + 0.08]);
    if (n < rows[0].length) return [[fill(words.rest, { from: p * n, to: p * n + n - 1 }), 0]];
    if (LOOKS.includes(name) || OF_HEADS.includes(name)) {
      return Array.from({ length: HEADS }, (_, head) => [fill(words.head, { head: head + 1 }), head * n / HEADS + 0.5]);
    }
    return [[fill(words.rest, { from: 0, to: n - 1 }), 0]];
  }
  var dividers = ({ name }, n) => LOOKS.includes(name) || OF_HEADS.includes(name) ? [n / 3, 2 * n / 3] : [];
  function build({ model, root, words, redraw }) {
    const field = textField(words.text, (text) => change(model, { text }));
    const steps = stepper(words.stage, words.back, words.onward, (stage) => {
      change(model, { column: Math.min(model.get("column"), widthOf(stage) - 1), stage });
    });
    const map = heatMap(root, words, (cell) => change(model, cell)), colours = element("p", { class: "quiet" });
    const heading = element("p", { class: "stage" });
    root.append(element("div", { class: "controls" }, field, steps), heading, map, colours);
    const beginning = model.get("beginning");
    const sorter = later(() => resource(model, "sorter").then((file) => network(file, words)), redraw);
    let known = "", seen = begin(beginning);
    return () => {
      const text = model.get("text");
      field.show(String(text));
      if (!/^[ABC]{6}$/i.test(text)) throw new Sentence(words.letters);
      const stage = whole(model, "stage", 0, STAGES.length - 1), row = whole(model, "row", 0, POSITIONS - 1);
      const column = whole(model, "column", 0, widthOf(stage) - 1), asks = text.toUpperCase();
      const last = STAGES.length - 1, [layer, name] = STAGES[stage];
      steps.show(stage, last, `${stage} / ${last}`);
      const net = sorter.value, here = stage === 0 && asks === beginning.text;
      map.classList.toggle("waiting", !net && !here);
      if (!net && !here) {
        sorter.tell();
        sorter.fetch();
        return fill(words.fetching, { size: "175 kB" });
      }
      const key = `${asks} ${Boolean(net)}`;
      if (known !== key) [known, seen] = [key, net ? run(net, asks) : begin(beginning)];
      const rows = seen.rows.map((_, at) => values(seen, STAGES[stage], at));
      const what = layer === null ? words[name] : fill(words.layer, { layer: layer + 1, what: words[name] });
      heading.textContent = what[0].toUpperCase() + what.slice(1);
      map.show({ rows, name, letters: seen.letters, row, column });
      const most = Math.max(...rows.map((numbers) => Math.max(...numbers.map(Math.abs))));
      colours.textContent = fill(words.colours, { most: readable(most) });
      return [
        fill(words.read, { text: asks, answer: seen.letters.slice(ASKED) }),
        fill(words.where, { stage, stages: last, what }),
        `${placeOf(name, row, column, seen.letters, words)} ${madeOf(seen, STAGES[stage], row, column, words)}`
      ].join("\n");
    };
  }
  function widthOf(stage) {
    const [, name] = STAGES[stage];
    if (LOOKS.includes(name)) return HEADS * POSITIONS;
    if (NEXT.includes(name)) return LETTERS.length;
    return name === "mlp_hidden" ? 4 * WIDTH : WIDTH;
  }
  var transformer_default = picture(build);

  // <stdin>
  deliver(transformer_default);
})();
