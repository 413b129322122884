// A run as the page hears of it. It computes in slices, and hears between them: so it can stand in a Worker, or on the
// page itself.
import { Learner } from "./learner.js";
import { add, none } from "./looks.js";
import { Clock, Schedule, Share, learningRate } from "./schedule.js";
import { told } from "./told.js";

/** @import { FromWorker, Go, Request, Scope, Start, ToWorker } from "./types" */

const SLICE = 50; // ms of computing at most, between two of which it hears, where one piece of work takes no longer
const TELL = 100; // ms between two reports

/** @param {Scope} scope a Worker's, or one like it on the page */
export function work(scope) {
  const run = new Run((message) => scope.postMessage(message));
  scope.onmessage = ({ data }) => run.hear(data);
  scope.onmessageerror = () => run.fail(new TypeError("a message could not be read"));
  scope.postMessage({ type: "here" });
}

/** Lets all that has come be heard: messages, and on a page the reader's hand. */
const breath = () => new Promise((done) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    done(undefined);
  };
  port2.postMessage(0);
});

/** Tokens, the sums of their losses and of what the truth pays, what looking back costs, and the loss of each update. */
const nothing = () => ({ tokens: 0, loss: 0, floor: 0, looks: none(), losses: /** @type {number[]} */ ([]) });

class Run {
  /** @param {(message: FromWorker) => void} post */
  constructor(post) {
    this.post = post;
    /** @type {Learner | null} */
    this.learner = null;
    /** @type {ToWorker[]} heard before there was a network */
    this.early = [];
    /** @type {"running" | "stopped" | "done" | "failed"} */
    this.state = "running";
    this.hidden = false; // is the page; nobody sees what would be computed
    this.diverged = false;
    this.clock = new Clock();
    this.share = new Share();
    this.heard = this.turned = performance.now(); // when it last did
    this.told = { now: performance.now(), used: 0 }; // and what it then told
    this.seen = nothing(); // since then
    this.all = 0; // tokens
    this.asked = 0; // and not answered yet
    /** @type {Promise<void>} */
    this.answers = Promise.resolve();
    this.wake = () => {};
  }

  /** @param {ToWorker} message */
  hear(message) {
    if (this.state === "failed") return;
    if (message.type === "start") this.start(message).catch((error) => this.fail(error));
    else if (!this.learner) this.early.push(message);
    else if (message.type === "stop") this.stop();
    else if (message.type === "go") this.go(message);
    else if (message.type === "hide") this.hide(true);
    else if (message.type === "show") this.hide(false);
    else this.ask(message);
  }

  /** @param {Start} message */
  async start(message) {
    this.settings = message.settings;
    this.learner = await Learner.make(message);
    this.schedule = new Schedule(message.settings, this.at);
    if (message.worker === 0) this.post({ type: "ready", ...this.learner.made });
    for (const early of this.early) this.hear(early);
    await this.train(this.learner, message.worker === 0);
  }

  /**
   * Trains for ever: where it may not, it waits in `turn`, in the middle of an update too. So whoever stops and goes on
   * gets the same weights as whoever does not stop; and workers other than the first need hear nothing of it, since they
   * wait for its gradients.
   * @param {Learner} learner
   * @param {boolean} first of the workers
   */
  async train(learner, first) {
    const turn = () => this.turn();
    for (;;) {
      await turn();
      const { diverged, tokens, loss, floor, looks } = await learner.update(this.rate, turn);
      if (!first) continue; // only the first tells
      this.all += tokens;
      this.seen.tokens += tokens;
      this.seen.loss += loss;
      this.seen.floor += floor;
      this.seen.losses.push(loss / tokens);
      add(this.seen.looks, looks);
      this.diverged = diverged;
      if (this.done >= 1 || diverged) this.end("done");
      else if (performance.now() - this.told.now > TELL) this.report();
    }
  }

  get at() {
    return { used: this.clock.used, step: this.learner?.step ?? 0 };
  }
  get done() {
    return this.schedule?.done(this.at) ?? 0;
  }
  get rate() {
    return learningRate(this.done, this.settings?.rate ?? 0);
  }
  get may() {
    return this.state === "running" && !this.hidden;
  }

  /** Between two pieces of work: hears and answers when a slice is over, and waits as long as it may not compute. */
  async turn() {
    const now = performance.now(), next = now + (now - this.turned); // the next piece may take as long as the last
    this.turned = now;
    if (!this.may || this.asked || next - this.heard > SLICE) {
      this.clock.rest();
      await this.breathe();
      while (!this.may || this.asked) await (this.asked ? this.answers : this.woken());
    }
    this.clock.work();
  }
  woken() {
    return new Promise((done) => { this.wake = () => done(undefined); });
  }
  async breathe() {
    await breath();
    this.heard = this.turned = performance.now();
  }

  stop() {
    if (this.state === "running") this.end("stopped");
  }
  /** @param {"stopped" | "done"} type */
  end(type) {
    this.state = type;
    this.clock.rest();
    this.report();
    this.post({ type, seconds: this.clock.used, step: this.at.step, diverged: this.diverged });
  }
  /** @param {Go} message */
  go({ seconds }) {
    if (this.state === "running" || !this.settings) return;
    if (this.diverged) return this.end("done"); // from weights that are no numbers nothing is learned
    if (this.state === "done") this.schedule = new Schedule({ ...this.settings, seconds: seconds ?? this.settings.seconds }, this.at);
    this.state = "running";
    this.goesOn();
  }
  /** @param {boolean} hidden */
  hide(hidden) {
    if (hidden === this.hidden) return;
    this.hidden = hidden;
    this.clock.rest();
    if (this.state !== "running") return;
    if (hidden) this.report(); // what was computed until now, as a share of the time until now
    this.goesOn();
  }
  /** Or does not yet, while the page is hidden. */
  goesOn() {
    this.post({ type: this.hidden ? "paused" : "resumed" });
    const now = performance.now();
    this.told.now = now; // the time that it waited is no one's
    this.share.begin(now, this.clock.used);
    this.wake();
  }

  /** @param {Request} request */
  ask(request) {
    this.asked += 1;
    const { learner } = this;
    const pause = async () => { if (performance.now() - this.heard > SLICE) await this.breathe(); };
    const answer = async () => {
      this.clock.rest(); // which counts what is learned in
      if (learner) this.post(await learner.answer(request, pause));
      this.asked -= 1;
    };
    this.answers = this.answers.then(answer).catch((error) => this.fail(error));
  }

  report() {
    const { tokens, loss, floor, looks, losses } = this.seen, now = performance.now(), { used, step } = this.at;
    if (!tokens) return;
    this.post({
      type: "progress", seconds: used, done: this.done, step, all: this.all, loss: loss / tokens, floor: floor / tokens, looks, rate: this.rate,
      speed: tokens / Math.max(1e-3, used - this.told.used), share: this.share.at(now, used), losses,
    });
    this.told = { now, used };
    this.seen = nothing();
  }

  /** @param {unknown} error */
  fail(error) {
    if (this.state === "failed") return;
    this.state = "failed";
    this.post({ type: "failed", ...told(error) });
  }
}
