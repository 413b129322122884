"""Tokens come from the stated probabilities, and nothing that only saves work changes them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from networks import TALKATIVE, prompts, random_model

from nbutils.config import SWITCHES
from nbutils.model import GPT
from nbutils.sampling import _exponential, generate, next_token_probabilities, stream


@pytest.fixture(scope="module")
def model() -> GPT:
    """Random, but far from uniform: its choices differ from context to context."""
    return random_model()


# Probabilities.


def test_nothing_chosen_is_softmax():
    logits = torch.randn(3, 7)
    expected = logits.double().exp() / logits.double().exp().sum(-1, keepdim=True)
    torch.testing.assert_close(next_token_probabilities(logits).double(), expected)


def test_temperature_is_a_power_of_the_probabilities():
    p = torch.tensor([0.5, 0.3, 0.2])
    squared = torch.tensor([0.25, 0.09, 0.04]) / 0.38
    torch.testing.assert_close(next_token_probabilities(p.log(), temperature=0.5), squared)


@pytest.mark.parametrize("temperature", [0, 5e-324, 1e-50, 1e-40, 1e-36, 1e-3])
def test_cold_leaves_the_largest(temperature):
    p = next_token_probabilities(torch.tensor([[1e4, -1e4, 9.9e3]]), temperature)
    assert p.tolist() == [[1.0, 0.0, 0.0]]


def test_top_k_keeps_the_k_likeliest_in_proportion():
    p = torch.tensor([0.1, 0.4, 0.2, 0.3])
    kept = next_token_probabilities(p.log(), top_k=2)
    torch.testing.assert_close(kept, torch.tensor([0, 4 / 7, 0, 3 / 7]))
    torch.testing.assert_close(next_token_probabilities(p.log(), top_k=9), p)


@pytest.mark.parametrize(
    "top_p, kept",
    [
        (0.05, [1]),
        (0.39, [1]),
        (0.41, [1, 3]),
        (0.69, [1, 3]),
        (0.71, [1, 2, 3]),
        (0.95, [0, 1, 2, 3]),
        (1.0, [0, 1, 2, 3]),
    ],
)
def test_top_p_keeps_the_fewest_that_reach_p(top_p, kept):
    p = torch.tensor([0.1, 0.4, 0.2, 0.3])
    expected = torch.where(torch.isin(torch.arange(4), torch.tensor(kept)), p, 0.0)
    found = next_token_probabilities(p.log(), top_p=top_p)
    torch.testing.assert_close(found, expected / expected.sum())


def test_top_p_that_is_reached_exactly_takes_no_more():
    logits = torch.tensor([0.5, 0.25, 0.25]).log()
    assert logits.softmax(-1).tolist() == [0.5, 0.25, 0.25]
    assert next_token_probabilities(logits, top_p=0.5).tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("top_p", [1e-300, 5e-324])
def test_the_smallest_top_p_keeps_the_likeliest(top_p):
    p = next_token_probabilities(torch.tensor([[0.0, 2.0, 1.0], [3.0, 2.0, 1.0]]), top_p=top_p)
    assert p.tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]


def test_top_k_comes_before_top_p():
    p = torch.tensor([0.4, 0.3, 0.2, 0.1])  # of the first three, 0.4 is 44%: not yet half
    found = next_token_probabilities(p.log(), top_k=3, top_p=0.45)
    torch.testing.assert_close(found, torch.tensor([4 / 7, 3 / 7, 0, 0]))


def test_impossible_tokens_stay_impossible():
    logits = torch.tensor([0.0, float("-inf"), 1.0])
    for options in ({}, dict(top_k=3), dict(top_p=0.999), dict(temperature=0)):
        p = next_token_probabilities(logits, **options)
        assert p[1] == 0 and p.sum() == pytest.approx(1)


def test_short_formats_are_summed_in_float32():
    p = next_token_probabilities(torch.zeros(100_277, dtype=torch.bfloat16))
    assert p.dtype == torch.float32
    assert p.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("options", [{}, dict(temperature=0.7, top_k=6), dict(top_p=0.8)])
def test_drawn_frequencies_are_the_probabilities(model, options):
    stats = pytest.importorskip("scipy.stats")
    prompt = prompts(1, 5)
    p = next_token_probabilities(model(prompt)[0, -1].detach(), **options).double().numpy()
    drawn = generate(model, prompt.expand(20_000, 5), 1, seed=3, **options)[:, -1]
    counts = np.bincount(drawn, minlength=TALKATIVE.vocab_size)
    assert counts[p == 0].sum() == 0
    likely = p * 20_000 >= 5
    counts = np.append(counts[likely], counts[~likely].sum())
    expected = np.append(p[likely], p[~likely].sum()) * 20_000
    possible = expected > 0
    expected = expected[possible] * 20_000 / expected.sum()
    assert stats.chisquare(counts[possible], expected).pvalue > 1e-4


@pytest.mark.parametrize("shape", [(1, 1), (3, 1242)])
def test_exponential_numbers_are_those_of_pytorch(shape):
    ours, theirs = (torch.Generator().manual_seed(5) for _ in range(2))
    for _ in range(3):
        expected = torch.empty(shape).exponential_(generator=theirs)
        assert torch.equal(_exponential(expected, ours), expected)


# Generation.


def test_the_prompt_comes_first_and_new_tokens_follow(model):
    prompt = prompts(3, 5)
    text = generate(model, prompt, 4, seed=0)
    assert text.shape == (3, 9) and text.dtype == torch.int64
    assert torch.equal(text[:, :5], prompt)
    assert not text.is_inference()  # so it can be trained on
    assert torch.equal(generate(model, prompt, 0), prompt)


@pytest.mark.parametrize("options", [dict(), dict(temperature=1.3, top_k=9), dict(top_p=0.9)])
def test_the_cache_changes_no_token(model, options):
    for seed in range(25):
        prompt = prompts(2, 1 + seed % 7, seed=seed)
        with_cache = generate(model, prompt, 16, seed=seed, **options)
        without = generate(model, prompt, 16, seed=seed, use_cache=False, **options)
        assert torch.equal(with_cache, without), seed


@pytest.mark.parametrize("length", [5, 24, 30])
def test_past_the_position_table_the_window_slides(model, length):
    prompt = prompts(2, length)
    text = generate(model, prompt, 26, temperature=0)
    assert torch.equal(text, generate(model, prompt, 26, temperature=0, use_cache=False))
    for end in range(length, length + 26):
        with torch.no_grad():
            expected = model(text[:, max(0, end - 24) : end])[:, -1].argmax(-1)
        assert torch.equal(text[:, end], expected), end


@pytest.mark.parametrize("B, T", [(1, 1), (3, 4)])
def test_greedy_equals_that_of_transformers(model, B, T, tmp_path):
    transformers = pytest.importorskip("transformers")
    model.save_pretrained(tmp_path)
    theirs = transformers.GPT2LMHeadModel.from_pretrained(tmp_path).eval()
    prompt = prompts(B, T)
    expected = theirs.generate(prompt, max_new_tokens=18, do_sample=False, pad_token_id=0)
    found = generate(model, prompt, 18, temperature=0)
    assert torch.equal(found, expected)
    assert len(set(found[0, T:].tolist())) > 2  # else agreement would be cheap


def test_the_seed_decides(model):
    prompt = prompts(2, 3)
    once = generate(model, prompt, 12, seed=7)
    assert torch.equal(once, generate(model, prompt, 12, seed=7))
    assert not torch.equal(once, generate(model, prompt, 12, seed=8))


def test_without_a_seed_pytorchs_state_decides(model):
    prompt = prompts(2, 3)
    torch.manual_seed(5)
    once, twice = generate(model, prompt, 12), generate(model, prompt, 12)
    torch.manual_seed(5)
    assert torch.equal(once, generate(model, prompt, 12))
    assert not torch.equal(once, twice)


def test_a_seed_leaves_pytorchs_state_alone(model):
    before = torch.get_rng_state()
    generate(model, prompts(1, 3), 5, seed=1)
    assert torch.equal(before, torch.get_rng_state())


def test_a_stopped_row_repeats_its_stop_and_the_others_go_on(model):
    prompt = prompts(4, 3)
    free = generate(model, prompt, 20, seed=2)[:, 3:]
    stops = [int(free[0, 2]), int(free[1, 9])]
    first = [next((t for t in range(20) if row[t] in stops), 20) for row in free.tolist()]
    assert len(set(first)) > 1 and max(first) > 0  # rows stop at different steps
    found = generate(model, prompt, 20, seed=2, stop=stops)[:, 3:]
    assert found.shape[1] == min(20, max(first) + 1)
    for row, expected, t in zip(found.tolist(), free.tolist(), first):
        assert row[: t + 1] == expected[: len(row)][: t + 1]
        assert set(row[t:]) <= {expected[min(t, 19)]}


def test_it_ends_when_every_row_has_stopped(model):
    prompt = prompts(1, 3)
    free = generate(model, prompt, 20, seed=2)[0].tolist()
    stop = free[8]
    found = generate(model, prompt, 20, seed=2, stop=stop)[0].tolist()
    assert found == free[: free.index(stop, 3) + 1]


def test_no_stop_among_none(model):
    prompt = prompts(1, 3)
    found = generate(model, prompt, 6, seed=1, stop=[])
    assert torch.equal(found, generate(model, prompt, 6, seed=1))


def test_a_stop_in_the_prompt_is_no_stop(model):
    prompt = prompts(1, 3)
    free = generate(model, prompt, 6, temperature=0)
    stop = int(prompt[0, -1])
    if stop not in free[0, 3:]:
        assert torch.equal(generate(model, prompt, 6, temperature=0, stop=stop), free)
    else:
        pytest.fail("choose another prompt: this one's last token is drawn again")


def test_stream_gives_the_tokens_of_generate_one_step_at_a_time(model):
    prompt = prompts(2, 3)
    steps = stream(model, prompt, 6, seed=4)
    first = next(steps)
    assert first.shape == (2,)
    text = torch.stack([first, *steps], dim=1)
    assert torch.equal(text, generate(model, prompt, 6, seed=4)[:, 3:])


@pytest.mark.parametrize("stop", [None, 3])
def test_the_training_mode_comes_back(stop):
    dropped = GPT(replace(TALKATIVE, dropout=0.5)).train()
    prompt = prompts(1, 3)
    once = generate(dropped, prompt, 6, temperature=0, stop=stop)
    assert dropped.training and dropped.blocks[0].dropout.training
    assert torch.equal(once, generate(dropped, prompt, 6, temperature=0, stop=stop))
    steps = stream(dropped, prompt, 6, stop=stop)
    next(steps)
    steps.close()  # a reader who leaves early
    assert dropped.training
    dropped.eval()
    generate(dropped, prompt, 2)
    assert not dropped.training


@pytest.mark.parametrize("options", [dict(temperature=1e-50), dict(top_p=1e-300)])
def test_the_smallest_choices_draw_the_likeliest(model, options):
    prompt = prompts(2, 3)
    greedy = generate(model, prompt, 6, temperature=0)
    assert torch.equal(generate(model, prompt, 6, **options), greedy)


def test_streams_that_take_turns_leave_the_mode_alone():
    dropped, prompt = GPT(replace(TALKATIVE, dropout=0.5)).train(), prompts(1, 3)
    expected = generate(dropped, prompt, 6, temperature=0)[0, 3:].tolist()
    first, second = (stream(dropped, prompt, 6, temperature=0) for _ in range(2))
    found = [int(next(first)), int(next(second)), int(next(first))]
    assert found == [expected[0], expected[0], expected[1]]
    assert dropped.training and dropped.blocks[0].dropout.training  # between two steps
    first.close()
    assert [int(new) for new in second] == expected[1:]
    assert dropped.training
    third = stream(dropped, prompt, 6, temperature=0)
    next(third)
    dropped.eval()  # chosen between two steps, so it stays
    third.close()
    assert not dropped.training


@pytest.mark.parametrize("cuda_graph", [False, True])
@pytest.mark.parametrize("switch", SWITCHES)
def test_it_samples_in_the_chips_format(switch, cuda_graph):
    model = random_model(**{switch: True})
    with torch.autocast("cpu", dtype=torch.bfloat16):
        text = generate(model, prompts(2, 3), 30, seed=0, cuda_graph=cuda_graph)
    assert text.shape == (2, 33)
    assert text.min() >= 0 and text.max() < TALKATIVE.vocab_size


def test_the_cache_computes_each_token_once(model, monkeypatch):
    """Counted where the work is: at the MLP of the first block."""
    read = []
    hook = model.blocks[0].mlp.register_forward_hook(lambda m, i, o: read.append(o.size(1)))
    generate(model, prompts(1, 5), TALKATIVE.block_size - 5 + 1)  # until the table is full
    hook.remove()
    assert read == [5] + [1] * (TALKATIVE.block_size - 5)


def test_sampling_keeps_nothing_for_a_backward_pass(model):
    needs = []
    hook = model.final_norm.register_forward_hook(lambda m, i, o: needs.append(o.requires_grad))
    generate(model, prompts(1, 3), 2)
    hook.remove()
    assert needs == [False, False]


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(temperature=-0.1), "temperature=-0.1"),
        (dict(temperature=float("nan")), "temperature=nan"),
        (dict(temperature=float("inf")), "temperature=inf"),
        (dict(top_k=0), "top_k=0"),
        (dict(top_p=0.0), "top_p=0.0"),
        (dict(top_p=1.5), "top_p=1.5"),
    ],
)
def test_choices_that_mean_nothing_are_named(model, options, message):
    with pytest.raises(ValueError, match=message):
        next_token_probabilities(torch.zeros(5), **options)
    with pytest.raises(ValueError, match=message):
        stream(model, prompts(1, 3), 2, **options)


@pytest.mark.parametrize(
    "tokens, new, stop, message",
    [
        (torch.zeros(1, 0, dtype=torch.long), 2, None, r"shape \(1, 0\).*at least one token"),
        (torch.zeros(3, dtype=torch.long), 2, None, r"shape \(3,\), not \(B, T\)"),
        (torch.zeros(1, 3), 2, None, "dtype torch.float32"),
        (torch.tensor([[31]]), 2, None, "tokens has id 31"),
        (torch.tensor([[3]]), -1, None, "max_new_tokens=-1"),
        (torch.tensor([[3]]), 1, 31, "stop has id 31"),
        (torch.tensor([[3]]), 1, [2, 50256], "stop has id 50256"),
    ],
)
def test_bad_requests_are_named_before_anything_is_drawn(model, tokens, new, stop, message):
    with pytest.raises(ValueError, match=message):
        stream(model, tokens, new, stop=stop)


# What can't be drawn from


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize(
    "name",
    ["blocks.1.mlp.expand.weight", "final_norm.bias", "token_embedding.weight", "head.weight"],
)
def test_weights_that_are_no_numbers_are_named(name, bad):
    model = random_model()
    model.get_parameter(name).data[-1] = bad
    with pytest.raises(ValueError, match=f"its weight {name} has numbers .* lower learning_rate"):
        generate(model, prompts(2, 3), 4)
    steps = stream(model, prompts(2, 3), 4)
    with pytest.raises(ValueError, match=name):
        next(steps)


def test_a_position_that_only_later_tokens_have_is_looked_at_at_once():
    model = random_model()
    model.position_embedding.weight.data[20] = float("nan")
    with pytest.raises(ValueError, match="its weight position_embedding.weight"):
        generate(model, prompts(1, 3), 1, use_cache=False)


def test_logits_that_are_no_numbers_are_told():
    model = random_model()
    with torch.no_grad():
        model.head.weight.fill_(3e38)
    with pytest.raises(ValueError, match="logits are not finite, though its weights are"):
        generate(model, prompts(1, 3), 1)
    for row in ([0.0, float("nan")], [0.0, float("inf")], [-float("inf")] * 2):
        with pytest.raises(
            ValueError, match="logits has a row with nan or inf, or with -inf alone"
        ):
            next_token_probabilities(torch.tensor(row))


def test_a_token_that_a_model_rules_out_is_no_damage(model):
    part = random_model()
    part.unembed = lambda x: (
        type(part).unembed(part, x).index_fill(-1, torch.tensor([7]), -float("inf"))
    )
    assert 7 not in generate(part, prompts(4, 3), 18, seed=1, use_cache=False)[:, 3:]


def test_room_is_made_as_it_is_needed(model):
    """So a stop may be all that ends a text."""
    short = generate(model, prompts(2, 3), 40, seed=1)
    steps = stream(model, prompts(2, 3), 10**12, seed=1)
    assert torch.equal(short[:, 3:], torch.stack([next(steps) for _ in range(40)], dim=1))


@pytest.mark.parametrize(
    "given", [dict(seed=np.int64(5)), dict(seed=torch.tensor(5)), dict(seed=5, stop=np.array([30]))]
)
def test_numbers_may_be_numpys_and_pytorchs(model, given):
    numbers = dict(temperature=np.float32(0.5), top_k=np.int64(9), top_p=torch.tensor(0.9))
    plain = dict(temperature=0.5, top_k=9, top_p=float(torch.tensor(0.9)), seed=5)
    plain |= dict(stop=30) if "stop" in given else {}
    expected = generate(model, prompts(2, 3), 6, **plain)
    assert torch.equal(generate(model, prompts(2, 3), np.int32(6), **numbers, **given), expected)


def test_a_model_in_a_wrapper_is_told_to_come_out(model):
    with pytest.raises(ValueError, match="DataParallel around a network: give .* model.module"):
        generate(torch.nn.DataParallel(model), prompts(1, 3), 1)
