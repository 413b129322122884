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
  function whole(model, name, least, most2) {
    const value = model.get(name);
    if (Number.isInteger(value) && least <= value && value <= most2) return value;
    throw new Sentence(fill(model.get("_words").whole, { name, value, least, most: most2 }));
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
  function sum(numbers2) {
    return numbers2.reduce((a, b) => a + b, 0);
  }
  function count(value) {
    return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
  }
  function fill(words, values) {
    return words.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
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
    const show2 = (value, most2, words) => {
      input.max = String(most2);
      input.value = String(value);
      input.setAttribute("aria-valuetext", words);
      output.textContent = words;
    };
    return Object.assign(row, { show: show2 });
  }
  function chip(text, number, kind = "", tint = null) {
    const key = `chip ${kind} ${tint}`;
    let empty = EMPTY.get(key);
    if (!empty) {
      const style = tint === null ? null : `background: var(--tint-${tint}); color: #111`;
      empty = element("span", { class: `chip ${kind}`, style }, element("span"), element("small"));
      EMPTY.set(key, empty);
    }
    const made = (
      /** @type {HTMLElement} */
      empty.cloneNode(true)
    );
    const [above, below] = made.childNodes;
    above.textContent = text;
    below.textContent = String(number);
    return made;
  }
  var EMPTY = /* @__PURE__ */ new Map();
  var UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  // gpt.js
  var FLOAT32_EPS = 2 ** -23;
  function softmax(numbers2) {
    let most2 = -Infinity, total = 0;
    for (const number of numbers2) most2 = Math.max(most2, number);
    const out = Float64Array.from(numbers2, (number) => Math.exp(number - most2));
    for (const part of out) total += part;
    return out.map((part) => part / total);
  }

  // heads.js
  var mean = (numbers2) => sum(numbers2) / numbers2.length;
  var most = (numbers2) => numbers2.indexOf(Math.max(...numbers2));
  var weigh = (scores) => [...softmax(scores)];
  function scoresOf({ q, k, token, scaled, masked }) {
    return q.map((queries, head) => {
      const query = queries[token], scale = scaled ? 1 / Math.sqrt(query.length) : 1;
      return k[head].map((key, place) => masked && place > token ? -Infinity : scale * sum(key.map((number, i) => number * query[i])));
    });
  }
  var weightsOf = (state) => scoresOf(state).map(weigh);
  function flag(model, name, words) {
    const value = model.get(name);
    if (typeof value === "boolean") return value;
    throw new Sentence(fill(words.flag, { name, value }));
  }
  function numbers(model, name, [H, T, D], words) {
    const heads = model.get(name);
    const sized = (list, size) => Array.isArray(list) && list.length === size;
    const good = sized(heads, H) && heads.every((rows2) => sized(rows2, T) && rows2.every((row) => sized(row, D) && row.every(Number.isFinite)));
    if (good) return heads;
    throw new Sentence(fill(words.numbers, { name }));
  }
  function tick(name, onInput) {
    const input = element("input", { type: "checkbox", change: () => onInput(input.checked) });
    const row = element("label", { class: "tick" }, input, element("span", {}, name));
    const show2 = (value) => {
      input.checked = value;
    };
    return Object.assign(row, { show: show2 });
  }
  function makeChoosable(stream, boxes, choose) {
    let held = false;
    const take = (event) => {
      const box = document.elementFromPoint(event.clientX, event.clientY)?.closest(".chip");
      if (held && box && boxes.includes(box)) choose(boxes.indexOf(box));
    };
    stream.addEventListener("pointerdown", (event) => {
      held = true;
      stream.setPointerCapture(event.pointerId);
      take(event);
    });
    stream.addEventListener("pointermove", take);
    for (const end of ["pointerup", "pointercancel"]) stream.addEventListener(end, () => {
      held = false;
    });
  }
  function signed(score) {
    return score.toFixed(1).replace(/^-(?!0\.0$)/, "−").replace("-", "");
  }
  function cell(weight, score, words) {
    const made = element(
      "td",
      {},
      element("span", { class: "weight" }, String(Math.round(100 * weight))),
      element("small", {}, Number.isFinite(score) ? signed(score) : words.never),
      element("span", { class: "track" }, element("span", { class: "fill", style: `width: ${100 * weight}%` }))
    );
    made.dataset.weight = String(weight);
    if (Number.isFinite(score)) made.dataset.score = String(score);
    return made;
  }
  function rows(tokens, token, scores, weights, words) {
    return tokens.map((text, place) => element(
      "tr",
      { class: place === token ? "looks" : place > token ? "later" : "" },
      element("th", { scope: "row" }, text),
      ...weights.map((shares, head) => cell(shares[place], scores[head][place], words))
    ));
  }
  function build({ model, root, words }) {
    const tokens = model.get("tokens"), shape = [model.get("q").length, tokens.length, model.get("q")[0][0].length];
    const [H, T, D] = shape;
    const choose = (token) => change(model, { token });
    const place = slider(words.token, choose);
    const scale = tick(fill(words.scaled, { D }), (scaled) => change(model, { scaled }));
    const mask = tick(words.masked, (masked) => change(model, { masked }));
    const boxes = tokens.map((text, i) => chip(text, i));
    const stream = element("div", { class: "chips stream" }, ...boxes), body = element("tbody");
    const names = Array.from({ length: H }, (_, head) => element("th", { scope: "col" }, fill(words.head, { head: head + 1 })));
    root.append(
      element("div", { class: "controls" }, place, element("div", { class: "ticks" }, scale, mask)),
      element("p", { class: "quiet" }, words.choose),
      stream,
      element("p", { class: "quiet" }, words.caption),
      element(
        "table",
        { class: "heads" },
        element("thead", {}, element("tr", {}, element("th", { scope: "col" }, words.seen), ...names)),
        body
      )
    );
    makeChoosable(stream, boxes, choose);
    return () => {
      const token = whole(model, "token", 0, T - 1), q = numbers(model, "q", shape, words), k = numbers(model, "k", shape, words);
      const state = { q, k, token, scaled: flag(model, "scaled", words), masked: flag(model, "masked", words) };
      const scores = scoresOf(state), weights = scores.map(weigh);
      place.show(token, T - 1, fill(words.place, { token, last: T - 1 }));
      scale.show(state.scaled);
      mask.show(state.masked);
      boxes.forEach((box, i) => {
        box.className = `chip ${i === token ? "context" : state.masked && i > token ? "later" : ""}`;
      });
      body.replaceChildren(...rows(tokens, token, scores, weights, words));
      return `${looks(words, tokens, token, weights)}
${scaleSaid(words, state, D)}
${maskSaid(words, state, weights)}`;
    };
  }
  function looks(words, tokens, token, weights) {
    const each = weights.map((shares, head) => fill(words.most, { head: head + 1, name: tokens[most(shares)], share: percent(Math.max(...shares)) }));
    return fill(words.looks, { name: tokens[token], most: each.join(", ") });
  }
  function scaleSaid(words, state, D) {
    const largest = (scaled) => percent(mean(weightsOf({ ...state, scaled }).map((shares) => Math.max(...shares))));
    return fill(state.scaled ? words.divided : words.undivided, { D, scaled: largest(true), plain: largest(false) });
  }
  function maskSaid(words, { token, masked }, weights) {
    const later = weights[0].length - 1 - token, share = percent(mean(weights.map((shares) => sum(shares.slice(token + 1)))));
    if (!later) return words.last;
    return fill(masked ? words.hidden : words.peeked, { later, share });
  }
  var heads_default = picture(build);

  // <stdin>
  deliver(heads_default);
})();
