// Two networks learn at once, side by side: who is ahead, and by what measure. As race.py says it.
import { losses } from "./losses.js";
import { CHOICES, KNOBS, Races, axis, measure, roundUp } from "./races.js";
import { SECONDS, VOCABULARY, parameters } from "./settings.js";
import { Sentence, button, change, choice, count, element, fill, picture, readable, slider, whole } from "./shared.js";
import { above, standing } from "./standings.js";

/** @import { CommonWords, Parts } from "./types" */
/** @typedef {import("./contest.js").Contest} Contest */
/** @typedef {import("./standings.js").By} By */
/** @typedef {import("./standings.js").Point} Point */
/** @typedef {import("./races.js").Asked} Asked */
/** @typedef {import("./races.js").Equal} Equal */
/** @typedef {import("./races.js").Raced} Raced */
/** @typedef {import("./races.js").Side} Side */
/** @typedef {typeof import("../../words/en/pictures/race.json") & CommonWords} Words */

/** A stored curve: seconds, tokens and nats above the floor of each stretch. */
/** @typedef {[seconds: number, tokens: number, above: number][]} Curve */
/** @typedef {{ ends: [number, number][], curves: [Curve, Curve] }} Stored ends: nats above the floor, for each seed; curves: the first seed's */
/**
 * @typedef {object} State
 * @property {Side} left
 * @property {Side} right
 * @property {Equal} equal
 * @property {number} seconds
 * @property {number} steps updates in place of the seconds; 0: by the clock
 * @property {Record<string, [Side, Side]>} pairs
 * @property {{ seconds: number, machine: string, date: string, races: Record<string, Record<Equal, Stored>> }} stored
 */
const COLOURS = ["mark", "target"], DIGITS = 2, MOST_UPDATES = 10_000;
const SAY = 5000; // ms between two things that a screen reader is told
const UNLIKE = 0.02; // shares of tokens read that differ by more are not equal
const LEVEL = 0.0005; // nats: less is no difference that the page would show

/**
 * What a knob's value is called.
 * @param {keyof Side} knob
 * @param {any} value
 * @param {Words} words
 */
function told(knob, value, words) {
  if (knob === "rate") return fill(words.rated, { rate: readable(value) });
  if (knob === "width") return fill(words.wide, { width: value });
  const names = { layers: words.layers, positions: words.positions, optimizer: words.optimizer };
  return names[knob][CHOICES[knob].indexOf(value)];
}

/**
 * What each side is called: by what it has and the other has not.
 * @param {[Side, Side]} sides
 * @param {Words} words
 * @returns {[string, string]}
 */
function namesOf([left, right], words) {
  const differ = KNOBS.filter((knob) => left[knob] !== right[knob]);
  if (!differ.length) return [words.sides[0], words.sides[1]];
  /** @param {Side} side */
  const name = (side) => differ.map((knob) => told(knob, side[knob], words)).join(", ");
  return [name(left), name(right)];
}

/** @param {unknown} value */
const shortened = (value) => String(value).slice(0, 60).toWellFormed();

/**
 * What the state asks for; what can't be chosen is a sentence.
 * @param {Parts<Words, State>["model"]} model
 * @param {Words} words
 * @returns {Asked}
 */
function asked(model, words) {
  /** @type {<T>(name: string, value: T, those: unknown[]) => T} */
  const one = (name, value, those) => {
    if (those.includes(value)) return value;
    throw new Sentence(fill(words.none, { name, value: shortened(value), those: those.join(", ") }));
  };
  const sides = /** @type {[Side, Side]} */ ((/** @type {const} */ (["left", "right"])).map((name, i) => {
    const side = model.get(name);
    if (Object.keys(side ?? {}).sort().join() !== [...KNOBS].sort().join()) throw new Sentence(fill(words.no_side, { name, those: KNOBS.join(", ") }));
    for (const knob of KNOBS) one(fill(words.ofSide, { knob: words.knobs[KNOBS.indexOf(knob)], side: words.sides[i] }), side[knob], CHOICES[knob]);
    return side;
  }));
  return { sides, equal: one("equal", model.get("equal"), ["time", "data"]), seconds: one("seconds", model.get("seconds"), SECONDS),
    steps: whole(model, "steps", 0, MOST_UPDATES), names: namesOf(sides, words) };
}

/**
 * Which of the pairs the sides are; -1: the reader's own.
 * @param {[Side, Side]} sides
 * @param {State["pairs"]} pairs
 */
function pairOf(sides, pairs) {
  return Object.values(pairs).findIndex((pair) => pair.every((side, i) => KNOBS.every((knob) => side[knob] === sides[i][knob])));
}

/**
 * Lists for the knobs of both sides, beside each other, with the parameters below.
 * @param {Parts<Words, State>} parts
 */
function bench({ model, words }) {
  const names = /** @type {("left" | "right")[]} */ (["left", "right"]);
  const rows = KNOBS.map((knob, k) => names.map((name, i) => {
    const label = fill(words.ofSide, { knob: words.knobs[k], side: words.sides[i] });
    /** @type {HTMLSelectElement} */
    const list = element("select", { "aria-label": label, change: () => change(model,
      /** @type {Partial<State>} */ ({ [name]: { ...model.get(name), [knob]: CHOICES[knob][list.selectedIndex] } })) },
      ...CHOICES[knob].map((value) => element("option", {}, told(knob, value, words))));
    return list;
  }));
  const counts = names.map(() => element("b"));
  const head = element("tr", {}, element("th", { scope: "col" }, words.knob), ...words.sides.map((side, i) =>
    element("th", { scope: "col", class: `side-${i}` }, side)));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {},
    ...rows.map((lists, k) => element("tr", {}, element("th", { scope: "row" }, words.knobs[k]), ...lists.map((list) => element("td", {}, list)))),
    element("tr", {}, element("th", { scope: "row" }, words.count), ...counts.map((made) => element("td", {}, made)))));
  /** @param {[Side, Side]} sides */
  const show = (sides) => sides.forEach((side, i) => {
    KNOBS.forEach((knob, k) => { rows[k][i].selectedIndex = CHOICES[knob].indexOf(side[knob]); });
    counts[i].textContent = count(parameters(side));
    counts[i].dataset.value = String(parameters(side));
  });
  const details = element("details", { class: "bench" }, element("summary", {}, words.change), table);
  return Object.assign(details, { show });
}

/**
 * Both sides' names and figures.
 * @param {Words} words
 */
function cards(words) {
  const made = COLOURS.map((_, i) => {
    const name = element("span", { class: "who" }), figure = element("b"), spent = element("small");
    return { card: element("div", { class: `runner side-${i}` }, name, figure, element("span", { class: "quiet" }, words.nats), spent), name, figure, spent };
  });
  /** @type {(names: [string, string], figures: ({ above: number, seconds: number, tokens: number } | null)[]) => void} */
  const show = (names, figures) => made.forEach(({ name, figure, spent }, i) => {
    const own = figures[i];
    name.textContent = names[i];
    figure.textContent = !own ? "–" : Number.isFinite(own.above) ? own.above.toFixed(3) : words.lost;
    spent.textContent = own ? fill(words.spent, { seconds: own.seconds.toFixed(1), tokens: count(own.tokens) }) : "";
  });
  return Object.assign(element("div", { class: "sides" }, ...made.map(({ card }) => card)), { show });
}

/**
 * Who is ahead at equal seconds and at equal tokens.
 * @param {Point[][]} both
 * @param {[string, string]} names
 * @param {Words} words
 */
function standings(both, names, words) {
  /** @type {(by: By, ahead: string, level: string, digits: (at: number) => string) => string} */
  const told = (by, ahead, level, digits) => {
    const now = standing(both, by);
    if (!now) return "";
    const values = { at: digits(now.at), name: names[now.gap > 0 ? 0 : 1], gap: readable(Math.abs(now.gap), DIGITS) };
    return fill(Math.abs(now.gap) < LEVEL || Number.isNaN(now.gap) ? level : ahead, values);
  };
  return [told("seconds", words.aheadSeconds, words.levelSeconds, (at) => at.toFixed(1)),
    told("tokens", words.aheadTokens, words.levelTokens, (at) => count(at))];
}

/**
 * How a race ended: who won; and what else there is to say.
 * @param {Raced} raced
 * @param {Words} words
 * @returns {[won: string, more: string]}
 */
function verdict({ asked: { names, equal }, contest, gaps }, words) {
  const both = contest?.sides.map(({ points }) => points) ?? [];
  if (!contest || (contest.state !== "done" && contest.state !== "stopped") || both.some((points) => !points.length)) return ["", ""];
  const [n, m] = both.map((points) => points[points.length - 1]);
  const ran = equal === "time" ? fill(words.read, { left: names[0], right: names[1], n: count(n.tokens), m: count(m.tokens) })
    : fill(words.took, { left: names[0], right: names[1], n: n.seconds.toFixed(1), m: m.seconds.toFixed(1) });
  const other = standing(both, "tokens"), unlike = Math.abs(Math.log(n.tokens / m.tokens)) > UNLIKE;
  const unfair = equal === "time" && unlike && other && Math.abs(other.gap) >= LEVEL ? fill(words.unfair,
    { at: count(other.at), name: names[other.gap > 0 ? 0 : 1], gap: readable(Math.abs(other.gap), DIGITS) }) : "";
  const counts = contest.state === "done" ? tally(gaps, names, words) : words.short;
  return [outcome(contest, measure({ equal }), names, words), [ran, unfair, counts].filter(Boolean).join(" ")];
}

/**
 * @param {Contest} contest
 * @param {By} by
 * @param {[string, string]} names
 * @param {Words} words
 */
function outcome({ sides }, by, names, words) {
  const lost = sides.findIndex((side) => side.lost);
  if (lost >= 0) return fill(words.strayed, { name: names[1 - lost] });
  const ends = sides.map(({ points }) => above(points, by)), gap = ends[1] - ends[0], won = gap > 0 ? 0 : 1;
  const [low, high] = [ends[won], ends[1 - won]].map((end) => readable(end, DIGITS)), blind = guessing(sides[won].points);
  if (ends[won] > blind) return fill(words.neither, { name: names[won], low, high, blind: readable(blind, DIGITS) });
  return Math.abs(gap) < LEVEL ? fill(words.drawn, { low }) : fill(words.won, { name: names[won], gap: readable(Math.abs(gap), DIGITS), low, high });
}

/**
 * Nats above the floor for who takes all words for equally likely: at more than that nothing was learned.
 * @param {Point[]} points
 */
function guessing(points) {
  const tokens = points[points.length - 1].tokens;
  return Math.log(VOCABULARY) - points.reduce((sum, { own, floor }) => sum + own * floor, 0) / tokens;
}

/**
 * How the races so far ended.
 * @param {number[]} gaps
 * @param {[string, string]} names
 * @param {Words} words
 */
function tally(gaps, names, words) {
  if (gaps.length < 2) return words.once;
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length, sign = mean > 0 ? 1 : -1, own = gaps.map((gap) => sign * gap);
  return fill(words.tally, { name: names[sign > 0 ? 0 : 1], wins: own.filter((gap) => gap > 0).length, count: gaps.length,
    gap: readable(Math.abs(mean), DIGITS), least: readable(Math.min(...own), DIGITS), most: readable(Math.max(...own), DIGITS) });
}

/**
 * What is drawn: the race of these settings, or the one that runs, or the one that was stored.
 * @param {Raced} raced
 * @param {Stored | undefined} stored
 * @param {number} seconds of the stored races
 * @param {Words} words
 */
function shown(raced, stored, seconds, words) {
  const { asked: { names, equal }, contest } = raced, by = measure(raced.asked);
  if (contest?.sides.some(({ points }) => points.length)) {
    const points = contest.sides.map((side) => side.points);
    const figures = points.map((own) => own.length ? { ...own[own.length - 1], above: above(own, by) } : null);
    return { names, figures, most: axis(raced), curves: points.map((own) => own.map(({ [by]: x, loss, floor }) => ({ x, loss, floor }))) };
  }
  const curves = stored && !contest ? stored.curves : [];
  const points = curves.map((curve) => curve.map(([spent, tokens, nats]) => ({ x: by === "seconds" ? spent : tokens, loss: nats, floor: 0 })));
  const figures = curves.map((curve, i) => ({ above: stored?.ends[0][i] ?? NaN, seconds: curve[curve.length - 1][0], tokens: curve[curve.length - 1][1] }));
  const told = /** @type {[string, string]} */ (names.map((name) => curves.length ? fill(words.stored, { name }) : name));
  const long = equal === "time" ? (curves.length ? seconds : raced.asked.seconds) : 0;
  const most = long || (curves.length ? roundUp(Math.max(...figures.map(({ tokens }) => tokens))) : 0);
  return { names: told, figures, most, curves: points };
}

/**
 * The sentence of the state: the two, what is equal, and how the stored races of them ended.
 * @param {Asked} asked
 * @param {Stored | undefined} stored
 * @param {State["stored"]} beforehand
 * @param {Words} words
 */
function sentence({ sides, names, equal, seconds, steps }, stored, beforehand, words) {
  const [n, m] = sides.map((side) => count(parameters(side)));
  const two = fill(words.two, { left: names[0], right: names[1], n, m });
  const length = steps ? fill(words.updates, { steps: count(steps) }) : fill(words[equal === "time" ? "by_time" : "by_data"], { seconds });
  if (!stored) return `${two} ${length} ${words.unraced}`;
  const { ends } = stored;
  /** @param {(end: [number, number]) => number} value */
  const mean = (value) => ends.reduce((sum, end) => sum + value(end), 0) / ends.length;
  const gap = mean(([left, right]) => right - left), [ahead, behind] = gap > 0 ? [0, 1] : [1, 0];
  return `${two} ${length} ${fill(words.raced, { count: ends.length, seconds: beforehand.seconds, machine: beforehand.machine, date: beforehand.date,
    name: names[ahead], wins: ends.filter((end) => end[ahead] < end[behind]).length, gap: readable(Math.abs(gap), DIGITS),
    low: readable(mean((end) => end[ahead]), DIGITS), high: readable(mean((end) => end[behind]), DIGITS) })}`;
}

/**
 * The controls above the race.
 * @param {Parts<Words, State>} parts
 * @param {() => void} press
 */
function controls({ model, words }, press) {
  const pairs = Object.values(model.get("pairs")), sides = bench(/** @type {any} */ ({ model, words }));
  const pick = choice(words.pick, Object.fromEntries(words.pairs.map((name, i) => [i, name])), (at) => {
    const pair = pairs[Number(at)];
    if (pair) return change(model, { left: { ...pair[0] }, right: { ...pair[1] } });
    sides.open = true; // their own: here it is made
    sides.querySelector("select")?.focus();
  });
  const equal = choice(words.equal, { time: words.kinds[0], data: words.kinds[1] }, (kind) => change(model, { equal: /** @type {Equal} */ (kind) }));
  const seconds = slider(words.seconds, (at) => change(model, { seconds: SECONDS[at] }));
  const question = element("p", { class: "quiet" }), go = button(words.start, press, "main");
  /** @param {Asked} asked */
  const show = (asked) => {
    const at = pairOf(asked.sides, model.get("pairs")), place = at < 0 ? pairs.length : at;
    pick.list.value = String(place);
    question.textContent = words.questions[place];
    equal.list.value = asked.equal;
    seconds.show(SECONDS.indexOf(asked.seconds), SECONDS.length - 1, String(asked.seconds));
    sides.show(asked.sides);
    return Object.keys(model.get("pairs"))[at];
  };
  const made = element("div", { class: "controls" }, pick, question, equal, seconds, sides, element("div", { class: "stepper" }, go));
  return Object.assign(made, { show, go });
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build(parts) {
  const { model, root, words } = parts, stored = model.get("stored");
  /** @type {Asked | null} */
  let wish = null;
  const races = new Races(parts, () => live());
  const top = controls(parts, () => wish && races.act(wish)), both = cards(words), curve = losses(words);
  const status = element("p", { class: "status", role: "status" }), result = element("p", { class: "result", role: "status" });
  const ahead = [element("p"), element("p")], spoken = element("p", { class: "unseen", "aria-live": "polite" });
  let saidAt = 0;
  root.classList.add("race");
  root.append(top, status, both, element("div", { class: "ahead" }, ...ahead), curve, result, spoken);
  root.addEventListener("restart", () => races.forget());
  Object.assign(root, { races }); // for the console, for tests, and for what stores races

  const live = () => {
    if (!wish) return;
    const { running, phase, failure } = races, raced = running ?? races.find(wish), pair = top.show(wish);
    const now = shown(raced, pair && !running ? stored.races[pair]?.[wish.equal] : undefined, stored.seconds, words);
    const { contest } = raced;
    top.go.textContent = running ? words.stop : raced.gaps.length ? words.anew : words.start;
    const [won, more] = verdict(raced, words);
    put(status, running ? doing(races, running !== races.find(wish), words) : failure ? fill(words.failed, { what: failure })
      : won || (now.figures.length ? words.before : words.unrun));
    both.show(now.names, now.figures);
    curve.show({ runs: now.curves.map((points, i) => ({ name: now.names[i], points, colour: COLOURS[i] })), most: now.most,
      across: wish.equal === "time" ? words.axisSeconds : words.axisTokens });
    const told = contest ? standings(contest.sides.map(({ points }) => points), raced.asked.names, words) : ["", ""];
    told.forEach((line, i) => put(ahead[i], line));
    put(result, more);
    if (running && phase === "running" && performance.now() - saidAt > SAY) {
      saidAt = performance.now();
      put(spoken, told.join(" "));
    }
  };
  return () => {
    wish = null;
    wish = asked(model, words);
    live();
    const pair = Object.keys(model.get("pairs"))[pairOf(wish.sides, model.get("pairs"))];
    return sentence(wish, pair ? stored.races[pair]?.[wish.equal] : undefined, stored, words);
  };
}

/**
 * What happens now.
 * @param {Races} races
 * @param {boolean} changed the settings are not those of the race any more
 * @param {Words} words
 */
function doing({ phase, running }, changed, words) {
  const contest = running?.contest, phases = { "": "", world: words.world, trial: words.trial, running: words.running };
  const now = contest?.paused ? words.paused : phase === "running" && contest?.alternate ? words.turns : phases[phase];
  return changed ? `${now} ${words.later}` : now;
}

/**
 * Only what differs is written: else a screen reader would say it again.
 * @param {HTMLElement} place
 * @param {string} text
 */
function put(place, text) {
  if (place.textContent !== text.trim()) place.textContent = text.trim();
}

export default picture(build);
