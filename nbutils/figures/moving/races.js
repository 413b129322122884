// Races between two settings: started, stopped, and kept with what came of each.
import { Contest } from "./contest.js";
import { BATCH, LAYERS, LONGEST, OPTIMIZERS, POSITIONS, RATES, WIDTHS } from "./settings.js";
import { resource } from "./shared.js";
import { above } from "./standings.js";

/** @import { Settings, Source } from "./engine/types" */
/** @typedef {import("./standings.js").By} By */
/** @import { Model, World } from "./types" */

/** @typedef {Pick<Settings, "layers" | "width" | "positions" | "optimizer" | "rate">} Side */
/** @typedef {"time" | "data"} Equal what is equal for both: the seconds of computing, or the documents */
/** @typedef {{ sides: [Side, Side], equal: Equal, seconds: number, steps: number, names: [string, string] }} Asked steps: of each, in place of the seconds; 0: none */
/**
 * What was raced with these settings.
 * @typedef {object} Raced
 * @property {Asked} asked
 * @property {Contest | null} contest the last one
 * @property {number} updates so many each, where the documents are equal; 0: not known yet
 * @property {number[]} gaps of the races that were run to their end, in nats; above 0: left was ahead
 * @property {number} most where the axis ends
 */

export const KNOBS = /** @type {(keyof Side)[]} */ (["layers", "width", "positions", "optimizer", "rate"]);
/** @type {Record<keyof Side, unknown[]>} */
export const CHOICES = { layers: LAYERS, width: WIDTHS, positions: POSITIONS, optimizer: OPTIMIZERS, rate: RATES };
const TRIAL = 1; // seconds each, to learn how many updates fit

/** @type {(asked: { equal: Equal }) => By} */
export const measure = ({ equal }) => (equal === "time" ? "seconds" : "tokens");

/**
 * Updates a second of computing, without the first stretch, in which a browser still compiles.
 * @param {import("./contest.js").Side} side
 */
function speed({ points, seconds, updates }) {
  const [first, last] = [points[0], points[points.length - 1]];
  if (points.length < 2) return updates / seconds;
  return (updates * (1 - first.tokens / last.tokens)) / (last.seconds - first.seconds);
}

/**
 * A round number that is not below.
 * @param {number} value
 */
export function roundUp(value) {
  const size = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Number((Math.ceil(value / size) * size).toPrecision(3));
}

/**
 * Where a race's axis ends: known where the clock ends it, else what its updates so far lead to. It never shrinks.
 * @param {Raced} raced
 */
export function axis(raced) {
  const { asked: { equal, seconds, steps }, contest, updates } = raced, by = measure(raced.asked), whole = steps || updates;
  if (equal === "time" && !steps) return seconds;
  for (const { points, updates: done } of contest?.sides ?? []) {
    const last = points.at(-1), ends = last && done ? (last[by] * whole) / done : 0;
    if (ends > raced.most) raced.most = roundUp(ends);
  }
  return raced.most || 1;
}

export class Races {
  /**
   * @param {{ model: Model, root: HTMLElement }} parts
   * @param {() => void} changed hears after each change
   */
  constructor({ model, root }, changed) {
    this.model = model;
    this.root = root;
    this.changed = changed;
    /** @type {Map<string, Raced>} */
    this.all = new Map();
    /** @type {Promise<World> | null} */
    this.world = null;
    /** @type {"" | "world" | "trial" | "running"} */
    this.phase = "";
    this.failure = "";
    /** @type {Raced | null} */
    this.running = null;
    /** @type {Raced | null} what was raced last */
    this.shown = null;
    this.press = 0; // which press of the button is meant
  }
  /**
   * What was raced with these settings so far.
   * @param {Asked} asked
   * @returns {Raced}
   */
  find(asked) {
    const { sides, equal, seconds, steps } = asked, key = JSON.stringify([sides.map((side) => KNOBS.map((knob) => side[knob])), equal, seconds, steps]);
    const raced = this.all.get(key) ?? { asked, contest: null, updates: 0, gaps: [], most: 0 };
    this.all.set(key, raced);
    return raced;
  }
  /**
   * Start a race with these settings, or stop the one that runs.
   * @param {Asked} asked
   */
  async act(asked) {
    if (this.running) return this.stop();
    const raced = this.find(asked), mine = ++this.press;
    raced.contest?.end();
    raced.contest = null;
    this.shown = raced;
    [this.running, this.phase, this.failure] = [raced, "world", ""];
    this.changed();
    try {
      const world = await this.fetched();
      if (mine === this.press) this.measured(raced, { kind: "world", world });
    } catch (error) {
      if (mine === this.press) this.leave(error instanceof Error ? error.message : String(error));
    }
  }
  /** @returns {Promise<World>} asked for again where it did not come */
  fetched() {
    this.world ??= resource(this.model, "world").then((bytes) => JSON.parse(new TextDecoder().decode(bytes)));
    this.world.catch(() => { this.world = null; });
    return this.world;
  }
  stop() {
    const raced = this.running;
    if (raced?.contest && this.phase === "running") return raced.contest.stop();
    raced?.contest?.end();
    if (raced) raced.contest = null;
    this.leave();
  }
  /** @param {string} [failure] */
  leave(failure = "") {
    this.press += 1;
    [this.running, this.phase, this.failure] = [null, "", failure];
    this.changed();
  }
  /**
   * Where the documents are equal, a trial tells how many the slower side reads in the time.
   * @param {Raced} raced
   * @param {Source} source
   */
  measured(raced, source) {
    const { asked: { seconds, equal, steps }, updates } = raced;
    if (equal === "time" || steps || updates) return this.race(raced, source);
    this.begin("trial", raced, source, { seconds: TRIAL }, ({ sides }) => {
      raced.updates = Math.max(1, Math.floor(seconds * Math.min(...sides.map(speed))));
      this.race(raced, source);
    });
  }
  /**
   * @param {Raced} raced
   * @param {Source} source
   */
  race(raced, source) {
    const { asked: { seconds, steps }, updates } = raced, many = steps || updates;
    this.begin("running", raced, source, many ? { seconds, steps: many } : { seconds }, ({ sides, state }) => {
      const [left, right] = sides.map(({ points, lost }) => (lost || !points.length ? NaN : above(points, measure(raced.asked))));
      if (state === "done" && Number.isFinite(right - left)) raced.gaps.push(right - left);
      this.leave();
    });
  }
  /**
   * @param {"trial" | "running"} phase
   * @param {Raced} raced
   * @param {Source} source
   * @param {{ seconds: number, steps?: number }} length
   * @param {(contest: Contest) => void} over
   */
  begin(phase, raced, source, length, over) {
    const settings = /** @type {[Settings, Settings]} */ (raced.asked.sides.map((side) =>
      ({ ...side, ...length, window: LONGEST, batch: BATCH, seed: raced.gaps.length })));
    const contest = new Contest(settings, source, () => {
      if (raced.contest !== contest || !this.root.isConnected) contest.end();
      else if (contest.state === "failed") this.leave(contest.failure);
      else if (contest.state === "done" || contest.state === "stopped") over(contest);
      else this.changed();
    }, navigator.hardwareConcurrency < 2);
    this.phase = phase;
    raced.contest = contest;
    contest.begin();
    this.changed();
  }
  forget() {
    this.running?.contest?.end();
    this.all.clear();
    this.leave();
  }
}
