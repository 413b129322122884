// Draw a digit, and the chapter's network of 13,002 knobs reads it: as in digits.py.
import { Sentence, bar, button, change, element, fill, picture, readable, unpacked, whole } from "./shared.js";

const LABELS = {
  en: {
    title: "A network that reads your digit",
    field: "Drawing field, 28 by 28 cells. Arrow keys move the pen, space paints, shift with an arrow draws a line, home goes to the upper left.",
    hint: "Draw here with a finger or the mouse. By keyboard: arrows move the pen, space paints, shift with an arrow draws a line.",
    pen: "Pen: row {row}, column {column}, {cell}", ink: "ink", paper: "empty",
    clear: "Clear", example: "An example",
    inputs: "The 784 inputs, in the form of the training digits: your drawing is cut out, scaled to full height or width, and centred.",
    seen: "The 784 inputs as a picture",
    layer: "hidden {number}", units: "Hidden layer {number}: {lit} of 16 units above one half",
    answer: "Probability of each digit",
    given: "Example {number} of {of}: somebody wrote a {answer}.",
    painted: "Example {number} of {of}: somebody wrote a {answer}, and you painted on it.",
    own: "Your drawing, cells with ink: {cells}.", empty: "Nothing is drawn.",
    says: "The network says {best} with {p} %, then {next} with {q} %.",
    lit: "Above one half: {first} of the 16 units of hidden layer 1, {second} of those of hidden layer 2.",
    broken: "These strokes can't be read. Press Clear and draw again.",
  },
};

const GRID = 28, COARSE = 8, LEVELS = 16, LEAST = 12, LAYERS = [GRID * GRID, 16, 16, 10];
const BRUSH = 1.5; // cells around the pen that get ink: strokes as thick as the training digits'

const SEEN = 0.0001; // smaller probabilities are only called so

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const range = (length) => Array.from({ length }, (_, i) => i);
const transposed = (A) => A[0].map((_, j) => A.map((row) => row[j]));

// The matrix product, with plain loops: it must fit into a frame.
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
const stretched = (coarse) => times(times(STRETCH, coarse), transposed(STRETCH));

// The strokes as rows of 28 cells, and back: four cells are one hexadecimal digit.
function inkOf(strokes, words) {
  if (strokes === "") return range(GRID).map(() => Array(GRID).fill(0));
  if (typeof strokes !== "string" || !/^[0-9a-f]{196}$/.test(strokes)) throw new Sentence(words.broken);
  return range(GRID).map((row) => range(GRID).map((column) => {
    const at = GRID * row + column;
    return (parseInt(strokes[at >> 2], 16) >> (3 - at % 4)) & 1;
  }));
}

function strokesOf(ink) {
  const cells = ink.flat();
  const digit = (i) => parseInt(cells.slice(4 * i, 4 * i + 4).join(""), 2).toString(16);
  return range(cells.length / 4).map(digit).join("");
}

// How much of each part of a line's eight every cell is.
function overlap(start, size) {
  const edge = (part) => start + size * part / COARSE;
  return range(COARSE).map((part) => range(GRID).map((cell) =>
    Math.max(0, Math.min(edge(part + 1), cell + 1) - Math.max(edge(part), cell)) / (size / COARSE)));
}

const averaged = (ink, top, left, size) => times(times(overlap(top, size), ink), transposed(overlap(left, size)));

// A drawing in the form of the training digits: cut out, as large as fits, centred, ink averaged.
function centred(ink) {
  const rows = range(GRID).filter((row) => ink[row].some(Boolean));
  const columns = range(GRID).filter((column) => ink.some((row) => row[column]));
  if (!rows.length) return range(COARSE).map(() => Array(COARSE).fill(0));
  const top = rows[0], bottom = rows.at(-1) + 1, left = columns[0], right = columns.at(-1) + 1;
  const size = Math.max(bottom - top, right - left, LEAST);
  return averaged(ink, (top + bottom - size) / 2, (left + right - size) / 2, size);
}

// Each layer's weighted sums in turn; sigmoid after all but the last, which softmax follows.
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
    values = layer < LAYERS.length - 1 ? sums.map((z) => 1 / (1 + Math.exp(-z))) : softmax(sums);
    layers.push(values);
  }
  return layers;
}

function softmax(logits) {
  const most = Math.max(...logits), grown = logits.map((z) => Math.exp(z - most)), total = sum(grown);
  return grown.map((value) => value / total);
}

// Rows of values from 0 to 1 as ink on paper, a pixel each.
function paint(canvas, rows) {
  const context = canvas.getContext("2d"), image = context.createImageData(GRID, GRID);
  rows.flat().forEach((value, i) => { image.data[4 * i + 3] = Math.round(255 * value); });
  context.putImageData(image, 0, 0);
}

// The field to draw on. drawLine(from, to) is told in cells, as [row, column], where the pen goes.
function drawingField(words, drawLine) {
  const canvas = element("canvas", { width: GRID, height: GRID, "aria-hidden": "true" });
  const cursor = element("span", { class: "pen" }), said = element("small", { role: "status" });
  // The attribute keeps JupyterLab's own keys away.
  const field = element("div", { class: "field", role: "application", tabindex: 0, "aria-label": words.field,
    "data-lm-suppress-shortcuts": "true" }, canvas, cursor);
  let pen = [GRID / 2, GRID / 2], last = null, ink = null;
  const show = () => {
    cursor.style.cssText = `top: ${100 * pen[0] / GRID}%; left: ${100 * pen[1] / GRID}%`;
    const cell = ink?.[pen[0]][pen[1]] ? words.ink : words.paper;
    said.textContent = document.activeElement === field && field.matches(":focus-visible")
      ? fill(words.pen, { row: pen[0] + 1, column: pen[1] + 1, cell }) : "";
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
  for (const end of ["pointerup", "pointercancel"]) listen(end, () => { last = null; });
  const middle = ([row, column]) => [row + 0.5, column + 0.5];
  listen("keydown", (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
      " ": [0, 0], Home: [-GRID, -GRID] }[event.key] ?? [];
    if (down === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation(); // the book turns pages with the arrow keys
    const before = pen, within = (at) => Math.min(Math.max(at, 0), GRID - 1);
    pen = [within(pen[0] + down), within(pen[1] + right)];
    if (event.key === " " || (event.shiftKey && event.key !== "Home")) drawLine(middle(before), middle(pen));
    show();
  });
  for (const name of ["focus", "blur"]) listen(name, show);
  return { field, said, show: (rows, cells) => { ink = cells; paint(canvas, rows); show(); } };
}

// The ink with that of a line: every cell whose middle the pen comes near.
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
    const unit = element("span", { class: "unit", "data-value": value }, element("span"));
    unit.firstChild.style.opacity = value;
    return unit;
  });
  return element("div", { class: "layer" }, element("span", { class: "quiet" }, fill(words.layer, { number })),
    element("div", { class: "units", role: "img", "aria-label": fill(words.units, { number, lit }) }, ...units));
}

function answerRow(digit, p, best) {
  const row = bar(String(digit), p, p < SEEN ? `< ${100 * SEEN} %` : `${readable(100 * p)} %`, best ? "target" : "mark");
  row.dataset.value = p;
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
    drawn.show(given ? ink.map((row, i) => row.map((cell, j) => Math.max(cell, below[i][j]))) : ink, ink);
    paint(seen, inputs);
    const [first, second, p] = activations(knobs, inputs.flat()), [best, next] = twoBest(p);
    layers.replaceChildren(layerRow(1, first, words), layerRow(2, second, words));
    bars.replaceChildren(...p.map((share, digit) => answerRow(digit, share, digit === best)));
    const cells = sum(ink.flat()), lit = (layer) => layer.filter((value) => value > 0.5).length;
    const subject = fill(words[example ? cells ? "painted" : "given" : cells ? "own" : "empty"],
      { number: example, of: examples.length, answer: answers[example - 1], cells });
    const says = fill(words.says, { best, p: readable(100 * p[best]), next, q: readable(100 * p[next]) });
    return `${subject} ${says}\n${fill(words.lit, { first: lit(first), second: lit(second) })}`;
  };
}

const twoBest = (p) => range(p.length).sort((a, b) => p[b] - p[a] || a - b);

export default picture(LABELS, build);
