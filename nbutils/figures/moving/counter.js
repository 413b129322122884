// What a GPT of any shape has and needs: the formulas of nbutils/planning.py, as counter.py uses them.
import { Sentence, bar, change, count, element, fill, percent, picture, readable, sum } from "./shared.js";

/** @import { Parts } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/counter.json")} Words */

/** @typedef {{ layers: number, width: number, heads: number, vocabulary: number, context: number }} Sizes */
/** @typedef {Sizes & { tied: boolean }} Shape */
/** @typedef {Record<"tokens" | "positions" | "attention" | "mlp" | "norms" | "head", number>} Parameters */
/**
 * @typedef {object} State
 * @property {Shape} shape a field in which nothing is typed is null
 * @property {number} billions tokens to train on
 * @property {string} chip
 * @property {Record<string, Shape>} presets
 * @property {Record<string, [operations: number, bytes: number]>} chips operations a second, memory
 * @property {Sizes & { billions: number }} most
 * @property {number} utilisation from 0 to 1
 */
/** @typedef {HTMLElement & { show: (value: number, step: number) => void }} NumberField */
/**
 * @typedef {object} Counted
 * @property {number} train bytes
 * @property {number} run bytes
 * @property {number} operations of a token in training
 * @property {number} forward operations of a token in writing
 * @property {number} seconds to train
 */

/** @type {(keyof Sizes)[]} */
const NUMBERS = ["layers", "width", "heads", "vocabulary", "context"];
const COLOURS = ["mark", "mark", "target", "rise", "quiet", "mark"];
const THOUSANDS = [1, 1e3, 1e6, 1e9, 1e12, 1e15], SECONDS = [1, 60, 3600, 86400, 31557600];
const FP32_BYTES = 4, BF16_BYTES = 2; // as in planning.py

/**
 * planning.parameters
 * @param {Shape} shape
 * @returns {Parameters}
 */
function parameters({ layers: L, width: C, vocabulary: V, context: T, tied }) {
  return { tokens: V * C, positions: T * C, attention: L * (4 * C * C + 4 * C), mlp: L * (8 * C * C + 5 * C),
    norms: (2 * L + 1) * 2 * C, head: tied ? 0 : V * C };
}

/**
 * planning.training_flops for one token of a full context
 * @param {Shape} shape
 */
function trainingFlops({ layers: L, width: C, vocabulary: V, context: T }) {
  return 6 * (12 * L * C * C + V * C) + 12 * L * C * T;
}

/**
 * planning.peak_memory of planning.training_memory for one text, in bfloat16 on a GPU
 * @param {Shape} shape
 */
function trainingMemory(shape) {
  const { layers: L, width: C, vocabulary: V, context: T } = shape, weights = FP32_BYTES * sum(Object.values(parameters(shape)));
  const copies = BF16_BYTES * (12 * L * C * C + V * C), optimizer = 2 * weights;
  const activations = T * (36 * C * L + (FP32_BYTES + BF16_BYTES) * C), logits = T * 3 * FP32_BYTES * V;
  return Math.max(weights + optimizer + copies + activations + logits, 2 * weights + optimizer);
}

/**
 * planning.inference_memory
 * @param {Shape} shape
 */
function inferenceMemory(shape) {
  return BF16_BYTES * sum(Object.values(parameters(shape))) + BF16_BYTES * 2 * shape.layers * shape.width * shape.context;
}

/**
 * A value in the largest of the units that it reaches, else in the first.
 * @param {number} value
 * @param {number[]} sizes
 * @param {string[]} names
 */
function inUnits(value, sizes, names) {
  const at = Math.max(0, sizes.findLastIndex((size) => value >= size));
  return `${readable(value / sizes[at])} ${names[at]}`.trim();
}

/**
 * @param {number} value null while nothing is typed
 * @param {keyof Sizes | "billions"} name
 * @param {number} most
 * @param {Words} words
 */
function check(value, name, most, words) {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new Sentence(fill(value === null ? words.empty : words.number, { name: words[name], value, most: count(most) }));
}

/**
 * @param {Shape} shape
 * @param {Sizes} most
 * @param {Words} words
 */
function checkShape(shape, most, words) {
  for (const name of NUMBERS) check(shape?.[name], name, most[name], words);
  const { heads, width } = shape;
  if (width % heads === 0) return;
  /** @param {number} number */
  const divides = (number) => width % number === 0;
  let [a, b] = [Math.min(heads, width), heads];
  while (!divides(a)) a--;
  while (b < width && !divides(b)) b++;
  const two = b < width || (b === width && heads < width);
  throw new Sentence(fill(two ? words.unequal_two : words.unequal, { heads, width, a, b }));
}

/**
 * A named list to choose from; options: value -> words.
 * @param {string} name
 * @param {Record<string, string>} options
 * @param {(value: string) => void} onInput
 */
function choice(name, options, onInput) {
  /** @type {HTMLSelectElement} */
  const list = element("select", { "aria-label": name, change: () => onInput(list.value) },
    ...Object.entries(options).map(([value, words]) => element("option", { value }, words)));
  const row = element("label", { class: "control wide" }, element("span", {}, name), list);
  return Object.assign(row, { list });
}

/**
 * A named whole number; null while what is typed is none.
 * @param {string} name
 * @param {number} most
 * @param {(value: any) => void} onInput
 * @returns {NumberField}
 */
function numberField(name, most, onInput) {
  /** @type {HTMLInputElement} */
  const input = element("input", { type: "number", inputmode: "numeric", max: most,
    input: () => onInput(input.value === "" ? null : Number(input.value)) });
  const field = element("label", {}, element("span", {}, name), input);
  /** @type {NumberField["show"]} */
  const show = (value, step) => {
    input.step = String(step); // of the arrow keys
    if (Number.isFinite(value) && (input.value === "" || Number(input.value) !== value)) input.value = String(value);
  };
  return Object.assign(field, { show });
}

/**
 * @param {Shape} a
 * @param {Shape} b
 */
function sameShape(a, b) {
  return Boolean(a && b) && a.tied === b.tied && NUMBERS.every((name) => a[name] === b[name]);
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words }) {
  const presets = model.get("presets"), chips = model.get("chips"), most = model.get("most");
  /** @param {string[]} names */
  const named = (names) => Object.fromEntries(names.map((name) => [name, name]));
  const network = choice(words.network, { ...named(Object.keys(presets)), "": words.own },
    (name) => name && change(model, { shape: { ...presets[name] } }));
  const chip = choice(words.chip, named(Object.keys(chips)), (name) => change(model, { chip: name }));
  const fields = NUMBERS.map((name) => numberField(words[name], most[name],
    (value) => change(model, { shape: { ...model.get("shape"), [name]: value } })));
  const billions = numberField(words.billions, most.billions, (value) => change(model, { billions: value }));
  const group = element("fieldset", { class: "numbers" }, element("legend", {}, words.shape), ...fields, billions);
  const bars = element("div", { class: "bars counted" }), needs = element("dl", { class: "needs" });
  network.list.options[network.list.length - 1].hidden = true; // nobody chooses it: whoever types numbers has it
  root.append(element("div", { class: "controls" }, element("div", { class: "choices" }, network, chip), group),
    element("p", { class: "quiet" }, words.parameters), bars, needs);

  return () => {
    const shape = model.get("shape"), name = model.get("chip");
    network.list.value = Object.keys(presets).find((one) => sameShape(presets[one], shape)) ?? "";
    chip.list.value = name;
    const heads = shape?.heads, steps = [1, Number.isInteger(heads) && heads > 0 ? heads : 1, 1, 1000, 128];
    fields.forEach((field, i) => field.show(shape?.[NUMBERS[i]], steps[i]));
    billions.show(model.get("billions"), 1);
    checkShape(shape, most, words);
    check(model.get("billions"), "billions", most.billions, words);
    if (!Object.hasOwn(chips, name)) throw new Sentence(fill(words.no_chip, { chip: name }));
    const parts = parameters(shape), total = sum(Object.values(parts)), work = trainingFlops(shape);
    const counted = { train: trainingMemory(shape), run: inferenceMemory(shape), operations: work, forward: work / 3,
      seconds: (work * (model.get("billions") * 1e9)) / (chips[name][0] * model.get("utilisation")) };
    const each = /** @type {(keyof Parameters)[]} */ (Object.keys(parts));
    bars.replaceChildren(...each.map((part, i) => partBar(words[part], parts[part], total, COLOURS[i])));
    /** @type {HTMLElement} */ (bars.lastChild).hidden = shape.tied; // the head is the token table once more
    needs.replaceChildren(...rows(words, counted, name, model.get("utilisation")));
    return sentence(words, parts.mlp / total, total, counted, name, chips[name][1], model.get("billions"));
  };
}

/**
 * @param {string} name
 * @param {number} number
 * @param {number} total
 * @param {string} colour
 */
function partBar(name, number, total, colour) {
  const row = bar(name, number / total, count(number), colour);
  row.dataset.value = String(number);
  return row;
}

/**
 * The table of what it needs.
 * @param {Words} words
 * @param {Counted} counted
 * @param {string} chip
 * @param {number} utilisation
 */
function rows(words, { train, run, operations, forward, seconds }, chip, utilisation) {
  /** @param {number} value */
  const amount = (value) => inUnits(value, THOUSANDS, words.amounts);
  /** @type {(value: number, shown: string, note: string) => Element} */
  const need = (value, shown, note) =>
    element("dd", { "data-value": value }, element("b", {}, shown), " ", element("span", { class: "quiet" }, note));
  /** @type {(name: string, ...needed: Element[]) => Element} */
  const named = (name, ...needed) => element("div", {}, element("dt", {}, name), ...needed);
  return [
    named(words.train, need(train, inUnits(train, THOUSANDS, words.bytes), words.trainNote)),
    named(words.run, need(run, inUnits(run, THOUSANDS, words.bytes), words.runNote)),
    named(words.operations, need(operations, amount(operations), words.trainedNote),
      need(forward, amount(forward), words.forwardNote)),
    named(words.time, need(seconds, inUnits(seconds, SECONDS, words.times),
      fill(words.timeNote, { chip, share: percent(utilisation) }))),
  ];
}

/**
 * @param {Words} words
 * @param {number} share of the MLPs
 * @param {number} total
 * @param {Counted} counted
 * @param {string} chip
 * @param {number} memory of the chip, in bytes
 * @param {number} billions
 */
function sentence(words, share, total, { train, run, seconds }, chip, memory, billions) {
  const chips = Math.ceil(train / memory);
  const bytes = { train: inUnits(train, THOUSANDS, words.bytes), run: inUnits(run, THOUSANDS, words.bytes) };
  return [
    fill(words.said, { total: count(total), share: percent(share) }),
    fill(chips === 1 ? words.one : words.many, { ...bytes, chip, chips: count(chips) }),
    fill(words.computes, { billions: count(billions), chip, time: inUnits(seconds, SECONDS, words.times) }),
  ].join(" ");
}

export default picture(build);
