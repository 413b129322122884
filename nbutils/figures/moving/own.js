// A reader's own network: as a file that says what its ids mean, back from one, and kept on this machine alone.
// The file is a safetensors file: eight bytes for the head's length, the head in JSON, the weights' numbers. Its
// head's "__metadata__" has the shape, the encoding and how it was made. nbutils/network_file.py reads and writes the same.
import { network } from "./gpt.js";
import { Sentence, count, fill } from "./shared.js";

/** @import { Header } from "./types" */
/** @import { Own, OwnConfig, Trained } from "./engine/types" */
/** @typedef {typeof import("../../words/en/pictures/own.json")} Words */
/** @typedef {(words: string, values?: Record<string, unknown>) => never} Refuse */

const MOST = 16; // MB of a file: three layers, 128 wide, have 2.6
const LONGEST = 1e6; // bytes of a head: such a network's has some 5,000
const LARGEST = 1e6; // of a weight's size; trained ones stay below 100
const END = 1241; // smallworld's id of a document's end, after all its words
/** The sizes of a GPTConfig, with the most of each that a page looks at. */
const SIZES = { vocab_size: 1e5, block_size: 1e5, n_layer: 100, n_head: 1e3, n_embd: 1e4 };
/** Its switches, as they are where a file says nothing of them. */
const SWITCHES = { bias: true, tie_weights: true, rotary: false, rms_norm: false, qk_norm: false, relu_squared: false };
/** @type {Record<string, number>} bytes of a number */
const BYTES = { F32: 4, F16: 2 };

/**
 * What stands in a network of that shape: name -> shape, as in nbutils.model.GPT.
 * @param {OwnConfig} config
 * @returns {Map<string, number[]>}
 */
function shapesOf({ vocab_size: V, block_size: T, n_layer, n_embd: C, bias, tie_weights, rotary, rms_norm }) {
  /** @type {[string, number[]][]} */
  const rows = [["token_embedding.weight", [V, C]]];
  /** @type {(name: string, shape: number[], shift: boolean) => void} */
  const add = (name, shape, shift) => {
    rows.push([`${name}.weight`, shape]);
    if (shift) rows.push([`${name}.bias`, shape.slice(0, 1)]);
  };
  if (!rotary) add("position_embedding", [T, C], false);
  for (let i = 0; i < n_layer; i++) {
    const block = `blocks.${i}.`;
    add(`${block}attention_norm`, [C], bias && !rms_norm);
    add(`${block}attention.query_key_value`, [3 * C, C], bias);
    add(`${block}attention.projection`, [C, C], bias);
    add(`${block}mlp_norm`, [C], bias && !rms_norm);
    add(`${block}mlp.expand`, [4 * C, C], bias);
    add(`${block}mlp.contract`, [C, 4 * C], bias);
  }
  add("final_norm", [C], bias && !rms_norm);
  if (!tie_weights) add("head", [V, C], false);
  return new Map(rows);
}

/**
 * How many numbers stand in a tensor of that shape.
 * @param {number[]} shape
 */
const sizeOf = (shape) => shape.reduce((a, b) => a * b, 1);

/**
 * How many weights a network has.
 * @param {OwnConfig} config
 */
export const parametersOf = (config) => [...shapesOf(config).values()].reduce((all, shape) => all + sizeOf(shape), 0);

/**
 * The network with each field of its config and each of its weights. One without positions gets a table of zeros, with
 * which it computes the same.
 * @param {Trained} trained
 * @returns {Own["network"]}
 */
function whole({ config: asked, weights, encoding }) {
  const fields = Object.keys({ ...SIZES, ...SWITCHES }), given = { ...SWITCHES, ...asked };
  /** @type {any} */
  const config = Object.fromEntries(Object.entries(given).filter(([field]) => fields.includes(field)));
  const table = "position_embedding.weight", shape = shapesOf(config).get(table);
  return { config, encoding, weights: shape ? { [table]: new Float32Array(sizeOf(shape)), ...weights } : weights };
}

/**
 * A trained network as a safetensors file. Weights that are not finite are a sentence.
 * @param {Trained} trained
 * @param {Record<string, unknown>} made by what settings: what JSON can hold
 * @param {Words} words
 * @returns {Blob}
 */
export function written(trained, made, words) {
  const { config, weights, encoding } = whole(trained);
  /** @type {Record<string, object>} */
  const head = { __metadata__: { config: JSON.stringify({ ...config, dropout: 0 }), made: JSON.stringify(made),
    encoding: JSON.stringify("ids" in encoding ? { smallworld: encoding.ids } : encoding) } };
  /** @type {Float32Array<ArrayBuffer>[]} */
  const parts = [];
  let at = 0;
  for (const [tensor, shape] of shapesOf(config)) {
    const numbers = Float32Array.from(weights[tensor]);
    checkNumbers(tensor, numbers, refuse, words);
    head[tensor] = { dtype: "F32", shape, data_offsets: [at, at += numbers.byteLength] };
    parts.push(numbers);
  }
  const text = new TextEncoder().encode(JSON.stringify(head)), length = new DataView(new ArrayBuffer(8));
  const blanks = new Uint8Array(-text.length & 7).fill(0x20); // the numbers begin at a multiple of eight, as elsewhere
  length.setBigUint64(0, BigInt(text.length + blanks.length), true);
  return new Blob([length, text, blanks, ...parts], { type: "application/octet-stream" });
}

/**
 * The network in a file. What is wrong with a file is a sentence, with what to do.
 * @param {File} file
 * @param {Words} words
 * @returns {Promise<Own>}
 */
export async function opened(file, words) {
  const { name, size, lastModified } = file;
  if (size > MOST * 1e6) refuse(words.tooLarge, { name, size: Math.ceil(size / 1e6), most: MOST });
  const bytes = await file.arrayBuffer().catch(() => refuse(words.unreadable, { name }));
  return { ...understood(new DataView(bytes), name, words), name, date: new Date(lastModified).toISOString() };
}

/**
 * @param {string} sentence
 * @param {Record<string, unknown>} [values]
 * @returns {never}
 */
function refuse(sentence, values = {}) {
  throw new Sentence(fill(sentence, values));
}

/**
 * @param {DataView<ArrayBuffer>} view a file's bytes
 * @param {string} name of the file
 * @param {Words} words
 * @returns {Pick<Own, "network" | "made">}
 */
function understood(view, name, words) {
  /** @type {Refuse} */
  const no = (sentence, values) => refuse(sentence, { name, ...values });
  const { head, data } = headOf(view, no, words), { __metadata__: about, ...tensors } = head;
  if (typeof about?.config !== "string") return no(words.another);
  const config = configOf(about.config, no, words);
  checkTensors(tensors, config, no, words);
  checkLength(tensors, data, view.byteLength, no, words);
  if (typeof about.encoding !== "string") return no(words.meaningless);
  const encoding = encodingOf(about.encoding, config.vocab_size, no, words);
  const { weights } = network(view, { unread: words.foreign });
  for (const [tensor, numbers] of Object.entries(weights)) checkNumbers(tensor, numbers, no, words);
  return { network: { config, weights, encoding }, made: group(parsed(about.made)) ?? {} };
}

/**
 * @param {DataView<ArrayBuffer>} view
 * @param {Refuse} no
 * @param {Words} words
 * @returns {{ head: Record<string, any>, data: number }} data: where the numbers begin
 */
function headOf(view, no, words) {
  const size = view.byteLength;
  if (!size) return no(words.empty);
  if (size < 9 || view.getUint8(8) !== 0x7b || view.getBigUint64(0, true) > LONGEST) return no(words.foreign);
  const data = 8 + Number(view.getBigUint64(0, true));
  if (data > size) return no(words.truncated, { missing: count(data - size) });
  const head = group(parsed(new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + 8, data - 8))));
  return head ? { head, data } : no(words.foreign);
}

/**
 * @param {string} text
 * @param {Refuse} no
 * @param {Words} words
 * @returns {OwnConfig}
 */
function configOf(text, no, words) {
  const stored = group(parsed(text));
  if (!stored) return no(words.another);
  /** @type {(field: string, good: boolean) => void} */
  const need = (field, good) => {
    if (!good) no(words.misshapen, { field, value: JSON.stringify(stored[field]) });
  };
  for (const field of Object.keys(stored)) need(field, Object.hasOwn({ dropout: 0, ...SIZES, ...SWITCHES }, field));
  for (const [field, most] of Object.entries(SIZES)) need(field, within(stored[field], 1, most));
  const config = /** @type {OwnConfig} */ ({ ...SWITCHES, ...stored });
  for (const field of Object.keys(SWITCHES)) need(field, typeof /** @type {any} */ (config)[field] === "boolean");
  const { dropout = 0 } = stored, D = config.n_embd / config.n_head;
  need("dropout", typeof dropout === "number" && dropout >= 0 && dropout < 1);
  need("n_head", within(D, 1, Infinity) && !(config.rotary && D % 2));
  return config;
}

/**
 * @param {Header} tensors
 * @param {OwnConfig} config
 * @param {Refuse} no
 * @param {Words} words
 */
function checkTensors(tensors, config, no, words) {
  const shapes = shapesOf(config);
  for (const [tensor, needed] of shapes) {
    const { dtype, shape, data_offsets: place } = group(tensors[tensor]) ?? no(words.lacking, { tensor });
    if (!Object.hasOwn(BYTES, dtype)) no(words.coded, { tensor, dtype });
    if (String(shape) !== String(needed)) no(words.unfitting, { tensor, shape: `(${shape})`, needed: `(${needed})` });
    const bytes = sizeOf(needed) * BYTES[dtype];
    if (!Array.isArray(place) || !within(place[0], 0, Infinity) || place[1] !== place[0] + bytes) no(words.foreign);
  }
  const tensor = Object.keys(tensors).find((one) => !shapes.has(one));
  if (tensor !== undefined) no(words.superfluous, { tensor });
}

/**
 * The weights must lie one after the other, up to the file's end.
 * @param {Header} tensors
 * @param {number} data where they begin
 * @param {number} size of the file
 * @param {Refuse} no
 * @param {Words} words
 */
function checkLength(tensors, data, size, no, words) {
  let end = 0;
  for (const [from, to] of Object.values(tensors).map((one) => one.data_offsets).sort((a, b) => a[0] - b[0])) {
    if (from !== end) no(words.foreign);
    end = to;
  }
  if (data + end > size) no(words.truncated, { missing: count(data + end - size) });
  if (data + end < size) no(words.longer, { more: count(size - data - end) });
}

/**
 * @param {string} tensor
 * @param {Float32Array} numbers
 * @param {Refuse} no
 * @param {Words} words
 */
function checkNumbers(tensor, numbers, no, words) {
  if (!numbers.every(Number.isFinite)) no(words.notFinite, { tensor });
  if (numbers.some((number) => Math.abs(number) > LARGEST)) no(words.huge, { tensor, most: count(LARGEST) });
}

/**
 * What a network's ids mean: { ids } of smallworld's encoding, or { characters }, after which the end has an id.
 * @param {string} text
 * @param {number} V
 * @param {Refuse} no
 * @param {Words} words
 * @returns {Trained["encoding"]}
 */
function encodingOf(text, V, no, words) {
  const { smallworld: ids, characters } = group(parsed(text)) ?? no(words.meaningless);
  /** @type {(list: unknown[], good: (one: any, place: number) => boolean) => number} */
  const wrong = (list, good) => {
    const seen = new Set();
    return list.findIndex((one, i) => !good(one, i) || seen.size === seen.add(one).size);
  };
  if (Array.isArray(ids)) {
    const place = wrong(ids, (id, i) => within(id, 0, END) && (id === END) === (i === ids.length - 1));
    if (place >= 0) no(words.ids, { place });
    return ids.length === V ? { ids } : no(words.counts, { known: ids.length, ids: V });
  }
  if (!Array.isArray(characters)) return no(words.meaningless);
  const place = wrong(characters, (one) => typeof one === "string" && [...one].length === 1 && one.isWellFormed());
  if (place >= 0) no(words.characters, { place });
  return characters.length + 1 === V ? { characters } : no(words.counts, { known: characters.length + 1, ids: V });
}

/** @type {(value: unknown, least: number, most: number) => boolean} */
const within = (value, least, most) => Number.isInteger(value) && least <= Number(value) && Number(value) <= most;

/**
 * What a text says as JSON; undefined if it is none.
 * @param {string | undefined} text
 */
function parsed(text) {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}

/**
 * The value if it has names with values; else null.
 * @param {any} value
 * @returns {Record<string, any> | null}
 */
const group = (value) => (typeof value === "object" && !Array.isArray(value) ? value : null);

// What is kept on this machine: one network, the newest, as a file with a name and a date.

const DATABASE = "next-token", STORE = "networks", KEY = "newest", PATIENCE = 4000; // ms, for a browser that never answers

/** @typedef {{ name: string, date: string, file: ArrayBuffer }} Kept */

/**
 * Keep a network in the place of the one before. What changes is told by the event "network" of the window.
 * @param {Trained} trained
 * @param {string} name
 * @param {Record<string, unknown>} made by what settings
 * @param {Words} words
 * @returns {Promise<boolean>} whether it is still known after this page is closed: some browsers keep nothing
 */
export async function remember(trained, name, made, words) {
  const file = await written(trained, made, words).arrayBuffer();
  return keep({ name, date: new Date().toISOString(), file });
}

/**
 * The network that is kept; null if there is none. A damaged one is a sentence.
 * @param {Words} words
 * @returns {Promise<Own | null>}
 */
export async function recalled(words) {
  const kept = await found();
  if (!kept) return null;
  return { ...understood(new DataView(kept.file), kept.name, words), name: kept.name, date: kept.date };
}

/**
 * What is kept, unread.
 * @returns {Promise<Kept | undefined>}
 */
export async function found() {
  const kept = window.nextToken?.network ?? await stored("readonly", (store) => store.get(KEY)).catch(() => undefined);
  return kept?.file instanceof ArrayBuffer ? kept : undefined;
}

/** Forget it. */
export async function forget() {
  await keep(undefined);
}

/** @param {Kept | undefined} kept */
async function keep(kept) {
  const lasts = await stored("readwrite", (store) => (kept ? store.put(kept, KEY) : store.delete(KEY))).then(() => true, () => false);
  (window.nextToken ??= {}).network = lasts ? undefined : kept; // then this page's pictures find it there
  dispatchEvent(new Event("network"));
  return lasts;
}

/**
 * What one act in the browser's store gives.
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<any>} act
 * @returns {Promise<any>}
 */
function stored(mode, act) {
  return new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(DATABASE)), PATIENCE);
    const asked = indexedDB.open(DATABASE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
    asked.onerror = () => reject(asked.error);
    asked.onsuccess = () => {
      const base = asked.result;
      try {
        const work = base.transaction(STORE, mode), got = act(work.objectStore(STORE));
        work.oncomplete = () => resolve(got.result);
        work.onabort = () => reject(work.error);
      } catch (error) {
        reject(error);
      }
      base.close(); // when what was begun is done
    };
  });
}
