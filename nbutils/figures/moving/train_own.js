// What becomes of a trained network: it talks in the sampler, is looked into in the heads, is saved, and comes back.
import { opened, remember, written } from "./own.js";
import recipe from "./recipe.json";
import { LAYERS, WIDTHS, WINDOWS } from "./settings.js";
import { Sentence, button, change, count, element, fill, turnOff } from "./shared.js";

/** @import { Model, World } from "./types" */
/** @import { Own, Trained } from "./engine/types" */
/** @typedef {import("./train_knobs.js").Words & typeof import("../../words/en/pictures/own.json")} Words */
/** @typedef {import("./train_life.js").Life} Life */

/** Where in the book it can go on, where the page is of the book: the picture and its page. */
const ELSEWHERE = { talk: ["sampler", "05_inference"], heads: ["heads", "03b_attention"] };

/** What the engine trains: fields of a GPTConfig, with the values of each that can learn on here. */
const LEARNS = { n_layer: LAYERS, n_embd: WIDTHS, n_head: [recipe.heads], bias: [true], tie_weights: [true], rms_norm: [false], qk_norm: [false],
  relu_squared: [false] };

/**
 * Buttons for the network as it is now, and for a file. show() turns on what can be done; from() is the network that
 * was opened, with which the next run begins.
 * @param {Model} model
 * @param {Life} life
 * @param {Words} words
 * @param {() => Promise<World>} world
 */
export function ownNetwork(model, life, words, world) {
  const told = element("p", { class: "quiet", role: "status" }), { content_root: root } = document.documentElement.dataset;
  /** @type {{ network: Trained, shape: Record<string, unknown> } | null} */
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
  /** The run may be over, and its network gone, before it has given its weights. */
  const weights = async () => {
    const trained = await life.weights();
    if (trained) return trained;
    throw new Sentence(words.gone);
  };
  const made = () => ({ ...life.now?.asked, seed: life.now?.seed ?? 0 });
  const name = () => `gpt-${made().layers}x${made().width}.safetensors`;
  const go = (/** @type {keyof typeof ELSEWHERE} */ where) => act(async () => {
    const [picture, page] = ELSEWHERE[where], lasts = await remember(await weights(), name(), made(), words);
    if (!lasts) return words.notRemembered;
    const address = `${root}notebooks/${page}.html#picture=${picture}&yours=true`;
    if (!window.open(address, "_blank")) location.assign(address); // beside this page, which keeps its runs
    return words.remembered;
  });
  const save = () => act(async () => {
    const address = URL.createObjectURL(written(await weights(), made(), words));
    element("a", { href: address, download: name() }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
    return fill(words.saved, { name: name() });
  });
  const open = (/** @type {File} */ file) => act(async () => {
    const own = await opened(file, words), { name: named, network } = own;
    if (!("ids" in network.encoding)) return words.openElsewhere;
    const shape = shapeOf(own, await world(), words);
    from = { network, shape };
    change(model, shape);
    return fill(words.openedFile, { name: named });
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
    for (const one of needs) turnOff(one, !life.run || !life.last || life.diverged);
    if (from && Object.entries(from.shape).some(([knob, value]) => model.get(knob) !== value)) [from, told.textContent] = [null, words.unfits];
  };
  return Object.assign(element("div", { class: "becomes" }, bar, told), { show, from: () => from?.network });
}

/**
 * The knobs with which a run goes on from a file's network; one that can't learn on here is a sentence.
 * @param {Own} own
 * @param {World} world
 * @param {Words} words
 */
function shapeOf({ name, made, network: { config, encoding, weights } }, world, words) {
  const places = weights["position_embedding.weight"], none = made.positions === "none" && places?.every((number) => number === 0);
  const positions = config.rotary ? "rotary" : none ? "none" : "table"; // saved without, it has a table of zeros
  const needed = { ...LEARNS, ...(positions === "table" ? { block_size: WINDOWS } : {}) };
  for (const [field, those] of Object.entries(needed)) {
    const value = /** @type {any} */ (config)[field];
    if (!(/** @type {unknown[]} */ (those)).includes(value)) throw new Sentence(fill(words.openOther, { name, field, value, those: those.join(", ") }));
  }
  const ids = "ids" in encoding ? encoding.ids : [], spoken = [...world.spoken, world.vocabulary.length];
  if (String(ids) !== String(spoken)) throw new Sentence(fill(words.openOtherIds, { name, ids: count(ids.length), known: count(spoken.length) }));
  const window = WINDOWS.includes(config.block_size) && (positions === "table" || made.window === config.block_size) ? { window: config.block_size } : {};
  return { layers: config.n_layer, width: config.n_embd, positions, data: "world", ...window };
}
