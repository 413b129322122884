"""What planning says is what the model has, keeps and costs."""

import importlib
import json
import math
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

import nbutils.model
from nbutils import config, planning
from nbutils.config import PRESETS, GPTConfig
from nbutils.device import Chip, memory, pick
from nbutils.model import GPT
from nbutils.optim import make_optimizer
from nbutils.profiling import LiveMemory
from nbutils.training import TrainConfig

TINY = GPTConfig(vocab_size=50, block_size=16, n_layer=2, n_head=2, n_embd=16)
VARIANTS = [
    *(GPTConfig.preset(name) for name in PRESETS),
    replace(TINY, bias=False),
    replace(TINY, bias=True, rms_norm=True),
    replace(TINY, rotary=True, tie_weights=False),
]


def on_meta(config):
    with torch.device("meta"):
        return GPT(config)


# Parameters and FLOPs.


@pytest.mark.parametrize("config", VARIANTS)
def test_parameters_are_the_models(config):
    model, parts = on_meta(config), planning.parameters(config)
    assert sum(parts.values()) == model.num_parameters()
    assert parts["token table"] == model.token_embedding.weight.numel()
    blocks = sum(p.numel() for p in model.blocks.parameters())
    norms = sum(
        p.numel() for name, p in model.named_parameters() if "_norm" in name and "blocks" in name
    )
    assert parts["attention"] + parts["MLP"] + norms == blocks


@pytest.mark.parametrize("config", VARIANTS)
def test_flops_are_the_models_at_every_length(config):
    model = on_meta(config)
    assert planning.training_flops(config) == model.flops_per_token()
    assert planning.training_flops(config, 5) == model.flops_per_token(5)
    assert planning.inference_flops(config, 5) * 3 == model.flops_per_token(5)
    by_hand = 6 * (planning.block_matrices(config) + config.vocab_size * config.n_embd)
    by_hand += 12 * config.n_layer * config.n_embd * config.block_size
    assert planning.training_flops(config) == by_hand


def test_a_length_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="length=17"):
        planning.training_flops(TINY, 17)


@pytest.mark.parametrize(
    "preset, millions", [("gpt2", 124.44), ("gpt2-xl", 1557.61), ("gpt3-175b", 174_604.26)]
)
def test_known_sizes(preset, millions):
    total = sum(planning.parameters(GPTConfig.preset(preset)).values())
    assert total / 1e6 == pytest.approx(millions, rel=1e-5)


def test_gpt3s_compute_is_its_papers():
    total = sum(planning.parameters(GPTConfig.preset("gpt3-175b")).values())
    assert 6 * total * 300e9 == pytest.approx(3.14e23, rel=2e-3)


# Memory.


def kept_for_the_way_back(model, tokens, dtype) -> int:
    """Bytes that autograd keeps besides the parameters, each storage once."""
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    found, alive = {}, []

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            found[storage.data_ptr()] = storage.nbytes()
            alive.append(tensor)
        return tensor

    short = dtype != torch.float32
    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
        torch.autocast("cpu", dtype=torch.bfloat16, enabled=short),
    ):
        model(tokens, tokens)
    return sum(found.values())


def kept(config, dtype, batch_size=4) -> int:
    torch.manual_seed(0)
    tokens = torch.randint(config.vocab_size, (batch_size, config.block_size))
    return kept_for_the_way_back(GPT(config), tokens, dtype)


def planned(config, dtype, batch_size=4, **how) -> int:
    parts = planning.training_memory(config, batch_size, dtype=dtype, **how)
    return parts["copies"] + parts["activations"] + parts["logits"] // 3


WIDE = GPTConfig(vocab_size=100, block_size=64, n_layer=2, n_head=2, n_embd=128)
SHAPES = [
    WIDE,
    replace(WIDE, n_layer=3, bias=False),
    replace(WIDE, n_embd=64, vocab_size=500),
    replace(WIDE, block_size=300),  # attention in three pieces
    replace(WIDE, n_layer=1, block_size=520),  # too long for pieces
]


@pytest.mark.parametrize("config", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_activations_on_a_cpu_are_what_autograd_keeps(config, dtype):
    assert planned(config, dtype, device="cpu") == pytest.approx(kept(config, dtype), rel=0.02)


@pytest.mark.parametrize("config", SHAPES)
def test_activations_on_a_gpu_are_those_of_attention_in_bfloat16(config, monkeypatch):
    def attention(q, k, v, mask=None, *, dropout=0.0, causal=False):
        return F.scaled_dot_product_attention(q, k, v, mask, dropout, causal)

    monkeypatch.setattr(nbutils.model, "attention", attention)
    bfloat16 = torch.bfloat16
    assert planned(config, bfloat16) == pytest.approx(kept(config, bfloat16), rel=0.02)


@pytest.mark.parametrize("dtype, short", [(torch.float32, 4), (torch.bfloat16, 2)])
def test_checkpointing_keeps_each_blocks_input_and_one_block(dtype, short, monkeypatch):
    forward = nbutils.model.Block.forward

    def again(self, *inputs):
        return checkpoint(forward, self, *inputs, use_reentrant=True)

    parts = planning.training_memory(WIDE, 4, dtype=dtype, device="cpu", checkpointing=True)
    head = 2 * WIDE.vocab_size * WIDE.n_embd if short == 2 else 0
    one_block = 4 * 64 * planning.saved_by_block(WIDE, short, short)
    one_block += 4 * 2 * 64 * 64 * short if short == 2 else 0  # attention's weights
    expected = parts["activations"] - one_block + parts["logits"] // 3 + head
    monkeypatch.setattr(nbutils.model.Block, "forward", again)
    assert expected == pytest.approx(kept(WIDE, dtype), rel=0.02)
    assert parts["copies"] == (head + 2 * 12 * WIDE.n_embd**2 if head else 0)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_weights_gradients_and_states_are_exact(optimizer):
    torch.manual_seed(0)
    model, tokens = GPT(TINY), torch.randint(50, (2, 16))
    engine = make_optimizer(model, TrainConfig(optimizer=optimizer))
    model(tokens, tokens)[1].backward()
    engine.step()
    parts = planning.training_memory(TINY, 2, optimizer=optimizer)
    assert parts["weights"] == sum(4 * p.numel() for p in model.parameters())
    assert parts["gradients"] == sum(4 * p.grad.numel() for p in model.parameters())
    states = engine.state_dict()["state"].values()
    held = sum(4 * x.numel() for state in states for x in state.values() if x.dim())
    assert parts["optimizer"] == held


def test_float32_needs_no_copies_and_an_unknown_optimizer_is_refused():
    assert planning.training_memory(TINY, 1, dtype=torch.float32)["copies"] == 0
    with pytest.raises(ValueError, match="optimizer='sgd'"):
        planning.training_memory(TINY, 1, optimizer="sgd")


def measured_peak(config, batch_size, dtype, accumulation) -> int:
    torch.manual_seed(0)
    with LiveMemory() as memory:
        model = GPT(config)
        optimizer = make_optimizer(model, TrainConfig())
        tokens = torch.randint(config.vocab_size, (batch_size, config.block_size))
        for _ in range(2):
            for _ in range(accumulation):
                with torch.autocast("cpu", torch.bfloat16, enabled=dtype != torch.float32):
                    loss = model(tokens, tokens)[1]
                loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return memory.peak


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("accumulation", [1, 2])
@pytest.mark.parametrize("config, batch_size", [(WIDE, 8), (replace(WIDE, n_embd=256), 1)])
def test_the_peak_is_what_a_step_really_holds(config, batch_size, dtype, accumulation):
    parts = planning.training_memory(config, batch_size, dtype=dtype, device="cpu")
    measured = measured_peak(config, batch_size, dtype, accumulation)
    assert planning.peak_memory(parts, accumulation) == pytest.approx(measured, rel=0.05)


def test_running_needs_weights_and_a_cache_that_grows_with_the_text():
    parts = planning.inference_memory(GPTConfig.preset("gpt3-175b"), length=1)
    assert parts["KV cache"] == 2 * 2 * 96 * 12_288  # 4.7 MB a token: chapter 5
    short, long = (planning.inference_memory(TINY, 3, length) for length in (4, 8))
    assert short["weights"] == long["weights"] == 2 * GPT(TINY).num_parameters()
    assert long["KV cache"] == 2 * short["KV cache"]


# Many processes.


def test_whole_copies_save_nothing_but_their_share_of_the_batch():
    assert planning.process_memory(WIDE, 8, "ddp", 4) == planning.training_memory(WIDE, 2)


def test_shards_divide_what_stays_and_gather_one_block():
    whole = planning.training_memory(WIDE, 2)
    shards = planning.process_memory(WIDE, 8, "fsdp", 4)
    for name in ("weights", "gradients", "optimizer"):
        assert shards[name] == whole[name] // 4
    assert shards["activations"] == whole["activations"]
    model = on_meta(WIDE)
    units = [*model.blocks[0].attention.parameters(), *model.blocks[0].mlp.parameters()]
    one = sum(p.numel() for p in units)
    around = model.num_parameters() - WIDE.n_layer * one
    head = WIDE.vocab_size * WIDE.n_embd
    assert shards["copies"] == 2 * one + 4 * around + 2 * head
    whole = planning.process_memory(WIDE, 8, "fsdp", 4, dtype=torch.float32)
    assert whole["copies"] == 4 * one + 4 * around


def test_a_split_divides_heads_and_neurons_alone():
    one, half = (planning.process_memory(WIDE, 8, "tensor", n) for n in (1, 2))
    assert one == planning.training_memory(WIDE, 8)
    model = on_meta(WIDE)
    cut = ("query_key_value.weight", "query_key_value.bias", "projection.weight")
    cut += ("expand.weight", "expand.bias", "contract.weight")
    shared = sum(p.numel() for name, p in model.named_parameters() if name.endswith(cut))
    assert one["weights"] - half["weights"] == 4 * shared // 2
    assert one["optimizer"] - half["optimizer"] == 8 * shared // 2
    assert one["copies"] - half["copies"] == 2 * planning.block_matrices(WIDE) // 2
    C, tokens = WIDE.n_embd, 8 * WIDE.block_size
    assert one["activations"] - half["activations"] == tokens * WIDE.n_layer * 24 * C // 2


def test_what_is_sent_by_the_number_of_processes():
    total = GPT(TINY).num_parameters()
    sent = {kind: planning.sent_per_step(TINY, 32, kind, 2, 4) for kind in config.PARALLEL}
    assert sent["ddp"] == 4 * total
    blocks = sum(p.numel() for name, p in GPT(TINY).named_parameters() if ".attention." in name)
    blocks += sum(p.numel() for name, p in GPT(TINY).named_parameters() if ".mlp." in name)
    assert sent["fsdp"] == (4 * total + 4 * total + 4 * blocks) // 2  # 1.5 times, if all blocks
    assert sent["tensor"] == 4 * TINY.n_layer * 32 * TINY.n_embd * 4
    assert planning.sent_per_step(TINY, 32, "ddp", 1) == 0


def test_unknown_kinds_and_batches_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="kind='zero'"):
        planning.process_memory(TINY, 8, "zero", 2)
    with pytest.raises(ValueError, match="kind='zero'"):
        planning.sent_per_step(TINY, 8, "zero", 2)
    with pytest.raises(ValueError, match="batch_size=9 can't be shared by 2"):
        planning.process_memory(TINY, 9, "fsdp", 2)


# Time and money.


def test_time_is_work_over_what_arrives():
    assert planning.training_time(1e18, 1e15, 0.5, chips=4) == 500
    assert planning.price(7200, chips=8, dollars_an_hour=2.5) == 40


@pytest.mark.parametrize("share", [0, 1.1, -0.2])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(ValueError, match="utilisation="):
        planning.training_time(1, 1, share)


def test_every_chip_has_a_bandwidth_and_one_of_your_own_need_not():
    assert all(1e11 < made.bandwidth < 1e13 for made in planning.ACCELERATORS.values())
    own = planning.Accelerator(1e12, 8e9, "its data sheet")
    assert own.source == "its data sheet" and math.isnan(own.bandwidth)


def test_megatrons_days_for_gpt3():
    """Narayanan et al. (2021): 1,024 A100 at 140 TFLOP/s, forward done twice: 34 days."""
    work = 6 * 175e9 * 300e9 * 4 / 3
    seconds = planning.training_time(work, planning.ACCELERATORS["A100"].peak, 140 / 312, 1024)
    assert round(seconds / 86_400) == 34


# Scaling laws.


def test_the_optimum_spends_all_and_no_neighbour_is_better():
    law = planning.CHINCHILLA
    n, d = law.optimum(1e21)
    assert 6 * n * d == pytest.approx(1e21)
    for factor in (0.9, 1.1):
        assert law.loss(factor * n, d / factor) > law.loss(n, d)


def test_chinchillas_own_size():
    n, d = planning.compute_optimal(5.76e23)  # the paper's budget: 70 billion, 1.4 trillion
    assert n == pytest.approx(70e9, rel=0.02) and d == pytest.approx(1.4e12, rel=0.02)
    assert planning.CHINCHILLA_REFITTED.optimum(5.76e23)[0] == pytest.approx(n, rel=0.1)


N, D = np.meshgrid([1e4, 3e4, 1e5, 3e5], [1e5, 1e6, 1e7])
TRUE = planning.ScalingLaw(E=0.4, A=5e3, alpha=1.0, B=2e3, beta=0.7)


@pytest.mark.parametrize("floor", [0.4, None])
def test_a_law_is_found_again_in_what_it_made(floor):
    law = planning.fit_scaling_law(N.ravel(), D.ravel(), TRUE.loss(N, D).ravel(), floor)
    assert law.E == pytest.approx(0.4, abs=1e-6)
    assert law.A == pytest.approx(TRUE.A, rel=1e-3) and law.B == pytest.approx(TRUE.B, rel=1e-3)
    assert law.alpha == pytest.approx(1) and law.beta == pytest.approx(0.7)


def test_a_law_needs_enough_runs_above_the_floor():
    with pytest.raises(ValueError, match="4 runs can't fix 5"):
        planning.fit_scaling_law([1, 2, 3, 4], [1, 2, 3, 4], [4, 3, 2, 1])
    with pytest.raises(ValueError, match="floor=1 is not below"):
        planning.fit_scaling_law([1, 2, 3, 4], [1, 2, 3, 4], [4, 3, 2, 1], floor=1)


@pytest.fixture
def bench(root, monkeypatch):
    """bench/scaling.py, whose folder is on the path as it is for a script there."""
    monkeypatch.syspath_prepend(str(root / "bench"))
    yield importlib.import_module("scaling")
    sys.modules.pop("scaling")
    sys.modules.pop("rows")


def test_the_stored_runs_are_the_benchs_and_above_the_floor(bench):
    runs = planning.scaling_runs()
    grid = {(w, n, seed) for w in bench.WIDTHS for n in bench.STEPS for seed in bench.SEEDS}
    grid |= {(*bench.LARGER, seed) for seed in bench.SEEDS}
    assert {(r["width"], r["steps"], r["seed"]) for r in runs} == grid and len(runs) == len(grid)
    for r in runs:
        assert r["loss"] > r["floor"] == runs[0]["floor"]
        assert r["n"] == sum(planning.parameters(bench.shape(r["width"], 1242)).values())
        assert r["d"] == r["steps"] * 8 * 80


def test_the_bench_reports_the_law_and_what_it_predicts(bench):
    law = planning.ScalingLaw(E=0.4, A=3e5, alpha=1.4, B=6e4, beta=0.95)
    cases = [(w, s) for w in bench.WIDTHS for s in bench.STEPS] + [bench.LARGER]
    runs = [{"width": w, "n": 200 * w * w, "d": s * 640, "floor": 0.4} for w, s in cases]
    runs = [r | {"loss": law.loss(r["n"], r["d"])} for r in runs]
    value = {row.what: row.value for row in bench.report(runs)}
    assert value["Larger network, predicted"] == pytest.approx(value["Larger network, reached"])
    assert value["Floor, if it were fitted"] == pytest.approx(0.4, abs=1e-3)


def test_a_run_that_is_stored_is_not_repeated(bench, monkeypatch, tmp_path):
    asked = []

    def run(corpus, width, steps, seed):
        asked.append((width, steps, seed))
        return {"width": width, "steps": steps, "seed": seed}

    file = tmp_path / "scaling.json"
    monkeypatch.setattr(bench, "STORED", file)
    monkeypatch.setattr(bench, "Corpus", lambda: None)
    monkeypatch.setattr(bench, "run", run)
    file.write_text("[]", "utf-8")
    monkeypatch.setattr(bench, "stored", lambda: json.loads(file.read_text("utf-8")))
    bench.measure_all()
    whole = len(bench.WIDTHS) * len(bench.STEPS) * len(bench.SEEDS) + len(bench.SEEDS)
    assert len(asked) == whole == len(json.loads(file.read_text("utf-8")))
    file.write_text(json.dumps(json.loads(file.read_text("utf-8"))[:-1]), "utf-8")
    bench.measure_all()
    assert len(asked) == whole + 1 and asked[-1] == (*bench.LARGER, bench.SEEDS[-1])


# What a chip can train.


def made_up(name, dtype=torch.bfloat16, kind="cuda"):
    return Chip(torch.device(kind), dtype, name, scaler=dtype == torch.float16)


CHIPS = {  # bytes, measured FLOPs a second: made up, near what such chips reach
    "T4": (made_up("T4", torch.float16), 15.8e9, 30e12, "gpt2-medium"),
    "L4": (made_up("L4"), 23.7e9, 60e12, "gpt2-medium"),
    "A100": (made_up("A100"), 42.4e9, 250e12, "gpt2-large"),
    "H100": (made_up("H100"), 85e9, 700e12, "gpt2-xl"),
    "P100": (made_up("P100", torch.float32), 17e9, 9e12, "gpt2"),
    "CPU": (made_up("CPU", kind="cpu"), 24e9, 1.2e12, "small"),
    "a very large, very slow one": (made_up("CPU", kind="cpu"), 1e13, 1e6, "small"),
}


@pytest.mark.parametrize("chip, available, peak, preset", CHIPS.values(), ids=CHIPS)
def test_a_chip_gets_the_largest_network_that_fits(chip, available, peak, preset):
    fit = planning.largest(chip, available, peak)
    assert fit.preset == preset and fit.config == GPTConfig.preset(preset)
    parts = planning.training_memory(
        fit.config, fit.batch_size, dtype=chip.dtype, device=chip.device.type
    )
    assert fit.memory == planning.peak_memory(parts) <= 0.8 * available
    work = fit.batch_size * fit.config.block_size * planning.training_flops(fit.config)
    assert fit.seconds == pytest.approx(work / (0.3 * peak))
    said = f"{fit.preset}, {sum(planning.parameters(fit.config).values()):,} parameters"
    assert str(fit).startswith(said) and f" of {available / 1e9:.0f} GB" in str(fit)


def test_more_memory_never_makes_the_network_smaller():
    sizes = []
    for available in np.geomspace(1e9, 200e9, 40):
        fit = planning.largest(made_up("GPU"), available, 1e15)
        sizes.append((sum(planning.parameters(fit.config).values()), fit.batch_size))
        assert fit.memory <= 0.8 * available
    assert sizes == sorted(sizes) and len(set(sizes)) > 8


def test_without_room_for_any_network_it_says_how_much_is_needed():
    with pytest.raises(
        ValueError, match=r"available=1e\+06 bytes is too little: .* takes 3\.\d+e\+07"
    ):
        planning.largest(made_up("GPU"), 1e6, 1e12)


@pytest.mark.parametrize("peak", [0, -1e12, float("nan")])
def test_a_chip_that_computes_nothing_is_refused(peak):
    with pytest.raises(ValueError, match="peak=.* must be above 0"):
        planning.largest(made_up("GPU"), 16e9, peak)


@pytest.mark.parametrize("available", [0, -1, float("nan")])
def test_no_memory_is_too_little(available):
    with pytest.raises(ValueError, match="bytes is too little"):
        planning.largest(made_up("GPU"), available, 1e12)


def test_this_machine_is_asked_where_nothing_is_given():
    chip = pick("cpu")
    fit = planning.largest(chip)
    assert fit.available == memory(chip) > 2**30
    assert fit.preset in planning.SIZES
