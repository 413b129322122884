"""What is wrong with a kernel is told by name, where Triton would crash or compute numbers of chance."""

import pytest
import torch

from nbutils.kernels import launch, standin
from nbutils.kernels.held import KernelError
from nbutils.kernels.memory import Moved

tl = standin


@launch.jit
def fill_kernel(X, N, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(X + at, 1.0, mask=at < N)


# Each mistake is a kernel, given a tensor X of 10 numbers, N = 10 and BLOCK = 8; MISTAKES has what is told.
N_AROUND = 4


def no_mask(X, N, BLOCK: tl.constexpr):
    tl.load(X + tl.program_id(0) * BLOCK + tl.arange(0, BLOCK))


def before_the_first(X, N, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK) - 1
    tl.store(X + at, 1.0, mask=at < N)


def same_address(X, N, BLOCK: tl.constexpr):
    tl.store(X + tl.arange(0, BLOCK), 1.0)


def neighbour(X, N, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(X + at, tl.load(X + at + 1, mask=at + 1 < N, other=0), mask=at < N)


def after_another(X, N, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(X + at, 1.0, mask=at < N)
    tl.load(X + at - BLOCK, mask=at >= BLOCK)


def no_row_length(X, N, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(X + at[:, None] + at[None, :] // 4, 1.0)


def three(X, N, BLOCK: tl.constexpr):
    tl.arange(0, 3)


def three_zeros(X, N, BLOCK: tl.constexpr):
    tl.zeros((BLOCK, 3), tl.float32)


def too_large(X, N, BLOCK: tl.constexpr):
    tl.zeros((2048, 1024), tl.float32)


def not_constant(X, N, BLOCK: tl.constexpr):
    tl.arange(0, N)


def no_shapes(X, N, BLOCK: tl.constexpr):
    tl.zeros((BLOCK,), tl.float32) + tl.zeros((2 * BLOCK,), tl.float32)


def if_of_many(X, N, BLOCK: tl.constexpr):
    if tl.arange(0, BLOCK) < N:
        pass


def picked(X, N, BLOCK: tl.constexpr):
    tl.arange(0, BLOCK)[2]


def short_exp(X, N, BLOCK: tl.constexpr):
    tl.exp(tl.zeros((BLOCK,), tl.float16))


def shapes_of_dot(X, N, BLOCK: tl.constexpr):
    tl.dot(tl.zeros((16, 32), tl.float32), tl.zeros((16, 32), tl.float32))


def formats_of_dot(X, N, BLOCK: tl.constexpr):
    tl.dot(tl.zeros((16, 16), tl.float32), tl.zeros((16, 16), tl.float16))


def small_dot(X, N, BLOCK: tl.constexpr):
    tl.dot(tl.zeros((16, 8), tl.float32), tl.zeros((8, 16), tl.float32))


def no_pointer(X, N, BLOCK: tl.constexpr):
    tl.load(N)


def two_pointers(X, N, BLOCK: tl.constexpr):
    tl.load(X + X)


def broken_address(X, N, BLOCK: tl.constexpr):
    tl.load(X + tl.arange(0, BLOCK) / 2)


def other_alone(X, N, BLOCK: tl.constexpr):
    tl.load(X + tl.arange(0, BLOCK), other=0.0)


def mask_of_numbers(X, N, BLOCK: tl.constexpr):
    tl.load(X + tl.arange(0, BLOCK), mask=tl.arange(0, BLOCK))


def one_address(X, N, BLOCK: tl.constexpr):
    tl.store(X, tl.arange(0, BLOCK))


def half_divided(X, N, BLOCK: tl.constexpr):
    tl.zeros((BLOCK,), tl.float32) // 2


def no_axis(X, N, BLOCK: tl.constexpr):
    tl.sum(tl.arange(0, BLOCK), 1)


def no_axis_from_the_end(X, N, BLOCK: tl.constexpr):
    tl.max(tl.arange(0, BLOCK), -2)


def too_large_a_number(X, N, BLOCK: tl.constexpr):
    tl.arange(0, BLOCK) + 2**40


def larger_than_any(X, N, BLOCK: tl.constexpr):
    tl.arange(0, BLOCK).to(tl.int64) + 2**63


def broken_shift(X, N, BLOCK: tl.constexpr):
    tl.zeros((BLOCK,), tl.float32) << 1


def far_shift(X, N, BLOCK: tl.constexpr):
    1 << tl.arange(0, BLOCK) * 8


def fourth_axis(X, N, BLOCK: tl.constexpr):
    tl.program_id(3)


def flat_turned(X, N, BLOCK: tl.constexpr):
    tl.trans(tl.arange(0, BLOCK))


def broken_range(X, N, BLOCK: tl.constexpr):
    for _ in range(N / 2):
        pass


def grown_smaller(X, N, BLOCK: tl.constexpr):
    tl.broadcast_to(tl.zeros((2, BLOCK), tl.float32), (1, BLOCK))


def a_word(X, N, BLOCK: tl.constexpr):
    tl.arange(0, "8")


def text_added(X, N, BLOCK: tl.constexpr):
    tl.maximum(N, "8")


def around(X, N, BLOCK: tl.constexpr):
    tl.store(X + N_AROUND, 1)


def plain(X):
    pass


def calls_python(X, N, BLOCK: tl.constexpr):
    plain(X)


MISTAKES = [
    (no_mask, r"no_mask, program \(1, 0, 0\): tl.load reads X\[10\], .* X has 10 numbers, 0 to 9. Give a mask="),
    (before_the_first, r"tl.store writes X\[-1\], which is outside"),
    (same_address, r"program \(1, 0, 0\): it stores to X\[0\], which program \(0, 0, 0\) has stored to"),
    (neighbour, r"program \(1, 0, 0\): it stores to X\[8\], which several others have loaded|X\[8\], which program"),
    (after_another, r"it loads X\[0\], which program \(0, 0, 0\) has stored. Programs don't wait"),
    (no_row_length, r"one tl.store writes several numbers to X\[\d\], .*: each number needs an address of its own"),
    (three, r"tl.arange\(0, 3\) has 3 numbers in a direction, which is no power of 2: .*next_power_of_2"),
    (three_zeros, r"a tile of shape \(8, 3\) has 3 numbers in a direction"),
    (too_large, r"2,097,152 numbers; a program holds at most 1,048,576"),
    (not_constant, r"tl.arange's end is Tile\(10, int32\), .* marks with : tl.constexpr"),
    (no_shapes, r"shapes \((8|16),\) and \((8|16),\) don't fit each other: .*\[:, None\]"),
    (if_of_many, r"a tile of shape \(8,\) is not true or false as a whole"),
    (picked, r"\[2\] picks numbers out of a tile, which a kernel can't"),
    (short_exp, r"tl.exp takes float32, and this is torch.float16: write .to\(tl.float32\)"),
    (shapes_of_dot, r"multiplies \(M, K\) by \(K, N\); these are \(16, 32\) and \(16, 32\)"),
    (formats_of_dot, r"two tiles of one float format; these are torch.float32 and torch.float16"),
    (small_dot, r"sums over 8 numbers; a GPU's matrix units want at least 16"),
    (no_pointer, r"tl.load wants addresses .*, not Tile\(10, int32\)"),
    (two_pointers, r"two pointers are added"),
    (broken_address, r"an address in X is computed with torch.float32: addresses are whole numbers"),
    (other_alone, r"other= has no meaning without mask="),
    (mask_of_numbers, r"mask= is torch.int32: a mask is true or false"),
    (one_address, r"addresses of shape \(\) for values of shape \(8,\) .*: one address for each number"),
    (half_divided, r"// divides whole numbers; for others write /"),
    (no_axis, r"tl.sum: axis=1 is none of a tile of shape \(8,\)"),
    (no_axis_from_the_end, r"tl.max: axis=-2 is none of a tile of shape \(8,\)"),
    (too_large_a_number, r"int32 can't hold 1,099,511,627,776: .to\(tl.int64\) makes a tile that can"),
    (larger_than_any, r"int64 can't hold 9,223,372,036,854,775,808$"),
    (broken_shift, r"<< and >> shift whole numbers; these are torch.float32"),
    (far_shift, r"<< and >> shift by 0 to 31 bits here"),
    (fourth_axis, r"a grid has axes 0, 1 and 2; this asks for 3"),
    (flat_turned, r"only a tile of two directions is transposed; this one is \(8,\)"),
    (broken_range, r"Tile\(5.0, float32\) is not a whole number"),
    (grown_smaller, r"a tile of shape \(2, 8\) is not smaller than \(1, 8\)"),
    (a_word, r"tl.arange's end is '8'"),
    (text_added, r"'8' is neither a tile nor a number"),
    (around, r"around reads N_AROUND, .* N_AROUND = tl.constexpr\(...\)"),
    (calls_python, r"calls_python calls plain, which is no kernel: write @triton.jit"),
]  # fmt: skip


@pytest.mark.parametrize("kernel, sentence", MISTAKES, ids=lambda x: getattr(x, "__name__", ""))
def test_a_mistake_is_told_by_name(kernel, sentence):
    with pytest.raises(KernelError, match=sentence):
        launch.Kernel(kernel)[(2,)](torch.zeros(10), 10, BLOCK=8)
    with pytest.raises(KernelError, match=r"within a kernel alone"):  # nothing is left running
        standin.program_id(0)


@launch.jit
def plus_one_kernel(X, Y, N, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(Y + at, tl.load(X + at, mask=at < N) + 1, mask=at < N)


@pytest.mark.parametrize("aside", [False, True])
def test_views_of_one_storage_may_be_used_where_programs_keep_apart(aside):
    """Queries, keys and values are often made by one product: shares of one storage, whose addresses take turns."""
    x = torch.arange(48.0)
    rows = x.view(12, 4)
    kernel = launch.Kernel(plus_one_kernel.fn, aside=aside)
    moved = kernel[(3,)](rows[:6], rows[6:], 24, BLOCK=8)
    assert moved == Moved(loaded=96, stored=96)
    assert x[24:].tolist() == [n + (0 if aside else -24 + 1) for n in range(24, 48)]
    assert x[:24].tolist() == list(range(24))


@pytest.mark.parametrize("aside", [False, True])
def test_a_race_between_views_of_one_storage_is_told(aside):
    x = torch.arange(17.0)
    kernel = launch.Kernel(plus_one_kernel.fn, aside=aside)
    with pytest.raises(
        KernelError, match=r"it loads X\[8\], which program .* has stored \(X and Y share memory\)"
    ):
        kernel[(2,)](x[:16], x[1:], 16, BLOCK=8)
    with pytest.raises(
        KernelError, match=r"it stores to Y\[8\], which program .* has loaded \(X and Y share"
    ):
        kernel[(2,)](x[1:], x[:16], 16, BLOCK=8)
    with pytest.raises(KernelError, match=r"X\[16\], which is outside: X has 16 numbers"):
        kernel[(3,)](x[:16], torch.zeros(24), 24, BLOCK=8)  # inside the storage, outside the view


def test_one_program_sees_what_it_has_stored_through_another_view():
    @launch.jit
    def kernel(X, Y, OUT):
        tl.store(Y, 5.0)
        tl.store(OUT, tl.load(X + 1))

    for aside in (False, True):
        x, out = torch.zeros(4), torch.zeros(1)
        launch.Kernel(kernel.fn, aside=aside)[(1,)](x, x[1:], out)
        assert out.item() == (0 if aside else 5) and x.sum() == out.item()


@pytest.mark.parametrize("grid", [8, (1, 2, 3, 4), (), [1], (1.5,), (-1,), lambda known: 3])
def test_a_grid_that_is_none_is_told(grid):
    x = torch.zeros(8)
    with pytest.raises(
        KernelError,
        match="the grid of fill_kernel is .*; it is a tuple of one to three whole numbers",
    ):
        fill_kernel[grid](x, 8, BLOCK=8)


@pytest.mark.parametrize(
    "arguments, named, sentence",
    [
        ((1,), {}, "missing a required argument: 'N'"),
        ((1, 2), {"BLOK": 8}, "missing a required argument: 'BLOCK'"),
        ((1, 2), {"BLOCK": 8, "SIZE": 8}, "unexpected keyword argument 'SIZE'"),
        (("x", 2), {"BLOCK": 8}, "X is a str; a kernel takes tensors and numbers"),
    ],
)
def test_arguments_that_are_not_the_kernel_s_are_named(arguments, named, sentence):
    with pytest.raises(TypeError, match=f"fill_kernel.*{sentence}"):
        fill_kernel[(1,)](*arguments, **named)


@pytest.mark.parametrize("module, name", [(standin, "tl"), (launch, "triton")])
def test_a_word_that_the_stand_in_lacks_is_named_with_those_that_it_has(module, name):
    with pytest.raises(
        AttributeError, match=rf"no {name}.autotune, which Triton itself may have; it has .*"
    ):
        module.autotune  # noqa: B018
    words = str(pytest.raises(AttributeError, getattr, module, "autotune").value).rpartition(
        "it has "
    )[2]
    assert all(hasattr(module, word) for word in words.split(", "))


def test_the_stand_in_s_words_are_triton_s():
    triton = pytest.importorskip("triton")
    theirs = pytest.importorskip("triton.language")
    assert [word for word in standin.__all__ if not hasattr(theirs, word)] == []
    assert [
        word for word in ("cdiv", "jit", "language", "next_power_of_2") if not hasattr(triton, word)
    ] == []
