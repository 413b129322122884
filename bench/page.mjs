// Updates of the page's own engine in Node, in the way and of the shape that each line of the input asks for: bench/page.py.
// A line is { shape, way, batch, updates }; the answer is { seconds: of the fastest update, bytes: of memory }.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Trainer, random } from "../nbutils/figures/moving/engine/engine.js";

const wasm = JSON.parse(readFileSync(new URL("../nbutils/figures/moving/engine/wasm.json", import.meta.url), "utf-8"));
const made = new Map();

async function trained({ shape, way, batch }) {
  const key = JSON.stringify([shape, way]), { block_size: T, vocab_size: V } = shape;
  if (made.has(key)) return made.get(key);
  const files = way === "js" ? {} : { [way]: Uint8Array.from(Buffer.from(wasm[way], "base64")) };
  const trainer = await Trainer.make(shape, { most: batch * T, files }), next = random(0);
  if (trainer.backend !== way) throw new Error(`${way} does not run here: ${trainer.backend} does`);
  const documents = Array.from({ length: batch }, () => Array.from({ length: T + 1 }, () => Math.floor(V * next())));
  const update = () => {
    trainer.lossAndGradients(documents);
    trainer.update(1e-3);
  };
  update(); // the first ones are slower: V8 compiles
  update();
  made.set(key, { update, bytes: trainer.f.buffer.byteLength });
  return made.get(key);
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line), { update, bytes } = await trained(asked);
  let seconds = Infinity;
  for (let n = 0; n < asked.updates; n++) {
    const began = performance.now();
    update();
    seconds = Math.min(seconds, (performance.now() - began) / 1000);
  }
  process.stdout.write(`${JSON.stringify({ seconds, bytes })}\n`);
}
