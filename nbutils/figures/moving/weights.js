// Six weights of the sorter under sliders, and its answer to one question: as in weights.py.
import { Sentence, button, change, count, element, fill, later, percent, picture, readable, resource, sum } from "./shared.js";
import { kvCache, network, read, softmax, unembed } from "./gpt.js";

/** @import { Network, Parts } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/weights.json")} Words */

/**
 * @typedef {object} State
 * @property {number[]} turns steps of each slider, away from the trained value
 * @property {string} question six letters
 * @property {Weight[]} weights
 * @property {Trained} trained
 * @property {number} total all numbers of the network
 * @property {number} steps of a slider, to either side
 * @property {number} moved a probability further than this from the trained one has moved
 */
/** @typedef {{ place: Place, tensor: string, row: number, column: number, trained: number, reach: number }} Weight */
/** @typedef {"token" | "position" | "query_key" | "projection" | "mlp" | "head"} Place */
/** @typedef {{ answer: string, probabilities: number[][], loss: number }} Trained */
/** @typedef {Trained} Answered probabilities: shape (6, 3) */

const LETTERS = "ABC", WIDTH = 48, HEAD = 16, SIZE = "175 kB";

/**
 * Read the question, write the answer. With `right` letters, those are read in place of its own.
 * @param {Network} net
 * @param {string} question
 * @param {string} right
 * @param {boolean} forced
 * @returns {Answered}
 */
function ask(net, question, right, forced) {
  const cache = kvCache(net), probabilities = [];
  let answer = "", loss = 0;
  for (let at = 0; at < question.length + right.length - 1; at++) {
    const letters = question + (forced ? right : answer);
    const seen = read(net, cache, LETTERS.indexOf(letters[at])), place = at - question.length + 1;
    if (place < 0) continue;
    const shares = softmax(unembed(net, seen.final_normed));
    probabilities.push([...shares]);
    answer += LETTERS[shares.indexOf(Math.max(...shares))];
    loss -= Math.log(shares[LETTERS.indexOf(right[place])]) / right.length;
  }
  return { answer, probabilities, loss };
}

/**
 * What the network writes with its weights so turned, and its loss after the right letters.
 * @param {Network} net whose weights are set
 * @param {Weight[]} weights
 * @param {number[]} values
 * @param {string} question
 * @param {string} right
 * @returns {Answered}
 */
function answered(net, weights, values, question, right) {
  weights.forEach(({ tensor, row, column }, i) => {
    const numbers = net.weights[tensor], wide = tensor.includes("contract") ? 4 * WIDTH : WIDTH;
    numbers[row * wide + column] = values[i];
  });
  const own = ask(net, question, right, false);
  return own.answer === right ? own : { ...own, loss: ask(net, question, right, true).loss };
}

/**
 * The turns; what is no setting of the sliders is a sentence.
 * @param {unknown} turns
 * @param {number} weights how many
 * @param {number} steps
 * @param {Words} words
 * @returns {number[]}
 */
function checked(turns, weights, steps, words) {
  /** @param {unknown} turn */
  const fits = (turn) => Number.isInteger(turn) && Math.abs(Number(turn)) <= steps;
  if (Array.isArray(turns) && turns.length === weights && turns.every(fits)) return turns;
  const value = String(turns).slice(0, 60).toWellFormed();
  throw new Sentence(fill(words.bad, { value, weights, least: -steps, most: steps }));
}

/**
 * @param {Weight} weight
 * @param {Words} words
 */
function nameOf({ place, row, column }, words) {
  const number = row % WIDTH, head = Math.floor(number / HEAD) + 1;
  const form = place === "query_key" ? words[row < WIDTH ? "query" : "key"] : words[place];
  return fill(form, { letter: LETTERS[row], row, column, head, number: number % HEAD });
}

/** @param {number} number */
const signed = (number) => readable(number).replace("-", "−");

/**
 * A weight's row: its name, its slider with a mark in the middle, its value.
 * @param {Weight} weight
 * @param {number} steps
 * @param {Words} words
 * @param {(turn: number) => void} onInput
 */
function weightRow(weight, steps, words, onInput) {
  const name = nameOf(weight, words), output = element("output");
  /** @type {HTMLInputElement} */
  const input = element("input", { type: "range", min: -steps, max: steps, step: 1, "aria-label": name,
    input: () => onInput(Number(input.value)) });
  const row = element("label", { class: "weight" }, element("span", {}, name), output,
    element("span", { class: "way" }, input));
  /** @param {number} turn */
  const show = (turn) => {
    const value = signed(valueOf(weight, turn, steps)), trained = signed(weight.trained);
    const said = fill(turn ? words.turned : words.still, { value, trained });
    input.value = String(turn);
    input.setAttribute("aria-valuetext", said);
    output.textContent = said;
  };
  return Object.assign(row, { show });
}

/**
 * A weight so many steps from its trained value, as a float32.
 * @param {Weight} weight
 * @param {number} turn
 * @param {number} steps
 */
const valueOf = ({ trained, reach }, turn, steps) => Math.fround(trained + (turn * reach) / steps);

/**
 * One place of the answer: three bars over their letters, the letter that is written, its share.
 * @param {number[]} shares
 * @param {number[]} before as trained
 * @param {string} letter that is written
 * @param {string} right
 * @param {Words} words
 */
function place(shares, before, letter, right, words) {
  const bars = shares.map((share, i) => {
    const made = element("span", { class: LETTERS[i] === right ? "share right" : "share" },
      element("span", { class: "fill", style: `height: ${100 * share}%` }),
      element("span", { class: "was", style: `height: ${100 * before[i]}%` }));
    Object.assign(made.dataset, { value: share, trained: before[i] });
    return made;
  });
  const ok = letter === right;
  return element("div", { class: ok ? "place" : "place wrong" },
    element("div", { class: "thirds" }, ...bars),
    element("div", { class: "thirds names" }, ...[...LETTERS].map((name) => element("span", {}, name))),
    element("b", {}, fill(ok ? words.right : words.wrong, { letter })),
    element("small", {}, ok ? percent(shares[LETTERS.indexOf(letter)]) : fill(words.should, { letter: right })));
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build({ model, root, words, redraw }) {
  const question = model.get("question"), weights = model.get("weights"), trained = model.get("trained");
  const steps = model.get("steps"), right = [...question].sort().join("");
  /** @type {(i: number, turn: number) => void} */
  const turn = (i, to) => change(model, { turns: model.get("turns").map((turn, j) => (j === i ? to : turn)) });
  const rows = weights.map((weight, i) => weightRow(weight, steps, words, (to) => turn(i, to)));
  const restore = button(words.restore, () => change(model, { turns: weights.map(() => 0) }));
  const random = button(words.random, () => change(model, {
    turns: weights.map(() => Math.floor(Math.random() * (2 * steps + 1)) - steps),
  }), "main");
  const chart = element("div", { class: "places", role: "img", "aria-label": words.chart });
  root.append(element("div", { class: "controls six" }, ...rows, element("div", { class: "presses" }, random, restore)),
    element("p", { class: "asked" }, fill(words.places, { question })), chart,
    element("p", { class: "quiet" }, words.bars), element("p", { class: "quiet" }, words.ways));
  const sorter = later(() => resource(model, "sorter").then((file) => network(file, words)), redraw);

  return () => {
    const turns = checked(model.get("turns"), weights.length, steps, words);
    rows.forEach((row, i) => row.show(turns[i]));
    const still = turns.every((turn) => turn === 0), net = sorter.value;
    chart.classList.toggle("waiting", !net && !still);
    if (!net && !still) {
      sorter.tell();
      sorter.fetch();
      return fill(words.fetching, { size: SIZE });
    }
    const values = weights.map((weight, i) => valueOf(weight, turns[i], steps));
    const now = net ? answered(net, weights, values, question, right) : trained;
    chart.replaceChildren(...now.probabilities.map((shares, i) =>
      place(shares, trained.probabilities[i], now.answer[i], right[i], words)));
    return sentence(words, model, turns, now, right);
  };
}

/**
 * @param {Words} words
 * @param {Parts<unknown, State>["model"]} model
 * @param {number[]} turns
 * @param {Answered} now
 * @param {string} correct
 */
function sentence(words, model, turns, { answer, probabilities, loss }, correct) {
  const trained = model.get("trained"), moved = model.get("moved"), total = count(model.get("total"));
  const turned = turns.filter((turn) => turn !== 0).length, right = [...answer].filter((letter, i) => letter === correct[i]).length;
  const away = sum(probabilities.map((shares, i) =>
    shares.filter((share, j) => Math.abs(share - trained.probabilities[i][j]) > moved).length));
  return [
    fill(turned > 1 ? words.many : turned ? words.one : words.none, { turned, total }),
    fill(words.answers, { question: model.get("question"), answer, right, letters: correct.length }),
    fill(turned ? words.both : words.loss, { away, all: probabilities.flat().length, moved,
      loss: readable(loss), trained: readable(trained.loss) }),
  ].join("\n");
}

export default picture(build);
