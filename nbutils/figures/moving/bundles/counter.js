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

  // counter.js
  var NUMBERS = ["layers", "width", "heads", "vocabulary", "context"];
  var COLOURS = ["mark", "mark", "target", "rise", "quiet", "mark"];
  var THOUSANDS = [1, 1e3, 1e6, 1e9, 1e12, 1e15];
  var SECONDS = [1, 60, 3600, 86400, 31557600];
  var FP32_BYTES = 4;
  var BF16_BYTES = 2;
  function parameters({ layers: L, width: C, vocabulary: V, context: T, tied }) {
    return {
      tokens: V * C,
      positions: T * C,
      attention: L * (4 * C * C + 4 * C),
      mlp: L * (8 * C * C + 5 * C),
      norms: (2 * L + 1) * 2 * C,
      head: tied ? 0 : V * C
    };
  }
  function trainingFlops({ layers: L, width: C, vocabulary: V, context: T }) {
    return 6 * (12 * L * C * C + V * C) + 12 * L * C * T;
  }
  function trainingMemory(shape) {
    const { layers: L, width: C, vocabulary: V, context: T } = shape, weights = FP32_BYTES * sum(Object.values(parameters(shape)));
    const copies = BF16_BYTES * (12 * L * C * C + V * C), optimizer = 2 * weights;
    const activations = T * (36 * C * L + (FP32_BYTES + BF16_BYTES) * C), logits = T * 3 * FP32_BYTES * V;
    return Math.max(weights + optimizer + copies + activations + logits, 2 * weights + optimizer);
  }
  function inferenceMemory(shape) {
    return BF16_BYTES * sum(Object.values(parameters(shape))) + BF16_BYTES * 2 * shape.layers * shape.width * shape.context;
  }
  function inUnits(value, sizes, names) {
    const at = Math.max(0, sizes.findLastIndex((size) => value >= size));
    return `${readable(value / sizes[at])} ${names[at]}`.trim();
  }
  function check(value, name, most, words) {
    if (Number.isInteger(value) && value >= 1 && value <= most) return;
    throw new Sentence(fill(value === null ? words.empty : words.number, { name: words[name], value, most: count(most) }));
  }
  function checkShape(shape, most, words) {
    for (const name of NUMBERS) check(shape?.[name], name, most[name], words);
    const { heads, width } = shape;
    if (width % heads === 0) return;
    const divides = (number) => width % number === 0;
    let [a, b] = [Math.min(heads, width), heads];
    while (!divides(a)) a--;
    while (b < width && !divides(b)) b++;
    const two = b < width || b === width && heads < width;
    throw new Sentence(fill(two ? words.unequal_two : words.unequal, { heads, width, a, b }));
  }
  function choice(name, options, onInput) {
    const list = element(
      "select",
      { "aria-label": name, change: () => onInput(list.value) },
      ...Object.entries(options).map(([value, words]) => element("option", { value }, words))
    );
    const row = element("label", { class: "control wide" }, element("span", {}, name), list);
    return Object.assign(row, { list });
  }
  function numberField(name, most, onInput) {
    const input = element("input", {
      type: "number",
      inputmode: "numeric",
      max: most,
      input: () => onInput(input.value === "" ? null : Number(input.value))
    });
    const field = element("label", {}, element("span", {}, name), input);
    const show2 = (value, step) => {
      input.step = String(step);
      if (Number.isFinite(value) && (input.value === "" || Number(input.value) !== value)) input.value = String(value);
    };
    return Object.assign(field, { show: show2 });
  }
  function sameShape(a, b) {
    return Boolean(a && b) && a.tied === b.tied && NUMBERS.every((name) => a[name] === b[name]);
  }
  function build({ model, root, words }) {
    const presets = model.get("presets"), chips = model.get("chips"), most = model.get("most");
    const named = (names) => Object.fromEntries(names.map((name) => [name, name]));
    const network = choice(
      words.network,
      { ...named(Object.keys(presets)), "": words.own },
      (name) => name && change(model, { shape: { ...presets[name] } })
    );
    const chip = choice(words.chip, named(Object.keys(chips)), (name) => change(model, { chip: name }));
    const fields = NUMBERS.map((name) => numberField(
      words[name],
      most[name],
      (value) => change(model, { shape: { ...model.get("shape"), [name]: value } })
    ));
    const billions = numberField(words.billions, most.billions, (value) => change(model, { billions: value }));
    const group = element("fieldset", { class: "numbers" }, element("legend", {}, words.shape), ...fields, billions);
    const bars = element("div", { class: "bars counted" }), needs = element("dl", { class: "needs" });
    network.list.options[network.list.length - 1].hidden = true;
    root.append(
      element("div", { class: "controls" }, element("div", { class: "choices" }, network, chip), group),
      element("p", { class: "quiet" }, words.parameters),
      bars,
      needs
    );
    return () => {
      const shape = model.get("shape"), name = model.get("chip");
      network.list.value = Object.keys(presets).find((one) => sameShape(presets[one], shape)) ?? "";
      chip.list.value = name;
      const heads = shape?.heads, steps = [1, Number.isInteger(heads) && heads > 0 ? heads : 1, 1, 1e3, 128];
      fields.forEach((field, i) => field.show(shape?.[NUMBERS[i]], steps[i]));
      billions.show(model.get("billions"), 1);
      checkShape(shape, most, words);
      check(model.get("billions"), "billions", most.billions, words);
      if (!Object.hasOwn(chips, name)) throw new Sentence(fill(words.no_chip, { chip: name }));
      const parts = parameters(shape), total = sum(Object.values(parts)), work = trainingFlops(shape);
      const counted = {
        train: trainingMemory(shape),
        run: inferenceMemory(shape),
        operations: work,
        forward: work / 3,
        seconds: work * (model.get("billions") * 1e9) / (chips[name][0] * model.get("utilisation"))
      };
      const each = (
        /** @type {(keyof Parameters)[]} */
        Object.keys(parts)
      );
      bars.replaceChildren(...each.map((part, i) => partBar(words[part], parts[part], total, COLOURS[i])));
      bars.lastChild.hidden = shape.tied;
      needs.replaceChildren(...rows(words, counted, name, model.get("utilisation")));
      return sentence(words, parts.mlp / total, total, counted, name, chips[name][1], model.get("billions"));
    };
  }
  function partBar(name, number, total, colour) {
    const row = bar(name, number / total, count(number), colour);
    row.dataset.value = String(number);
    return row;
  }
  function rows(words, { train, run, operations, forward, seconds }, chip, utilisation) {
    const amount = (value) => inUnits(value, THOUSANDS, words.amounts);
    const need = (value, shown, note) => element("dd", { "data-value": value }, element("b", {}, shown), " ", element("span", { class: "quiet" }, note));
    const named = (name, ...needed) => element("div", {}, element("dt", {}, name), ...needed);
    return [
      named(words.train, need(train, inUnits(train, THOUSANDS, words.bytes), words.trainNote)),
      named(words.run, need(run, inUnits(run, THOUSANDS, words.bytes), words.runNote)),
      named(
        words.operations,
        need(operations, amount(operations), words.trainedNote),
        need(forward, amount(forward), words.forwardNote)
      ),
      named(words.time, need(
        seconds,
        inUnits(seconds, SECONDS, words.times),
        fill(words.timeNote, { chip, share: percent(utilisation) })
      ))
    ];
  }
  function sentence(words, share, total, { train, run, seconds }, chip, memory, billions) {
    const chips = Math.ceil(train / memory);
    const bytes = { train: inUnits(train, THOUSANDS, words.bytes), run: inUnits(run, THOUSANDS, words.bytes) };
    return [
      fill(words.said, { total: count(total), share: percent(share) }),
      fill(chips === 1 ? words.one : words.many, { ...bytes, chip, chips: count(chips) }),
      fill(words.computes, { billions: count(billions), chip, time: inUnits(seconds, SECONDS, words.times) })
    ].join(" ");
  }
  var counter_default = picture(build);

  // <stdin>
  deliver(counter_default);
})();
