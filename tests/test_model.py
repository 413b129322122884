"""The model is GPT-2: transformers, an independent implementation, is the judge."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from nbutils.config import SWITCHES, GPTConfig
from nbutils.model import GPT, IGNORE, ReLUSquared, rotate
from nbutils.sampling import KVCache

TINY = GPTConfig(vocab_size=61, block_size=16, n_layer=2, n_head=2, n_embd=24)
MODERN = replace(TINY, bias=False, **dict.fromkeys(SWITCHES, True))
# Odd on purpose: sizes that are no powers of two, one head, one layer, a head width of 1.
SHAPES = [
    (GPTConfig(vocab_size=97, block_size=23, n_layer=3, n_head=5, n_embd=35), 3, 17),
    (GPTConfig(vocab_size=11, block_size=9, n_layer=1, n_head=1, n_embd=7), 1, 9),
    (GPTConfig(vocab_size=257, block_size=40, n_layer=2, n_head=6, n_embd=6), 2, 1),
    (replace(TINY, tie_weights=False), 2, 13),
]


def filled(config: GPTConfig, seed: int = 0) -> GPT:
    """A model whose every parameter is random: biases and layer norms too, so none can hide."""
    torch.manual_seed(seed)
    model = GPT(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def tokens_for(config: GPTConfig, *shape: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(config.vocab_size, shape, generator=generator)


def judge(folder):
    transformers = pytest.importorskip("transformers")
    return transformers.GPT2LMHeadModel.from_pretrained(folder).eval()


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


@pytest.mark.parametrize("config", [TINY, MODERN])
@pytest.mark.parametrize("sizes", [[7], [1] * 7, [3, 1, 3], [4, 3], [1, 6]])
def test_the_cache_changes_no_logits(sizes, config):
    model, tokens = filled(config), tokens_for(config, 2, 7)
    cache = KVCache(config.n_layer, config.block_size)
    with torch.no_grad():
        parts = [model(part, cache=cache) for part in tokens.split(sizes, dim=1)]
        torch.testing.assert_close(torch.cat(parts, 1), model(tokens), atol=1e-5, rtol=1e-5)
    assert cache.length == 7


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
def test_it_compiles_without_a_break(config):
    model, tokens = filled(config), tokens_for(config, 2, 7)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(tokens, tokens), model(tokens, tokens))


def test_it_runs_on_meta():
    with torch.device("meta"):
        model, tokens = GPT(GPTConfig.preset("gpt2")), torch.zeros(2, 1024, dtype=torch.long)
    assert model(tokens).shape == (2, 1024, 50257)


# Files.


@pytest.mark.parametrize("config", [TINY, replace(TINY, tie_weights=False, dropout=0.2)])
def test_a_saved_model_comes_back(config, tmp_path):
    ours = filled(config)
    ours.save_pretrained(tmp_path / "new" / "folder")
    back = GPT.from_pretrained(tmp_path / "new" / "folder")
    assert back.config == config and not back.training
    assert all(p.requires_grad for p in back.parameters())
    tokens = tokens_for(config, 2, 5)
    assert torch.equal(back(tokens), ours(tokens))
    left = {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    assert left == {"config.json", "model.safetensors"}


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_saving_meets_no_other_file_and_leaves_none_behind(name, tmp_path):
    (tmp_path / f"{name}.part").mkdir()  # what another program may have left
    filled(TINY).save_pretrained(tmp_path)
    assert GPT.from_pretrained(tmp_path).config == TINY
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()  # no file can take its place
    with pytest.raises(OSError):
        filled(TINY).save_pretrained(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"config.json", "model.safetensors", f"{name}.part"}


def test_a_model_without_biases_comes_back_with_zeros(tmp_path):
    ours = filled(replace(TINY, bias=False))
    assert not any("bias" in name for name, _ in ours.named_parameters())
    ours.save_pretrained(tmp_path)
    tokens = tokens_for(TINY, 2, 5)
    torch.testing.assert_close(GPT.from_pretrained(tmp_path)(tokens), ours(tokens))
    torch.testing.assert_close(judge(tmp_path)(tokens).logits, ours(tokens))


@pytest.mark.parametrize("tied", [True, False])
def test_a_model_that_transformers_saved_is_read(tied, tmp_path):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=53, n_positions=12, n_embd=20, n_layer=2, n_head=4, tie_word_embeddings=tied
    )
    theirs = transformers.GPT2LMHeadModel(config).eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    theirs.save_pretrained(tmp_path)
    tokens = tokens_for(TINY, 2, 11) % 53
    logits = GPT.from_pretrained(tmp_path)(tokens)
    torch.testing.assert_close(logits, theirs(tokens).logits, atol=1e-4, rtol=0)


def test_the_layout_of_the_published_gpt2_is_read(tmp_path):
    """The file on the hub has no "transformer." prefix, no head, and stores its causal masks."""
    ours = filled(TINY)
    ours.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    plain = {name.removeprefix("transformer."): tensor for name, tensor in weights.items()}
    assert "h.0.attn.c_attn.weight" in plain and "lm_head.weight" not in plain
    plain["h.0.attn.bias"] = torch.ones(1, 1, 16, 16).tril()
    plain["h.1.attn.masked_bias"] = torch.tensor(-1e4)
    save_file(plain, tmp_path / "model.safetensors")
    path, tokens = tmp_path / "config.json", tokens_for(TINY, 2, 5)
    stated = json.loads(path.read_text())
    for name in ("tie_word_embeddings", "embd_pdrop", "attn_pdrop", "resid_pdrop"):
        del stated[name]  # the published file leaves the first to transformers' default
    path.write_text(json.dumps(stated))
    back = GPT.from_pretrained(tmp_path)
    assert torch.equal(back(tokens), ours(tokens))
    assert back.config == replace(TINY, dropout=0.1, tie_weights=True)


@pytest.mark.parametrize(
    "name, value",
    [
        ("model_type", "llama"),
        ("activation_function", "relu"),
        ("n_inner", 50),
        ("layer_norm_epsilon", 1e-6),
        ("scale_attn_weights", False),
        ("scale_attn_by_inverse_layer_idx", True),
        ("add_cross_attention", True),
        ("attn_pdrop", 0.5),
    ],
)
def test_a_model_that_computes_otherwise_is_refused(name, value, tmp_path):
    filled(TINY).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    with pytest.raises(ValueError, match="dropouts" if name == "attn_pdrop" else name):
        GPT.from_pretrained(tmp_path)


@pytest.mark.parametrize("text", ["{", '{"model_type": "gpt2"}', "[]", "null", '"gpt2"', "3"])
def test_a_damaged_config_is_named(text, tmp_path):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match="config.json describes no GPT-2"):
        GPT.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    "name, value",
    [
        ("n_layer", "1"),
        ("n_layer", None),
        ("n_layer", True),
        ("n_layer", 0),
        ("n_embd", 24.0),
        ("n_positions", [16]),
        ("n_inner", "96"),
        ("tie_word_embeddings", "false"),
        ("tie_word_embeddings", None),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(name, value, tmp_path):
    filled(TINY).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    with pytest.raises(ValueError, match=f"config.json describes no GPT-2.*{name}="):
        GPT.from_pretrained(tmp_path)


@pytest.mark.parametrize("dropout", ["0.1", None, [0.1], 1.0])
def test_a_dropout_of_the_wrong_kind_is_named(dropout, tmp_path):
    filled(TINY).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    wrong = {f"{where}_pdrop": dropout for where in ("embd", "attn", "resid")}
    path.write_text(json.dumps({**json.loads(path.read_text()), **wrong}))
    with pytest.raises(ValueError, match="config.json describes no GPT-2.*dropout"):
        GPT.from_pretrained(tmp_path)


def test_damaged_folders_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="config.json is missing"):
        GPT.from_pretrained(tmp_path)
    filled(TINY).save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    stored = load_file(weights)
    save_file({k: v for k, v in stored.items() if "h.1.mlp.c_fc.bias" not in k}, weights)
    with pytest.raises(ValueError, match="has no h.1.mlp.c_fc.bias"):
        GPT.from_pretrained(tmp_path)
    save_file({**stored, "transformer.wpe.weight": torch.zeros(3, 24)}, weights)
    with pytest.raises(ValueError, match=r"wpe.weight makes \(3, 24\)"):
        GPT.from_pretrained(tmp_path)
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ValueError, match="model.safetensors is damaged"):
        GPT.from_pretrained(tmp_path)
    weights.unlink()
    with pytest.raises(FileNotFoundError, match="model.safetensors is missing"):
        GPT.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    "name, repository, pinned",
    [
        ("gpt2", "openai-community/gpt2", True),
        ("gpt2-medium", "openai-community/gpt2-medium", True),
        ("gpt2-large", "openai-community/gpt2-large", True),
        ("gpt2-xl", "openai-community/gpt2-xl", True),
        ("someone/their-gpt2", "someone/their-gpt2", False),
    ],
)
def test_a_name_is_downloaded(name, repository, pinned, tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    filled(TINY).save_pretrained(tmp_path)
    asked = []

    def download(repository, file, revision):
        asked.append((repository, revision))
        return str(tmp_path / file)

    monkeypatch.setattr(hub, "hf_hub_download", download)
    assert GPT.from_pretrained(name).config == TINY
    [(from_where, commit)] = set(asked)
    assert from_where == repository
    assert re.fullmatch("[0-9a-f]{40}", commit) if pinned else commit is None


@pytest.mark.parametrize(
    "path",
    [
        "/no/such",
        "/model",
        "./model",
        "../model",
        ".model",
        "~/model",
        "runs/1/model",
        "runs/",
        r"C:\runs",
        Path("runs/model"),
        Path("gpt2"),
        "saved.bin",
    ],
)
def test_a_path_without_a_folder_is_never_sent_to_the_hub(path, tmp_path, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved.bin").write_bytes(b"a file, not a folder")
    monkeypatch.setattr(hub, "hf_hub_download", lambda *asked: pytest.fail(f"asked for {asked}"))
    with pytest.raises(FileNotFoundError, match="is no folder here: give a folder") as caught:
        GPT.from_pretrained(path)
    assert repr(str(path)) in str(caught.value) and "network" not in str(caught.value)


def test_no_network_is_named(monkeypatch):
    hub = pytest.importorskip("huggingface_hub")

    def download(repository, file, revision):
        raise OSError("no route to host")

    monkeypatch.setattr(hub, "hf_hub_download", download)
    with pytest.raises(ConnectionError, match="'gpt2' .* 'openai-community/gpt2'.*network"):
        GPT.from_pretrained("gpt2")


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
    q, k = block.placed(100 * torch.randn(1, 2, 5, 12), torch.randn(1, 2, 5, 12), 0)
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


@pytest.mark.parametrize("config", [MODERN, replace(TINY, rotary=True, tie_weights=False)])
def test_a_model_with_switches_comes_back(config, tmp_path):
    model, tokens = filled(config), tokens_for(config, 2, 9)
    model.save_pretrained(tmp_path)
    back = GPT.from_pretrained(tmp_path)
    assert back.config == config and not back.training
    assert torch.equal(back(tokens), model(tokens))


def test_transformers_refuses_a_model_with_switches(tmp_path):
    transformers = pytest.importorskip("transformers")
    filled(MODERN).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="nbutils-gpt"):
        transformers.AutoModelForCausalLM.from_pretrained(tmp_path)


@pytest.mark.parametrize("change", [{"colour": 3}, {"rotary": "yes"}, {"n_layer": 0}])
def test_a_damaged_config_of_our_own_layout_is_named(change, tmp_path):
    filled(MODERN).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=f"config.json describes no GPT-2 .*{list(change)[0]}"):
        GPT.from_pretrained(tmp_path)


# Bad input.


@pytest.mark.parametrize(
    "tokens, message",
    [
        (torch.zeros(1, 17, dtype=torch.long), r"17 tokens is longer .* position table \(16\)"),
        (torch.tensor([[3, 61]]), r"tokens has id 61.* \(0 to 60\)"),
        (torch.tensor([[3, -1]]), "tokens has id -1"),
        (torch.tensor([3, 4]), r"shape \(2,\), not \(B, T\)"),
        (torch.zeros(2, 0, dtype=torch.long), r"shape \(2, 0\).*at least one token"),
        (torch.zeros(1, 2), "tokens has dtype torch.float32, not torch.int64"),
        (torch.zeros(1, 2, dtype=torch.uint8), "uint8"),
    ],
)
def test_bad_tokens_are_named(tokens, message):
    with pytest.raises(ValueError, match=message):
        GPT(TINY)(tokens)


@pytest.mark.parametrize(
    "labels, message",
    [
        (torch.zeros(2, 3, dtype=torch.long), r"labels has shape \(2, 3\) and tokens \(2, 4\)"),
        (torch.full((2, 4), 61), r"labels has id 61.* \(-1 to 60\)"),
        (torch.full((2, 4), -100), "labels has id -100"),
        (torch.zeros(2, 4), "labels has dtype torch.float32"),
    ],
)
def test_bad_labels_are_named(labels, message):
    with pytest.raises(ValueError, match=message):
        GPT(TINY)(tokens_for(TINY, 2, 4), labels)


def test_a_cache_counts_toward_the_context():
    model, cache = filled(TINY), KVCache(TINY.n_layer, 99)
    model(tokens_for(TINY, 1, 16), cache=cache)
    with pytest.raises(ValueError, match="17 tokens is longer"):
        model(tokens_for(TINY, 1, 1), cache=cache)
