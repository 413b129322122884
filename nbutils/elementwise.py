"""RMSNorm, rotary positions and ReLU squared, in as few passes through memory as a CPU needs.

Where a network trains on a CPU, what goes number by number costs nearly as much as its products:
PyTorch takes each formula apart into small operations, keeps what each was given, and walks back
through all of them. Here each is one operation for autograd, with its way back written by hand: the
same numbers but for rounding, in about half of the time. An update of chapter 6's "modern" network
takes up to a tenth less. Everywhere else the formulas themselves run: torch.compile makes one program of
them, and for GPUs nothing has been measured yet.
"""

import contextlib
from collections.abc import Iterator

import torch
import torch.nn.functional as F

from nbutils.words import sentence

_formulas_alone = False  # see by_formula


def rms_norm(
    x: torch.Tensor, weight: torch.Tensor | None = None, eps: float | None = None
) -> torch.Tensor:
    """Vectors (..., D) brought to the length sqrt(D), then each number times its weight (D).

    As ``F.rms_norm``. Source: Zhang and Sennrich (2019), "Root Mean Square Layer Normalization".
    """
    if not _by_hand(x) or x.dtype != torch.float32:
        return F.rms_norm(x, x.shape[-1:], weight, eps)
    return _RMSNorm.apply(x, weight, torch.finfo(x.dtype).eps if eps is None else eps)


def apply_rotary(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Vectors (..., D) turned by the angles whose cosines and sines are given, (..., D / 2)."""
    turns = cos.requires_grad or sin.requires_grad or not _fits(cos, x)
    if turns or not _by_hand(x) or x.dtype != torch.float32:
        first, second = x.chunk(2, dim=-1)  # each (..., D / 2)
        return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)
    return _Rotary.apply(x, cos, sin)


def relu_squared(x: torch.Tensor) -> torch.Tensor:
    """max(0, x)^2."""
    return _ReLUSquared.apply(x) if _by_hand(x) else x.relu().square()


@contextlib.contextmanager
def by_formula() -> Iterator[None]:
    """Inside it the formulas alone run, for those who measure what the ways by hand save."""
    global _formulas_alone
    before, _formulas_alone = _formulas_alone, True
    try:
        yield
    finally:
        _formulas_alone = before


def _by_hand(x: torch.Tensor) -> bool:
    return (
        not _formulas_alone
        and type(x) is torch.Tensor
        and x.device.type == "cpu"
        and x.requires_grad
        and torch.is_grad_enabled()
        and not torch.compiler.is_compiling()
        and not torch._C._are_functorch_transforms_active()
    )


def _fits(cos: torch.Tensor, x: torch.Tensor) -> bool:
    """Whether the vectors turned are as many as before."""
    pairs = zip(reversed(cos.shape[:-1]), reversed(x.shape[:-1]))
    return cos.dim() <= x.dim() and all(n in (1, there) for n, there in pairs)


def _check_once() -> None:
    if torch.is_grad_enabled():  # create_graph=True
        raise RuntimeError(
            sentence(
                "nbutils.elementwise has first derivatives by hand alone: compute what has a second one "
                "inside `with elementwise.by_formula():`"
            )
        )


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: torch.Tensor, weight: torch.Tensor | None, eps: float) -> torch.Tensor:
        scale = x.square().mean(dim=-1, keepdim=True).add_(eps).rsqrt_()  # (..., 1)
        normed = x * scale
        ctx.save_for_backward(normed, scale, weight)
        return normed if weight is None else normed * weight

    @staticmethod
    def backward(ctx, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """What would only change the length changes nothing: that share of the gradient goes."""
        _check_once()
        normed, scale, weight = ctx.saved_tensors
        grad_weight = None
        if weight is not None:
            grad_weight = (grad * normed).reshape(-1, normed.size(-1)).sum(dim=0)
            grad = grad * weight
        along = torch.linalg.vecdot(grad, normed).div_(normed.size(-1))[..., None]  # (..., 1)
        return grad.addcmul(normed, along, value=-1).mul_(scale), grad_weight, None


class _Rotary(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(cos, sin)
        return _turned(x, cos, sin)

    @staticmethod
    def backward(ctx, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """The way back of a turn is a turn back."""
        _check_once()
        cos, sin = ctx.saved_tensors
        return _turned(grad, cos, -sin), None, None


def _turned(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """As the formula, with both halves straight to where they belong."""
    turned = torch.empty_like(x, memory_format=torch.contiguous_format)
    (first, second), (to_first, to_second) = x.chunk(2, dim=-1), turned.chunk(2, dim=-1)
    torch.mul(first, cos, out=to_first).addcmul_(second, sin, value=-1)
    torch.mul(first, sin, out=to_second).addcmul_(second, cos)
    return turned


class _ReLUSquared(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: torch.Tensor) -> torch.Tensor:
        positive = x.relu()
        ctx.save_for_backward(positive)
        return positive * positive

    @staticmethod
    def backward(ctx, grad: torch.Tensor) -> torch.Tensor:
        """2 max(0, x): where x was negative it is 0 already."""
        _check_once()
        (positive,) = ctx.saved_tensors
        return (grad * positive).mul_(2)
