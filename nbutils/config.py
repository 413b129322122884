"""The numbers that decide: a GPT's shape, and how one is trained. No PyTorch is needed to read them."""

import math
from dataclasses import dataclass
from numbers import Integral, Real

PRESETS = {
    "small": {},  # the defaults below: learns smallworld on two CPU cores in minutes
    "sorter": dict(vocab_size=3, block_size=11, n_layer=3, n_head=3, n_embd=48, tie_weights=False),
    "gpt2": dict(vocab_size=50257, block_size=1024, n_layer=12, n_head=12, n_embd=768),
    "gpt2-medium": dict(vocab_size=50257, block_size=1024, n_layer=24, n_head=16, n_embd=1024),
    "gpt2-large": dict(vocab_size=50257, block_size=1024, n_layer=36, n_head=20, n_embd=1280),
    "gpt2-xl": dict(vocab_size=50257, block_size=1024, n_layer=48, n_head=25, n_embd=1600),
    "gpt3-175b": dict(vocab_size=50257, block_size=2048, n_layer=96, n_head=96, n_embd=12288),
    "modern": dict(bias=False, rotary=True, rms_norm=True, qk_norm=True, relu_squared=True),
}
SWITCHES = ("rotary", "rms_norm", "qk_norm", "relu_squared")
"""The fields of ``GPTConfig`` that make a model other than GPT-2."""


@dataclass(frozen=True)
class GPTConfig:
    """The numbers that decide a GPT's shape.

    Raises ``ValueError`` for numbers that make no network.
    """

    vocab_size: int = 1242  # V: how many tokens there are to choose from; smallworld has 1242
    block_size: int = 128  # the longest context, in tokens
    n_layer: int = 4  # blocks, one after the other
    n_head: int = 4  # H: attention heads in each block
    n_embd: int = 128  # C: width of the residual stream
    dropout: float = 0.0  # share of the values that training sets to zero
    bias: bool = True  # the constants added in linear layers and layer norms
    tie_weights: bool = True  # one table both reads tokens in and scores them at the end
    rotary: bool = False  # positions turn queries and keys, instead of a table added at the start
    rms_norm: bool = False  # norms only scale; a layer norm takes the mean off first
    qk_norm: bool = False  # every query and key gets the same length
    relu_squared: bool = False  # the MLP bends by max(0, x)^2 instead of GELU

    def __post_init__(self) -> None:
        for name in ("vocab_size", "block_size", "n_layer", "n_head", "n_embd"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")
        for name in SWITCHES:
            if type(getattr(self, name)) is not bool:
                raise ValueError(f"{name}={getattr(self, name)!r} must be True or False")
        if self.n_embd % self.n_head:
            raise ValueError(
                f"n_embd={self.n_embd} is not divisible by n_head={self.n_head}: "
                "the heads share the width equally"
            )
        if self.rotary and self.n_embd // self.n_head % 2:
            raise ValueError(
                f"rotary=True turns pairs of numbers: n_embd={self.n_embd} over "
                f"n_head={self.n_head} must be even"
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout={self.dropout} must be at least 0 and below 1")

    @classmethod
    def preset(cls, name: str, **changes) -> "GPTConfig":
        """A known shape by name, for example ``preset("small", vocab_size=512)``.

        "sorter" is the 85,584-parameter network that Brendan Bycroft's "LLM Visualization"
        draws; GPT-2's and GPT-3's shapes are from their papers. "modern" is "small" with all
        switches on.
        """
        if name not in PRESETS:
            raise ValueError(f"preset {name!r} is unknown; there are {', '.join(PRESETS)}")
        return cls(**{**PRESETS[name], **changes})


PARALLEL = ("ddp", "fsdp", "tensor")
"""How several processes train one network: with whole copies, with shards of every weight, or with
shards of the blocks' matrices."""

_LEAST_WHOLE = {
    "steps": 0,
    "batch_size": 1,
    "block_size": 1,
    "warmup_steps": 0,
    "accumulation": 1,
    "eval_every": 1,
    "eval_batches": 1,
    "start_token": 0,
    "seed": 0,
    "checkpoint_every": 1,
}
_MAY_BE_NONE = {"block_size", "eval_batches", "start_token", "seconds"}
_CHOICES = {
    "optimizer": ("adamw", "muon"),
    "schedule": ("cosine", "linear"),
    "parallel": (None, *PARALLEL),
    "compile": (None, "blocks", "model"),
}
_FINITE = ("seconds", "learning_rate", "min_learning_rate", "weight_decay", "grad_clip")


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides how a model is trained.

    The defaults suit smallworld, a GPT of two layers (`GPTConfig`'s default has four) and about
    20 seconds on two CPU cores. Many small batches learn more in a given time there than few
    large ones.

    Raises ``ValueError`` for numbers that make no run.
    """

    steps: int = 900
    """How many times the weights are updated."""
    seconds: float | None = None
    """If given, train for so long instead, evaluations and checkpoints not counted: the learning
    rate follows the clock, and ``steps`` is not used. Such a run ends a little differently each
    time."""
    batch_size: int = 8
    """Windows in one update."""
    block_size: int | None = None
    """Tokens in a window; None: as many as the model can take."""
    learning_rate: float = 4e-3
    """The highest learning rate, reached after the warm-up."""
    min_learning_rate: float = 0.0
    """The learning rate at the end."""
    schedule: str = "cosine"
    """How the learning rate falls after the warm-up: as half a cosine, or "linear"."""
    optimizer: str = "adamw"
    """What turns the knobs: "adamw", or "muon" (Muon for the blocks' matrices, AdamW for the
    rest)."""
    warmup_steps: int = 90
    """Updates in which the learning rate rises from near 0 to its highest."""
    weight_decay: float = 0.1
    """Decay of matrices, per update and unit of learning rate; vectors do not decay."""
    betas: tuple[float, float] = (0.9, 0.99)
    """AdamW's memory: of the gradient and of its square, each from 0 to below 1."""
    grad_clip: float = 1.0
    """The longest gradient, as a Euclidean norm; 0: no limit."""
    accumulation: int = 1
    """Parts in which a batch is computed, one after the other, to need less memory."""
    eval_every: int = 100
    """Updates between evaluations."""
    eval_batches: int | None = 10
    """Batches of validation text in an evaluation, always the same; None: all of it."""
    start_token: int | None = None
    """If given, every window begins with this id, as with a document's <|endoftext|>."""
    seed: int = 0
    """Chooses the windows, and dropout's knobs."""
    device: str = "auto"
    """The chip: auto, cpu, cuda, cuda:1 or mps (see `device.pick`)."""
    parallel: str | None = None
    """Train in the processes that torchrun started, each step as one process alone would: "ddp",
    every one with the whole model and a share of the batch, "fsdp", also with a share of the
    weights, or "tensor", with some heads and neurons of each block."""
    checkpoint: str | None = None
    """A folder for this run's checkpoint; a run found there is continued. None: keep nothing."""
    checkpoint_every: int = 500
    """Updates between checkpoints; one more is written at the end."""
    compile: str | None = None
    """Let torch.compile turn each block ("blocks") or the whole network ("model") into one program:
    faster after a start of some seconds, which for a whole network grows with its layers. It needs
    a C++ compiler on a CPU."""
    progress: bool = True
    """Show a progress bar on a terminal, elsewhere one line for each evaluation."""

    def __post_init__(self):
        for name, least in _LEAST_WHOLE.items():
            self._check(name, Integral, "a whole number", least)
        for name in _FINITE:
            self._check(name, Real, "a finite number", 0)
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                known = ", ".join(map(str, choices))
                raise ValueError(f"{name}={getattr(self, name)!r} is none of {known}")
        self._check_betas()
        if self.optimizer == "muon" and self.parallel in ("fsdp", "tensor"):
            raise ValueError(
                f"optimizer='muon' needs whole matrices, and parallel={self.parallel!r} cuts them: "
                "use parallel='ddp' or optimizer='adamw'"
            )
        if self.compile == "model" and self.parallel in ("fsdp", "tensor"):
            raise ValueError(
                f"compile='model' needs a whole model, and parallel={self.parallel!r} cuts it: use "
                "compile='blocks'"
            )
        if not 0 <= self.min_learning_rate <= self.learning_rate:
            raise ValueError(
                f"min_learning_rate={self.min_learning_rate} must be from 0 to "
                f"learning_rate={self.learning_rate}"
            )
        if self.batch_size % self.accumulation:
            raise ValueError(
                f"batch_size={self.batch_size} can't be cut into accumulation="
                f"{self.accumulation} equal parts; choose a divisor"
            )

    def _check(self, name: str, kind: type, words: str, least: int | None) -> None:
        """Raise unless the field is such a number; keep it as a plain one, for the checkpoint."""
        value = getattr(self, name)
        if value is None and name in _MAY_BE_NONE:
            return
        if isinstance(value, bool) or not isinstance(value, kind) or not math.isfinite(value):
            raise ValueError(f"{name}={value!r} must be {words}")
        if least is not None and value < least:
            none = ", or None" if name in _MAY_BE_NONE else ""
            raise ValueError(f"{name}={value} must be at least {least}{none}")
        object.__setattr__(self, name, int(value) if kind is Integral else float(value))

    def _check_betas(self) -> None:
        betas = self.betas
        fit = isinstance(betas, tuple | list) and len(betas) == 2
        if not fit or not all(isinstance(beta, Real) and 0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas={betas} must be two numbers, each at least 0 and below 1")
        object.__setattr__(self, "betas", tuple(float(beta) for beta in betas))
