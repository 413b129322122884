"""The rungs of chapter 6: each computes what the one before computes, and is measured alike."""

import re
import weakref
from dataclasses import fields, replace

import pytest
import torch

from nbutils import device, ladder
from nbutils.model import GPTConfig
from nbutils.training import TrainConfig, train
from nbutils.windows import Windows

TINY = GPTConfig(vocab_size=70, block_size=8, n_layer=2, n_head=2, n_embd=16)
CPU = replace(device.pick("cpu"), dtype=torch.bfloat16)


@pytest.fixture
def tokens():
    return torch.randint(70, (400,), generator=torch.Generator().manual_seed(1)).numpy()


def losses(rung, chip=CPU, times=4):
    update, _ = ladder.make_update(TINY, rung, chip, batch_size=4)
    return torch.stack([update() for _ in range(times)])


def test_each_rung_changes_one_thing_and_keeps_what_was_changed_before():
    for rungs in (ladder.SPEED, ladder.LEARNING):
        steps = list(rungs.values())
        for before, after in zip(steps, steps[1:]):
            names = [field.name for field in fields(before)]
            changed = [n for n in names if getattr(before, n) != getattr(after, n)]
            assert len(changed) == 1
            if changed == ["switches"]:
                assert after.switches[:-1] == before.switches
    assert ladder.SPEED["plain"] == ladder.Rung()


def test_a_rung_is_the_plain_step_with_the_ways_up_to_it():
    ways = list(ladder.WAYS)
    assert list(ladder.SPEED) == ["plain", *ways]
    for i, rung in enumerate(ladder.SPEED.values()):
        assert ladder.rung_with(ways[:i]) == rung
    assert ladder.rung_with(["compiled blocks"]) == ladder.Rung(compile=True)


@pytest.mark.parametrize("name", ["16-bit products", "fused attention", "fused optimizer"])
def test_a_cheaper_step_gives_the_same_losses(name):
    torch.testing.assert_close(
        losses(ladder.SPEED[name]), losses(ladder.Rung()), rtol=2e-2, atol=2e-2
    )


def test_padding_adds_ids_that_cost_a_little_at_first():
    config = ladder.SPEED["padded vocabulary"].model_config(TINY)
    assert config.vocab_size == 128
    assert ladder.Rung(padded=True).model_config(config).vocab_size == 128
    first = losses(ladder.Rung(padded=True), times=1) - losses(ladder.Rung(), times=1)
    assert first.item() == pytest.approx(torch.tensor(128 / 70).log().item(), abs=0.05)


def test_a_larger_batch_is_counted():
    assert ladder.make_update(TINY, ladder.Rung(), CPU, 2)[1] == 16
    assert ladder.make_update(TINY, ladder.Rung(larger_batch=4), CPU, 2)[1] == 64


def test_switches_and_the_recipe_reach_model_and_optimizer():
    rung = ladder.LEARNING["Muon"]
    assert all(getattr(rung.model_config(TINY), name) for name in ladder.SWITCHES)
    recipe = replace(rung, schedule="linear", learning_rate=0.5).train_config(updates=7)
    assert (recipe.steps, recipe.schedule, recipe.learning_rate) == (7, "linear", 0.5)
    assert recipe.optimizer == rung.optimizer


@pytest.mark.parametrize("name", ["GPT-2, AdamW", "linear schedule", "QK-norm", "Muon"])
def test_a_short_run_is_what_training_does(tokens, name):
    chip, rung = device.pick("cpu"), ladder.LEARNING[name]
    windows = Windows(tokens, 4, 8)
    learned = ladder.short_run(TINY, rung, chip, windows, windows, updates=30)
    model = ladder.make_model(TINY, rung, chip)
    recipe = replace(rung.train_config(30), batch_size=4, eval_every=30, eval_batches=None)
    history = train(model, tokens, tokens, replace(recipe, device="cpu", progress=False))
    assert learned.loss == pytest.approx(history.val_losses[-1], abs=1e-5)
    assert learned.updates == 30 and learned.seconds > 0


class Clock:
    """It goes on when it is told to."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(ladder, "time", clock)
    return clock


def test_a_run_by_the_clock_ends_with_it(tokens, clock, monkeypatch):
    windows, step = Windows(tokens, 4, 8), ladder.Step.__call__

    def timed(self, *batch):
        clock.now += 1 / 16
        return step(self, *batch)

    monkeypatch.setattr(ladder.Step, "__call__", timed)
    learned = ladder.short_run(TINY, ladder.Rung(), CPU, windows, windows, seconds=2.0)
    assert (learned.updates, learned.seconds) == (32, 2.0)
    assert learned.loss < 4.3


def test_the_scaler_of_a_float16_chip_is_used_where_products_are_short_only():
    chip = replace(CPU, dtype=torch.float16, scaler=True)
    model = ladder.make_model(TINY, ladder.Rung(), chip)
    step = ladder.Step(model, ladder.SPEED["16-bit products"], chip)
    assert step.scaler.is_enabled()
    assert not ladder.Step(model, ladder.Rung(), chip).scaler.is_enabled()
    batch = torch.zeros(2, 8, dtype=torch.int64), torch.ones(2, 8, dtype=torch.int64)
    before = float(step(*batch))
    for _ in range(5):
        after = float(step(*batch))
    assert after < before - 0.1


def test_speeds_are_the_median_of_rounds_in_turn(monkeypatch):
    order, spans = [], iter([1.0, 4.0, 2.0, 5.0, 9.0, 3.0])

    def timed(update, seconds):
        order.append(update())
        return next(spans)

    monkeypatch.setattr(ladder, "_seconds_per_update", timed)
    makers = {"a": lambda: (lambda: 1, 10), "b": lambda: (lambda: 2, 60)}
    assert ladder.speeds(makers, CPU) == {"a": 10 / 2, "b": 60 / 4}
    assert order == [1, 2, 1, 2, 1, 2]


def test_a_chip_with_memory_of_its_own_holds_one_update_at_a_time(monkeypatch):
    there, most, freed = [], [], []

    class Held:
        def __call__(self):
            return 1

    def make():
        held = Held()
        there.append(weakref.ref(held))
        most.append(sum(one() is not None for one in there))
        return held, 10

    monkeypatch.setattr(ladder, "_seconds_per_update", lambda update, seconds: update())
    monkeypatch.setattr(ladder, "empty_cache", freed.append)
    gpu = replace(CPU, device=torch.device("cuda"))
    assert ladder.speeds(dict.fromkeys("abc", make), gpu) == dict.fromkeys("abc", 10)
    assert most == [1, 1, 1] and freed == [gpu] * 3


def test_what_an_update_needs_is_told_before():
    said = ladder.describe_memory(GPTConfig.preset("gpt2"), ladder.SPEED.values(), CPU, 4)
    needed, free = re.fullmatch(r"needs at most ([\d.]+) GB of ([\d.]+) GB", said).groups()
    assert 10 < float(needed) < 40 and float(free) > 1
    assert re.match(
        r"needs at most \d MB of ", ladder.describe_memory(TINY, [ladder.Rung()], CPU, 64)
    )
    sizes = [ladder.memory_needed(TINY, [rung], CPU, 4) for rung in ladder.SPEED.values()]
    assert ladder.memory_needed(TINY, ladder.SPEED.values(), CPU, 4) == max(sizes)
    assert ladder.memory_needed(TINY, [], CPU, 4) == 0


def test_why_a_compiled_rung_is_left_out(monkeypatch):
    gpu = replace(CPU, device=torch.device("cuda"), name="Tesla T4")
    full = torch.OutOfMemoryError("CUDA out of memory")
    assert "Tesla T4 has too little free memory" in ladder.why_not_compiled(full, gpu)
    other = RuntimeError("nothing of the kind\nand more")
    monkeypatch.setattr(ladder, "has_triton", lambda: False)
    assert ladder.why_not_compiled(other, gpu).startswith("No Triton here")
    monkeypatch.setattr(ladder, "has_triton", lambda: True)
    expected = "Compiling failed (RuntimeError: nothing of the kind)"
    assert ladder.why_not_compiled(other, gpu) == expected
    monkeypatch.setattr(ladder, "cpp_compiler", lambda: "g++")
    assert ladder.why_not_compiled(other, CPU) == expected
    monkeypatch.setattr(ladder, "cpp_compiler", lambda: None)
    assert ladder.why_not_compiled(other, CPU) == "No C++ compiler here"
    assert ladder.why_not_compiled(RuntimeError(), gpu) == "Compiling failed (RuntimeError)"


def test_seconds_of_an_update_are_an_average(clock):
    seconds = iter([1.0, 3.0, 2.0])

    def update():
        clock.now += next(seconds)
        return torch.zeros(())

    assert ladder._seconds_per_update(update, 5.0) == 2


def test_a_gpu_is_measured_on_gpt2_a_cpu_on_a_small_network():
    gpu = replace(CPU, device=torch.device("cuda"))
    assert ladder.shape_for(gpu, 15e9)[0].n_embd == 768
    assert ladder.shape_for(CPU)[0].n_embd == 128
    sizes = (4e9, 6e9, 8e9, 11e9, 80e9)
    found = [ladder.shape_for(gpu, size) for size in sizes]
    assert [(shape.n_embd, batch) for shape, batch in found] == [
        *((128, 8), (768, 1), (768, 2)),
        *((768, 4), (768, 4)),  # as on every larger card: the same numbers to compare
    ]
    for (shape, batch), size in zip(found, sizes):
        assert ladder.memory_needed(shape, ladder.SPEED.values(), gpu, batch) <= size - 1e9


def test_what_is_stored_is_read_and_nothing_is_none(tmp_path, monkeypatch):
    """`nbutils.chips` writes it; tests/test_chips_file.py has the whole way."""
    monkeypatch.setattr(ladder, "MEASURED", tmp_path / "chips.json")
    assert ladder.stored_speeds() is None
    (tmp_path / "chips.json").write_text("[]", "utf-8")
    assert ladder.stored_speeds() is None


def test_a_recipe_is_the_rungs():
    assert ladder.Rung().train_config(5) == replace(
        TrainConfig(), steps=5, learning_rate=6e-3, warmup_steps=25
    )
