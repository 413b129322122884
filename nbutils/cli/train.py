"""``python -m nbutils train``: a text -> a GPT in a folder."""

import argparse
import os
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Literal

import tyro

import nbutils
from nbutils.cli.corpus import Corpus, encode_text, is_packed, open_packed
from nbutils.cli.model_folder import check_free, save_model
from nbutils.cli.options import parsed
from nbutils.config import PRESETS, GPTConfig, TrainConfig
from nbutils.files import expanded, quoted
from nbutils.words import sentence


@dataclass(frozen=True, kw_only=True)
class Train(TrainConfig):
    """Train a GPT on a text and keep it in a folder. The same command again goes on."""

    out: Path
    """The folder for the checkpoint, the finished model and its encoding."""
    text: str = "smallworld"
    """smallworld, pydocs, or the path of a file (text, .jsonl, .json or .parquet, packed as .gz or not),
    of a folder of such files, or of one that `pack` made."""
    documents: int | None = None
    """Train on at most so many documents and validate on a ninth as many; None: all, of
    smallworld 18,000."""
    preset: Literal[tuple(PRESETS)] = "small"
    """The network's shape by name; --model.* options change it."""
    model: GPTConfig = field(default_factory=GPTConfig)
    """The network's shape. vocab_size is the size of the encoding that is learned from the
    text; smallworld and a packed corpus bring their own."""
    # Decided by `out` and by the text.
    checkpoint: tyro.conf.Suppress[str | None] = None
    start_token: tyro.conf.Suppress[int | None] = None

    @property
    def window(self) -> int:
        """Tokens in a window."""
        return self.model.block_size if self.block_size is None else self.block_size


def read_options(arguments: list[str]) -> Train:
    """The options, those of the model beginning with the preset's."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--preset", default="small")
    preset = parser.parse_known_args(arguments)[0].preset
    default = Train(out=tyro.MISSING, preset=preset, model=GPTConfig.preset(preset))
    inside = TrainConfig, GPTConfig
    given = parsed(Train, arguments, "train", inside=inside, default=default)
    return replace(given, out=expanded(given.out))


def main(arguments: list[str]) -> None:
    options = read_options(arguments)
    _check_processes(options.parallel)
    check_free(options.out)

    import torch

    parallel = nbutils.parallel
    chip = (parallel.start if options.parallel else nbutils.device.pick)(options.device)
    group = parallel.Group(options.parallel)
    corpus = _corpus(group, options)
    torch.manual_seed(options.seed)
    model = nbutils.model.GPT(replace(options.model, vocab_size=corpus.encoding.n_vocab))
    if group.rank == 0:
        machine = chip
        if options.parallel:
            machine = sentence(
                "{chip}, {parallel} in {size} processes",
                chip=chip,
                parallel=options.parallel,
                size=group.size,
            )
        _introduce(machine, model, corpus, options)
    try:
        nbutils.training.train(model, corpus.train, corpus.val, _recipe(options, corpus))
    except nbutils.training.TrainingInterrupt as stop:
        raise KeyboardInterrupt(stop.message(command=True)) from stop
    trained = parallel.gather_model(model)
    parallel.finish()
    if trained is not None:
        save_model(options.out, trained.to(chip.device), corpus.encoding)
        print(_verdict(trained, corpus, options))
        print(
            sentence(
                'Let it talk: python -m nbutils sample --from {out} --prompt "..."',
                out=quoted(options.out),
            )
        )


def _check_processes(kind: str | None) -> None:
    """Raise before each of several processes begins the same run for itself."""
    n = _processes()
    if kind is None and n > 1:
        raise ValueError(
            sentence(
                "torchrun started {n} processes, and parallel says nothing of how they share the work: "
                "add --parallel ddp, fsdp or tensor",
                n=n,
            )
        )


def _processes() -> int:
    return int(os.environ.get("WORLD_SIZE", 1))


def _corpus(group, options: Train) -> Corpus:
    """The corpus, for which one process learns and encodes what the others then get."""
    of = options.text, options.documents, options.window
    if is_packed(options.text):  # everybody reads what it needs from there
        return open_packed(*of)
    return group.broadcast(partial(encode_text, *of, options.model.vocab_size))


def _introduce(chip, model, corpus: Corpus, options: Train) -> None:
    print(
        sentence(
            "{chip}\ntext: {text}, {train} tokens to train on and {val} to validate, {n_vocab} in "
            "the vocabulary\nmodel: {num_parameters} parameters",
            chip=chip,
            text=options.text,
            train=f"{len(corpus.train):,}",
            val=f"{len(corpus.val):,}",
            n_vocab=f"{corpus.encoding.n_vocab:,}",
            num_parameters=f"{model.num_parameters():,}",
        ),
        flush=True,
    )


def _recipe(options: Train, corpus: Corpus) -> TrainConfig:
    """The part of the options that `training.train` takes."""
    recipe = {each.name: getattr(options, each.name) for each in fields(TrainConfig)}
    recipe |= {"checkpoint": str(options.out), "start_token": corpus.start_token}
    return TrainConfig(**recipe)


def _verdict(model, corpus: Corpus, options: Train) -> str:
    """The loss on all validation text, and how far it is from the best that can be."""
    windows = nbutils.windows.Windows(
        corpus.val,
        # As many windows at a time as in training, or it might need more memory than there is.
        max(1, options.batch_size // options.accumulation // _processes()),
        options.window,
        device=next(model.parameters()).device,
        start_token=corpus.start_token,
    )
    loss = nbutils.evaluation.evaluate(model, windows)
    if corpus.floor is None:
        return sentence(
            "loss on all validation text: {loss} nats per token",
            loss=f"{loss:.4f}",
        )
    return sentence(
        "loss on all validation text: {loss} nats per token, {above} above the floor of {floor}",
        loss=f"{loss:.4f}",
        above=f"{loss - corpus.floor:.4f}",
        floor=f"{corpus.floor:.4f}",
    )
