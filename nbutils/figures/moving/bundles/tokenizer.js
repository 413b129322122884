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
  function textArea(name, rows, onInput) {
    const area = element("textarea", {
      rows,
      spellcheck: "false",
      autocomplete: "off",
      input: () => onInput(area.value)
    });
    const row = element("label", { class: "control wide" }, element("span", {}, name), area);
    const show2 = (value) => {
      if (area.value !== value.replace(/\r\n?/g, "\n")) area.value = value;
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
  async function sha256(bytes) {
    const hash = await crypto.subtle.digest("SHA-256", bytes);
    return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  var UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  function spelled(bytes) {
    try {
      return visible(UTF8.decode(new Uint8Array(bytes)));
    } catch {
      return bytes.map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(" ");
    }
  }

  // tokenizer.js
  var NAME = "cl100k_base";
  function asKey(bytes) {
    return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  }
  function encoding(pattern, packed) {
    const ranks = /* @__PURE__ */ new Map();
    const all = asKey(packed);
    let size = 0, total = 0;
    while (size + total < packed.length) total += packed[size++];
    for (let id = 0, at = size; id < size; at += packed[id++]) ranks.set(all.slice(at, at + packed[id]), id);
    return { ranks, pattern: new RegExp(pattern, "gu") };
  }
  function encode(text, { ranks, pattern }) {
    const encoder = new TextEncoder();
    return (text.match(pattern) ?? []).flatMap((piece) => merge(asKey(encoder.encode(piece)), ranks));
  }
  function merge(piece, ranks) {
    const id = ranks.get(piece);
    if (id !== void 0) return [[id, piece]];
    const starts = Array.from({ length: piece.length + 1 }, (_, i) => i);
    const joined = (i) => ranks.get(piece.slice(starts[i], starts[i + 2])) ?? Infinity;
    const ids = starts.slice(0, -2).map((_, i) => joined(i));
    for (; ; ) {
      let best = 0;
      for (let i = 1; i < ids.length; i++) if (ids[i] < ids[best]) best = i;
      if (!(ids[best] < Infinity)) break;
      starts.splice(best + 1, 1);
      ids.splice(best, 1);
      if (best < ids.length) ids[best] = joined(best);
      if (best > 0) ids[best - 1] = joined(best - 1);
    }
    return starts.slice(0, -1).map((start, i) => {
      const part = piece.slice(start, starts[i + 1]);
      return [
        /** @type {number} */
        ranks.get(part),
        part
      ];
    });
  }
  function shown(tokens) {
    const texts = /* @__PURE__ */ new Map();
    for (const [id, part] of tokens) {
      if (!texts.has(id)) texts.set(id, spelled(Array.from(part, (sign) => sign.charCodeAt(0))));
    }
    return tokens.map(([id]) => [id, texts.get(id) ?? ""]);
  }
  function fromBase64(text) {
    return Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  }
  function check(text, most, words) {
    if (typeof text !== "string" || !text) throw new Sentence(words.untyped);
    checkText(text, most, words);
  }
  function half(name) {
    const told = element("p", { class: "told" }), row = element("div", { class: "chips tokens" });
    const place = element("section", { "aria-label": name }, element("p", { class: "quiet" }, name), told, row);
    const show2 = (tokens, words, bytes) => {
      told.textContent = fill(words, { tokens: count(tokens.length), each: (bytes / tokens.length).toFixed(1) });
      row.replaceChildren(...tokens.map(([id, text], i) => chip(text, id, "", i % 4)));
    };
    return Object.assign(place, { show: show2 });
  }
  function table(model) {
    const state = { found: null, failure: "" };
    let asked = null;
    const ask = async (text) => {
      if (asked === text || asked !== null && !state.failure) return;
      [asked, state.failure] = [text, ""];
      try {
        const view = await resource(model, NAME);
        state.found = encoding(model.get("patterns")[0], new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
      } catch (error) {
        state.failure = /** @type {Error} */
        error.message;
      }
      change(model, { fetched: model.get("fetched") + 1 });
    };
    return Object.assign(state, { ask });
  }
  function build({ model, root, words }) {
    const size = count(model.get("size")), own = encoding(model.get("patterns")[1], fromBase64(model.get("own")));
    const [first, cut] = model.get("given"), published = table(model);
    const field = textArea(words.text, 3, (text) => change(model, { text }));
    const examples = Object.entries(model.get("examples")).map(([name, text]) => button(name, () => change(model, { text })));
    const left = half(words.published), right = half(fill(words.own, { size }));
    root.append(
      element(
        "div",
        { class: "controls" },
        field,
        element("div", { class: "examples" }, element("span", { class: "quiet" }, words.examples), ...examples)
      ),
      element("div", { class: "halves" }, left, right)
    );
    return () => {
      const text = model.get("text");
      field.show(String(text));
      check(text, model.get("most"), words);
      const bytes = new TextEncoder().encode(text).length, ours = encode(text, own);
      const values = { characters: count([...text].length), bytes: count(bytes), own: count(ours.length), size };
      right.show(shown(ours), words.cut, bytes);
      const theirs = published.found ? shown(encode(text, published.found)) : text === first ? cut : null;
      if (!theirs) published.ask(text);
      left.show(theirs ?? [], theirs ? words.cut : published.failure || words.table, bytes);
      if (!theirs) return fill(published.failure ? words.without : words.waiting, values);
      return fill(words.said, { ...values, published: count(theirs.length) });
    };
  }
  var tokenizer_default = picture(build);

  // <stdin>
  deliver(tokenizer_default);
})();
