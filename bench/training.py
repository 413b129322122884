"""How fast does it learn? Tokens a second, and the loss against the floor after a minute."""

from dataclasses import replace
from statistics import median

import torch
from rows import Row, table

from nbutils import smallworld, text, tokens
from nbutils.config import GPTConfig, TrainConfig
from nbutils.evaluation import evaluate
from nbutils.model import GPT
from nbutils.progress import History
from nbutils.training import train
from nbutils.windows import Windows

RECIPE = TrainConfig(eval_batches=1, progress=False)


def measure(quick: bool) -> list[Row]:
    """``quick``: fewer steps, and the loss after 5 seconds instead of 60."""
    corpus = Corpus(documents=4_000 if quick else 60_000)
    speed = tokens_per_second(corpus, steps=30 if quick else 300)
    model = f"GPT of {corpus.model().num_parameters():,} parameters"
    how = f"{model}, {RECIPE.batch_size} windows of {corpus.block_size} tokens in an update"
    row = Row("Training", speed, "tokens/s", f"{how}, smallworld")
    return [row, *against_the_floor(corpus, speed, seconds=5 if quick else 60)]


class Corpus:
    """smallworld's text as tokens, the floor of its validation part, and a model for it."""

    def __init__(self, documents: int):
        encoding = smallworld.encoding()
        held_out = text.load("smallworld", "val", n_documents=400)
        self.train = tokens.encode_documents(
            text.load("smallworld", n_documents=documents), encoding
        )
        self.val = tokens.encode_documents(held_out, encoding)
        self.start_token = encoding.eot_token
        self.vocab_size = encoding.n_vocab
        self.block_size = smallworld.MAX_TOKENS
        self.floor = smallworld.loss_floor("".join(document + tokens.END for document in held_out))

    def model(self) -> GPT:
        torch.manual_seed(0)
        shape = {"vocab_size": self.vocab_size, "block_size": self.block_size}
        # In a minute two layers get further than four: they see twice the text.
        return GPT(GPTConfig.preset("small", n_layer=2, **shape))

    def run(self, model: GPT, **changes) -> History:
        config = replace(RECIPE, start_token=self.start_token, **changes)
        return train(model, self.train, self.val, config)


def tokens_per_second(corpus: Corpus, steps: int) -> float:
    """The median speed of three stretches of updates; evaluations are not counted."""
    history = corpus.run(corpus.model(), steps=steps, eval_every=steps // 3)
    return median(history.tokens_per_second[1:])


def against_the_floor(corpus: Corpus, speed: float, seconds: float) -> list[Row]:
    """Train with a schedule that fits the time, and compare with the true distribution."""
    steps = max(1, round(seconds * speed / (RECIPE.batch_size * corpus.block_size)))
    model = corpus.model()
    history = corpus.run(model, steps=steps, warmup_steps=steps // 10, eval_every=steps)
    chip = next(model.parameters()).device
    loss = evaluate(
        model,
        Windows(corpus.val, 32, corpus.block_size, device=chip, start_token=corpus.start_token),
    )
    how = f"{steps:,} updates in {history.seconds[-1]:.0f} s, 400 documents it has not seen"
    unit = "nats per token"
    return [
        Row("The floor", corpus.floor, unit, "the true distribution on the same documents"),
        Row(f"Loss after {seconds} s", loss, unit, how),
        Row(f"Above the floor after {seconds} s", loss - corpus.floor, unit, "the difference"),
    ]


if __name__ == "__main__":
    print(table(measure(quick=False)))
