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
    const draw = guarded(() => build2({ model, root, words, redraw: () => redraw() }));
    root.append(failed, said);
    const redraw = () => draw && guarded(() => {
      const began = performance.now();
      said.textContent = draw();
      root.dataset.drawMs = (performance.now() - began).toFixed(2);
    });
    if (draw) redraw();
    if (draw) model.on("change", redraw);
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
  function readable(value, digits = 3) {
    const [rounded, power] = value.toExponential(digits - 1).split("e");
    const places = Math.max(0, digits - 1 - Number(power));
    const [before, after = ""] = Number(`${rounded}e${power}`).toFixed(places).split(".");
    const decimals = after.replace(/0+$/, "");
    return count(before) + (decimals && `.${decimals}`);
  }
  function percent(share, digits = 3) {
    return `${readable(100 * share, digits)} %`;
  }
  function sum(numbers) {
    return numbers.reduce((a, b) => a + b, 0);
  }
  function count(value) {
    return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
  }
  function fill(words, values) {
    return words.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  }
  function button(name, onClick, kind = "") {
    const made = element("button", { type: "button", class: kind, click: () => {
      if (made.getAttribute("aria-disabled") !== "true") onClick();
    } }, name);
    return made;
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
    const sign = bits & 32768 ? -1 : 1, power = bits >> 10 & 31, part = bits & 1023;
    if (power === 31) return part ? NaN : sign * Infinity;
    return sign * (power ? (1 + part / 1024) * 2 ** (power - 15) : part / 1024 * 2 ** -14);
  }
  function kvCache({ config }) {
    return { length: 0, layers: Array.from({ length: config.n_layer }, () => ({ k: [], v: [] })) };
  }
  function read(net, cache, token) {
    const { config, weights } = net, at = cache.length, width = config.n_embd;
    const token_embedding = rowOf(weights["token_embedding.weight"], token, width);
    const position_embedding = config.rotary ? new Float64Array(width) : rowOf(weights["position_embedding.weight"], at, width);
    const embedded = sum2(token_embedding, position_embedding);
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
    for (const part of out) total += part;
    return out.map((part) => part / total);
  }
  function block(net, name, cache, x, at) {
    const attention_normed = norm(net, `${name}attention_norm`, x);
    const looked = attention(net, `${name}attention.`, cache, attention_normed, at);
    const after_attention = sum2(x, looked.attention_answer);
    const mlp_normed = norm(net, `${name}mlp_norm`, after_attention);
    const mlp_hidden = linear(net, `${name}mlp.expand`, mlp_normed).map(net.config.relu_squared ? reluSquared : gelu);
    const mlp_answer = linear(net, `${name}mlp.contract`, mlp_hidden);
    const after_mlp = sum2(after_attention, mlp_answer);
    return { attention_normed, ...looked, after_attention, mlp_normed, mlp_hidden, mlp_answer, after_mlp };
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
  function sum2(a, b) {
    return a.map((value, i) => value + b[i]);
  }

  // weights.js
  var LETTERS = "ABC";
  var WIDTH = 48;
  var HEAD = 16;
  function ask(net, question, right, forced) {
    const cache = kvCache(net), probabilities = [];
    let answer = "", loss = 0;
    for (let at = 0; at < question.length + right.length - 1; at++) {
      const letters = question + (forced ? right : answer);
      const seen = read(net, cache, LETTERS.indexOf(letters[at])), place2 = at - question.length + 1;
      if (place2 < 0) continue;
      const shares = softmax(unembed(net, seen.final_normed));
      probabilities.push([...shares]);
      answer += LETTERS[shares.indexOf(Math.max(...shares))];
      loss -= Math.log(shares[LETTERS.indexOf(right[place2])]) / right.length;
    }
    return { answer, probabilities, loss };
  }
  function answered2(net, weights, values, question, right) {
    weights.forEach(({ tensor, row, column }, i) => {
      const numbers = net.weights[tensor], wide = tensor.includes("contract") ? 4 * WIDTH : WIDTH;
      numbers[row * wide + column] = values[i];
    });
    const own = ask(net, question, right, false);
    return own.answer === right ? own : { ...own, loss: ask(net, question, right, true).loss };
  }
  function checked(turns, weights, steps, words) {
    const fits = (turn) => Number.isInteger(turn) && Math.abs(Number(turn)) <= steps;
    if (Array.isArray(turns) && turns.length === weights && turns.every(fits)) return turns;
    const value = String(turns).slice(0, 60).toWellFormed();
    throw new Sentence(fill(words.bad, { value, weights, least: -steps, most: steps }));
  }
  function nameOf({ place: place2, row, column }, words) {
    const number = row % WIDTH, head = Math.floor(number / HEAD) + 1;
    const form = place2 === "query_key" ? words[row < WIDTH ? "query" : "key"] : words[place2];
    return fill(form, { letter: LETTERS[row], row, column, head, number: number % HEAD });
  }
  var signed = (number) => readable(number).replace("-", "−");
  function weightRow(weight, steps, words, onInput) {
    const name = nameOf(weight, words), output = element("output");
    const input = element("input", {
      type: "range",
      min: -steps,
      max: steps,
      step: 1,
      "aria-label": name,
      input: () => onInput(Number(input.value))
    });
    const row = element(
      "label",
      { class: "weight" },
      element("span", {}, name),
      output,
      element("span", { class: "way" }, input)
    );
    const show2 = (turn) => {
      const value = signed(valueOf(weight, turn, steps)), trained = signed(weight.trained);
      const said = fill(turn ? words.turned : words.still, { value, trained });
      input.value = String(turn);
      input.setAttribute("aria-valuetext", said);
      output.textContent = said;
    };
    return Object.assign(row, { show: show2 });
  }
  var valueOf = ({ trained, reach }, turn, steps) => Math.fround(trained + turn * reach / steps);
  function place(shares, before, letter, right, words) {
    const bars = shares.map((share, i) => {
      const made = element(
        "span",
        { class: LETTERS[i] === right ? "share right" : "share" },
        element("span", { class: "fill", style: `height: ${100 * share}%` }),
        element("span", { class: "was", style: `height: ${100 * before[i]}%` })
      );
      Object.assign(made.dataset, { value: share, trained: before[i] });
      return made;
    });
    const ok = letter === right;
    return element(
      "div",
      { class: ok ? "place" : "place wrong" },
      element("div", { class: "plot" }, ...bars),
      element("div", { class: "plot names" }, ...[...LETTERS].map((name) => element("span", {}, name))),
      element("b", {}, fill(ok ? words.right : words.wrong, { letter })),
      element("small", {}, ok ? percent(shares[LETTERS.indexOf(letter)]) : fill(words.should, { letter: right }))
    );
  }
  function build({ model, root, words, redraw }) {
    const question = model.get("question"), weights = model.get("weights"), trained = model.get("trained");
    const steps = model.get("steps"), right = [...question].sort().join("");
    const turn = (i, to) => change(model, { turns: model.get("turns").map((turn2, j) => j === i ? to : turn2) });
    const rows = weights.map((weight, i) => weightRow(weight, steps, words, (to) => turn(i, to)));
    const restore = button(words.restore, () => change(model, { turns: weights.map(() => 0) }));
    const random = button(words.random, () => change(model, {
      turns: weights.map(() => Math.floor(Math.random() * (2 * steps + 1)) - steps)
    }), "main");
    const chart = element("div", { class: "places", role: "img", "aria-label": words.chart });
    root.append(
      element("div", { class: "controls six" }, ...rows, element("div", { class: "presses" }, random, restore)),
      element("p", { class: "asked" }, fill(words.places, { question })),
      chart,
      element("p", { class: "quiet" }, words.bars),
      element("p", { class: "quiet" }, words.ways)
    );
    const sorter = later(() => resource(model, "sorter").then((file) => network(file, words)), redraw);
    return () => {
      const turns = checked(model.get("turns"), weights.length, steps, words);
      rows.forEach((row, i) => row.show(turns[i]));
      const still = turns.every((turn2) => turn2 === 0), net = sorter.value;
      chart.classList.toggle("waiting", !net && !still);
      if (!net && !still) {
        sorter.tell();
        sorter.fetch();
        return fill(words.fetching, { size: "175 kB" });
      }
      const values = weights.map((weight, i) => valueOf(weight, turns[i], steps));
      const now = net ? answered2(net, weights, values, question, right) : trained;
      chart.replaceChildren(...now.probabilities.map((shares, i) => place(shares, trained.probabilities[i], now.answer[i], right[i], words)));
      return sentence(words, model, turns, now, right);
    };
  }
  function sentence(words, model, turns, { answer, probabilities, loss }, correct) {
    const trained = model.get("trained"), moved = model.get("moved"), total = count(model.get("total"));
    const turned = turns.filter((turn) => turn !== 0).length, right = [...answer].filter((letter, i) => letter === correct[i]).length;
    const away = sum(probabilities.map((shares, i) => shares.filter((share, j) => Math.abs(share - trained.probabilities[i][j]) > moved).length));
    return [
      fill(turned > 1 ? words.many : turned ? words.one : words.none, { turned, total }),
      fill(words.answers, { question: model.get("question"), answer, right, letters: correct.length }),
      fill(turned ? words.both : words.loss, {
        away,
        all: probabilities.flat().length,
        moved,
        loss: readable(loss),
        trained: readable(trained.loss)
      })
    ].join("\n");
  }
  var weights_default = picture(build);

  // <stdin>
  deliver(weights_default);
})();
