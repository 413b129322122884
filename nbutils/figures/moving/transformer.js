// The sorter, stage by stage, and the sum that made each number: as in transformer.py.
import { Sentence, change, element, fill, later, picture, readable, resource, stepper, textField, whole } from "./shared.js";
import { kvCache, meanAndSpread, network, read, softmax, unembed } from "./gpt.js";

/** @import { LayerValues, Network, Numbers, Parts, Values } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/transformer.json")} Words */

/**
 * @typedef {object} State
 * @property {string} text six letters
 * @property {number} stage
 * @property {number} row
 * @property {number} column
 * @property {Beginning} beginning what the first stage needs, before any file is here
 */
/** @typedef {{ text: string, answer: string, letters: number[][], positions: number[][] }} Beginning */
/** @typedef {keyof LayerValues} LayerName */
/** @typedef {Values & { logits: Float64Array, probabilities: Float64Array }} Row all values of a position */
/** @typedef {"embedded" | "final_normed" | "logits" | "probabilities"} RowName */
/** @typedef {{ [Name in RowName]: [layer: null, name: Name] }[RowName]} RowStage */
/** @typedef {[layer: number, name: LayerName] | RowStage} Stage */
/** @typedef {{ letters: string, rows: Row[], net: Network | null }} Run without a net: its first stage only */
/** @typedef {{ row: number, column: number }} Cell */
/**
 * @typedef {object} Shown
 * @property {Float64Array[]} rows
 * @property {LayerName | RowName} name of the stage
 * @property {string} letters
 * @property {number} row of the chosen number
 * @property {number} column of the chosen number
 */

const LETTERS = "ABC", ASKED = 6, POSITIONS = 11, WIDTH = 48, HEAD = 16, HEADS = 3, LAYERS = 3, SHOWN = 3, SIZE = "175 kB";
const TRAINED = ASKED - 1; // the first position whose answer the loss counted
/** @type {LayerName[]} */
const LAYER = ["attention_normed", "q", "k", "v", "scores", "weights", "heads", "attention_answer",
  "after_attention", "mlp_normed", "mlp_hidden", "mlp_answer", "after_mlp"];
/** @type {Stage[]} */
const STAGES = [[null, "embedded"],
  ...Array.from({ length: LAYERS }, (_, layer) => LAYER.map((name) => /** @type {Stage} */ ([layer, name]))).flat(),
  [null, "final_normed"], [null, "logits"], [null, "probabilities"]];
/** @type {(LayerName | RowName)[]} */
const LOOKS = ["scores", "weights"];
/** @type {(LayerName | RowName)[]} */
const OF_HEADS = ["q", "k", "v", "heads"], NEXT = ["logits", "probabilities"];
/** @type {Record<string, [down: number, right: number]>} how far a key moves the choice */
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const [LEFT, TOP, TALL] = [30, 18, 17]; // pixels: row names, column names, a row

/**
 * Read the question, write the answer: the letters, and the values at each position.
 * @param {Network} net
 * @param {string} text
 * @returns {Run}
 */
function run(net, text) {
  const cache = kvCache(net);
  /** @type {Row[]} */
  const rows = [];
  let letters = text;
  for (let at = 0; at < POSITIONS; at++) {
    const seen = read(net, cache, LETTERS.indexOf(letters[at])), logits = unembed(net, seen.final_normed);
    rows.push({ ...seen, logits, probabilities: softmax(logits) });
    if (at >= ASKED - 1) letters += LETTERS[logits.indexOf(Math.max(...logits))];
  }
  rows.forEach((row, at) => row.layers.forEach((layer, i) => fillUp(layer, rows, i, at)));
  return { letters, rows, net };
}

/**
 * Scores and weights of a position as wide as all positions: what it can't see has a score, weight 0.
 * @param {LayerValues} layer
 * @param {Row[]} rows
 * @param {number} i the layer's number
 * @param {number} at the position
 */
function fillUp(layer, rows, i, at) {
  const weights = new Float64Array(HEADS * POSITIONS), scores = new Float64Array(HEADS * POSITIONS);
  for (let head = 0; head < HEADS; head++) {
    for (let j = 0; j < POSITIONS; j++) {
      const key = rows[j].layers[i].k;
      for (let d = HEAD * head; d < HEAD * (head + 1); d++) scores[head * POSITIONS + j] += layer.q[d] * key[d];
      scores[head * POSITIONS + j] /= Math.sqrt(HEAD);
      if (j <= at) weights[head * POSITIONS + j] = layer.weights[head * (at + 1) + j];
    }
  }
  Object.assign(layer, { scores, weights });
}

/**
 * The first stage alone, from the tables that the state brings.
 * @param {Beginning} beginning
 * @returns {Run}
 */
function begin({ text, answer, letters, positions }) {
  const rows = positions.map((position, at) => {
    const token_embedding = letters[LETTERS.indexOf((text + answer)[at])];
    return { token_embedding, position_embedding: position, embedded: position.map((p, i) => p + token_embedding[i]) };
  });
  return { letters: text + answer, rows: /** @type {any[]} */ (rows), net: null };
}

/**
 * @param {Run} seen
 * @param {Stage} stage
 * @param {number} row
 * @returns {Float64Array}
 */
const values = ({ rows }, [layer, name], row) => layer === null ? rows[row][name] : rows[row].layers[layer][name];

/**
 * The sum that made a number, in words.
 * @param {Run} seen
 * @param {Stage} stage
 * @param {number} row
 * @param {number} column
 * @param {Words} words
 */
function madeOf(seen, stage, row, column, words) {
  const [layer, name] = stage, here = seen.rows[row], total = readable(values(seen, stage, row)[column]);
  /** @type {(form: string, one: Numbers, other: Numbers) => string} */
  const two = (form, one, other) => fill(form, { one: readable(one[column]), other: readable(other[column]), total });
  if (name === "embedded") return two(words.embedding, here.token_embedding, here.position_embedding);
  const { weights: tensors, config } = /** @type {Network} */ (seen.net);
  /** @type {(path: string, x: Float64Array) => string} */
  const normed = (path, x) => {
    const { mean, spread } = meanAndSpread(config, x);
    const numbers = { value: x[column], mean, spread, scale: tensors[`${path}.weight`][column], shift: tensors[`${path}.bias`][column] };
    return fill(words.norm, { ...Object.fromEntries(Object.entries(numbers).map(([key, n]) => [key, readable(n)])), total });
  };
  if (name === "logits") {
    return fill(words.sum, { products: products(here.final_normed, part(tensors["head.weight"], column, WIDTH), null, words), total });
  }
  if (name === "probabilities") return share(here.logits, column, total, words);
  if (name === "final_normed") return normed("final_norm", here.layers[LAYERS - 1].after_mlp);
  const now = here.layers[layer], before = layer ? here.layers[layer - 1].after_mlp : here.embedded;
  const path = `blocks.${layer}.`;
  if (name === "attention_normed") return normed(`${path}attention_norm`, before);
  if (name === "mlp_normed") return normed(`${path}mlp_norm`, now.after_attention);
  if (name === "after_attention") return two(words.added, before, now.attention_answer);
  if (name === "after_mlp") return two(words.added, now.after_attention, now.mlp_answer);
  if (name === "heads" || name === "scores" || name === "weights") return looked(seen, layer, name, row, column, total, words);
  /** @type {Record<typeof name, [matrix: string, row: number, x: Float64Array]>} */
  const factors = {
    q: ["attention.query_key_value", column, now.attention_normed],
    k: ["attention.query_key_value", WIDTH + column, now.attention_normed],
    v: ["attention.query_key_value", 2 * WIDTH + column, now.attention_normed],
    attention_answer: ["attention.projection", column, now.heads],
    mlp_hidden: ["mlp.expand", column, now.mlp_normed],
    mlp_answer: ["mlp.contract", column, now.mlp_hidden],
  };
  const [matrix, number, x] = factors[name];
  const numbers = part(tensors[`${path}${matrix}.weight`], number, x.length);
  const text = products(x, numbers, tensors[`${path}${matrix}.bias`][number], words);
  return fill(name === "mlp_hidden" ? words.bent : words.sum, { products: text, total });
}

/**
 * The same for a number of one head's attention.
 * @param {Run} seen
 * @param {number} layer
 * @param {LayerName} name
 * @param {number} row
 * @param {number} column
 * @param {string} total
 * @param {Words} words
 */
function looked({ rows }, layer, name, row, column, total, words) {
  const now = rows[row].layers[layer];
  if (name === "heads") {
    const head = Math.floor(column / HEAD), seen = rows.slice(0, row + 1);
    const shares = seen.map((_, j) => now.weights[head * POSITIONS + j]);
    return fill(words.sum, { products: products(shares, seen.map(({ layers }) => layers[layer].v[column]), null, words), total });
  }
  const head = Math.floor(column / POSITIONS), seen = column % POSITIONS;
  if (name === "scores") {
    const [q, k] = [now.q, rows[seen].layers[layer].k].map((of) => part(of, head, HEAD));
    return fill(words.scaled, { products: products(q, k, null, words), total });
  }
  if (seen > row) return words.masked;
  return share(part(now.scores, head, POSITIONS).slice(0, row + 1), seen, total, words);
}

/**
 * @template {Float32Array | Float64Array} Kind
 * @param {Kind} numbers
 * @param {number} index
 * @param {number} length
 * @returns {Kind}
 */
const part = (numbers, index, length) =>
  /** @type {Kind} */ (numbers.slice(index * length, (index + 1) * length));

/**
 * @param {Numbers | Float32Array} a
 * @param {Numbers | Float32Array} b
 * @param {number | null} constant
 * @param {Words} words
 */
function products(a, b, constant, words) {
  const some = Array.from(a.slice(0, SHOWN), (x, i) => `${readable(x)} × ${readable(b[i])}`).join(" + ");
  const all = a.length > SHOWN ? fill(words.more, { products: some, count: a.length }) : some;
  return constant === null ? all : fill(words.constant, { products: all, constant: readable(constant) });
}

/**
 * @param {Float64Array} numbers
 * @param {number} one
 * @param {string} total
 * @param {Words} words
 */
function share(numbers, one, total, words) {
  const powers = numbers.reduce((sum, number) => sum + Math.exp(number), 0);
  return fill(words.share, { number: readable(numbers[one]), power: readable(Math.exp(numbers[one])),
    powers: readable(powers), total });
}

/**
 * @param {LayerName | RowName} name
 * @param {number} row
 * @param {number} column
 * @param {string} letters
 * @param {Words} words
 */
function placeOf(name, row, column, letters, words) {
  const here = { row, letter: letters[row] };
  if (LOOKS.includes(name)) {
    return fill(words.looks, { ...here, head: Math.floor(column / POSITIONS) + 1, seen: column % POSITIONS });
  }
  if (OF_HEADS.includes(name)) return fill(words.inHead, { ...here, head: Math.floor(column / HEAD) + 1, number: column % HEAD });
  if (NEXT.includes(name)) return fill(row < TRAINED ? words.untrained : words.next, { ...here, next: LETTERS[column] });
  return fill(words.number, { ...here, number: column });
}

/**
 * A heat map: a canvas on which a number can be chosen. show(rows, name, letters, row, column).
 * @param {HTMLElement} root
 * @param {Words} words
 * @param {(cell: Cell) => void} onChoose
 */
function heatMap(root, words, onChoose) {
  const canvas = element("canvas"), map = element("div", { class: "map", role: "application", tabindex: 0,
    "aria-label": words.map }, canvas);
  /** @type {Shown | null} */
  let shown = null;
  const paint = () => shown && draw(canvas, root, shown, words);
  /** @param {MouseEvent} event */
  const choose = (event) => {
    const cell = shown && cellAt(canvas, shown, event.offsetX, event.offsetY);
    if (cell) onChoose(cell);
  };
  canvas.addEventListener("pointerdown", choose);
  canvas.addEventListener("pointermove", (event) => event.buttons && choose(event));
  map.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step || !shown) return;
    event.preventDefault();
    const row = Math.min(shown.rows.length - 1, Math.max(0, shown.row + step[0]));
    onChoose({ row, column: Math.min(shown.rows[0].length - 1, Math.max(0, shown.column + step[1])) });
  });
  new ResizeObserver(paint).observe(map);
  new MutationObserver(paint).observe(root, { attributes: true, attributeFilter: ["data-look"] });
  /** @param {Shown} state */
  const show = (state) => {
    shown = state;
    Object.assign(map, { values: state.rows.flatMap((row) => [...row]) }); // for the console and tests
    paint();
  };
  return Object.assign(map, { show });
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Shown} shown
 * @param {number} x in pixels
 * @param {number} y in pixels
 * @returns {Cell | null}
 */
function cellAt(canvas, { rows }, x, y) {
  const n = rows[0].length, row = Math.floor((y - TOP) / TALL);
  const column = Math.floor(((x - LEFT) / (canvas.clientWidth - LEFT)) * n);
  return row < 0 || row >= rows.length || column < 0 || column >= n ? null : { row, column };
}

/**
 * The first row whose numbers were trained: before it, what would come next is an answer that nobody asked for.
 * @param {LayerName | RowName} name
 */
const firstTrained = (name) => (NEXT.includes(name) ? TRAINED : 0);

/**
 * The largest number, of either sign, of the rows that were trained.
 * @param {Float64Array[]} rows
 * @param {LayerName | RowName} name
 */
const largest = (rows, name) => Math.max(...rows.slice(firstTrained(name)).map((row) => Math.max(...row.map(Math.abs))));

/**
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLElement} root
 * @param {Shown} shown
 * @param {Words} words
 */
function draw(canvas, root, shown, words) {
  const n = shown.rows[0].length, wide = canvas.clientWidth || 300, tall = TOP + shown.rows.length * TALL + 4;
  const scale = window.devicePixelRatio || 1, size = [Math.round(wide * scale), Math.round(tall * scale)];
  canvas.style.height = `${tall}px`;
  [canvas.width, canvas.height] = size; // which empties it
  const paint = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), look = getComputedStyle(root);
  const [ink, card, quiet, above, below] = ["ink", "card", "quiet", "target", "mark"].map((name) => look.getPropertyValue(`--${name}`));
  const most = largest(shown.rows, shown.name) || 1, cell = (wide - LEFT) / n, first = firstTrained(shown.name);
  paint.scale(scale, scale);
  paint.font = "12px ui-monospace, Menlo, Consolas, monospace";
  paint.textBaseline = "middle";
  paint.fillStyle = quiet;
  for (const [text, x] of columnNames(shown, n, words)) paint.fillText(text, LEFT + x * cell, TOP / 2);
  shown.rows.forEach((row, t) => {
    const y = TOP + t * TALL, trained = t >= first;
    paint.globalAlpha = 1;
    paint.fillStyle = t < ASKED ? quiet : ink;
    paint.fillText(`${shown.letters[t]}${t < ASKED ? "" : "′"}`, 4, y + TALL / 2);
    row.forEach((value, c) => {
      const strength = Math.min(1, Math.abs(value) / most);
      paint.globalAlpha = trained ? strength : strength / 8;
      paint.fillStyle = value > 0 ? above : below;
      paint.fillRect(LEFT + c * cell, y, cell + 0.3, TALL);
      if (n > LETTERS.length) return;
      paint.globalAlpha = 1;
      const strong = trained && strength > (value > 0 ? 0.65 : 0.85);
      paint.fillStyle = !trained ? quiet : strong ? onStrong(value, root.dataset.look, ink, card) : ink;
      paint.fillText(readable(value, 2), LEFT + c * cell + 6, y + TALL / 2);
    });
  });
  paint.globalAlpha = 1;
  paint.strokeStyle = quiet;
  for (const x of dividers(shown, n)) paint.strokeRect(LEFT + x * cell, TOP, 0, shown.rows.length * TALL);
  paint.strokeRect(LEFT + 0.5, TOP + 0.5, wide - LEFT - 1, shown.rows.length * TALL - 1);
  paint.strokeStyle = ink;
  paint.lineWidth = 2;
  paint.strokeRect(LEFT + shown.column * cell - 1, TOP + shown.row * TALL - 1, cell + 2, TALL + 2);
}

/**
 * A readable colour for text on strong orange or blue.
 * @param {number} value
 * @param {string | undefined} look
 * @param {string} ink
 * @param {string} card
 */
function onStrong(value, look, ink, card) {
  return value > 0 && look === "light" ? ink : card;
}

/**
 * What stands above the numbers: [text, column].
 * @param {Shown} shown
 * @param {number} n columns
 * @param {Words} words
 * @returns {[text: string, column: number][]}
 */
function columnNames({ name }, n, words) {
  if (NEXT.includes(name)) return [...LETTERS].map((letter, i) => [letter, i + 0.08]);
  if (LOOKS.includes(name) || OF_HEADS.includes(name)) {
    return Array.from({ length: HEADS }, (_, head) => [fill(words.head, { head: head + 1 }), (head * n) / HEADS + 0.5]);
  }
  return [[fill(words.rest, { from: 0, to: n - 1 }), 0]];
}

/**
 * @param {Shown} shown
 * @param {number} n
 */
const dividers = ({ name }, n) => (LOOKS.includes(name) || OF_HEADS.includes(name) ? [n / 3, (2 * n) / 3] : []);

/**
 * A stage's name, with its layer.
 * @param {number} stage
 * @param {Words} words
 */
function nameOf(stage, words) {
  const [layer, name] = STAGES[stage];
  return layer === null ? words[name] : fill(words.layer, { layer: layer + 1, what: words[name] });
}

/**
 * All stages at a glance, from the letters through the layers to the answer; show(stage) marks where we are. Who can't
 * see or tap it has the slider, which says the same.
 * @param {Words} words
 * @param {(stage: number) => void} choose
 */
function overview(words, choose) {
  const stops = STAGES.map((_, stage) => element("span", { class: "stop", title: `${stage}: ${nameOf(stage, words)}`,
    click: () => choose(stage) }));
  /** @type {(name: string, from: number, to: number, kind?: string) => HTMLElement} */
  const part = (name, from, to, kind = "") =>
    element("div", { class: `part ${kind}`, style: kind ? null : `flex-grow: ${to - from}` }, element("small", {}, name), element("div", {}, ...stops.slice(from, to)));
  const mlp = LAYER.indexOf("mlp_normed"), count = LAYER.length, end = 1 + LAYERS * count;
  const layers = Array.from({ length: LAYERS }, (_, layer) => element("div", { class: "layer" },
    part(fill(words.attentionOf, { layer: layer + 1 }), 1 + layer * count, 1 + layer * count + mlp),
    part(words.mlpOf, 1 + layer * count + mlp, 1 + (layer + 1) * count)));
  const made = element("div", { class: "overview", "aria-hidden": true }, part(words.letterPart, 0, 1, "ends"), ...layers,
    part(words.answerPart, end, STAGES.length, "ends"));
  /** @param {number} stage */
  const show = (stage) => stops.forEach((stop, at) => {
    stop.classList.toggle("here", at === stage);
    stop.classList.toggle("done", at < stage);
  });
  return Object.assign(made, { show });
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words, redraw }) {
  /** @param {number} stage */
  const go = (stage) => change(model, { column: Math.min(model.get("column"), widthOf(stage) - 1), stage });
  const field = textField(words.text, (text) => change(model, { text }));
  const steps = stepper(words.stage, words.back, words.onward, go), all = overview(words, go);
  const map = heatMap(root, words, (cell) => change(model, cell)), colours = element("p", { class: "quiet colours" });
  const heading = element("p", { class: "stage" });
  root.classList.add("whole");
  root.append(element("div", { class: "controls" }, field, steps), all, heading, map, colours);
  const beginning = model.get("beginning");
  const sorter = later(() => resource(model, "sorter").then((file) => network(file, words)), redraw);
  let known = "", seen = begin(beginning);

  return () => {
    const text = model.get("text");
    field.show(String(text));
    if (!/^[ABC]{6}$/i.test(text)) throw new Sentence(words.letters);
    const stage = whole(model, "stage", 0, STAGES.length - 1), row = whole(model, "row", 0, POSITIONS - 1);
    const column = whole(model, "column", 0, widthOf(stage) - 1), asks = text.toUpperCase();
    const last = STAGES.length - 1, name = STAGES[stage][1], what = nameOf(stage, words);
    steps.show(stage, last, `${stage} / ${last}`);
    all.show(stage);
    heading.textContent = fill(words.here, { what });
    const net = sorter.value, here = stage === 0 && asks === beginning.text;
    map.classList.toggle("waiting", !net && !here);
    if (!net && !here) {
      sorter.tell();
      sorter.fetch();
      return fill(words.fetching, { size: SIZE });
    }
    const key = `${asks} ${Boolean(net)}`;
    if (known !== key) [known, seen] = [key, net ? run(net, asks) : begin(beginning)];
    const rows = seen.rows.map((_, at) => values(seen, STAGES[stage], at));
    map.show({ rows, name, letters: seen.letters, row, column });
    const told = fill(words.colours, { most: readable(largest(rows, name)) });
    colours.textContent = firstTrained(name) ? `${told} ${fill(words.pale, { last: TRAINED - 1 })}` : told;
    return [
      fill(words.read, { text: asks, answer: seen.letters.slice(ASKED) }),
      fill(words.where, { stage, stages: last, what }),
      `${placeOf(name, row, column, seen.letters, words)} ${madeOf(seen, STAGES[stage], row, column, words)}`,
    ].join("\n");
  };
}

/** @param {number} stage */
function widthOf(stage) {
  const [, name] = STAGES[stage];
  if (LOOKS.includes(name)) return HEADS * POSITIONS;
  if (NEXT.includes(name)) return LETTERS.length;
  return name === "mlp_hidden" ? 4 * WIDTH : WIDTH;
}

export default picture(build);
