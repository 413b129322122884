"""Train a GPT and let it talk, from a shell: ``python -m nbutils train`` and ``... sample``."""

import codecs
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import tiktoken
import tyro

from nbutils import smallworld, text, tokens

ENCODING = "encoding.json"
"""The file in a model's folder that holds its encoding; the weights lie beside it."""
CHECKPOINT = "checkpoint.safetensors"
"""`training.CHECKPOINT`, written again so that PyTorch need not be loaded to look for it."""

_USAGE = """\
usage: python -m nbutils COMMAND [OPTIONS]

  train     train a GPT on a text and keep it in a folder
  sample    let a trained GPT go on with a prompt

`python -m nbutils COMMAND --help` lists the command's options.
"""


@dataclass(frozen=True)
class Sample:
    """Let a trained GPT go on with a prompt, and print both."""

    folder: Annotated[Path, tyro.conf.arg(name="from")]
    """The folder that `train` wrote."""
    prompt: str = ""
    """The beginning of a document; without it the model begins one."""
    max_new_tokens: int = 200
    """Stop after so many tokens, if the document does not end before."""
    temperature: float = 1.0
    """0: always the likeliest token; 1: as the model believes; above: bolder."""
    top_k: int | None = None
    """Draw only from so many of the likeliest tokens."""
    top_p: float | None = None
    """Draw only from the likeliest tokens that together have this probability."""
    seed: int | None = None
    """The same seed draws the same text."""
    device: str = "auto"
    """The chip: auto, cpu, cuda or mps."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit status."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    commands = {"train": _train, "sample": _sample}
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_USAGE, end="")
        return 0
    if arguments[0] not in commands:
        print(f"{arguments[0]!r} is no command; there are train and sample", file=sys.stderr)
        return 2
    try:
        commands[arguments[0]](arguments[1:])
    except (ValueError, OSError, RuntimeError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print(str(stop) or "stopped", file=sys.stderr)
        return 130
    return 0


def _options(kind, command: str, arguments: list[str]):
    return tyro.cli(kind, args=arguments, prog=f"python -m nbutils {command}")


def _train_options() -> type:
    """The options of `train`: those of the recipe, and what it works on.

    Made when asked for, because the recipe's and the model's modules load PyTorch.
    """
    from nbutils.model import GPTConfig
    from nbutils.training import TrainConfig

    @dataclass(frozen=True, kw_only=True)
    class Train(TrainConfig):
        """Train a GPT on a text and keep it in a folder. The same command again goes on."""

        out: Path
        """The folder for the checkpoint, the finished model and its encoding."""
        text: str = "smallworld"
        """smallworld, pydocs, or the path of a UTF-8 text file."""
        documents: int | None = None
        """Train on at most so many documents and validate on a ninth as many; None: all, of
        smallworld 18,000."""
        model: GPTConfig = field(default_factory=GPTConfig)
        """The network's shape. vocab_size is the size of the encoding that is learned from the
        text; smallworld brings its own."""
        # Decided by `out` and by the text.
        checkpoint: tyro.conf.Suppress[str | None] = None
        start_token: tyro.conf.Suppress[int | None] = None

    return Train


class Corpus(NamedTuple):
    """What a model is trained and judged on."""

    train: np.ndarray
    val: np.ndarray
    encoding: tiktoken.Encoding
    start_token: int | None
    floor: float | None


def _train(arguments: list[str]) -> None:
    options = _options(_train_options(), "train", arguments)
    import torch

    from nbutils.device import pick
    from nbutils.model import GPT
    from nbutils.training import TrainingInterrupt, train

    if _is_another_model(options.out):
        raise ValueError(
            f"out={options.out} holds a model but no {CHECKPOINT} of a run that could go on; "
            "training would overwrite it: choose another folder"
        )
    corpus = _corpus(options)
    torch.manual_seed(options.seed)
    model = GPT(replace(options.model, vocab_size=corpus.encoding.n_vocab))
    print(
        f"{pick(options.device)}\n"
        f"text: {options.text}, {len(corpus.train):,} tokens to train on and "
        f"{len(corpus.val):,} to validate, {corpus.encoding.n_vocab:,} in the vocabulary\n"
        f"model: {model.num_parameters():,} parameters",
        flush=True,
    )
    try:
        train(model, corpus.train, corpus.val, _recipe(options, corpus))
    except TrainingInterrupt as stop:
        message = f"stopped at step {stop.step}; the same command goes on"
        raise KeyboardInterrupt(message) from stop
    model.save_pretrained(options.out)
    tokens.save(corpus.encoding, options.out / ENCODING)
    print(_verdict(model, corpus, options))
    print(f'Let it talk: python -m nbutils sample --from {options.out} --prompt "..."')


def _is_another_model(folder: Path) -> bool:
    """Whether the folder holds a model that no run of `train` here left unfinished or whole."""
    holds = any((folder / name).exists() for name in ("config.json", "model.safetensors"))
    return holds and not (folder / CHECKPOINT).exists()


def _recipe(options, corpus: Corpus):
    """The part of the options that `training.train` takes."""
    from nbutils.training import TrainConfig

    recipe = {f.name: getattr(options, f.name) for f in fields(TrainConfig)}
    recipe |= {"checkpoint": str(options.out), "start_token": corpus.start_token}
    return TrainConfig(**recipe)


def _window(options) -> int:
    given = options.block_size
    return options.model.block_size if given is None else given


def _verdict(model, corpus: Corpus, options) -> str:
    """The loss on all validation text, and how far it is from the best that can be."""
    from nbutils.training import evaluate
    from nbutils.windows import Windows

    chip = next(model.parameters()).device
    windows = Windows(
        corpus.val,
        options.batch_size,
        _window(options),
        device=chip,
        start_token=corpus.start_token,
    )
    loss = evaluate(model, windows)
    verdict = f"loss on all validation text: {loss:.4f} nats per token"
    if corpus.floor is not None:
        verdict += f", {loss - corpus.floor:.4f} above the floor of {corpus.floor:.4f}"
    return verdict


def _corpus(options) -> Corpus:
    if options.text == "fineweb":
        raise ValueError("text='fineweb' never ends; use smallworld, pydocs or a file's path")
    documents = text.load(options.text, n_documents=options.documents)
    ninth = options.documents and math.ceil(options.documents / 9)
    held_out = text.load(options.text, "val", n_documents=ninth)
    start = floor = None
    if options.text == "smallworld":
        encoding = smallworld.encoding()
        start = encoding.eot_token
        if _window(options) >= smallworld.MAX_TOKENS:  # else a document's end is not judged
            floor = smallworld.loss_floor("".join(document + tokens.END for document in held_out))
    else:
        encoding = tokens.train_bpe(
            documents, options.model.vocab_size, name=Path(options.text).stem
        )
    ids = (tokens.encode_documents(part, encoding) for part in (documents, held_out))
    return Corpus(*ids, encoding, start, floor)


def _check_folder(folder: Path) -> None:
    """Raise, before PyTorch is loaded, unless the folder can hold what `sample` needs."""
    if (folder / ENCODING).exists():
        return
    if _is_another_model(folder):
        raise FileNotFoundError(
            f"{folder} holds a model without {ENCODING}, so what its tokens mean is unknown: give "
            "a folder that `train` wrote, or copy its encoding there"
        )
    raise FileNotFoundError(
        f"{folder} holds no finished model; make one with `python -m nbutils train --out {folder}`"
    )


def _trained(folder: Path):
    """The encoding and the model that `train` left in a folder."""
    from nbutils.model import GPT

    try:
        encoding = tokens.get_encoding(str(folder / ENCODING))
        end, model = encoding.eot_token, GPT.from_pretrained(folder)
    except (TypeError, LookupError, AttributeError) as error:
        raise ValueError(f"{folder} is damaged ({error!r}): train or copy it again") from error
    if not end < encoding.n_vocab == model.config.vocab_size:
        raise ValueError(
            f"{folder} holds an encoding of {encoding.n_vocab} tokens and a model of "
            f"{model.config.vocab_size}: they were not made together; copy both from one run"
        )
    return encoding, model


def _sample(arguments: list[str]) -> None:
    options = _options(Sample, "sample", arguments)
    _check_folder(options.folder)

    import torch

    from nbutils import device
    from nbutils.sampling import stream

    chip = device.pick(options.device)
    encoding, model = _trained(options.folder)
    model.to(chip.device)
    prompt = [encoding.eot_token, *encoding.encode_ordinary(options.prompt)]
    new = stream(
        model,
        torch.tensor([prompt], device=chip.device),
        options.max_new_tokens,
        temperature=options.temperature,
        top_k=options.top_k,
        top_p=options.top_p,
        stop=encoding.eot_token,
        seed=options.seed,
    )
    print(options.prompt, end="", flush=True)
    # A token may hold a part of a character, which is printed when it is whole.
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for token in (int(drawn) for drawn in new):
        if token != encoding.eot_token:
            print(decoder.decode(encoding.decode_single_token_bytes(token)), end="", flush=True)
    print(decoder.decode(b"", final=True))


if __name__ == "__main__":
    sys.exit(main())
