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

  // rates.js
  var [WIDTH, HEIGHT] = [600, 180];
  var CEILING = 1.6;
  function curves(losses, floor, words) {
    const n = losses[0].length, ceiling = CEILING * losses[0][0];
    const x = (step) => WIDTH * step / (n - 1);
    const y = (loss) => HEIGHT * (1 - Math.min(1.05, loss / ceiling));
    const lines = losses.map((run) => svg("polyline", {
      points: run.map((loss, step) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(" ")
    }));
    const cursor = svg("line", { y1: 0, y2: HEIGHT, class: "cursor" });
    const lowest = svg("line", { x1: 0, x2: WIDTH, y1: y(floor), y2: y(floor), class: "floor" });
    const drawn = svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": words.curves },
      lowest,
      cursor,
      ...lines
    );
    const note = element("span", { class: "note" }), point = element("span", { class: "point" });
    const top = element("span", { class: "top" }, readable(ceiling)), end = element("span", { class: "end" }, String(n - 1));
    const frame = element("div", { class: "runs" }, drawn, point, top, element("span", { class: "low" }, "0"), end, note);
    const show2 = (chosen, step) => {
      const loss = losses[chosen][step], high = loss > ceiling;
      lines.forEach((line, i) => line.classList.toggle("chosen", i === chosen));
      drawn.append(lines[chosen]);
      for (const end2 of ["x1", "x2"]) cursor.setAttribute(end2, String(x(step)));
      point.style.left = `${100 * x(step) / WIDTH}%`;
      point.style.top = `${100 * Math.max(0, y(loss)) / HEIGHT}%`;
      note.textContent = high ? fill(words.above, { loss: readable(loss) }) : "";
    };
    return { frame, show: show2 };
  }
  function compared(name, guess, truth, words) {
    const made = bar(name, guess, fill(words.compare, { p: percent(guess), truth: percent(truth) }), "mark");
    made.querySelector(".track")?.append(element("span", { class: "truth", style: `left: ${100 * truth}%` }));
    made.dataset.value = String(guess);
    made.dataset.truth = String(truth);
    return made;
  }
  function build({ model, root, words }) {
    const rates = model.get("rates"), losses = model.get("losses"), guesses = model.get("guesses");
    const names = model.get("names"), truth = model.get("truth"), last = losses[0].length - 1;
    const withRest = (row) => [...row, Math.max(0, 1 - sum(row))];
    const rate = slider(words.rate, (chosen) => change(model, { chosen }));
    const steps = stepper(words.step, words.back, words.onward, (step) => change(model, { step }));
    const run = curves(losses, model.get("floor"), words), bars = element("div", { class: "bars compared" });
    const [shown, actual] = [[...names, words.others], withRest(truth)];
    root.append(
      element("div", { class: "controls" }, rate, steps),
      run.frame,
      element("p", { class: "quiet" }, words.losses),
      element("p", {}, words.guess),
      bars
    );
    return () => {
      const chosen = whole(model, "chosen", 0, rates.length - 1), step = whole(model, "step", 0, last);
      const guess = withRest(guesses[chosen][step]);
      rate.show(chosen, rates.length - 1, readable(rates[chosen]));
      steps.show(step, last, `${step} / ${last}`);
      run.show(chosen, step);
      bars.replaceChildren(...shown.map((name, i) => compared(name, guess[i], actual[i], words)));
      const misplaced = sum(guess.map((p, i) => Math.abs(p - actual[i]))) / 2;
      return fill(words.done, {
        rate: readable(rates[chosen]),
        step,
        steps: last,
        loss: readable(losses[chosen][step]),
        name: names[0],
        p: percent(guess[0]),
        truth: percent(truth[0]),
        misplaced: percent(misplaced)
      });
    };
  }
  var rates_default = picture(build);

  // <stdin>
  deliver(rates_default);
})();
