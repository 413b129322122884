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
  function whole(model, name, least, most) {
    const value = model.get(name);
    if (Number.isInteger(value) && least <= value && value <= most) return value;
    throw new Sentence(fill(model.get("_words").whole, { name, value, least, most }));
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
  function checkText(text, most, words) {
    const length = text.length > 2 * most ? text.length : [...text].length;
    if (length > most) throw new Sentence(fill(words.long, { length, most }));
    if (!text.isWellFormed()) throw new Sentence(words.half);
  }
  var WHITE = { " ": "·", "\n": "↵", "	": "⇥" };
  function visible(text) {
    return text.replace(/[ \n\t]/g, (sign) => WHITE[sign]);
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
  function spelled(bytes) {
    try {
      return visible(UTF8.decode(new Uint8Array(bytes)));
    } catch {
      return bytes.map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(" ");
    }
  }

  // merges.js
  var BYTES = 256;
  function learn(text, pattern) {
    let rows = (text.match(new RegExp(pattern, "gu")) ?? []).map((piece) => [...new TextEncoder().encode(piece)]);
    const vocabulary = Array.from({ length: BYTES }, (_, value) => [value]);
    const numbers = new Map(vocabulary.map((bytes, number) => [String(bytes), number]));
    const merges = [], states = [rows];
    for (let pair = best(rows); pair; pair = best(rows)) {
      const joined = [...vocabulary[pair.left], ...vocabulary[pair.right]], key = String(joined);
      const number = numbers.get(key) ?? vocabulary.push(joined) - 1, merge = { ...pair, number };
      numbers.set(key, number);
      merges.push(merge);
      rows = rows.map((row) => merged(row, merge));
      states.push(rows);
    }
    return { merges, states, vocabulary };
  }
  function best(rows) {
    const counts = /* @__PURE__ */ new Map();
    for (const row of rows) {
      for (let i = 1; i < row.length; i++) {
        const pair = row[i - 1] * 65536 + row[i];
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
    }
    let found = null;
    for (const [pair, count] of counts) {
      if (!found || count > found.count || count === found.count && pair < found.pair) found = { pair, count };
    }
    return found && { left: Math.floor(found.pair / 65536), right: found.pair % 65536, count: found.count };
  }
  function merged(row, { left, right, number }) {
    const out = [];
    for (const symbol of row) {
      if (out.at(-1) === left && symbol === right) out[out.length - 1] = number;
      else out.push(symbol);
    }
    return out;
  }
  function check(text, most, words) {
    if (!text) throw new Sentence(words.untyped);
    checkText(text, most, words);
  }
  function group(row, vocabulary, next) {
    const kinds = row.map(() => "");
    for (let i = 1; next && i < row.length; i++) {
      if (row[i - 1] === next.left && row[i] === next.right && !kinds[i - 1]) kinds[i - 1] = kinds[i] = "next";
    }
    return element("span", { class: "group" }, ...row.map((number, i) => token(number, vocabulary, kinds[i])));
  }
  function token(number, vocabulary, kind = "") {
    return chip(spelled(vocabulary[number]), number, kind, number < BYTES ? null : number % 4);
  }
  function build({ model, root, words }) {
    const field = textField(words.text, (text) => change(model, { step: 0, text }));
    const steps = stepper(words.step, words.back, words.onward, (step) => change(model, { step }));
    const row = element("div", { class: "chips tokens" }), list = element("div", { class: "chips learned" });
    root.append(
      element("div", { class: "controls" }, field, steps),
      element("p", { class: "quiet" }, words.tokens),
      row,
      element("p", { class: "quiet" }, words.learned),
      list
    );
    let known = "", learned = learn(known, model.get("pattern"));
    return () => {
      const text = model.get("text");
      field.show(text);
      check(text, model.get("most"), words);
      if (text !== known) [known, learned] = [text, learn(text, model.get("pattern"))];
      const { merges, states, vocabulary } = learned, step = whole(model, "step", 0, merges.length);
      steps.show(step, merges.length, `${step} / ${merges.length}`);
      row.replaceChildren(...states[step].map((piece) => group(piece, vocabulary, merges[step])));
      const numbers = new Set(merges.slice(0, step).map((merge) => merge.number));
      list.replaceChildren(...[...numbers].map((number) => token(number, vocabulary)));
      if (!step) list.replaceChildren(words.none);
      return sentence(words, learned, step);
    };
  }
  function sentence(words, { merges, states, vocabulary }, step) {
    const values = { step, steps: merges.length, bytes: states[0].flat().length, tokens: states[step].flat().length };
    const done = fill(words.done, values), next = merges[step];
    if (!next) return `${done} ${words.end}`;
    const left = spelled(vocabulary[next.left]), right = spelled(vocabulary[next.right]);
    return `${done} ${fill(words.next, { left, right, count: next.count, new: next.number })}`;
  }
  var merges_default = picture(build);

  // <stdin>
  deliver(merges_default);
})();
