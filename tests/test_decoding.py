"""One token at a time, without calling the modules: the logits of the model, and its tokens."""

from itertools import combinations

import pytest
import torch
import torch.nn.functional as F
from networks import TALKATIVE, prompts, random_model

from nbutils import decoding
from nbutils.config import SWITCHES
from nbutils.decoding import decoder, keeps_inputs, read_inputs, read_prompt
from nbutils.kv_cache import InputCache, KVCache
from nbutils.model import Block, CausalSelfAttention
from nbutils.sampling import generate, stream


@pytest.fixture
def threads():
    """Two threads; the number that was there comes back."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


VARIANTS = [dict.fromkeys(names, True) for n in range(5) for names in combinations(SWITCHES, n)]
VARIANTS += [dict(bias=False), dict(tie_weights=True)]


@pytest.mark.parametrize("B, cuda_graph", [(1, False), (3, False), (3, True)])
@pytest.mark.parametrize("changes", VARIANTS, ids=lambda changes: "-".join(changes) or "gpt2")
def test_one_token_at_a_time_gives_the_logits_of_the_model(changes, B, cuda_graph):
    model, text = random_model(**changes), prompts(B, 12)
    with torch.no_grad():
        expected = model(text)
        cache = KVCache(TALKATIVE.n_layer, 12)
        model.hidden(text[:, :5], cache)
        for memory in (*cache._keys, *cache._values):
            memory[:, :, 5:] = float("nan")  # what nobody has written yet may be anything
        decode = decoder(model, cache, text[:, 5], cuda_graph)
        found = torch.stack([decode(text[:, t]) for t in range(5, 12)], dim=1)
    torch.testing.assert_close(found, expected[:, 5:], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("changes", [{name: True} for name in SWITCHES], ids=str)
def test_the_cache_changes_no_token_whatever_the_switches(changes):
    model = random_model(**changes)
    text = generate(model, prompts(2, 4), 24, seed=1)  # the last four past the position table
    for other in (dict(use_cache=False), dict(cuda_graph=True)):
        assert torch.equal(text, generate(model, prompts(2, 4), 24, seed=1, **other))


@pytest.mark.parametrize("on", [False, True])
def test_after_the_prompt_no_module_is_called(on, monkeypatch):
    model = random_model(**dict.fromkeys(SWITCHES, on))
    calls, original = [], Block.forward
    monkeypatch.setattr(Block, "forward", lambda *a, **k: calls.append(1) or original(*a, **k))
    generate(model, prompts(1, 3), 9)
    assert len(calls) == TALKATIVE.n_layer


def test_an_exchanged_part_is_what_draws():
    class LooksBack(CausalSelfAttention):
        def normalize_and_rotate(self, x, start):
            return x.abs()

    model = random_model()
    plain = generate(model, prompts(1, 3), 9, temperature=0)
    model.blocks[1].attention.__class__ = LooksBack
    exchanged = generate(model, prompts(1, 3), 9, temperature=0)
    assert not torch.equal(exchanged, plain)
    uncached = generate(model, prompts(1, 3), 9, temperature=0, use_cache=False)
    assert torch.equal(exchanged, uncached)


@pytest.mark.parametrize("watch", ["register_forward_hook", "register_forward_pre_hook"])
def test_a_hook_sees_every_token(watch):
    model, seen = random_model(), []
    getattr(model.blocks[0].mlp, watch)(lambda module, x, *y: seen.append(x[0].size(1)))
    generate(model, prompts(1, 3), 4)
    assert seen == [3, 1, 1, 1]


@pytest.mark.parametrize("n_embd, expected", [(16, {1}), (512, {2})])
def test_small_products_take_one_thread_and_the_callers_number_comes_back(
    n_embd, expected, threads, monkeypatch
):
    used, embed = set(), F.embedding

    def watched(*arguments):
        used.add(torch.get_num_threads())
        return embed(*arguments)

    model, prompt = random_model(n_embd=n_embd), prompts(1, 1)
    steps = stream(model, prompt, 3)
    next(steps)  # the prompt is read by the model itself
    monkeypatch.setattr(F, "embedding", watched)
    next(steps)
    assert used == expected
    assert torch.get_num_threads() == 2
    monkeypatch.setattr(F, "embedding", lambda *arguments: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        next(steps)
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("B, expected", [(1, 1), (600, 2)])
def test_attention_over_much_takes_all_threads(B, expected, threads, monkeypatch):
    used, attend = [], F.scaled_dot_product_attention

    def watched(*arguments, **options):
        used.append(torch.get_num_threads())
        return attend(*arguments, **options)

    steps = stream(random_model(), prompts(B, 14), 2)
    next(steps)
    monkeypatch.setattr(F, "scaled_dot_product_attention", watched)
    next(steps)
    assert used == [expected] * TALKATIVE.n_layer


@pytest.fixture
def few_are_many(monkeypatch):
    """Small networks keep inputs as large ones do."""
    monkeypatch.setattr(decoding, "_MANY_INPUTS", 0)


OVER_INPUTS = [{}, dict(bias=False), dict(rms_norm=True), dict(relu_squared=True, n_head=4)]


@pytest.mark.parametrize("changes", OVER_INPUTS, ids=str)
def test_steps_over_the_inputs_give_the_logits_of_the_model(changes, few_are_many):
    model, text = random_model(**changes), prompts(5, 12)
    assert keeps_inputs(model, 5, 12)
    cache = InputCache(TALKATIVE.n_layer, 12)
    with torch.no_grad():
        expected = model(text)
        found = [read_inputs(model, text[:, :5], cache)]
        for memory in cache._inputs:
            memory[:, 5:] = float("nan")  # what nobody has written yet may be anything
        decode = decoder(model, cache, text[:, 5])
        found += [decode(text[:, t]) for t in range(5, 12)]
    torch.testing.assert_close(torch.stack(found, 1), expected[:, 4:], rtol=1e-4, atol=1e-4)
    assert cache.length == 12 and not cache._keys


@pytest.mark.parametrize("prompt", [1, 7])
def test_several_texts_make_no_keys_and_draw_the_same_tokens(prompt, monkeypatch, few_are_many):
    model, prompt = random_model(dropout=0.5).train(), prompts(4, prompt)
    options = [dict(temperature=0), dict(seed=3), dict(seed=3, top_k=9)]
    expected = [generate(model, prompt, 26, use_cache=False, **choice) for choice in options]
    monkeypatch.setattr(KVCache, "update", lambda *arguments: 1 / 0)
    for choice, text in zip(options, expected, strict=True):
        assert torch.equal(generate(model, prompt, 26, **choice), text)
    assert model.training


@pytest.mark.parametrize(
    "B, changes",
    [(3, {}), (4, dict(rotary=True)), (4, dict(qk_norm=True)), (4, dict(n_head=16))],
    ids=str,
)
def test_few_texts_many_heads_and_changed_keys_keep_keys(B, changes, few_are_many):
    assert not keeps_inputs(random_model(**changes), B, 30)
    assert keeps_inputs(random_model(), 4, 30)
    assert not keeps_inputs(random_model().bfloat16(), 4, 30)
    with torch.autocast("cpu"):
        assert not keeps_inputs(random_model(), 4, 30)


def test_short_texts_keep_keys():
    most = decoding._MANY_INPUTS // (4 * TALKATIVE.n_embd)
    assert keeps_inputs(random_model(), 4, most) and not keeps_inputs(random_model(), 4, most - 1)


def test_a_hook_that_comes_between_two_tokens_is_called_and_the_text_goes_on(few_are_many):
    model, seen = random_model(), []
    expected = generate(model, prompts(4, 3), 5, temperature=0)
    steps = stream(model, prompts(4, 3), 5, temperature=0)
    found = [next(steps)]
    model.blocks[0].attention.register_forward_hook(lambda module, x, y: seen.append(y.size(1)))
    found += steps
    assert torch.equal(torch.stack(found, 1), expected[:, 3:])
    assert seen == [4, 5, 6, 7]


def test_a_prompt_longer_than_the_position_table_is_told(few_are_many):
    for texts in (1, 4):
        with pytest.raises(ValueError, match="longer than this model's position table"):
            read_prompt(random_model(), prompts(texts, TALKATIVE.block_size + 1), 100)


def test_a_hook_sees_every_token_of_several_texts():
    model, seen = random_model(), []
    model.blocks[0].attention.register_forward_hook(lambda module, x, y: seen.append(y.size(1)))
    generate(model, prompts(4, 3), 3)
    assert seen == [3, 1, 1]
