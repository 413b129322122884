// A text of the reader's own, to learn from: typed, pasted, or a file that is dropped or chosen. It stays in the page.
import { MOST_BYTES as MOST, ownText as charactersOf } from "./engine/characters.js";
import { Refusal } from "./engine/refusal.js";
import { Sentence, count, element, fill, textArea } from "./shared.js";

/** @typedef {import("./train_knobs.js").Words & typeof import("../../words/en/pictures/own.json")} Words */

/**
 * A field for it; text() gives it, or throws a sentence.
 * @param {Words} words
 */
export function ownText(words) {
  let text = "";
  const told = element("p", { class: "quiet", role: "status" });
  /** What is wrong with it, or how many characters it has. */
  let checked = () => "";
  /** @param {string} given */
  const take = (given) => {
    text = given;
    try {
      const { ids, different, replaced } = charactersOf(text);
      const values = { characters: count(ids.length), different: count(different), replaced: count(replaced) };
      told.textContent = fill(replaced ? words.ownRare : words.ownCounted, values);
      checked = () => text;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const values = Object.fromEntries(Object.entries(error.values).map(([name, value]) => [name, count(value)]));
      const wrong = fill(words[/** @type {"ownEmpty" | "ownLong" | "ownHalf"} */ (error.key)], values);
      told.textContent = text && wrong;
      checked = () => { throw new Sentence(wrong); };
    }
  };
  const field = textArea(words.ownText, 4, take);
  /** @param {File | undefined} file */
  const read = async (file) => {
    if (!file) return;
    const given = file.size > 4 * MOST ? null : await file.text().catch(() => undefined);
    if (given === undefined) {
      told.textContent = fill(words.unreadable, { name: file.name });
    } else if (given === null || given.includes("\uFFFD")) {
      told.textContent = fill(given === null ? words.ownLong : words.notPlain, { bytes: count(file.size), most: count(MOST) });
    } else {
      field.show(given);
      take(given);
    }
  };
  /** @type {HTMLInputElement} */
  const chosen = element("input", { type: "file", accept: "text/*,.txt,.md", "aria-label": words.ownFile, change: () => read(chosen.files?.[0]) });
  const made = element("div", { class: "own" }, field, chosen, told, element("p", { class: "quiet" }, words.ownWhy));
  made.addEventListener("dragover", (event) => event.preventDefault());
  made.addEventListener("drop", (event) => {
    const file = event.dataTransfer?.files[0];
    if (!file) return; // text that is dropped is the field's own business
    event.preventDefault();
    read(file);
  });
  take("");
  return Object.assign(made, { text: () => checked() });
}
