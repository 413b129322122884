"""Which recipe brings the course's model nearest to smallworld's floor? The answers: recipe.md.

    python bench/recipe.py "n_layer=2 learning_rate=4e-3" "optimizer=muon schedule=linear"
    python bench/recipe.py --times

Each argument is a trial: what it changes of ``MODEL`` and ``TRAINING`` below, the recipe with which
the search began. A trial that has its row in the table is not run again, so a search that was
stopped goes on by the same command. ``--times`` measures an update of every shape in the table, all
in turn, and fills in the seconds that each trial takes on the threads which PyTorch has here.
"""

import argparse
import ast
from dataclasses import fields, replace
from pathlib import Path

import nbutils  # before torch: it tells waiting threads to sleep
import numpy as np
import torch

from nbutils import smallworld, text, tokens
from nbutils.files import written_aside
from nbutils.model import GPT, GPTConfig
from nbutils.training import TrainConfig, document_losses, train

TABLE = Path(__file__).with_suffix(".md")
DOCUMENTS = 90_000
MODEL = GPTConfig.preset("small", n_layer=3, block_size=smallworld.MAX_TOKENS)
TRAINING = TrainConfig(
    steps=3600, batch_size=16, learning_rate=2.5e-3, betas=(0.9, 0.98), warmup_steps=200
)
SHAPE = {"n_layer": "Layers", "n_embd": "Width", "n_head": "Heads", "batch_size": "Batch"}
CHOSEN = {"optimizer": "Optimizer", "learning_rate": "Rate", "steps": "Updates", "seed": "Seed"}
NAMED = SHAPE | CHOSEN
ELSE, MS, SECONDS = "Also changed", "ms an update", "Seconds"
MEASURED = ("Gap", "Certain", "Giving")
HEADER = [*NAMED.values(), ELSE, *MEASURED, MS, SECONDS]
COSTS = (*SHAPE, "optimizer")  # these and the switches decide what an update costs
SWITCHES = ("bias", "rotary", "rms_norm", "qk_norm", "relu_squared")
Trial = dict[str, object]  # field of GPTConfig or TrainConfig -> value
Row = dict[str, str]  # column -> cell


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trials", nargs="*", metavar='"NAME=VALUE NAME=VALUE"')
    parser.add_argument("--times", action="store_true", help="measure updates, fill in seconds")
    options = parser.parse_args(arguments)
    trials = [parsed(words) for words in options.trials]
    corpus = None
    for trial in trials:
        row = settings(trial)
        if not any(row.items() <= done.items() for done in rows()):
            corpus = corpus or Corpus(DOCUMENTS)
            row |= corpus.gaps(trial)
            print(row, flush=True)
            write([*rows(), row])
    if options.times:
        found = times(rows())
        write([row | seconds(row, found[shape(row)]) for row in rows()])


def parsed(words: str) -> Trial:
    """The changes that words such as ``n_layer=2 betas=(0.9,0.95)`` name."""
    known = {field.name for config in (GPTConfig, TrainConfig) for field in fields(config)}
    trial = {}
    for word in words.split():
        name, _, value = word.partition("=")
        if name not in known:
            raise ValueError(f"{word!r}: neither GPTConfig nor TrainConfig has a field {name!r}")
        try:
            trial[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            trial[name] = value  # a word, such as muon
    return trial


def configs(trial: Trial) -> tuple[GPTConfig, TrainConfig]:
    of_model = {field.name for field in fields(GPTConfig)}
    model = replace(MODEL, **{k: v for k, v in trial.items() if k in of_model})
    rest = {k: v for k, v in trial.items() if k not in of_model}
    return model, replace(TRAINING, start_token=smallworld.encoding().eot_token, **rest)


def settings(trial: Trial) -> Row:
    """The cells that say what a trial is; no two trials have the same."""
    model, training = configs(trial)
    both = vars(model) | vars(training)
    also = sorted(f"{k}={v}".replace(" ", "") for k, v in trial.items() if k not in NAMED)
    return {NAMED[name]: str(both[name]) for name in NAMED} | {ELSE: " ".join(also)}


class Corpus:
    """smallworld's text as tokens, and what the truth pays for documents kept aside."""

    def __init__(self, documents: int, held_out: int = 1_000):
        self.encoding = smallworld.encoding()
        self.train = tokens.encode_documents(
            text.load("smallworld", n_documents=documents), self.encoding
        )
        self.held_out = text.load("smallworld", "val", n_documents=held_out)
        self.val = tokens.encode_documents(self.held_out, self.encoding)
        self.truth = [smallworld.token_losses(d + tokens.END) for d in self.held_out]

    def run(self, trial: Trial, **changes):
        """The trained model and the run's history."""
        shape, config = configs(trial | changes)
        torch.manual_seed(config.seed)
        model = GPT(shape)
        return model, train(model, self.train, self.val, replace(config, progress=False))

    def gaps(self, trial: Trial) -> Row:
        """Nats a token above the truth: at all places, where only one token can come, and in the
        stories in which a thing is given, which ask who has it now."""
        steps = configs(trial)[1].steps
        model, _ = self.run(trial, eval_every=steps, eval_batches=1)
        losses = document_losses(model, self.held_out, self.encoding)
        truth = np.concatenate(self.truth)
        gap = np.concatenate(losses) - truth
        giving = np.repeat([" gives the " in d for d in self.held_out], list(map(len, losses)))
        parts = (gap, gap[truth < 1e-6], gap[giving])
        return dict(zip(MEASURED, (f"{part.mean():.4f}" for part in parts), strict=True))


def times(table: list[Row]) -> dict[str, float]:
    """Milliseconds of an update of each shape: the fastest of nine stretches of twelve updates."""
    corpus = Corpus(documents=4_000, held_out=20)
    shapes = {shape(row): row for row in table}
    fastest = dict.fromkeys(shapes, float("inf"))
    for _ in range(3):
        for name, row in shapes.items():
            trial = parsed(name)
            history = corpus.run(trial, steps=36, warmup_steps=1, eval_every=12, eval_batches=1)[1]
            update = int(row["Batch"]) * MODEL.block_size
            fastest[name] = min(fastest[name], 1e3 * update / max(history.tokens_per_second[1:]))
    return fastest


def shape(row: Row) -> str:
    """The words of a trial that decide what an update costs."""
    words = [f"{name}={row[NAMED[name]]}" for name in COSTS]
    return " ".join(words + [w for w in row[ELSE].split() if w.partition("=")[0] in SWITCHES])


def seconds(row: Row, ms: float) -> Row:
    return {MS: f"{ms:.1f}", SECONDS: f"{int(row['Updates']) * ms / 1e3:.0f}"}


def rows() -> list[Row]:
    """The table's rows so far."""
    lines = TABLE.read_text("utf-8").splitlines() if TABLE.exists() else []
    cells = [[c.strip() for c in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    return [dict(zip(HEADER, row, strict=True)) for row in cells[2:]]


def write(table: list[Row]) -> None:
    """Replace the table; the words above it stay."""
    cells = [HEADER, *([row.get(name, "") for name in HEADER] for row in table)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in cells]
    lines = ["| " + " | ".join(row) + " |" for row in padded]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    words = TABLE.read_text("utf-8").partition("| Layers")[0] if TABLE.exists() else "# Trials\n\n"
    with written_aside(TABLE) as aside:
        aside.write_text(words + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
