// The next word's probabilities by a network that runs here, the truth, and a draw: as in sampler.py.
import { Sentence, bar, button, change, element, fill, picture, readable, resource, slider, visible, whole } from "./shared.js";
import { memory, network, read, softmax, unembed } from "./gpt.js";
import { END, nextProbabilities } from "./smallworld.js";

const LABELS = {
  en: {
    title: "Which word comes next",
    text: "Text", heat: "Temperature", topK: "Top-k", tail: "Top-p", all: "all",
    one: "Draw one", write: "Let it write", stop: "Stop", others: "all others", true: "true {p}",
    legend: "Bar: the probability to be drawn. Upright mark: the truth.",
    fetching: "The network is being fetched (1.6 MB, only once) …",
    long: "This text has {length} characters; the picture takes up to {most}.",
    tokens: "This text has {length} tokens; the network reads up to {most}. Take the end off.",
    half: "The text has half a character in it. Type it again without that.",
    notText: "The text must be text.",
    likeliest: "The likeliest next word is {name}: {p} by the network. ",
    truth: "The truth is {p}.",
    unknown: "No document of smallworld begins like this, or its last word is not whole: there is no truth.",
    drawn: "With these sliders it is drawn with {p}, and {kept} of these {rows} words have at least one chance in a million.",
    ended: "The network has drawn the end of the document.",
  },
};

const ROWS = 8, STEPS = 20, MOST_CHARACTERS = 600, MOST_TOKENS = 79, PAUSE = 150; // as in sampler.py; ms
const RARE = 1e-6, COLDEST = 2 ** -126;
const percent = (share) => `${readable(100 * share, 2)} %`;

// A text's tokens by the course's byte pair encoding: of all neighbours the first learned are joined first.
function encoder({ vocabulary, pattern }) {
  const ids = new Map(vocabulary.map((piece, id) => [piece, id])), split = new RegExp(pattern, "gu");
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
  const pieces = (text) => (text.match(split) ?? []).flatMap((piece) => {
    const bytes = String.fromCharCode(...new TextEncoder().encode(piece));
    return ids.has(bytes) ? [bytes] : joined(bytes);
  });
  return { ids, pieces, end: vocabulary.length };
}

const plain = (piece) => new TextDecoder().decode(Uint8Array.from(piece, (sign) => sign.charCodeAt(0)));

// The network, what it has read, and the world that it learned from.
class Talker {
  constructor(weights, world) {
    Object.assign(this, { net: network(weights), world, encoding: encoder(world), read: [], memory: null });
    const known = new Map();
    this.cut = (text) => known.get(text) ?? known.set(text, this.encoding.pieces(text)).get(text);
  }
  name(id) {
    return id === this.encoding.end ? END : plain(this.world.vocabulary[id]);
  }
  // { logits, truth: Float64Array or null, count: of the text's tokens }
  after(text) {
    const pieces = this.encoding.pieces(text), { ids, end } = this.encoding;
    if (pieces.length > MOST_TOKENS) return { count: pieces.length };
    const next = nextProbabilities(pieces, this.world, this.cut);
    const truth = next && new Float64Array(end + 1);
    for (const [piece, p] of next ?? []) truth[piece === END ? end : ids.get(piece)] = p;
    return { logits: this.logits([end, ...pieces.map((piece) => ids.get(piece))]), truth, count: pieces.length };
  }
  // What the new tokens have in common with those before need not be read again.
  logits(tokens) {
    this.memory ??= memory(this.net);
    let same = 0;
    while (same < tokens.length - 1 && tokens[same] === this.read[same]) same += 1;
    this.memory.length = same;
    for (const layer of this.memory.layers) layer.k.length = layer.v.length = same;
    let seen = null;
    for (const token of tokens.slice(same)) seen = read(this.net, this.memory, token);
    this.read = tokens;
    return unembed(this.net, seen.final_normed);
  }
}

// As nbutils.sampling.next_token_probabilities.
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

function pick(p) {
  let left = Math.random();
  const id = p.findIndex((share) => (left -= share) < 0);
  return id < 0 ? p.indexOf(Math.max(...p)) : id; // rounding may leave a trace
}

function rowsOf(talker, { logits, truth }, drawn) {
  const p = softmax(logits), order = [...p.keys()].sort((a, b) => p[b] - p[a]).slice(0, ROWS);
  const rows = order.map((id) => [visible(talker.name(id)), p[id], drawn[id], truth && truth[id]]);
  const rest = (i) => Math.max(0, 1 - rows.reduce((sum, row) => sum + row[i], 0));
  return [...rows, ["", rest(1), rest(2), truth && rest(3)]];
}

function barOf([name, p, drawn, truth], words) {
  const value = element("span", {}, percent(drawn));
  if (truth !== null) value.append(" ", element("small", {}, fill(words.true, { p: percent(truth) })));
  const made = bar(name || words.others, drawn, value, name ? "mark" : "quiet");
  if (truth !== null) made.querySelector(".track").append(element("span", { class: "truth", style: `left: ${100 * truth}%` }));
  Object.assign(made.dataset, { p, drawn, truth: truth ?? -1 });
  return made;
}

function sentence(rows, ended, words) {
  const [name, p, drawn, truth] = rows[0];
  const kept = rows.slice(0, -1).filter((row) => row[2] >= RARE).length;
  return fill(words.likeliest, { name, p: percent(p) })
    + (truth === null ? words.unknown : fill(words.truth, { p: percent(truth) }))
    + `\n${fill(words.drawn, { p: percent(drawn), kept, rows: ROWS })}` + (ended ? `\n${words.ended}` : "");
}

function check(text, words) {
  if (typeof text !== "string") throw new Sentence(words.notText);
  const length = text.length > 2 * MOST_CHARACTERS ? text.length : [...text].length;
  if (length > MOST_CHARACTERS) throw new Sentence(fill(words.long, { length, most: MOST_CHARACTERS }));
  if (!text.isWellFormed()) throw new Sentence(words.half);
  return text.replace(/ +$/, "");
}

function area(name, onInput) {
  const input = element("textarea", { rows: 2, spellcheck: "false", autocomplete: "off", input: () => onInput(input.value) });
  const row = element("label", { class: "control wide" }, element("span", {}, name), input);
  row.show = (value) => { if (input.value !== value) input.value = value; };
  return row;
}

function build({ model, root, words, redraw }) {
  const set = (name) => (value) => change(model, { [name]: value });
  const field = area(words.text, (text) => {
    writing = false;
    change(model, { ended: false, text });
  });
  const heat = slider(words.heat, set("heat")), topK = slider(words.topK, set("top_k")), tail = slider(words.tail, set("tail"));
  const one = button(words.one, () => act(() => draw()), "main"), write = button(words.write, () => {
    writing = !writing;
    if (writing) act(goOn);
    else redraw();
  });
  const bars = element("div", { class: "bars" });
  root.classList.add("sampler");
  root.append(element("div", { class: "controls" }, field, element("div", { class: "sliders" }, heat, topK, tail),
    element("div", { class: "stepper" }, one, write)), bars, element("p", { class: "quiet" }, words.legend));
  const beginning = model.get("beginning");
  let talker = null, asked = null, failed = null, known = null, found = null, writing = false;

  const fetchAll = async () => {
    try {
      const [weights, tables] = await Promise.all([resource(model, "network"), resource(model, "world")]);
      talker = new Talker(weights, JSON.parse(new TextDecoder().decode(tables)));
    } catch (error) {
      [failed, asked, writing] = [error, null, false]; // the next move asks again
    }
    redraw();
  };
  const act = async (what) => {
    await (asked ??= fetchAll());
    if (talker) what();
  };
  const look = () => {
    const text = check(model.get("text"), words);
    if (known !== text) [known, found] = [text, talker.after(text)];
    if (!found.logits) throw new Sentence(fill(words.tokens, { length: found.count, most: MOST_TOKENS }));
    return { text, drawn: drawnFrom(found.logits, model.get("heat") / STEPS, model.get("top_k"), 1 - model.get("tail") / STEPS) };
  };
  const mayDraw = () => !model.get("ended") && !(found && found.count >= MOST_TOKENS);
  const draw = () => {
    if (root.classList.contains("broken") || !mayDraw()) return false;
    const { text, drawn } = look(), id = pick(drawn);
    if (!mayDraw()) return false;
    change(model, id === talker.encoding.end ? { ended: true } : { text: text + talker.name(id) });
    return mayDraw();
  };
  const goOn = () => {
    if (!writing || !root.isConnected) return;
    writing = draw();
    if (writing) setTimeout(goOn, PAUSE);
    redraw();
  };

  return () => {
    const state = Object.fromEntries(["text", "heat", "top_k", "tail"].map((name) => [name, model.get(name)]));
    field.show(String(state.text));
    check(state.text, words);
    whole(model, "heat", 0, 2 * STEPS);
    whole(model, "top_k", 0, ROWS);
    whole(model, "tail", 0, STEPS - 1);
    heat.show(state.heat, 2 * STEPS, (state.heat / STEPS).toFixed(2));
    topK.show(state.top_k, ROWS, state.top_k ? String(state.top_k) : words.all);
    tail.show(state.tail, STEPS - 1, (1 - state.tail / STEPS).toFixed(2));
    const here = Object.keys(state).every((name) => state[name] === beginning[name]);
    root.classList.toggle("waiting", !talker && !here);
    write.textContent = writing ? words.stop : words.write;
    if (!talker && failed) {
      const error = failed;
      failed = null;
      throw error;
    }
    if (!talker && !here) {
      asked ??= fetchAll();
      return words.fetching;
    }
    const drawn = talker && look().drawn, rows = talker ? rowsOf(talker, found, drawn) : beginning.rows;
    for (const control of [one, write]) control.setAttribute("aria-disabled", !mayDraw());
    bars.replaceChildren(...rows.map((row) => barOf(row, words)));
    return sentence(rows, model.get("ended"), words);
  };
}

export default picture(LABELS, build);
