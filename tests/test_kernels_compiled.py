"""Chapter 6b's kernels, translated by Triton for cards that are not here: what the chapter says of them.

`make all PART=kernel` has an environment with Triton. Its compiler needs no GPU; only running does. ``python
tests/test_kernels_compiled.py`` prints as JSON what came out: a process of its own, for Triton either interprets or
compiles, as its first import decides.
"""

import importlib.util
import json
import linecache
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

PATH = Path(__file__).parents[1] / "notebooks" / "06b_kernel.ipynb"
CELLS = {
    "add_kernel": "add-kernel",
    "softmax_kernel": "softmax-kernel",
    "flash_kernel": "flash-kernel",
}
SIZES = {"BLOCK": 32, "PIECE": 32, "D": 64, "QUERIES": 64, "KEYS": 64}
NUMBERS = {"N": "i32", "T": "i32", "scale": "fp32"}
SHARED = {75: 64 * 1024, 80: 163 * 1024, 90: 227 * 1024}
"""Bytes of shared memory that a block may have, by compute capability (T4, A100, H100): NVIDIA's tuning guides."""
FORMATS = [*((name, "fp32") for name in CELLS), ("flash_kernel", "fp16")]


def main() -> None:
    """Translate each kernel for each card and print its shared memory and whether it uses matrix units."""
    made = {
        f"{name} {number} {capability}": translated(name, number, capability)
        for name, number in FORMATS
        for capability in SHARED
    }
    print(json.dumps(made))


def translated(name: str, number: str, capability: int) -> dict:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    function = kernel(name)
    sizes = {argument: SIZES[argument] for argument in function.arg_names if argument in SIZES}
    signature = {
        argument: "constexpr" if argument in sizes else NUMBERS.get(argument, f"*{number}")
        for argument in function.arg_names
    }
    source = ASTSource(fn=function, signature=signature, constexprs=sizes)
    made = triton.compile(source, target=GPUTarget("cuda", capability, 32))
    units = any(word in made.asm["ptx"] for word in ("mma.sync", "wgmma.mma_async"))
    return {"shared": made.metadata.shared, "units": units}


def kernel(name: str):
    """The chapter's kernel, made of its cell. Triton reads its lines where a notebook keeps them."""
    import triton
    import triton.language as tl

    cells = {cell.id: cell.source for cell in nbformat.read(PATH, as_version=4).cells}
    source, names = cells[CELLS[name]], {"triton": triton, "tl": tl}
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), names)
    return names[name]


@pytest.fixture(scope="module")
def made() -> dict:
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed here; make all PART=kernel has it")
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, __file__],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("capability", SHARED)
@pytest.mark.parametrize("name, number", FORMATS)
def test_every_kernel_is_translated_and_fits(made, name, number, capability):
    assert 0 <= made[f"{name} {number} {capability}"]["shared"] <= SHARED[capability]


@pytest.mark.parametrize("capability, units", [(75, False), (80, True), (90, True)])
def test_products_use_the_matrix_units_from_ampere_on(made, capability, units):
    assert made[f"flash_kernel fp16 {capability}"]["units"] is units


if __name__ == "__main__":
    main()
