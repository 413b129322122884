"""What helps a run of 18 seconds? Trials on tiny Shakespeare, each with three seeds: short.md.

    python bench/short.py --text tinyshakespeare.txt "vocab_size=512" "trick=value_embeddings"

Each argument is a trial: what it changes of ``FIRST``, the recipe with which the search began; what it
led to is ``contenders.best_for(18)``. All train for as many updates as ``FIRST`` has time for, so their
losses do not depend on what else the machine does; a trial that makes an update dearer gives ``steps``
of its own. A trial that has its row is not run again. Some tricks are from the records of
KellerJordan/modded-nanogpt; they live here alone.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from statistics import mean

import recipe
import torch
import torch.nn.functional as F
from contenders import RECIPE, Best, Corpus, Encoded, Shape
from recipe import Trial
from rows import markdown
from torch import nn

from nbutils import device
from nbutils.attention import attention
from nbutils.config import GPTConfig
from nbutils.model import GPT
from nbutils.training import train

TABLE = Path(__file__).with_suffix(".md")
HEADER = ("Changed", "Updates", "Bits a byte (mean)", "Each seed", "Beside the first")
FIRST = Best(2048, Shape(2, 4, 128, 64, 16), 6e-3, weight_decay=0.1, each_once=True)
UPDATES = 418  # assumed: 41 ms each, 0.6 of what one thread takes
SEEDS = (0, 1, 2)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trials", nargs="*", metavar='"NAME=VALUE NAME=VALUE"')
    parser.add_argument("--text", metavar="FILE", help="a UTF-8 text; else Python's help, pydocs")
    options = parser.parse_args(arguments)
    corpus = Corpus(options.text)
    for words in ["", *options.trials]:
        if words not in stored():
            found = bits(words, corpus)
            print(words or "nothing", found, flush=True)
            write(stored() | {words: found})


def parsed(words: str) -> tuple[str | None, Trial]:
    """The trick and the fields of GPTConfig and TrainConfig that a trial's words name."""
    trick = [word for word in words.split() if word.startswith("trick=")]
    rest = " ".join(word for word in words.split() if word not in trick)
    return (trick[0].partition("=")[2] if trick else None), recipe.parsed(rest)


def bits(words: str, corpus: Corpus) -> list[float]:
    """Bits a byte of the validation text after the trial, with each seed."""
    trick, trial = parsed(words)
    encoded = corpus.bpe(trial.get("vocab_size", FIRST.vocab_size))
    return [run(trick, trial, encoded, seed) for seed in SEEDS]


def run(trick: str | None, trial: Trial, encoded: Encoded, seed: int) -> float:
    of_model = vars(GPTConfig())
    shape = FIRST.shape.sizes() | {"vocab_size": encoded.vocab_size}
    changed = {name: value for name, value in trial.items() if name in of_model}
    config = replace(GPTConfig.preset("modern", **shape), **changed)
    steps = trial.get("steps", UPDATES)
    base = replace(
        RECIPE,
        batch_size=FIRST.shape.batch_size,
        learning_rate=FIRST.learning_rate,
        weight_decay=FIRST.weight_decay,
        each_once=FIRST.each_once,
        eval_every=steps,
        steps=steps,
        seed=seed,
        device="cpu",
    )
    how = replace(base, **{k: v for k, v in trial.items() if k not in of_model})
    torch.manual_seed(seed)
    model = (TRICKS[trick] if trick else GPT)(config)
    train(model, encoded.train, encoded.val, how)
    return encoded.bits_per_byte(model, config.block_size, device.pick("cpu"))


# --- tricks -------------------------------------------------------------------------------------


class Tricked(GPT):
    """Our GPT, with places where a trick takes hold; as it is it changes nothing."""

    def hidden(self, tokens: torch.Tensor, cache=None) -> torch.Tensor:
        x = self.embed(tokens)  # (B, T, C)
        for layer, block in enumerate(self.blocks):
            q, k, v = block.attention.queries_keys_values(block.attention_norm(x))
            v = self.values(layer, v, tokens)
            x = x + block.attention.projection(
                attention(q, k, v, causal=True).transpose(1, 2).flatten(2)
            )
            x = x + block.mlp(block.mlp_norm(x))
        return self.final_norm(x)

    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.token_embedding(tokens)

    def values(self, layer: int, v: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return v


class ValueEmbeddings(Tricked):
    """A table for each layer adds to every token's values what the token alone decides."""

    def __init__(self, config: GPTConfig):
        super().__init__(config)
        tables = (nn.Embedding(config.vocab_size, config.n_embd) for _ in self.blocks)
        self.tables = nn.ModuleList(tables)
        for table in self.tables:
            nn.init.zeros_(table.weight)

    def values(self, layer: int, v: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return v + self.tables[layer](tokens).unflatten(-1, (v.size(1), -1)).transpose(1, 2)


class Smear(Tricked):
    """Each token's vector gets a learned share, number by number, of the token's before it."""

    def __init__(self, config: GPTConfig):
        super().__init__(config)
        self.share = nn.Parameter(torch.zeros(config.n_embd))

    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.token_embedding(tokens)
        return x + self.share * F.pad(x[:, :-1], (0, 0, 1, 0))


class ZeroProjections(GPT):
    """Every block adds nothing at first."""

    def __init__(self, config: GPTConfig):
        super().__init__(config)
        for block in self.blocks:
            nn.init.zeros_(block.attention.projection.weight)
            nn.init.zeros_(block.mlp.contract.weight)


TRICKS = {
    "value_embeddings": ValueEmbeddings,
    "smear": Smear,
    "zero_projections": ZeroProjections,
}


# --- the table ----------------------------------------------------------------------------------


def stored() -> dict[str, list[float]]:
    """What each trial in the table came to, by its words."""
    lines = TABLE.read_text("utf-8").splitlines() if TABLE.exists() else []
    cells = [[c.strip() for c in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    return {
        "" if row[0] == "nothing" else row[0]: [float(bits) for bits in row[3].split()]
        for row in cells[2:]
    }


def write(found: dict[str, list[float]]) -> None:
    """Replace the table, the best first; the words above it stay."""
    rows = [
        (
            words or "nothing",
            str(parsed(words)[1].get("steps", UPDATES)),
            f"{mean(bits):.4f}",
            " ".join(f"{b:.4f}" for b in sorted(bits)),
            f"{mean(bits) - mean(found['']):+.4f}" if words else "",
        )
        for words, bits in sorted(found.items(), key=lambda pair: mean(pair[1]))
    ]
    words = TABLE.read_text("utf-8").partition("| Changed")[0] if TABLE.exists() else "# Trials\n\n"
    TABLE.write_text(words + markdown([HEADER, *rows]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
