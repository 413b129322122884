"""What only a real GPU shows: its kernels' rounding, its compiler, its graphs, its memory, several of it.

``pytest --part gpu tests/test_gpu.py``, and `make gpu`, run it; `make test` does not. What needs no real one is
proven everywhere, on the chips of tests/chips.
"""

import os
import sys

import pytest
import torch

from nbutils import (
    config,
    device,
    ladder,
    optim,
    parallel,
    planning,
    sampling,
    smallworld,
    tokens,
    training,
)
from nbutils.attention import attention, attention_written_out
from nbutils.model import GPT, GPTConfig
from nbutils.training import TrainConfig, train
from nbutils.windows import Windows

pytestmark = pytest.mark.gpu
PRETENDED = "pretend" in sys.modules  # a chip of tests/chips, which a CPU plays
# cuBLAS promises the same bits only with a memory of this size, which it reads when it starts
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

ENCODING = smallworld.encoding()
IDS = tokens.encode_documents(smallworld.generate(600), ENCODING)
END = ENCODING.eot_token
SHAPE = GPTConfig.preset("small", n_layer=2, n_embd=64)
MODERN = GPTConfig.preset("modern", n_layer=2, n_embd=64)
RECIPE = dict(steps=20, warmup_steps=5, eval_every=10, eval_batches=2, start_token=END)


@pytest.fixture(scope="module")
def chip() -> device.Chip:
    if not torch.cuda.is_available():
        pytest.skip("PyTorch sees no GPU here")
    return device.pick("cuda")


@pytest.fixture(autouse=True)
def _freed(chip):
    yield
    torch.compiler.reset()
    device.empty_cache(chip)


def made(shape: GPTConfig = SHAPE) -> GPT:
    torch.manual_seed(0)
    return GPT(shape)


def losses(shape: GPTConfig = SHAPE, where: str = "cuda", **how) -> torch.Tensor:
    """Each evaluation of a short run, in nats per token."""
    config = TrainConfig(**RECIPE | {"device": where, "progress": False} | how)
    return torch.tensor(train(made(shape), IDS, IDS, config).val_losses)


def close_in(chip: device.Chip) -> dict[str, float]:
    """How far losses near 5 nats may be from those in float32, by the format of the products.

    Where losses are scaled, an update may be left out until the scale fits.
    """
    apart = {torch.float32: 1e-3, torch.bfloat16: 2e-2, torch.float16: 0.1}
    return {"rtol": 0, "atol": apart[chip.dtype]}


# As a CPU


@pytest.mark.parametrize("shape", [SHAPE, MODERN], ids=["GPT-2", "modern"])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_run_has_a_cpus_losses(chip, shape, optimizer):
    there = losses(shape, optimizer=optimizer)
    here = losses(shape, "cpu", optimizer=optimizer)
    torch.testing.assert_close(there, here, **close_in(chip))
    assert there[-1] < there[0] - 1  # and it learned


def test_each_rung_has_a_cpus_losses(chip):
    """The first update's and the third's, float32 more closely than 16 bits."""

    def three(chip, rung):
        step = ladder.Step(ladder.make_model(SHAPE, rung, chip), rung, chip)
        windows = Windows(IDS, 8, SHAPE.block_size, device=chip.device, start_token=END)
        return torch.stack([step(*windows.batch(i)).cpu() for i in range(3)])

    reference = three(device.pick("cpu"), ladder.SPEED["plain"])
    for name in ("plain", "16-bit products", "fused attention", "fused optimizer"):
        rung = ladder.SPEED[name]
        how = close_in(chip) if rung.mixed_precision else {"rtol": 0, "atol": 1e-4}
        torch.testing.assert_close(three(chip, rung), reference, **how, msg=name)


def test_fused_attention_is_what_is_written_out(chip):
    """With gradients, causal, in float32 and in the chip's own format."""
    for dtype in {torch.float32, chip.dtype}:
        found = []
        for written_out in (False, True):
            torch.manual_seed(0)
            x = torch.randn(3, 4, 6, 200, 64).to(chip.device, dtype).requires_grad_()
            with attention_written_out() if written_out else torch.enable_grad():
                y = attention(*x, causal=True)
            (slope,) = torch.autograd.grad(y.float().square().sum(), x)
            found.append((y.float(), slope.float()))
        error = 1e-4 if dtype == torch.float32 else 5e-2
        for fused, written in zip(*found, strict=True):
            assert (fused - written).norm() < error * written.norm(), dtype


def test_muon_multiplies_in_the_cards_format_and_evens_out(chip):
    matrices = torch.randn(3, 96, 48, generator=torch.Generator().manual_seed(0))
    there = optim.orthogonalize(matrices.to(chip.device))
    assert there.device.type == "cuda"
    assert there.dtype == (torch.bfloat16 if chip.dtype == torch.bfloat16 else torch.float32)
    strengths = torch.linalg.svdvals(there.float().cpu())
    assert strengths.min() > 0.5 and strengths.max() < 1.4
    here = optim.orthogonalize(matrices).float()
    assert (there.float().cpu() - here).norm() < 0.05 * here.norm()


# Its own ways


def test_every_way_to_write_draws_the_same_tokens(chip):
    model = made(MODERN).to(chip.device)
    start = torch.full((4, 1), END)
    ways = ({}, {"cuda_graph": True}, {"use_cache": False})
    for seed in range(3):
        written = [sampling.generate(model, start, 40, seed=seed, **way).tolist() for way in ways]
        assert written[0] == written[1] == written[2]


def test_a_graph_writes_on_when_another_was_recorded(chip):
    """Each has memory of its own."""
    model, start = made().to(chip.device), torch.full((2, 1), END)
    alone = sampling.generate(model, start, 20, seed=0).tolist()
    streams = [sampling.stream(model, start, 20, seed=0, cuda_graph=True) for _ in range(2)]
    rows = list(zip(*streams, strict=True))
    for which in range(2):
        told = torch.stack([row[which] for row in rows], dim=1)
        assert torch.cat([start, told], dim=1).tolist() == alone


@pytest.mark.parametrize("what", ["blocks", "model"])
def test_compiled_is_as_written(chip, what):
    if PRETENDED or not torch.utils._triton.has_triton():
        pytest.skip("no Triton here, which compiles for a GPU")
    torch.testing.assert_close(losses(compile=what), losses(), **close_in(chip))


def test_batches_from_pinned_memory_arrive_whole(chip):
    """While the chip is busy, and pinned memory is used again before it has read it."""
    there = Windows(IDS, 32, SHAPE.block_size, device=chip.device, start_token=END)
    here = Windows(IDS, 32, SHAPE.block_size, start_token=END)
    heavy, kept = torch.randn(2048, 2048, device=chip.device), []
    for i in range(50):
        heavy = (heavy @ heavy).clamp(-1, 1)
        kept.append(there.batch(i))
    for i, batch in enumerate(kept):
        for mine, expected in zip(batch, here.batch(i), strict=True):
            assert torch.equal(mine.cpu(), expected), f"batch {i}"


@pytest.mark.parametrize("shape", [SHAPE, MODERN], ids=["GPT-2", "modern"])
def test_a_run_that_was_cut_off_goes_on_bit_for_bit(chip, shape, tmp_path):
    """Dropout, the scaler and the optimizer go on; where the chip may compute in one order alone."""
    shape = GPTConfig(**vars(shape) | {"dropout": 0.1})

    def stop(step, model):
        if step == 10:
            raise InterruptedError

    config = TrainConfig(**RECIPE, progress=False, device="cuda", checkpoint_every=4)
    torch.use_deterministic_algorithms(True)
    try:
        whole = train(made(shape), IDS, IDS, config).val_losses
        config = TrainConfig(**vars(config) | {"checkpoint": str(tmp_path)})
        with pytest.raises(InterruptedError):
            train(made(shape), IDS, IDS, config, on_eval=stop)
        torch.rand(7, device=chip.device)
        assert train(made(shape), IDS, IDS, config).val_losses == whole
    finally:
        torch.use_deterministic_algorithms(False)


# Its memory


@pytest.mark.parametrize("written_out", [False, True], ids=["fused", "written out"])
@pytest.mark.parametrize("short", [False, True], ids=["float32", "short"])
def test_an_update_needs_what_was_planned(chip, short, written_out):
    """The most that PyTorch had given away at a time, in the second update."""
    shape, B = GPTConfig.preset("gpt2", n_layer=2, n_embd=256, n_head=4, block_size=256), 4
    rung = ladder.Rung(mixed_precision=short, fused_attention=not written_out, fused_optimizer=True)
    device.empty_cache(chip)
    before = torch.cuda.memory_allocated(chip.device)
    update, _ = ladder.make_update(shape, rung, chip, B)
    float(update())
    torch.cuda.reset_peak_memory_stats(chip.device)
    float(update())
    needed = torch.cuda.max_memory_allocated(chip.device) - before
    planned = ladder.memory_needed(shape, [rung], chip, B)
    assert 0.9 < needed / planned < 1.1, f"planned {planned:,} bytes, needed {needed:,}"
    del update
    device.empty_cache(chip)
    assert torch.cuda.memory_allocated(chip.device) - before < 64e6  # cuBLAS keeps some for itself


@pytest.mark.skipif(PRETENDED, reason="tests/chips/package.py has it for them")
def test_what_is_too_large_is_told(chip):
    shape = GPTConfig.preset("small", n_layer=2, n_embd=64)
    room = device.free_memory(chip) - 2**27
    held = torch.empty(int(room), dtype=torch.uint8, device=chip.device)
    config = TrainConfig(**RECIPE | {"batch_size": 512}, device="cuda", progress=False)
    with pytest.raises(training.TrainingMemoryError, match="accumulation"):
        train(made(shape), IDS, IDS, config)
    del held
    device.empty_cache(chip)
    assert planning.largest(chip, peak=1e12).memory < device.free_memory(chip)


# Two of them


def of_two(kind, tests):
    import sys

    sys.path.insert(0, tests)
    import test_gpu

    return test_gpu.losses(parallel=kind).tolist()


@pytest.mark.parametrize("kind", config.PARALLEL)
def test_two_cards_train_as_one(chip, kind):
    if PRETENDED or torch.cuda.device_count() < 2:
        pytest.skip("it needs two real GPUs")
    found = parallel.launch(of_two, kind, os.path.dirname(__file__), processes=2, seconds=240)
    torch.testing.assert_close(torch.tensor(found), losses(), **close_in(chip))
