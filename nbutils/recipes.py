"""The course's own GPT: trained once by the recipe below, and shipped with the package.

Chapters 3c and 5, an exercise and the pictures look into one and the same network, so it is a
file that each of them reads: training gives the same bits only on the same machine. Its weights
are rounded to float16. ``trained/smallworld.json`` says how it was made, where and when.

    python -m nbutils.recipes

trains it anew and writes the files; it takes two to eight minutes on two CPU cores.
"""

import hashlib
import json
import os
import platform
import shutil
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from nbutils import device, text, tokens
from nbutils import smallworld as world
from nbutils.arguments import of_type, whole
from nbutils.config import GPTConfig, TrainConfig
from nbutils.evaluation import document_losses
from nbutils.files import cache_folder, expanded, written_aside
from nbutils.model import GPT
from nbutils.network_file import safetensors_bytes
from nbutils.progress import History
from nbutils.training import train
from nbutils.words import sentence

# Found by trying: at the same cost, batches of 16 get nearer to the floor than batches of 8, and
# this learning rate nearer than 4e-3. Later trials, with other optimizers: bench/recipe.md.
DOCUMENTS = 90_000  # the run draws 57,600 windows: too few to learn any document by heart
MODEL = GPTConfig.preset("small", n_layer=3, block_size=world.MAX_TOKENS)
TRAINING = TrainConfig(
    steps=3600,
    batch_size=16,
    learning_rate=2.5e-3,
    betas=(0.9, 0.98),
    warmup_steps=200,
    eval_every=50,
    eval_batches=5,
)

FOLDER = Path(__file__).with_name("trained")
KEPT = (100, TRAINING.steps)
"""The updates after which the network is shipped: early, for chapter 5's loops, and at the end."""
HELD_OUT = 1_000
"""Documents kept aside, on which the distance from the floor is measured."""
_REMEDY = "install the package again, or train it anew with: python -m nbutils.recipes"


@dataclass(frozen=True)
class Run:
    """The course's finished training run, with the network as it was at some of its steps."""

    config: TrainConfig
    history: History
    gap: float
    """How far above the floor the finished network is, in nats a token, on documents kept aside."""
    made: dict[str, str]
    """Of the training: machine, chip, versions, date and command."""
    files: dict[int, tuple[Path, str]]
    """Updates done -> the file with the weights, and its SHA-256."""

    @property
    def steps(self) -> list[int]:
        """The steps of which there is a network; the last is the end."""
        return sorted(self.files)

    @property
    def model(self) -> GPT:
        """The finished network, read anew at each use: float32, on the CPU, in evaluation mode."""
        return self.at(self.config.steps)

    def at(self, step: int) -> GPT:
        """The network as it was after ``step`` updates.

        Raises ``ValueError`` for steps that were not kept and for a damaged file,
        ``FileNotFoundError`` for a missing one.
        """
        if (step := whole("step", step)) not in self.files:
            raise ValueError(
                sentence("step={step} was not kept; there are {steps}", step=step, steps=self.steps)
            )
        path, expected = self.files[step]
        if hashlib.sha256(_bytes_of(path)).hexdigest() != expected:
            raise ValueError(
                sentence(
                    "{path} is damaged or of another training; {remedy}",
                    path=path,
                    remedy=sentence(_REMEDY),
                )
            )
        return read_network(path)


def smallworld() -> Run:
    """The course's GPT on smallworld: it ends less than 0.03 nats per token above the floor.

    It is read from the package, in a moment.

    Raises ``FileNotFoundError`` if a file of the package is missing, ``ValueError`` for a damaged one.
    """
    path = FOLDER / "smallworld.json"
    try:
        stored = json.loads(_bytes_of(path))
        return Run(
            TrainConfig(**stored["training"]),
            History.from_dict(stored["history"]),
            stored["gap"],
            stored["made"],
            {int(step): (FOLDER / name, sha) for step, (name, sha) in stored["files"].items()},
        )
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(
            sentence("{path} is damaged; {remedy}", path=path, remedy=sentence(_REMEDY))
        ) from error


def recipe() -> dict:
    """What a training is made by, as JSON can hold it: shape, settings, documents, and their world."""
    training = replace(TRAINING, start_token=world.encoding().eot_token)
    sample = "".join(world.generate(1_000)).encode()
    return {
        "model": asdict(MODEL),
        "training": asdict(training) | {"betas": list(training.betas)},
        "documents": DOCUMENTS,
        "world": hashlib.sha256(sample).hexdigest(),
    }


def read_network(path: str | os.PathLike) -> GPT:
    """A network of the package, by its file: float32, on the CPU, in evaluation mode.

    Raises ``FileNotFoundError`` for a missing file, ``ValueError`` for a damaged one.
    """
    path = expanded(of_type("path", path, (str, os.PathLike), "give the path of a network's file"))
    if not path.is_file():
        raise FileNotFoundError(
            sentence("{path} is missing; {remedy}", path=path, remedy=sentence(_REMEDY))
        )
    try:
        return GPT.from_pretrained(path)
    except ValueError as error:
        raise ValueError(
            sentence("{path} is damaged; {remedy}", path=path, remedy=sentence(_REMEDY))
        ) from error


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            sentence("{path} is missing; {remedy}", path=path, remedy=sentence(_REMEDY))
        ) from error


# Training it


def make(folder: Path = FOLDER) -> None:
    """Train the network by the recipe, and write its files to ``folder``.

    The same call goes on after a kill: what it needs for that is in ``files.cache_folder()``, until
    all is written. Raises what ``training.train`` raises.
    """
    aside = cache_folder() / "smallworld-training"
    config = replace(TRAINING, start_token=world.encoding().eot_token, checkpoint=str(aside))
    train_tokens, val_tokens = (
        tokens.encode_documents(text.load("smallworld", split, n_documents=n), world.encoding())
        for split, n in (("train", DOCUMENTS), ("val", HELD_OUT))
    )

    def keep(step: int, model: GPT) -> None:
        if step in KEPT:
            with written_aside(aside / _name(step)) as path:
                path.write_bytes(safetensors_bytes(model))

    torch.manual_seed(config.seed)
    history = train(GPT(MODEL), train_tokens, val_tokens, config, on_eval=keep)
    about = recipe() | {
        "made": _provenance(),
        "gap": gap(read_network(aside / _name(config.steps))),
    }
    about |= {"history": history.to_dict(), "files": {}}
    folder.mkdir(exist_ok=True)
    for step in KEPT:
        content = (aside / _name(step)).read_bytes()
        about["files"][step] = (_name(step), hashlib.sha256(content).hexdigest())
        (folder / _name(step)).write_bytes(content)
    with written_aside(folder / "smallworld.json") as path:
        path.write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    shutil.rmtree(aside)
    print(f"{folder}: {about['gap']:.4f} nats a token above the floor")


def gap(model: GPT) -> float:
    """Nats a token above what the truth pays, on documents kept aside."""
    held_out = text.load("smallworld", "val", n_documents=HELD_OUT)
    losses = np.concatenate(document_losses(model, held_out, world.encoding()))
    truth = np.concatenate([world.token_losses(document + tokens.END) for document in held_out])
    return float((losses - truth).mean())


def _name(step: int) -> str:
    return "smallworld.safetensors" if step == KEPT[-1] else f"smallworld-{step}.safetensors"


def _provenance() -> dict[str, str]:
    """Where, with what and when: for the reader, who may wonder at another machine's digits."""
    return {
        "machine": device.processor(),
        "chip": str(device.pick()),
        "versions": f"Python {platform.python_version()}, PyTorch {torch.__version__}",
        "date": datetime.now(UTC).date().isoformat(),
        "command": "python -m nbutils.recipes",
    }


if __name__ == "__main__":
    make()
