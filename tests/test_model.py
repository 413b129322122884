"""The model is GPT-2: transformers, an independent implementation, is the judge."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from networks import MODERN, TINY, filled, judge, tokens_for
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from nbutils.config import SWITCHES, GPTConfig
from nbutils.model import GPT, IGNORE, ReLUSquared, rotate

# Odd on purpose: sizes that are no powers of two, one head, one layer, a head width of 1.
SHAPES = [
    (GPTConfig(vocab_size=97, block_size=23, n_layer=3, n_head=5, n_embd=35), 3, 17),
    (GPTConfig(vocab_size=11, block_size=9, n_layer=1, n_head=1, n_embd=7), 1, 9),
    (GPTConfig(vocab_size=257, block_size=40, n_layer=2, n_head=6, n_embd=6), 2, 1),
    (replace(TINY, tie_weights=False), 2, 13),
]


def recorded(modules: dict, run) -> dict:
    """What each module returns while ``run`` is called."""
    seen, hooks = {}, []
    for name, module in modules.items():

        def keep(module, inputs, output, name=name):
            seen[name] = output[0] if isinstance(output, tuple) else output

        hooks.append(module.register_forward_hook(keep))
    run()
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize(
    "name, count",
    [("sorter", 85_584), ("gpt2", 124_439_808), ("gpt2-xl", 1_557_611_200)],
)
def test_presets_have_their_published_sizes(name, count):
    with torch.device("meta"):
        assert GPT(GPTConfig.preset(name)).num_parameters(head=False) == count


def test_the_sorters_head_is_144_more():
    model = GPT(GPTConfig.preset("sorter"))
    assert model.num_parameters() == 85_584 + 3 * 48


def test_gpt3_has_175_billion_in_96_layers():
    config = GPTConfig.preset("gpt3-175b")
    with torch.device("meta"):
        count = GPT(config).num_parameters()
    assert config.n_layer == 96
    assert round(count / 1e9) == 175


@pytest.mark.parametrize("config, B, T", SHAPES)
def test_logits_equal_those_of_transformers(config, B, T, tmp_path):
    ours = filled(config)
    ours.save_pretrained(tmp_path)
    tokens = tokens_for(config, B, T)
    with torch.no_grad():
        expected, logits = judge(tmp_path)(tokens).logits, ours(tokens)
    assert logits.shape == (B, T, config.vocab_size)
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("config, B, T", SHAPES)
def test_each_layer_equals_that_of_transformers(config, B, T, tmp_path):
    ours = filled(config)
    ours.save_pretrained(tmp_path)
    theirs, tokens = judge(tmp_path), tokens_for(config, B, T)
    pairs = {
        "embedding": (ours.dropout, theirs.transformer.drop),
        "final norm": (ours.final_norm, theirs.transformer.ln_f),
    }
    for i, (a, b) in enumerate(zip(ours.blocks, theirs.transformer.h)):
        pairs[f"norm 1 of block {i}"] = (a.attention_norm, b.ln_1)
        pairs[f"attention of block {i}"] = (a.attention, b.attn)
        pairs[f"mlp of block {i}"] = (a.mlp, b.mlp)
        pairs[f"block {i}"] = (a, b)
    with torch.no_grad():
        found = recorded({n: p[0] for n, p in pairs.items()}, lambda: ours(tokens))
        expected = recorded({n: p[1] for n, p in pairs.items()}, lambda: theirs(tokens))
    assert found.keys() == expected.keys() == pairs.keys()
    for name in pairs:
        torch.testing.assert_close(
            found[name],
            expected[name],
            atol=1e-4,
            rtol=1e-5,
            msg=lambda m, name=name: f"{name}: {m}",
        )


def test_the_gradient_equals_that_of_transformers(tmp_path):
    ours = filled(TINY)
    ours.save_pretrained(tmp_path)
    theirs = judge(tmp_path)
    tokens, labels = tokens_for(TINY, 3, 9), tokens_for(TINY, 3, 9, seed=2)
    ours(tokens, labels)[1].backward()
    F.cross_entropy(theirs(tokens).logits.flatten(0, 1), labels.flatten()).backward()
    pairs = [
        (ours.token_embedding.weight, theirs.transformer.wte.weight),
        (ours.blocks[0].attention.query_key_value.bias, theirs.transformer.h[0].attn.c_attn.bias),
        (ours.blocks[1].mlp_norm.weight, theirs.transformer.h[1].ln_2.weight),
    ]
    for a, b in pairs:
        torch.testing.assert_close(a.grad, b.grad, atol=1e-5, rtol=1e-4)


def test_the_loss_is_cross_entropy_over_the_labels_that_count():
    model, tokens = filled(TINY), tokens_for(TINY, 2, 5)
    labels = tokens_for(TINY, 2, 5, seed=3)
    labels[0, 1] = labels[1, 4] = IGNORE
    logits, loss = model(tokens, labels)
    p = logits.detach().double().softmax(-1)
    counted = [(b, t) for b in range(2) for t in range(5) if labels[b, t] != IGNORE]
    expected = -sum(math.log(p[b, t, labels[b, t]]) for b, t in counted) / len(counted)
    assert loss.item() == pytest.approx(expected, abs=1e-4)
    assert len(counted) == 8


def test_a_later_token_changes_nothing_before_it():
    model, tokens = filled(TINY), tokens_for(TINY, 1, 10)
    other = tokens.clone()
    other[0, 6] = (other[0, 6] + 1) % TINY.vocab_size
    a, b = model(tokens), model(other)
    torch.testing.assert_close(a[:, :6], b[:, :6], atol=0, rtol=0)
    assert (a[:, 6:] - b[:, 6:]).abs().amin(-1).max() > 0
    assert not torch.allclose(a[:, 9], b[:, 9])


def test_an_untrained_model_is_near_uniform():
    torch.manual_seed(0)
    config = GPTConfig(vocab_size=5000, n_layer=2)
    tokens = tokens_for(config, 4, 64)
    loss = GPT(config)(tokens, tokens_for(config, 4, 64, seed=5))[1]
    assert loss.item() == pytest.approx(math.log(5000), abs=0.05)


def test_initialisation_is_that_of_gpt2():
    torch.manual_seed(0)
    model = GPT(GPTConfig(n_layer=8, n_embd=256, tie_weights=False))
    for table in (model.token_embedding, model.position_embedding, model.head):
        assert table.weight.std().item() == pytest.approx(0.02, rel=0.03)
    block = model.blocks[3]
    for linear, std in [
        (block.attention.query_key_value, 0.02),
        (block.attention.projection, 0.02 / math.sqrt(16)),
        (block.mlp.expand, 0.02),
        (block.mlp.contract, 0.02 / math.sqrt(16)),
    ]:
        assert linear.weight.std().item() == pytest.approx(std, rel=0.03)
        assert not linear.bias.any()
    assert (block.mlp_norm.weight == 1).all() and not block.mlp_norm.bias.any()


def test_hidden_then_unembed_is_the_forward_pass():
    for config in (TINY, replace(TINY, tie_weights=False)):
        model, tokens = filled(config), tokens_for(config, 2, 7)
        last = model.unembed(model.hidden(tokens)[:, -1])
        torch.testing.assert_close(last, model(tokens)[:, -1])


def test_dropout_works_only_in_training():
    model, tokens = filled(replace(TINY, dropout=0.5)), tokens_for(TINY, 2, 7)
    assert torch.equal(model(tokens), model(tokens))
    model.train()
    assert not torch.equal(model(tokens), model(tokens))


def test_dropout_works_inside_attention():
    attention = filled(replace(TINY, dropout=0.5)).blocks[0].attention
    x = torch.randn(2, 7, TINY.n_embd)
    assert torch.equal(attention(x), attention(x))
    attention.train()
    assert not torch.allclose(attention(x), attention(x))


@pytest.mark.parametrize("silent", ["attention.projection", "mlp.contract"])
def test_dropout_works_on_each_answer_that_a_block_adds(silent):
    block, x = filled(replace(TINY, dropout=0.5)).blocks[0], torch.randn(8, 16, TINY.n_embd)
    block.attention.dropout = 0.0  # so that only what follows the answer is left
    for parameter in block.get_submodule(silent).parameters():
        torch.nn.init.zeros_(parameter)  # the other answer stands alone
    with torch.no_grad():
        whole, dropped = block(x) - x, block.train()(x) - x
    zero = dropped == 0
    assert zero.float().mean().item() == pytest.approx(0.5, abs=0.05)
    torch.testing.assert_close(dropped[~zero], 2 * whole[~zero], atol=1e-4, rtol=1e-4)


def test_dropout_works_on_the_embedding():
    model, tokens = filled(replace(TINY, dropout=0.5)).train(), tokens_for(TINY, 8, 16)
    x = recorded({"first": model.dropout}, lambda: model(tokens))["first"]
    assert (x == 0).float().mean().item() == pytest.approx(0.5, abs=0.05)


def test_autocast_gives_nearly_the_same_and_a_float32_loss():
    torch.manual_seed(0)
    model, tokens = GPT(TINY), tokens_for(TINY, 2, 7)
    _, exact = model(tokens, tokens)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits, loss = model(tokens, tokens)
    assert logits.dtype == torch.bfloat16 and loss.dtype == torch.float32
    assert loss.item() == pytest.approx(exact.item(), abs=0.02)
    loss.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_a_short_format_sums_its_loss_in_float32():
    model, tokens = filled(TINY), tokens_for(TINY, 2, 7)
    logits, loss = model.bfloat16()(tokens, tokens)
    assert logits.dtype == torch.bfloat16 and loss.dtype == torch.float32


@pytest.mark.parametrize("config, B, T", [*SHAPES, (MODERN, 2, 13)])
def test_flops_per_token_are_what_pytorch_counts(config, B, T):
    model, tokens = GPT(config), tokens_for(config, B, T)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        model(tokens, tokens)[1].backward()
    assert model.flops_per_token(T) * B * T == counter.get_total_flops()


def test_flops_per_token_take_the_longest_window_and_need_no_weights():
    with torch.device("meta"):
        model = GPT(GPTConfig.preset("gpt2"))
    assert model.flops_per_token() == model.flops_per_token(1024) > 6 * 123_000_000


@pytest.mark.parametrize("length", [0, 17])
def test_flops_of_a_length_that_does_not_fit_are_refused(length):
    with pytest.raises(ValueError, match=f"length={length} must be from 1 to block_size=16"):
        GPT(TINY).flops_per_token(length)


@pytest.mark.parametrize("config", [TINY, MODERN])
def test_it_compiles_without_a_break_for_one_length_and_for_all(config):
    """From the second length on, PyTorch compiles a program in which the length is a symbol."""
    model = filled(config)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    for length in (7, 5):
        tokens = tokens_for(config, 2, length)
        torch.testing.assert_close(compiled(tokens, tokens), model(tokens, tokens))


def test_it_runs_on_meta():
    with torch.device("meta"):
        model, tokens = GPT(GPTConfig.preset("gpt2")), torch.zeros(2, 1024, dtype=torch.long)
    assert model(tokens).shape == (2, 1024, 50257)


# The switches: what came after GPT-2.


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_switch_alone_changes_the_model(switch):
    tokens = tokens_for(TINY, 2, 9)
    plain, switched = filled(TINY), filled(replace(TINY, **{switch: True}))
    theirs = plain.state_dict()
    own = {name: theirs[name] for name in switched.state_dict()}  # none is new, some are gone
    switched.load_state_dict(own)
    assert not torch.allclose(plain(tokens), switched(tokens), atol=1e-3)


def test_rotary_is_that_of_transformers():
    llama = pytest.importorskip("transformers.models.llama.modeling_llama")
    q, k = torch.randn(2, 3, 5, 7, 8).unbind()  # (B, H, T, D)
    speeds = 1 / 10_000 ** (torch.arange(0, 8, 2) / 8)
    angles = torch.outer(torch.arange(4, 11), speeds).repeat(1, 2)  # (T, D)
    theirs = llama.apply_rotary_pos_emb(q, k, angles.cos()[None], angles.sin()[None])
    torch.testing.assert_close((rotate(q, 4), rotate(k, 4)), theirs)


def test_scores_of_turned_vectors_depend_on_their_distance_alone():
    q, k = torch.randn(2, 1, 6, dtype=torch.float64).unbind()

    def score(i: int, j: int) -> float:
        return float(rotate(q, i) @ rotate(k, j).mT)

    assert score(3, 1) == pytest.approx(score(12, 10), rel=1e-6)
    assert score(3, 1) != pytest.approx(score(3, 2), rel=1e-3)
    assert rotate(q, 5).norm() == pytest.approx(q.norm())


def test_qk_norm_bounds_every_score():
    block = filled(replace(TINY, qk_norm=True)).blocks[0].attention
    q, k = 100 * torch.randn(1, 2, 5, 12), torch.randn(1, 2, 5, 12)
    q, k = (block.normalize_and_rotate(x, 0) for x in (q, k))
    torch.testing.assert_close(q.norm(dim=-1), torch.full((1, 2, 5), math.sqrt(12)))
    torch.testing.assert_close(k.norm(dim=-1), torch.full((1, 2, 5), math.sqrt(12)))


def test_relu_squared_is_as_named():
    assert ReLUSquared()(torch.tensor([-2.0, 0.0, 3.0])).tolist() == [0, 0, 9]


def test_a_modern_model_has_no_vector_but_its_norms_and_no_position_table():
    model = GPT(MODERN)
    assert model.position_embedding is None
    vectors = {name for name, weight in model.named_parameters() if weight.dim() == 1}
    assert vectors and all("norm" in name for name in vectors)
    assert isinstance(model.final_norm, torch.nn.RMSNorm)


# Bad input.
