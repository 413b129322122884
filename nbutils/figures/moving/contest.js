// Two runs at once, each in a Worker of its own, on the same documents in the same order.
import { start } from "./engine/runs.js";

/** @import { FromWorker, Settings, Source } from "./engine/types" */
/** @import { Point } from "./standings.js" */
/** @typedef {import("./engine/runs.js").Run} Run */
/** @typedef {{ settings: Settings, run: Run | null, points: Point[], seconds: number, updates: number, done: boolean, lost: boolean }} Side */

const TURN = 0.4; // seconds of computing, where two runs take turns on one core
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
    this.sides = settings.map((one) => ({ settings: one, run: null, points: [], seconds: 0, updates: 0, done: false, lost: false }));
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
    if (side.run) side.run.tell({ type: "go" });
    else side.run = start(side.settings, this.documents, (news) => this.hear(side, news));
  }
  stop() {
    if (this.state !== "running") return;
    this.state = "stopping";
    for (const { run, done } of this.sides) if (run && !done) run.tell({ type: "stop" });
    if (this.turns) this.finish("stopped");
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
    if (news.type === "progress") this.onProgress(side, news);
    if (news.type === "done" || news.type === "stopped") this.onPause(side, news);
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
    side.lost ||= !Number.isFinite(loss);
    if (seconds > LATE * side.settings.seconds) this.stop();
    else if (this.turns && seconds - this.began > TURN && this.other(side)) side.run?.tell({ type: "stop" });
  }
  /**
   * @param {Side} side
   * @param {{ type: string, seconds: number, step: number }} news
   */
  onPause(side, { type, seconds, step }) {
    [side.seconds, side.updates] = [seconds, step];
    side.done ||= type === "done";
    if (this.sides.every(({ done }) => done)) this.finish("done");
    else if (this.state === "stopping") {
      if (this.sides.every(({ done, run }) => done || run)) this.finish("stopped");
    } else if (this.turns) this.go(this.other(side) ?? side);
  }
  /**
   * The other one, unless it is done.
   * @param {Side} side
   */
  other(side) {
    return this.sides.find((one) => one !== side && !one.done);
  }
}
