"""Where a program's time goes: its work is counted exactly, and judged against what the chip can do."""

import time
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch.optim import optimizer

from nbutils import device, ladder, profiling
from nbutils.model import GPT, GPTConfig

TINY = GPTConfig(vocab_size=70, block_size=8, n_layer=2, n_head=2, n_embd=16)
CPU = replace(device.pick("cpu"), dtype=torch.bfloat16)


def only(action) -> profiling.Work:
    """The work of an action that has operations of one kind."""
    count = profiling.count_work(action)
    (kind,) = count.calls
    return count.work(kind)


def test_a_product_is_counted_by_the_formula():
    a, b = torch.zeros(3, 5), torch.zeros(5, 7)
    assert only(lambda: a @ b) == (1, 2 * 3 * 5 * 7, 4 * (3 * 5 + 5 * 7 + 3 * 7))


def test_what_only_looks_at_numbers_moves_none():
    x = torch.zeros(4, 6)
    assert profiling.count_work(lambda: x.t().view(6, 2, 2)[:3].unsqueeze(0)).calls == {}
    assert profiling.count_work(lambda: x.new_empty(100)).calls == {}


X, INTO, TABLE, IDS = torch.ones(6), torch.ones(6), torch.zeros(100, 8), torch.tensor([1, 2])
MOVED = {
    "a new tensor is written": (lambda: X + INTO, 3 * 24),
    "one that is changed is read and written": (lambda: X.add_(INTO), 3 * 24),
    "one that is filled is only written": (lambda: X.fill_(1.0), 24),
    "a copy reads one and writes one": (lambda: X.copy_(INTO), 2 * 24),
    "what goes into out= is only written": (lambda: torch.add(X, X, out=INTO), 2 * 24),
    "what is given twice is read once": (lambda: X * X, 2 * 24),
    "of what one is made like only the shape is asked": (lambda: torch.zeros_like(X), 24),
    "numbers that are drawn read none": (lambda: X.clone().exponential_(), 3 * 24),
    "of a table only the rows asked for are read": (lambda: F.embedding(IDS, TABLE), 2 * 2 * 8 * 4),
    "a number that is repeated is read once": (lambda: X[:1].expand(6) + INTO, 4 + 2 * 24),
    "of a list each is counted": (lambda: torch._foreach_mul_([X, INTO], 1.0), 4 * 24),
}


@pytest.mark.parametrize("case", MOVED)
def test_bytes_are_those_that_must_be_moved(case):
    action, moved = MOVED[case]
    assert only(action).moved == moved


@pytest.mark.parametrize("rung", ["plain", "fused attention"])
def test_an_updates_operations_are_those_of_the_formula(rung):
    update, count = ladder.make_update(TINY, ladder.SPEED[rung], CPU, 4)
    work = profiling.count_work(update).work
    done = work("matrix products").operations, work("attention").operations
    model = GPT(TINY)
    of_attention = count * 12 * TINY.n_layer * TINY.n_embd * TINY.block_size
    assert done[0] == count * model.flops_per_token() - of_attention
    # Attention in one operation computes the scores again on the way back: 7 products, not 6.
    assert done[1] in (of_attention, of_attention * 7 // 6)
    assert work("optimizer").moved > 4 * 7 * model.num_parameters()  # weight, gradient, two means


def test_memory_that_is_used_again_is_touched_once():
    a = torch.zeros(1000)

    def action():
        for _ in range(5):
            a.add_(1)

    count = profiling.count_work(action)
    assert count.work(profiling.OTHER).calls == 5
    assert 4000 <= count.touched <= 4100


def test_after_an_error_optimizers_are_not_watched_any_more():
    hooks = optimizer._global_optimizer_pre_hooks
    before = len(hooks)
    with pytest.raises(ZeroDivisionError):
        profiling.count_work(lambda: 1 / 0)
    assert len(hooks) == before


@pytest.fixture
def model():
    torch.manual_seed(0)
    return GPT(replace(TINY, block_size=40)).eval()


def test_steps_of_sampling_are_the_same_at_every_call(model):
    action = profiling.sampling_steps(model, texts=3, length=20, steps=5)
    first = action()
    assert first.shape == (3,)
    assert torch.equal(action(), first)
    text = torch.arange(60).view(3, 20)
    new = text[:, -1]
    with torch.no_grad():
        for _ in range(5):
            text = torch.cat([text, new[:, None]], dim=1)
            new = model(text)[:, -1].argmax(-1)
    assert torch.equal(action(), new)


def test_a_step_of_sampling_multiplies_once_with_each_weight(model):
    count = profiling.count_work(profiling.sampling_steps(model, texts=3, length=20, steps=5))
    products = count.work("matrix products")
    weights = sum(p.numel() for p in model.parameters() if p.dim() == 2)
    weights -= model.position_embedding.weight.numel()
    assert products.operations == 5 * 3 * 2 * weights
    assert products.moved > 5 * 4 * weights
    keys = sum(range(21, 26))  # tokens that are looked at
    assert count.work("attention").operations == 4 * 3 * TINY.n_embd * TINY.n_layer * keys


def test_a_limit_is_the_sum_of_each_calls_own():
    calls = [profiling.Work(1, 100, 1), profiling.Work(1, 1, 100)]
    count = profiling.Count({"products": calls}, touched=0)
    assert count.limit("products", peak=10, bandwidth=10) == 20
    assert count.work("products") == (2, 101, 101)
    assert count.limit("nothing", 10, 10) == 0


def test_each_kind_stands_beside_the_slower_of_its_two_limits(monkeypatch):
    monkeypatch.setattr(device, "measure_peak", lambda chip: 1e6)
    asked = []
    monkeypatch.setattr(device, "measure_bandwidth", lambda chip, size: asked.append(size) or 1e3)
    spent = {"matrix products": 3.0, profiling.OTHER: 1.0, "loss": 0.0}
    monkeypatch.setattr(profiling, "where_time_goes", lambda *_: spent)
    monkeypatch.setattr(profiling, "_seconds", lambda *_: 8.0)
    a, b = torch.zeros(100, 100), torch.zeros(100, 100)
    found = profiling.beside_limit(lambda: (a @ b).relu(), CPU)
    products, other = found.parts
    assert (products.kind, products.seconds, products.limit) == ("matrix products", 6.0, 120.0)
    assert (other.kind, other.seconds, other.limit) == (profiling.OTHER, 2.0, 80.0)
    assert (found.seconds, found.limit) == (8.0, 200.0)
    assert asked == 2 * [found.touched // 2]  # before and after


def test_a_real_program_has_a_limit_and_takes_time(monkeypatch):
    update, _ = ladder.make_update(TINY, ladder.SPEED["fused optimizer"], CPU, 4)
    for name in ("measure_peak", "measure_bandwidth"):
        monkeypatch.setattr(device, name, partial(getattr(device, name), seconds=0.05))
    found = profiling.beside_limit(update, CPU, times=2)
    assert 0 < found.limit < found.seconds
    assert {part.kind for part in found.parts} >= {"matrix products", "attention", "optimizer"}


def test_the_profile_finds_each_kind_and_adds_up_to_the_clock():
    update, _ = ladder.make_update(TINY, ladder.SPEED["fused attention"], CPU, 4)
    began = time.perf_counter()
    spent = profiling.where_time_goes(update, CPU, times=2)
    took = time.perf_counter() - began
    for kind in ("matrix products", "attention", "loss", "optimizer", "norms, elementwise"):
        assert spent[kind] > 0, kind
    assert spent["compiled blocks"] == 0
    assert list(spent)[-1] == "Python, rest"
    assert 2 * sum(spent.values()) < took


def test_on_a_gpu_an_operation_has_its_programs_time_once():
    kinds, gpu = torch.autograd.DeviceType, replace(CPU, device=torch.device("cuda"))
    times = {"self_cpu_time_total": 5e6, "self_device_time_total": 2e6}
    call = SimpleNamespace(device_type=kinds.CPU, **times)
    program = SimpleNamespace(device_type=kinds.CUDA, **times)
    assert [profiling._self_seconds(event, gpu) for event in (call, program)] == [2, 0]
    assert profiling._self_seconds(call, CPU) == 5
