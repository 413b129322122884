"""Which recipe brings the course's model nearest to smallworld's floor? The answers: recipe.md.

    python bench/recipe.py "n_layer=2 learning_rate=4e-3" "optimizer=muon schedule=linear"
    python bench/recipe.py --costs

Each argument is a trial: what it changes of ``MODEL`` and ``TRAINING`` below, the recipe with which
the search began. A trial that has its row in the table is not run again, so a search that was
stopped goes on by the same command. ``--costs`` measures an update of every shape in the table, all
in turn and in processor time, which other programs hardly change, and fills in what each trial
costs: an update beside one of the first recipe, and the seconds that follow on two idle cores.
"""

import argparse
import ast
import time
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch

from nbutils import smallworld, text, tokens
from nbutils.config import GPTConfig, TrainConfig
from nbutils.evaluation import document_losses
from nbutils.files import written_aside
from nbutils.model import GPT
from nbutils.training import train

TABLE = Path(__file__).with_suffix(".md")
DOCUMENTS = 90_000
MODEL = GPTConfig.preset("small", n_layer=3, block_size=smallworld.MAX_TOKENS)
TRAINING = TrainConfig(
    steps=3600, batch_size=16, learning_rate=2.5e-3, betas=(0.9, 0.98), warmup_steps=200
)
SHAPE = {"n_layer": "Layers", "n_embd": "Width", "n_head": "Heads", "batch_size": "Batch"}
CHOSEN = {"optimizer": "Optimizer", "learning_rate": "Rate", "steps": "Updates", "seed": "Seed"}
NAMED = SHAPE | CHOSEN
ELSE, COST, SECONDS = "Also changed", "Update costs", "Seconds"
MEASURED = ("Gap", "Certain", "Giving")
HEADER = [*NAMED.values(), ELSE, *MEASURED, COST, SECONDS]
DECISIVE = (*SHAPE, "optimizer")  # these and the switches decide what an update costs
UPDATE = 0.0325  # seconds of one by ``TRAINING``: 3,600 took 117 s alone on two cores with AMX
SWITCHES = ("bias", "rotary", "rms_norm", "qk_norm", "relu_squared")
Trial = dict[str, object]  # field of GPTConfig or TrainConfig -> value
Row = dict[str, str]  # column -> cell


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trials", nargs="*", metavar='"NAME=VALUE NAME=VALUE"')
    parser.add_argument("--costs", action="store_true", help="measure updates, fill in seconds")
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
    if options.costs:
        found = costs(rows())
        write([row | priced(row, found) for row in rows()])


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

    def run(self, trial: Trial, on_eval=None) -> GPT:
        """The trained model."""
        model_config, config = configs(trial | {"progress": False})
        torch.manual_seed(config.seed)
        model = GPT(model_config)
        train(model, self.train, self.val, config, on_eval=on_eval)
        return model

    def gaps(self, trial: Trial) -> Row:
        """Nats a token above the truth: at all places, where only one token can come, and in the
        stories in which a thing is given, which ask who has it now."""
        steps = configs(trial)[1].steps
        model = self.run(trial | {"eval_every": steps, "eval_batches": 1})
        losses = document_losses(model, self.held_out, self.encoding)
        truth = np.concatenate(self.truth)
        gap = np.concatenate(losses) - truth
        giving = np.repeat([" gives the " in d for d in self.held_out], list(map(len, losses)))
        parts = (gap, gap[truth < 1e-6], gap[giving])
        return dict(zip(MEASURED, (f"{part.mean():.4f}" for part in parts), strict=True))


def costs(table: list[Row]) -> dict[str, float]:
    """Processor seconds of an update of each shape: the least of nine stretches of twelve."""
    corpus = Corpus(documents=4_000, held_out=20)
    shapes = dict.fromkeys([shape(settings({})), *map(shape, table)], float("inf"))
    for _ in range(3):
        for name in shapes:
            shapes[name] = min(shapes[name], *stretches(corpus, parsed(name)))
    return shapes


def stretches(corpus: Corpus, trial: Trial, updates: int = 12) -> np.ndarray:
    """Processor seconds of an update, an evaluation's small part of it included, three times."""
    marks, steps = [], 3 * updates
    corpus.run(
        trial | {"steps": steps, "warmup_steps": 1, "eval_every": updates, "eval_batches": 1},
        on_eval=lambda *_: marks.append(time.process_time()),
    )
    return np.diff(marks) / updates


def shape(row: Row) -> str:
    """The words of a trial that decide what an update costs."""
    words = [f"{name}={row[NAMED[name]]}" for name in DECISIVE]
    return " ".join(words + [w for w in row[ELSE].split() if w.partition("=")[0] in SWITCHES])


def priced(row: Row, found: dict[str, float]) -> Row:
    cost = found[shape(row)] / found[shape(settings({}))]
    return {COST: f"{cost:.2f}", SECONDS: f"{int(row['Updates']) * cost * UPDATE:.0f}"}


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
