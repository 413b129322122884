// For tests/test_page_runs.py: parts of a run in the page, without a page. Prints one object as JSON.
import { build } from "esbuild";

const FOLDER = "./nbutils/figures/moving/engine";
const contents = ["worker", "schedule", "limits", "exchange"].map((name) => `export * from "${FOLDER}/${name}.js";`).join("\n");
const { outputFiles: [{ text }] } = await build({ stdin: { contents, resolveDir: process.cwd() }, bundle: true, format: "esm", write: false });
const { Clock, Schedule, Share, checkSettings, learningRate, shares, work } = await import(`data:text/javascript,${encodeURIComponent(text)}`);

const SETTINGS = { layers: 1, width: 16, positions: "rotary", window: 80, optimizer: "muon", rate: 1e-2, seconds: 1, steps: 20, batch: 5, seed: 0 };
const SOURCE = { kind: "text", text: "two halves of a batch, and one sum. ".repeat(9) };

/** Numbers in few letters: the same only for the same bits. */
function digest({ weights }) {
  let h = 0x811c9dc5;
  for (const one of Object.values(weights)) for (const bits of new Uint32Array(one.buffer, one.byteOffset, one.length)) h = Math.imul(h ^ bits, 0x01000193);
  return h >>> 0;
}

/** Trains with so many workers, all in this process: what each holds when it has made all updates of the first. */
async function train(changed) {
  const settings = { ...SETTINGS, ...changed }, { workers = 1, ways = ["simd"] } = changed, held = [];
  const { port1, port2 } = new MessageChannel(), ports = workers === 2 ? [[null, port1], [port2, null]] : [[null]];
  const scopes = ports.map(() => ({})), ask = (scope) => scope.onmessage({ data: { type: "weights" } });
  let steps = 0;
  await new Promise((done, failed) => ports.forEach((mine, worker) => {
    const scope = scopes[worker];
    scope.postMessage = (message) => {
      if (message.type === "failed") failed(new Error(message.what));
      if (message.type === "done") {
        steps = message.step;
        scopes.forEach(ask);
      } else if (message.type === "weights" && message.step < steps) setTimeout(ask, 10, scope); // it is not there yet
      else if (message.type === "weights") held[worker] = digest(message.network);
      if (held.filter(Boolean).length === workers) done(undefined);
    };
    work(scope);
    scope.onmessage({ data: { type: "start", settings, source: SOURCE, ways, worker, ports: mine } });
  }));
  port1.close();
  return held;
}

const KINDS = {
  simd: {}, js: { ways: ["js"], steps: 3 }, adamw: { optimizer: "adamw", batch: 2 }, rounds: { batch: 20, steps: 3 }, single: { batch: 1 },
};
const trained = {}, timed = await train({ seconds: 0.1, steps: undefined, workers: 2 });
for (const [name, kind] of Object.entries(KINDS)) trained[name] = [await train(kind), await train({ ...kind, workers: 2 })];

/**
 * A run whose clock goes on by 1 ms whenever it looks, and by an hour while it is hidden and while it is stopped; and how
 * often it looked whether it may go on.
 */
async function rests() {
  const { now } = performance, Channel = MessageChannel, news = [], looks = [];
  let time = 0, made = 0;
  performance.now = () => (time += 1);
  globalThis.MessageChannel = class extends Channel { constructor() { super(); made += 1; } };
  await new Promise((done) => {
    const scope = {}, tell = (type) => scope.onmessage({ data: { type } });
    const rest = (then) => {
      const before = made;
      setTimeout(() => {
        looks.push(made - before);
        time += 3_600_000;
        tell(then);
      }, 30);
    };
    scope.postMessage = (message) => {
      news.push(message);
      if (message.type === "ready") tell("hide");
      if (message.type === "paused") rest("show");
      if (message.type === "resumed" && news.every(({ type }) => type !== "stopped")) setTimeout(tell, 0, "stop");
      if (message.type === "stopped") rest("go");
      if (message.type === "done") done(undefined);
    };
    work(scope);
    scope.onmessage({ data: { type: "start", settings: { ...SETTINGS, steps: 200 }, source: SOURCE, ways: ["simd"], worker: 0, ports: [null] } });
  });
  performance.now = now;
  globalThis.MessageChannel = Channel;
  return { news: news.filter(({ type }) => type !== "here"), looks };
}

/** A clock that is told the time. */
function clocks() {
  let time = 0;
  const clock = new Clock(() => time), used = [];
  for (const ms of [50, 400, 3_600_000, 50, 1500, 1500, 1500]) { // an hour of sleep; later a machine that is slow
    clock.work();
    time += ms;
    clock.rest();
    time += 10_000; // rest
    used.push(clock.used);
  }
  const share = new Share(), seen = [];
  share.begin(0, 0);
  for (let n = 1; n <= 30; n++) seen.push(share.at(n * 100, Math.min(n, 20) * 0.08)); // 80 ms of each 100, then nothing
  return { used, seen };
}

/** What is said of each wrong setting; null where it is allowed. */
const said = (changed) => {
  try {
    return checkSettings({ ...SETTINGS, ...changed }) ?? null;
  } catch (error) {
    return `${error.name} ${error.message}`;
  }
};
const wrong = JSON.parse(process.argv[2]).map(said);

const schedule = new Schedule({ seconds: 10 }, { used: 5, step: 7 }), steps = new Schedule({ seconds: 10, steps: 4 }, { used: 5, step: 7 });
process.stdout.write(JSON.stringify({
  trained, timed, wrong, rests: await rests(), ...clocks(),
  shares: Object.fromEntries([1, 2, 3, 5, 8, 9, 32].map((n) => [n, shares(n)])),
  rates: [0, 0.01, 0.02, 0.51, 1].map((done) => learningRate(done, 1)),
  done: [schedule.done({ used: 10, step: 0 }), schedule.done({ used: 99, step: 0 }), steps.done({ used: 99, step: 10 })],
}));
process.exit(0); // ports are open
