// Draw a digit, and the chapter's network of 13,002 knobs reads it: as in digits.py.
import {
  Sentence, bar, button, change, element, fill, percent, picture, sum, unpacked, whole,
} from "./shared.js";
import { softmax } from "./gpt.js";

/** @import { Packed, Parts, Point } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/digits.json")} Words */

/**
 * @typedef {object} State
 * @property {Packed} weights W1, b1, W2, b2, W3, b3
 * @property {number[][]} examples shape (n, 64), from 0 to 16
 * @property {number[]} answers shape (n,)
 * @property {number} example from 1; 0: none
 * @property {string} strokes cells with ink: four a hexadecimal digit, or ""
 */
/** @typedef {number[][]} Rows a matrix, row by row */

const GRID = 28, COARSE = 8, LEVELS = 16, LEAST = 12, LAYERS = [GRID * GRID, 16, 16, 10];
const BRUSH = 1.5; // cells around the pen that get ink: strokes as thick as the training digits'

const SEEN = 0.0001; // smaller probabilities are only called so
/** @type {Record<string, Point>} how far a key moves the pen: down, to the right */
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
  " ": [0, 0], Home: [-GRID, -GRID] };

/** @param {number} length */
const range = (length) => Array.from({ length }, (_, i) => i);
/** @param {Rows} A */
const transposed = (A) => A[0].map((_, j) => A.map((row) => row[j]));

/**
 * The matrix product, with plain loops: it must fit into a frame.
 * @param {Rows} A
 * @param {Rows} B
 */
function times(A, B) {
  return A.map((row) => {
    const out = Array(B[0].length).fill(0);
    for (let k = 0; k < row.length; k++) {
      if (row[k]) for (let j = 0; j < out.length; j++) out[j] += row[k] * B[k][j];
    }
    return out;
  });
}

// A line of 8 cells stretched to 28, as torch's "bilinear" does.
const STRETCH = range(GRID).map((i) => {
  const at = Math.min(Math.max((i + 0.5) * COARSE / GRID - 0.5, 0), COARSE - 1);
  return range(COARSE).map((j) => Math.max(0, 1 - Math.abs(at - j)));
});
/**
 * @param {Rows} coarse shape (8, 8)
 * @returns {Rows} shape (28, 28)
 */
const stretched = (coarse) => times(times(STRETCH, coarse), transposed(STRETCH));

/**
 * The strokes as rows of 28 cells, and back: four cells are one hexadecimal digit.
 * @param {string} strokes
 * @param {Words} words
 * @returns {Rows} shape (28, 28), 0 or 1
 */
function inkOf(strokes, words) {
  if (strokes === "") return range(GRID).map(() => Array(GRID).fill(0));
  if (typeof strokes !== "string" || !/^[0-9a-f]{196}$/.test(strokes)) throw new Sentence(words.spoiled);
  return range(GRID).map((row) => range(GRID).map((column) => {
    const at = GRID * row + column;
    return (parseInt(strokes[at >> 2], 16) >> (3 - at % 4)) & 1;
  }));
}

/** @param {Rows} ink */
function strokesOf(ink) {
  const cells = ink.flat();
  /** @param {number} i */
  const digit = (i) => parseInt(cells.slice(4 * i, 4 * i + 4).join(""), 2).toString(16);
  return range(cells.length / 4).map(digit).join("");
}

/**
 * How much of each part of a line's eight every cell is.
 * @param {number} start
 * @param {number} size
 * @returns {Rows} shape (8, 28)
 */
function overlap(start, size) {
  /** @param {number} part */
  const edge = (part) => start + size * part / COARSE;
  return range(COARSE).map((part) => range(GRID).map((cell) =>
    Math.max(0, Math.min(edge(part + 1), cell + 1) - Math.max(edge(part), cell)) / (size / COARSE)));
}

/**
 * @param {Rows} ink
 * @param {number} top
 * @param {number} left
 * @param {number} size
 * @returns {Rows} shape (8, 8)
 */
const averaged = (ink, top, left, size) => times(times(overlap(top, size), ink), transposed(overlap(left, size)));

/**
 * A drawing in the form of the training digits: cut out, as large as fits, centred, ink averaged.
 * @param {Rows} ink shape (28, 28)
 * @returns {Rows} shape (8, 8)
 */
function centred(ink) {
  const rows = range(GRID).filter((row) => ink[row].some(Boolean));
  const columns = range(GRID).filter((column) => ink.some((row) => row[column]));
  if (!rows.length) return range(COARSE).map(() => Array(COARSE).fill(0));
  const top = rows[0], bottom = rows[rows.length - 1] + 1;
  const left = columns[0], right = columns[columns.length - 1] + 1;
  const size = Math.max(bottom - top, right - left, LEAST);
  return averaged(ink, (top + bottom - size) / 2, (left + right - size) / 2, size);
}

/**
 * Each layer's weighted sums in turn; sigmoid after all but the last, which softmax follows.
 * @param {Float64Array} knobs
 * @param {number[]} inputs shape (784,)
 * @returns {number[][]} shapes (16,), (16,), (10,)
 */
function activations(knobs, inputs) {
  /** @type {number[][]} */
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

/**
 * Rows of values from 0 to 1 as ink on paper, a pixel each.
 * @param {HTMLCanvasElement} canvas
 * @param {Rows} rows
 */
function paint(canvas, rows) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(GRID, GRID);
  rows.flat().forEach((value, i) => { image.data[4 * i + 3] = Math.round(255 * value); });
  context.putImageData(image, 0, 0);
}

/**
 * The field to draw on. drawLine(from, to) is told in cells, as [row, column], where the pen goes.
 * @param {Words} words
 * @param {(from: Point, to: Point) => void} drawLine
 */
function drawingField(words, drawLine) {
  const canvas = element("canvas", { width: GRID, height: GRID, "aria-hidden": "true" });
  const cursor = element("span", { class: "pen" }), said = element("small", { role: "status" });
  // The attribute keeps JupyterLab's own keys away.
  const field = element("div", { class: "field", role: "application", tabindex: 0, "aria-label": words.field,
    "data-lm-suppress-shortcuts": "true" }, canvas, cursor);
  /** @type {Point} */
  let pen = [GRID / 2, GRID / 2];
  /** @type {Point | null} */
  let last = null;
  /** @type {Rows | null} */
  let ink = null;
  const show = () => {
    cursor.style.cssText = `top: ${100 * pen[0] / GRID}%; left: ${100 * pen[1] / GRID}%`;
    const cell = ink?.[pen[0]][pen[1]] ? words.ink : words.paper;
    said.textContent = document.activeElement === field && field.matches(":focus-visible")
      ? fill(words.pen, { row: pen[0] + 1, column: pen[1] + 1, cell }) : "";
  };
  /** @type {(event: PointerEvent) => Point} */
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [GRID * (event.clientY - box.top) / box.height, GRID * (event.clientX - box.left) / box.width];
  };
  /** @type {(name: string, hear: (event: any) => void) => void} */
  const listen = (name, hear) => field.addEventListener(name, hear);
  listen("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.button || !event.isPrimary) return;
    field.setPointerCapture(event.pointerId);
    last = place(event);
    drawLine(last, last);
  });
  listen("pointermove", (/** @type {PointerEvent} */ event) => {
    if (!last || !event.isPrimary) return;
    const now = place(event);
    drawLine(last, now);
    last = now;
  });
  for (const end of ["pointerup", "pointercancel"]) listen(end, () => { last = null; });
  /** @type {(cell: Point) => Point} */
  const middle = ([row, column]) => [row + 0.5, column + 0.5];
  listen("keydown", (/** @type {KeyboardEvent} */ event) => {
    const [down, right] = MOVES[event.key] ?? [];
    if (down === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation(); // the book turns pages with the arrow keys
    const before = pen;
    /** @param {number} at */
    const within = (at) => Math.min(Math.max(at, 0), GRID - 1);
    pen = [within(pen[0] + down), within(pen[1] + right)];
    if (event.key === " " || (event.shiftKey && event.key !== "Home")) drawLine(middle(before), middle(pen));
    show();
  });
  for (const name of ["focus", "blur"]) listen(name, show);
  /** @type {(rows: Rows, cells: Rows) => void} */
  const showInk = (rows, cells) => {
    ink = cells;
    paint(canvas, rows);
    show();
  };
  return { field, said, show: showInk };
}

/**
 * The ink with that of a line: every cell whose middle the pen comes near.
 * @param {Rows} ink
 * @param {Point} from
 * @param {Point} to
 */
function withLine(ink, [row, column], [toRow, toColumn]) {
  const down = toRow - row, right = toColumn - column, length2 = down ** 2 + right ** 2;
  return ink.map((cells, r) => cells.map((cell, c) => {
    const y = r + 0.5 - row, x = c + 0.5 - column;
    const along = length2 ? Math.min(Math.max((y * down + x * right) / length2, 0), 1) : 0;
    return cell || Number(Math.hypot(y - along * down, x - along * right) <= BRUSH);
  }));
}

/**
 * The units of a hidden layer, each as light as its value.
 * @param {number} number
 * @param {number[]} values
 * @param {Words} words
 */
function layerRow(number, values, words) {
  const lit = values.filter((value) => value > 0.5).length;
  const units = values.map((value) => {
    const light = element("span");
    light.style.opacity = String(value);
    return element("span", { class: "unit", "data-value": value }, light);
  });
  return element("div", { class: "layer" }, element("span", { class: "quiet" }, fill(words.layer, { number })),
    element("div", { class: "units", role: "img", "aria-label": fill(words.units, { number, lit }) }, ...units));
}

/**
 * @param {number} digit
 * @param {number} p
 * @param {boolean} best
 */
function answerRow(digit, p, best) {
  const row = bar(String(digit), p, p < SEEN ? `< ${percent(SEEN)}` : percent(p), best ? "target" : "mark");
  row.dataset.value = String(p);
  return row;
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words }) {
  const knobs = unpacked(model.get("weights")), examples = model.get("examples"), answers = model.get("answers");
  /** @type {(from: Point, to: Point) => void} */
  const drawLine = (from, to) => {
    const before = inkOf(model.get("strokes"), words);
    change(model, { strokes: strokesOf(withLine(before, from, to)) });
  };
  const drawn = drawingField(words, drawLine);
  const seen = element("canvas", { class: "seen", width: GRID, height: GRID, role: "img", "aria-label": words.seen });
  /** @param {number} example */
  const start = (example) => { model.set("strokes", ""); change(model, { example }); };
  const buttons = element("div", { class: "stepper" }, button(words.clear, () => start(0)),
    button(words.example, () => start(model.get("example") % examples.length + 1), "main"));
  const layers = element("div", { class: "layers" }), bars = element("div", { class: "bars", role: "group", "aria-label": words.answer });
  root.append(element("div", { class: "controls pad" }, drawn.field,
    element("div", { class: "beside" }, buttons, element("p", { class: "quiet" }, words.hint), drawn.said,
      element("div", { class: "inputs" }, seen, element("p", { class: "quiet" }, words.inputs)))),
  element("div", { class: "reads" }, layers, bars));

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
    const cells = sum(ink.flat()), lit = (/** @type {number[]} */ layer) => layer.filter((value) => value > 0.5).length;
    const subject = fill(words[example ? cells ? "painted" : "given" : cells ? "own" : "empty"],
      { number: example, of: examples.length, answer: answers[example - 1], cells });
    const says = fill(words.says, { best, p: percent(p[best]), next, q: percent(p[next]) });
    return `${subject} ${says}\n${fill(words.lit, { first: lit(first), second: lit(second) })}`;
  };
}

/** @param {number[]} p */
const twoBest = (p) => range(p.length).sort((a, b) => p[b] - p[a] || a - b);

export default picture(build);
