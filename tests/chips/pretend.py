"""A GPU that is not there, with its rules and real numbers: what breaks on one breaks here.

``Pretend = load(spec)`` before anything imports PyTorch; then inside ``Pretend(spec)`` tensors can be on "cuda" (or
"mps"). A CPU computes their numbers. What it shows:

- A CPU's tensor or generator beside one of the chip's raises, and so do ``.numpy()``, and float64 on a Mac.
- autocast, loss scaling and fused optimizers run as on the chip.
- Memory is counted; too much raises ``torch.cuda.OutOfMemoryError``. ``Pretend.most`` is the peak.
- ``waits`` counts what waits for the chip; while a CUDA graph is captured a wait raises.
- ``clock_early``: whether the clock was last read while the chip was still at work; ``early``: the functions of a
  notebook's cells that read it so.
- ``lost``: of the numbers brought to float16, the share that became 0 by it.
- ``emulated`` counts products in a format that the chip has no units for (bfloat16 before generation 8).

``hollow``: shapes alone (PyTorch's meta device), for networks of any size; a float asked for is 0, a whole number 1.

What it can't see: Triton, compiled code, real kernels and their rounding, NCCL, speed. Temporary memory inside an
operation is not counted, so the peak is a lower bound.
"""

import ctypes
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
BUILT = HERE.parents[1] / "_build" / "chips"
OF_THE_CONTEXT = 350_000_000  # bytes that CUDA and cuBLAS keep for themselves


@dataclass(frozen=True)
class Spec:
    """A chip: what PyTorch says of it. ``memory`` in bytes, of each of ``count`` alike."""

    name: str
    kind: str
    capability: tuple[int, int]
    memory: int
    count: int


CHIPS = {
    name: Spec(**about | {"capability": tuple(about["capability"])})
    for name, about in json.loads((HERE / "specs.json").read_text("utf-8")).items()
}


def load(spec: Spec) -> type:
    """Compile ``pretend.cpp``, once for each PyTorch, and load it; gives `pretend_dispatch.Pretend`.

    Raises ``RuntimeError`` if torch was imported before, or where there is no g++.
    """
    if "torch" in sys.modules:
        raise RuntimeError("load before torch: it asks only once whether there is a GPU")
    os.environ["PRETEND_COUNT"] = str(spec.count)
    library = ctypes.CDLL(str(_compiled(spec.kind)))
    import torch._dynamo  # noqa: F401 - it looks at torch.cuda's functions once: before others stand there
    from pretend_dispatch import Pretend

    Pretend.library = library
    library.pretend()
    return Pretend


def _compiled(kind: str) -> Path:
    torch_folder = Path(importlib.util.find_spec("torch").origin).parent
    source = HERE / "pretend.cpp"
    made = BUILT / f"{kind}-{importlib.metadata.version('torch')}.so"
    if made.exists() and made.stat().st_mtime > source.stat().st_mtime:
        return made
    made.parent.mkdir(parents=True, exist_ok=True)
    define = ["-DMPS_CHIP"] if kind == "mps" else []
    with tempfile.TemporaryDirectory(dir=made.parent) as folder:
        aside = Path(folder, made.name)
        try:
            subprocess.run([
                "g++", "-O1", "-shared", "-fPIC", "-std=c++20", *define, f"-I{torch_folder}/include", source,
                f"-L{torch_folder}/lib", f"-Wl,-rpath,{torch_folder}/lib", "-lc10", "-ltorch_cpu", "-o", aside,
            ], check=True)  # fmt: skip
        except FileNotFoundError as error:
            raise RuntimeError("the pretend chip needs a C++ compiler: apt install g++") from error
        aside.replace(made)
    return made
