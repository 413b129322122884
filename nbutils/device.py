"""Which chip computes, in which number format, and how fast it multiplies matrices."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class Chip:
    """The chip that computes and the format in which it multiplies matrices.

    ``dtype`` float32 means that nothing is shortened. ``scaler``: training must scale the loss
    up, because float16 rounds small gradients to zero. ``print(chip)`` says it in one line.
    """

    device: torch.device
    dtype: torch.dtype
    name: str
    scaler: bool = False

    def __str__(self) -> str:
        dtype = str(self.dtype).removeprefix("torch.")
        if self.dtype == torch.float32:
            return f"{self.name}, {dtype} (this chip gains nothing sure from a shorter format)"
        scaled = " with loss scaling" if self.scaler else ""
        return f"{self.name}, {dtype}{scaled} (this chip multiplies matrices faster in it)"

    def autocast(self) -> contextlib.AbstractContextManager:
        """Inside it, matrix products run in ``dtype``; sums that need care stay float32."""
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype)


def pick(device: str | torch.device = "auto") -> Chip:
    """The chip for a name: "auto" (the fastest here), "cpu", "cuda", "cuda:1" or "mps".

    Raises ``ValueError`` for another name and for a chip that this machine lacks.
    """
    if device == "auto":
        device = "mps" if torch.backends.mps.is_available() else "cpu"
        device = "cuda" if torch.cuda.is_available() else device
    try:
        found = torch.device(device)
    except RuntimeError as error:
        raise _unknown(device) from error
    makers = {"cuda": _cuda, "mps": _mps, "cpu": _cpu}
    if found.type not in makers:
        raise _unknown(device)
    return makers[found.type](found)


def attention(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    mask: torch.Tensor | None = None,
    *,
    dropout: float = 0.0,
    causal: bool = False,
) -> torch.Tensor:
    """PyTorch's ``scaled_dot_product_attention``, in the format that the chip does fast.

    All of shape (..., T, D), ``mask`` (T, S) true where a query may look. On a CPU the backward
    pass of short contexts takes 3 to 7 times longer in bfloat16 than in float32 (128 and 64
    tokens, PyTorch 2.13), so training computes attention in float32 there and gives
    the result back in the queries' dtype.
    """
    if q.device.type != "cpu" or not q.requires_grad:
        return F.scaled_dot_product_attention(q, k, v, mask, dropout, causal)
    with torch.autocast("cpu", enabled=False):
        x = F.scaled_dot_product_attention(q.float(), k.float(), v.float(), mask, dropout, causal)
    return x.to(q.dtype)


def measure_peak(chip: Chip, seconds: float = 0.5) -> float:
    """The most floating-point operations a second that one large matrix product reached here.

    What a training run gets is judged against this and not against the maker's number, which
    no real program meets. Takes about ``seconds``.
    """
    n = 8192 if chip.device.type == "cuda" else 1024
    a, b = (torch.randn(n, n, device=chip.device).to(chip.dtype) for _ in range(2))
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end or best == float("inf"):
        start = time.perf_counter()
        product = a @ b
        product[0, 0].item()  # waits for a GPU, which otherwise answers before it is done
        best = min(best, time.perf_counter() - start)
    return 2 * n**3 / best  # n * n sums of n products: a multiplication and an addition each


def _unknown(device: str | torch.device) -> ValueError:
    return ValueError(
        f'device={str(device)!r} is none of "auto", "cpu", "cuda", "cuda:1" (the second GPU), "mps"'
    )


def _cuda(device: torch.device) -> Chip:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (device.index or 0) >= count:
        raise ValueError(
            f"device={str(device)!r}: PyTorch sees {count} CUDA GPUs here; "
            'use device="cpu", or on Colab choose a GPU under Runtime, Change runtime type'
        )
    name = torch.cuda.get_device_name(device)
    generation = torch.cuda.get_device_capability(device)[0]
    if generation >= 8:  # Ampere (2020) and later
        return Chip(device, torch.bfloat16, name)
    if generation == 7:  # Volta and Turing, such as Colab's T4: tensor cores, but only float16
        return Chip(device, torch.float16, name, scaler=True)
    return Chip(device, torch.float32, name)


def _mps(device: torch.device) -> Chip:
    if not torch.backends.mps.is_available():
        raise ValueError("device='mps': PyTorch sees no Apple GPU here; use device='cpu'")
    # Autocast came to MPS late and differs between macOS versions: float32 is right on all.
    return Chip(device, torch.float32, "Apple GPU")


def _cpu(device: torch.device) -> Chip:
    threads = torch.get_num_threads()
    name = f"CPU with {threads} thread{'s' if threads > 1 else ''}"
    return Chip(device, torch.bfloat16 if _cpu_has_bfloat16() else torch.float32, name)


def _cpu_has_bfloat16() -> bool:
    """Whether the CPU has AMX or AVX512-BF16, by what this PyTorch and this system can tell."""
    if hasattr(torch.cpu, "get_capabilities"):  # newer PyTorch
        found = {name for name, has in torch.cpu.get_capabilities().items() if has}
    else:
        found = _cpu_flags(Path("/proc/cpuinfo"))
    return bool(found & {"amx_bf16", "avx512_bf16"})


def _cpu_flags(cpuinfo: Path) -> set[str]:
    """The feature names that Linux lists; none on other systems."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return set()
    return set(next((line for line in lines if line.startswith("flags")), "").split())
