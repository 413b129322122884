// What a run will need, before it is paid for; as plan.py says it, by the formulas of planning.js.
import { lossByLaw, parameters, price, shardedMemory, trainingFlops, trainingMemory, trainingTime } from "./planning.js";
import {
  SECONDS, Sentence, THOUSANDS, change, choice, count, element, fill, flag, inUnits, percent, picture, readable, slider, sum, tick,
} from "./shared.js";

/** @import { Law, Parts, RunMemory } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/plan.json")} Words */

/** @typedef {{ layers: number, width: number, tokens: number, windows: number, chips: number, utilisation: number, dollars: number }} Chosen */
/** @typedef {Chosen & { chip: string, short: boolean, sharded: boolean }} Asked */
/** @typedef {[short: number, long: number | null, memory: number]} Kind FLOPs a second in 16 bits and in 32, bytes */
/**
 * @typedef {object} Own
 * @property {Record<keyof Chosen, number[]>} choices what each slider goes through
 * @property {Record<string, Kind>} kinds of chips
 * @property {Law} law
 * @property {{ n: [number, number], d: [number, number] }} known where the law was measured
 * @property {number} full the share of a memory that a plan may fill
 * @property {number} rule tokens for each parameter
 * @property {{ vocabulary: number, context: number }} shape
 */
/** @typedef {Asked & Own} State */
/** @typedef {{ n: number, flops: number, seconds: number, dollars: number, loss: number | null }} Needs */

/** @type {(keyof RunMemory)[]} */
const PARTS = ["weights", "gradients", "optimizer", "copies", "activations", "logits"];
/** @type {(keyof Chosen)[]} */
const NETWORK = ["layers", "width", "tokens", "windows"], MACHINES = /** @type {(keyof Chosen)[]} */ (["chips", "utilisation", "dollars"]);
const SLIDERS = [...NETWORK, ...MACHINES];
const COLOURS = ["mark", "rise", "target", "fall", "tint-0", "tint-3"];

/**
 * What the state asks for; what can't be chosen is a sentence.
 * @param {Parts<Words, State>["model"]} model
 * @param {Words} words
 * @returns {Asked}
 */
function asked(model, words) {
  const choices = model.get("choices"), chip = model.get("chip"), kinds = model.get("kinds");
  const numbers = /** @type {Chosen} */ (Object.fromEntries(SLIDERS.map((name) => {
    const value = model.get(name);
    if (choices[name].includes(value)) return [name, value];
    throw new Sentence(fill(words.choice, { name, value: String(value).slice(0, 60).toWellFormed(), those: choices[name].join(", ") }));
  })));
  if (!Object.hasOwn(kinds, chip)) throw new Sentence(fill(words.no_chip, { chip: String(chip).slice(0, 60).toWellFormed() }));
  const found = { ...numbers, chip, short: flag(model, "short"), sharded: flag(model, "sharded") };
  if (!found.short && !kinds[chip][1]) throw new Sentence(fill(words.no_peak, { chip }));
  return found;
}

/**
 * What such a run needs, and the bytes on each chip.
 * @param {Asked} plan
 * @param {Own} own
 * @returns {{ needs: Needs, memory: RunMemory }}
 */
export function planned(plan, { kinds, law, known, shape }) {
  const network = { ...shape, layers: plan.layers, width: plan.width, tied: true }, { chips, tokens, short } = plan;
  const n = sum(Object.values(parameters(network))), flops = tokens * trainingFlops(network);
  const peak = kinds[plan.chip][short ? 0 : 1] ?? NaN, seconds = trainingTime(flops, peak, plan.utilisation, chips);
  /** @type {(value: number, ends: [number, number]) => boolean} */
  const within = (value, [low, high]) => low <= value && value <= high;
  const loss = within(n, known.n) && within(tokens, known.d) ? lossByLaw(law, n, tokens) : null;
  const memory = plan.sharded && chips > 1 ? shardedMemory(network, plan.windows, chips, short) : trainingMemory(network, plan.windows, short);
  return { needs: { n, flops, seconds, dollars: price(seconds, chips, plan.dollars), loss }, memory };
}

/**
 * A large number with three digits that matter: 8.54 · 10¹⁸.
 * @param {number} value
 */
export function scientific(value) {
  const [digits, power] = value.toExponential(2).split("e+");
  return `${readable(Number(digits))} · 10${power.replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)])}`;
}

/**
 * The parts of the memory beside each other, with a mark where the chip's memory ends, and a list of them.
 * @param {Words} words
 */
function shelf(words) {
  const parts = words.parts.map((_, i) => element("span", { class: `part part-${i}`, style: `background: var(--${COLOURS[i]})` }));
  const end = element("span", { class: "end" }), note = element("p", { class: "quiet" });
  const values = words.parts.map((name, i) => {
    const value = element("b"), dot = element("span", { class: `dot part-${i}`, style: `background: var(--${COLOURS[i]})`, "aria-hidden": "true" });
    return { row: element("li", {}, dot, `${name} `, value), value };
  });
  const made = element("div", { class: "shelf" }, note, element("div", { class: "stack", "aria-hidden": "true" }, ...parts, end),
    element("ul", {}, ...values.map(({ row }) => row)));
  /** @type {(memory: RunMemory, room: number, chip: string) => void} */
  const show = (memory, room, chip) => {
    const whole = Math.max(room, sum(Object.values(memory))), left = room / whole;
    PARTS.forEach((name, i) => {
      parts[i].style.width = `${(100 * memory[name]) / whole}%`;
      values[i].value.textContent = inUnits(memory[name], THOUSANDS, words.bytes);
      values[i].row.dataset.value = String(memory[name]);
    });
    end.style.left = `${100 * left}%`;
    note.textContent = fill(words.shelf, { chip, memory: inUnits(room, THOUSANDS, words.bytes) });
    made.classList.toggle("over", left < 1);
  };
  return Object.assign(made, { show });
}

/**
 * A slider over a list of values.
 * @param {Parts<Words, State>["model"]} model
 * @param {keyof Chosen} name
 * @param {string} label
 * @param {(value: number) => string} shown
 */
function ranged(model, name, label, shown) {
  const values = model.get("choices")[name];
  const made = slider(label, (i) => change(model, /** @type {Partial<State>} */ ({ [name]: values[i] })));
  /** @param {number} value */
  const put = (value) => made.show(Math.max(0, values.indexOf(value)), values.length - 1, shown(value));
  return Object.assign(made, { put });
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words }) {
  const kinds = model.get("kinds");
  /** @type {Record<string, (value: number) => string>} */
  const shown = { tokens: (value) => inUnits(value, THOUSANDS, words.amounts), utilisation: (value) => percent(value),
    dollars: (value) => fill(words.money, { dollars: readable(value) }) };
  /** @param {keyof Chosen} name */
  const made = (name) => ranged(model, name, words.sliders[SLIDERS.indexOf(name)], shown[name] ?? count);
  const sliders = { network: NETWORK.map(made), machines: MACHINES.map(made) };
  const chip = choice(words.chip, Object.fromEntries(Object.keys(kinds).map((name) => [name, name])),
    (name) => change(model, kinds[name][1] ? { chip: name } : { short: true, chip: name }));
  const short = tick(words.short, (on) => change(model, { short: on })), sharded = tick(words.sharded, (on) => change(model, { sharded: on }));
  const boxes = [short, sharded].map((box) => /** @type {HTMLInputElement} */ (box.querySelector("input")));
  const group = (/** @type {string} */ name, /** @type {HTMLElement[]} */ ...inside) =>
    element("fieldset", {}, element("legend", {}, name), ...inside);
  const memory = shelf(words), list = element("dl", { class: "needs" });
  root.append(element("div", { class: "controls planned" }, group(words.network, ...sliders.network, short),
    group(words.machines, chip, ...sliders.machines, sharded)), memory, list);

  return () => {
    const plan = asked(model, words), [, long, room] = kinds[plan.chip], own = /** @type {Own} */ (/** @type {unknown} */ ({
      kinds, law: model.get("law"), known: model.get("known"), shape: model.get("shape") }));
    const { needs, memory: bytes } = planned(plan, own);
    NETWORK.forEach((name, i) => sliders.network[i].put(plan[name]));
    MACHINES.forEach((name, i) => sliders.machines[i].put(plan[name]));
    chip.list.value = plan.chip;
    short.show(plan.short);
    sharded.show(plan.sharded);
    [boxes[0].disabled, boxes[1].disabled] = [long === null, plan.chips === 1];
    memory.show(bytes, room, plan.chip);
    list.replaceChildren(...rows(needs, words));
    return sentence(plan, needs, bytes, room, { full: model.get("full"), rule: model.get("rule") }, words);
  };
}

/**
 * @param {Needs} needs
 * @param {Words} words
 */
function rows({ n, flops, seconds, dollars, loss }, words) {
  /** @type {(name: string, value: number | null, told: string) => HTMLElement} */
  const row = (name, value, told) => element("div", {}, element("dt", {}, name), element("dd", { "data-value": value }, element("b", {}, told)));
  const [parameters, work, time, money, learned] = words.needs;
  return [
    row(parameters, n, inUnits(n, THOUSANDS, words.amounts)), row(work, flops, scientific(flops)),
    row(time, seconds, inUnits(seconds, SECONDS, words.times)), row(money, dollars, fill(words.money, { dollars: readable(dollars) })),
    row(learned, loss, loss === null ? words.nobody : readable(loss)),
  ];
}

/**
 * @param {Asked} plan
 * @param {Needs} needs
 * @param {RunMemory} bytes
 * @param {number} room
 * @param {{ full: number, rule: number }} rules
 * @param {Words} words
 */
function sentence(plan, { n, flops, seconds, dollars, loss }, bytes, room, { full, rule }, words) {
  const total = sum(Object.values(bytes)), { chip, tokens } = plan, ratio = readable(tokens / n);
  const largest = PARTS.reduce((most, name) => (bytes[name] > bytes[most] ? name : most));
  return [
    fill(words.work, { n: inUnits(n, THOUSANDS, words.amounts), d: inUnits(tokens, THOUSANDS, words.amounts),
      flops: scientific(flops), times: readable(flops / (6 * n * tokens)) }),
    fill(words.run, { chips: count(plan.chips), chip, share: percent(plan.utilisation), time: inUnits(seconds, SECONDS, words.times),
      price: readable(dollars) }),
    fill(total > room ? words.over : total > full * room ? words.tight : words.fits, { total: inUnits(total, THOUSANDS, words.bytes),
      memory: inUnits(room, THOUSANDS, words.bytes), chip, part: words.parts[PARTS.indexOf(largest)],
      share: percent(bytes[largest] / total) }),
    loss === null ? fill(words.unknown, { ratio, rule }) : fill(words.loss, { ratio, rule, loss: readable(loss) }),
  ].join(" ");
}

export default picture(build);
