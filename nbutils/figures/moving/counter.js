// What a GPT of any shape has and needs: the formulas of nbutils/planning.py, as counter.py uses them.
import { inferenceMemory, parameters, peakMemory, trainingFlops, trainingMemory, trainingTime } from "./planning.js";
import { SECONDS, Sentence, THOUSANDS, bar, change, choice, count, element, fill, inUnits, percent, picture, readable, sum } from "./shared.js";

/** @import { Parts } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/counter.json")} Words */

/** @typedef {{ layers: number, width: number, heads: number, vocabulary: number, context: number }} Sizes */
/** @typedef {Sizes & { tied: boolean }} Shape */
/** @typedef {import("./types").Parameters} Parameters */
/**
 * @typedef {object} State
 * @property {Shape} shape a field in which nothing is typed is null
 * @property {Shape | Record<string, never>} before the network that it is compared with; {} for none
 * @property {number} billions tokens to train on
 * @property {string} chip
 * @property {Record<string, Shape>} presets
 * @property {Record<string, [operations: number, bytes: number]>} chips operations a second, memory
 * @property {Sizes & { billions: number }} most
 * @property {number} utilisation from 0 to 1
 */
/** @typedef {HTMLElement & { show: (value: number, step: number) => void }} NumberField */
/** @typedef {Pick<State, "chip" | "chips" | "billions" | "utilisation">} Given */
/**
 * @typedef {object} Counted
 * @property {Parameters} parts
 * @property {number} total
 * @property {number} train bytes
 * @property {number} run bytes
 * @property {number} operations of a token in training
 * @property {number} forward operations of a token in writing
 * @property {number} seconds to train
 */

/** @type {(keyof Sizes)[]} */
const NUMBERS = ["layers", "width", "heads", "vocabulary", "context"];
const COLOURS = ["mark", "mark", "target", "rise", "quiet", "mark"];

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
 * @param {Shape | Record<string, never>} a
 * @param {Shape | Record<string, never>} b
 */
function sameShape(a, b) {
  return Boolean(a && b) && a.tied === b.tied && NUMBERS.every((name) => a[name] === b[name]);
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words, said }) {
  const presets = model.get("presets"), chips = model.get("chips"), most = model.get("most");
  /** @param {Shape | Record<string, never>} shape */
  const presetOf = (shape) => Object.keys(presets).find((one) => sameShape(presets[one], shape));
  /** @param {Shape} shape the new one; while numbers are typed, the network that they began with stays beside it */
  const alter = (shape) => {
    const now = model.get("shape");
    change(model, { before: presetOf(now) ? { ...now } : model.get("before"), shape });
  };
  /** @param {string[]} names */
  const named = (names) => Object.fromEntries(names.map((name) => [name, name]));
  const network = choice(words.network, { ...named(Object.keys(presets)), "": words.own },
    (name) => name && alter({ ...presets[name] }));
  const chip = choice(words.chip, named(Object.keys(chips)), (name) => change(model, { chip: name }));
  const fields = NUMBERS.map((name) => numberField(words[name], most[name],
    (value) => alter({ ...model.get("shape"), [name]: value })));
  const billions = numberField(words.billions, most.billions, (value) => change(model, { billions: value }));
  const group = element("fieldset", { class: "numbers" }, element("legend", {}, words.shape), ...fields, billions);
  const title = element("p", { class: "quiet" }), bars = element("div", { class: "bars counted" }), needs = element("dl", { class: "needs" });
  network.list.options[network.list.length - 1].hidden = true; // nobody chooses it: whoever types numbers has it
  root.append(element("div", { class: "controls" }, element("div", { class: "choices" }, network, chip), group), title, bars, said, needs);

  return () => {
    const shape = model.get("shape"), name = model.get("chip");
    network.list.value = presetOf(shape) ?? "";
    chip.list.value = name;
    const heads = shape?.heads, steps = [1, Number.isInteger(heads) && heads > 0 ? heads : 1, 1, 1000, 128];
    fields.forEach((field, i) => field.show(shape?.[NUMBERS[i]], steps[i]));
    billions.show(model.get("billions"), 1);
    checkShape(shape, most, words);
    check(model.get("billions"), "billions", most.billions, words);
    if (!Object.hasOwn(chips, name)) throw new Sentence(fill(words.no_chip, { chip: name }));
    const given = { chip: name, chips, billions: model.get("billions"), utilisation: model.get("utilisation") };
    const now = counted(shape, given), earlier = model.get("before"), compare = earlier.layers !== undefined && !sameShape(earlier, shape);
    if (compare) checkShape(/** @type {Shape} */ (earlier), most, words);
    const before = compare ? counted(/** @type {Shape} */ (earlier), given) : null, longest = Math.max(now.total, before?.total ?? 0);
    const of = { name: presetOf(earlier) ?? words.earlier };
    title.textContent = before ? fill(words.beside, of) : words.parameters;
    bars.classList.toggle("two", before !== null);
    const each = /** @type {(keyof Parameters)[]} */ (Object.keys(now.parts));
    bars.replaceChildren(...each.map((part, i) => partBar(words[part], now.parts[part], before?.parts[part], longest, COLOURS[i])));
    /** @type {HTMLElement} */ (bars.lastChild).hidden = !now.parts.head && !before?.parts.head; // the token table once more
    needs.replaceChildren(...rows(words, now, before, given));
    return sentence(words, now, before, of.name, given);
  };
}

/**
 * All that the picture shows of a network.
 * @param {Shape} shape
 * @param {Given} given
 * @returns {Counted}
 */
function counted(shape, { chip, chips, billions, utilisation }) {
  const parts = parameters(shape), operations = trainingFlops(shape);
  return { parts, total: sum(Object.values(parts)), train: peakMemory(trainingMemory(shape, 1)), run: inferenceMemory(shape),
    operations, forward: operations / 3, seconds: trainingTime(operations * (billions * 1e9), chips[chip][0], utilisation) };
}

/**
 * A part of the network; above it, thin, the same part of the network that it is compared with.
 * @param {string} name
 * @param {number} number
 * @param {number | undefined} before
 * @param {number} most what fills the row
 * @param {string} colour
 */
function partBar(name, number, before, most, colour) {
  const row = bar(name, number / most, count(number), colour);
  row.dataset.value = String(number);
  if (before === undefined) return row;
  row.querySelector(".track")?.prepend(element("span", { class: "fill was", "data-before": before,
    style: `width: ${(100 * before) / most}%; background: var(--quiet)` }));
  row.querySelector(".value")?.prepend(element("span", { class: "quiet" }, count(before)));
  return row;
}

/**
 * The table of what it needs, and of what the other needed.
 * @param {Words} words
 * @param {Counted} now
 * @param {Counted | null} before
 * @param {Given} given
 */
function rows(words, now, before, { chip, utilisation }) {
  /** @typedef {"train" | "run" | "operations" | "forward" | "seconds"} Need */
  /** @param {Need} need */
  const shown = (need, value = now[need]) => need === "seconds" ? inUnits(value, SECONDS, words.times)
    : inUnits(value, THOUSANDS, need === "train" || need === "run" ? words.bytes : words.amounts);
  /** @type {(need: Need, note: string) => Element} */
  const line = (need, note) => element("dd", { "data-value": now[need] }, element("b", {}, shown(need)), " ",
    ...(before ? [element("span", { class: "was", "data-before": before[need] }, fill(words.was, { amount: shown(need, before[need]) })), " "] : []),
    element("span", { class: "quiet" }, note));
  /** @type {(name: string, ...lines: Element[]) => Element} */
  const named = (name, ...lines) => element("div", {}, element("dt", {}, name), ...lines);
  return [
    named(words.train, line("train", words.trainNote)),
    named(words.run, line("run", words.runNote)),
    named(words.operations, line("operations", words.trainedNote), line("forward", words.forwardNote)),
    named(words.time, line("seconds", fill(words.timeNote, { chip, share: percent(utilisation) }))),
  ];
}

/**
 * @param {Words} words
 * @param {Counted} now
 * @param {Counted | null} before
 * @param {string} name of the network before
 * @param {Given} given
 */
function sentence(words, { parts, total, train, run, seconds }, before, name, { chip, chips: all, billions }) {
  const chips = Math.ceil(train / all[chip][1]);
  const bytes = { train: inUnits(train, THOUSANDS, words.bytes), run: inUnits(run, THOUSANDS, words.bytes) };
  return [
    fill(words.said, { total: count(total), share: percent(parts.mlp / total) }),
    ...(before ? [fill(words.compared, { times: readable(total / before.total), before: count(before.total), name })] : []),
    fill(chips === 1 ? words.one : words.many, { ...bytes, chip, chips: count(chips) }),
    fill(words.computes, { billions: count(billions), chip, time: inUnits(seconds, SECONDS, words.times) }),
  ].join(" ");
}

export default picture(build);
