// A formula of two inputs with three knobs, the map that it draws, and points to fit. As formula.py.
import {
  Sentence, bar, button, change, element, fill, picture, readable, sum, svg,
} from "./shared.js";

/** @import { Parts, Point } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/formula.json")} Words */

/**
 * @typedef {object} State
 * @property {Point[]} points shape (n, 2)
 * @property {number[]} answers shape (n,), 0 or 1
 * @property {number[]} knobs w0, w1, w2
 * @property {number[]} start the knobs before anybody turned them
 * @property {number} lowest loss, at the best setting
 * @property {number} rate
 * @property {number} steps
 * @property {number} reach of a knob
 * @property {number} slider how far its slider goes
 * @property {number} side of the map
 */
/** @typedef {{ loss: number, slopes: number[], wrong: boolean[] }} Measured */
/** @typedef {{ shade: Element, field: Element, half: Element, id: string }} Painted parts of the map */

const KNOBS = ["w0", "w1", "w2"];
const FLAT = 0.0005; // a slope below that would be shown as 0
const STEP = 0.05; // of a slider
const SIZE = 300; // of the map, in its own units
const GROUND = 0.45; // of a colour, at most: the points stand out from it
const SHADES = Array.from({ length: 33 }, (_, i) => 0.01 + (0.98 * i) / 32); // values with a colour of their own

/** @param {number} p */
const logit = (p) => Math.log(p / (1 - p));
const STEEPEST = logit(SHADES[SHADES.length - 1]); // the weighted sum where the last shade lies
/** @param {number} z */
const sigmoid = (z) => 1 / (1 + Math.exp(-z));
/**
 * @param {number[]} knobs
 * @param {Point} point
 */
const total = (knobs, [x1, x2]) => knobs[0] + knobs[1] * x1 + knobs[2] * x2;

/**
 * The mean loss in nats, the slope for each knob, and how many points are on the wrong side.
 * @param {number[]} knobs
 * @param {Point[]} points
 * @param {number[]} answers
 * @returns {Measured}
 */
function measure(knobs, points, answers) {
  const z = points.map((point) => total(knobs, point)), n = points.length;
  const loss = sum(z.map((z, i) => softplus(answers[i] ? -z : z))) / n;
  const tooMuch = z.map((z, i) => sigmoid(z) - answers[i]);
  const slopes = KNOBS.map((_, k) => sum(tooMuch.map((d, i) => d * (k ? points[i][k - 1] : 1))) / n);
  return { loss, slopes, wrong: z.map((z, i) => z > 0 !== (answers[i] === 1)) };
}

/**
 * log(1 + e^z), also where e^z is too large for a number.
 * @param {number} z
 */
function softplus(z) {
  return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
}

/**
 * @param {number[]} knobs
 * @param {Point[]} points
 * @param {number[]} answers
 * @param {number} rate
 * @param {number} steps
 */
function descend(knobs, points, answers, rate, steps) {
  for (let step = 0; step < steps; step++) {
    const { slopes } = measure(knobs, points, answers);
    knobs = knobs.map((knob, k) => knob - rate * slopes[k]);
  }
  return knobs;
}

/**
 * The knobs; what is no setting of them is a sentence.
 * @param {unknown} knobs
 * @param {number} reach
 * @param {Words} words
 * @returns {number[]}
 */
function checked(knobs, reach, words) {
  /** @param {unknown} knob */
  const fits = (knob) => typeof knob === "number" && Math.abs(knob) <= reach;
  if (Array.isArray(knobs) && knobs.length === KNOBS.length && knobs.every(fits)) return knobs;
  const value = String(knobs).slice(0, 60).toWellFormed();
  throw new Sentence(fill(words.bad, { value, least: -reach, most: reach }));
}

/** @param {number} slope */
const way = (slope) => (Math.abs(slope) < FLAT ? "stay" : slope > 0 ? "down" : "up");

/** @param {number} number */
function signed(number) {
  const digits = Math.abs(number).toFixed(3);
  return number >= FLAT ? `+${digits}` : number <= -FLAT ? `−${digits}` : "0.000";
}

/**
 * A knob's row: its slider, its setting, and its slope with the way to turn it.
 * @param {string} name
 * @param {number} reach
 * @param {Words} words
 * @param {(setting: number) => void} onInput
 */
function knobRow(name, reach, words, onInput) {
  /** @type {HTMLInputElement} */
  const input = element("input", { type: "range", min: -reach, max: reach, step: STEP, "aria-label": name,
    input: () => onInput(Number(input.value)) });
  const setting = element("output"), slope = element("span", { class: "slope quiet" });
  const row = element("label", { class: "control knob" }, element("b", {}, name), input, setting, slope);
  /** @type {(knob: number, its: number) => void} */
  const show = (knob, its) => {
    const said = fill(way(its) === "stay" ? words.slope : words.way, { slope: signed(its), way: words[way(its)] });
    input.value = String(knob);
    input.setAttribute("aria-valuetext", `${knob.toFixed(2)}, ${said}`);
    setting.textContent = knob.toFixed(2).replace("-", "−");
    slope.replaceChildren(said, element("span", { class: its > 0 ? "fall" : "rise", "aria-hidden": "true" },
      { up: " ▲", down: " ▼", stay: "" }[way(its)]));
    slope.dataset.value = String(its);
  };
  return Object.assign(row, { show });
}

/**
 * The map. The formula's value changes along one direction only, so a linear gradient shows it.
 * @param {Point[]} points
 * @param {number[]} answers
 * @param {number} side
 * @param {Words} words
 */
function map(points, answers, side, words) {
  /** @param {number} x */
  const at = (x) => (SIZE * (x + side)) / (2 * side);
  const id = `formula-${Math.random().toString(36).slice(2)}`; // the only one in the page
  const shade = svg("linearGradient", { id, gradientUnits: "userSpaceOnUse" }, ...SHADES.map((p) => svg("stop", {
    offset: (0.5 + logit(p) / (2 * STEEPEST)).toFixed(4), style: `stop-color: var(--${p < 0.5 ? "mark" : "target"}); stop-opacity: ${GROUND * Math.abs(2 * p - 1)}`,
  })));
  const half = svg("line", { class: "half" }), field = svg("rect", { width: SIZE, height: SIZE, fill: `url(#${id})` });
  const marks = points.map(([x1, x2], i) => mark(at(x1), SIZE - at(x2), answers[i]));
  const drawn = svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": words.map },
    svg("defs", {}, shade), field, half, ...marks);
  /** @type {(name: string, x: number, y: number, anchor: string) => Element} */
  const corner = (name, x, y, anchor) => svg("text", { x, y, "text-anchor": anchor }, document.createTextNode(name));
  drawn.append(corner("x1 →", SIZE - 5, SIZE - 7, "end"), corner("x2 ↑", 5, 17, "start"));
  /** @type {(knobs: number[], wrong: boolean[]) => void} */
  const show = (knobs, wrong) => {
    paint(knobs, at, { shade, field, half, id });
    marks.forEach((mark, i) => mark.classList.toggle("wrong", wrong[i]));
  };
  return { drawn, show };
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} answer
 */
function mark(x, y, answer) {
  const shape = answer ? svg("path", { d: "M0,-7.5 L7,5.5 L-7,5.5 Z" }) : svg("circle", { r: 6 });
  const rim = /** @type {Element} */ (shape.cloneNode());
  rim.setAttribute("class", "rim");
  return svg("g", { class: answer ? "yes" : "no", transform: `translate(${x.toFixed(1)},${y.toFixed(1)})` },
    svg("circle", { r: 11, class: "ring" }), rim, shape);
}

/**
 * Turn the gradient across the line of one half: each shade p lies where the sum is logit(p).
 * @param {number[]} knobs
 * @param {(coordinate: number) => number} at
 * @param {Painted} painted
 */
function paint(knobs, at, { shade, field, half, id }) {
  const [w0, w1, w2] = knobs, length = Math.hypot(w1, w2), value = sigmoid(w0);
  if (length < 1e-3) { // the same value everywhere
    field.setAttribute("style", `fill: var(--${value < 0.5 ? "mark" : "target"}); fill-opacity: ${GROUND * Math.abs(2 * value - 1)}`);
    half.setAttribute("visibility", "hidden");
    return;
  }
  /** @type {(z: number, along?: number) => Point} */
  const place = (z, along = 0) => { // on the line where the sum is z, `along` from its foot
    const t = (z - w0) / length ** 2;
    return [at(t * w1 - (along * w2) / length), SIZE - at(t * w2 + (along * w1) / length)];
  };
  /** @type {(part: Element, from: Point, to: Point) => void} */
  const set = (part, [x1, y1], [x2, y2]) => {
    for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) part.setAttribute(name, value.toFixed(2));
  };
  set(shade, place(-STEEPEST), place(STEEPEST));
  set(half, place(0, -99), place(0, 99));
  half.setAttribute("visibility", "visible");
  field.setAttribute("style", `fill: url(#${id})`);
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words }) {
  const points = model.get("points"), answers = model.get("answers");
  const lowest = model.get("lowest"), reach = model.get("reach");
  /** @type {(k: number, setting: number) => void} */
  const turn = (k, setting) => change(model, { knobs: model.get("knobs").map((knob, i) => (i === k ? setting : knob)) });
  const rows = KNOBS.map((name, k) => knobRow(name, model.get("slider"), words, (setting) => turn(k, setting)));
  const steps = model.get("steps"), rate = model.get("rate");
  const onward = button(fill(words.descend, { steps }), () =>
    change(model, { knobs: descend(model.get("knobs"), points, answers, rate, steps) }), "main");
  const restart = button(words.restart, () => change(model, { knobs: [...model.get("start")] }));
  const side = model.get("side"), plane = map(points, answers, side, words), losses = element("div", { class: "bars" });
  const most = Math.max(1, measure(model.get("start"), points, answers).loss);
  root.append(element("div", { class: "fitting" },
    element("div", { class: "plane" }, plane.drawn, element("p", { class: "quiet" }, fill(words.key, { side }), element("br"), words.points)),
    element("div", { class: "controls" }, ...rows, losses, element("div", { class: "presses" }, onward, restart))));

  return () => {
    const knobs = checked(model.get("knobs"), reach, words), now = measure(knobs, points, answers);
    rows.forEach((row, k) => row.show(knobs[k], now.slopes[k]));
    plane.show(knobs, now.wrong);
    /** @type {(name: string, loss: number, colour: string) => HTMLElement} */
    const lossBar = (name, loss, colour) => {
      const row = bar(name, loss / most, readable(loss), colour);
      row.dataset.value = String(loss);
      return row;
    };
    losses.replaceChildren(lossBar(words.now, now.loss, "target"), lossBar(words.lowest, lowest, "rise"));
    return sentence(words, now, lowest);
  };
}

/**
 * @param {Words} words
 * @param {Measured} now
 * @param {number} lowest
 */
function sentence(words, { loss, slopes, wrong }, lowest) {
  const said = fill(words.wrong, { loss: readable(loss), lowest: readable(lowest), wrong: sum(wrong.map(Number)), points: wrong.length });
  if (slopes.every((slope) => way(slope) === "stay")) return `${said} ${words.flat}`;
  return `${said} ${fill(words.says, { ways: slopes.map((slope, k) => `${KNOBS[k]} ${words[way(slope)]}`).join(", ") })}`;
}

export default picture(build);
