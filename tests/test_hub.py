"""Weights in files: what is saved comes back, and Hugging Face's layout is that of transformers."""

import copy
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from networks import MODERN, TINY, filled, judge, tokens_for
from safetensors.torch import load_file, save_file

from nbutils import hub as names
from nbutils.model import GPT


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
    stated = json.loads(path.read_text("utf-8"))
    for name in ("tie_word_embeddings", "embd_pdrop", "attn_pdrop", "resid_pdrop"):
        del stated[name]  # the published file leaves the first to transformers' default
    path.write_text(json.dumps(stated), "utf-8")
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
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), name: value}), "utf-8")
    with pytest.raises(ValueError, match="dropouts" if name == "attn_pdrop" else name):
        GPT.from_pretrained(tmp_path)


@pytest.mark.parametrize("text", ["{", '{"model_type": "gpt2"}', "[]", "null", '"gpt2"', "3"])
def test_a_damaged_config_is_named(text, tmp_path):
    (tmp_path / "config.json").write_text(text, "utf-8")
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
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), name: value}), "utf-8")
    with pytest.raises(ValueError, match=f"config.json describes no GPT-2.*{name}="):
        GPT.from_pretrained(tmp_path)


@pytest.mark.parametrize("dropout", ["0.1", None, [0.1], 1.0])
def test_a_dropout_of_the_wrong_kind_is_named(dropout, tmp_path):
    filled(TINY).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    wrong = {f"{where}_pdrop": dropout for where in ("embd", "attn", "resid")}
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **wrong}), "utf-8")
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


def saved(folder, config=TINY, change=lambda stored: stored) -> Path:
    """A saved model's file, with its tensors by their names changed."""
    filled(config).save_pretrained(folder)
    path = folder / "model.safetensors"
    save_file({k: t.contiguous() for k, t in change(load_file(path)).items()}, path)
    return path


@pytest.mark.parametrize("config", [TINY, MODERN])
@pytest.mark.parametrize("stated", [True, None])
def test_a_head_that_differs_from_the_table_is_read_as_one_of_its_own(config, stated, tmp_path):
    """As transformers does since version 5, whatever config.json says or leaves out."""
    head, table = ("lm_head", "transformer.wte") if config is TINY else ("head", "token_embedding")
    own = torch.randn(61, 24)
    saved(tmp_path, config, lambda kept: {**kept, f"{head}.weight": own})
    path, key = tmp_path / "config.json", "tie_word_embeddings" if config is TINY else "tie_weights"
    text = json.loads(path.read_text("utf-8")) | {key: stated}
    path.write_text(json.dumps({k: v for k, v in text.items() if v is not None}), "utf-8")
    back = GPT.from_pretrained(tmp_path)
    assert not back.config.tie_weights and torch.equal(back.head.weight, own)
    kept = load_file(tmp_path / "model.safetensors")
    save_file(
        {**kept, f"{head}.weight": kept[f"{table}.weight"].clone()}, tmp_path / "model.safetensors"
    )
    assert GPT.from_pretrained(tmp_path).head is None  # the same numbers: tied


def test_a_table_that_is_kept_as_the_head_is_found(tmp_path):
    """safetensors' save_model keeps one of two names of a tensor, and that may be the head's."""
    table = "transformer.wte.weight"
    saved(tmp_path, change=lambda kept: {"lm_head.weight": kept.pop(table), **kept})
    assert torch.equal(
        GPT.from_pretrained(tmp_path).token_embedding.weight, filled(TINY).token_embedding.weight
    )


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda kept: {**kept, "score.weight": torch.ones(2, 24)}, "has score.weight, for which"),
        (lambda kept: {**kept, "lm_head.bias": torch.ones(61)}, "has lm_head.bias, for which"),
        (
            lambda kept: {**kept, "transformer.h.2.ln_1.bias": torch.ones(24)},
            r"weights of 3 layers \(the last is number 2.*n_layer=2",
        ),
        (
            lambda kept: {k: t for k, t in kept.items() if ".h.1." not in k},
            "weights of 1 layers .*n_layer=2",
        ),
        (
            lambda kept: {**kept, "transformer.h.0.attn.c_attn.lora_A.weight": torch.ones(1)},
            "adapter beside the weights .*merge_and_unload",
        ),
        (
            lambda kept: {**kept, "transformer.wpe.weight": torch.ones(16, 24, dtype=torch.int8)},
            "wpe.weight has dtype torch.int8, so its weights are quantised",
        ),
        (lambda kept: {**kept, "wpe.weight": torch.ones(16, 24)}, "has wpe.weight twice"),
    ],
)
def test_weights_for_which_there_is_no_place_are_named(change, message, tmp_path):
    saved(tmp_path, change=change)
    with pytest.raises(ValueError, match=message):
        GPT.from_pretrained(tmp_path)


@pytest.mark.parametrize("config", [TINY, MODERN])
@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "module._orig_mod.model."])
def test_what_a_wrapper_put_before_a_name_is_read_over(prefix, config, tmp_path):
    saved(tmp_path, config, lambda kept: {f"{prefix}{k}": t for k, t in kept.items()})
    tokens = tokens_for(config, 1, 4)
    assert torch.equal(GPT.from_pretrained(tmp_path)(tokens), filled(config)(tokens))


def test_a_wrapped_model_is_saved_and_loaded_by_its_own_names(tmp_path):
    plain = filled(TINY)
    wrapped = copy.deepcopy(plain)
    wrapped.blocks[0].mlp = torch.compile(wrapped.blocks[0].mlp, backend="eager")
    for model in (torch.compile(wrapped, backend="eager"), torch.nn.DataParallel(wrapped)):
        found = model.state_dict()
        assert any("_orig_mod" in name for name in found)
        names.save_pretrained(tmp_path, TINY, found)
        stored = load_file(tmp_path / "model.safetensors")
        assert not any("_orig_mod" in name or "module" in name for name in stored)
        assert all(map(torch.equal, GPT.from_pretrained(tmp_path).parameters(), plain.parameters()))
        empty = GPT(TINY)
        empty.load_state_dict(found)  # strictly
        assert all(map(torch.equal, empty.parameters(), plain.parameters()))
    wrapped.load_state_dict(plain.state_dict())
    with pytest.raises(RuntimeError, match="strange"):
        GPT(TINY).load_state_dict(plain.state_dict() | {"strange": torch.ones(1)})


def test_two_weights_never_become_one():
    both = {"module.a": torch.ones(1), "a": torch.zeros(1)}
    assert names.plain_names(both) == both and names.names_as_in(["a"], both) == both


def test_the_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    filled(TINY).save_pretrained("~/my gpt")
    assert (tmp_path / "my gpt" / "config.json").exists()
    for path in ("~/my gpt", Path("~/my gpt"), str(tmp_path / "my gpt")):
        assert GPT.from_pretrained(path).config == TINY


@pytest.mark.parametrize("value", [None, 3, True, [], b"gpt2", GPT])
def test_what_is_neither_a_name_nor_a_folder_is_told(value):
    with pytest.raises(ValueError, match="name_or_path=.* is of type .*: give a folder, or"):
        GPT.from_pretrained(value)
    with pytest.raises(ValueError, match="folder=.* is of type .*: give the path of a folder"):
        filled(TINY).save_pretrained(value)


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
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")
    with pytest.raises(ValueError, match=f"config.json describes no GPT-2 .*{list(change)[0]}"):
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
