// Trains in Node what pictures train in a page, by the same engine: bench/page_run.py gives the work and stores what came.
import { readFileSync } from "node:fs";
import { work } from "../nbutils/figures/moving/engine/worker.js";

// Its clock counts this process's own computing, so that a busy machine takes nothing from a run.
performance.now = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const { world, run, talks, beginnings, speeds } = JSON.parse(readFileSync(0, "utf-8"));
const source = { kind: "world", world };

/** Train with those settings; hear gets each message and a way to answer. What it returns is when the run is done. */
function trained(settings, hear) {
  return new Promise((resolve, reject) => {
    const scope = { postMessage: (news) => {
      if (news.type === "failed") reject(new Error(news.what));
      hear(news, (message) => scope.onmessage({ data: message }), resolve);
    } };
    work(scope);
    scope.onmessage({ data: { type: "start", settings, source, ways: ["relaxed", "simd", "js"], worker: 0, ports: [null] } });
  });
}

const progress = [], said = [], next = {};
let way = "", asked = 0, at = 0;
await trained(run, (news, tell, done) => {
  const talk = () => tell({ type: "talk", id: ++asked, text: "", seed: asked, temperature: 1 });
  if (news.type === "ready") way = news.way;
  if (news.type === "progress") {
    at = news.seconds;
    progress.push(news);
    if (at > (asked * run.seconds) / talks) talk();
  }
  if (news.type === "said") said.push({ seconds: Math.round(10 * at) / 10, text: news.text, possible: news.possible, wrong: news.wrong });
  if (news.type === "done") {
    talk();
    beginnings.forEach((text, id) => tell({ type: "next", id, text, most: 8 }));
  }
  if (news.type === "next") {
    const { likely, rest } = news;
    next[beginnings[news.id]] = { text: beginnings[news.id], likely, rest };
    if (news.id === beginnings.length - 1) done();
  }
});

const rates = {};
for (const settings of speeds) {
  const heard = [];
  await trained(settings, (news, _, done) => {
    if (news.type === "progress") heard.push(news);
    if (news.type === "done") done();
  });
  const late = heard.slice(heard.length >> 1), tokens = late.at(-1).all - heard[(heard.length >> 1) - 1].all;
  rates[`${settings.layers}x${settings.width}`] = tokens / (late.at(-1).seconds - heard[(heard.length >> 1) - 1].seconds);
}
// An open channel would keep it; but what is long goes through a pipe in parts, and an exit before the last one cuts it.
process.stdout.write(JSON.stringify({ way, progress, said, next, rates }), () => process.exit(0));
