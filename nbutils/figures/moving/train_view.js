// What is seen of a run while it learns: figures, what it says, and the bars of its next word.
import { barOf } from "./bars.js";
import { failure } from "./failures.js";
import { smoothed } from "./losses.js";
import { count, element, fill, percent, readable, visible } from "./shared.js";
import { named } from "./train_knobs.js";

/** @import { Row } from "./types" */
/** @import { Likely } from "./engine/types" */
/** @typedef {import("./train_knobs.js").Words & typeof import("../../words/en/pictures/failures.json")} Words */
/** @typedef {import("./train_life.js").Life} Life */
/** @typedef {import("./train_life.js").Next} Next */
/** @typedef {import("./train_life.js").Said} Said */
/** @typedef {import("./train_life.js").Told} Told */

const PATIENCE = 5000; // ms between two sentences for who hears the page
const WORD = /[\p{L}\p{N}]+/gu;
const AFTER = 80; // characters that are shown after an impossible word
const SOON = 1000; // ms between two looks for a failure
const SLOW = 150; // ms between two drawings of the figures: faster ones can't be read

/**
 * How far above the floor a run is, as `losses` draws it; the loss itself where nobody knows the floor.
 * @param {Told} run
 */
export const aboveOf = ({ points }) => smoothed(points.slice(-600)).at(-1) ?? NaN;

/** @param {number} nats */
const nats = (nats) => nats.toFixed(3);

/**
 * The newest run in figures.
 * @param {Words} words
 */
export function figures(words) {
  const values = words.figures.map(() => element("b")), names = words.figures.map((name) => element("span", {}, name));
  const how = element("p", { class: "quiet how" });
  const made = element("div", { class: "figures" }, ...values.map((value, i) => element("div", {}, value, names[i])));
  let drawn = -Infinity;
  /** @param {Life} life */
  const show = (life) => {
    const { now, last, ready } = life, at = performance.now();
    how.textContent = ready && life.run ? fill(words.how, { way: words.ways[ready.way], place: life.run.alone ? words.onPage : words.inWorker,
      parameters: count(ready.parameters) }) : "";
    if (at - drawn < SLOW && life.stage === "running") return;
    drawn = at;
    const told = now && last ? [nats(aboveOf(now)), words.shortSeconds.replace("{seconds}", String(Math.max(0, Math.round(now.until - last.seconds)))),
      readable(last.speed), life.stage === "running" ? percent(last.share, 2) : "–", readable(last.all)] : values.map((_, i) => (i || now ? "–" : nats(aboveOf(life.stored))));
    values.forEach((value, i) => { value.textContent = told[i]; });
    names[0].textContent = now?.asked.data === "own" ? words.lossFigure : words.figures[0];
  };
  return Object.assign(element("div", {}, made, how), { show });
}

/**
 * What it says: the newest document that it wrote at temperature 1, and how the world has judged each.
 * @param {Words} words
 */
export function sayings(words) {
  const head = element("p", { class: "quiet" }), verdicts = element("ol", { "aria-label": words.verdicts }), newest = element("p", { class: "newest" });
  /** @type {Said | undefined | null} */
  let shown = null;
  /** @type {(said: Said[], stored: boolean) => void} */
  const show = (said, stored) => {
    if (said[0] === shown) return;
    [shown] = said;
    const judged = said.filter(({ possible }) => possible !== null), good = judged.filter(({ possible }) => possible);
    head.textContent = fill(stored ? words.storedSays : judged.length ? words.saysJudged : words.says, { all: judged.length, good: good.length });
    verdicts.replaceChildren(...judged.map(({ seconds, text, possible, wrong }) => element("li", {}, fill(words.verdict,
      { seconds: Math.round(seconds), count: text.slice(0, wrong).match(WORD)?.length ?? 0, sign: possible ? words.yes : words.no }))).reverse());
    newest.replaceChildren(...(shown ? judgedText(shown, words) : []));
  };
  return Object.assign(element("div", { class: "sayings" }, head, verdicts, newest), { show });
}

/**
 * A document, with its first impossible word marked; little of what comes after that is shown.
 * @param {Said} said
 * @param {Words} words
 * @returns {(Node | string)[]}
 */
function judgedText({ text, possible, wrong }, words) {
  if (possible !== false) return [text, " ", element("b", {}, possible ? words.possible : "")];
  const [, space = "", word = ""] = /^(\s*)([\p{L}\p{N}]+|[^\s]|)/u.exec(text.slice(wrong)) ?? [];
  const rest = [...text.slice(wrong + space.length + word.length)], cut = rest.length > AFTER ? "…" : "";
  return [text.slice(0, wrong) + space, element("mark", {}, word || "…"), rest.slice(0, AFTER).join("") + cut, " ",
    element("b", {}, word ? words.impossible : words.unended)];
}

/**
 * What may follow the beginning.
 * @param {Words} words
 */
export function following(words) {
  const bars = element("div", { class: "bars" }), note = element("p", { class: "quiet", role: "status" });
  /** @param {Likely} one @returns {Row} */
  const row = ({ name, p, truth }) => [name === null ? words.ending : visible(name), p, p, truth];
  /** @param {Next | null} next */
  const show = (next) => {
    const known = next && "likely" in next ? next : null;
    bars.classList.toggle("unknown", !known);
    if (known) bars.replaceChildren(...[...known.likely, known.rest].map((one) => barOf(row(one), words)));
    else bars.replaceChildren();
    const told = !next ? words.noBars : "refused" in next ? fill(words[/** @type {"textLong"} */ (next.refused.key)], next.refused.values)
      : next.likely[0].truth === null ? words.noTruth : words.barsLegend;
    if (note.textContent !== told) note.textContent = told;
  };
  return Object.assign(element("div", {}, bars, note), { show });
}

/**
 * The well-known failure that is seen in the run, with what to do. It is said once: its numbers stay as they were then.
 * @param {Words} words
 */
export function diagnosis(words) {
  const made = element("p", { class: "diagnosis", role: "status" });
  let [key, at, stage] = ["", -Infinity, ""];
  /** @param {Life} life */
  const show = ({ now, history, stage: newest }) => {
    if (newest === stage && performance.now() - at < SOON) return;
    const found = now && now.asked.data === "world" ? failure(now.asked, history) : null;
    if (found?.key !== key || newest !== stage) {
      made.textContent = found ? fill(words[/** @type {"crawls"} */ (found.key)], found.values) : "";
      made.dataset.key = key = found?.key ?? "";
    }
    [stage, at] = [newest, performance.now()];
  };
  return Object.assign(made, { show });
}

/**
 * How it goes, in words: at once when something begins or ends, else every five seconds. Who can't see the curve hears it.
 * @param {Words} words
 */
export function progressTold(words) {
  const made = element("p", { class: "told", role: "status" });
  let [stage, at, said] = ["", -Infinity, 0];
  /** @param {Life} life */
  const show = (life) => {
    const now = performance.now(), newest = life.stage === "running" && !life.last ? "starting" : life.stage; // it runs when something is known
    const waits = stage === "running" ? now - at < PATIENCE : life.said.length === said; // the last words may come after the end
    if (newest === stage && waits) return;
    [stage, at, said] = [newest, now, life.said.length];
    made.textContent = sentence(life, words);
  };
  return Object.assign(made, { show });
}

/**
 * @param {Life} life
 * @param {Words} words
 */
function sentence(life, words) {
  const { now, last, failed, stored } = life;
  if (!now) return fill(words.untrained, { name: named([stored], words)[0], above: nats(aboveOf(stored)) });
  if (failed) return fill(words[/** @type {"ownEmpty"} */ (failed.key)] ?? failed.key, failed.values);
  const stage = life.diverged ? "diverged" : life.stage;
  const goes = fill(words.stages[/** @type {"running"} */ (stage)] ?? "", { seconds: Math.round(last?.seconds ?? 0), until: now.until });
  if (stage === "diverged") return goes;
  if (!last && (stage === "paused" || stage === "stopped")) return goes;
  if (!last) return stage === "fetching" && now.asked.data === "world" ? words.fetchingWorld : words.starting;
  const judged = life.said.filter(({ possible }) => possible !== null), { loss, floor } = last, [newest] = judged;
  const learned = Number.isNaN(floor) ? fill(words.learnedOwn, { loss: nats(aboveOf(now)) })
    : fill(words.learned, { above: nats(aboveOf(now)), loss: nats(loss), floor: nats(floor) });
  const said = newest ? ` ${fill(newest.possible ? words.saidPossible : words.saidImpossible, { good: judged.filter(({ possible }) => possible).length,
    all: judged.length })}` : "";
  return `${goes} ${learned}${said}`;
}
