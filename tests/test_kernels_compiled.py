"""Kernels compiled for GPUs that are not there, by Triton's own compiler: in `make all PART=kernel` alone.

It shows that a kernel is one that Triton's compiler takes, with fixed types and what its loops carry, and that it
fits into a program's shared memory on each chip. Its numbers are the interpreter's to show, its speed a real GPU's.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.skipif(
    Path(sys.prefix).name != "kernel", reason="make all PART=kernel compiles"
)
ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "06b_kernel.ipynb"
# Bytes that one program may have (CUDA C++ Programming Guide, "Technical Specifications per Compute Capability").
SHARED = {75: 64 * 1024, 80: 163 * 1024, 89: 99 * 1024, 90: 227 * 1024, 100: 227 * 1024}
CHIPS = {75: "T4", 80: "A100", 89: "L4", 90: "H100", 100: "B200"}
COMPILE = """
import json, sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
import written
found = {}
for name, signature, constants in json.loads(sys.argv[1]):
    types = signature | dict.fromkeys(constants, "constexpr")
    source = ASTSource(fn=getattr(written, name), signature=types, constexprs=constants)
    made = triton.compile(source, target=GPUTarget("cuda", int(sys.argv[2]), 32))
    units = any(word in made.asm["ptx"] for word in ("mma.sync", "wgmma", "tcgen05.mma"))
    found[name] = made.metadata.shared, units
print(json.dumps(found))
"""


def kernels_of(path: Path) -> str:
    """The cells of a notebook from @triton.jit to the kernel's last line."""
    cells = [cell.source for cell in nbformat.read(path, 4).cells if "@triton.jit\n" in cell.source]
    parts = [one for source in cells for one in source.split("@triton.jit\n")[1:]]
    written = [
        "\n".join([first, *_indented(rest)])
        for first, *rest in (part.splitlines() for part in parts)
    ]
    return "import triton\nimport triton.language as tl\n" + "".join(
        f"\n\n@triton.jit\n{one}\n" for one in written
    )


def _indented(lines: list[str]) -> list[str]:
    outside = [i for i, line in enumerate(lines) if line and line[0] not in " )"]
    return lines[: outside[0]] if outside else lines


def compiled(capability: int, kernels: list, folder: Path) -> dict:
    """For each kernel, the bytes of shared memory, and whether it multiplies with the chip's matrix units."""
    (folder / "written.py").write_text(kernels_of(NOTEBOOK), "utf-8")
    clean = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, json.dumps(kernels), str(capability)],
        env=clean | {"TRITON_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def attention(dtype: str, tile: tuple[int, int]) -> list:
    tensors = dict.fromkeys(("Q", "K", "V", "OUT"), f"*{dtype}")
    sizes = {"D": 64, "QUERIES": tile[0], "KEYS": tile[1]}
    return ["flash_kernel", tensors | {"T": "i32", "scale": "fp32"}, sizes]


ADD = ["add_kernel", {"X": "*fp32", "Y": "*fp32", "SUM": "*fp32", "N": "i32"}, {"BLOCK": 32}]
SOFTMAX = ["softmax_kernel", {"X": "*fp32", "Y": "*fp32", "N": "i32"}, {"PIECE": 32}]


@pytest.mark.parametrize("tile", [(32, 32), (64, 64)], ids=str)
@pytest.mark.parametrize("dtype", ["fp16", "fp32"])
@pytest.mark.parametrize("capability", CHIPS, ids=CHIPS.get)
def test_the_chapter_s_kernels_compile_and_fit(capability, dtype, tile, tmp_path):
    found = compiled(capability, [ADD, SOFTMAX, attention(dtype, tile)], tmp_path)
    shared, units = found.pop("flash_kernel")
    assert 0 < shared <= SHARED[capability]
    assert [with_units for _, with_units in found.values()] == [False, False]
    # float32 is multiplied exactly, as "ieee" asks; for a T4's matrix units Triton has no way any more.
    assert units == (dtype == "fp16" and capability >= 80)


def test_what_does_not_fit_is_seen(tmp_path):
    """In float32, 128 queries and 64 keys are more than a T4 holds."""
    ((shared, _),) = compiled(75, [attention("fp32", (128, 64))], tmp_path).values()
    assert shared > SHARED[75]
