// Whose network a picture shows, the course's or the reader's own, and where that comes from: memory, or a file.
import { opened, parametersOf, recalled, remember } from "./own.js";
import { Sentence, button, change, choice, count, element, fill } from "./shared.js";

/** @import { Parts } from "./types" */
/** @import { Own } from "./engine/types" */
/** @typedef {typeof import("../../words/en/pictures/whose.json") & typeof import("../../words/en/pictures/own.json")} Words */

/**
 * A list to choose from, a button that opens a file, and a line that says what is there. own(): the reader's network;
 * null: it is not here yet, and is looked for where the reader has chosen it. What can't be had is told, and the course's
 * is chosen. show(): shows the state.
 * @template {Words} W
 * @param {Parts<W, { yours: boolean }>} parts
 */
export function whose({ model, root, words, redraw }) {
  /** @type {Own | null} */
  let own = null;
  /** @type {Promise<void> | null} */
  let asked = null;
  let told = "";
  /** @param {unknown} error */
  const tell = (error) => { told = error instanceof Sentence ? error.message : String(error); };
  const recall = async () => {
    told = words.recalling;
    try {
      own = await recalled(words);
      told = own ? said(own, words) : words.noneKept;
    } catch (error) {
      own = null;
      tell(error);
    }
    if (!own && model.get("yours")) change(model, { yours: false });
    redraw();
  };
  /** @param {File | undefined} file */
  const open = async (file) => {
    if (!file) return;
    try {
      const { network, name, made } = await opened(file, words);
      const lasts = await remember(network, name, made, words);
      await (asked = recall());
      if (!lasts) told += ` ${words.unkept}`;
      change(model, { yours: true });
    } catch (error) {
      tell(error);
    }
    redraw();
  };
  const again = () => {
    if (root.isConnected && asked) asked = recall();
  };
  addEventListener("network", again);
  /** @type {HTMLInputElement} */
  const input = element("input", { type: "file", accept: ".safetensors", hidden: true, "aria-label": words.openOwn, change: () => {
    open(input.files?.[0]);
    input.value = ""; // the same file may be opened again
  } });
  const list = choice(words.whose, { course: words.course, yours: words.yours }, (value) => {
    if (value === "yours") asked = recall();
    change(model, { yours: value === "yours" });
  });
  const line = element("p", { class: "told quiet", role: "status" });
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    open(event.dataTransfer?.files[0]);
  });
  const show = () => {
    const yours = model.get("yours");
    if (yours) asked ??= recall();
    list.list.value = yours ? "yours" : "course";
    line.textContent = yours || !own ? told : "";
    line.hidden = !line.textContent;
  };
  const made = element("div", { class: "controls whose" }, element("div", { class: "stepper" }, list, button(words.openOwn, () => input.click()), input), line);
  return Object.assign(made, { show, own: () => (model.get("yours") ? own : null) });
}

/**
 * What the reader's network is.
 * @param {Own} own
 * @param {Words} words
 */
function said({ network: { config, encoding }, name, date }, words) {
  const known = fill("ids" in encoding ? words.knowsWords : words.knowsCharacters, { count: count(config.vocab_size - 1) });
  return fill(words.mine, { name, date: date.slice(0, 10), layers: config.n_layer, width: config.n_embd,
    parameters: count(parametersOf(config)), known });
}
