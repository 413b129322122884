// A run as the picture follows it: what it tells, what it is asked, and the runs before it, kept to compare.
import { start } from "./engine/runs.js";
import { BATCH } from "./settings.js";

/** @import { FromWorker, Likely, Progress, Refused, Source, Trained, Way } from "./engine/types" */
/** @typedef {ReturnType<typeof start>} Run */
/** @typedef {import("./losses.js").Point} Point */
/** @typedef {import("./settings.js").Chosen} Asked */

/** none: nothing was trained yet. fetching: the world's words come. */
/** @typedef {"none" | "fetching" | "starting" | "running" | "paused" | "stopped" | "done" | "failed"} Stage */
/** @typedef {Refused} Failure why a run is over; key: of the words */
/** @typedef {{ seconds: number, text: string, possible: boolean | null, wrong: number }} Said when, and a document */
/** @typedef {{ text: string, likely: Likely[], rest: Likely } | { text: string, refused: Refused }} Next what follows a beginning */
/** @typedef {{ asked: Asked, seed: number, points: Point[], until: number, stored?: boolean }} Told a run: until: seconds in all */

const KEPT = 5; // earlier runs
const LOOK = 300, NAMED = 8; // ms between two looks at what comes next, and how many words it names
const SAYS = 10; // documents in a run, and one at its beginning

/** The newest run, and what is known of it. `hear` is called when something has changed. */
export class Life {
  /** @type {Run | null} */
  run = null;
  /** @type {Stage} */
  stage = "none";
  seed = 0;
  /** @type {Told | null} */
  now = null;
  /** @type {Told[]} the newest first */
  earlier = [];
  /** @type {Progress[]} */
  history = [];
  /** @type {Said[]} the newest first */
  said = [];
  /** @type {Next | null} */
  next = null;
  /** @type {{ way: Way, parameters: number } | null} */
  ready = null;
  /** @type {Failure | null} */
  failed = null;
  diverged = false; // its weights are no numbers any more: it is over for good
  /** @type {((trained: Trained | null) => void)[]} who waits for the weights */
  waiting = [];
  /** Its documents so far, and at which second the next is due; what follows is asked after `beginning`, for `asked` now. */
  talks = { made: 0, due: 0 };
  beginning = "";
  looks = { asked: "", at: 0, open: false };

  /**
   * @param {() => void} hear
   * @param {Told} stored a run that was measured: it stands beside the first of the reader's own
   */
  constructor(hear, stored) {
    this.hear = hear;
    this.stored = stored;
    this.earlier = [stored];
  }

  /** As if nothing had been trained. */
  forget() {
    this.run?.end();
    Object.assign(this, { run: null, stage: "none", seed: 0, now: null, earlier: [this.stored] });
    this.clear();
  }

  /** What is known of the newest run: nothing. */
  clear() {
    this.answer(null);
    Object.assign(this, { history: [], said: [], next: null, ready: null, failed: null, diverged: false,
      talks: { made: 0, due: 0 }, looks: { asked: "", at: 0, open: false } });
  }

  get busy() {
    return ["fetching", "starting", "running", "paused"].includes(this.stage);
  }

  /** The last report. */
  get last() {
    return this.history.at(-1) ?? null;
  }

  /**
   * Train anew. The run before is kept, if it has learned anything.
   * @param {Asked} asked
   * @param {number} seed
   * @param {() => Promise<Source>} source
   * @param {string} beginning whose next word is looked at
   * @param {Trained} [from] the weights to begin with
   */
  async start(asked, seed, source, beginning, from) {
    this.run?.end();
    if (this.now && this.now.points.length > 1) this.earlier = [this.now, ...this.earlier].slice(0, KEPT);
    this.clear();
    const now = { asked, seed, points: [], until: asked.seconds };
    Object.assign(this, { run: null, stage: "fetching", seed, now, beginning });
    this.hear();
    const documents = await source().catch((error) => this.end({ key: "said", values: { what: error.message } }, now));
    if (this.now !== now || this.stage !== "fetching" || !documents) return; // another run, or a stop, came sooner
    this.stage = "starting";
    this.run = start({ ...asked, batch: BATCH, seed }, documents, (news) => { if (this.now === now) this.told(news); }, { from });
    this.hear();
  }

  /**
   * @param {Failure} failed
   * @param {Told} now
   */
  end(failed, now) {
    if (this.now !== now) return;
    this.run?.end();
    this.answer(null);
    Object.assign(this, { run: null, stage: "failed", failed });
    this.hear();
  }

  stop() {
    if (this.stage === "fetching" || this.stage === "starting") {
      this.run?.end();
      Object.assign(this, { run: null, now: null, stage: "none" });
      this.hear();
    } else {
      this.run?.tell({ type: "stop" });
    }
  }

  /**
   * On, from where it stopped; after its end so many seconds more.
   * @param {number} seconds
   */
  goOn(seconds) {
    if (!this.now || !this.run || this.busy || this.diverged) return;
    if (this.stage === "done") this.now.until += seconds;
    this.stage = "running";
    this.talks.due = (this.last?.seconds ?? 0) + this.pause;
    this.run.tell({ type: "go", seconds });
    this.hear();
  }

  /** Seconds between two documents that it says. */
  get pause() {
    return Math.max(1, (this.now?.asked.seconds ?? 0) / SAYS);
  }

  /** @param {string} beginning */
  follow(beginning) {
    if (beginning === this.beginning) return;
    this.beginning = beginning;
    this.look();
  }

  /** Ask what follows the beginning. */
  look() {
    if (!this.run || !this.ready || this.looks.open) return;
    this.looks = { asked: this.beginning, at: performance.now(), open: true };
    this.run.tell({ type: "next", id: 0, text: this.beginning, most: NAMED });
  }

  /** Ask for a document of its own. */
  talk() {
    const id = ++this.talks.made;
    this.run?.tell({ type: "talk", id, text: "", seed: id, temperature: 1 });
  }

  /** @returns {Promise<Trained | null>} the network as it is now; null: the run is over before it has answered */
  weights() {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.run?.tell({ type: "weights" });
    });
  }

  /** @param {Trained | null} trained to who waits for it */
  answer(trained) {
    for (const done of this.waiting.splice(0)) done(trained);
  }

  /** @param {FromWorker} news */
  told(news) {
    if (news.type === "ready") {
      this.ready = news;
      if (this.stage === "starting") this.stage = "running";
      this.talk();
    }
    if (news.type === "progress") this.goes(news);
    if (news.type === "paused") this.stage = "paused";
    if (news.type === "resumed") this.stage = "running";
    if (news.type === "stopped" || news.type === "done") this.ends(news);
    if (news.type === "said") this.said.unshift({ ...news, seconds: this.last?.seconds ?? 0 });
    if (news.type === "next") this.sees(news);
    if (news.type === "weights") this.answer(news.network);
    if (news.type === "failed") this.end(news, /** @type {Told} */ (this.now));
    else this.hear();
  }

  /** @param {Progress} news */
  goes(news) {
    const at = performance.now();
    this.history.push(news);
    this.now?.points.push({ x: news.seconds, loss: news.loss, floor: news.floor });
    if (at - this.looks.at > LOOK) this.look();
    if (news.seconds < this.talks.due) return;
    if (this.talks.due) this.talk();
    this.talks.due = news.seconds + this.pause;
  }

  /** @param {FromWorker & { type: "stopped" | "done" }} news */
  ends({ type, diverged }) {
    Object.assign(this, { stage: type, diverged });
    if (diverged) return;
    this.talk();
    this.look();
  }

  /** @param {FromWorker & { type: "next" }} news */
  sees(news) {
    const text = this.looks.asked;
    this.looks.open = false;
    this.next = "refused" in news ? { text, refused: news.refused } : { text, likely: news.likely, rest: news.rest };
    if (text !== this.beginning) this.look(); // it was changed meanwhile
  }
}
