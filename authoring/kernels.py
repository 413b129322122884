"""The loops of a training step in the page, from C to WebAssembly: python -m authoring.kernels

`make kernels` is the same. It compiles nbutils/figures/moving/engine/kernels.c twice with PyPI's ``ziglang``, a whole
clang that needs nothing beside it, and stores both in wasm.json there, as base64: with relaxed SIMD, which multiplies
and adds in one instruction, and with the SIMD that every browser has had since 2023. Beside them stands the SHA-256 of
what they were made of, so that `make test` sees that they are of the source as it is without a compiler; `make all
PART=package` compiles them again and compares the bytes.
"""

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENGINE = ROOT / "nbutils" / "figures" / "moving" / "engine"
SOURCE, BUILT = ENGINE / "kernels.c", ENGINE / "wasm.json"
REQUIREMENTS = ROOT / "requirements-wasm.txt"
PYTHON = ROOT / ".venv" / "wasm" / "bin" / "python"  # which has ziglang: see the Makefile
# Not unrolled and not vectorized anew: the loops are written with four numbers at a time, and stay small.
FLAGS = (
    *("--target=wasm32-freestanding", "-msimd128", "-O2", "-nostdlib"),
    *("-fno-unroll-loops", "-fno-vectorize", "-fno-builtin-memset"),
    *("-Wl,--no-entry", "-Wl,-s", "-Wl,-z,stack-size=4096", "-Wl,--export=__heap_base"),
)
WAYS = {"relaxed": ("-mrelaxed-simd", "-DRELAXED"), "simd": ()}
"""What is built, the fastest first, and its flags."""


def fingerprint() -> str:
    """SHA-256 of all that decides the bytes: the source, the flags, the compiler's version."""
    made_of = [SOURCE.read_text("utf-8"), *FLAGS, str(WAYS), compiler()]
    return hashlib.sha256("\n".join(made_of).encode()).hexdigest()


def compiler() -> str:
    """The one that is pinned: ``ziglang==…``."""
    lines = REQUIREMENTS.read_text("utf-8").splitlines()
    return next(line.split()[0] for line in lines if line.startswith("ziglang=="))


def build(python: str) -> dict[str, bytes]:
    """WebAssembly by way, compiled by the ``ziglang`` of that Python."""
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for way, flags in WAYS.items():
            out = Path(folder, f"{way}.wasm")
            command = [python, "-m", "ziglang", "cc", *FLAGS, *flags, "-o", str(out), SOURCE.name]
            subprocess.run(command, cwd=ENGINE, check=True)
            made[way] = out.read_bytes()
    return made


def stored() -> dict[str, bytes]:
    """WebAssembly by way, as the pages have it."""
    built = json.loads(BUILT.read_text("utf-8"))
    return {way: base64.b64decode(built[way]) for way in WAYS}


def main() -> None:
    made = build(sys.executable)
    encoded = {way: base64.b64encode(code).decode() for way, code in made.items()}
    table = {"made": "make kernels", "sha256": fingerprint(), **encoded}
    BUILT.write_text(json.dumps(table, indent=1) + "\n", "utf-8")
    print(", ".join(f"{way}: {len(code):,} bytes" for way, code in made.items()))


if __name__ == "__main__":
    main()
