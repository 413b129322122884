// The next word's probabilities by a network that runs here, the truth, and a draw: as in sampler.py.
import { DIGITS, RARE, barOf } from "./bars.js";
import {
  Sentence, button, change, checkText, chip, element, fill, flag, later, percent, picture, resource, slider, textArea, visible,
  whole,
} from "./shared.js";
import { kvCache, network, read, softmax, unembed } from "./gpt.js";
import { courseEncoding, meaningOf } from "./tokens.js";
import { whose } from "./whose.js";

/** @import { CommonWords, Meaning, Network, Parts, Row, World } from "./types" */
/** @import { Own } from "./engine/types" */
/** @typedef {typeof import("../../words/en/pictures/sampler.json") & import("./whose.js").Words & CommonWords} Words */

/**
 * @typedef {object} State
 * @property {string} text
 * @property {number} heat the temperature, in `STEPS`-ths
 * @property {number} top_k how many words are kept; 0: all
 * @property {number} tail what top-p cuts off, in `STEPS`-ths
 * @property {boolean} ended the network drew the end
 * @property {boolean} yours the reader's own network writes, and not the course's
 * @property {boolean} waits its files are fetched when the reader touches it, and not when it is seen
 * @property {Moved & { rows: Row[] }} beginning what is shown before any file is here
 */
/** @typedef {{ text: string, heat: number, top_k: number, tail: number }} Moved what the reader moves */
/** @typedef {{ logits: Float64Array, truth: Float64Array | null, count: number }} Read shape (V,) each */
/** @typedef {Read | { logits: null, count: number, most: number }} Found no logits: the text is too long */
/** @typedef {{ name: string, p: number }} Drawn a token that the network drew, and the probability that it had */

const ROWS = 14, STEPS = 20, MOST_CHARACTERS = 600, MOST_TOKENS = 79, SIZE = "1.6 MB"; // as in sampler.py
const PAUSE = 150, BUDGET = 20; // ms: between two draws, and of reading before the page is shown again
const COLDEST = 2 ** -126; // of the temperatures

// A network, what it has read, and what its ids mean.
class Talker {
  /**
   * @param {Network} net
   * @param {number} room tokens that it can read, the end of a document before them counted
   * @param {Meaning} meaning
   * @param {string} end how the end of a document is called
   */
  constructor(net, room, meaning, end) {
    this.net = net;
    this.most = Math.min(MOST_TOKENS, room - 1);
    this.meaning = meaning;
    this.end = end;
    this.cache = kvCache(net);
    /** @type {number[]} the ids in the cache */
    this.read = [];
  }
  /** @param {number} id */
  name(id) {
    return id === this.meaning.end ? this.end : this.meaning.name(id);
  }
  /**
   * What comes next, by the network and in truth; count: of the text's tokens.
   * @param {string} text
   * @returns {() => Found | null} reads for a while; null: there is more to read
   */
  begin(text) {
    const ids = this.meaning.ids(text), { length } = ids, { most } = this;
    if (length > most) return () => ({ logits: null, count: length, most });
    const truth = this.meaning.truth(text), tokens = [this.meaning.end, ...ids];
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
 * @param {boolean} signs its tokens are characters, of a text whose truth nobody knows
 * @param {Words} words
 */
function sentence(rows, ended, signs, words) {
  const [name, p, drawn, truth] = rows[0];
  const kept = rows.slice(0, -1).filter((row) => row[2] >= RARE).length;
  const likeliest = fill(signs ? words.likeliestSign : words.likeliest, { name, p: percent(p, DIGITS) });
  const told = truth === null ? (signs ? words.noTruth : words.unknown) : fill(words.truth, { p: percent(truth, DIGITS) });
  const draws = fill(signs ? words.drawnSigns : words.drawn, { p: percent(drawn, DIGITS), kept, rows: rows.length - 1 });
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
 * Who writes: the course's network, fetched when it is first needed, or the reader's. null: it is not here yet.
 * @param {Parts<Words, State>} parts
 * @param {ReturnType<typeof whose>} mine
 * @param {() => void} settled it is here, or can't be had
 */
function talkers({ model, words }, mine, settled) {
  const world = later(async () => /** @type {World} */ (JSON.parse(new TextDecoder().decode(await resource(model, "world")))), settled);
  const course = later(async () => {
    const [weights] = await Promise.all([resource(model, "network"), world.fetch()]), net = network(weights, words);
    world.tell();
    const known = /** @type {World} */ (world.value);
    return new Talker(net, MOST_TOKENS + 1, meaningOf(courseEncoding(known), known, words), words.ending);
  }, settled);
  /** @type {{ own: Own | null, talker: Talker | null }} */
  const made = { own: null, talker: null };
  const yours = () => {
    const own = mine.own();
    if (!own || !world.value) return null;
    if (made.own !== own) {
      const { config, encoding } = own.network;
      Object.assign(made, { own, talker: new Talker(own.network, config.block_size, meaningOf(encoding, world.value, words), words.ending) });
    }
    return made.talker;
  };
  const isMine = () => model.get("yours");
  return {
    now: () => (isMine() ? yours() : course.value),
    fetch: () => (isMine() ? world : course).fetch(),
    tell: () => (isMine() ? world : course).tell(),
    signs: () => "characters" in (mine.own()?.network.encoding ?? {}),
  };
}

const breath = () => new Promise((go) => setTimeout(go)); // for the browser, to show what it has

/**
 * The network at the picture's service: asked, and drawn from.
 * @param {Parts<Words, State>} parts
 * @param {ReturnType<typeof whose>} mine
 */
function writer(parts, mine) {
  const { model, root, words, redraw } = parts;
  /** @type {Found | null} what comes after the known text */
  let found = null;
  /** @type {() => Found | null} */
  let reading = () => null;
  /** @type {{ text: string, talker: Talker } | null} */
  let known = null;

  const by = talkers(parts, mine, () => {
    if (!by.now() && !model.get("yours")) state.writing = state.asked = false;
    redraw();
  });
  const state = { by, writing: false, asked: false, drawn: /** @type {Drawn[]} */ ([]), after: "" };
  const fetch = () => {
    if (!state.asked && !by.now()) setTimeout(redraw); // to say that it is fetched
    state.asked = true;
    return by.fetch();
  };
  /** @param {() => void} what */
  const act = async (what) => {
    await fetch();
    for (let talker = by.now(); talker && !root.classList.contains("broken") && !look(talker); talker = by.now()) await breath();
    if (by.now()) what();
  };
  /**
   * @param {Talker} talker
   * @returns {{ text: string, read: Read, drawn: Float64Array } | null} null: it reads on, and then the picture is drawn again
   */
  function look(talker) {
    const text = check(model.get("text"), words);
    if (known?.text !== text || known.talker !== talker) [known, found, reading] = [null, null, talker.begin(text)];
    known = { text, talker };
    found ??= reading();
    if (!found) return setTimeout(redraw), null;
    if (!found.logits) throw new Sentence(fill(words.tokens, { length: found.count, most: found.most }));
    const heat = model.get("heat") / STEPS, topP = 1 - model.get("tail") / STEPS;
    return { text, read: found, drawn: drawnFrom(found.logits, heat, model.get("top_k"), topP) };
  }
  const mayDraw = () => !model.get("ended") && !(found && found.count >= (by.now()?.most ?? MOST_TOKENS));
  const draw = () => {
    const talker = by.now();
    if (!talker || root.classList.contains("broken") || !mayDraw()) return false;
    const seen = look(talker);
    if (!seen) return true;
    const id = pick(seen.drawn), ends = id === talker.meaning.end, name = talker.name(id);
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
  const { model, root, words } = parts, mine = whose(parts), writing = writer(parts, mine), beginning = model.get("beginning");
  const field = textArea(words.text, 2, (text) => {
    writing.forget();
    change(model, { ended: false, text });
  }, { most: MOST_CHARACTERS, words });
  const moved = sliders(parts), output = written(words), note = element("p", { class: "note quiet", role: "status" });
  const one = button(words.one, writing.drawOne, "main"), write = button(words.write, writing.startOrStop);
  const bars = element("div", { class: "bars" });
  root.classList.add("sampler");
  root.append(element("div", { class: "controls" }, field, moved, element("div", { class: "stepper" }, one, write)),
    element("p", { class: "quiet" }, words.written), output, note, bars, element("p", { class: "quiet" }, words.legend), mine);
  root.addEventListener("restart", writing.forget);
  if (!model.get("waits")) whenSeen(root, writing.fetch);
  let yours = model.get("yours");

  return () => {
    field.show(String(model.get("text")));
    const state = checked(model, words), names = /** @type {(keyof Moved)[]} */ (Object.keys(state));
    moved.show(state);
    if (yours !== flag(model, "yours")) writing.forget();
    yours = model.get("yours");
    mine.show();
    const here = !yours && names.every((name) => state[name] === beginning[name]), talker = writing.by.now();
    write.textContent = writing.writing ? words.stop : words.write;
    output.show(writing.drawn);
    note.textContent = talker || yours ? "" : fill(writing.asked || !here ? words.fetching : words.touch, { size: SIZE });
    note.hidden = !note.textContent;
    root.classList.toggle("waiting", !talker && !here);
    if (!here || writing.writing) writing.by.tell(); // what is shown of the beginning is true without any file
    if (!talker && !here) {
      writing.fetch();
      return yours ? words.recalling : note.textContent;
    }
    const seen = talker && writing.look(talker);
    if (talker && !seen) {
      root.classList.add("waiting");
      return words.reading;
    }
    const rows = talker && seen ? rowsOf(talker, seen.read, seen.drawn) : beginning.rows;
    for (const control of [one, write]) control.setAttribute("aria-disabled", String(!writing.mayDraw()));
    bars.replaceChildren(...rows.map((row) => barOf(row, words)));
    return sentence(rows, model.get("ended"), writing.by.signs(), words);
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
