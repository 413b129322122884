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
  function svg(tag, attributes, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
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

  // window.js
  var THOUSAND = 1e3;
  var TALLEST = 112;
  var countLooks = (length) => length * (length + 1) / 2;
  var windowFlops = ([fixed, growing], length) => length * (fixed + growing * length);
  function stairs(length, step, words) {
    const size = step * length, gap = step / 5;
    const row = (i) => `M0 ${step * i}h${step * (i + 1) - gap}v${step - gap}H0z`;
    const path = svg("path", { d: Array.from({ length }, (_, i) => row(i)).join("") });
    const drawn = svg("svg", { width: size, height: size, "aria-hidden": true }, path);
    return element("div", {}, drawn, element("div", { class: "quiet" }, words));
  }
  function makeDraggable(stream, boxes, window, move) {
    let grip = null;
    const under = (event) => {
      const box = document.elementFromPoint(event.clientX, event.clientY)?.closest(".chip");
      return box ? boxes.indexOf(box) : -1;
    };
    stream.addEventListener("pointerdown", (event) => {
      const at = under(event), { start, length } = window();
      if (at < 0) return;
      grip = Math.min(Math.max(at - start, 0), length);
      stream.setPointerCapture(event.pointerId);
      move(at - grip);
    });
    stream.addEventListener("pointermove", (event) => {
      if (grip === null) return;
      const at = under(event);
      if (at >= 0) move(at - grip);
    });
    for (const end of ["pointerup", "pointercancel"]) stream.addEventListener(end, () => {
      grip = null;
    });
  }
  function build({ model, root, words }) {
    const tokens = model.get("tokens"), last = tokens.length - 1;
    const window = () => ({ start: model.get("start"), length: model.get("length") });
    const move = (start) => change(model, { start: Math.min(Math.max(start, 0), last - model.get("length")) });
    const resize = (length) => change(model, { start: Math.min(model.get("start"), last - length), length });
    const place = slider(words.start, move), size = slider(words.length, resize);
    const boxes = tokens.map(([number, text]) => chip(text, number));
    const stream = element("div", { class: "chips stream" }, ...boxes), costs = element("div", { class: "costs" });
    root.append(
      element("div", { class: "controls" }, place, size),
      element("p", { class: "quiet" }, words.stream),
      stream,
      costs
    );
    makeDraggable(stream, boxes, window, move);
    return () => {
      const length = whole(model, "length", 0, model.get("longest"));
      const start = whole(model, "start", 0, last - length), label = start + length;
      place.show(start, last - length, fill(words.place, { start: start + 1 }));
      size.show(length, model.get("longest"), fill(words.tokens, { length }));
      boxes.forEach((box, i) => {
        box.className = `chip ${i === label ? "label" : start <= i && i < label ? "context" : ""}`;
      });
      costs.replaceChildren(...[length, 2 * length].filter(Boolean).map((T) => stairs(T, TALLEST / (2 * length), fill(words.looks, { length: T, looks: count(countLooks(T)) }))));
      return sentence(words, tokens, start, length, model.get("flops"));
    };
  }
  function sentence(words, tokens, start, length, flops) {
    const [number, text] = tokens[start + length];
    if (!length) return fill(words.empty, { text, number });
    const seen = tokens.slice(start, start + length).map((token) => token[1]).join("");
    const once = countLooks(length), twice = countLooks(2 * length), T = THOUSAND * length;
    const cost = windowFlops(flops, T), doubled = windowFlops(flops, 2 * T);
    return [
      fill(words.said, { length, seen, text, number }),
      fill(words.cost, { once, longer: 2 * length, twice, times: readable(twice / once) }),
      fill(words.thousands, {
        tokens: count(T),
        once: readable(cost / 1e12),
        longer: count(2 * T),
        times: readable(doubled / cost)
      })
    ].join("\n");
  }
  var window_default = picture(build);

  // <stdin>
  deliver(window_default);
})();
