// What becomes of a trained network: it talks in the sampler, is looked into in the heads, is saved, and comes back.
import { opened, remember, written } from "./own.js";
import { Sentence, button, change, element, fill, turnOff } from "./shared.js";

/** @import { Model } from "./types" */
/** @import { Own } from "./engine/types" */
/** @typedef {import("./train_knobs.js").Words & typeof import("../../words/en/pictures/own.json")} Words */
/** @typedef {import("./train_life.js").Life} Life */

/** Where in the book it can go on, where the page is of the book: the picture and its page. */
const ELSEWHERE = { talk: ["sampler", "05_inference"], heads: ["heads", "03b_attention"] };

/**
 * Buttons for the network as it is now, and for a file. show() turns on what can be done; from() is the network that
 * was opened, with which the next run begins.
 * @param {Model} model
 * @param {Life} life
 * @param {Words} words
 */
export function ownNetwork(model, life, words) {
  const told = element("p", { class: "quiet", role: "status" }), { content_root: root } = document.documentElement.dataset;
  /** @type {Own | null} */
  let from = null;
  let busy = false;
  /**
   * One at a time; what goes wrong is said.
   * @param {() => Promise<string>} what
   */
  const act = async (what) => {
    if (busy) return;
    busy = true;
    told.textContent = await what().catch((error) => (error instanceof Sentence ? error.message : String(error)));
    busy = false;
    life.hear();
  };
  const made = () => ({ ...life.now?.asked, seed: life.now?.seed ?? 0 });
  const name = () => `gpt-${made().layers}x${made().width}.safetensors`;
  const go = (/** @type {keyof typeof ELSEWHERE} */ where) => act(async () => {
    const [picture, page] = ELSEWHERE[where], lasts = await remember(await life.weights(), name(), made(), words);
    if (!lasts) return words.notRemembered;
    const address = `${root}notebooks/${page}.html#picture=${picture}&yours=true`;
    if (!window.open(address, "_blank")) location.assign(address); // beside this page, which keeps its runs
    return words.remembered;
  });
  const save = () => act(async () => {
    const address = URL.createObjectURL(written(await life.weights(), made(), words));
    element("a", { href: address, download: name() }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
    return fill(words.saved, { name: name() });
  });
  const open = (/** @type {File} */ file) => act(async () => {
    const own = await opened(file, words), { n_layer: layers, n_embd: width, rotary } = own.network.config;
    if (!("ids" in own.network.encoding)) return words.openElsewhere;
    const positions = rotary ? "rotary" : own.made.positions === "none" ? "none" : "table";
    from = own;
    change(model, { layers, width, positions, data: "world" });
    return fill(words.openedFile, { name: own.name });
  });
  /** @type {HTMLInputElement} */
  const input = element("input", { type: "file", accept: ".safetensors", hidden: true, "aria-label": words.openFile, change: () => {
    if (input.files?.[0]) open(input.files[0]);
    input.value = ""; // the same file may be opened again
  } });
  const needs = [...(root === undefined ? [] : [button(words.talkOn, () => go("talk")), button(words.lookInto, () => go("heads"))]),
    button(words.save, save)];
  const bar = element("div", { class: "stepper" }, ...needs, button(words.openFile, () => input.click()), input);
  const show = () => {
    for (const one of needs) turnOff(one, !life.run || !life.last);
    if (from && !fits(from, model)) [from, told.textContent] = [null, words.unfits];
  };
  return Object.assign(element("div", { class: "becomes" }, bar, told), { show, from: () => from?.network });
}

/** @type {(own: Own, model: Model) => boolean} whether the next run has the file's shape */
const fits = ({ network: { config } }, model) => config.n_layer === model.get("layers") && config.n_embd === model.get("width")
  && config.rotary === (model.get("positions") === "rotary") && model.get("data") === "world";
