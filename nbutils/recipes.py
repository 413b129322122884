"""The course's own GPT: trained once on this machine, stored, and from then on only read.

Several chapters look into the same model, and each must run alone. So each of them calls
``smallworld()``; whichever comes first trains it.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from IPython import get_ipython
from IPython.display import clear_output
from safetensors import SafetensorError, safe_open

from nbutils import smallworld as world
from nbutils import text, tokens
from nbutils.checkpoints import CheckpointError
from nbutils.files import cache_folder, written_aside
from nbutils.model import GPT, GPTConfig
from nbutils.training import History, TrainConfig, train

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


@dataclass(frozen=True)
class Run:
    """A finished training run, with the model as it was at several steps."""

    folder: Path
    config: TrainConfig
    history: History

    @property
    def steps(self) -> list[int]:
        """The steps of which there is a model: 0 is before any update, the last is the end."""
        return _kept_steps(self.config)

    @property
    def model(self) -> GPT:
        """The finished model, read anew at each use: on the CPU, in evaluation mode."""
        return self.at(self.config.steps)

    def at(self, step: int) -> GPT:
        """The model as it was after ``step`` updates. Raises ``ValueError`` for other steps."""
        if step not in self.steps:
            raise ValueError(f"step={step} was not kept; there are {self.steps}")
        return GPT.from_pretrained(_snapshot(self.folder, step))


def smallworld() -> Run:
    """The course's GPT on smallworld: it ends less than 0.03 nats per token above the floor.

    The first call trains it with ``MODEL`` and ``TRAINING`` on ``DOCUMENTS`` documents, which
    takes two to five minutes on two CPU cores, and stores the run in ``files.cache_folder()``;
    the next ones read it. A call that is cut off loses nothing: the next goes on. A stored run
    of which a part is lost or cut short is trained anew. Two programs that need it at once don't
    train it twice: one says that it waits.

    Raises what ``training.train`` raises; ``CheckpointError`` if the folder can't be written.
    """
    config = replace(TRAINING, start_token=world.encoding().eot_token)
    folder = cache_folder() / f"smallworld-{_fingerprint(config)}"
    if not _is_whole(folder, config):
        with _alone(folder):
            if not _is_whole(folder, config):  # it may have been trained while this one waited
                _train(folder, config)
    return Run(folder, config, _read_history(folder))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Inside it no other program has this run; the folder above it is there and can be written."""
    lock = FileLock(folder.with_suffix(".lock"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _wait_for(lock)
    except OSError as error:
        raise CheckpointError(
            f"{folder.parent} can't be written ({error.strerror or error}); set the environment "
            "variable NBUTILS_CACHE to a folder that can"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _wait_for(lock: FileLock) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"Another program trains the course's model ({lock.lock_file}); waiting", flush=True)
        lock.acquire()
        if get_ipython() is not None:
            clear_output()


def _fingerprint(config: TrainConfig) -> str:
    """Another recipe, or another world, is another run."""
    made_of = [asdict(MODEL), asdict(config), DOCUMENTS, world.generate(100)]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()[:12]


def _kept_steps(config: TrainConfig) -> list[int]:
    """Of the evaluations the first, the last, and between them each a fifth later than before."""
    kept = [0]
    for step in range(config.eval_every, config.steps, config.eval_every):
        if step >= 1.2 * kept[-1]:
            kept.append(step)
    return [*kept, config.steps]


def _snapshot(folder: Path, step: int) -> Path:
    return folder / f"step-{step}"


def _history(folder: Path) -> Path:
    return folder / "history.json"  # written last: where it is, the run is over


def _is_whole(folder: Path, config: TrainConfig) -> bool:
    """Whether the run is there to the end, and no part of it is lost or cut short."""
    try:
        _read_history(folder)
        for step in _kept_steps(config):
            json.loads((_snapshot(folder, step) / "config.json").read_text("utf-8"))
            with safe_open(_snapshot(folder, step) / "model.safetensors", "pt"):
                pass  # its head says how long the file must be
    except (OSError, ValueError, TypeError, SafetensorError):
        return False
    return True


def _read_history(folder: Path) -> History:
    return History.from_dict(json.loads(_history(folder).read_text("utf-8")))


def _train(folder: Path, config: TrainConfig) -> None:
    if _history(folder).exists():
        print(f"{folder} was finished and lost a part since: it is trained anew", flush=True)
        shutil.rmtree(folder)
    encoding = world.encoding()
    train_tokens, val_tokens = (
        tokens.encode_documents(text.load("smallworld", split, n_documents=n), encoding)
        for split, n in (("train", DOCUMENTS), ("val", 1_000))
    )
    notebook = get_ipython() is not None

    def keep(step: int, model: GPT) -> None:
        if notebook:  # one line that changes, and at last none: the page shows what the cell says
            clear_output(wait=True)
            print(f"Training the course's model, only this once: {step:,} of {config.steps:,}")
        if step in _kept_steps(config):
            model.save_pretrained(_snapshot(folder, step))

    run = replace(config, checkpoint=str(folder), progress=not notebook)
    with (
        torch.random.fork_rng()
    ):  # the caller draws the same numbers, whether this was stored or not
        torch.manual_seed(config.seed)
        history = train(GPT(MODEL), train_tokens, val_tokens, run, on_eval=keep)
    with written_aside(_history(folder)) as aside:
        aside.write_text(json.dumps(history.to_dict()), "utf-8")
    if notebook:
        clear_output()
