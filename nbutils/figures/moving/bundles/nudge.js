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
  function slider(name, onInput) {
    const output = element("output");
    const input = element("input", {
      type: "range",
      min: 0,
      step: 1,
      "aria-label": name,
      input: () => onInput(Number(input.value))
    });
    const row2 = element("label", { class: "control" }, element("span", {}, name), input, output);
    const show2 = (value, most, words) => {
      input.max = String(most);
      input.value = String(value);
      input.setAttribute("aria-valuetext", words);
      output.textContent = words;
    };
    return Object.assign(row2, { show: show2 });
  }
  function stepper(name, back, onward, onInput) {
    let at = 0;
    const range = slider(name, onInput);
    const less = button(back, () => onInput(at - 1));
    const more = button(onward, () => onInput(at + 1), "main");
    const row2 = element("div", { class: "stepper" }, less, more, range);
    const show2 = (value, most, words) => {
      at = value;
      range.show(value, most, words);
      turnOff(less, value <= 0);
      turnOff(more, value >= most);
    };
    return Object.assign(row2, { show: show2 });
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
  function bar(name, share, words, colour) {
    const width = `${100 * Math.min(1, Math.max(0, share))}%`;
    return element(
      "div",
      { class: "bar" },
      element("span", { class: "name" }, name),
      element(
        "span",
        { class: "track" },
        element("span", { class: "fill", style: `width: ${width}; background: var(--${colour})` })
      ),
      element("span", { class: "value" }, words)
    );
  }
  var UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  // nudge.js
  var COLOURS = ["target", "mark", "rise"];
  var [WIDTH, HEIGHT] = [600, 130];
  function curves(rows, share, words) {
    const x = (step) => WIDTH * step / (rows.length - 1);
    const y = (p) => HEIGHT * (1 - share(p));
    const cursor = svg("line", { y1: 0, y2: HEIGHT, class: "cursor" });
    const drawn = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": words.curve });
    const lines = rows[0].map((_, i) => svg("polyline", {
      points: rows.map((row2, step) => `${x(step).toFixed(1)},${y(row2[i]).toFixed(1)}`).join(" "),
      style: `stroke: var(--${COLOURS[i]})`
    }));
    drawn.append(...lines, cursor);
    const moveTo = (step) => {
      for (const end of ["x1", "x2"]) cursor.setAttribute(end, String(x(step)));
    };
    return { drawn, moveTo };
  }
  function arrow(now, before) {
    const sign = before === void 0 || now === before ? " " : now > before ? "▲" : "▼";
    return element("span", { class: sign === "▲" ? "rise" : "fall" }, sign);
  }
  function row(name, now, before, share, colour) {
    const words = element("span", {}, percent(now), " ", arrow(now, before));
    const made = bar(name, share(now), words, colour);
    made.dataset.value = String(now);
    return made;
  }
  function build({ model, root, words }) {
    const rows = model.get("rows"), names = model.get("names"), fell = model.get("fell");
    const decades = Math.ceil(-Math.log10(Math.min(...rows.flat())));
    const share = (p) => 1 + Math.log10(p) / decades;
    const steps = stepper(words.step, words.back, words.onward, (step) => change(model, { step }));
    const bars = element("div", { class: "bars" }), run = curves(rows, share, words);
    root.append(
      element("div", { class: "controls" }, steps),
      bars,
      run.drawn,
      element("p", { class: "quiet" }, fill(words.scale, { least: count(10 ** decades) }))
    );
    return () => {
      const step = whole(model, "step", 0, fell.length), now = rows[step], before = rows[step - 1] ?? [];
      steps.show(step, fell.length, `${step} / ${fell.length}`);
      bars.replaceChildren(
        ...names.map((name, i) => row(i ? name : `${name} (${words.label})`, now[i], before[i], share, COLOURS[i])),
        row(words.others, 1 - sum(now), before.length ? 1 - sum(before) : void 0, share, "line")
      );
      run.moveTo(step);
      return sentence(words, names[0], step, rows, fell);
    };
  }
  function sentence(words, name, step, rows, fell) {
    const [p] = rows[step], values = { step, steps: fell.length, name, p: percent(p), loss: readable(-Math.log(p)) };
    const after = step === fell.length ? words.end : fill(words.next, { p: percent(rows[step + 1][0]), fell: percent(fell[step]) });
    return `${fill(words.done, values)} ${after}`;
  }
  var nudge_default = picture(build);

  // <stdin>
  deliver(nudge_default);
})();
