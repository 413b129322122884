// Two runs at once, each in a Worker of its own, on the same documents in the same order.
import { start } from "./engine/runs.js";

/** @import { FromWorker, Settings, Source } from "./engine/types" */
/** @typedef {import("./standings.js").Point} Point */
/**
 * @typedef {object} Side
 * @property {Settings} settings
 * @property {ReturnType<typeof start> | null} run
 * @property {Point[]} points
 * @property {number} seconds of computing
 * @property {number} updates
 * @property {boolean} rests it was told to stop, and did
 * @property {boolean} done
 * @property {boolean} lost its loss is no number any more
 */

const TURN = 0.4; // seconds of computing, where two runs take turns on one core
const PATIENCE = 1000; // ms until a run that was told to stop is ended
const LATE = 1.5; // times the seconds asked: then a race ends, however slow the machine became

// Both sides of a race while they run. `changed` hears after each message.
export class Contest {
  /**
   * @param {[Settings, Settings]} settings
   * @param {Source} documents
   * @param {() => void} changed
   * @param {boolean} turns they take turns, since there is one core
   */
  constructor(settings, documents, changed, turns) {
    this.documents = documents;
    this.changed = changed;
    this.turns = turns;
    /** @type {Side[]} */
    this.sides = settings.map((one) => ({ settings: one, run: null, points: [], seconds: 0, updates: 0, rests: false, done: false, lost: false }));
    /** @type {"running" | "stopping" | "stopped" | "done" | "failed"} */
    this.state = "running";
    this.failure = "";
    this.paused = false;
    this.began = 0; // seconds of the side whose turn it is, when its turn began
  }
  begin() {
    for (const side of this.turns ? this.sides.slice(0, 1) : this.sides) this.go(side);
  }
  /** The two compute on the page itself, or in turns. */
  get alternate() {
    return this.turns || this.sides.some(({ run }) => run?.alone);
  }
  /** @param {Side} side */
  go(side) {
    this.began = side.seconds;
    side.rests = false;
    if (side.run) side.run.tell({ type: "go" });
    else side.run = start(side.settings, this.documents, (news) => this.hear(side, news));
  }
  stop() {
    if (this.state !== "running") return;
    this.state = "stopping";
    for (const { run, done, rests } of this.sides) if (!done && !rests) run?.tell({ type: "stop" });
    setTimeout(() => this.state === "stopping" && this.finish("stopped"), PATIENCE);
  }
  end() {
    for (const { run } of this.sides) run?.end();
  }
  /** @param {Contest["state"]} state */
  finish(state) {
    this.state = state;
    this.end();
    this.changed();
  }
  /**
   * @param {Side} side
   * @param {FromWorker} news
   */
  hear(side, news) {
    if (this.state !== "running" && this.state !== "stopping") return;
    if (news.type === "paused" || news.type === "resumed") this.paused = news.type === "paused";
    if (news.type === "progress") this.onProgress(side, news);
    if (news.type === "done" || news.type === "stopped") this.onRest(side, news);
    if (news.type === "failed") {
      this.failure = news.what;
      this.finish("failed");
    } else if (this.state === "running" || this.state === "stopping") this.changed();
  }
  /**
   * @param {Side} side
   * @param {import("./engine/types").Progress} news
   */
  onProgress(side, { seconds, all, loss, floor, step }) {
    const before = side.points.at(-1)?.tokens ?? 0;
    side.points.push({ seconds, tokens: all, own: all - before, loss, floor });
    [side.seconds, side.updates] = [seconds, step];
    if (seconds > LATE * side.settings.seconds) this.stop();
    else if (this.turns && seconds - this.began > TURN && this.other(side)) side.run?.tell({ type: "stop" });
  }
  /**
   * It is at its end, or stands still.
   * @param {Side} side
   * @param {{ type: "done" | "stopped", seconds: number, step: number, diverged: boolean }} news
   */
  onRest(side, { type, seconds, step, diverged }) {
    Object.assign(side, { seconds, updates: step, rests: true, done: type === "done" || diverged, lost: diverged });
    if (this.sides.every(({ done }) => done)) this.finish("done");
    else if (this.state === "running" && this.turns) this.go(this.other(side) ?? side);
    else if (this.state === "stopping" && this.sides.every(({ run, rests }) => rests || !run)) this.finish("stopped");
  }
  /**
   * The other one, unless it is done.
   * @param {Side} side
   */
  other(side) {
    return this.sides.find((one) => one !== side && !one.done);
  }
}
