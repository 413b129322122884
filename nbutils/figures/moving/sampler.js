// The next word's probabilities by a network that runs here, the truth, and a draw: as in sampler.py.
import { DIGITS, RARE, barOf } from "./bars.js";
import {
  Sentence, button, change, checkText, chip, element, fill, later, percent, picture, resource, slider, textArea, visible, whole,
} from "./shared.js";
import { kvCache, network, read, softmax, unembed } from "./gpt.js";
import { END, nextProbabilities } from "./smallworld.js";

/** @import { CommonWords, Cut, Parts, Row, World } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/sampler.json") & CommonWords} Words */

/**
 * @typedef {object} State
 * @property {string} text
 * @property {number} heat the temperature, in `STEPS`-ths
 * @property {number} top_k how many words are kept; 0: all
 * @property {number} tail what top-p cuts off, in `STEPS`-ths
 * @property {boolean} ended the network drew the end
 * @property {boolean} waits its files are fetched when the reader touches it, and not when it is seen
 * @property {Moved & { rows: Row[] }} beginning what is shown before any file is here
 */
/** @typedef {{ text: string, heat: number, top_k: number, tail: number }} Moved what the reader moves */
/** @typedef {{ logits: Float64Array, truth: Float64Array | null, count: number }} Read shape (V,) each */
/** @typedef {Read | { logits: null, count: number }} Found no logits: the text is too long */
/** @typedef {{ name: string, p: number }} Drawn a token that the network drew, and the probability that it had */
/** @typedef {{ ids: Map<string, number>, pieces: Cut, end: number }} Encoding end: the id of a document's end */

const ROWS = 14, STEPS = 20, MOST_CHARACTERS = 600, MOST_TOKENS = 79, SIZE = "1.6 MB"; // as in sampler.py
const PAUSE = 150, BUDGET = 20; // ms: between two draws, and of reading before the page is shown again
const COLDEST = 2 ** -126; // of the temperatures

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
   * @returns {() => Found | null} reads for a while; null: there is more to read
   */
  begin(text) {
    const pieces = this.encoding.pieces(text), { ids, end } = this.encoding, { length } = pieces;
    if (length > MOST_TOKENS) return () => ({ logits: null, count: length });
    const next = nextProbabilities(pieces, this.world, this.cut);
    const truth = next && new Float64Array(end + 1);
    /** @type {(piece: string) => number} */
    const id = (piece) => piece === END ? end : /** @type {number} */ (ids.get(piece));
    if (next && truth) for (const [piece, p] of next) truth[id(piece)] = p;
    const tokens = [end, ...pieces.map(id)];
    return () => {
      const logits = this.logits(tokens);
      return logits && { logits, truth, count: length };
    };
  }
  /**
   * What the new tokens have in common with those before need not be read again.
   * @param {number[]} tokens their ids
   * @returns {Float64Array | null} shape (V,); null: there is more to read
   */
  logits(tokens) {
    const began = performance.now();
    let same = 0;
    while (same < tokens.length - 1 && tokens[same] === this.read[same]) same += 1;
    this.cache.length = same;
    for (const layer of this.cache.layers) layer.k.length = layer.v.length = same;
    for (let at = same; at < tokens.length; at++) {
      const { final_normed } = read(this.net, this.cache, tokens[at]);
      this.read = tokens.slice(0, at + 1);
      if (at === tokens.length - 1) return unembed(this.net, final_normed);
      if (performance.now() - began > BUDGET) break;
    }
    return null;
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
  /** @type {Found | null} what comes after the known text */
  let found = null;
  /** @type {() => Found | null} */
  let reading = () => null;
  /** @type {string | null} */
  let known = null;

  const talker = later(async () => {
    const [weights, tables] = await Promise.all([resource(model, "network"), resource(model, "world")]);
    return new Talker(weights, JSON.parse(new TextDecoder().decode(tables)), words);
  }, () => {
    state.writing &&= talker.value !== null;
    state.asked &&= talker.value !== null;
    redraw();
  });
  const state = { talker, writing: false, asked: false, drawn: /** @type {Drawn[]} */ ([]), after: "" };
  const fetch = () => {
    if (!state.asked && !talker.value) setTimeout(redraw); // to say that it is fetched
    state.asked = true;
    return talker.fetch();
  };
  /** @param {() => void} what */
  const act = async (what) => {
    await fetch();
    while (talker.value && !root.classList.contains("broken") && !look(talker.value)) await new Promise((go) => setTimeout(go));
    if (talker.value) what();
  };
  /**
   * @param {Talker} talker
   * @returns {{ text: string, read: Read, drawn: Float64Array } | null} null: it reads on, and then the picture is drawn again
   */
  function look(talker) {
    const text = check(model.get("text"), words);
    if (known !== text) [known, found, reading] = [text, null, talker.begin(text)];
    found ??= reading();
    if (!found) return setTimeout(redraw), null;
    if (!found.logits) throw new Sentence(fill(words.tokens, { length: found.count, most: MOST_TOKENS }));
    const heat = model.get("heat") / STEPS, topP = 1 - model.get("tail") / STEPS;
    return { text, read: found, drawn: drawnFrom(found.logits, heat, model.get("top_k"), topP) };
  }
  const mayDraw = () => !model.get("ended") && !(found && found.count >= MOST_TOKENS);
  const draw = () => {
    if (!talker.value || root.classList.contains("broken") || !mayDraw()) return false;
    const seen = look(talker.value);
    if (!seen) return true;
    const id = pick(seen.drawn), ends = id === talker.value.encoding.end, name = talker.value.name(id);
    if (!mayDraw()) return false;
    if (state.after !== seen.text) state.drawn = [];
    state.drawn.push({ name: visible(name), p: seen.drawn[id] });
    state.after = ends ? seen.text : seen.text + name;
    change(model, ends ? { ended: true } : { text: state.after });
    return !ends;
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
  const forget = () => Object.assign(state, { writing: false, drawn: [], after: "" });
  return Object.assign(state, { look, mayDraw, startOrStop, fetch, forget, drawOne: () => act(draw) });
}

/**
 * What the network has drawn, token by token, each above the probability that it had; the newest is marked, and in sight.
 * @param {Words} words
 */
function written(words) {
  const row = element("div", { class: "chips" }), none = element("span", { class: "quiet" }, words.none);
  const place = element("div", { class: "written", role: "group", tabindex: 0, "aria-label": words.written }, row);
  let shown = -1;
  /** @param {Drawn[]} drawn */
  const show = (drawn) => {
    if (drawn.length === shown) return;
    if (drawn.length < shown || shown < 1) row.replaceChildren(...(drawn.length ? [] : [none]));
    row.lastElementChild?.classList.remove("label");
    for (const { name, p } of drawn.slice(row.querySelectorAll(".chip").length)) row.append(chip(name, percent(p, DIGITS)));
    if (drawn.length) row.lastElementChild?.classList.add("label");
    place.scrollTop = place.scrollHeight;
    shown = drawn.length;
  };
  return Object.assign(place, { show });
}

/**
 * Sliders that rise to the right: the most that top-k and top-p keep is all.
 * @param {Parts<Words, State>} parts
 */
function sliders({ model, words }) {
  const heat = slider(words.heat, (value) => change(model, { heat: value }));
  const topK = slider(words.topK, (at) => change(model, { top_k: (at + 1) % (ROWS + 1) }));
  const tail = slider(words.tail, (at) => change(model, { tail: STEPS - 1 - at }));
  /** @param {Moved} state */
  const show = ({ heat: h, top_k: k, tail: t }) => {
    heat.show(h, 2 * STEPS, (h / STEPS).toFixed(2));
    topK.show((k || ROWS + 1) - 1, ROWS, k ? String(k) : words.all);
    tail.show(STEPS - 1 - t, STEPS - 1, (1 - t / STEPS).toFixed(2));
  };
  return Object.assign(element("div", { class: "sliders" }, heat, topK, tail), { show });
}

/**
 * @param {Parts<Words, State>["model"]} model
 * @param {Words} words
 * @returns {Moved}
 */
function checked(model, words) {
  const text = model.get("text");
  check(text, words);
  return { text, heat: whole(model, "heat", 0, 2 * STEPS), top_k: whole(model, "top_k", 0, ROWS), tail: whole(model, "tail", 0, STEPS - 1) };
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build(parts) {
  const { model, root, words } = parts, by = writer(parts), beginning = model.get("beginning");
  const field = textArea(words.text, 2, (text) => {
    by.forget();
    change(model, { ended: false, text });
  }, { most: MOST_CHARACTERS, words });
  const moved = sliders(parts), output = written(words), note = element("p", { class: "note quiet", role: "status" });
  const one = button(words.one, by.drawOne, "main"), write = button(words.write, by.startOrStop);
  const bars = element("div", { class: "bars" });
  root.classList.add("sampler");
  root.append(element("div", { class: "controls" }, field, moved, element("div", { class: "stepper" }, one, write)),
    element("p", { class: "quiet" }, words.written), output, note, bars, element("p", { class: "quiet" }, words.legend));
  root.addEventListener("restart", by.forget);
  if (!model.get("waits")) whenSeen(root, by.fetch);

  return () => {
    field.show(String(model.get("text")));
    const state = checked(model, words), names = /** @type {(keyof Moved)[]} */ (Object.keys(state));
    moved.show(state);
    const here = names.every((name) => state[name] === beginning[name]), talker = by.talker.value;
    write.textContent = by.writing ? words.stop : words.write;
    output.show(by.drawn);
    note.textContent = talker ? "" : fill(by.asked || !here ? words.fetching : words.touch, { size: SIZE });
    note.hidden = Boolean(talker);
    root.classList.toggle("waiting", !talker && !here);
    if (!here || by.writing) by.talker.tell(); // what is shown of the beginning is true without any file
    if (!talker && !here) {
      by.fetch();
      return note.textContent;
    }
    const seen = talker && by.look(talker);
    if (talker && !seen) {
      root.classList.add("waiting");
      return words.reading;
    }
    const rows = talker && seen ? rowsOf(talker, seen.read, seen.drawn) : beginning.rows;
    for (const control of [one, write]) control.setAttribute("aria-disabled", String(!by.mayDraw()));
    bars.replaceChildren(...rows.map((row) => barOf(row, words)));
    return sentence(rows, model.get("ended"), words);
  };
}

/**
 * Once, when the element first comes near the screen.
 * @param {HTMLElement} root
 * @param {() => void} what
 */
function whenSeen(root, what) {
  const watch = new IntersectionObserver((seen) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    watch.disconnect();
    what();
  }, { rootMargin: "300px" });
  watch.observe(root);
}

export default picture(build);
