// The clock of a run, which goes only while it computes, and what follows from it: how much of the run is done, the
// learning rate, and in what share of the last second it computed.
import recipe from "../recipe.json";

// Of a run, in which the rate climbs; seconds that one piece of work counts at most: a machine that slept does not lose
// its schedule.
const { warm_up: WARM, start: START, longest_update: LONGEST } = recipe;
const LAST = 1000; // ms over which the share of the time is counted

/**
 * The learning rate: up from nearly 0 in the first 2 % of a run, then down in a straight line to 0 (chapter 4a).
 * @param {number} done of the run, 0 to 1
 * @param {number} highest
 */
export const learningRate = (done, highest) => highest * Math.min(1, (done + START) / WARM, (1 - done) / (1 - WARM));

/** Seconds of computing. */
export class Clock {
  /** @param {() => number} now in ms */
  constructor(now = () => performance.now()) {
    this.now = now;
    this.rested = 0; // seconds of computing until the last rest
    /** @type {number | null} */
    this.began = null;
    this.longest = LONGEST / 2;
  }
  get working() {
    return this.began !== null;
  }
  work() {
    this.began ??= this.now();
  }
  rest() {
    if (this.began === null) return;
    const counted = this.counted();
    this.longest = Math.max(counted, LONGEST / 2);
    this.rested += counted;
    this.began = null;
  }
  /**
   * Of the piece of work that goes on. More than LONGEST is believed of a machine where the piece before took half as
   * long: that one is slow, and has not slept.
   */
  counted() {
    return this.began === null ? 0 : Math.min((this.now() - this.began) / 1000, 2 * this.longest);
  }
  get used() {
    return this.rested + this.counted();
  }
}

/** How much of a run is done: of so many seconds of computing, or of so many updates. */
export class Schedule {
  /**
   * @param {{ seconds: number, steps?: number }} length
   * @param {{ used: number, step: number }} from where the run is, when it begins
   */
  constructor({ seconds, steps }, from) {
    this.length = steps ?? seconds;
    /** @type {"used" | "step"} */
    this.by = steps === undefined ? "used" : "step";
    this.first = from[this.by];
  }
  /** @param {{ used: number, step: number }} at */
  done(at) {
    return Math.min(1, (at[this.by] - this.first) / this.length);
  }
}

/** In what share of the last second there was computing. */
export class Share {
  constructor() {
    /** @type {{ now: number, used: number }[]} oldest first */
    this.marks = [];
  }
  /** Begins anew: time in which nothing was to be computed does not count. */
  begin(/** @type {number} */ now, /** @type {number} */ used) {
    this.marks = [{ now, used }];
  }
  /**
   * @param {number} now ms
   * @param {number} used seconds of computing until now
   */
  at(now, used) {
    this.marks.push({ now, used });
    while (this.marks.length > 2 && this.marks[1].now <= now - LAST) this.marks.shift();
    const [first] = this.marks;
    return now > first.now ? Math.min(1, (1000 * (used - first.used)) / (now - first.now)) : 1;
  }
}
