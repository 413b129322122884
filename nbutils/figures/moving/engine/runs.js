// Starts runs: each in a Worker of its own, or in several; on the page itself where a Worker is refused, as in a frame
// that may not have any, or under a policy that names none.
import { source as script, work } from "worker:./worker.js";
import { checkSeconds, checkSettings } from "./limits.js";
import { told } from "./told.js";

/** @import { FromWorker, Scope, Settings, Source, Start, ToWorker, Trained, Way } from "./types" */
/** @typedef {(message: FromWorker) => void} Hear */
/** @typedef {Omit<Start, "type" | "worker" | "ports">} Task what is to be computed */
/** @typedef {{ send: (message: ToWorker) => void, end: () => void }} Place where it is: in Workers, or on the page */

const TICK = 100, TICKS = 30; // ms, and how many of them a Worker has to say that it is here: 3 s

/**
 * Starts a run; `hear` gets its messages, none before this function has returned.
 * @param {Settings} settings
 * @param {Source} source
 * @param {Hear} hear
 * @param {{ ways?: Way[], from?: Trained }} [more] ways: to be tried in this order. from: the weights to begin with
 * @returns {Run}
 * @throws {RangeError} a setting that is not allowed, with its name, its value and what would be right
 */
export function start(settings, source, hear, { ways = ["relaxed", "simd", "js"], from } = {}) {
  checkSettings(settings);
  return new Run({ settings, source, ways, from }, hear);
}

class Run {
  /**
   * @param {Task} task
   * @param {Hear} hear
   */
  constructor(task, hear) {
    this.hear = hear;
    this.over = false;
    this.alone = false; // whether it computes on the page itself, a Worker being refused; known when it is "ready"
    /** @type {Place | null} */
    this.place = null;
    /** @type {ToWorker[]} what is told before it is known where it is computed */
    this.waiting = [];
    this.watch = () => this.tell({ type: document.hidden ? "hide" : "show" });
    this.begin(task).catch((error) => this.heard({ type: "failed", ...told(error) }));
  }

  /** @param {Task} task */
  async begin(task) {
    const workers = await workersHere(task.settings.workers ?? 1);
    if (this.over) return workers?.forEach((worker) => worker.terminate());
    /** @type {Hear} */
    const heard = (message) => this.heard(message);
    this.alone = !workers;
    this.place = workers ? inWorkers(workers, task, heard) : onPage(task, heard);
    document.addEventListener("visibilitychange", this.watch);
    this.watch();
    for (const message of this.waiting) this.place.send(message);
  }

  /** @param {FromWorker} message */
  heard(message) {
    if (this.over || message.type === "here") return;
    if (message.type === "failed") this.end(); // all of its Workers, so that none waits for ever
    this.hear(message.type === "ready" ? { ...message, alone: this.alone } : message);
  }

  /** @param {ToWorker} message */
  tell(message) {
    if (message.type === "go" && message.seconds !== undefined) checkSeconds(message.seconds);
    if (this.over) return;
    if (this.place) this.place.send(message);
    else this.waiting.push(message);
  }

  /** For good, and at once: a Worker is ended in the middle of what it does. */
  end() {
    this.over = true;
    this.place?.end();
    document.removeEventListener("visibilitychange", this.watch);
  }
}

/**
 * So many Workers, each of which has said that it is here; null if one was refused.
 * @param {number} n
 */
async function workersHere(n) {
  /** @type {Worker[]} */
  const made = [], address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  try {
    while (made.length < n) made.push(new Worker(address)); // throws, or fails later, or says nothing: all happen
    await Promise.all(made.map(isHere));
    return made;
  } catch {
    for (const worker of made) worker.terminate();
    return null;
  } finally {
    URL.revokeObjectURL(address);
  }
}

/**
 * Counts ticks in place of seconds: while the page itself is busy, the Worker can't be heard.
 * @param {Worker} worker
 */
async function isHere(worker) {
  let timer = 0, ticks = 0;
  try {
    await new Promise((here, refused) => {
      worker.onmessage = here;
      worker.onerror = refused;
      timer = setInterval(() => { if (++ticks === TICKS) refused(new Error("a Worker that says nothing")); }, TICK);
    });
  } finally {
    clearInterval(timer);
  }
}

/**
 * Only the first Worker hears the page; the others wait for its gradients.
 * @param {Worker[]} workers
 * @param {Task} task
 * @param {Hear} heard
 * @returns {Place}
 */
function inWorkers(workers, task, heard) {
  const lines = workers.map(() => /** @type {(MessagePort | null)[]} */ (workers.map(() => null)));
  for (let a = 0; a < workers.length; a++) {
    for (let b = a + 1; b < workers.length; b++) {
      const { port1, port2 } = new MessageChannel();
      [lines[a][b], lines[b][a]] = [port1, port2];
    }
  }
  workers.forEach((worker, n) => {
    /** @param {string} what */
    const failed = (what) => heard({ type: "failed", what, key: "worker", values: {} });
    worker.onmessage = ({ data }) => heard(data);
    worker.onerror = ({ message }) => failed(message || "a Worker ended");
    worker.onmessageerror = () => failed("a Worker's message could not be read");
    const ports = lines[n];
    worker.postMessage({ type: "start", ...task, worker: n, ports }, ports.filter((port) => port !== null));
  });
  return { send: (message) => workers[0].postMessage(message), end: () => workers.forEach((worker) => worker.terminate()) };
}

/**
 * One worker does the same, bit for bit, as several; and a page has one core for all it does.
 * @param {Task} task
 * @param {Hear} heard
 * @returns {Place}
 */
function onPage(task, heard) {
  /** @type {Scope} */
  const scope = {
    onmessage: null,
    postMessage: (message) => queueMicrotask(() => heard(message)), // an error of who hears is none of the run's
  };
  /** @param {ToWorker} data */
  const send = (data) => scope.onmessage?.({ data });
  work(scope);
  send({ type: "start", ...task, worker: 0, ports: [null] });
  return { send, end: () => send({ type: "stop" }) }; // it waits, nobody wakes it, and it is forgotten
}
