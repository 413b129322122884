// A GPT that is trained in the page. The engine that computes stands in engine/, and explains itself there.
import { beside } from "./beside.js";
import { losses } from "./losses.js";
import { BEGINNINGS, LONGEST, parameters } from "./settings.js";
import { Sentence, button, change, checkText, choice, count, element, fill, later, picture, readable, resource, textArea, turnOff } from "./shared.js";
import { asked, knobs, named } from "./train_knobs.js";
import { Life } from "./train_life.js";
import { ownNetwork } from "./train_own.js";
import { ownText } from "./train_text.js";
import { aboveOf, diagnosis, figures, following, progressTold, sayings } from "./train_view.js";

/** @import { Parts } from "./types" */
/** @import { Source } from "./engine/types" */
/** @typedef {import("./train_knobs.js").Asked} Asked */
/** @typedef {import("./train_own.js").Words & import("./train_view.js").Words} Words */
/** @typedef {import("./train_life.js").Next} Next */
/** @typedef {import("./train_life.js").Said} Said */
/** @typedef {import("./train_life.js").Told} Told */

/**
 * @typedef {object} Measured a run by a command of the course, and how fast each shape was
 * @property {string} chip
 * @property {Asked} asked
 * @property {[x: number, loss: number, floor: number][]} points
 * @property {Said[]} said
 * @property {Record<string, Next>} next by the beginning
 * @property {Record<string, number>} speeds tokens a second, by layers and width
 * @property {number} tokens of a document
 */
/** @typedef {Asked & { text: string, measured: Measured } & import("./beside.js").Beside} State */

const MOST_CHARACTERS = 400; // of the beginning, as in train.py

/** @param {Measured} measured @returns {Told} */
const told = ({ asked: made, points }) => ({ asked: made, seed: 0, until: made.seconds, stored: true,
  points: points.map(([x, loss, floor]) => ({ x, loss, floor })) });

/**
 * The buttons of a run.
 * @param {Life} life
 * @param {Words} words
 * @param {() => Asked} wanted
 * @param {(seed: number) => void} train
 */
function buttons(life, words, wanted, train) {
  const main = button(words.train, () => (life.busy ? life.stop() : train(life.seed)), "main");
  const goOn = button(words.goOn, () => life.goOn(wanted().seconds)), again = button(words.newSeed, () => train(life.seed + 1));
  const made = element("div", { class: "stepper" }, main, goOn, again);
  const show = () => {
    const { stage, diverged } = life, ended = stage === "done";
    main.textContent = life.busy ? words.stop : words.train;
    goOn.textContent = ended ? fill(words.goOnFor, { seconds: wanted().seconds }) : words.goOn;
    turnOff(goOn, diverged || (!ended && stage !== "stopped"));
    turnOff(again, stage === "none" || stage === "fetching" || stage === "starting");
  };
  return Object.assign(made, { show });
}

/**
 * The beginning that the bars follow: one of those given, or the reader's own.
 * @param {Parts<Words, State>} parts
 */
function beginnings({ model, words }) {
  const list = choice(words.beginning, Object.fromEntries([...words.beginnings.map((name, i) => [String(i), name]), ["", words.typed]]),
    (at) => at && change(model, { text: BEGINNINGS[Number(at)] }));
  const field = textArea(words.typedText, 2, (text) => change(model, { text }), { most: MOST_CHARACTERS, words });
  /** @param {string} text */
  const show = (text) => {
    const at = BEGINNINGS.indexOf(text);
    list.list.value = at < 0 ? "" : String(at);
    field.show(text);
  };
  return Object.assign(element("div", { class: "beginning" }, list, field), { show });
}

/**
 * What such a run will be, as train.py says it.
 * @param {Asked} state
 * @param {Measured} measured
 * @param {Words} words
 */
function plan(state, measured, words) {
  const n = parameters(state, state.data === "own" ? 1 : undefined), tokens = state.seconds * measured.speeds[`${state.layers}x${state.width}`], documents = tokens / measured.tokens;
  const said = [fill(words.plan, { parameters: count(n), optimizer: words.optimizers[state.optimizer === "muon" ? 0 : 1],
    rate: readable(state.rate), seconds: state.seconds })];
  if (state.data === "own") {
    said.push(fill(words.ownPlan, { width: state.width }));
  } else {
    said.push(fill(words.expected, { tokens: readable(tokens, 2), documents: readable(documents, 2), chip: measured.chip }));
    if (state.window < LONGEST) said.push(fill(words.narrow, { window: state.window }));
  }
  if (state.positions === "none") said.push(words.nowhere);
  return { numbers: [n, tokens, documents], said: said.join(" ") };
}

/**
 * Draws once in a frame what has changed, and ends the run of a picture that has gone from the page.
 * @param {HTMLElement} root
 * @param {() => void} draw
 * @param {() => void} end
 */
function inFrames(root, draw, end) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      if (root.isConnected) draw();
      else end();
    });
  };
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build(parts) {
  const { model, root, words } = parts, measured = model.get("measured"), stored = told(measured);
  const world = later(async () => JSON.parse(new TextDecoder().decode(await resource(model, "world"))), () => {});
  const own = ownText(words), curve = losses(words), seen = figures(words), says = sayings(words), bars = following(words);
  const progress = progressTold(words), failed = diagnosis(words), first = beginnings(parts), holds = element("p", { class: "quiet", role: "status" });
  const life = new Life(inFrames(root, () => live(), () => life.forget()), stored);
  const ofWorld = async () => {
    await world.fetch();
    world.tell();
    return world.value;
  };
  /** @returns {Promise<Source>} */
  const source = async () => (model.get("data") === "own" ? { kind: "text", text: own.text() } : { kind: "world", world: await ofWorld() });
  const wanted = () => asked(model, words), train = (/** @type {number} */ seed) => life.start(wanted(), seed, source, model.get("text"), becomes.from());
  const becomes = ownNetwork(model, life, words, ofWorld), choose = knobs(model, words, own), run = buttons(life, words, wanted, train);
  beside(model, source);
  root.classList.add("trainer");
  root.append(element("div", { class: "controls" }, choose, run, holds), parts.said, seen, progress, failed, curve,
    element("div", { class: "speaking" }, says, element("div", {}, first, bars)), becomes);
  root.addEventListener("restart", () => life.forget());
  Object.assign(root, { life }); // for the console and tests

  const live = () => {
    const state = wanted(), { now } = life, runs = now ? [now, ...life.earlier.filter((one) => one.asked.data === now.asked.data)] : [stored];
    const names = named(runs, words);
    run.show();
    becomes.show();
    seen.show(life);
    progress.show(life);
    failed.show(life);
    curve.show({ across: words.across, most: Math.max(...runs.map(({ until }) => until)), runs: runs.map((one, i) => ({
      name: names[i], points: one.points, quiet: i > 0 || !now, told: one.points.length ? aboveOf(one).toFixed(3) : "" })) });
    says.show(now ? life.said : measured.said, !now);
    bars.show(now ? life.next : measured.next[model.get("text")] ?? null);
    const differs = now && life.busy && Object.entries(state).some(([name, value]) => value !== /** @type {any} */ (now.asked)[name]);
    holds.textContent = differs ? words.holds : "";
  };
  return () => {
    const state = wanted(), text = model.get("text");
    if (typeof text !== "string") throw new Sentence(words.notBeginning);
    checkText(text, MOST_CHARACTERS, words);
    choose.show(state);
    first.show(text);
    life.follow(text);
    live();
    const { numbers, said } = plan(state, measured, words);
    root.dataset.numbers = JSON.stringify(numbers);
    return said;
  };
}

export default picture(build);
