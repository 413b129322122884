"""A kernel of your own, in Triton's language, on any machine; and the bytes that it moves.

A kernel is what every program of a GPU runs. It is written once, and runs in one of three ways, which `language`
chooses: compiled, on a GPU; by Triton's own interpreter, on a CPU; where Triton is missing (it comes for Linux alone),
by a small stand-in: one program after the other over the grid, each with its slow memory and what it holds.

- ``held``: tiles of numbers that a program holds, and arithmetic on them
- ``memory``: tensors as rows of addresses; bytes are counted, mistakes told by name
- ``standin``: the words, ``tl``
- ``launch``: ``triton.jit``, grids and arguments

Sources: Tillet, Kung and Cox, "Triton" (2019); Dao and others, FlashAttention (arXiv 2205.14135, 2307.08691).
"""

import importlib.util
import os
import sys
from numbers import Integral
from types import ModuleType

from nbutils.device import Chip
from nbutils.kernels import launch, standin
from nbutils.kernels.memory import Moved
from nbutils.words import sentence

INTERPRET = "TRITON_INTERPRET"


def language(chip: Chip) -> tuple[ModuleType, ModuleType, str]:
    """``triton``, ``tl`` and a sentence that says how kernels run here.

    Triton's interpreter is switched on by an environment variable before Triton is first imported, which this does:
    call it before anything is compiled. Where Triton is missing or can't be used, the two are the stand-in's modules,
    and the sentence says why.
    """
    if importlib.util.find_spec("triton") is None:
        return _stand_in(
            sentence(
                "Triton is not installed here: the course's stand-in for it runs kernels, on the CPU."
            )
        )
    if chip.device.type != "cuda" and "triton" not in sys.modules:
        os.environ.setdefault(INTERPRET, "1")
    try:
        trial = importlib.import_module("nbutils.kernels.trial")
    except Exception as error:
        return _stand_in(
            sentence(
                "Triton can't be loaded here ({error}): the course's stand-in for it runs kernels, on the CPU.",
                error=_first_line(error),
            )
        )
    ways = trial.interpreted(), chip.device.type == "cuda"
    if ways == (False, False):
        return _stand_in(
            sentence(
                "Triton was loaded before its interpreter was switched on (restart, and call this first, or "
                "set {variable}=1): the course's stand-in for it runs kernels, on the CPU.",
                variable=INTERPRET,
            )
        )
    try:
        trial.run(chip.device)
    except Exception as error:
        return _stand_in(
            sentence(
                "Triton is here, and its smallest kernel fails ({error}): the course's stand-in for it runs "
                "kernels, on the CPU.",
                error=_first_line(error),
            )
        )
    version = trial.triton.__version__
    told = sentence(
        "Triton {version} runs kernels by its interpreter, on the CPU."
        if ways[0]
        else "Triton {version} compiles kernels for {chip}.",
        version=version,
        chip=chip.name,
    )
    return trial.triton, trial.tl, told


def _stand_in(why: str) -> tuple[ModuleType, ModuleType, str]:
    return launch, standin, why


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def count_bytes(kernel, grid, *arguments, **named) -> Moved:
    """The bytes that all programs of a kernel load and store. The tensors given stay as they are.

    ``kernel``: from ``triton.jit``, whichever way it runs; ``grid`` and arguments as for the kernel itself. The
    stand-in runs it on copies, so this takes seconds for thousands of programs. Raises `held.KernelError`.
    """
    return launch.Kernel(launch.in_our_words(kernel), aside=True).run(grid, *arguments, **named)


def plain_attention_bytes(T: int, D: int, itemsize: int = 4) -> int:
    """Bytes that causal attention of one head moves as three operations, each with its answer in slow memory.

    ``T`` tokens of ``D`` numbers of ``itemsize`` bytes. Scores: 2 T D in, T T out. Mask and softmax: T T in, T T out.
    Times the values: T T + T D in, T D out. The half that the mask hides is computed and stored as well.
    """
    _check_positive(T=T, D=D, itemsize=itemsize)
    return (4 * T * T + 4 * T * D) * itemsize


def tiled_attention_bytes(
    T: int, D: int, tile: tuple[int, int], itemsize: int = 4, causal: bool = True
) -> int:
    """Bytes that attention of one head moves in tiles, without its matrix (FlashAttention's way forward).

    ``tile``: (queries, keys). Queries in and answers out once, 2 T D; keys and values, 2 D for each key, once for each
    tile of queries that visits them.
    """
    _check_positive(D=D, itemsize=itemsize)
    keys = sum(min(tile[1], T - key) for _, key in tiles(T, tile, causal))
    return (2 * T * D + 2 * D * keys) * itemsize


def tiles(T: int, tile: tuple[int, int], causal: bool = True) -> list[tuple[int, int]]:
    """(first query, first key) of each tile of the T times T scores that is computed, in order.

    ``tile``: (queries, keys). ``causal``: a tile is left out where its first key is later than its last query.
    """
    queries, keys = tile
    _check_positive(T=T, queries=queries, keys=keys)
    return [
        (query, key)
        for query in range(0, T, queries)
        for key in range(0, min(query + queries, T) if causal else T, keys)
    ]


def _check_positive(**values: int) -> None:
    for name, value in values.items():
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(
                sentence(
                    "{name}={value} must be a whole number, at least 1", name=name, value=value
                )
            )
