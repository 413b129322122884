"""A GPT from a shell: ``python -m nbutils pack`` a corpus, ``... train`` on it, ``... sample``.

And for a teacher: ``... grade``; for whom something fails: ``... doctor``.
"""

import argparse
import codecs
import math
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from nbutils import doctor

if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):  # on Windows a pipe may lack signs such as the doctor's
        stream.reconfigure(errors="replace")
    if sys.argv[1:2] == ["doctor"]:  # what comes next may be missing
        sys.exit(doctor.main(sys.argv[2:]))

import numpy as np
import tiktoken
import tyro

from nbutils import packing, smallworld, text, tokens

_USAGE = """\
usage: python -m nbutils COMMAND [OPTIONS]

  pack      encode a corpus, however large, into token files to train on
  train     train a GPT on a text or a packed corpus and keep it in a folder
  sample    let a trained GPT go on with a prompt
  grade     judge the exercises in a folder of submitted notebooks
  doctor    say what this machine has and lacks for the course

`python -m nbutils COMMAND --help` lists the command's options.
"""


_LEARNED_FROM = 10_000_000  # characters that a new encoding is learned from


@dataclass(frozen=True)
class Pack:
    """Encode a corpus into token files, which `train --text FOLDER` reads. Uses all cores; the
    same command again goes on where it stopped."""

    text: str
    """smallworld, pydocs, fineweb (web pages, from the network), or the path of a UTF-8 file."""
    out: Path
    """The folder for the token files and their encoding."""
    encoding: str = "new"
    """A name that tiktoken knows, such as gpt2 (its table comes from the network) or cl100k_base;
    the path of an encoding's file; or new: learned from the corpus, of which smallworld brings
    its own."""
    vocab_size: int = 2048
    """How many tokens a new encoding has at most."""
    tokens: int | None = None
    """Stop when there are so many tokens to train on; None: at the end of the corpus."""
    documents: int | None = None
    """Stop after so many documents, those for validation among them; None: at the end."""
    val_every: int = 10
    """Of so many documents in a row, keep the last for validation."""
    workers: int | None = None
    """How many processes encode; None: one for each core."""


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


@dataclass(frozen=True)
class Grade:
    """Judge every exercise in a folder of submitted notebooks, each in a process of its own, and write
    grades.csv and grades.html."""

    folder: Annotated[Path, tyro.conf.Positional]
    """The notebooks, in folders of any depth."""
    out: Path = Path(".")
    """The folder for the two tables."""
    seconds: float = 300.0
    """Stop a notebook that takes longer."""
    workers: int | None = None
    """How many notebooks run at the same time; None: one for each core."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit status."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    commands = {"pack": _pack, "train": _train, "sample": _sample, "grade": _grade}
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_USAGE, end="")
        return 0
    if arguments[0] == "doctor":
        return doctor.main(arguments[1:])
    if arguments[0] not in commands:
        print(
            f"{arguments[0]!r} is no command; there are {', '.join([*commands, 'doctor'])}",
            file=sys.stderr,
        )
        return 2
    try:
        commands[arguments[0]](arguments[1:])
    except (ValueError, OSError, RuntimeError, ImportError) as error:
        print(f"{_who()}error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print(f"{_who()}{str(stop) or 'stopped'}", file=sys.stderr)
        return 130
    return 0


def _who() -> str:
    """Which process speaks, where torchrun started several."""
    return f"process {os.environ['RANK']}: " if "RANK" in os.environ else ""


def _options(kind, command: str, arguments: list[str], **default):
    return tyro.cli(kind, args=arguments, prog=f"python -m nbutils {command}", **default)


def _pack(arguments: list[str]) -> None:
    options = _options(Pack, "pack", arguments)
    if options.text in ("fineweb", "smallworld") and options.tokens is options.documents is None:
        raise ValueError(
            f"text={options.text!r} is endless: say how much, with --tokens or --documents"
        )
    try:
        corpus = _packed_now(options)
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt("stopped; the same command goes on") from stop
    print(
        f"{options.out}: {corpus.documents:,} documents, {len(corpus.train):,} tokens to train on, "
        f"{len(corpus.val):,} to validate, {corpus.encoding.n_vocab:,} in the vocabulary\n"
        f"Train on it: python -m nbutils train --text {options.out} --out ..."
    )


def _packed_now(options: Pack) -> packing.Packed:
    name = _corpus_name(options.text)
    with closing(text.read(options.text)) as documents:
        return packing.pack(
            documents,
            _encoding(options, name),
            options.out,
            name=name,
            val_every=options.val_every,
            max_documents=options.documents,
            max_tokens=options.tokens,
            workers=options.workers,
        )


def _corpus_name(source: str) -> str:
    """A file of another size is another corpus."""
    path = Path(source).expanduser()
    return f"{path.name}, {path.stat().st_size:,} bytes" if path.is_file() else source


def _encoding(options: Pack, name: str) -> tiktoken.Encoding:
    if options.encoding != "new":
        return tokens.get_encoding(options.encoding)
    if options.text == "smallworld":
        return smallworld.encoding()
    own = f"{name}, {options.vocab_size} tokens"
    stored = options.out / packing.ENCODING
    if stored.is_file() and (found := tokens.get_encoding(stored)).name == own:
        return found
    with closing(text.read(options.text)) as documents:
        return tokens.train_bpe(_beginning(documents), options.vocab_size, name=own)


def _beginning(documents: Iterable[str]) -> Iterator[str]:
    """Documents until there is enough text to learn an encoding from."""
    size = 0
    for document in documents:
        yield document
        size += len(document)
        if size >= _LEARNED_FROM:
            return


def _train_options() -> type:
    """The options of `train`: those of the recipe, and what it works on.

    Made when asked for, because the recipe's and the model's modules load PyTorch.
    """
    from nbutils.config import PRESETS, GPTConfig
    from nbutils.training import TrainConfig

    @dataclass(frozen=True, kw_only=True)
    class Train(TrainConfig):
        """Train a GPT on a text and keep it in a folder. The same command again goes on."""

        out: Path
        """The folder for the checkpoint, the finished model and its encoding."""
        text: str = "smallworld"
        """smallworld, pydocs, the path of a UTF-8 text file, or of a folder that `pack` made."""
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

    return Train


def _training(arguments: list[str]):
    """The options of `train`, those of the model beginning with the preset's."""
    from nbutils.model import GPTConfig

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--preset", default="small")
    preset = parser.parse_known_args(arguments)[0].preset
    kind = _train_options()
    default = kind(out=tyro.MISSING, preset=preset, model=GPTConfig.preset(preset))
    return _options(kind, "train", arguments, default=default)


class Corpus(NamedTuple):
    """What a model is trained and judged on."""

    train: np.ndarray
    val: np.ndarray
    encoding: tiktoken.Encoding
    start_token: int | None
    floor: float | None


def _train(arguments: list[str]) -> None:
    options = _training(arguments)
    _check_processes(options.parallel)
    import torch

    from nbutils import parallel
    from nbutils.device import pick
    from nbutils.model import GPT
    from nbutils.training import TrainingInterrupt, train

    if _is_another_model(options.out):
        raise ValueError(
            f"out={options.out} holds a model but no checkpoint of a run that could go on; "
            "training would overwrite it: choose another folder"
        )
    chip = (parallel.start if options.parallel else pick)(options.device)
    group = parallel.Group(options.parallel)
    corpus = _corpus_of(group, options)
    torch.manual_seed(options.seed)
    model = GPT(replace(options.model, vocab_size=corpus.encoding.n_vocab))
    if group.rank == 0:
        shared = f", {options.parallel} in {group.size} processes" if options.parallel else ""
        _introduce(f"{chip}{shared}", model, corpus, options)
    try:
        train(model, corpus.train, corpus.val, _recipe(options, corpus))
    except TrainingInterrupt as stop:
        raise KeyboardInterrupt(str(stop).replace("call", "command")) from stop
    trained = parallel.whole(model)
    parallel.finish()
    if trained is not None:
        _keep(trained.to(chip.device), corpus, options)


def _check_processes(kind: str | None) -> None:
    """Raise before each of several processes begins the same run for itself."""
    n = _processes()
    if kind is None and n > 1:
        raise ValueError(
            f"torchrun started {n} processes, and parallel says nothing of how they share the "
            "work: add --parallel ddp, fsdp or tensor"
        )


def _processes() -> int:
    return int(os.environ.get("WORLD_SIZE", 1))


def _corpus_of(group, options) -> Corpus:
    """The corpus, for which one process learns and encodes what the others then get."""
    if _is_packed(options.text):  # everybody reads what it needs from there
        return _packed(options)
    return group.broadcast(lambda: _corpus(options))


def _is_packed(source: str) -> bool:
    """Whether a folder is meant, and no source that happens to be called like one."""
    return source not in ("smallworld", "pydocs") and Path(source).is_dir()


def _introduce(chip: str, model, corpus: Corpus, options) -> None:
    print(
        f"{chip}\n"
        f"text: {options.text}, {len(corpus.train):,} tokens to train on and "
        f"{len(corpus.val):,} to validate, {corpus.encoding.n_vocab:,} in the vocabulary\n"
        f"model: {model.num_parameters():,} parameters",
        flush=True,
    )


def _keep(model, corpus: Corpus, options) -> None:
    """Write what `sample` needs, and say how good it is."""
    model.save_pretrained(options.out)
    tokens.save(corpus.encoding, options.out / packing.ENCODING)
    print(_verdict(model, corpus, options))
    print(f'Let it talk: python -m nbutils sample --from {options.out} --prompt "..."')


def _is_another_model(folder: Path) -> bool:
    """Whether the folder holds a model that no run of `train` here left unfinished or whole."""
    holds = any((folder / name).exists() for name in ("config.json", "model.safetensors"))
    return holds and not any(folder.glob("checkpoint[.-]*"))


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
    from nbutils.evaluation import evaluate
    from nbutils.windows import Windows

    chip = next(model.parameters()).device
    windows = Windows(
        corpus.val,
        # As many windows at a time as in training, or it might need more memory than there is.
        max(1, options.batch_size // options.accumulation // _processes()),
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
        raise ValueError(
            "text='fineweb' never ends: pack a part of it with `python -m nbutils pack`, or use "
            "smallworld, pydocs or a file's path"
        )
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


def _packed(options) -> Corpus:
    """The corpus that `pack` left in a folder, read from there while training goes on."""
    if options.documents is not None:
        raise ValueError(
            f"documents={options.documents}: a packed corpus is used whole; pack one of so many"
        )
    packed = packing.open_corpus(options.text)
    start = floor = None
    if packed.name == "smallworld":
        start = packed.encoding.eot_token
        own = packed.encoding.name == smallworld.encoding().name
        if own and _window(options) >= smallworld.MAX_TOKENS:
            floor = smallworld.loss_floor(packed.encoding.decode(packed.val[1:].tolist()))
    return Corpus(packed.train, packed.val, packed.encoding, start, floor)


def _check_folder(folder: Path) -> None:
    """Raise, before PyTorch is loaded, unless the folder can hold what `sample` needs."""
    if (folder / packing.ENCODING).exists():
        return
    if _is_another_model(folder):
        raise FileNotFoundError(
            f"{folder} holds a model without {packing.ENCODING}, so what its tokens mean is "
            "unknown: give a folder that `train` wrote, or copy its encoding there"
        )
    raise FileNotFoundError(
        f"{folder} holds no finished model; make one with `python -m nbutils train --out {folder}`"
    )


def _trained(folder: Path):
    """The encoding and the model that `train` left in a folder."""
    from nbutils.model import GPT

    try:
        encoding = tokens.get_encoding(str(folder / packing.ENCODING))
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


def _grade(arguments: list[str]) -> None:
    options = _options(Grade, "grade", arguments)

    from nbutils.exercises import grading

    grades = grading.grade(options.folder, seconds=options.seconds, workers=options.workers)
    options.out.mkdir(parents=True, exist_ok=True)
    grading.write_csv(grades, options.out / "grades.csv")
    (options.out / "grades.html").write_text(grading.as_html(grades), "utf-8")
    for notebook, passed in grading.totals(grades).items():
        print(f"{passed:4} right  {notebook}")
    print(f"Tables: {options.out / 'grades.csv'}, {options.out / 'grades.html'}")


if __name__ == "__main__":
    sys.exit(main())
