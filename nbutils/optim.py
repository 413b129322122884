"""Gradients -> a turn of every knob: the optimizers, and the learning rate of each update."""

import math
from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import nn

from nbutils import device
from nbutils.arguments import finite, of_type, whole
from nbutils.config import TrainConfig
from nbutils.words import sentence

A, B, C = 3.4445, -4.775, 2.0315  # Jordan's: they lift small singular values fast
ROUNDS = 5


def learning_rate_at(step: int, config: TrainConfig, seconds: float = 0.0) -> float:
    """The learning rate of update ``step`` (from 0): a straight rise, then the schedule down.

    ``seconds``: how long the run has trained, which counts only where ``config.seconds`` is given.

    Source: Loshchilov and Hutter, "SGDR" (2017), without restarts.
    """
    of_type("config", config, TrainConfig, "give TrainConfig(...)")
    step, seconds = whole("step", step), finite("seconds", seconds)
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / (config.warmup_steps + 1)
    if config.seconds is None:
        done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    else:
        done = seconds / config.seconds if config.seconds else 1.0
    done = min(1.0, done)
    left = 1 - done if config.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2
    return config.min_learning_rate + left * (config.learning_rate - config.min_learning_rate)


class Muon(torch.optim.Optimizer):
    """Turns matrices by their averaged gradients, with all directions made about equally strong.

    A few matrix products bring each averaged gradient as near to a rotation as is useful, so that
    no direction is turned much more than another (Jordan et al., 2024). The result is scaled to
    AdamW's usual length (Liu et al., 2025, "Muon is Scalable for LLM Training"), so that one
    learning rate serves both. As ``torch.optim.Muon`` with ``match_rms_adamw``, except that all
    matrices of one shape are computed together, in a third of the time on a CPU.

    ``dtype``: as for `orthogonalize`.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        dtype: torch.dtype | None = None,
    ):
        self.dtype = dtype
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            alike = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    alike[weight.shape].append(weight)
            for weights in alike.values():
                self._update(weights, **{key: group[key] for key in self.defaults})

    def _update(self, weights: list, lr: float, weight_decay: float, momentum: float) -> None:
        updates = []
        for weight in weights:
            momentum_buffer = self._momentum(weight).lerp_(weight.grad, 1 - momentum)
            updates.append(weight.grad.lerp(momentum_buffer, momentum))  # Nesterov's look ahead
        length = 0.2 * max(weights[0].shape) ** 0.5
        turns = orthogonalize(torch.stack(updates), self.dtype)
        for weight, update in zip(weights, turns, strict=True):
            weight.mul_(1 - lr * weight_decay).add_(update, alpha=-lr * length)

    def _momentum(self, weight: torch.Tensor) -> torch.Tensor:
        """The running mean of the weight's gradients, which begins at 0."""
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        return state["momentum_buffer"]


def orthogonalize(matrices: torch.Tensor, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Matrices (n, M, N) with all singular values brought to between about 0.7 and 1.2.

    Five rounds of X <- a X + (b X X^T + c (X X^T)^2) X, after which no exactness is asked: in
    bfloat16, but in float32 on a chip that multiplies bfloat16 more slowly, as a T4 does. ``dtype``
    names one of the two, so that all chips compute alike.

    Source: Jordan et al. (2024), "Muon: an optimizer for hidden layers in neural networks".
    """
    tall = matrices.size(-2) > matrices.size(-1)
    x = matrices.mT if tall else matrices  # X X^T is the smaller product
    dtype = device.pick(x.device).dtype if dtype is None else dtype
    x = x.bfloat16() if dtype == torch.bfloat16 else x.float()
    x = x / x.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    if x.dtype == torch.float32 and x.size(-1) >= 2 * x.size(-2):
        x = _all_rounds(x @ x.mT) @ x
    else:
        for _ in range(ROUNDS):
            x = torch.baddbmm(x, _round(x @ x.mT), x, beta=A)
    return x.mT if tall else x


def _round(square: torch.Tensor) -> torch.Tensor:
    """b G + c G^2 of G = X X^T, (n, M, M)."""
    return torch.baddbmm(square, square, square, beta=B, alpha=C)


def _all_rounds(square: torch.Tensor) -> torch.Tensor:
    """The (n, M, M) by which all rounds together multiply X, from G = X X^T alone.

    A round multiplies X by P = a I + b G + c G^2, so the next has P G P in the place of G. Where N
    is 4 M that is 50 M^3 operations, not 90. It asks for float32: bfloat16's errors would grow. Where X is
    badly conditioned its own error grows, too, to 2e-4 where the rounds one by one have 6e-6.
    """
    one, product = torch.eye(square.size(-1), dtype=square.dtype, device=square.device), None
    for last in [False] * (ROUNDS - 1) + [True]:
        factor = _round(square) + A * one
        product = factor if product is None else factor @ product
        square = square if last else factor @ (square @ factor)
    return product


class MuonAdamW(torch.optim.Optimizer):
    """Muon for the weights of the first group, AdamW for all others, as one optimizer."""

    def __init__(self, muon: torch.optim.Optimizer, adamw: torch.optim.Optimizer):
        self._parts = (muon, adamw)
        super().__init__(muon.param_groups + adamw.param_groups, {})
        self._share_state()

    def _share_state(self) -> None:
        """Both parts work on this optimizer's groups and state: there is one of each."""
        muon, adamw = self._parts
        muon.param_groups, adamw.param_groups = self.param_groups[:1], self.param_groups[1:]
        muon.state = adamw.state = self.state

    def load_state_dict(self, state_dict: dict) -> None:
        super().load_state_dict(state_dict)
        self._share_state()

    def step(self, closure=None) -> None:
        for part in self._parts:
            part.step(closure)


def make_optimizer(
    model: nn.Module, config: TrainConfig, dtype: torch.dtype | None = None
) -> torch.optim.Optimizer:
    """The config's optimizer. Only matrices decay; biases and norms, being vectors, do not.

    ``dtype``: in which Muon makes directions alike (see `orthogonalize`).

    Raises ``ValueError`` if Muon is asked for and the model has no blocks.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019).
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    if config.optimizer == "adamw":
        return _adamw(weights, config)
    if not hasattr(model, "blocks"):
        raise ValueError(
            sentence(
                "optimizer='muon' takes the matrices of model.blocks, and {kind} has no blocks; use "
                "optimizer='adamw'",
                kind=type(model).__name__,
            )
        )
    matrices = [w for w in model.blocks.parameters() if w.requires_grad and w.dim() == 2]
    muon = Muon(matrices, config.learning_rate, config.weight_decay, dtype=dtype)
    chosen = set(map(id, matrices))
    return MuonAdamW(muon, _adamw([w for w in weights if id(w) not in chosen], config))


def _adamw(weights: list[nn.Parameter], config: TrainConfig) -> torch.optim.AdamW:
    groups = [
        {"params": [w for w in weights if w.dim() >= 2], "weight_decay": config.weight_decay},
        {"params": [w for w in weights if w.dim() < 2], "weight_decay": 0.0},
    ]
    fused = all(weight.device.type in ("cpu", "cuda") for weight in weights)
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas, fused=fused)
