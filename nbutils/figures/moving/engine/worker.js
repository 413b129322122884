// A run: documents, gradients, updates, and what it says of them. It computes in slices, and hears between them.
import { Trainer, random } from "./engine.js";
import { next } from "./next.js";
import { stream } from "./stream.js";
import wasm from "./wasm.json";

const SLICE = 50; // ms of computing, between two of which it hears
const TELL = 100; // ms between two reports
const LONGEST = 0.5; // seconds that an update counts at most: a page that slept does not lose its schedule
const WARM = 0.02; // of a run: the rate climbs
const HEADS = 4;

/** @param {any} scope a Worker's, or one like it on the page */
export function work(scope) {
  let trainer = null, docs = null, settings = null, state = "idle", seen = null, mark = 0, clock = null;
  const channel = new MessageChannel();
  const breath = () => new Promise((done) => { channel.port1.onmessage = done; channel.port2.postMessage(0); });
  const zero = () => ({ tokens: 0, loss: 0, floor: 0, used: 0 });

  async function start({ settings: asked, source, ways, from }) {
    settings = asked;
    docs = stream(source, settings.seed, settings.window);
    const files = Object.fromEntries(ways.filter((way) => wasm[way]).map((way) => [way, bytes(wasm[way])]));
    const config = { vocab_size: docs.vocab, block_size: 80, n_layer: settings.layers, n_head: HEADS, n_embd: settings.width,
      rotary: settings.positions === "rotary", positions: settings.positions };
    trainer = await Trainer.make(config, { most: settings.batch * 80, longest: 80, files, seed: settings.seed });
    if (from) for (const [name, values] of Object.entries(from.weights)) trainer.get(name).set(values);
    const parameters = trainer.tensors.reduce((sum, { n }) => sum + n, 0);
    scope.postMessage({ type: "ready", way: trainer.backend, parameters, bytes: trainer.f.buffer.byteLength });
    clock = { used: 0, all: 0, from: 0, to: settings.seconds, first: 0 };
    await run();
  }
  const done = () => settings.steps ? (trainer.step - clock.first) / settings.steps : (clock.used - clock.from) / (clock.to - clock.from);
  const rate = (share) => settings.rate * Math.min(1, (share + 1e-3) / WARM, (1 - share) / (1 - WARM));

  async function run() {
    state = "running";
    [seen, mark] = [zero(), performance.now()];
    try {
      for (let slept = performance.now(); state === "running" && done() < 1;) {
        update();
        const now = performance.now();
        if (now - mark > TELL) report(now);
        if (now - slept > SLICE) {
          await breath();
          slept = performance.now();
        }
      }
    } catch (error) {
      state = "idle";
      return scope.postMessage({ type: "failed", what: String(error.stack ?? error) });
    }
    if (seen.tokens) report(performance.now());
    const ended = state === "running" ? "done" : "stopped";
    state = "idle";
    scope.postMessage({ type: ended, seconds: clock.used, step: trainer.step });
  }
  function update() {
    const began = performance.now(), mine = Array.from({ length: settings.batch }, docs.one), share = done();
    const loss = trainer.lossAndGradients(mine.map(({ ids }) => ids));
    trainer.update(rate(share), { optimizer: settings.optimizer, betas: [0.9, 0.98], weight_decay: 0.1 });
    seen.tokens += trainer.N;
    seen.loss += loss * trainer.N;
    for (const { loss: floor } of mine) seen.floor += floor;
    clock.all += trainer.N;
    const took = Math.min(LONGEST, (performance.now() - began) / 1000);
    clock.used += took;
    seen.used += took;
  }
  function report(now) {
    scope.postMessage({ type: "progress", seconds: clock.used, done: Math.min(1, done()), step: trainer.step, all: clock.all,
      loss: seen.loss / seen.tokens, floor: seen.floor / seen.tokens, rate: rate(Math.min(1, done())),
      speed: seen.tokens / seen.used, share: Math.min(1, (1000 * seen.used) / (now - mark)) });
    [seen, mark] = [zero(), now];
  }
  function go({ seconds }) {
    if (state === "running") return;
    if (done() >= 1) Object.assign(clock, { from: clock.used, to: clock.used + (seconds ?? settings.seconds), first: trainer.step });
    run();
  }
  scope.onmessage = ({ data }) => {
    if (data.type === "start") start(data).catch((error) => scope.postMessage({ type: "failed", what: String(error.stack ?? error) }));
    if (data.type === "stop" && state === "running") state = "stopped";
    if (data.type === "go") go(data);
    if (data.type === "talk") scope.postMessage({ type: "said", id: data.id, ...talk(trainer, docs, data) });
    if (data.type === "next") scope.postMessage({ type: "next", id: data.id, ...answer(() => next(trainer, docs, data.text, data.most)) });
    if (data.type === "weights") scope.postMessage({ type: "weights", network: { ...trainer.network(), encoding: docs.encoding } });
  };
}

/** What came out, or why it was refused. */
function answer(make) {
  try {
    return make();
  } catch (error) {
    if (error.key) return { refused: { key: error.key, values: error.values } };
    throw error;
  }
}

const bytes = (base64) => Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));

function talk(t, docs, { text, seed, temperature }) {
  const next = random(seed), row = [docs.END, ...docs.ids(text)], { f, logits, config: { vocab_size: V, block_size } } = t;
  let ended = false;
  while (row.length < block_size && !ended) {
    t.place([[...row, 0]]);
    t.forward();
    const at = logits + (row.length - 1) * V;
    let most = -Infinity, total = 0;
    for (let i = 0; i < V; i++) most = Math.max(most, f[at + i]);
    const p = Float64Array.from({ length: V }, (_, i) => Math.exp((f[at + i] - most) / temperature));
    for (const x of p) total += x;
    let left = next() * total, id = 0;
    while (id < V - 1 && (left -= p[id]) >= 0) id++;
    ended = id === docs.END;
    if (!ended) row.push(id);
  }
  return { text: docs.text(row), ...docs.judge(row, ended) };
}
