"""Does Triton work here? Imported only where it is installed: importing this imports Triton."""

import torch
import triton
import triton.language as tl


@triton.jit
def _store_one(X):
    tl.store(X + tl.cdiv(1, 2), 1)


def interpreted() -> bool:
    """Whether Triton runs kernels by its interpreter: the words of its own language, and those made now."""
    return type(tl.cdiv).__name__ == type(_store_one).__name__ == "InterpretedFunction"


def run(device: torch.device) -> None:
    """Run the smallest kernel. Raises what Triton raises, or ``RuntimeError`` for a wrong answer."""
    x = torch.zeros(2, dtype=torch.int32, device=device)
    _store_one[(1,)](x)
    if x.tolist() != [0, 1]:
        raise RuntimeError(f"it stored {x.tolist()} in the place of [0, 1]")
