// Runs the two sides of each race, one after the other, and prints what came of them: `authoring/races.py` calls it.
// It reads one line of JSON, { world, seeds, seconds, races: { name: [left, right] } }, and prints one for each race.
// The clock is the processor time of this thread, so that another program on the machine makes no side slower.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const moving = fileURLToPath(new URL("../nbutils/figures/moving/", import.meta.url)), POINTS = 40;
const contents = `export { work } from "./engine/worker.js"; export { above, thinned } from "./standings.js"; export { BATCH, LONGEST } from "./settings.js";`;
const { outputFiles: [{ text }] } = await build({ stdin: { contents, resolveDir: moving }, bundle: true, format: "esm", write: false });
performance.now = () => process.threadCpuUsage().user / 1000;
const { work, above, thinned, BATCH, LONGEST } = await import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);

/** One side, from its start to its end: the points of its curve, and its updates. */
function run(settings, world) {
  const points = [];
  return new Promise((resolve, reject) => {
    const scope = { postMessage: (news) => {
      if (news.type === "progress") {
        const { seconds, all, loss, floor } = news;
        points.push({ seconds, tokens: all, own: all - (points.at(-1)?.tokens ?? 0), loss, floor });
      }
      if (news.type === "done") resolve({ points, updates: news.step });
      if (news.type === "failed") reject(new Error(news.what));
    } };
    work(scope);
    scope.onmessage({ data: { type: "start", settings, source: { kind: "world", world }, ways: ["relaxed", "simd", "js"], worker: 0, ports: [null] } });
  });
}

const round = (value, digits) => Number(value.toPrecision(digits));
const curve = (points) => thinned(points, POINTS).map(({ seconds, tokens, loss, floor }) => [round(seconds, 4), tokens, round(loss - floor, 4)]);

async function race(sides, { world, seeds, seconds }) {
  const found = { time: { ends: [], curves: [] }, data: { ends: [], curves: [] } };
  for (let seed = 0; seed < seeds; seed++) {
    const length = { seconds, batch: BATCH, window: LONGEST, seed };
    const both = async (more) => [await run({ ...sides[0], ...length, ...more }, world), await run({ ...sides[1], ...length, ...more }, world)];
    const time = await both({}), data = await both({ steps: Math.min(...time.map(({ updates }) => updates)) });
    for (const [kind, by, runs] of [["time", "seconds", time], ["data", "tokens", data]]) {
      found[kind].ends.push(runs.map(({ points }) => round(above(points, by), 4)));
      if (seed === 0) found[kind].curves = runs.map(({ points }) => curve(points));
    }
  }
  return found;
}

let line = "";
for await (const part of process.stdin) line += part;
const asked = JSON.parse(line);
for (const [name, sides] of Object.entries(asked.races)) process.stdout.write(`${JSON.stringify({ [name]: await race(sides, asked) })}\n`);
process.exit(0); // a run's channel would keep it waiting
