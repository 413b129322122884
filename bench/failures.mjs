// Runs of the page's engine without a page, by updates and not by the clock: the same everywhere. failures.py bundles it,
// and calls it with a file of smallworld's tables and, for each run, its settings as JSON. Each run becomes a line of
// JSON: what a page would hear of it, and the processor's seconds. Without settings it reads such lines, and says what the
// page would say of each run after each report.
import { readFileSync } from "node:fs";
import { add, none } from "../nbutils/figures/moving/engine/looks.js";
import { Learner } from "../nbutils/figures/moving/engine/learner.js";
import { learningRate } from "../nbutils/figures/moving/engine/schedule.js";
import { failure } from "../nbutils/figures/moving/failures.js";

const REPORTS = 200; // of a run
const [world, ...runs] = process.argv.slice(2);

const turn = async () => {};
const zero = () => ({ tokens: 0, loss: 0, floor: 0, looks: none() });

/** @param {import("../nbutils/figures/moving/engine/types").Settings & { steps: number }} settings */
async function run(settings) {
  const source = { kind: "world", world: JSON.parse(readFileSync(world, "utf8")) };
  const learner = await Learner.make({ type: "start", settings, source, ways: ["relaxed", "simd", "js"], worker: 0, ports: [null] });
  const began = process.cpuUsage(), { steps, rate: highest } = settings, every = Math.ceil(steps / REPORTS), history = [];
  let seen = zero(), all = 0;
  for (let step = 1, going = true; going; step++) {
    const { tokens, loss, floor, looks, diverged } = await learner.update(learningRate((step - 1) / steps, highest), turn);
    all += tokens;
    seen.tokens += tokens;
    seen.loss += loss;
    seen.floor += floor;
    add(seen.looks, looks);
    going = step < steps && !diverged;
    if (going && step % every) continue;
    history.push({ done: step / steps, step, all, loss: seen.loss / seen.tokens, floor: seen.floor / seen.tokens, looks: seen.looks });
    seen = zero();
  }
  const { user, system } = process.cpuUsage(began);
  return { settings, seconds: (user + system) / 1e6, history };
}

/** @param {string} line */
function said(line) {
  const { settings, history } = JSON.parse(line);
  return history.map((_, i) => failure(settings, history.slice(0, i + 1)));
}

/** @param {unknown} value */
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
for (const settings of runs) print(await run(JSON.parse(settings)));
if (!runs.length) for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) print(said(line));
