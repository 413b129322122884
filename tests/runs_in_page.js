// For tests/test_page_runs.py: `start` of the pictures' scripts, and what is asked of it, in a page.
import { start } from "../nbutils/figures/moving/engine/runs.js";

const TINY = { layers: 1, width: 16, positions: "rotary", window: 80, optimizer: "adamw", rate: 1e-2, seconds: 1, batch: 4, seed: 3 };
const TEXT = { kind: "text", text: "the page trains and the page rests. ".repeat(20) };
const PATIENCE = 60_000; // ms

/** A run with all that it says; it is over when it has said `until`. */
function runs(settings, { source = TEXT, until = "done", more = {}, then = () => {} } = {}) {
  const news = [];
  let run = null;
  const over = new Promise((done) => {
    setTimeout(done, PATIENCE, news); // so that a run that hangs fails a test, and the test does not hang
    run = start({ ...TINY, ...settings }, source, (message) => {
      news.push(message);
      then(message, run, news);
      if (message.type === until || message.type === "failed") done(news);
    }, more);
  });
  return { run, news, over };
}

/** Numbers in few letters: the same only for the same bits. */
function digest(network) {
  let h = 0x811c9dc5;
  for (const name of Object.keys(network.weights).sort()) {
    const { buffer, byteOffset, length } = network.weights[name];
    for (const bits of new Uint32Array(buffer, byteOffset, length)) h = Math.imul(h ^ bits, 0x01000193);
  }
  return h >>> 0;
}

const count = (news, kind) => news.filter(({ type }) => type === kind).length;

/** The run's weights at its end (or at a later one, when it was told to go on), in few letters, and its news. */
async function trained(settings, { ends = 1, then = () => {}, ...options } = {}) {
  const { run, over } = runs(settings, { ...options, until: "weights", then(message, made, news) {
    then(message, made, news);
    if (message.type === "done") made.tell({ type: count(news, "done") < ends ? "go" : "weights" });
  } });
  const news = await over, { network } = news.at(-1);
  run.end();
  return { news: news.slice(0, -1), digest: network && digest(network), network };
}

Object.assign(window, { PATIENCE, count, start, runs, trained, digest, TINY, TEXT });
