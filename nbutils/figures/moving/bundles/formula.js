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
  function readable(value, digits = 3) {
    const [rounded, power] = value.toExponential(digits - 1).split("e");
    const places = Math.max(0, digits - 1 - Number(power));
    const [before, after = ""] = Number(`${rounded}e${power}`).toFixed(places).split(".");
    const decimals = after.replace(/0+$/, "");
    return count(before) + (decimals && `.${decimals}`);
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

  // formula.js
  var KNOBS = ["w0", "w1", "w2"];
  var FLAT = 5e-4;
  var STEP = 0.05;
  var SIZE = 300;
  var SHADES = Array.from({ length: 33 }, (_, i) => 0.01 + 0.98 * i / 32);
  var logit = (p) => Math.log(p / (1 - p));
  var STEEPEST = logit(SHADES[SHADES.length - 1]);
  var sigmoid = (z) => 1 / (1 + Math.exp(-z));
  var total = (knobs, [x1, x2]) => knobs[0] + knobs[1] * x1 + knobs[2] * x2;
  function measure(knobs, points, answers) {
    const z = points.map((point) => total(knobs, point)), n = points.length;
    const loss = sum(z.map((z2, i) => softplus(answers[i] ? -z2 : z2))) / n;
    const tooMuch = z.map((z2, i) => sigmoid(z2) - answers[i]);
    const slopes = KNOBS.map((_, k) => sum(tooMuch.map((d, i) => d * (k ? points[i][k - 1] : 1))) / n);
    return { loss, slopes, wrong: z.map((z2, i) => z2 > 0 !== (answers[i] === 1)) };
  }
  function softplus(z) {
    return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
  }
  function descend(knobs, points, answers, rate, steps) {
    for (let step = 0; step < steps; step++) {
      const { slopes } = measure(knobs, points, answers);
      knobs = knobs.map((knob, k) => knob - rate * slopes[k]);
    }
    return knobs;
  }
  function checked(knobs, reach, words) {
    const fits = (knob) => typeof knob === "number" && Math.abs(knob) <= reach;
    if (Array.isArray(knobs) && knobs.length === KNOBS.length && knobs.every(fits)) return knobs;
    const value = String(knobs).slice(0, 60).toWellFormed();
    throw new Sentence(fill(words.bad, { value, least: -reach, most: reach }));
  }
  var way = (slope) => Math.abs(slope) < FLAT ? "stay" : slope > 0 ? "down" : "up";
  function signed(number) {
    const digits = Math.abs(number).toFixed(3);
    return number >= FLAT ? `+${digits}` : number <= -FLAT ? `−${digits}` : "0.000";
  }
  function knobRow(name, reach, words, onInput) {
    const input = element("input", {
      type: "range",
      min: -reach,
      max: reach,
      step: STEP,
      "aria-label": name,
      input: () => onInput(Number(input.value))
    });
    const setting = element("output"), slope = element("span", { class: "slope quiet" });
    const row = element("label", { class: "control knob" }, element("b", {}, name), input, setting, slope);
    const show2 = (knob, its) => {
      const said = fill(way(its) === "stay" ? words.slope : words.way, { slope: signed(its), way: words[way(its)] });
      input.value = String(knob);
      input.setAttribute("aria-valuetext", `${knob.toFixed(2)}, ${said}`);
      setting.textContent = knob.toFixed(2).replace("-", "−");
      slope.replaceChildren(said, element(
        "span",
        { class: its > 0 ? "fall" : "rise", "aria-hidden": "true" },
        { up: " ▲", down: " ▼", stay: "" }[way(its)]
      ));
      slope.dataset.value = String(its);
    };
    return Object.assign(row, { show: show2 });
  }
  function map(points, answers, side, words) {
    const at = (x) => SIZE * (x + side) / (2 * side);
    const id = `formula-${Math.random().toString(36).slice(2)}`;
    const shade = svg("linearGradient", { id, gradientUnits: "userSpaceOnUse" }, ...SHADES.map((p) => svg("stop", {
      offset: (0.5 + logit(p) / (2 * STEEPEST)).toFixed(4),
      style: `stop-color: var(--${p < 0.5 ? "mark" : "target"}); stop-opacity: ${Math.abs(2 * p - 1)}`
    })));
    const half = svg("line", { class: "half" }), field = svg("rect", { width: SIZE, height: SIZE, fill: `url(#${id})` });
    const marks = points.map(([x1, x2], i) => mark(at(x1), SIZE - at(x2), answers[i]));
    const drawn = svg(
      "svg",
      { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": words.map },
      svg("defs", {}, shade),
      field,
      half,
      ...marks
    );
    const corner = (name, x, y, anchor) => svg("text", { x, y, "text-anchor": anchor }, document.createTextNode(name));
    drawn.append(corner("x1 →", SIZE - 5, SIZE - 7, "end"), corner("x2 ↑", 5, 17, "start"));
    const show2 = (knobs, wrong) => {
      paint(knobs, at, { shade, field, half, id });
      marks.forEach((mark2, i) => mark2.classList.toggle("wrong", wrong[i]));
    };
    return { drawn, show: show2 };
  }
  function mark(x, y, answer) {
    const shape = answer ? svg("path", { d: "M0,-6.5 L6,5 L-6,5 Z" }) : svg("circle", { r: 5 });
    return svg(
      "g",
      { class: answer ? "yes" : "no", transform: `translate(${x.toFixed(1)},${y.toFixed(1)})` },
      svg("circle", { r: 10, class: "ring" }),
      shape
    );
  }
  function paint(knobs, at, { shade, field, half, id }) {
    const [w0, w1, w2] = knobs, length = Math.hypot(w1, w2), value = sigmoid(w0);
    if (length < 1e-3) {
      field.setAttribute("style", `fill: var(--${value < 0.5 ? "mark" : "target"}); fill-opacity: ${Math.abs(2 * value - 1)}`);
      half.setAttribute("visibility", "hidden");
      return;
    }
    const place = (z, along = 0) => {
      const t = (z - w0) / length ** 2;
      return [at(t * w1 - along * w2 / length), SIZE - at(t * w2 + along * w1 / length)];
    };
    const set = (part, [x1, y1], [x2, y2]) => {
      for (const [name, value2] of Object.entries({ x1, y1, x2, y2 })) part.setAttribute(name, value2.toFixed(2));
    };
    set(shade, place(-STEEPEST), place(STEEPEST));
    set(half, place(0, -99), place(0, 99));
    half.setAttribute("visibility", "visible");
    field.setAttribute("style", `fill: url(#${id})`);
  }
  function build({ model, root, words }) {
    const points = model.get("points"), answers = model.get("answers");
    const lowest = model.get("lowest"), reach = model.get("reach");
    const turn = (k, setting) => change(model, { knobs: model.get("knobs").map((knob, i) => i === k ? setting : knob) });
    const rows = KNOBS.map((name, k) => knobRow(name, model.get("slider"), words, (setting) => turn(k, setting)));
    const steps = model.get("steps"), rate = model.get("rate");
    const onward = button(fill(words.descend, { steps }), () => change(model, { knobs: descend(model.get("knobs"), points, answers, rate, steps) }), "main");
    const restart = button(words.restart, () => change(model, { knobs: [...model.get("start")] }));
    const side = model.get("side"), plane = map(points, answers, side, words), losses = element("div", { class: "bars" });
    const most = Math.max(1, measure(model.get("start"), points, answers).loss);
    root.append(element(
      "div",
      { class: "fitting" },
      element("div", { class: "plane" }, plane.drawn, element("p", { class: "quiet" }, fill(words.key, { side }), element("br"), words.points)),
      element("div", { class: "controls" }, ...rows, losses, element("div", { class: "presses" }, onward, restart))
    ));
    return () => {
      const knobs = checked(model.get("knobs"), reach, words), now = measure(knobs, points, answers);
      rows.forEach((row, k) => row.show(knobs[k], now.slopes[k]));
      plane.show(knobs, now.wrong);
      const lossBar = (name, loss, colour) => {
        const row = bar(name, loss / most, readable(loss), colour);
        row.dataset.value = String(loss);
        return row;
      };
      losses.replaceChildren(lossBar(words.now, now.loss, "target"), lossBar(words.lowest, lowest, "rise"));
      return sentence(words, now, lowest);
    };
  }
  function sentence(words, { loss, slopes, wrong }, lowest) {
    const said = fill(words.wrong, { loss: readable(loss), lowest: readable(lowest), wrong: sum(wrong.map(Number)), points: wrong.length });
    if (slopes.every((slope) => way(slope) === "stay")) return `${said} ${words.flat}`;
    return `${said} ${fill(words.says, { ways: slopes.map((slope, k) => `${KNOBS[k]} ${words[way(slope)]}`).join(", ") })}`;
  }
  var formula_default = picture(build);

  // <stdin>
  deliver(formula_default);
})();
