"""The numbers that decide: a GPT's shape, and how one is trained. No PyTorch is needed to read them."""

import math
import os
from dataclasses import Field, dataclass, field, fields
from types import NoneType
from typing import Any, get_args

from nbutils.arguments import finite, one_of, shown, whole, yes_or_no
from nbutils.words import sentence

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
PARALLEL = ("ddp", "fsdp", "tensor")
"""How several processes train one network: with whole copies, with shards of every weight, or with
shards of the blocks' matrices."""


def _rule(default, **rule):
    """What a field's annotation doesn't say of it: ``least`` (else 0), ``below``, ``choices``,
    ``like`` what text must be, ``may_change`` where a resumed run may have another value than
    before, and ``later`` where there were checkpoints before the field: they are as with its default."""
    return field(default=default, metadata=rule)


def _keep_rules(config, declared: type) -> None:
    """Raise ``ValueError`` unless each field that the class declared holds what it may."""
    for each in fields(declared):
        object.__setattr__(config, each.name, _checked(each, getattr(config, each.name)))


def _checked(each: Field, value):
    """The value as it is kept: a number as a plain one, for checkpoints, whichever was given."""
    name, choices = each.name, each.metadata.get("choices")
    kinds = get_args(each.type) or (each.type,)
    if choices:
        return one_of(name, value, choices)
    if kinds[0] is bool:
        return yes_or_no(name, value)
    if kinds[0] is str:
        return _text(name, value, each.metadata["like"], NoneType in kinds)
    limits = each.metadata.get("least", 0), each.metadata.get("below", math.inf)
    if kinds == (float, float):
        return _two_numbers(name, value, *limits)
    check = whole if kinds[0] is int else finite
    return check(name, value, *limits, "None" if NoneType in kinds else "")


def _text(name: str, value, like: str, or_none: bool) -> str | None:
    """A name or a path, whether it is text, a ``Path`` or a ``torch.device``, as text."""
    if value is None and or_none:
        return None
    if isinstance(value, os.PathLike) or type(value).__name__ == "device":
        value = str(value)
    if not isinstance(value, str) or not value:
        raise ValueError(
            sentence(
                "{name}={value} must be {like}, or None"
                if or_none
                else "{name}={value} must be {like}",
                name=name,
                value=shown(value),
                like=sentence(like),
            )
        )
    return value


def _two_numbers(name: str, values, least: int, below: float) -> tuple[float, float]:
    try:
        first, second = values if isinstance(values, tuple | list) else ()
        first, second = (finite(name, value, least, below) for value in (first, second))
    except ValueError:
        raise ValueError(
            sentence(
                "{name}={values} must be two numbers, each at least {least} and below {below}",
                name=name,
                values=shown(values),
                least=least,
                below=below,
            )
        ) from None
    return first, second


@dataclass(frozen=True)
class GPTConfig:
    """The numbers that decide a GPT's shape.

    Raises ``ValueError`` for numbers that make no network.
    """

    vocab_size: int = _rule(1242, least=1)
    """V: how many tokens there are to choose from; smallworld has 1242."""
    block_size: int = _rule(128, least=1)
    """The longest context, in tokens."""
    n_layer: int = _rule(4, least=1)
    """Blocks, one after the other."""
    n_head: int = _rule(4, least=1)
    """H: attention heads in each block."""
    n_embd: int = _rule(128, least=1)
    """C: width of the residual stream."""
    dropout: float = _rule(0.0, below=1)
    """Share of the values that training sets to zero."""
    bias: bool = True
    """The constants added in linear layers and layer norms."""
    tie_weights: bool = True
    """One table both reads tokens in and scores them at the end."""
    rotary: bool = False
    """Positions turn queries and keys, instead of a table added at the start."""
    rms_norm: bool = False
    """Norms only scale; a layer norm takes the mean off first."""
    qk_norm: bool = False
    """Every query and key gets the same length."""
    relu_squared: bool = False
    """The MLP bends by max(0, x)^2 instead of GELU."""

    def __post_init__(self) -> None:
        _keep_rules(self, GPTConfig)
        if self.n_embd % self.n_head:
            raise ValueError(
                sentence(
                    "n_embd={n_embd} is not divisible by n_head={n_head}: the heads share the width equally",
                    n_embd=self.n_embd,
                    n_head=self.n_head,
                )
            )
        if self.rotary and self.n_embd // self.n_head % 2:
            raise ValueError(
                sentence(
                    "rotary=True turns pairs of numbers: n_embd={n_embd} over n_head={n_head} must be even",
                    n_embd=self.n_embd,
                    n_head=self.n_head,
                )
            )

    @classmethod
    def preset(cls, name: str, **changes) -> "GPTConfig":
        """A known shape by name, for example ``preset("small", vocab_size=512)``.

        "sorter" is the 85,584-parameter network that Brendan Bycroft's "LLM Visualization"
        draws; GPT-2's and GPT-3's shapes are from their papers. "modern" is "small" with all
        switches on.
        """
        if not isinstance(name, str) or name not in PRESETS:
            raise ValueError(
                sentence(
                    "preset {name} is unknown; there are {names}",
                    name=shown(name),
                    names=", ".join(PRESETS),
                )
            )
        return cls(**{**PRESETS[name], **changes})


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
    batch_size: int = _rule(8, least=1)
    """Windows in one update."""
    block_size: int | None = _rule(None, least=1)
    """Tokens in a window; None: as many as the model can take."""
    learning_rate: float = 4e-3
    """The highest learning rate, reached after the warm-up."""
    min_learning_rate: float = 0.0
    """The learning rate at the end."""
    schedule: str = _rule("cosine", choices=("cosine", "linear"))
    """How the learning rate falls after the warm-up: as half a cosine, or "linear"."""
    optimizer: str = _rule("adamw", choices=("adamw", "muon"))
    """What turns the knobs: "adamw", or "muon" (Muon for the blocks' matrices, AdamW for the
    rest)."""
    warmup_steps: int = 90
    """Updates in which the learning rate rises from near 0 to its highest."""
    weight_decay: float = 0.1
    """Decay of matrices, per update and unit of learning rate; vectors do not decay."""
    betas: tuple[float, float] = _rule((0.9, 0.99), below=1)
    """AdamW's memory: of the gradient and of its square, each from 0 to below 1."""
    grad_clip: float = 1.0
    """The longest gradient, as a Euclidean norm; 0: no limit."""
    accumulation: int = _rule(1, least=1, may_change=True)
    """Parts in which a batch is computed, one after the other, to need less memory."""
    eval_every: int = _rule(100, least=1)
    """Updates between evaluations."""
    eval_batches: int | None = _rule(10, least=1)
    """Batches of validation text in an evaluation, always the same; None: all of it."""
    each_once: bool = _rule(False, later=True)
    """Every window comes once before one comes again (see `Windows`); else each is drawn from all."""
    start_token: int | None = None
    """If given, every window begins with this id, as with a document's <|endoftext|>."""
    seed: int = 0
    """Chooses the windows, and dropout's knobs."""
    device: str = _rule(
        "auto", like='the name of a chip, such as "auto", "cpu" or "cuda"', may_change=True
    )
    """The chip: auto, cpu, cuda, cuda:1 or mps (see `device.pick`)."""
    parallel: str | None = _rule(None, choices=(None, *PARALLEL), may_change=True)
    """Train in the processes that torchrun started, each step as one process alone would: "ddp",
    every one with the whole model and a share of the batch, "fsdp", also with a share of the
    weights, or "tensor", with some heads and neurons of each block."""
    checkpoint: str | None = _rule(None, like="the path of a folder", may_change=True)
    """A folder for this run's checkpoint; a run found there is continued. None: keep nothing."""
    checkpoint_every: int = _rule(500, least=1, may_change=True)
    """Updates between checkpoints; one more is written at the end."""
    compile: str | None = _rule(None, choices=(None, "blocks", "model"), may_change=True)
    """Let torch.compile turn each block ("blocks") or the whole network ("model") into one program:
    faster after a start of some seconds, which for a whole network grows with its layers. It needs
    a C++ compiler on a CPU."""
    progress: bool = _rule(True, may_change=True)
    """Show a progress bar on a terminal, elsewhere one line for each evaluation."""

    def __post_init__(self) -> None:
        _keep_rules(self, TrainConfig)
        if self.optimizer == "muon" and self.parallel in ("fsdp", "tensor"):
            raise ValueError(
                sentence(
                    "optimizer='muon' needs whole matrices, and parallel={parallel} cuts them: use "
                    "parallel='ddp' or optimizer='adamw'",
                    parallel=repr(self.parallel),
                )
            )
        if self.compile == "model" and self.parallel in ("fsdp", "tensor"):
            raise ValueError(
                sentence(
                    "compile='model' needs a whole model, and parallel={parallel} cuts it: use "
                    "compile='blocks'",
                    parallel=repr(self.parallel),
                )
            )
        if self.min_learning_rate > self.learning_rate:
            raise ValueError(
                sentence(
                    "min_learning_rate={min_learning_rate} must be from 0 to learning_rate={learning_rate}",
                    min_learning_rate=self.min_learning_rate,
                    learning_rate=self.learning_rate,
                )
            )
        if self.batch_size % self.accumulation:
            raise ValueError(
                sentence(
                    "batch_size={batch_size} can't be cut into accumulation={accumulation} equal parts; "
                    "choose a divisor",
                    batch_size=self.batch_size,
                    accumulation=self.accumulation,
                )
            )

    def identity(self) -> dict[str, Any]:
        """What a resumed run must have as before, by the fields' names."""
        kept = {}
        for each in fields(TrainConfig):
            value, rule = getattr(self, each.name), each.metadata
            if not rule.get("may_change") and not (rule.get("later") and value == each.default):
                kept[each.name] = value
        return kept
