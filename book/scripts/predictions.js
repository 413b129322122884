// Questions to answer before reading on: a choice, a number, a word or a sentence; what answers them waits behind
// veils. authoring/predictions.py says how they are written, authoring/extensions/predictions.py what stands on the page.
import { anchor } from "./arrival.js";
import { button, element, fill } from "../../nbutils/figures/moving/shared.js";
import { distance, meant, near, nearest, typed } from "./numbers.js";
/** @import { Page, Question, Told } from "./types" */

/** @param {Page} page */
export default function predictions(page) {
  for (const place of document.querySelectorAll(".prediction")) ask(/** @type {HTMLElement} */ (place), page);
  addEventListener("hashchange", liftForLink);
  addEventListener("load", liftForLink); // after what is searched for has been marked
}

/** @type {Map<string, () => void>} a question's name -> what its "Show me" does */
const shows = new Map();

/**
 * One question, with everything that acting on it needs.
 * @typedef {object} Asked
 * @property {HTMLElement} place
 * @property {Question} question
 * @property {Record<string, any>} told words
 * @property {HTMLElement} result what is said of the answer
 * @property {HTMLDetailsElement | null} details
 * @property {HTMLElement[]} veiled the blocks of code and text that answer it
 * @property {(said: Told) => void} remember
 */

/**
 * @param {HTMLElement} place
 * @param {Page} page
 */
function ask(place, page) {
  const { name, words, memory } = page, path = ["predictions", name, place.id], told = words.predictions;
  const unasked = /** @type {HTMLElement} */ (place.cloneNode(true));
  const details = place.querySelector("details");
  const result = element("div", { class: "result", role: "status" });
  const veiled = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(`.veiled[data-by="${place.id}"]`)]);
  /** @type {Asked} */
  const asked = { place, question: JSON.parse(place.dataset.question ?? ""), told, result, details, veiled,
    remember: (said) => memory.set(path, said) };
  const controls = { choice: choices, number: field, word: field, sentence: field }[asked.question.kind](asked);
  if (!details) return;
  details.before(result);
  const show = () => {
    if (place.dataset.done) return;
    asked.remember({ shown: true });
    settle(asked, told.shown);
  };
  shows.set(place.id, show);
  for (const block of veiled) cover(block, block === veiled[0], told, show);
  if (veiled.length === 0) (controls ?? result).append(button(told.show, show, "show"));
  const again = button(told.again, () => {
    memory.set(path, undefined);
    place.replaceWith(unasked);
    ask(unasked, page);
    unasked.querySelector("button")?.focus();
  }, "again");
  details.append(again);
  restore(asked, memory.get(path));
}

/**
 * Put the state of an earlier visit back.
 * @param {Asked} asked
 * @param {Told | undefined} before
 */
function restore(asked, before) {
  if (!before) return;
  if (before.said !== undefined) judge(asked, before.said, before);
  else settle(asked, asked.told.shown);
}

/**
 * The list of choices becomes buttons; the veil and the answer wait for one.
 * @param {Asked} asked
 */
function choices(asked) {
  const list = asked.place.querySelector("ul.choices");
  if (!list) return null;
  const group = element("div", { class: "choices", role: "group", "aria-label": asked.told.choices });
  for (const item of list.children) {
    const letter = item.textContent.trim()[0];
    const made = button("", () => answer(asked, letter), "choice");
    made.dataset.choice = letter;
    made.append(...(item.querySelector("p") ?? item).childNodes);
    group.append(made);
  }
  list.replaceWith(group);
  const row = element("div", { class: "acts" });
  group.after(row);
  return row;
}

/**
 * A field to type in, and a button that ends it.
 * @param {Asked} asked
 */
function field(asked) {
  const { question, told } = asked, long = question.kind === "sentence";
  const input = element(long ? "textarea" : "input", { "aria-label": told.field, autocomplete: "off", spellcheck: "false",
    ...(long ? { rows: 2 } : { type: "text", inputmode: question.kind === "number" ? "decimal" : "text" }) });
  const done = () => answer(asked, input.value.trim());
  if (!long) {
    input.addEventListener("keydown", (event) => {
      if (/** @type {KeyboardEvent} */ (event).key === "Enter" && !(/** @type {KeyboardEvent} */ (event).isComposing)) done();
    });
  }
  const row = element("div", { class: "acts" }, input, button(long ? told.compare : told.check, done, "main"));
  asked.details?.before(row);
  return row;
}

/**
 * The reader has answered: what can't be judged is asked for again.
 * @param {Asked} asked
 * @param {string} said
 */
function answer(asked, said) {
  const { question, told, result, place } = asked;
  if (place.dataset.done) return;
  if (!said) {
    result.textContent = told.nothing;
    return;
  }
  if (question.kind === "number" && typed(said, told.scales) === null) {
    result.textContent = fill(told.no_number, { said });
    return;
  }
  asked.remember({ said, right: judge(asked, said) });
}

/**
 * Say of an answer whether it is right, and with which sentence; lift the veil.
 * @param {Asked} asked
 * @param {string} said
 * @param {Told} [before] what was remembered of it
 * @returns {boolean | null} null where the reader judges
 */
function judge(asked, said, before) {
  const { question, told, place } = asked;
  if (question.kind === "sentence") {
    compare(asked, said, before);
    return null;
  }
  const [right, words] = verdict(question, said, told);
  for (const choice of place.querySelectorAll(".choice")) {
    const letter = /** @type {HTMLElement} */ (choice).dataset.choice;
    choice.classList.toggle("said", letter === said);
    choice.classList.toggle("right", letter === question.right);
  }
  const field = place.querySelector("input");
  if (field) field.value = said;
  settle(asked, words, right ? "right" : "wrong", right ? null : sentence(asked, said));
  return right;
}

/**
 * @param {Question} question
 * @param {string} said
 * @param {Record<string, any>} told
 * @returns {[boolean, string]}
 */
function verdict({ kind, right, within = {}, percent }, said, told) {
  if (kind === "choice") {
    return said === right ? [true, fill(told.right_letter, { right })] : [false, fill(told.wrong_letter, { said, right })];
  }
  if (kind === "word") {
    const all = /** @type {string[]} */ (right);
    if (all.some((one) => plain(one) === plain(said))) return [true, fill(told.right, { right: all[0] })];
    return [false, fill(told.wrong_word, { said, right: all[0] })];
  }
  const value = meant(said, told.scales, percent) ?? NaN, wanted = Number(right), shown = wanted.toLocaleString("en", { maximumSignificantDigits: 12 });
  if (near(value, wanted, within)) {
    return [true, value === wanted ? fill(told.right, { right: shown }) : fill(told.close, { said, right: shown })];
  }
  const [key, values] = distance(value, wanted);
  return [false, fill(told[key], { said, right: shown, ...values })];
}

/**
 * A word without what doesn't count: case, quotes, the sign for a space.
 * @param {string} word
 */
function plain(word) {
  return word.normalize("NFC").replace(/·/g, " ").replace(/^["'`“‘]+|["'`”’.]+$/g, "").replace(/\s+/g, " ").trim().toLowerCase();
}

/**
 * The sentence for this wrong answer, if the page has one.
 * @param {Asked} asked
 * @param {string} said
 */
function sentence({ place, question, told }, said) {
  const items = [.../** @type {NodeListOf<HTMLElement>} */ (place.querySelectorAll("li[data-wrong]"))];
  const wrong = items.map((item) => item.dataset.wrong ?? "");
  if (question.kind !== "number") return items[wrong.findIndex((word) => plain(word) === plain(said))] ?? null;
  const value = meant(said, told.scales, question.percent) ?? NaN;
  return items[nearest(value, wrong.map((number) => typed(number, told.scales) ?? NaN))] ?? null;
}

/**
 * A sentence of the reader's own, beside the answer; they say whether it is the same.
 * @param {Asked} asked
 * @param {string} said
 * @param {Told} [before]
 */
function compare(asked, said, before) {
  const { told, place } = asked, field = place.querySelector("textarea");
  if (field) field.value = said;
  const noted = element("span", { class: "noted" });
  /** @type {(words: string) => void} */
  const note = (words) => { noted.textContent = fill(told.judged, { said: words }); };
  /** @type {[string, boolean | null][]} */
  const verdicts = [[told.same, true], [told.partly, null], [told.different, false]];
  const judging = element("div", { class: "judging" }, element("span", {}, told.judge),
    ...verdicts.map(([words, right]) => button(words, () => {
      asked.remember({ said, right });
      note(words);
    })), noted);
  const known = verdicts.find(([, right]) => before && before.right === right);
  if (known && before?.right !== null) note(known[0]);
  settle(asked, "", "compared", judging);
}

/**
 * The question is done: say so, open the answer, lift the veil.
 * @param {Asked} asked
 * @param {string} words
 * @param {string} kind
 * @param {Element | null} more
 */
function settle({ place, result, details, veiled }, words, kind = "shown", more = null) {
  place.dataset.done = kind;
  result.replaceChildren(element("p", { class: "verdict" }, words));
  if (more) result.append(more.matches("li") ? element("div", { class: "because" }, ...more.childNodes) : more);
  if (more?.matches("li")) more.remove();
  if (details) details.open = true;
  for (const control of place.querySelectorAll(".acts :is(input, textarea)")) control.setAttribute("readonly", "");
  veiled.forEach(lift);
}

/**
 * Hide a block until it is asked for, and say how much waits there; a browser that can still finds words in it, and
 * then opens it.
 * @param {HTMLElement} block
 * @param {boolean} first whether it is its question's first
 * @param {Record<string, any>} told
 * @param {() => void} show
 */
function cover(block, first, told, show) {
  const { cells, words } = block.dataset, much = [];
  if (cells !== "0") much.push(fill(cells === "1" ? told.veil_cell : told.veil_cells, { cells }));
  if (words !== "0") much.push(fill(told.veil_words, { words }));
  const said = fill(first ? told.veil : told.veil_more, { much: much.join(told.veil_and) });
  const acts = element("span", { class: "acts" }, button(told.show, () => open(block, [show]), "show"));
  if (first) acts.append(button(told.show_all, () => open(block, [...shows.values()]), "show-all"));
  block.classList.add("ready");
  block.setAttribute("hidden", "until-found");
  block.before(element("div", { class: "veil" }, element("span", {}, said), acts));
  block.addEventListener("beforematch", () => lift(block));
}

/**
 * Show what waits. The reader stays where they pressed, though answers open above; and the focus goes on from there.
 * @param {HTMLElement} block
 * @param {(() => void)[]} asked
 */
function open(block, asked) {
  const top = block.previousElementSibling?.getBoundingClientRect().top ?? 0;
  for (const show of asked) show();
  block.tabIndex = -1;
  block.focus({ preventScroll: true });
  scrollBy({ top: block.getBoundingClientRect().top - top, behavior: "instant" });
}

/** @param {HTMLElement} veiled */
function lift(veiled) {
  veiled.removeAttribute("hidden");
  if (veiled.previousElementSibling?.matches(".veil")) veiled.previousElementSibling.remove();
}

/** A link, or a hit of the search, leads into a veiled cell: open it. */
function liftForLink() {
  const place = document.getElementById(anchor());
  for (const veiled of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".veiled[hidden]"))) {
    if ((place && veiled.contains(place)) || veiled.querySelector(".highlighted")) {
      lift(veiled);
      if (place && veiled.contains(place)) place.scrollIntoView();
    }
  }
}
