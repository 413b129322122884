// The next word's probabilities by a network that runs here, the truth, and a draw: as in sampler.py.
import { Sentence, bar, button, change, checkText, element, fill, later, percent, picture, resource, slider, textArea, visible, whole } from "./shared.js";
import { kvCache, network, read, softmax, unembed } from "./gpt.js";
import { END, nextProbabilities } from "./smallworld.js";

/** @import { CommonWords, Cut, Parts, World } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/sampler.json") & CommonWords} Words */

/**
 * @typedef {object} State
 * @property {string} text
 * @property {number} heat the temperature, in `STEPS`-ths
 * @property {number} top_k how many words are kept; 0: all
 * @property {number} tail what top-p cuts off, in `STEPS`-ths
 * @property {boolean} ended the network drew the end
 * @property {Moved & { rows: Row[] }} beginning what is shown before any file is here
 */
/** @typedef {{ text: string, heat: number, top_k: number, tail: number }} Moved what the reader moves */
/** @typedef {[name: string, p: number, drawn: number, truth: number | null]} Row the last: all others */
/** @typedef {{ logits: Float64Array, truth: Float64Array | null, count: number }} Read shape (V,) each */
/** @typedef {{ ids: Map<string, number>, pieces: Cut, end: number }} Encoding end: the id of a document's end */

const ROWS = 8, STEPS = 20, MOST_CHARACTERS = 600, MOST_TOKENS = 79, PAUSE = 150; // as in sampler.py; ms
const RARE = 1e-6, COLDEST = 2 ** -126, DIGITS = 2; // of a percentage

/**
 * A text's tokens by the course's byte pair encoding: of all neighbours the first learned are joined first.
 * @param {World} world
 * @returns {Encoding}
 */
function encoder({ vocabulary, pattern }) {
  const ids = new Map(vocabulary.map((piece, id) => [piece, id])), split = new RegExp(pattern, "gu");
  /** @param {string} piece */
  const joined = (piece) => {
    const row = [...piece];
    while (row.length > 1) {
      let best = Infinity, at = -1;
      for (let i = 1; i < row.length; i++) {
        const id = ids.get(row[i - 1] + row[i]) ?? Infinity;
        if (id < best) [best, at] = [id, i];
      }
      if (at < 0) break;
      row.splice(at - 1, 2, row[at - 1] + row[at]);
    }
    return row;
  };
  /** @type {Cut} */
  const pieces = (text) => (text.match(split) ?? []).flatMap((piece) => {
    const bytes = String.fromCharCode(...new TextEncoder().encode(piece));
    return ids.has(bytes) ? [bytes] : joined(bytes);
  });
  return { ids, pieces, end: vocabulary.length };
}

/** @param {string} piece */
const plain = (piece) => new TextDecoder().decode(Uint8Array.from(piece, (sign) => sign.charCodeAt(0)));

// The network, what it has read, and the world that it learned from.
class Talker {
  /**
   * @param {DataView<ArrayBuffer>} weights
   * @param {World} world
   * @param {Words} words
   */
  constructor(weights, world, words) {
    this.net = network(weights, words);
    this.end = words.end;
    this.world = world;
    this.encoding = encoder(world);
    this.cache = kvCache(this.net);
    /** @type {number[]} the ids in the cache */
    this.read = [];
    const known = new Map();
    /** @type {Cut} */
    this.cut = (text) => known.get(text) ?? known.set(text, this.encoding.pieces(text)).get(text);
  }
  /** @param {number} id */
  name(id) {
    return id === this.encoding.end ? this.end : plain(this.world.vocabulary[id]);
  }
  /**
   * What comes next, by the network and in truth; count: of the text's tokens.
   * @param {string} text
   * @returns {Read | { logits: null, count: number }} no logits: the text is too long
   */
  after(text) {
    const pieces = this.encoding.pieces(text), { ids, end } = this.encoding;
    if (pieces.length > MOST_TOKENS) return { logits: null, count: pieces.length };
    const next = nextProbabilities(pieces, this.world, this.cut);
    const truth = next && new Float64Array(end + 1);
    /** @type {(piece: string) => number} */
    const id = (piece) => piece === END ? end : /** @type {number} */ (ids.get(piece));
    if (next && truth) for (const [piece, p] of next) truth[id(piece)] = p;
    return { logits: this.logits([end, ...pieces.map(id)]), truth, count: pieces.length };
  }
  /**
   * What the new tokens have in common with those before need not be read again.
   * @param {number[]} tokens their ids
   * @returns {Float64Array} shape (V,)
   */
  logits(tokens) {
    let same = 0;
    while (same < tokens.length - 1 && tokens[same] === this.read[same]) same += 1;
    this.cache.length = same;
    for (const layer of this.cache.layers) layer.k.length = layer.v.length = same;
    const [last] = tokens.slice(same).map((token) => read(this.net, this.cache, token)).slice(-1);
    this.read = tokens;
    return unembed(this.net, last.final_normed);
  }
}

/**
 * As nbutils.sampling.next_token_probabilities.
 * @param {Float64Array} logits shape (V,)
 * @param {number} temperature
 * @param {number} topK 0: all
 * @param {number} topP
 * @returns {Float64Array} shape (V,): probabilities
 */
function drawnFrom(logits, temperature, topK, topP) {
  const order = [...logits.keys()].sort((a, b) => logits[b] - logits[a]), out = new Float64Array(logits.length);
  if (temperature < COLDEST) {
    out[order[0]] = 1;
    return out;
  }
  const scaled = logits.map((logit) => (logit - logits[order[0]]) / temperature);
  const kept = order.slice(0, topK || order.length), p = softmax(kept.map((id) => scaled[id]));
  let before = 0, total = 0;
  for (let i = 0; i < kept.length && (i === 0 || before < topP || topP === 1); i++) {
    out[kept[i]] = p[i];
    before += p[i];
    total += p[i];
  }
  return out.map((share) => share / total);
}

/** @param {Float64Array} p */
function pick(p) {
  let left = Math.random();
  const id = p.findIndex((share) => (left -= share) < 0);
  return id < 0 ? p.indexOf(Math.max(...p)) : id; // rounding may leave a trace
}

/**
 * @param {Talker} talker
 * @param {Read} read
 * @param {Float64Array} drawn
 * @returns {Row[]}
 */
function rowsOf(talker, { logits, truth }, drawn) {
  const p = softmax(logits);
  /** @type {Row[]} */
  const rows = [...p.keys()].sort((a, b) => p[b] - p[a]).slice(0, ROWS)
    .map((id) => [visible(talker.name(id)), p[id], drawn[id], truth && truth[id]]);
  /** @param {1 | 2 | 3} i */
  const rest = (i) => Math.max(0, 1 - rows.reduce((sum, row) => sum + (row[i] ?? 0), 0));
  return [...rows, ["", rest(1), rest(2), truth && rest(3)]];
}

/**
 * @param {Row} row
 * @param {Words} words
 */
function barOf([name, p, drawn, truth], words) {
  const value = element("span", {}, percent(drawn, DIGITS));
  if (truth !== null) value.append(" ", element("small", {}, fill(words.true, { p: percent(truth, DIGITS) })));
  const made = bar(name || words.others, drawn, value, name ? "mark" : "quiet");
  if (truth !== null) made.querySelector(".track")?.append(element("span", { class: "truth", style: `left: ${100 * truth}%` }));
  Object.assign(made.dataset, { p, drawn, truth: truth ?? -1 });
  return made;
}

/**
 * @param {Row[]} rows
 * @param {boolean} ended
 * @param {Words} words
 */
function sentence(rows, ended, words) {
  const [name, p, drawn, truth] = rows[0];
  const kept = rows.slice(0, -1).filter((row) => row[2] >= RARE).length;
  const likeliest = fill(words.likeliest, { name, p: percent(p, DIGITS) });
  const told = truth === null ? words.unknown : fill(words.truth, { p: percent(truth, DIGITS) });
  const draws = fill(words.drawn, { p: percent(drawn, DIGITS), kept, rows: ROWS });
  return `${likeliest} ${told}\n${draws}${ended ? `\n${words.ended}` : ""}`;
}

/**
 * @param {unknown} text
 * @param {Words} words
 * @returns {string} without spaces at its end
 */
function check(text, words) {
  if (typeof text !== "string") throw new Sentence(words.notText);
  checkText(text, MOST_CHARACTERS, words);
  return text.replace(/ +$/, "");
}

/**
 * The network at the picture's service: fetched when it is first needed, asked, and drawn from.
 * @param {Parts<Words, State>} parts
 */
function writer({ model, root, words, redraw }) {
  /** @type {ReturnType<Talker["after"]> | null} what comes after the known text */
  let found = null;
  let known = "";

  const talker = later(async () => {
    const [weights, tables] = await Promise.all([resource(model, "network"), resource(model, "world")]);
    return new Talker(weights, JSON.parse(new TextDecoder().decode(tables)), words);
  }, () => {
    state.writing &&= talker.value !== null;
    redraw();
  });
  const state = { talker, writing: false };
  /** @param {() => void} what */
  const act = async (what) => {
    await talker.fetch();
    if (talker.value) what();
  };
  /** @param {Talker} talker */
  const look = (talker) => {
    const text = check(model.get("text"), words);
    if (!found || known !== text) [known, found] = [text, talker.after(text)];
    if (!found.logits) throw new Sentence(fill(words.tokens, { length: found.count, most: MOST_TOKENS }));
    const heat = model.get("heat") / STEPS, topP = 1 - model.get("tail") / STEPS;
    return { text, read: found, drawn: drawnFrom(found.logits, heat, model.get("top_k"), topP) };
  };
  const mayDraw = () => !model.get("ended") && !(found && found.count >= MOST_TOKENS);
  const draw = () => {
    if (!talker.value || root.classList.contains("broken") || !mayDraw()) return false;
    const { text, drawn } = look(talker.value), id = pick(drawn);
    if (!mayDraw()) return false;
    change(model, id === talker.value.encoding.end ? { ended: true } : { text: text + talker.value.name(id) });
    return mayDraw();
  };
  const goOn = () => {
    if (!state.writing || !root.isConnected) return;
    state.writing = draw();
    if (state.writing) setTimeout(goOn, PAUSE);
    redraw();
  };
  const startOrStop = () => {
    state.writing = !state.writing;
    if (state.writing) act(goOn);
    else redraw();
  };
  return Object.assign(state, { look, mayDraw, startOrStop, drawOne: () => act(draw) });
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build(parts) {
  const { model, root, words } = parts, by = writer(parts), beginning = model.get("beginning");
  /** @type {(name: "heat" | "top_k" | "tail") => (value: number) => void} */
  const set = (name) => (value) => change(model, { [name]: value });
  const field = textArea(words.text, 2, (text) => {
    by.writing = false;
    change(model, { ended: false, text });
  });
  const heat = slider(words.heat, set("heat")), topK = slider(words.topK, set("top_k")), tail = slider(words.tail, set("tail"));
  const one = button(words.one, by.drawOne, "main"), write = button(words.write, by.startOrStop);
  const bars = element("div", { class: "bars" });
  root.classList.add("sampler");
  root.append(element("div", { class: "controls" }, field, element("div", { class: "sliders" }, heat, topK, tail),
    element("div", { class: "stepper" }, one, write)), bars, element("p", { class: "quiet" }, words.legend));

  return () => {
    /** @type {Moved} */
    const state = { text: model.get("text"), heat: model.get("heat"), top_k: model.get("top_k"), tail: model.get("tail") };
    field.show(String(state.text));
    check(state.text, words);
    whole(model, "heat", 0, 2 * STEPS);
    whole(model, "top_k", 0, ROWS);
    whole(model, "tail", 0, STEPS - 1);
    heat.show(state.heat, 2 * STEPS, (state.heat / STEPS).toFixed(2));
    topK.show(state.top_k, ROWS, state.top_k ? String(state.top_k) : words.all);
    tail.show(state.tail, STEPS - 1, (1 - state.tail / STEPS).toFixed(2));
    const names = /** @type {(keyof Moved)[]} */ (Object.keys(state));
    const here = names.every((name) => state[name] === beginning[name]);
    const talker = by.talker.value;
    root.classList.toggle("waiting", !talker && !here);
    write.textContent = by.writing ? words.stop : words.write;
    by.talker.tell();
    if (!talker && !here) {
      by.talker.fetch();
      return fill(words.fetching, { size: "1.6 MB" });
    }
    const seen = talker && by.look(talker);
    const rows = talker && seen ? rowsOf(talker, seen.read, seen.drawn) : beginning.rows;
    for (const control of [one, write]) control.setAttribute("aria-disabled", String(!by.mayDraw()));
    bars.replaceChildren(...rows.map((row) => barOf(row, words)));
    return sentence(rows, model.get("ended"), words);
  };
}

export default picture(build);
