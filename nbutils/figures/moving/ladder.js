// Ways to train faster, on or off, as they were measured; and the chip's limit. The same numbers as in ladder.py.
import { Sentence, bar, button, change, choice, count, element, fill, percent, picture, readable, tick, whole } from "./shared.js";

/** @import { Parts } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/ladder.json")} Words */

/**
 * @typedef {object} Machine
 * @property {string} name
 * @property {string} date
 * @property {string} torch
 * @property {number} layers
 * @property {number} width
 * @property {number} windows in a plain batch
 * @property {number} length tokens in a window
 * @property {number} peak FLOPs a second
 * @property {number} flops of a token
 * @property {(number | null)[]} speeds tokens a second of each combination, null where none was measured
 */
/**
 * @typedef {object} State
 * @property {Machine[]} machines
 * @property {number} machine its place
 * @property {number} on a bit for each way, the first one's the lowest
 * @property {[way: number, times: number]} larger which way enlarges batches, and how many times
 */

/**
 * How many times as fast each way makes the step beside the others that are on; null where it is not known.
 * @param {(number | null)[]} speeds
 * @param {number} on
 * @param {number} ways how many there are
 */
function brings(speeds, on, ways) {
  return Array.from({ length: ways }, (_, i) => {
    const [withIt, without] = [speeds[on | (1 << i)], speeds[on & ~(1 << i)]];
    return withIt && without ? withIt / without : null;
  });
}

/**
 * The largest factor, or its inverse, that a way has anywhere: the end of all their bars.
 * @param {(number | null)[]} speeds
 * @param {number} ways
 */
function farthest(speeds, ways) {
  const factors = speeds.flatMap((_, on) => brings(speeds, on, ways)).map((times) => Math.abs(Math.log(times ?? 1)));
  return Math.max(Math.log(1.1), ...factors);
}

/**
 * A rung: its tick, a bar to the right of ×1 where it makes the step faster, to the left where slower.
 * @param {string} name
 * @param {(on: boolean) => void} onInput
 * @param {Words} words
 */
function rung(name, onInput, words) {
  const box = tick(name, onInput), input = /** @type {HTMLInputElement} */ (box.querySelector("input"));
  const fill_ = element("span", { class: "fill" }), value = element("span", { class: "value" });
  const row = element("div", { class: "rung" }, box, element("span", { class: "track" }, fill_), value);
  /** @type {(on: boolean, times: number | null, end: number) => void} */
  const show = (on, times, end) => {
    box.show(on);
    row.classList.toggle("on", on);
    input.disabled = times === null;
    const half = (50 * Math.abs(Math.log(times ?? 1))) / end, slower = times !== null && times < 1;
    fill_.style.cssText = `width: ${half}%; left: ${slower ? 50 - half : 50}%`;
    fill_.classList.toggle("slower", slower);
    value.textContent = times === null ? words.unknown : fill(words.times, { times: readable(times) });
    if (times === null) delete value.dataset.value;
    else value.dataset.value = String(times);
  };
  return Object.assign(row, { show });
}

/**
 * The plain step's bar and this one's, each in ms for 1,000 tokens; of this one, what the products need at the limit.
 * @param {number} plain
 * @param {number} now
 * @param {number} least
 * @param {number} longest
 * @param {Words} words
 */
function bars(plain, now, least, longest, words) {
  /** @type {(name: string, ms: number) => HTMLElement} */
  const row = (name, ms) => {
    const made = bar(name, ms / longest, fill(words.ms, { ms: readable(ms) }), "line");
    made.dataset.value = String(ms);
    return made;
  };
  const made = [row(words.plain, plain), row(words.now, now)];
  const part = element("span", { class: "least", style: `width: ${(100 * least) / longest}%` });
  part.dataset.value = String(least);
  made[1].querySelector(".track")?.append(part);
  return made;
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words }) {
  const machines = model.get("machines"), ways = words.ways.length;
  const ends = machines.map(({ speeds }) => farthest(speeds, ways));
  /** @param {(number | null)[]} speeds */
  const fastest = (speeds) => speeds.indexOf(Math.max(...speeds.map((speed) => speed ?? 0)));
  const which = choice(words.machine, Object.fromEntries(machines.map(({ name }, i) => [String(i), name])),
    (i) => change(model, machines[Number(i)].speeds[model.get("on")] ? { machine: Number(i) } : { on: 0, machine: Number(i) }));
  const rungs = words.ways.map((name, i) => rung(name, (on) => {
    const before = model.get("on");
    change(model, { on: on ? before | (1 << i) : before & ~(1 << i) });
  }, words));
  const buttons = element("div", { class: "stepper" }, button(words.plain, () => change(model, { on: 0 })),
    button(words.fastest, () => change(model, { on: fastest(machines[model.get("machine")].speeds) }), "main"));
  const all = element("div", { class: "rungs", role: "group", "aria-label": words.title }, ...rungs);
  const steps = element("div", { class: "bars steps" });
  which.hidden = machines.length < 2;
  root.append(element("div", { class: "controls" }, which, all, buttons), steps, element("p", { class: "quiet" }, words.key));

  return () => {
    const at = whole(model, "machine", 0, machines.length - 1), on = whole(model, "on", 0, 2 ** ways - 1);
    const machine = machines[at], { speeds } = machine, speed = speeds[on], plain = speeds[0];
    which.list.value = String(at);
    if (!speed || !plain) throw new Sentence(fill(words.unmeasured, { machine: machine.name }));
    const brought = brings(speeds, on, ways), used = (machine.flops * speed) / machine.peak;
    rungs.forEach((one, i) => one.show(Boolean(on & (1 << i)), brought[i], ends[at]));
    const slowest = Math.min(...speeds.map((one) => one ?? Infinity));
    steps.replaceChildren(...bars(1e6 / plain, 1e6 / speed, (1e6 / speed) * used, 1e6 / slowest, words));
    const [batch, times] = model.get("larger"), tokens = machine.windows * machine.length * (on & (1 << batch) ? times : 1);
    return sentence(machine, on, { tokens, speed, plain, used }, brought, words);
  };
}

/**
 * @param {Machine} machine
 * @param {number} on
 * @param {{ tokens: number, speed: number, plain: number, used: number }} step tokens of an update; used: share of the limit
 * @param {(number | null)[]} brought
 * @param {Words} words
 */
function sentence(machine, on, { tokens, speed, plain, used }, brought, words) {
  const now = 1e6 / speed;
  const off = brought.map((times, i) => (on & (1 << i) ? 0 : times ?? 0)), most = Math.max(...off);
  const count_ = words.ways.filter((_, i) => on & (1 << i)).length;
  return [
    fill(words.step, { on: count_, all: words.ways.length, tokens: count(tokens), update: readable((1e3 * tokens) / speed),
      now: readable(now), times: readable(speed / plain) }),
    fill(words.limit, { least: readable(now * used), used: percent(used), unused: percent(1 - used) }),
    most > 1 ? fill(words.next, { way: words.ways[off.indexOf(most)], times: readable(most) }) : words.done,
    fill(words.where, { ...machine }),
  ].join(" ");
}

export default picture(build);
