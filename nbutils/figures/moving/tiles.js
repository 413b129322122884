// Attention in tiles: what travels between two memories, and a query's running sum. The same numbers as in tiles.py.
import {
  Sentence, bar, button, change, count, element, fill, flag, picture, readable, slider, stepper, sum, svg, tick, unpacked, whole,
} from "./shared.js";

/** @import { CommonWords, Packed, Parts, Point } from "./types" */
/** @typedef {typeof import("../../words/en/pictures/tiles.json") & CommonWords} Words */

/**
 * @typedef {object} State
 * @property {string[]} tokens
 * @property {Packed} q queries, shape (T, D)
 * @property {Packed} k keys, shape (T, D)
 * @property {number[]} lengths those there are tokens for
 * @property {number} length how many tokens are used
 * @property {number} tile queries and keys of a tile
 * @property {boolean} causal
 * @property {number} step how many tiles have been visited
 */
/** @typedef {{ length: number, tile: number, causal: boolean }} Plan */
/** @typedef {[query: number, key: number]} Visit the first ones of a tile */
/** @typedef {{ old: number, largest: number, scale: number, kept: number, part: number, sum: number }} Running */
/** @typedef {{ query: number, name: string, met: number[], state: Running, whole: number }} Watched whole: the sum of all scores at once */
/** @typedef {Plan & { D: number, visits: Visit[], step: number, read: number, written: number, total: number, plain: number }} Seen bytes */

const SIDES = [4, 8, 16, 32], BYTES = 4; // as in tiles.py
const PANEL = 285, GAP = 110, WIDTH = 2 * PANEL + GAP; // of the drawing, in its own units
const [SLOWEST, FASTEST, WHOLE] = [700, 30, 15_000]; // ms: of a step while it plays, and of all
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
/** @type {KeyframeAnimationOptions} */
const TRAVEL = { duration: 450, easing: "ease-in-out" };

/**
 * The tiles in the order of their visits; causal ones that lie in the future are skipped.
 * @param {Plan} plan
 */
function tilesOf({ length, tile, causal }) {
  /** @type {Visit[]} */
  const visits = [];
  for (let query = 0; query < length; query += tile) {
    for (let key = 0; key < (causal ? query + tile : length); key += tile) visits.push([query, key]);
  }
  return visits;
}

/**
 * Bytes read and written by the first tiles.
 * @param {Visit[]} visits
 * @param {number} step
 * @param {number} size bytes of a tile
 */
function moved(visits, step, size) {
  const done = visits.slice(0, step), begun = done.filter(([, key]) => !key).length;
  return { read: size * (begun + 2 * step), written: size * done.filter((_, i) => endsRow(visits, i)).length };
}

/**
 * Whether that tile is its queries' last.
 * @param {Visit[]} visits
 * @param {number} i
 */
function endsRow(visits, i) {
  return visits[i][0] !== visits[i + 1]?.[0];
}

/**
 * What fast memory holds: tiles of Q, K, V, the answer and the weights; a maximum and a sum for each query.
 * @param {number} tile
 * @param {number} D
 */
const fastBytes = (tile, D) => BYTES * (4 * tile * D + tile * tile + 2 * tile);

/**
 * A query's softmax, tile by tile.
 * @param {number[]} scores of the keys that it has met
 * @param {number} tile
 */
function run(scores, tile) {
  /** @type {Running} */
  let state = { old: -Infinity, largest: -Infinity, scale: 0, kept: 0, part: 0, sum: 0 };
  for (let key = 0; key < scores.length; key += tile) {
    const fresh = scores.slice(key, key + tile), largest = Math.max(state.largest, ...fresh);
    const scale = Math.exp(state.largest - largest), part = sum(powers(fresh, largest));
    state = { old: state.largest, largest, scale, kept: state.sum, part, sum: scale * state.sum + part };
  }
  return state;
}

/**
 * @param {number[]} scores
 * @param {number} largest
 */
const powers = (scores, largest = Math.max(...scores)) => scores.map((score) => Math.exp(score - largest));

/**
 * The last query in fast memory: the keys that it has met, and what it keeps of them. Nothing at step 0.
 * @param {Seen} seen
 * @param {string[]} tokens
 * @param {Float64Array} q
 * @param {Float64Array} k
 * @returns {Watched | null}
 */
function watched({ visits, step, tile, causal, length, D }, tokens, q, k) {
  if (!step) return null;
  const [first, key] = visits[step - 1], query = first + tile - 1, own = q.subarray(query * D, (query + 1) * D);
  const scores = Array.from({ length: causal ? query + 1 : length }, (_, i) =>
    own.reduce((total, number, d) => total + number * k[i * D + d], 0) / Math.sqrt(D));
  const met = scores.slice(0, key + tile);
  return { query, name: tokens[query], met, state: run(met, tile), whole: sum(powers(scores)) };
}

/**
 * One of those numbers; anything else is a sentence.
 * @param {Parts<Words, State>["model"]} model
 * @param {"length" | "tile"} name
 * @param {number[]} those
 * @param {Words} words
 */
function oneOf(model, name, those, words) {
  const value = model.get(name);
  if (those.includes(value)) return value;
  throw new Sentence(fill(words.choice, { name, value: String(value).slice(0, 60).toWellFormed(), those: those.join(", ") }));
}

/** @param {number} length */
const sidesOf = (length) => SIDES.filter((side) => side <= length);

/**
 * What the model's state asks for.
 * @param {Parts<Words, State>["model"]} model
 * @param {number} D
 * @param {Words} words
 * @returns {Seen}
 */
function look(model, D, words) {
  const length = oneOf(model, "length", model.get("lengths"), words), tile = oneOf(model, "tile", sidesOf(length), words);
  const causal = flag(model, "causal"), visits = tilesOf({ length, tile, causal });
  const step = whole(model, "step", 0, visits.length), size = BYTES * tile * D, all = moved(visits, visits.length, size);
  return { length, tile, causal, D, visits, step, ...moved(visits, step, size), total: all.read + all.written,
    plain: BYTES * 4 * length * (length + D) };
}

/**
 * Change length, tile or causal; as much of the way is done then as before. In an order in which each state between is one.
 * @param {Parts<Words, State>["model"]} model
 * @param {Partial<Plan>} asked
 */
function replan(model, asked) {
  /** @type {Plan} */
  const before = { length: model.get("length"), tile: model.get("tile"), causal: model.get("causal") };
  const plan = { ...before, ...asked }, { length, causal } = plan, tile = Math.min(plan.tile, length);
  const old = tilesOf(before).length, tiles = tilesOf({ length, tile, causal }).length;
  const step = Math.round((tiles * model.get("step")) / old), rest = { tile, length, causal };
  change(model, tiles < old ? { step, ...rest } : { ...rest, step });
}

/**
 * A rectangle with a class.
 * @param {string} kind
 * @param {number[]} place
 */
const box = (kind, [x, y, width, height]) => svg("rect", { class: kind, x, y, width, height });

/**
 * Where parts lie: Q left, K above, V below, O right of a square whose side has `rows` numbers.
 * @param {Point} corner
 * @param {number} rows
 * @param {number} D
 * @param {number} scale units of the drawing for a number
 * @param {number} notes columns between square and O
 */
function cross([x, y], rows, D, scale, notes) {
  const [side, thick] = [rows * scale, D * scale], [right, below] = [x + thick + side, y + thick + side];
  return {
    square: [x + thick, y + thick, side, side],
    Q: [x, y + thick, thick, side],
    K: [x + thick, y, side, thick],
    V: [x + thick, below, side, thick],
    O: [right + notes * scale, y + thick, thick, side],
    notes: Array.from({ length: notes }, (_, i) => [right + i * scale, y + thick, scale, side]),
  };
}

/**
 * Everything's place in the drawing.
 * @param {Seen} seen
 */
function placesOf({ length, tile, D, visits, step }) {
  const scale = PANEL / (length + 2 * D + 2), rim = (PANEL - (tile + 2 * D + 2) * scale) / 2;
  const slow = cross([scale, scale], length, D, scale, 0), fast = cross([PANEL + GAP + rim, rim + scale], tile, D, scale, 2);
  const [query, key] = visits[Math.max(step, 1) - 1], [left, top] = slow.square, side = tile * scale;
  const [x, y] = [left + key * scale, top + query * scale];
  const now = {
    square: [x, y, side, side],
    Q: [slow.Q[0], y, slow.Q[2], side],
    K: [x, slow.K[1], side, slow.K[3]],
    V: [x, slow.V[1], side, slow.V[3]],
    O: [slow.O[0], y, slow.O[2], side],
  };
  return { slow, fast, now, scale, side };
}
/** @typedef {ReturnType<typeof placesOf>} Places */

/**
 * The table of weights: tiles that were visited, that are skipped, and the lines between them.
 * @param {Seen} seen
 * @param {Places} places
 * @param {string} stripes
 */
function table({ length, tile, visits, step }, { slow, scale, side }, stripes) {
  const [left, top, size] = slow.square, rows = Array.from({ length: length / tile }, (_, i) => i);
  /** @type {(visits: Visit[]) => string} */
  const path = (those) => rows.map((row) => {
    const columns = those.filter(([query]) => query === row * tile).length;
    return columns ? `M${left} ${top + row * side}h${columns * side}v${side}h${-columns * side}z` : "";
  }).join("");
  const past = rows.map((row) => {
    const columns = visits.filter(([query]) => query === row * tile).length;
    const from = left + columns * side;
    return from < left + size - scale / 2 ? `M${from} ${top + row * side}H${left + size}v${side}H${from}z` : "";
  }).join("");
  const lines = rows.slice(1).map((i) => `M${left} ${top + i * side}h${size}M${left + i * side} ${top}v${size}`).join("");
  return [
    svg("path", { d: past, fill: `url(#${stripes})` }),
    svg("path", { d: path(visits.slice(0, step)), class: "visited" }),
    svg("path", { d: side > 5 ? lines : "", class: "lines" }),
    box("vacant", slow.square),
  ];
}

/**
 * What fast memory holds, flying in from where it was read; what goes out flies to where it is written.
 * @param {Seen} seen
 * @param {Places} places
 * @param {boolean} moves whether that is seen
 */
function travellers({ visits, step }, { now, fast }, moves) {
  /** @type {(kind: string, from: number[], to: number[], ifNew?: boolean) => SVGElement} */
  const flown = (kind, from, to, isNew = true) => {
    const made = box(kind, to);
    if (moves && isNew) {
      made.animate([{ transform: `translate(${from[0] - to[0]}px, ${from[1] - to[1]}px)` }, { transform: "none" }],
        TRAVEL);
    }
    return made;
  };
  const begins = visits[step - 1][1] === 0;
  const held = [
    flown("read", now.Q, fast.Q, begins), flown("read", now.K, fast.K), flown("read", now.V, fast.V),
    box("made", fast.square), ...fast.notes.map((place) => box("made", place)), box("written", fast.O),
  ];
  return endsRow(visits, step - 1) ? [...held, flown("written", fast.O, now.O)] : held;
}

/**
 * An arrow between the memories with its bytes.
 * @param {string} kind
 * @param {number} y
 * @param {number} bytes
 * @param {Words} words
 */
function arrow(kind, y, bytes, words) {
  const [from, to] = [PANEL + 14, PANEL + GAP - 14], middle = PANEL + GAP / 2;
  const [tip, back] = kind === "out" ? [from, 8] : [to, -8];
  return svg("g", {}, svg("path", { class: `arrow ${kind}`, d: `M${from} ${y}H${to}M${tip + back} ${y - 7}L${tip} ${y}l${back} 7` }),
    svg("text", { x: middle, y, dy: "-2em" }, count(bytes)), svg("text", { x: middle, y, dy: "-.9em" }, words.bytes));
}

/**
 * The two memories; choose(x, y): a place in the table was tapped, in shares of its side.
 * @param {Words} words
 * @param {(x: number, y: number) => void} choose
 */
function stage(words, choose) {
  const stripes = `tiles-${Math.random().toString(36).slice(2)}`; // the only one in the page
  const defs = svg("defs", {}, svg("pattern", { id: stripes, width: 6, height: 6, patternUnits: "userSpaceOnUse" },
    svg("path", { d: "M-1 7L7 -1M-1 1L1 -1M5 7L7 5" })));
  const drawn = svg("svg", { class: "stage", viewBox: `0 0 ${WIDTH} ${PANEL}`, role: "img", "aria-label": words.stage });
  /** @type {Places | null} */
  let places = null;
  let held = false;
  /** @param {PointerEvent} event */
  const take = (event) => {
    const shown = drawn.getBoundingClientRect(), unit = WIDTH / shown.width;
    if (!held || !places) return;
    const [left, top, side] = places.slow.square;
    choose(((event.clientX - shown.left) * unit - left) / side, ((event.clientY - shown.top) * unit - top) / side);
  };
  drawn.addEventListener("pointerdown", (event) => {
    held = true;
    drawn.setPointerCapture(event.pointerId);
    take(event);
  });
  drawn.addEventListener("pointermove", take);
  for (const end of ["pointerup", "pointercancel"]) drawn.addEventListener(end, () => { held = false; });
  /** @type {(seen: Seen, moves: boolean) => void} */
  const show = (seen, moves) => {
    places = placesOf(seen);
    const { slow, fast, now } = places, { visits, step } = seen, parts = /** @type {const} */ (["Q", "K", "V", "O"]);
    const done = slow.O.with(3, seen.written / (BYTES * seen.D) * places.scale);
    drawn.replaceChildren(defs, ...parts.map((name) => box("stored", slow[name])), ...table(seen, places, stripes), box("written", done));
    if (step) drawn.append(...[now.Q, now.K, now.V].map((place) => box("read", place)), box("made", now.square), box("unfinished", now.O));
    drawn.append(...[fast.square, ...fast.notes, ...parts.map((name) => fast[name])].map((place) => box("vacant", place)));
    if (step) {
      const size = BYTES * seen.tile * seen.D;
      drawn.append(arrow("in", PANEL * 0.42, size * (visits[step - 1][1] ? 2 : 3), words));
      if (endsRow(visits, step - 1)) drawn.append(arrow("out", PANEL * 0.7, size, words));
      drawn.append(...travellers(seen, places, moves));
    }
    for (const where of [slow, fast]) {
      drawn.append(...parts.map((name) => svg("text", { x: where[name][0] + where[name][2] / 2, y: where[name][1] + where[name][3] / 2 }, name)));
    }
  };
  return { drawn, show };
}

/**
 * A memory's name, and how much it holds.
 * @param {string} name
 * @param {Words} words
 */
function heading(name, words) {
  const holds = element("span", { class: "quiet" }), made = element("div", {}, name, element("br"), holds);
  /** @param {number} bytes */
  const show = (bytes) => {
    holds.textContent = fill(words.total, { bytes: count(bytes) });
    holds.dataset.value = String(bytes);
  };
  return Object.assign(made, { show });
}

/**
 * The bars of all bytes: in tiles, with what has been read and written, and the plain way.
 * @param {Seen} seen
 * @param {Words} words
 */
function bars({ read, written, total, plain }, words) {
  const most = Math.max(total, plain);
  /** @type {(name: string, bytes: number) => HTMLElement} */
  const row = (name, bytes) => {
    const made = bar(name, bytes / most, fill(words.total, { bytes: count(bytes) }), "quiet");
    made.dataset.value = String(bytes);
    return made;
  };
  const tiled = row(words.tiled, total), line = /** @type {HTMLElement} */ (tiled.querySelector(".fill"));
  line.style.background = "var(--line)";
  for (const [bytes, colour] of /** @type {[number, string][]} */ ([[read, "mark"], [written, "target"]])) {
    const part = element("span", { style: `width: ${(100 * bytes) / total}%; background: var(--${colour})` });
    part.dataset.value = String(bytes);
    line.append(part);
  }
  return [tiled, row(words.plain, plain)];
}

/** The watched query's powers as upright bars, one for each key. */
function strip() {
  const drawn = svg("svg", { preserveAspectRatio: "none", "aria-hidden": true });
  /** @type {(heights: number[], seen: Plan, scale: number, moves: boolean) => void} */
  const show = (heights, { length, tile }, scale, moves) => {
    drawn.setAttribute("viewBox", `0 0 ${length} 1`);
    drawn.replaceChildren(...heights.map((height, i) => {
      const kept = i < heights.length - tile, made = box(kept ? "kept" : "new", [i + 0.1, 1 - height, 0.8, height]);
      if (moves && kept) made.animate([{ transform: `scaleY(${1 / scale})` }, { transform: "none" }], TRAVEL);
      made.dataset.value = String(height);
      return made;
    }));
  };
  return { drawn, show };
}

/**
 * Steps by itself until the last tile, or until it is stopped.
 * @param {Parts<Words, State>} parts
 * @param {() => number} last
 */
function player({ model, root, redraw }, last) {
  const state = { playing: false, toggle };
  /** @type {number | undefined} */
  let waiting;
  function goOn() {
    const step = model.get("step");
    state.playing &&= root.isConnected && !root.classList.contains("broken") && step < last();
    if (!state.playing) return redraw();
    waiting = setTimeout(goOn, Math.max(FASTEST, Math.min(SLOWEST, WHOLE / last())));
    change(model, { step: step + 1 });
  }
  function toggle() {
    clearTimeout(waiting);
    state.playing = !state.playing;
    if (state.playing && model.get("step") >= last()) change(model, { step: 0 });
    if (state.playing) goOn();
    else redraw();
  }
  return state;
}

/**
 * @param {Parts<Words, State>} parts
 * @returns {() => string} draws the state, and says it
 */
function build(parts) {
  const { model, root, words } = parts, tokens = model.get("tokens");
  const [q, k] = [unpacked(model.get("q")), unpacked(model.get("k"))], D = q.length / tokens.length;
  const lengths = model.get("lengths"), sides = () => sidesOf(model.get("length"));
  const plays = player(parts, () => look(model, D, words).visits.length);
  const steps = stepper(words.step, words.back, words.onward, (step) => change(model, { step }));
  const play = button(words.play, plays.toggle);
  steps.insertBefore(play, steps.lastChild);
  const size = slider(words.length, (i) => replan(model, { length: lengths[i] }));
  const side = slider(words.tile, (i) => replan(model, { tile: sides()[i] }));
  const mask = tick(words.causal, (causal) => replan(model, { causal }));
  const memories = stage(words, (x, y) => {
    const { visits, length, tile } = look(model, D, words);
    const at = visits.findIndex(([query, key]) => query === tile * Math.floor((y * length) / tile) && key === tile * Math.floor((x * length) / tile));
    if (at >= 0) change(model, { step: at + 1 });
  });
  const slow = heading(words.slow, words), fast = heading(words.fast, words), key = element("p", { class: "quiet" });
  const amounts = element("div", { class: "bars tiled" }), heights = strip(), caption = element("p", { class: "quiet" });
  root.classList.add("in-tiles");
  root.append(element("div", { class: "controls" }, steps, size, side, mask),
    element("div", { class: "memories" }, slow, fast), memories.drawn, key, amounts,
    element("div", { class: "running" }, caption, heights.drawn));
  /** @type {Seen | null} */
  let before = null;

  return () => {
    const seen = look(model, D, words), { length, tile, visits, step } = seen, own = watched(seen, tokens, q, k);
    steps.show(step, visits.length, fill(words.place, { step, steps: visits.length }));
    play.textContent = plays.playing ? words.stop : words.play;
    size.show(lengths.indexOf(length), lengths.length - 1, String(length));
    side.show(sides().indexOf(tile), sides().length - 1, fill(words.side, { side: tile }));
    mask.show(seen.causal);
    const moves = step - 1 === before?.step && visits.length === before.visits.length && !STILL.matches;
    before = seen;
    memories.show(seen, moves);
    slow.show(4 * BYTES * length * D);
    fast.show(fastBytes(tile, D));
    key.textContent = fill(words.key, { bytes: count(2 * BYTES * length * length) });
    amounts.replaceChildren(...bars(seen, words));
    heights.show(own ? powers(own.met) : [], seen, own?.state.scale ?? 0, moves);
    caption.textContent = own ? fill(words.bars, own) : words.unwatched;
    return sentence(seen, own, words);
  };
}

/**
 * @param {Seen} seen
 * @param {Watched | null} own
 * @param {Words} words
 */
function sentence({ length, tile, visits, step, read, written, total, plain }, own, words) {
  const bytes = fill(words.moved, { read: count(read), written: count(written), total: count(total), plain: count(plain),
    times: readable(plain / total) });
  if (!own) {
    return `${fill(words.start, { tiles: visits.length, skipped: (length / tile) ** 2 - visits.length })}\n${bytes}`;
  }
  const [query, key] = visits[step - 1], ends = endsRow(visits, step - 1), { state } = own;
  const here = fill(key ? words.next : words.first, { step, tiles: visits.length, firstQuery: query, lastQuery: query + tile - 1,
    firstKey: key, lastKey: key + tile - 1 });
  /** @type {Record<string, unknown>} */
  const numbers = { query: own.query, name: own.name };
  for (const [name, value] of Object.entries(state)) numbers[name] = Number.isFinite(value) && signed(value);
  const kept = fill(key ? (state.largest > state.old ? words.rises : words.stays) : words.begins, numbers);
  return [ends ? `${here} ${words.ready}` : here, bytes, ends ? `${kept} ${fill(words.once, { sum: signed(own.whole) })}` : kept].join("\n");
}

/** @param {number} value */
const signed = (value) => readable(value).replace("-", "−");

export default picture(build);
