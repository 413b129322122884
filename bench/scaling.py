"""How does the loss fall with a network's size and with what it reads? A law, and its test.

Trains small GPTs on smallworld, whose true loss is known: six widths, four lengths, three seeds,
and one larger network that reads more, to test what the law predicts for it. About ten minutes on
one idle core. Stores each run in nbutils/scaling.json as it ends; one that is stored is not
repeated.
"""

import json
from pathlib import Path

import nbutils  # before torch: it tells waiting threads to sleep  # isort: skip
import numpy as np
import torch
from rows import Row, table

from nbutils import planning, smallworld, text, tokens
from nbutils.config import GPTConfig, TrainConfig
from nbutils.evaluation import evaluate
from nbutils.files import written_aside
from nbutils.model import GPT
from nbutils.training import train
from nbutils.windows import Windows

STORED = Path(nbutils.__file__).with_name("scaling.json")
WIDTHS = (8, 12, 16, 24, 32, 48)
STEPS = (200, 400, 800, 1600)
SEEDS = (0, 1, 2)
LARGER = (64, 3200)  # width and steps of the runs that the law has not seen
BATCH = 8


class Corpus:
    """smallworld's text as tokens, and the floor of its held-out part."""

    def __init__(self):
        self.encoding = smallworld.encoding()
        held_out = text.load("smallworld", "val", n_documents=300)
        documents = text.load("smallworld", n_documents=60_000)
        self.train = tokens.encode_documents(documents, self.encoding)
        self.val = tokens.encode_documents(held_out, self.encoding)
        self.floor = smallworld.loss_floor("".join(d + tokens.END for d in held_out))


def shape(width: int, vocab_size: int) -> GPTConfig:
    """Two layers, with heads 16 wide; narrower networks have one head."""
    return GPTConfig(
        vocab_size=vocab_size,
        block_size=smallworld.MAX_TOKENS,
        n_layer=2,
        n_head=max(1, width // 16),
        n_embd=width,
    )


def recipe(width: int, steps: int, seed: int, start_token: int) -> TrainConfig:
    """Wide networks want lower learning rates: the best for widths of 4 to 64 lay near this."""
    return TrainConfig(
        steps=steps,
        batch_size=BATCH,
        learning_rate=0.1 / width**0.5,
        warmup_steps=max(100, steps // 10),
        eval_every=steps,
        eval_batches=1,
        start_token=start_token,
        seed=seed,
        device="cpu",
        progress=False,
    )


def run(corpus: Corpus, width: int, steps: int, seed: int) -> dict:
    """Train one network; its loss on the held-out documents."""
    torch.manual_seed(seed)
    model = GPT(shape(width, corpus.encoding.n_vocab))
    end = corpus.encoding.eot_token
    history = train(model, corpus.train, corpus.val, recipe(width, steps, seed, end))
    windows = Windows(corpus.val, 32, smallworld.MAX_TOKENS, start_token=end)
    return {
        "width": width,
        "steps": steps,
        "seed": seed,
        "n": model.num_parameters(),
        "d": steps * BATCH * smallworld.MAX_TOKENS,
        "loss": round(evaluate(model, windows), 5),
        "floor": round(corpus.floor, 5),
        "seconds": round(history.seconds[-1], 1),
    }


def stored() -> list[dict]:
    return planning.scaling_runs() if STORED.exists() else []


def measure_all() -> None:
    """Train what is not stored yet, seed by seed."""
    corpus = Corpus()
    shapes = [*((width, steps) for steps in STEPS for width in WIDTHS), LARGER]
    for case in ((*shape, seed) for seed in SEEDS for shape in shapes):
        if case not in {(r["width"], r["steps"], r["seed"]) for r in stored()}:
            new = run(corpus, *case)
            print(new, flush=True)
            with written_aside(STORED) as aside:
                lines = ",\n".join(json.dumps(r) for r in [*stored(), new])
                aside.write_text(f"[\n{lines}\n]\n", "utf-8")


def report(runs: list[dict]) -> list[Row]:
    """The law, what it predicts for the larger network, and what that reached."""
    grid = [r for r in runs if r["width"] in WIDTHS]
    larger = [r for r in runs if r["width"] == LARGER[0]]
    columns = [np.array([r[name] for r in grid]) for name in ("n", "d", "loss")]
    floor = runs[0]["floor"]
    law, blind = (planning.fit_scaling_law(*columns, floor=f) for f in (floor, None))
    predicted = law.loss(larger[0]["n"], larger[0]["d"]) - floor
    reached = [r["loss"] - floor for r in larger]
    how = f"{larger[0]['n']:,} parameters, {larger[0]['d']:,} tokens"
    unit = "nats above the floor"
    return [
        Row(
            "Law",
            f"{law.A:.3g} / N^{law.alpha:.2f} + {law.B:.3g} / D^{law.beta:.2f}",
            unit,
            f"{len(grid)} runs",
        ),
        Row("Larger network, predicted", predicted, unit, how),
        Row("Larger network, reached", float(np.mean(reached)), unit, f"{len(reached)} seeds"),
        Row("Floor", floor, "nats", "the world's own"),
        Row("Floor, if it were fitted", blind.E, "nats", "the same runs"),
    ]


if __name__ == "__main__":
    measure_all()
    print(table(report(stored())))
