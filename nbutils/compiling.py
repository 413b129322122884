"""A network as one program: what torch.compile makes of it, while it trains."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch
from torch import nn

from nbutils.device import Chip, cpp_compiler, unfit_for_compiler
from nbutils.words import sentence

# tanh by way of exp, which C++ compilers turn into wide instructions: GPT-2 trains a tenth faster
_INDUCTOR_OPTIONS = {"cpp.use_decompose_tanh": True}


@contextmanager
def compilation(
    model: nn.Module, what: str | None, chip: Chip
) -> Iterator[Callable[[], AbstractContextManager]]:
    """Inside it the whole model runs as one program, or each block: they are alike, one is made.

    ``what``: "model", "blocks" or None, for nothing. Gives a maker of contexts in which all runs
    as written: other shapes, as in evaluation, would be compiled anew.

    Raises ``RuntimeError`` on a CPU without a C++ compiler, or where it can't be given the files.
    """
    if what and chip.device.type == "cpu" and cpp_compiler() is None:
        raise RuntimeError(
            sentence(
                "compile={what} needs a C++ compiler on a CPU, and none was found: leave compile out, or "
                "install one (Debian and Ubuntu: apt install g++; macOS: xcode-select --install; "
                "Windows: Visual Studio's Build Tools, whose command prompt finds it)",
                what=repr(what),
            )
        )
    if what and chip.device.type == "cpu" and (unfit := unfit_for_compiler()):
        raise RuntimeError(
            sentence("compile={what}: {unfit} (or leave compile out)", what=repr(what), unfit=unfit)
        )
    parts = {None: [], "blocks": getattr(model, "blocks", []), "model": [model]}[what]
    for part in parts:
        part.compile(dynamic=False, options=_options())
    try:
        yield partial(torch.compiler.set_stance, "force_eager") if what else nullcontext
    finally:
        for part in parts:
            part._compiled_call_impl = None  # PyTorch has no public way back


def _options() -> dict[str, bool]:
    from torch._inductor import list_options

    return {name: value for name, value in _INDUCTOR_OPTIONS.items() if name in list_options()}
