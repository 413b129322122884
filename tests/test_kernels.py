"""Kernels in Triton's language: compared with PyTorch; their bytes with formulas; each mistake told by name.

In `make test` the stand-in runs them, in `make all PART=kernel` Triton's own interpreter: the same kernels.
"""

import math
import os
import sys
import textwrap
import types

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from nbutils import device, kernels
from nbutils.kernels import launch, standin
from nbutils.kernels.held import KernelError
from nbutils.kernels.memory import Moved

CPU = device.pick("cpu")
triton, tl, told = kernels.language(CPU)
INTERPRETED = "interpreter" in told
BFLOAT16 = pytest.param(
    torch.bfloat16,
    marks=pytest.mark.skipif(
        INTERPRETED, reason="Triton 3.7.1's interpreter adds bfloat16 as whole numbers"
    ),
)
SHORT = {
    torch.float32: 1e-5,
    torch.float16: 3e-3,
    torch.bfloat16: 2e-2,
}  # the errors of a sum of numbers around 1


@triton.jit
def add_kernel(X, Y, Z, N, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < N
    tl.store(Z + at, tl.load(X + at, mask=inside) + tl.load(Y + at, mask=inside), mask=inside)


@triton.jit
def softmax_kernel(X, Y, N, BLOCK: tl.constexpr):
    row = tl.program_id(0) * N
    largest, total = -float("inf"), 0.0
    for start in range(0, N, BLOCK):
        at = start + tl.arange(0, BLOCK)
        x = tl.load(X + row + at, mask=at < N, other=-float("inf")).to(tl.float32)
        new = tl.maximum(largest, tl.max(x, 0))
        total = total * tl.exp(largest - new) + tl.sum(tl.exp(x - new), 0)
        largest = new
    for start in range(0, N, BLOCK):
        at = start + tl.arange(0, BLOCK)
        x = tl.load(X + row + at, mask=at < N).to(tl.float32)
        tl.store(Y + row + at, tl.exp(x - largest) / total, mask=at < N)


@triton.jit
def rows_of(X, first, n, T, D: tl.constexpr):
    """Tokens first to first + n of a head: addresses, and which of them there are."""
    token = first + n
    return X + token[:, None] * D + tl.arange(0, D)[None, :], token[:, None] < T


@triton.jit
def flash_kernel(
    Q, K, V, OUT, T, scale, D: tl.constexpr, M: tl.constexpr, N: tl.constexpr, CAUSAL: tl.constexpr
):
    head = tl.program_id(1) * T * D
    first = tl.program_id(0) * M
    m, n = first + tl.arange(0, M), tl.arange(0, N)
    at, inside = rows_of(Q + head, first, tl.arange(0, M), T, D)
    q = tl.load(at, mask=inside, other=0.0)
    out = tl.zeros((M, D), tl.float32)
    largest, total = tl.full((M,), -float("inf"), tl.float32), tl.zeros((M,), tl.float32)
    end = tl.minimum(first + M, T) if CAUSAL else T
    for key in range(0, end, N):
        at, inside = rows_of(K + head, key, n, T, D)
        scores = (
            tl.dot(q, tl.trans(tl.load(at, mask=inside, other=0.0)), input_precision="ieee") * scale
        )
        seen = (key + n)[None, :] < T
        if CAUSAL:
            seen = seen & (m[:, None] >= (key + n)[None, :])
        scores = tl.where(seen, scores, -float("inf"))
        new = tl.maximum(largest, tl.max(scores, 1))
        weights, shrink = tl.exp(scores - new[:, None]), tl.exp(largest - new)
        at, inside = rows_of(V + head, key, n, T, D)
        v = tl.load(at, mask=inside, other=0.0)
        out = out * shrink[:, None] + tl.dot(weights.to(v.dtype), v, input_precision="ieee")
        total = total * shrink + tl.sum(weights, 1)
        largest = new
    at, inside = rows_of(OUT + head, first, tl.arange(0, M), T, D)
    tl.store(at, out / total[:, None], mask=inside)


@triton.jit
def formats_kernel(X, Y, OUT, scale, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x, y = tl.load(X + at), tl.load(Y + at)
    tl.store(OUT + at, x + y)
    tl.store(OUT + BLOCK + at, x / y)
    tl.store(OUT + 2 * BLOCK + at, x * 3 - 0.5)
    tl.store(OUT + 3 * BLOCK + at, tl.where(x > y, x, -1))
    tl.store(OUT + 4 * BLOCK + at, tl.maximum(x, y) * scale)
    tl.store(OUT + 5 * BLOCK + at, tl.sum(x * y) + tl.max(x) - tl.min(y, 0))
    tl.store(OUT + 6 * BLOCK + at, (x > 0) & (at % 3 == 1) | (at // 2 > 4))
    tl.store(OUT + 7 * BLOCK + at, tl.abs(-x) + tl.cdiv(at, 4) + tl.num_programs(0))


@triton.jit
def whole_kernel(X, OUT, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    x = tl.load(X + at)
    table = x[:, None] + at[None, :]
    tl.store(OUT + at, (x << 3) + (1 << at))
    tl.store(OUT + BLOCK + at, (x >> 2) - (1024 >> at) + (n >> 1))
    tl.store(OUT + 2 * BLOCK + at, tl.sum(table, axis=-1) + tl.max(table, -2))
    tl.store(OUT + 3 * BLOCK + at, x.to(tl.int64) + 2**40)


TRUE, NOTHING, FORMAT = (tl.constexpr(value) for value in (True, None, tl.float32))


@triton.jit
def marked_kernel(X, OUT, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    if TRUE:
        tl.store(OUT + at, tl.load(X + at, mask=TRUE, other=NOTHING).to(FORMAT) / 3)


def ours(kernel) -> launch.Kernel:
    """The kernel as the stand-in runs it, however it is run here."""
    return launch.Kernel(launch.in_our_words(kernel))


def attend(q, k, v, tile, causal):
    out = torch.empty_like(q)
    B, H, T, D = q.shape
    grid = (triton.cdiv(T, tile[0]), B * H)
    arguments = q, k, v, out, T, D**-0.5, D, *tile, causal
    flash_kernel[grid](*arguments)
    return out, kernels.count_bytes(flash_kernel, grid, *arguments)


def test_what_runs_here_is_what_this_environment_is_for():
    inside = sys.prefix.endswith("kernel") and sys.platform == "linux"
    assert (INTERPRETED or not inside) and told.startswith("Triton ")


@pytest.mark.parametrize("n", [1, 31, 32, 33, 100])
def test_two_vectors_are_added(n):
    x, y, z = torch.randn(n), torch.randn(n), torch.full((n + 5,), 7.0)
    arguments = x, y, z, n
    add_kernel[(triton.cdiv(n, 32),)](*arguments, BLOCK=32)
    assert torch.equal(z[:n], x + y) and (z[n:] == 7).all()
    assert kernels.count_bytes(add_kernel, (triton.cdiv(n, 32),), *arguments, BLOCK=32) == Moved(
        8 * n, 4 * n
    )


@pytest.mark.parametrize("dtype", SHORT)
@pytest.mark.parametrize("n, block", [(1, 16), (16, 16), (50, 16), (50, 64)])
def test_softmax_with_a_running_maximum(n, block, dtype):
    x = (10 * torch.randn(3, n)).to(dtype)
    y = torch.empty_like(x)
    softmax_kernel[(3,)](x, y, n, BLOCK=block)
    torch.testing.assert_close(y, x.softmax(1), atol=SHORT[dtype], rtol=SHORT[dtype])
    moved = kernels.count_bytes(softmax_kernel, (3,), x, y, n, BLOCK=block)
    assert moved == Moved(2 * 3 * n * x.itemsize, 3 * n * x.itemsize)
    assert moved.total == 9 * n * x.itemsize


@pytest.mark.parametrize(
    "T, D, tile, causal, dtype",
    [
        (1, 16, (16, 16), True, torch.float32),
        (16, 32, (16, 16), True, torch.float32),
        (33, 16, (32, 16), True, torch.float32),
        (50, 64, (16, 32), True, torch.float32),
        (50, 64, (32, 64), False, torch.float32),
        (50, 32, (64, 16), False, torch.float32),
        (50, 32, (64, 16), True, torch.float16),
        (33, 16, (16, 32), False, torch.float16),
        pytest.param(50, 16, (32, 32), True, *BFLOAT16.values, marks=BFLOAT16.marks),
    ],
)
def test_attention_in_tiles_is_attention_and_moves_the_bytes_of_the_formula(
    T, D, tile, causal, dtype
):
    torch.manual_seed(T)
    q, k, v = (torch.randn(1, 2, T, D).to(dtype) for _ in range(3))
    out, moved = attend(q, k, v, tile, causal)
    exact = F.scaled_dot_product_attention(q.double(), k.double(), v.double(), is_causal=causal)
    torch.testing.assert_close(out.double(), exact, atol=SHORT[dtype], rtol=SHORT[dtype])
    assert moved.total == 2 * kernels.tiled_attention_bytes(T, D, tile, q.itemsize, causal)
    assert moved.stored == q.numel() * q.itemsize


@pytest.mark.parametrize("x", [torch.float32, torch.float16, BFLOAT16])
@pytest.mark.parametrize("y", [torch.float32, torch.float16])
def test_formats_meet_as_in_triton(x, y):
    """Under Triton's interpreter: number for number what the stand-in computes."""
    a, b = torch.randn(16).to(x), torch.rand(16).add(0.5).to(y)
    found, expected = torch.zeros(128), torch.zeros(128)
    formats_kernel[(1,)](a, b, found, 2.5, BLOCK=16)
    ours(formats_kernel)[(1,)](a, b, expected, 2.5, BLOCK=16)
    assert torch.equal(found[48:64], expected[48:64]) and found.any()
    torch.testing.assert_close(
        found, expected, atol=0, rtol=1e-6 if x == y == torch.float32 else 2e-3
    )


def test_whole_numbers_are_shifted_and_axes_counted_from_the_end():
    """Under Triton's interpreter: number for number what the stand-in computes."""
    x = torch.arange(-3, 5, dtype=torch.int32)
    for kernel in (whole_kernel, ours(whole_kernel)):
        out = torch.zeros(4, 8, dtype=torch.int64)
        kernel[(1,)](x, out, 9, BLOCK=8)
        at = torch.arange(8)
        table = x[:, None] + at
        assert torch.equal(out[0], (x << 3) + (1 << at))
        assert torch.equal(out[1], (x >> 2) - (1024 >> at) + 4)
        assert torch.equal(out[2], table.sum(1) + table.amax(0))
        assert torch.equal(out[3], x.long() + 2**40)


def test_true_nothing_and_a_format_may_be_marked_as_numbers_are():
    x = torch.arange(8, dtype=torch.int32)
    for kernel in (marked_kernel, ours(marked_kernel)):
        out = torch.zeros(8)
        kernel[(1,)](x, out, BLOCK=8)
        torch.testing.assert_close(out, x / 3)
    with pytest.raises(KernelError, match="tl.constexpr marks a number, .* not <object"):
        standin.constexpr(object())


@given(T=st.integers(1, 40), tile=st.tuples(st.integers(1, 20), st.integers(1, 20)))
def test_tiles_are_those_with_a_score_that_counts(T, tile):
    def counted(query, key):
        rows, columns = range(query, min(query + tile[0], T)), range(key, min(key + tile[1], T))
        return any(column <= row for row in rows for column in columns)

    every = [(query, key) for query in range(0, T, tile[0]) for key in range(0, T, tile[1])]
    assert kernels.tiles(T, tile, causal=False) == every
    assert kernels.tiles(T, tile) == [pair for pair in every if counted(*pair)]


def test_plain_attention_reads_and_writes_each_tensor_of_its_operations_once():
    q, k, v = (torch.randn(7, 4) for _ in range(3))
    scores = q @ k.T
    weights = scores.masked_fill(torch.ones(7, 7).triu(1).bool(), -math.inf).softmax(1)
    moved = [q, k, scores, scores, weights, weights, v, weights @ v]
    assert kernels.plain_attention_bytes(7, 4) == sum(x.numel() * x.itemsize for x in moved)
    assert kernels.plain_attention_bytes(7, 4, itemsize=2) * 2 == kernels.plain_attention_bytes(
        7, 4
    )
    # One tile holds all: only the scores' ways are saved.
    assert kernels.tiled_attention_bytes(7, 4, (8, 8)) == 4 * 4 * 7 * 4


@pytest.mark.parametrize(
    "wrong",
    [dict(T=0), dict(D=-1), dict(itemsize=0), dict(tile=(0, 8)), dict(tile=(8, 0)), dict(D=2.5)],
)
def test_sizes_below_one_are_named(wrong):
    with pytest.raises(
        ValueError, match=r"(T|D|itemsize|queries|keys)=\S+ must be a whole number, at"
    ):
        kernels.tiled_attention_bytes(**dict(T=8, D=4, tile=(8, 8)) | wrong)


def test_counting_leaves_tensors_as_they_are_and_running_does_not():
    x, y, z = torch.ones(8), torch.ones(8), torch.zeros(8)
    kernels.count_bytes(add_kernel, (1,), x, y, z, 8, BLOCK=8)
    assert not z.any()
    ours(add_kernel)[(1,)](x, y, z, 8, BLOCK=8)
    assert (z == 2).all()


def test_a_tensor_of_any_strides_is_memory_from_its_first_number_to_its_last():
    """A kernel knows addresses, and no shapes: of a column, the numbers in between as well."""
    table, z = torch.arange(12.0).view(3, 4), torch.zeros(9)
    column = table[:, 1]  # 1, 5, 9: nine numbers from the first to the last
    ours(add_kernel)[(1,)](column, column, z, 9, BLOCK=16)
    assert z.tolist() == [2 * n for n in range(1, 10)]
    with pytest.raises(KernelError, match=r"X\[9\], which is outside: X has 9 numbers"):
        ours(add_kernel)[(1,)](column, column, z, 10, BLOCK=16)


def test_a_kernel_may_store_where_it_has_loaded():
    x = torch.arange(50.0)
    ours(add_kernel)[(4,)](x, x, x, 50, BLOCK=16)
    assert torch.equal(x, 2 * torch.arange(50.0))


def test_a_grid_may_be_a_function_of_the_arguments_and_options_are_the_compiler_s():
    x, z = torch.ones(50), torch.zeros(50)
    grid = lambda known: (triton.cdiv(known["N"], known["BLOCK"]),)  # noqa: E731
    ours(add_kernel)[grid](x, x, z, N=50, BLOCK=16, num_warps=4, num_stages=2)
    assert (z == 2).all()


def test_numbers_are_computed_in_their_own_formats_whatever_is_on_around():
    q, k, v = (torch.randn(1, 1, 16, 16, requires_grad=True) for _ in range(3))
    expected = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    out = torch.empty(1, 1, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        ours(flash_kernel)[(1, 1)](q, k, v, out, 16, 0.25, 16, 16, 16, True)
    torch.testing.assert_close(out, expected.detach(), atol=1e-5, rtol=1e-5)


def test_what_a_mask_leaves_out_without_other_is_seen_if_it_is_used():
    """Triton leaves open what stands there."""
    for dtype, missing in [(torch.float32, "nan"), (torch.int32, str(-(2**31)))]:
        x = torch.arange(3).to(dtype)
        with at_work():
            at = standin.arange(0, 4)
            pointer = launch.Pointer(launch.Memory("X", x), torch.tensor(0)) + at
            found = standin.load(pointer, mask=at < 3).numbers.tolist()
        assert found[:3] == [0, 1, 2] and str(found[3]) == missing


MARKED = standin.constexpr(4)


def at_work():
    return launch.at_work(launch.Launch((1, 1, 1)))


def test_a_kernel_of_kernels_and_of_marked_numbers():
    def inner(X, value):
        standin.store(X, value + MARKED)

    inner = launch.jit(inner)

    @launch.jit(noinline=True)
    def outer(X, flag, nothing):
        if flag and nothing is None:
            inner(X, standin.program_id(0))

    x = torch.zeros(1)
    outer[(1,)](x, True, None)
    assert x.item() == MARKED == 4
    with pytest.raises(KernelError, match=r"outer\[\(programs,\)\]\(\.\.\.\)"):
        outer(x, True, None)


class Lazy(types.ModuleType):
    """As modules are from Python 3.14 on: annotations are computed when they are asked for."""

    __annotations__ = property(lambda module: {"SIZE": standin.constexpr})


def test_a_mark_that_is_computed_when_it_is_asked_for_is_seen(monkeypatch):
    lazy = Lazy("lazy")
    monkeypatch.setitem(sys.modules, "lazy", lazy)
    vars(lazy).update(launch=launch, tl=standin)
    exec("SIZE = 4\ndef fn(X):\n    tl.store(X + SIZE, SIZE)", vars(lazy))
    assert "__annotations__" not in vars(lazy)
    x = torch.zeros(5)
    launch.jit(lazy.fn)[(1,)](x)
    assert kernels.count_bytes(launch.jit(lazy.fn), (1,), x).total == 4 == x[4]


@pytest.mark.parametrize("n, expected", [(1, 1), (2, 2), (3, 4), (64, 64), (65, 128)])
def test_next_power_of_2(n, expected):
    assert launch.next_power_of_2(n) == expected == triton.next_power_of_2(n)


# Which of the three ways: with a package that plays Triton, so that all are tried on any machine.
PLAYED = """
import os
from nbutils.kernels import launch
__version__ = "9.9"
class JITFunction(launch.Kernel): pass
class InterpretedFunction(launch.Kernel): pass
def jit(fn):
    return (InterpretedFunction if os.environ.get("TRITON_INTERPRET") == "1" else JITFunction)(fn)
"""
PLAYED_LANGUAGE = "from nbutils.kernels.standin import *\nimport triton\ncdiv = triton.jit(cdiv)\n"
WRONG = r"is here, and its smallest kernel fails \(RuntimeError: it stored \[0, 0\] in the place of \[0, 1\]\)"
CARD = device.Chip(torch.device("cuda"), torch.float16, "Tesla T4")


@pytest.fixture
def played(tmp_path, monkeypatch):
    """Makes a package `triton` of the given source, the only one, not yet imported."""

    def make(source=PLAYED):
        for name in [name for name in sys.modules if name.partition(".")[0] == "triton"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.delitem(sys.modules, "nbutils.kernels.trial", raising=False)
        folder = tmp_path / "triton" / "language"
        folder.mkdir(parents=True)
        (folder.parent / "__init__.py").write_text(textwrap.dedent(source), "utf-8")
        (folder / "__init__.py").write_text(PLAYED_LANGUAGE, "utf-8")
        monkeypatch.syspath_prepend(tmp_path)

    monkeypatch.setenv("TRITON_INTERPRET", "")
    monkeypatch.delenv("TRITON_INTERPRET")
    yield make
    for name in ("triton", "triton.language", "nbutils.kernels.trial"):
        sys.modules.pop(name, None)
    vars(kernels).pop("trial", None)


def test_on_a_cpu_triton_s_interpreter_is_switched_on(played):
    played()
    found, words, sentence = kernels.language(CPU)
    assert sentence == "Triton 9.9 runs kernels by its interpreter, on the CPU."
    assert found is sys.modules["triton"] and words is sys.modules["triton.language"]
    assert os.environ["TRITON_INTERPRET"] == "1"
    assert kernels.language(CPU) == (found, words, sentence)


def test_on_a_gpu_triton_compiles(played, monkeypatch):
    played()
    zeros = torch.zeros
    monkeypatch.setattr(torch, "zeros", lambda *sizes, device, **more: zeros(*sizes, **more))
    assert kernels.language(CARD)[2] == "Triton 9.9 compiles kernels for Tesla T4."
    assert "TRITON_INTERPRET" not in os.environ


@pytest.mark.parametrize(
    "chip, source, why",
    [
        (CPU, "raise ImportError('no libtriton\\nat all')", r"can't be loaded here \(ImportError: no libtriton\)"),
        (CARD, PLAYED, r"is here, and its smallest kernel fails \(\w+: .*\)"),
        (CPU, PLAYED.replace("(fn)\n", "(lambda X: None)\n"), WRONG),
    ],
    ids=["import", "card", "wrong"],
)  # fmt: skip
def test_where_triton_fails_the_stand_in_runs_kernels_and_says_why(played, chip, source, why):
    played(source)
    assert_stand_in(kernels.language(chip), why)


def test_triton_that_was_loaded_before_its_interpreter_was_switched_on(played, monkeypatch):
    played()
    import triton.language  # noqa: F401

    told = r"was loaded before its interpreter was switched on \(restart, .* or set TRITON_INTERPRET=1\)"
    assert_stand_in(kernels.language(CPU), told)
    monkeypatch.setenv("TRITON_INTERPRET", "1")  # too late: its own words are made
    assert_stand_in(kernels.language(CPU), told)


def test_where_triton_is_missing_the_stand_in_runs_kernels(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for chip in (CPU, CARD):
        assert_stand_in(kernels.language(chip), "is not installed here")


def assert_stand_in(found, why):
    assert found[:2] == (launch, standin)
    assert pytest.raises(ValueError, int, found[2]).match(
        f"Triton {why}: the course's stand-in for it runs kernels"
    )


def test_bytes_are_counted_whatever_device_is_the_default():
    x, y = torch.ones(40), torch.empty(40)
    torch.set_default_device("meta")
    try:
        moved = kernels.count_bytes(add_kernel, (2,), x, x, y, 40, BLOCK=32)
    finally:
        torch.set_default_device(None)
    assert (moved.loaded, moved.stored) == (320, 160)
