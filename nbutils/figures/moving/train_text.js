// A text of the reader's own, to learn from: typed, pasted, or a file that is dropped or chosen. It stays in the page.
import { Sentence, count, element, fill, textArea } from "./shared.js";

/** @typedef {import("./train_knobs.js").Words} Words */

const MOST = 200_000; // bytes in UTF-8, as in engine/stream.js

/**
 * A field for it; text() gives it, or throws a sentence.
 * @param {Words} words
 */
export function ownText(words) {
  let text = "";
  const told = element("p", { class: "quiet", role: "status" });
  const bytes = () => new TextEncoder().encode(text).length;
  /** @param {string} given */
  const take = (given) => {
    text = given;
    const size = bytes(), characters = [...text];
    told.textContent = size > MOST ? fill(words.ownLong, { bytes: count(size), most: count(MOST) })
      : fill(words.ownCounted, { characters: count(characters.length), different: count(new Set(characters).size) });
  };
  const field = textArea(words.ownText, 4, take);
  /** @param {File | undefined} file */
  const read = async (file) => {
    if (!file) return;
    const given = file.size > 4 * MOST ? null : await file.text();
    if (given === null || given.includes("\uFFFD")) {
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
  const checked = () => {
    if (!text) throw new Sentence(words.ownEmpty);
    if (bytes() > MOST) throw new Sentence(told.textContent);
    return text;
  };
  return Object.assign(made, { text: checked });
}
