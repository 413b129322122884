(() => {
  // shared.js
  function picture(build2) {
    return { render: ({ model, el }) => show(model, el, build2) };
  }
  function show(model, el, build2) {
    const words = model.get("_words");
    const root = element("div", { class: "picture", role: "group", "aria-label": words.title });
    const stop = followLook(root);
    const said2 = element("p", { class: "said", "aria-live": "polite" });
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
        said2.textContent = "";
        return null;
      }
    };
    const draw = guarded(() => build2({ model, root, words, redraw: () => redraw() }));
    root.append(failed, said2);
    const redraw = () => draw && guarded(() => {
      const began = performance.now();
      said2.textContent = draw();
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

  // meanings.js
  var SAME = 1e-6;
  var COLOURS = ["mark", "target"];
  var NEITHER = "quiet";
  var WIDTH = 100;
  var ROW = 44;
  function positionsOf(products, means) {
    return products.map(([va, vb], stage) => {
      const [aa, bb] = means[stage], square = squareOf(means[stage]);
      return square ? 2 * (vb - va - (bb - aa) / 2) / square : 0;
    });
  }
  function squareOf([aa, bb, ab]) {
    const square = aa + bb - 2 * ab;
    return square > SAME * (aa + bb) ? square : 0;
  }
  function cosinesOf(products, means) {
    return products.map(([va, vb, length], stage) => {
      const [aa, bb] = means[stage];
      return [va / length / Math.sqrt(aa), vb / length / Math.sqrt(bb)];
    });
  }
  function signed(value) {
    return value.toFixed(2).replace(/^-0\.00$/, "0.00").replace("-", "−");
  }
  function paths(all, groups, halves, words) {
    const stages = halves.length, reach = 1.08 * Math.max(...all.flat(2).map(Math.abs), ...halves);
    const x = (offset) => WIDTH / 2 * (1 + offset / reach);
    const y = (stage) => ROW * (stage + 0.5);
    const points = (path) => path.map((offset, stage) => `${x(offset).toFixed(2)},${y(stage)}`).join(" ");
    const faint = all.flatMap((row, place) => row.map((path) => svg("polyline", {
      points: points(path),
      class: "faint",
      style: `stroke: var(--${COLOURS[groups[place]] ?? NEITHER})`
    })));
    const done = svg("polyline", { class: "done" }), ahead = svg("polyline", { class: "ahead" });
    const middle = svg("line", { x1: WIDTH / 2, x2: WIDTH / 2, y1: 0, y2: ROW * stages, class: "middle" });
    const drawn = svg("svg", {
      viewBox: `0 0 ${WIDTH} ${ROW * stages}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": words.lines,
      style: `height: ${ROW * stages}px`
    }, middle, ...faint, ahead, done);
    const at = (offset, stage, ...inside) => element(
      "span",
      { class: inside.length ? "mean" : "dot", style: `left: ${x(offset)}%; top: ${y(stage)}px`, "aria-hidden": "true" },
      ...inside
    );
    const diamonds = halves.flatMap((half, stage) => half ? [at(-half, stage, "◆"), at(half, stage, "◆")] : []);
    const dot = at(0, 0), field = element("div", { class: "field" }, drawn, ...diamonds, dot);
    const show2 = (path, stage) => {
      done.setAttribute("points", points(path.slice(0, stage + 1)));
      ahead.setAttribute("points", points(path));
      Object.assign(dot.style, { left: `${x(path[stage])}%`, top: `${y(stage)}px` });
    };
    return { field, show: show2 };
  }
  function build({ model, root, words }) {
    const texts = model.get("texts"), means = model.get("means"), products = model.get("products");
    const kinds = model.get("kinds"), people = model.get("people"), stages = model.get("stages");
    const halves = means.map((mean) => Math.sqrt(squareOf(mean)) / 2);
    const offsets = products.map((row) => row.map((one) => positionsOf(one, means).map((position, stage) => position * halves[stage])));
    const where = slider(words.place, (place) => change(model, { place }));
    const who = slider(words.person, (person) => change(model, { person }));
    const steps = stepper(words.stage, words.back, words.onward, (stage) => change(model, { stage }));
    const { field, show: show2 } = paths(offsets, model.get("groups"), halves, words);
    const names = stages.map((name) => element("div", {}, name)), text = element("p", { class: "text" });
    const bars = element("div", { class: "bars cosines" });
    root.append(
      element("div", { class: "controls" }, where, who, steps),
      text,
      element(
        "div",
        { class: "meanings" },
        element("div", { class: "ends" }, ...kinds.map((kind, i) => element("span", { style: `border-color: var(--${COLOURS[i]})` }, kind))),
        element("div", { class: "stages", style: `grid-auto-rows: ${ROW}px` }, ...names),
        field
      ),
      element("p", { class: "quiet" }, words.guide),
      element("p", { class: "quiet" }, words.cosine),
      bars
    );
    return () => {
      const place = whole(model, "place", 0, texts.length - 1), person = whole(model, "person", 0, people.length - 1);
      const stage = whole(model, "stage", 0, stages.length - 1), own = products[place][person];
      const positions = positionsOf(own, means), cosines = cosinesOf(own, means);
      where.show(place, texts.length - 1, `${place + 1} / ${texts.length}`);
      who.show(person, people.length - 1, people[person]);
      steps.show(stage, stages.length - 1, `${stage} / ${stages.length - 1}`);
      text.replaceChildren(...sentence(texts[place][person], model.get("word")));
      names.forEach((name, i) => {
        name.className = i === stage ? "now" : "";
      });
      show2(offsets[place][person], stage);
      field.dataset.positions = JSON.stringify(positions);
      bars.replaceChildren(...kinds.map((kind, i) => cosineBar(kind, cosines[stage][i], COLOURS[i])));
      return said(words, model, { place, person, stage, position: positions[stage], cosines: cosines[stage] });
    };
  }
  function cosineBar(kind, cosine, colour) {
    const made = bar(kind, cosine, signed(cosine), colour);
    made.dataset.value = String(cosine);
    return made;
  }
  function sentence(text, word) {
    return [text.slice(0, text.length - word.length), element("strong", {}, word)];
  }
  function said(words, model, { place, person, stage, position, cosines }) {
    const [left, right] = model.get("kinds"), name = model.get("stages")[stage], [a, b] = cosines.map(signed);
    const values = { stage: `${name[0].toUpperCase()}${name.slice(1)}`, word: model.get("word"), position: signed(position), left, right, a, b };
    const now = fill(squareOf(model.get("means")[stage]) ? words.said : words.same, values);
    const tokens = model.get("says")[place][person].map(([token, p]) => fill(words.token, { token, share: percent(p) }));
    return `${now}
${fill(words.next, { tokens: tokens.join(", ") })}`;
  }
  var meanings_default = picture(build);

  // <stdin>
  deliver(meanings_default);
})();
