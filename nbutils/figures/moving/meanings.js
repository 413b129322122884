// A word's vector between the means of its two meanings, layer by layer: as in meanings.py.
import {
  bar, change, element, fill, percent, picture, slider, stepper, svg, whole,
} from "./shared.js";

/** @import { Parts } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/meanings.json")} Words */

/**
 * @typedef {object} State
 * @property {string} word
 * @property {string[]} kinds the two meanings
 * @property {number[]} groups of each place: 0, 1, or -1 for neither meaning
 * @property {string[]} people
 * @property {string[]} stages
 * @property {string[][]} texts shape (places, people)
 * @property {[token: string, p: number][][][]} says shape (places, people): what comes next
 * @property {number[][]} means shape (stages, 3): a·a, b·b, a·b of the two means
 * @property {number[][][][]} products shape (places, people, stages, 3): v·a, v·b, |v|
 * @property {number} place
 * @property {number} person
 * @property {number} stage
 */
/** @typedef {{ place: number, person: number, stage: number }} Chosen */

const SAME = 1e-6; // as _SAME in meanings.py
const COLOURS = ["mark", "target"], NEITHER = "quiet";
const WIDTH = 100, ROW = 44; // the drawing's own units across; pixels of a stage

/**
 * On the axis at each stage: the means are at -1 and 1, the middle at 0.
 * @param {number[][]} products shape (stages, 3)
 * @param {number[][]} means shape (stages, 3)
 * @returns {number[]} shape (stages,)
 */
function positionsOf(products, means) {
  return products.map(([va, vb], stage) => {
    const [aa, bb] = means[stage], square = squareOf(means[stage]);
    return square ? (2 * (vb - va - (bb - aa) / 2)) / square : 0;
  });
}

/**
 * Of the means' distance; 0 where it is too small for an axis.
 * @param {number[]} mean
 */
function squareOf([aa, bb, ab]) {
  const square = aa + bb - 2 * ab;
  return square > SAME * (aa + bb) ? square : 0;
}

/**
 * @param {number[][]} products shape (stages, 3)
 * @param {number[][]} means shape (stages, 3)
 */
function cosinesOf(products, means) {
  return products.map(([va, vb, length], stage) => {
    const [aa, bb] = means[stage];
    return [va / length / Math.sqrt(aa), vb / length / Math.sqrt(bb)];
  });
}

/** @param {number} value */
function signed(value) {
  return value.toFixed(2).replace(/^-0\.00$/, "0.00").replace("-", "−");
}

/**
 * All sentences as faint lines, the means as diamonds; show(path, stage) draws the chosen one.
 * @param {number[][][]} all shape (places, people, stages)
 * @param {number[]} groups
 * @param {number[]} halves shape (stages,): of the means' distance
 * @param {Words} words
 */
function paths(all, groups, halves, words) {
  const stages = halves.length, reach = 1.08 * Math.max(...all.flat(2).map(Math.abs), ...halves);
  /** @type {(offset: number) => number} */
  const x = (offset) => (WIDTH / 2) * (1 + offset / reach);
  /** @type {(stage: number) => number} */
  const y = (stage) => ROW * (stage + 0.5);
  /** @param {number[]} path */
  const points = (path) => path.map((offset, stage) => `${x(offset).toFixed(2)},${y(stage)}`).join(" ");
  const faint = all.flatMap((row, place) => row.map((path) => svg("polyline", {
    points: points(path), class: "faint", style: `stroke: var(--${COLOURS[groups[place]] ?? NEITHER})` })));
  const done = svg("polyline", { class: "done" }), ahead = svg("polyline", { class: "ahead" });
  const middle = svg("line", { x1: WIDTH / 2, x2: WIDTH / 2, y1: 0, y2: ROW * stages, class: "middle" });
  const drawn = svg("svg", { viewBox: `0 0 ${WIDTH} ${ROW * stages}`, preserveAspectRatio: "none", role: "img",
    "aria-label": words.lines, style: `height: ${ROW * stages}px` }, middle, ...faint, ahead, done);
  /** @type {(offset: number, stage: number, ...inside: string[]) => HTMLElement} */
  const at = (offset, stage, ...inside) => element("span",
    { class: inside.length ? "mean" : "dot", style: `left: ${x(offset)}%; top: ${y(stage)}px`, "aria-hidden": "true" }, ...inside);
  const diamonds = halves.flatMap((half, stage) => half ? [at(-half, stage, "◆"), at(half, stage, "◆")] : []);
  const dot = at(0, 0), field = element("div", { class: "ways" }, drawn, ...diamonds, dot);
  /** @type {(path: number[], stage: number) => void} */
  const show = (path, stage) => {
    done.setAttribute("points", points(path.slice(0, stage + 1)));
    ahead.setAttribute("points", points(path));
    Object.assign(dot.style, { left: `${x(path[stage])}%`, top: `${y(stage)}px` });
  };
  return { field, show };
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words }) {
  const texts = model.get("texts"), means = model.get("means"), products = model.get("products");
  const kinds = model.get("kinds"), people = model.get("people"), stages = model.get("stages");
  const halves = means.map((mean) => Math.sqrt(squareOf(mean)) / 2); // from the middle to either mean
  const offsets = products.map((row) => row.map((one) =>
    positionsOf(one, means).map((position, stage) => position * halves[stage])));
  const where = slider(words.place, (place) => change(model, { place }));
  const who = slider(words.person, (person) => change(model, { person }));
  const steps = stepper(words.stage, words.back, words.onward, (stage) => change(model, { stage }));
  const { field, show } = paths(offsets, model.get("groups"), halves, words);
  const names = stages.map((name) => element("div", {}, name)), text = element("p", { class: "text" });
  const bars = element("div", { class: "bars cosines" });
  root.append(
    element("div", { class: "controls" }, where, who, steps), text,
    element("div", { class: "meanings" },
      element("div", { class: "ends" }, ...kinds.map((kind, i) => element("span", { style: `border-color: var(--${COLOURS[i]})` }, kind))),
      element("div", { class: "stages", style: `grid-auto-rows: ${ROW}px` }, ...names), field),
    element("p", { class: "quiet" }, words.guide), element("p", { class: "quiet" }, words.cosine), bars);

  return () => {
    const place = whole(model, "place", 0, texts.length - 1), person = whole(model, "person", 0, people.length - 1);
    const stage = whole(model, "stage", 0, stages.length - 1), own = products[place][person];
    const positions = positionsOf(own, means), cosines = cosinesOf(own, means);
    where.show(place, texts.length - 1, `${place + 1} / ${texts.length}`);
    who.show(person, people.length - 1, people[person]);
    steps.show(stage, stages.length - 1, `${stage} / ${stages.length - 1}`);
    text.replaceChildren(...sentence(texts[place][person], model.get("word")));
    names.forEach((name, i) => { name.className = i === stage ? "now" : ""; });
    show(offsets[place][person], stage);
    field.dataset.positions = JSON.stringify(positions);
    bars.replaceChildren(...kinds.map((kind, i) => cosineBar(kind, cosines[stage][i], COLOURS[i])));
    return said(words, model, { place, person, stage, position: positions[stage], cosines: cosines[stage] });
  };
}

/**
 * @param {string} kind
 * @param {number} cosine
 * @param {string} colour
 */
function cosineBar(kind, cosine, colour) {
  const made = bar(kind, cosine, signed(cosine), colour);
  made.dataset.value = String(cosine);
  return made;
}

/**
 * The text, the word at its end marked: this is the occurrence whose vector is shown.
 * @param {string} text
 * @param {string} word
 */
function sentence(text, word) {
  return [text.slice(0, text.length - word.length), element("strong", {}, word)];
}

/**
 * @param {Words} words
 * @param {Parts<unknown, State>["model"]} model
 * @param {Chosen & { position: number, cosines: number[] }} now
 */
function said(words, model, { place, person, stage, position, cosines }) {
  const [left, right] = model.get("kinds"), name = model.get("stages")[stage], [a, b] = cosines.map(signed);
  const values = { stage: `${name[0].toUpperCase()}${name.slice(1)}`, word: model.get("word"), position: signed(position), left, right, a, b };
  const now = fill(squareOf(model.get("means")[stage]) ? words.said : words.same, values);
  const tokens = model.get("says")[place][person].map(([token, p]) =>
    fill(words.token, { token, share: percent(p) }));
  return `${now}\n${fill(words.next, { tokens: tokens.join(", ") })}`;
}

export default picture(build);
