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

  // map.js
  var ABC = ["a", "b", "c"];
  var NEAREST = 5;
  var ANSWERS = 3;
  var LETTER = 7.4;
  var BOLD = 8.3;
  var LINE = 15;
  var dot = (u, v) => u.reduce((total, value, i) => total + value * v[i], 0);
  var plus = (u, v, factor) => u.map((value, i) => value + factor * v[i]);
  var unit = (u) => {
    const length = Math.sqrt(dot(u, u));
    return u.map((value) => value / length);
  };
  function best(rows, vector, leaveOut, most) {
    const direction = unit(vector);
    return rows.map((row, i) => ({ i, cosine: dot(row, direction) / Math.sqrt(dot(row, row)) })).filter(({ i }) => !leaveOut.includes(i)).sort((x, y) => y.cosine - x.cosine || x.i - y.i).slice(0, most);
  }
  function named(points, width, height) {
    const taken = [];
    const marks = [];
    const names = [];
    points.forEach(({ x, y, name, kind = "", before = false }) => {
      marks.push(svg("circle", { cx: x, cy: y, r: kind ? 5 : 3, class: kind }));
      const wide = (kind ? BOLD : LETTER) * [...name].length, sides = [[8, 5], [-8 - wide, 5]];
      for (const [dx, dy] of [...before ? sides.reverse() : sides, [-wide / 2, -9], [-wide / 2, 20]]) {
        const box = [x + dx, y + dy - LINE + 3, x + dx + wide, y + dy + 3];
        if (box[0] < 0 || box[2] > width || box[1] < 0 || box[3] > height) continue;
        if (taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
        taken.push(box);
        const [anchor, from] = dx > 0 ? ["start", 8] : dx === -wide / 2 ? ["middle", 0] : ["end", -8];
        names.push(svg("text", { x: x + from, y: y + dy, class: kind, "text-anchor": anchor }, name));
        return;
      }
    });
    return [...names, ...marks];
  }
  function arrow([x1, y1], [x2, y2], kind) {
    const length = Math.hypot(x2 - x1, y2 - y1) || 1, ux = (x2 - x1) / length, uy = (y2 - y1) / length;
    const back = (side) => `${x2 - 9 * ux + side * 5 * uy} ${y2 - 9 * uy - side * 5 * ux}`;
    return svg("path", { d: `M${x1} ${y1}L${x2} ${y2}M${back(1)}L${x2} ${y2}L${back(-1)}`, class: kind });
  }
  function fitted(points, width, height, [side, rim], same) {
    const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
    const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    let [sx, sy] = [(width - 2 * side) / (x1 - x0 || 1), (height - 2 * rim) / (y1 - y0 || 1)];
    if (same) sx = sy = Math.min(sx, sy);
    return ([x, y]) => [width / 2 + (x - (x0 + x1) / 2) * sx, height / 2 - (y - (y0 + y1) / 2) * sy];
  }
  function chooser(name, words, onChoice) {
    const select = element(
      "select",
      { "aria-label": name, change: () => onChoice(Number(select.value)) },
      ...words.map((word, i) => element("option", { value: i }, word))
    );
    return select;
  }
  function found(title, list, words, colour) {
    const rows = list.map(({ i, cosine }) => {
      const row = bar(words[i], cosine, readable(cosine), colour);
      row.dataset.value = String(cosine);
      return row;
    });
    return element("div", {}, element("p", { class: "quiet" }, title), ...rows);
  }
  function drawMap(map, [width, height], model, chosen, near) {
    const texts = model.get("words"), places = model.get("places"), others = near.map(({ i }) => i);
    const at = places.map(fitted(places, width, height, [40, 18]));
    const kind = (i) => i === chosen ? "chosen" : others.includes(i) ? "near" : "";
    const order = [chosen, ...others, ...texts.keys()].filter((i, k, all) => all.indexOf(i) === k);
    const lines = others.map((i) => svg("line", { x1: at[chosen][0], y1: at[chosen][1], x2: at[i][0], y2: at[i][1] }));
    const points = order.map((i) => ({ x: at[i][0], y: at[i][1], name: texts[i], kind: kind(i) }));
    map.replaceChildren(...lines, ...named(points, width, height));
    return at;
  }
  function drawPlane(plane, [width, height], { texts, rows, lands }, [a, b, c], answers) {
    const across = unit(plus(rows[a], rows[b], -1)), other = plus(rows[c], rows[b], -1);
    const up = unit(plus(other, across, -dot(other, across)));
    const flat = (vector) => {
      const moved = plus(vector, rows[b], -1);
      return [dot(moved, across), dot(moved, up)];
    };
    const landed = flat(plus(plus(rows[a], rows[b], -1), rows[c], 1)), shown = [a, b, c, answers[0].i];
    const points = [...shown.map((i) => flat(rows[i])), landed];
    const [pa, pb, pc, answer, end] = points.map(fitted(points, width, height, [84, 24], true));
    const place = ([x, y], name, kind, before) => ({ x, y, name, kind, before });
    plane.replaceChildren(
      arrow(pb, pa, "mark"),
      arrow(pc, end, "target"),
      svg("line", { x1: end[0], y1: end[1], x2: answer[0], y2: answer[1] }),
      ...named([
        place(answer, texts[answers[0].i], "near"),
        place(pa, texts[a], "chosen"),
        place(pb, texts[b], "chosen", true),
        place(pc, texts[c], "chosen", true),
        place(end, lands, "landed")
      ], width, height)
    );
  }
  function build({ model, root, words }) {
    const texts = model.get("words"), values = unpacked(model.get("rows"));
    const n = texts.length, C = values.length / n, last = n - 1;
    const rows = texts.map((_, i) => [...values.slice(C * i, C * (i + 1))]);
    const word = chooser(words.word, texts, (chosen) => change(model, { word: chosen }));
    const three = ABC.map((name) => chooser(words[name], texts, (chosen) => change(model, { [name]: chosen })));
    const map = svg("svg", { role: "img", "aria-label": words.map, class: "words" });
    const plane = svg("svg", { role: "img", "aria-label": words.plane, class: "words plane" });
    const lists = element("div", { class: "reads found" });
    root.append(
      element(
        "div",
        { class: "controls" },
        element("label", { class: "control wide" }, element("span", {}, words.word), word),
        element(
          "div",
          { class: "control wide", role: "group", "aria-label": words.question },
          element("span", {}, words.question),
          element("div", { class: "three" }, three[0], "−", three[1], "+", three[2])
        )
      ),
      map,
      element("p", { class: "quiet" }, fill(words.tap, { C, n })),
      plane,
      element("p", { class: "quiet" }, words.plane),
      lists
    );
    let at = [];
    const point = (event, reach) => {
      const box = map.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
      const far = at.map(([px, py]) => Math.hypot(px - x, py - y)), nearest = far.indexOf(Math.min(...far));
      if (far[nearest] < reach && nearest !== model.get("word")) change(model, { word: nearest });
    };
    map.addEventListener("click", (event) => point(event, 40));
    map.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse") point(event, 7);
    });
    let width = 0;
    const size = (drawing, height) => {
      width ||= map.clientWidth || 320;
      drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
      return [width, height];
    };
    let draw = () => {
    };
    new ResizeObserver(() => {
      if (map.clientWidth === width) return;
      width = map.clientWidth;
      draw();
    }).observe(root);
    return () => {
      const chosen = whole(model, "word", 0, last), asked = ABC.map((name) => whole(model, name, 0, last));
      word.value = String(chosen);
      three.forEach((select, i) => {
        select.value = String(asked[i]);
      });
      if (new Set(asked).size < 3) throw new Sentence(words.differ);
      const near = best(rows, rows[chosen], [chosen], NEAREST), [a, b, c] = asked.map((i) => texts[i]);
      const answers = best(rows, plus(plus(rows[asked[0]], rows[asked[1]], -1), rows[asked[2]], 1), asked, ANSWERS);
      draw = () => {
        at = drawMap(map, size(map, 340), model, chosen, near);
        drawPlane(plane, size(plane, 200), { texts, rows, lands: words.lands }, asked, answers);
      };
      draw();
      lists.replaceChildren(
        found(fill(words.near, { word: texts[chosen] }), near, texts, "mark"),
        found(fill(words.answers, { a, b, c }), answers, texts, "target")
      );
      const listed = (list) => list.map(({ i, cosine }) => `${texts[i]} ${readable(cosine)}`).join(", ");
      return `${fill(words.said, { word: texts[chosen], near: listed(near) })}
${fill(words.solved, { a, b, c, answers: listed(answers) })}`;
    };
  }
  var map_default = picture(build);

  // <stdin>
  deliver(map_default);
})();
