"""Chips that this machine lacks are played by monkeypatched PyTorch."""

import contextlib
import ctypes
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from nbutils import device
from nbutils.device import Chip, measure_peak, memory_kept, pick

CPU = Chip(torch.device("cpu"), torch.float32, "CPU with 1 thread")


@pytest.fixture
def gpus(monkeypatch):
    """Call it with (name, capability) to put such a GPU in this machine."""
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)

    def put(name, capability, count=1, programs=()):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda which: name)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda which: capability)
        monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: programs)

    return put


@pytest.fixture
def only_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.parametrize(
    "name, capability, dtype, scaler",
    [
        ("NVIDIA H200", (9, 0), torch.bfloat16, False),
        ("NVIDIA A100", (8, 0), torch.bfloat16, False),
        ("Tesla T4", (7, 5), torch.float16, True),
        ("Tesla V100", (7, 0), torch.float16, True),
        ("Tesla P100", (6, 0), torch.float32, False),
    ],
)
def test_each_gpu_gets_the_format_that_it_does_fast(gpus, name, capability, dtype, scaler):
    gpus(name, capability)
    chip = pick()
    assert chip == Chip(torch.device("cuda"), dtype, name, scaler)
    assert pick("cuda") == chip
    assert str(chip).startswith(f"{name}, {str(dtype).removeprefix('torch.')}")
    assert ("loss scaling" in str(chip)) == scaler


def test_the_environment_may_choose_where_auto_would(gpus, monkeypatch):
    gpus("NVIDIA A100", (8, 0))
    monkeypatch.setenv("NBUTILS_DEVICE", "cpu")
    assert pick().device == torch.device("cpu") and pick("cuda").device == torch.device("cuda")
    monkeypatch.setenv("NBUTILS_DEVICE", "")
    assert pick().device == torch.device("cuda")
    monkeypatch.setenv("NBUTILS_DEVICE", "tpu")
    with pytest.raises(ValueError, match="NBUTILS_DEVICE: .*'tpu'"):
        pick()


def test_a_numbered_gpu(gpus):
    gpus("NVIDIA A100", (8, 0), count=2)
    assert pick("cuda:1").device == torch.device("cuda:1")
    with pytest.raises(
        ValueError, match="'cuda:2': PyTorch sees 2 CUDA GPUs here; use one up to \"cuda:1\""
    ):
        pick("cuda:2")
    gpus("NVIDIA A100", (8, 0))
    with pytest.raises(ValueError, match='sees 1 CUDA GPU here; use one up to "cuda"; .* its own'):
        pick("cuda:1")


WHEEL = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]  # PyPI's PyTorch, for Linux


@pytest.mark.parametrize(
    "capability, programs, fits",
    [
        ((7, 5), WHEEL, True),
        ((8, 9), WHEEL, True),  # a program for 8.6 runs on all later ones of generation 8
        ((8, 0), ["sm_86"], False),
        ((7, 0), WHEEL, False),  # V100
        ((6, 0), WHEEL, False),  # P100
        ((12, 1), WHEEL, True),
        ((13, 0), WHEEL, False),
        ((13, 0), [*WHEEL, "compute_120"], True),  # translated when it is first used
        ((6, 1), [], True),  # tells nothing
    ],
)
def test_a_card_for_which_pytorch_has_no_programs_is_passed_over(gpus, capability, programs, fits):
    gpus("Some card", capability, programs=programs)
    if fits:
        assert pick().device == torch.device("cuda") == pick("cuda").device
        return
    with pytest.warns(UserWarning, match=r"Some card has compute capability .*; the CPU computes"):
        assert pick().device == torch.device("cpu")
    with pytest.raises(ValueError, match="device='cuda': Some card has compute capability"):
        pick("cuda")


def test_the_second_card_computes_where_the_first_can_not(gpus, monkeypatch):
    gpus("Two cards", (7, 5), count=2, programs=WHEEL)
    capability = lambda index: [(6, 0), (8, 0)][torch.device("cuda", index).index]  # noqa: E731
    monkeypatch.setattr(
        torch.cuda,
        "get_device_capability",
        lambda which: capability(getattr(which, "index", which) or 0),
    )
    assert pick().device == torch.device("cuda:1") and pick().dtype == torch.bfloat16


def test_free_memory_counts_what_pytorch_keeps_and_does_not_use(monkeypatch):
    chip = Chip(torch.device("cuda"), torch.float16, "Tesla T4")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda which: (5_000, 16_000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda which: 900)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda which: 200)
    assert device.free_memory(chip) == 5_700 and device.memory(chip) == 16_000
    assert device.free_memory(CPU) == device.memory(CPU)
    monkeypatch.setattr(device, "memory", lambda chip: None)
    assert device.free_memory(CPU) == float("inf")


@pytest.mark.parametrize(
    "error, full",
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("Invalid buffer size: 24.00 GiB"), True),  # of a Mac
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("CUDA error: device-side assert triggered"), False),
        (ValueError("a memory"), False),
    ],
)
def test_out_of_memory_is_known_on_every_chip(error, full):
    assert device.out_of_memory(error) == full


def test_an_apple_gpu(only_cpu, monkeypatch):
    with pytest.raises(ValueError, match="no Apple GPU"):
        pick("mps")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    device._apple.cache_clear()
    monkeypatch.setattr(
        device.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout="Apple M4\n")
    )
    assert pick() == pick("mps") == Chip(torch.device("mps"), torch.float32, "Apple M4 GPU")
    with pytest.raises(ValueError, match="'mps:1': a Mac has one GPU"):
        pick("mps:1")

    def unknown(*_, **__):
        raise FileNotFoundError("sysctl")

    device._apple.cache_clear()
    monkeypatch.setattr(device.subprocess, "run", unknown)
    assert pick("mps").name == "Apple GPU"
    device._apple.cache_clear()


@pytest.mark.parametrize(
    "features, dtype",
    [
        ({"avx2", "amx_bf16"}, torch.bfloat16),
        ({"avx512_bf16"}, torch.bfloat16),
        ({"avx2", "avx512_f"}, torch.float32),
    ],
)
def test_the_cpu_by_what_pytorch_says(only_cpu, monkeypatch, features, dtype):
    said = {name: name in features for name in ("avx2", "avx512_f", "avx512_bf16", "amx_bf16")}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: said)
    assert pick() == pick("cpu")
    assert pick().dtype == dtype


@pytest.mark.parametrize("name", ["gpu", "", "tpu", "cuda:x", "xla", "meta"])
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match=f"device='{name}' is none of"):
        pick(name)


@pytest.mark.parametrize("n", [0, -1])
def test_a_peak_of_no_matrix_is_refused(n):
    with pytest.raises(ValueError, match=f"n={n} must be at least 1"):
        measure_peak(CPU, 0.01, n)


def test_a_chip_is_no_name():
    with pytest.raises(ValueError, match="is none of"):
        pick(CPU)


def test_no_gpu_is_named(only_cpu):
    with pytest.raises(ValueError, match="'cuda': PyTorch sees 0 CUDA GPUs"):
        pick("cuda")


def test_the_line_for_a_learner():
    assert str(CPU).startswith("CPU with 1 thread, float32 (")
    chip = pick("cpu")
    assert "\n" not in str(chip) and str(torch.get_num_threads()) in str(chip)


def test_autocast_shortens_products_and_only_there():
    a = torch.randn(4, 4)
    assert isinstance(CPU.autocast(), contextlib.nullcontext)
    with Chip(torch.device("cpu"), torch.bfloat16, "CPU").autocast():
        assert (a @ a).dtype == torch.bfloat16
    assert (a @ a).dtype == torch.float32


def test_the_peak_is_what_a_product_reaches(monkeypatch):
    products = [(0.0, 0.5), (0.6, 0.85), (0.9, 1.9)]  # seconds at which each begins and ends
    ticks = [0.0]  # the first asks for the time at which to stop
    for start, end in products:
        ticks += [start, start, end]  # "is there time?", begin, end
    ticks = iter([*ticks, 1.9])
    monkeypatch.setattr(device.time, "perf_counter", lambda: next(ticks))
    assert measure_peak(CPU, seconds=1.5) == pytest.approx(2 * 1024**3 / 0.25)


@pytest.mark.parametrize("size", [0, 1.5])
def test_a_copy_of_no_whole_byte_is_refused(size):
    with pytest.raises(ValueError, match=f"size={size} must be (at least 1|a whole number)"):
        device.measure_bandwidth(CPU, 0.01, size)


def test_bandwidth_counts_what_is_read_and_what_is_written(monkeypatch):
    monkeypatch.setattr(device, "_fastest_of", lambda action, seconds: action().numel() / 8e9)
    assert device.measure_bandwidth(CPU, size=1000) == 16e9


def test_a_real_bandwidth_is_plausible():
    assert 1e8 < device.measure_bandwidth(pick("cpu"), seconds=0.05, size=1_000_000) < 1e13


def test_the_fastest_of_several_runs_counts_after_one_that_does_not(monkeypatch):
    events, ticks = [], iter([0.0, 0.5, 1.0, 1.2, 2.0, 2.9])
    monkeypatch.setattr(device, "synchronize", lambda chip: events.append("wait"))
    monkeypatch.setattr(device.time, "perf_counter", lambda: events.append("clock") or next(ticks))
    assert device.fastest_time(CPU, lambda: events.append("run"), 3) == pytest.approx(0.2)
    assert events == ["run", *["wait", "clock", "run", "wait", "clock"] * 3]
    with pytest.raises(ValueError, match="times=0 must be at least 1"):
        device.fastest_time(CPU, int, 0)


def test_a_real_peak_is_plausible():
    assert 1e8 < measure_peak(pick("cpu"), seconds=0.05) < 1e15


FAULTS = """
import resource
import torch
from nbutils.device import memory_kept, pick

def faults(times=20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        torch.ones(2**24)  # 64 MB, more than the C library ever keeps by itself
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / times

with memory_kept(pick("cpu")):
    faults()
    print(faults())
print(faults())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no getrusage and no glibc")
def test_memory_is_kept_inside_and_given_back_after():
    """Many megabytes are freed each time: outside, each time they are asked for anew.

    In a program of its own: here other tests may have run out of memory, see `memory_kept`.
    """
    if not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("not glibc")
    done = subprocess.run(
        [sys.executable, "-c", FAULTS],
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=300,
    )
    inside, outside = map(float, done.stdout.split())
    assert inside < 100
    assert outside > 1000


def test_memory_of_other_chips_is_left_alone():
    with memory_kept(Chip(torch.device("meta"), torch.float32, "none")):
        torch.ones(3)
