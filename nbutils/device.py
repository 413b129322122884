"""Which chip computes, in which number format, and how fast it multiplies matrices.

**Where tensors are.** One rule for the whole package:

- Everything begins on the CPU: a new network, one that ``GPT.from_pretrained`` or `nbutils.recipes`
  reads, a tensor made of a list. Only who says so moves it: ``model.to(chip.device)``,
  ``Windows(..., device=chip.device)``.
- ``training.train`` computes on the chip, and at its end, however it ends, gives the network back where
  it found it. (Networks shared out among processes stay shared out.)
- Who asks a network takes ids from anywhere and brings them to the network: ``sampling.generate`` and
  ``stream``, ``trace``, ``evaluation.evaluate`` and ``document_losses``. New tokens come back to where the
  prompt was, losses are plain numbers, a trace stays with its network.
- ``model(tokens)`` itself moves nothing: it says which of the two is where.
- The exercises' ``YourGPT`` and its ``train``, ``evaluate`` and ``write`` keep the same rule.
"""

import contextlib
import ctypes
import functools
import gc
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from nbutils.arguments import finite, of_type, shown, whole
from nbutils.words import sentence

# PyTorch's words on a CPU, a GPU and a Mac, and those of NVIDIA's libraries (cuBLAS, cuDNN).
_OUT_OF_MEMORY = r"out of memory|allocate memory|enough memory|_ALLOC_FAILED|Invalid buffer size"
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4  # malloc.h


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
            return sentence(
                "{name}, {dtype} (this chip gains nothing sure from a shorter format)",
                name=_named(self.name),
                dtype=dtype,
            )
        return sentence(
            "{name}, {dtype} with loss scaling (this chip multiplies matrices faster in it)"
            if self.scaler
            else "{name}, {dtype} (this chip multiplies matrices faster in it)",
            name=_named(self.name),
            dtype=dtype,
        )

    def autocast(self) -> contextlib.AbstractContextManager:
        """Inside it, matrix products run in ``dtype``; sums that need care stay float32."""
        if self.dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype)


def pick(device: str | torch.device = "auto") -> Chip:
    """The chip for a name: "auto", "cpu", "cuda", "cuda:1" or "mps".

    "auto" is the one that the environment variable ``NBUTILS_DEVICE`` names (empty is as if not set),
    else the fastest here. A GPU for which this PyTorch has no kernels is passed over, with a warning.

    Raises ``ValueError`` for another name, for a chip that this machine lacks, and for a GPU that this
    PyTorch can't use.
    """
    if not isinstance(device, str | torch.device):
        raise _unknown(device)
    wish = os.environ.get("NBUTILS_DEVICE") or "auto"
    if device == "auto" != wish:
        try:
            return pick(wish)
        except ValueError as error:
            raise ValueError(
                sentence("the environment variable NBUTILS_DEVICE: {error}", error=error)
            ) from error
    if device == "auto":
        device = _fastest()
    try:
        found = torch.device(device)
    except (RuntimeError, ValueError) as error:
        raise _unknown(device) from error
    makers = {"cuda": _cuda, "mps": _mps, "cpu": _cpu}
    if found.type not in makers:
        raise _unknown(device)
    return makers[found.type](found)


def cpp_compiler() -> str | None:
    """The C++ compiler that torch.compile would use on a CPU; None if it finds none."""
    from torch._inductor.cpp_builder import get_cpp_compiler

    try:
        return get_cpp_compiler()
    except RuntimeError:  # torch._inductor.exc.InvalidCxxCompiler
        return None


def unfit_for_compiler() -> str:
    """What to change because torch.compile can't give a folder to a C++ compiler; "" if all are fit.

    PyTorch joins the compiler's words and cuts them again, without quotes around the folders.
    """
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    windows = os.name == "nt"
    variables = {
        tempfile.gettempdir(): "TMP" if windows else "TMPDIR",
        default_cache_dir(): "LOGNAME",
        os.environ.get("TORCHINDUCTOR_CACHE_DIR", ""): "TORCHINDUCTOR_CACHE_DIR",
    }
    if not windows:  # where it does quote PyTorch's own
        variables[os.path.dirname(torch.__file__)] = ""
    for folder, variable in variables.items():
        if re.search(r"[\s'\"]" if windows else r"[\s'\"\\]", folder):
            return _unfit(repr(folder), variable)
    return ""


def _unfit(folder: str, variable: str) -> str:
    """What to do about a folder that is in the way; ``variable`` moves it, "" if it is PyTorch's own."""
    if not variable:
        return sentence(
            "install PyTorch in a folder without blanks, quotes and backslashes, before Python starts: "
            "torch.compile can't work in {folder}",
            folder=folder,
        )
    return sentence(
        "set LOGNAME to a name without blanks, quotes and backslashes, before Python starts: "
        "torch.compile can't work in {folder}"
        if variable == "LOGNAME"
        else "set {variable} to a folder without blanks, quotes and backslashes, before Python starts: "
        "torch.compile can't work in {folder}",
        folder=folder,
        variable=variable,
    )


@contextlib.contextmanager
def memory_kept(chip: Chip) -> Iterator[None]:
    """Inside it, memory that tensors on a CPU free stays with the program for the next ones.

    Otherwise the C library gives large pieces back at once, and each update gets them anew from
    the system, page by page and zeroed: a fifth of a training step's time. A GPU's memory PyTorch
    keeps by itself. Does something on Linux with its usual C library, glibc, alone. The program's
    memory then stays at its peak until the end.

    A program whose main thread was once refused memory no longer gains by it: there the C library
    takes from another pool from then on, whose pieces of 64 MB or more always go back.

    Source: mallopt(3). The C library adjusts its limits by itself until they are first set;
    afterwards they are what it would have come to.
    """
    c = ctypes.CDLL(None) if chip.device.type == "cpu" and sys.platform == "linux" else None
    if not hasattr(c, "mallopt") or not hasattr(c, "malloc_trim"):
        yield
        return
    c.mallopt(_MMAP_MAX, 0)
    c.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield
    finally:
        c.mallopt(_MMAP_MAX, 65536)
        c.mallopt(_MMAP_THRESHOLD, 32 * 2**20)
        c.mallopt(_TRIM_THRESHOLD, 64 * 2**20)
        c.malloc_trim(0)


def _fastest() -> str:
    """The name of the first GPU that PyTorch can use, else "mps" or "cpu"."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    lacking = [_lacks_kernels(index) for index in range(count)]
    if None in lacking:
        first = lacking.index(None)
        return f"cuda:{first}" if first else "cuda"
    for told in lacking:
        warnings.warn(sentence("{told}; the CPU computes", told=told), stacklevel=4)
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _lacks_kernels(index: int) -> str | None:
    """Why this PyTorch can't compute on the GPU of this number; None if it can.

    A kernel (a GPU's program) for sm_75 runs on 7.5 and later ones of generation 7; one in the intermediate form
    (compute_90) is translated on 9.0 and all that follow.

    Source: NVIDIA, CUDA C++ Programming Guide, "Application Compatibility".
    """
    has = torch.cuda.get_device_capability(index)
    found = re.findall(r"(sm|compute)_(\d+)(\d)", " ".join(torch.cuda.get_arch_list()))
    made_for = [(kind, int(generation), int(minor)) for kind, generation, minor in found]
    usable = [
        (generation, minor) <= has and (kind == "compute" or generation == has[0])
        for kind, generation, minor in made_for
    ]
    if any(usable) or not usable:  # an empty list tells nothing
        return None
    oldest = ".".join(map(str, min((generation, minor) for _, generation, minor in made_for)))
    return sentence(
        "{name} has compute capability {has}, and this PyTorch has kernels for {oldest} and newer only",
        name=torch.cuda.get_device_name(index),
        has=f"{has[0]}.{has[1]}",
        oldest=oldest,
    )


def memory(chip: Chip) -> int | None:
    """Bytes that the chip has in all, whoever uses them now; None where the system does not say."""
    if chip.device.type == "cuda":
        return torch.cuda.mem_get_info(chip.device)[1]
    if chip.device.type == "mps":
        return torch.mps.recommended_max_memory()
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", ()):  # Windows
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def free_memory(chip: Chip) -> float:
    """Bytes that this program can still take on the chip; infinite where the system does not say.

    On a GPU, what no program holds and what PyTorch keeps here without using it; elsewhere all that the
    chip has, since what is free there changes from moment to moment.
    """
    if chip.device.type == "cuda":
        idle = torch.cuda.memory_reserved(chip.device) - torch.cuda.memory_allocated(chip.device)
        return torch.cuda.mem_get_info(chip.device)[0] + idle
    return memory(chip) or float("inf")


def empty_cache(chip: Chip) -> None:
    """Give back what no tensor on the chip uses any more, so that what comes next finds it in one piece."""
    gc.collect()
    if chip.device.type in ("cuda", "mps"):
        getattr(torch, chip.device.type).empty_cache()


def synchronize(chip: Chip) -> None:
    """Wait until the chip has done all that was asked of it. A GPU answers before it is done."""
    if chip.device.type == "cuda":
        torch.cuda.synchronize(chip.device)
    elif chip.device.type == "mps":
        torch.mps.synchronize()


def cpu_by_default() -> contextlib.AbstractContextManager:
    """Inside it new tensors are on the CPU, whatever ``torch.set_default_device`` was told."""
    elsewhere = torch.get_default_device().type != "cpu"
    return torch.device("cpu") if elsewhere else contextlib.nullcontext()


def out_of_memory(error: BaseException) -> bool:
    """Whether that is what an error says, on a CPU, a GPU or a Mac."""
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or bool(re.search(_OUT_OF_MEMORY, str(error)))


def missing_memory(error: BaseException) -> str:
    """By how much memory was too small, as PyTorch says it on a CPU, a GPU or a Mac; empty if it does not."""
    message = str(error)
    asked = re.search(r"ried to allocate ([\d.]+) ?(\w+)", message)
    free = re.search(r"of which ([\d.]+ \w+) is free", message)
    if asked is None:
        return ""
    amount, unit = asked.groups()
    if unit == "bytes":
        amount, unit = f"{int(amount) / 2**20:,.2f}", "MiB"
    return sentence(
        ": {amount} {unit} more were needed, and {free} are free"
        if free
        else ": {amount} {unit} more were needed",
        amount=amount,
        unit=unit,
        free=free and free[1],
    )


def processor() -> str:
    """The processor's own name where the system tells it, and how many cores it has here."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text("utf-8") if cpuinfo.exists() else ""
    named = re.search(r"model name\s*: (.+)", text)
    name = named[1] if named else platform.processor() or platform.machine()
    amx = " with AMX" if "amx_bf16" in text else ""
    return f"{name}{amx}, {os.cpu_count()} cores"


def measuring() -> bool:
    """Whether the environment variable NBUTILS_MEASURE asks for asserts about time.

    `make measure` sets it, on a machine that does nothing else. Elsewhere a notebook's speeds are
    shown and not judged: a busy machine is no mistake.
    """
    return bool(os.environ.get("NBUTILS_MEASURE"))


def measure_peak(chip: Chip, seconds: float = 0.5, n: int | None = None) -> float:
    """The most floating-point operations a second that one large matrix product reached here.

    What a training run gets is judged against this and not against the maker's number, which
    no real program meets. Takes about ``seconds``. ``n``: rows and columns of the two matrices; None:
    8,192 on a CUDA GPU and 4,096 on a Mac's, which are too fast for smaller ones, elsewhere 1,024.

    Raises ``ValueError`` for an ``n`` below 1.
    """
    _check_chip(chip)
    usual = {"cuda": 8192, "mps": 4096}.get(chip.device.type, 1024)
    n = whole("n", n, 1, 2**31, or_none="None for what suits the chip") or usual
    a, b = (torch.randn(n, n, device=chip.device).to(chip.dtype) for _ in range(2))
    # n * n sums of n products: a multiplication and an addition each
    return 2 * n**3 / _fastest_of(lambda: a @ b, seconds)


def measure_bandwidth(chip: Chip, seconds: float = 0.5, size: int = 128_000_000) -> float:
    """The most bytes a second that copying a tensor of ``size`` bytes moved here, read and written.

    The other limit of a program beside `measure_peak`. A tensor that fits a chip's cache is copied
    faster than one that only its memory holds: ask with the size of what your program goes through.

    Raises ``ValueError`` for a ``size`` below 1.
    """
    _check_chip(chip)
    size = whole("size", size, 1)
    source = torch.ones(size, dtype=torch.uint8, device=chip.device)
    copy = torch.empty_like(source)
    return 2 * size / _fastest_of(lambda: copy.copy_(source), seconds)


def _fastest_of(action: Callable[[], torch.Tensor], seconds: float) -> float:
    """Seconds of the fastest of all calls that fit: other programs can only make one slower."""
    seconds = finite("seconds", seconds, below=3600)
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end or best == float("inf"):
        start = time.perf_counter()
        action().view(-1)[0].item()  # waits for a GPU, which otherwise answers before it is done
        best = min(best, time.perf_counter() - start)
    return best


def fastest_time(chip: Chip, action: Callable[[], object], times: int = 5) -> float:
    """The seconds of the fastest of so many runs of an action, after one that is not counted.

    Other programs can only make a run slower, so the fastest counts. It waits for a GPU before and after.

    Raises ``ValueError`` for ``times`` below 1.
    """
    _check_chip(chip)
    times = whole("times", times, 1)
    if not callable(action):
        raise ValueError(
            sentence("action={action} must be a function without arguments", action=shown(action))
        )
    action()
    seconds = []
    for _ in range(times):
        synchronize(chip)
        start = time.perf_counter()
        action()
        synchronize(chip)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _check_chip(chip: Chip) -> None:
    of_type("chip", chip, Chip, "give one, such as device.pick()")


def _unknown(device: str | torch.device) -> ValueError:
    return ValueError(
        sentence(
            'device={device} is none of "auto", "cpu", "cuda", "cuda:1" (the second GPU), "mps"',
            device=shown(device),
        )
    )


def _no_such_gpu(device: str, count: int) -> str:
    if not count:
        return sentence(
            'device={device}: PyTorch sees 0 CUDA GPUs here; use device="cpu", or on Colab choose a GPU under '
            "Runtime, Change runtime type",
            device=device,
        )
    return sentence(
        'device={device}: PyTorch sees {count} CUDA GPUs here; use one up to "cuda:{last}"; of several '
        "processes each takes its own"
        if count > 1
        else 'device={device}: PyTorch sees 1 CUDA GPU here; use one up to "cuda"; of several processes '
        "each takes its own",
        device=device,
        count=count,
        last=count - 1,
    )


def _cuda(device: torch.device) -> Chip:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (device.index or 0) >= count:
        raise ValueError(_no_such_gpu(repr(str(device)), count))
    if told := _lacks_kernels(device.index or 0):
        raise ValueError(
            sentence(
                'device={device}: {told}; use device="cpu", or a PyTorch that was built for this card',
                device=repr(str(device)),
                told=told,
            )
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
        raise ValueError(sentence("device='mps': PyTorch sees no Apple GPU here; use device='cpu'"))
    if device.index:
        raise ValueError(
            sentence(
                "device={device}: a Mac has one GPU; use device='mps'", device=repr(str(device))
            )
        )
    # Autocast came to MPS late and differs between macOS versions: float32 is right on all.
    return Chip(device, torch.float32, _apple())


@functools.cache
def _apple() -> str:
    """The chip's name, such as "Apple M4 GPU"; "Apple GPU" where the system does not tell."""
    asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        told = subprocess.run(
            asked, capture_output=True, encoding="utf-8", check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        told = ""
    return f"{told or 'Apple'} GPU"


def _cpu(device: torch.device) -> Chip:
    threads = torch.get_num_threads()
    name = f"CPU with {threads} thread{'s' if threads > 1 else ''}"
    return Chip(device, torch.bfloat16 if _cpu_has_bfloat16() else torch.float32, name)


def _named(name: str) -> str:
    """A chip's name for a reader; the one that `_cpu` gives is made of English words."""
    if found := re.fullmatch(r"CPU with (\d+) threads?", name):
        return sentence(
            "CPU with {threads} thread" if found[1] == "1" else "CPU with {threads} threads",
            threads=found[1],
        )
    return name


def _cpu_has_bfloat16() -> bool:
    """Whether the CPU has AMX or AVX512-BF16, by what PyTorch can tell."""
    found = {name for name, has in torch.cpu.get_capabilities().items() if has}
    return bool(found & {"amx_bf16", "avx512_bf16"})
