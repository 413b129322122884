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
  function unpacked({ scale, bytes }) {
    const low = atob(bytes), values = new Float64Array(low.length / 3);
    for (let i = 0; i < values.length; i++) {
      const at = 3 * i;
      const shifted = low.charCodeAt(at) << 8 | low.charCodeAt(at + 1) << 16 | low.charCodeAt(at + 2) << 24;
      values[i] = (shifted >> 8) * scale;
    }
    return values;
  }

  // gpt.js
  var FLOAT32_EPS = 2 ** -23;
  function softmax(numbers) {
    let most = -Infinity, total = 0;
    for (const number of numbers) most = Math.max(most, number);
    const out = Float64Array.from(numbers, (number) => Math.exp(number - most));
    for (const part of out) total += part;
    return out.map((part) => part / total);
  }

  // digits.js
  var GRID = 28;
  var COARSE = 8;
  var LEVELS = 16;
  var LEAST = 12;
  var LAYERS = [GRID * GRID, 16, 16, 10];
  var BRUSH = 1.5;
  var SEEN = 1e-4;
  var MOVES = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    " ": [0, 0],
    Home: [-GRID, -GRID]
  };
  var range = (length) => Array.from({ length }, (_, i) => i);
  var transposed = (A) => A[0].map((_, j) => A.map((row) => row[j]));
  function times(A, B) {
    return A.map((row) => {
      const out = Array(B[0].length).fill(0);
      for (let k = 0; k < row.length; k++) {
        if (row[k]) for (let j = 0; j < out.length; j++) out[j] += row[k] * B[k][j];
      }
      return out;
    });
  }
  var STRETCH = range(GRID).map((i) => {
    const at = Math.min(Math.max((i + 0.5) * COARSE / GRID - 0.5, 0), COARSE - 1);
    return range(COARSE).map((j) => Math.max(0, 1 - Math.abs(at - j)));
  });
  var stretched = (coarse) => times(times(STRETCH, coarse), transposed(STRETCH));
  function inkOf(strokes, words) {
    if (strokes === "") return range(GRID).map(() => Array(GRID).fill(0));
    if (typeof strokes !== "string" || !/^[0-9a-f]{196}$/.test(strokes)) throw new Sentence(words.spoiled);
    return range(GRID).map((row) => range(GRID).map((column) => {
      const at = GRID * row + column;
      return parseInt(strokes[at >> 2], 16) >> 3 - at % 4 & 1;
    }));
  }
  function strokesOf(ink) {
    const cells = ink.flat();
    const digit = (i) => parseInt(cells.slice(4 * i, 4 * i + 4).join(""), 2).toString(16);
    return range(cells.length / 4).map(digit).join("");
  }
  function overlap(start, size) {
    const edge = (part) => start + size * part / COARSE;
    return range(COARSE).map((part) => range(GRID).map((cell) => Math.max(0, Math.min(edge(part + 1), cell + 1) - Math.max(edge(part), cell)) / (size / COARSE)));
  }
  var averaged = (ink, top, left, size) => times(times(overlap(top, size), ink), transposed(overlap(left, size)));
  function centred(ink) {
    const rows = range(GRID).filter((row) => ink[row].some(Boolean));
    const columns = range(GRID).filter((column) => ink.some((row) => row[column]));
    if (!rows.length) return range(COARSE).map(() => Array(COARSE).fill(0));
    const top = rows[0], bottom = rows[rows.length - 1] + 1;
    const left = columns[0], right = columns[columns.length - 1] + 1;
    const size = Math.max(bottom - top, right - left, LEAST);
    return averaged(ink, (top + bottom - size) / 2, (left + right - size) / 2, size);
  }
  function activations(knobs, inputs) {
    const layers = [];
    let at = 0, values = inputs;
    for (let layer = 1; layer < LAYERS.length; layer++) {
      const [wide, tall] = [LAYERS[layer - 1], LAYERS[layer]], biases = at + wide * tall;
      const sums = range(tall).map((unit) => {
        let total = knobs[biases + unit];
        for (let i = 0; i < wide; i++) total += knobs[at + unit * wide + i] * values[i];
        return total;
      });
      at = biases + tall;
      values = layer < LAYERS.length - 1 ? sums.map((z) => 1 / (1 + Math.exp(-z))) : [...softmax(sums)];
      layers.push(values);
    }
    return layers;
  }
  function paint(canvas, rows) {
    const context = (
      /** @type {CanvasRenderingContext2D} */
      canvas.getContext("2d")
    );
    const image = context.createImageData(GRID, GRID);
    rows.flat().forEach((value, i) => {
      image.data[4 * i + 3] = Math.round(255 * value);
    });
    context.putImageData(image, 0, 0);
  }
  function drawingField(words, drawLine) {
    const canvas = element("canvas", { width: GRID, height: GRID, "aria-hidden": "true" });
    const cursor = element("span", { class: "pen" }), said = element("small", { role: "status" });
    const field = element("div", {
      class: "field",
      role: "application",
      tabindex: 0,
      "aria-label": words.field,
      "data-lm-suppress-shortcuts": "true"
    }, canvas, cursor);
    let pen = [GRID / 2, GRID / 2];
    let last = null;
    let ink = null;
    const show2 = () => {
      cursor.style.cssText = `top: ${100 * pen[0] / GRID}%; left: ${100 * pen[1] / GRID}%`;
      const cell = ink?.[pen[0]][pen[1]] ? words.ink : words.paper;
      said.textContent = document.activeElement === field && field.matches(":focus-visible") ? fill(words.pen, { row: pen[0] + 1, column: pen[1] + 1, cell }) : "";
    };
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [GRID * (event.clientY - box.top) / box.height, GRID * (event.clientX - box.left) / box.width];
    };
    const listen = (name, hear) => field.addEventListener(name, hear);
    listen("pointerdown", (event) => {
      if (event.button || !event.isPrimary) return;
      field.setPointerCapture(event.pointerId);
      last = place(event);
      drawLine(last, last);
    });
    listen("pointermove", (event) => {
      if (!last || !event.isPrimary) return;
      const now = place(event);
      drawLine(last, now);
      last = now;
    });
    for (const end of ["pointerup", "pointercancel"]) listen(end, () => {
      last = null;
    });
    const middle = ([row, column]) => [row + 0.5, column + 0.5];
    listen("keydown", (event) => {
      const [down, right] = MOVES[event.key] ?? [];
      if (down === void 0 || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      const before = pen;
      const within = (at) => Math.min(Math.max(at, 0), GRID - 1);
      pen = [within(pen[0] + down), within(pen[1] + right)];
      if (event.key === " " || event.shiftKey && event.key !== "Home") drawLine(middle(before), middle(pen));
      show2();
    });
    for (const name of ["focus", "blur"]) listen(name, show2);
    const showInk = (rows, cells) => {
      ink = cells;
      paint(canvas, rows);
      show2();
    };
    return { field, said, show: showInk };
  }
  function withLine(ink, [row, column], [toRow, toColumn]) {
    const down = toRow - row, right = toColumn - column, length2 = down ** 2 + right ** 2;
    return ink.map((cells, r) => cells.map((cell, c) => {
      const y = r + 0.5 - row, x = c + 0.5 - column;
      const along = length2 ? Math.min(Math.max((y * down + x * right) / length2, 0), 1) : 0;
      return cell || Number(Math.hypot(y - along * down, x - along * right) <= BRUSH);
    }));
  }
  function layerRow(number, values, words) {
    const lit = values.filter((value) => value > 0.5).length;
    const units = values.map((value) => {
      const light = element("span");
      light.style.opacity = String(value);
      return element("span", { class: "unit", "data-value": value }, light);
    });
    return element(
      "div",
      { class: "layer" },
      element("span", { class: "quiet" }, fill(words.layer, { number })),
      element("div", { class: "units", role: "img", "aria-label": fill(words.units, { number, lit }) }, ...units)
    );
  }
  function answerRow(digit, p, best) {
    const row = bar(String(digit), p, p < SEEN ? `< ${percent(SEEN)}` : percent(p), best ? "target" : "mark");
    row.dataset.value = String(p);
    return row;
  }
  function build({ model, root, words }) {
    const knobs = unpacked(model.get("weights")), examples = model.get("examples"), answers = model.get("answers");
    const drawLine = (from, to) => {
      const before = inkOf(model.get("strokes"), words);
      change(model, { strokes: strokesOf(withLine(before, from, to)) });
    };
    const drawn = drawingField(words, drawLine);
    const seen = element("canvas", { class: "seen", width: GRID, height: GRID, role: "img", "aria-label": words.seen });
    const start = (example) => {
      model.set("strokes", "");
      change(model, { example });
    };
    const buttons = element(
      "div",
      { class: "stepper" },
      button(words.clear, () => start(0)),
      button(words.example, () => start(model.get("example") % examples.length + 1), "main")
    );
    const layers = element("div", { class: "layers" }), bars = element("div", { class: "bars", role: "group", "aria-label": words.answer });
    root.append(
      element(
        "div",
        { class: "controls pad" },
        drawn.field,
        element(
          "div",
          { class: "beside" },
          buttons,
          element("p", { class: "quiet" }, words.hint),
          drawn.said,
          element("div", { class: "inputs" }, seen, element("p", { class: "quiet" }, words.inputs))
        )
      ),
      element("div", { class: "reads" }, layers, bars)
    );
    return () => {
      const example = whole(model, "example", 0, examples.length), ink = inkOf(model.get("strokes"), words);
      const given = example ? range(COARSE).map((row) => examples[example - 1].slice(COARSE * row, COARSE * (row + 1)).map((level) => level / LEVELS)) : null;
      const added = given ? averaged(ink, 0, 0, GRID) : centred(ink);
      const inputs = stretched(given ? given.map((row, i) => row.map((value, j) => Math.min(1, value + added[i][j]))) : added);
      const below = given && stretched(given);
      drawn.show(below ? ink.map((row, i) => row.map((cell, j) => Math.max(cell, below[i][j]))) : ink, ink);
      paint(seen, inputs);
      const [first, second, p] = activations(knobs, inputs.flat()), [best, next] = twoBest(p);
      layers.replaceChildren(layerRow(1, first, words), layerRow(2, second, words));
      bars.replaceChildren(...p.map((share, digit) => answerRow(digit, share, digit === best)));
      const cells = sum(ink.flat()), lit = (layer) => layer.filter((value) => value > 0.5).length;
      const subject = fill(
        words[example ? cells ? "painted" : "given" : cells ? "own" : "empty"],
        { number: example, of: examples.length, answer: answers[example - 1], cells }
      );
      const says = fill(words.says, { best, p: percent(p[best]), next, q: percent(p[next]) });
      return `${subject} ${says}
${fill(words.lit, { first: lit(first), second: lit(second) })}`;
    };
  }
  var twoBest = (p) => range(p.length).sort((a, b) => p[b] - p[a] || a - b);
  var digits_default = picture(build);

  // <stdin>
  deliver(digits_default);
})();
