// Words as places: neighbours by cosine, and a − b + c. The same numbers as in map.py.
import {
  bar, change, element, fill, picture, readable, svg, unpacked, whole,
} from "./shared.js";

/** @import { Packed, Parts, Point } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/map.json")} Words */

/**
 * @typedef {object} State
 * @property {string[]} words
 * @property {Packed} rows shape (n, C): the words' vectors, of length 1
 * @property {Point[]} places shape (n, 2): on the map
 * @property {number} word the chosen one
 * @property {number} a
 * @property {number} b
 * @property {number} c
 */
/** @typedef {[width: number, height: number]} Size of a drawing, in pixels */
/** @typedef {{ i: number, cosine: number }} Found a word, and how near it is */
/**
 * @typedef {object} Name of a point
 * @property {number} x
 * @property {number} y
 * @property {string} name
 * @property {string} [kind] CSS class
 * @property {boolean} [before] on the left, if there is room
 */

/** @type {["a", "b", "c"]} */
const ABC = ["a", "b", "c"];
const NEAREST = 5, ANSWERS = 3, LETTER = 7.4, BOLD = 8.3, LINE = 15;
const REACH = 40; // pixels from a word that still mean it

/**
 * @param {number[]} u
 * @param {number[]} v
 */
const dot = (u, v) => u.reduce((total, value, i) => total + value * v[i], 0);
/**
 * @param {number[]} u
 * @param {number[]} v
 * @param {number} factor
 */
const plus = (u, v, factor) => u.map((value, i) => value + factor * v[i]);
/** @param {number[]} u */
const unit = (u) => { const length = Math.sqrt(dot(u, u)) || 1; return u.map((value) => value / length); };

/**
 * The words nearest to a vector by cosine, best first.
 * @param {number[][]} rows shape (n, C)
 * @param {number[]} vector shape (C,)
 * @param {number[]} leaveOut
 * @param {number} most
 * @returns {Found[]}
 */
function best(rows, vector, leaveOut, most) {
  const direction = unit(vector);
  return rows.map((row, i) => ({ i, cosine: dot(row, direction) / Math.sqrt(dot(row, row)) })).filter(({ i }) => !leaveOut.includes(i))
    .sort((x, y) => y.cosine - x.cosine || x.i - y.i).slice(0, most);
}

/**
 * Points with names, the most important first: a name that would cover another is left out.
 * @param {Name[]} points
 * @param {number} width
 * @param {number} height
 * @returns {Element[]}
 */
function named(points, width, height) {
  /** @type {number[][]} boxes of names: left, top, right, bottom */
  const taken = [];
  /** @type {Element[]} */
  const marks = [];
  /** @type {Element[]} */
  const names = [];
  points.forEach(({ x, y, name, kind = "", before = false }) => {
    marks.push(svg("circle", { cx: x, cy: y, r: kind ? 5 : 3, class: kind }));
    const wide = (kind ? BOLD : LETTER) * [...name].length, sides = [[8, 5], [-8 - wide, 5]];
    for (const [dx, dy] of [...(before ? sides.reverse() : sides), [-wide / 2, -9], [-wide / 2, 20]]) {
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

/**
 * @param {Point} from
 * @param {Point} to
 * @param {string} kind
 */
function arrow([x1, y1], [x2, y2], kind) {
  const length = Math.hypot(x2 - x1, y2 - y1) || 1, ux = (x2 - x1) / length, uy = (y2 - y1) / length;
  /** @param {number} side */
  const back = (side) => `${x2 - 9 * ux + side * 5 * uy} ${y2 - 9 * uy - side * 5 * ux}`;
  return svg("path", { d: `M${x1} ${y1}L${x2} ${y2}M${back(1)}L${x2} ${y2}L${back(-1)}`, class: kind });
}

/**
 * From coordinates to a drawing's pixels: each axis fills its side, or both the same scale.
 * @param {Point[]} points
 * @param {number} width
 * @param {number} height
 * @param {[side: number, rim: number]} free
 * @param {boolean} [same]
 * @returns {(point: Point) => Point}
 */
function fitted(points, width, height, [side, rim], same) {
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  let [sx, sy] = [(width - 2 * side) / (x1 - x0 || 1), (height - 2 * rim) / (y1 - y0 || 1)];
  if (same) sx = sy = Math.min(sx, sy);
  return ([x, y]) => [width / 2 + (x - (x0 + x1) / 2) * sx, height / 2 - (y - (y0 + y1) / 2) * sy];
}

/**
 * A list of words to choose from.
 * @param {string} name
 * @param {string[]} words
 * @param {(i: number) => void} onChoice
 */
function chooser(name, words, onChoice) {
  /** @type {HTMLSelectElement} */
  const select = element("select", { "aria-label": name, change: () => onChoice(Number(select.value)) },
    ...words.map((word, i) => element("option", { value: i }, word)));
  return select;
}

/**
 * The list of words found, as bars of their cosines.
 * @param {string} title
 * @param {Found[]} list
 * @param {string[]} words
 * @param {string} colour
 */
function found(title, list, words, colour) {
  const rows = list.map(({ i, cosine }) => {
    const row = bar(words[i], cosine, readable(cosine), colour);
    row.dataset.value = String(cosine);
    return row;
  });
  return element("div", {}, element("p", { class: "quiet" }, title), ...rows);
}

/**
 * The map of all words, the chosen one and its neighbours by name first.
 * @param {SVGElement} map
 * @param {Size} size
 * @param {Parts<unknown, State>["model"]} model
 * @param {number} chosen
 * @param {Found[]} near
 * @returns {Point[]} every word's place in pixels
 */
function drawMap(map, [width, height], model, chosen, near) {
  const texts = model.get("words"), places = model.get("places"), others = near.map(({ i }) => i);
  const at = places.map(fitted(places, width, height, [40, 18]));
  /** @param {number} i */
  const kind = (i) => (i === chosen ? "chosen" : others.includes(i) ? "near" : "");
  const order = [chosen, ...others, ...texts.keys()].filter((i, k, all) => all.indexOf(i) === k);
  const lines = others.map((i) => svg("line", { x1: at[chosen][0], y1: at[chosen][1], x2: at[i][0], y2: at[i][1] }));
  const points = order.map((i) => ({ x: at[i][0], y: at[i][1], name: texts[i], kind: kind(i) }));
  map.replaceChildren(...lines, ...named(points, width, height));
  return at;
}

/**
 * The name of the word that the mouse is at, above all others: on a full map not every name has room.
 * @param {SVGElement} pointed
 * @param {SVGElement} map
 * @param {number} word -1 for none
 * @param {Point[]} at
 * @param {string[]} texts
 * @param {number} width of the map
 */
function pointAt(pointed, map, word, at, texts, width) {
  if (word < 0) return pointed.remove();
  const [ring, name] = pointed.children, [x, y] = at[word], half = (BOLD * [...texts[word]].length) / 2;
  for (const [key, value] of [["cx", x], ["cy", y]]) ring.setAttribute(String(key), String(value));
  name.setAttribute("x", String(Math.min(Math.max(x, half), width - half)));
  name.setAttribute("y", String(y < 30 ? y + 22 : y - 11));
  name.textContent = texts[word];
  map.append(pointed);
}

/**
 * The plane through a, b and c, and the two arrows.
 * @param {SVGElement} plane
 * @param {Size} size
 * @param {{ texts: string[], rows: number[][], lands: string }} words and the name of the arrow's end
 * @param {number[]} asked a, b, c
 * @param {Found[]} answers
 */
function drawPlane(plane, [width, height], { texts, rows, lands }, [a, b, c], answers) {
  const across = unit(plus(rows[a], rows[b], -1)), other = plus(rows[c], rows[b], -1);
  const up = unit(plus(other, across, -dot(other, across)));
  /** @type {(vector: number[]) => Point} */
  const flat = (vector) => {
    const moved = plus(vector, rows[b], -1);
    return [dot(moved, across), dot(moved, up)];
  };
  const landed = flat(plus(plus(rows[a], rows[b], -1), rows[c], 1)), shown = [a, b, c, answers[0].i];
  const points = [...shown.map((i) => flat(rows[i])), landed];
  const [pa, pb, pc, answer, end] = points.map(fitted(points, width, height, [84, 24], true));
  /** @type {(point: Point, name: string, kind: string, before?: boolean) => Name} */
  const place = ([x, y], name, kind, before) => ({ x, y, name, kind, before });
  plane.replaceChildren(arrow(pb, pa, "given"), arrow(pc, end, "target"),
    svg("line", { x1: end[0], y1: end[1], x2: answer[0], y2: answer[1] }),
    ...named([place(answer, texts[answers[0].i], "near"), place(pa, texts[a], "chosen"), place(pb, texts[b], "chosen", true),
      place(pc, texts[c], "chosen", true), place(end, lands, "landed")], width, height));
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words }) {
  const texts = model.get("words"), values = unpacked(model.get("rows"));
  const n = texts.length, C = values.length / n, last = n - 1;
  const rows = texts.map((_, i) => [...values.slice(C * i, C * (i + 1))]);
  const word = chooser(words.word, texts, (chosen) => change(model, { word: chosen }));
  const three = ABC.map((name) => chooser(words[name], texts, (chosen) => change(model, { [name]: chosen })));
  const map = svg("svg", { role: "img", "aria-label": words.map, class: "words" });
  const plane = svg("svg", { role: "img", "aria-label": words.plane, class: "words plane" });
  const differ = element("p", { class: "differ", role: "status" }), lists = element("div", { class: "reads found" });
  root.append(element("div", { class: "controls" },
    element("label", { class: "control wide" }, element("span", {}, words.word), word),
    element("div", { class: "control wide", role: "group", "aria-label": words.question }, element("span", {}, words.question),
      element("div", { class: "three" }, three[0], "−", three[1], "+", three[2])), differ),
  map, element("p", { class: "quiet" }, fill(words.tap, { C, n })), plane,
    element("p", { class: "quiet" }, words.plane), lists);

  /** @type {Point[]} */
  let at = []; // every word's place on the map in pixels
  const pointed = svg("g", { class: "pointed" }, svg("circle", { r: 6 }), svg("text", { "text-anchor": "middle" }));
  /** @type {(event: MouseEvent) => number} the word that is meant, -1 for none */
  const under = (event) => {
    const box = map.getBoundingClientRect(), x = event.clientX - box.left - map.clientLeft, y = event.clientY - box.top - map.clientTop;
    const far = at.map(([px, py]) => Math.hypot(px - x, py - y)), least = Math.min(...far);
    return least < REACH ? far.indexOf(least) : -1;
  };
  map.addEventListener("click", (event) => {
    const word = under(event);
    if (word >= 0 && word !== model.get("word")) change(model, { word });
  });
  map.addEventListener("pointermove", (event) => pointAt(pointed, map, event.pointerType === "mouse" ? under(event) : -1, at, texts, width));
  map.addEventListener("pointerleave", () => pointed.remove());

  let width = 0; // of both drawings; to ask for it at each drawing would lay out the page each time
  /** @type {(drawing: Element, height: number) => Size} */
  const size = (drawing, height) => {
    width ||= map.clientWidth || 320;
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    return [width, height];
  };
  let draw = () => {};
  new ResizeObserver(() => { // names are placed by pixels
    if (map.clientWidth === width) return;
    width = map.clientWidth;
    draw();
  }).observe(root);
  return () => {
    const chosen = whole(model, "word", 0, last), asked = ABC.map((name) => whole(model, name, 0, last));
    word.value = String(chosen);
    three.forEach((select, i) => { select.value = String(asked[i]); });
    differ.textContent = new Set(asked).size < 3 ? words.differ : "";
    const near = best(rows, rows[chosen], [chosen], NEAREST), [a, b, c] = asked.map((i) => texts[i]);
    const answers = best(rows, plus(plus(rows[asked[0]], rows[asked[1]], -1), rows[asked[2]], 1), asked, ANSWERS);
    draw = () => {
      at = drawMap(map, size(map, 340), model, chosen, near);
      drawPlane(plane, size(plane, 200), { texts, rows, lands: words.lands }, asked, answers);
    };
    draw();
    lists.replaceChildren(found(fill(words.near, { word: texts[chosen] }), near, texts, "mark"),
      found(fill(words.answers, { a, b, c }), answers, texts, "target"));
    /** @param {Found[]} list */
    const listed = (list) => list.map(({ i, cosine }) => `${texts[i]} ${readable(cosine)}`).join(", ");
    return `${fill(words.said, { word: texts[chosen], near: listed(near) })}\n${fill(words.solved, { a, b, c, answers: listed(answers) })}`;
  };
}

export default picture(build);
