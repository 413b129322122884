"""Other people's weights: Hugging Face's names, layouts and downloads, and saving as they do.

A weight is a name and a tensor here. ``nbutils.model`` brings the names and shapes of its own. What
torch.compile, DDP and the like put into a name is no part of it: it is read over, and never written.
"""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import torch

from nbutils.arguments import of_type
from nbutils.config import SWITCHES, GPTConfig
from nbutils.files import check_name, expanded, save_tensors, written_aside
from nbutils.words import sentence

# A name on the hub, alone or after its owner's. Anything else is a path, and stays on this machine.
_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
# What is downloaded of OpenAI's models: a commit's name is a hash of all that is in it.
_COMMITS = {
    "openai-community/gpt2": "607a30d783dfa663caf39e06633721c8d4cfcd7e",
    "openai-community/gpt2-medium": "6dcaa7a952f72f9298047fd5137cd6e4f05f41da",
    "openai-community/gpt2-large": "32b71b12589c2f8d625668d2335a01cac3249519",
    "openai-community/gpt2-xl": "15ea56dee5df4983c59b2538573817e1667135e2",
}
# Hugging Face's GPT-2 layout. Only names differ, and four matrices are stored transposed.
_NAMES = {
    "token_embedding": "wte",
    "position_embedding": "wpe",
    "blocks": "h",
    "attention_norm": "ln_1",
    "attention.query_key_value": "attn.c_attn",
    "attention.projection": "attn.c_proj",
    "mlp_norm": "ln_2",
    "mlp.expand": "mlp.c_fc",
    "mlp.contract": "mlp.c_proj",
    "final_norm": "ln_f",
    "head": "lm_head",
}
_TRANSPOSED = ("attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
_TABLES = ("token_embedding", "position_embedding", "head")  # they have no bias in either
_SIZES = {
    "vocab_size": "vocab_size",
    "block_size": "n_positions",
    "n_layer": "n_layer",
    "n_head": "n_head",
    "n_embd": "n_embd",
}
# What must hold for our arithmetic to be theirs; the first value is transformers' default.
_REQUIRED = {
    "model_type": ("gpt2",),
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),  # two names of one function
    "layer_norm_epsilon": (1e-5,),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
}
# Parts of a name that come from what was around a network, or around one of its parts, when it was
# saved: torch.compile; DataParallel and DDP; FSDP and activation checkpointing.
_WRAPPERS = {"_orig_mod", "module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
# What may stand before a GPT-2's names: classes that hold it call it so.
_HOLDERS = _WRAPPERS | {"transformer", "model", "base_model", "gpt"}
_MASKS = re.compile(r"h\.\d+\.attn\.(masked_)?bias")  # buffers of older versions, no weights
_NBUTILS_TYPE = "nbutils-gpt"  # config.json's model_type where a switch is on


def find_pretrained(name_or_path: str | os.PathLike) -> Path:
    """The folder of a saved model, which is downloaded if it has a name on the hub; or its one file.

    "gpt2", "gpt2-medium", "gpt2-large" and "gpt2-xl" are always taken at the same commit. Raises
    ``FileNotFoundError`` for a path at which neither is, and ``ConnectionError`` if a download
    fails.
    """
    of_type("name_or_path", name_or_path, (str, os.PathLike), 'give a folder, or "gpt2"')
    path = expanded(name_or_path)
    if path.is_dir() or (path.is_file() and path.suffix.lower() == ".safetensors"):
        check_name(path)
        return path
    repository = str(name_or_path)
    is_name = isinstance(name_or_path, str) and _HUB_NAME.fullmatch(repository)
    if path.exists() or not is_name:
        raise FileNotFoundError(
            sentence(
                "name_or_path={name} is no folder here: give a folder with config.json and "
                'model.safetensors, a file that ends in .safetensors, or a name such as "gpt2"',
                repository=repr(repository),
            )
        )
    if "/" not in repository:
        repository = f"openai-community/{repository}"
    try:
        from huggingface_hub import hf_hub_download

        commit = _COMMITS.get(repository)  # None is the newest, of what somebody else keeps there
        names = ("config.json", "model.safetensors")
        files = [hf_hub_download(repository, name, revision=commit) for name in names]
    except ImportError as error:
        raise FileNotFoundError(
            sentence(
                "{name_or_path} is not a folder here, and downloading it needs huggingface_hub: pip "
                "install huggingface_hub",
                name_or_path=repr(str(name_or_path)),
            )
        ) from error
    except Exception as error:  # the hub has a dozen kinds, some from libraries below it
        raise ConnectionError(
            sentence(
                "{name_or_path} is not a folder here and could not be downloaded as {repository}: check "
                "the name and the network, or give a folder with config.json and model.safetensors "
                "({kind})",
                name_or_path=repr(str(name_or_path)),
                repository=repr(repository),
                kind=type(error).__name__,
            )
        ) from error
    return Path(files[0]).parent


def read_config(folder: Path) -> GPTConfig:
    """The shape that a folder's config.json describes.

    A head that differs from the token table is one of its own, whatever is said there.

    Raises ``FileNotFoundError`` if there is none, and ``ValueError`` for a model that is not built
    like ours.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise FileNotFoundError(
            sentence("{path} is missing: is {parent} a saved GPT-2?", path=path, parent=path.parent)
        )
    try:
        config = _config_from_gpt2(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(
            sentence(
                "{path} describes no GPT-2 that fits this model: {error}", path=path, error=error
            )
        ) from error
    tied = config.tie_weights and not _has_own_head(folder / "model.safetensors", config)
    return replace(config, tie_weights=tied)


def read_weights(
    folder: Path, config: GPTConfig, wanted: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """A folder's tensors by our names; what is in it beside them (masks, a tied head) is left out.

    ``wanted``: tensors of our names and shapes, whatever is in them. Raises ``FileNotFoundError``
    if the folder has no model.safetensors, and ``ValueError`` if it is damaged, lacks a tensor, has
    one of another shape, or one for which a GPT has no place.
    """
    path = folder / "model.safetensors"
    stored = _by_bare_names(path, _read_tensors(path))
    if _is_gpt2(config):
        names = {name: _bare(hugging_face_name(name)) for name in wanted}
    else:
        names = {name: name for name in wanted}
    table, head = names["token_embedding.weight"], _head(config)
    if config.tie_weights and head in stored:  # the same numbers, of which some keep either
        stored.setdefault(table, stored[head])
        del stored[head]
    _check_layers(path, stored, config)
    left = sorted(stored.keys() - set(names.values()))
    left = [name for name in left if not _MASKS.fullmatch(name)]
    _check_adapter(path, left)
    weights = {ours: _fitted(path, stored, names[ours], wanted[ours], config) for ours in wanted}
    if left:
        raise ValueError(
            sentence(
                "{path} has {few}, for which this model has no place: without it the answers would be "
                "others. Save the language model alone, as transformers' GPT2LMHeadModel does",
                path=path,
                few=_few(left),
            )
        )
    return weights


def _fitted(
    path: Path, stored: dict, name: str, expected: torch.Tensor, config: GPTConfig
) -> torch.Tensor:
    """The tensor of a name in the file, in float32, turned as ours."""
    if name not in stored:
        raise ValueError(
            sentence("{path} has no {name}: it is not a whole GPT-2", path=path, name=name)
        )
    tensor = stored[name]
    if not tensor.is_floating_point():
        raise ValueError(
            sentence(
                "{path}: {name} has dtype {dtype}, so its weights are quantised: give a folder in which "
                "they are float32, float16 or bfloat16",
                path=path,
                name=name,
                dtype=tensor.dtype,
            )
        )
    turned = tensor.t() if _is_gpt2(config) and name.endswith(_TRANSPOSED) else tensor
    if turned.shape != expected.shape:
        raise ValueError(
            sentence(
                "{path}: {name} makes {shape}, but config.json makes {wanted}",
                path=path,
                name=name,
                shape=tuple(turned.shape),
                wanted=tuple(expected.shape),
            )
        )
    # A copy: what the library gives stays a part of the file, which Windows then lets nobody replace.
    return turned.float().clone(memory_format=torch.contiguous_format)


def _check_layers(path: Path, stored: Iterable[str], config: GPTConfig) -> None:
    found = [re.match(r"(?:h|blocks)\.(\d+)\.", name) for name in stored]
    layers = {int(match[1]) for match in found if match}
    if layers and layers != set(range(config.n_layer)):
        raise ValueError(
            sentence(
                "{path} has weights of {count} layers (the last is number {last}, counted from 0), and "
                "config.json says n_layer={n_layer}: they were not saved together",
                path=path,
                count=len(layers),
                last=max(layers),
                n_layer=config.n_layer,
            )
        )


def _check_adapter(path: Path, left: list[str]) -> None:
    if any(".lora_" in name for name in left):
        raise ValueError(
            sentence(
                "{path} has an adapter beside the weights ({few}): merge it into them first, with peft's "
                "merge_and_unload(), and save the model again",
                path=path,
                few=_few(left),
            )
        )


def _few(names: list[str]) -> str:
    few = ", ".join(names[:3])
    return sentence("{few} and {more} more", few=few, more=len(names) - 3) if names[3:] else few


def _has_own_head(path: Path, config: GPTConfig) -> bool:
    """Whether a file has both a token table and a head, and their numbers differ."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            names = _by_bare_names(path, {name: name for name in file.keys()})
            table = names.get("wte.weight" if _is_gpt2(config) else "token_embedding.weight")
            head = names.get(_head(config))
            if table is None or head is None:
                return False
            return not torch.equal(*(file.get_tensor(name).float() for name in (table, head)))
    except (OSError, SafetensorError):  # `read_weights` says what is wrong
        return False


def _head(config: GPTConfig) -> str:
    return "lm_head.weight" if _is_gpt2(config) else "head.weight"


# Names without what was around a network when it was saved


def plain_name(name: str) -> str:
    """A weight's name without torch.compile's "_orig_mod." and DDP's "module.", wherever they stand."""
    return ".".join(part for part in name.split(".") if part not in _WRAPPERS)


def plain_names(tensors: dict) -> dict:
    """Tensors by their `plain_name`; as they are if two would then have one name."""
    renamed = {plain_name(name): tensor for name, tensor in tensors.items()}
    return renamed if len(renamed) == len(tensors) else dict(tensors)


def names_as_in(own: Iterable[str], tensors: dict) -> dict:
    """Tensors by the names in ``own`` that are the same but for wrappers; others keep theirs."""
    spelled = {plain_name(name): name for name in own}
    renamed = {spelled.get(plain_name(name), name): tensor for name, tensor in tensors.items()}
    return renamed if len(renamed) == len(tensors) else dict(tensors)


def read_over_wrappers(model, state_dict: dict, prefix: str, *_) -> None:
    """Before ``model.load_state_dict(state_dict)``: its names become the model's own."""
    renamed = names_as_in([prefix + name for name in model.state_dict()], state_dict)
    state_dict.clear()
    state_dict.update(renamed)


def _bare(name: str) -> str:
    """A name without wrappers, and without what stands before a GPT-2's names."""
    parts = plain_name(name).split(".")
    while len(parts) > 1 and parts[0] in _HOLDERS:
        parts = parts[1:]
    return ".".join(parts)


def _by_bare_names(path: Path, tensors: dict) -> dict:
    bare = {}
    for name, tensor in tensors.items():
        if _bare(name) in bare:
            raise ValueError(
                sentence(
                    "{path} has {bare} twice, once as {name}: keep one of them",
                    path=path,
                    bare=_bare(name),
                    name=name,
                )
            )
        bare[_bare(name)] = tensor
    return bare


# Saving


def save_pretrained(
    folder: str | os.PathLike, config: GPTConfig, weights: dict[str, torch.Tensor]
) -> None:
    """Write config.json and model.safetensors of a model's ``state_dict()``.

    Hugging Face's layout always has biases: a model without is written with zeros, which come back
    as biases of zero. It has no place for a model with a switch on, which is written in a layout of
    our own: ``GPT.from_pretrained`` reads it, transformers refuses it. Weights of a model that
    torch.compile or DDP wrapped are written under their own names.
    """
    of_type("folder", folder, (str, os.PathLike), "give the path of a folder")
    folder, weights = expanded(folder), plain_names(weights)
    check_name(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if _is_gpt2(config):
        stored, described = _hugging_face_weights(weights), _hugging_face_config(config)
    else:
        stored = {name: tensor.contiguous() for name, tensor in weights.items()}
        described = {"model_type": _NBUTILS_TYPE, **asdict(config)}
    with written_aside(folder / "model.safetensors") as aside:
        save_tensors(stored, aside, {"format": "pt"})
    with written_aside(folder / "config.json") as aside:
        text = json.dumps(described, indent=2) + "\n"
        aside.write_text(text, encoding="utf-8")


def hugging_face_name(name: str) -> str:
    """A tensor's name there: "blocks.0.mlp.expand.weight" -> "transformer.h.0.mlp.c_fc.weight"."""
    for ours, theirs in _NAMES.items():
        name = name.replace(f"{ours}.", f"{theirs}.")
    return name if name.startswith("lm_head") else f"transformer.{name}"


def _is_gpt2(config: GPTConfig) -> bool:
    return not any(getattr(config, switch) for switch in SWITCHES)


def _config_from_gpt2(theirs) -> GPTConfig:
    """What config.json holds, as a ``GPTConfig``; what it may leave out is as in transformers."""
    if not isinstance(theirs, dict):
        raise ValueError(
            sentence("it holds a {kind}, not names with values", kind=type(theirs).__name__)
        )
    if theirs.get("model_type") == _NBUTILS_TYPE:
        return _config_from_nbutils(theirs)
    for name, allowed in _REQUIRED.items():
        if theirs.get(name, allowed[0]) not in allowed:
            raise ValueError(
                sentence(
                    "it has {name}={value}; this model does {allowed}",
                    name=name,
                    value=repr(theirs[name]),
                    allowed=repr(allowed[0]),
                )
            )
    sizes = {ours: theirs.get(name) for ours, name in _SIZES.items()}
    for ours, size in sizes.items():
        if type(size) is not int:
            raise ValueError(
                sentence(
                    "it has {name}={size}, which must be a whole number",
                    name=_SIZES[ours],
                    size=repr(size),
                )
            )
    if theirs.get("n_inner") not in (None, 4 * sizes["n_embd"]):
        raise ValueError(
            sentence(
                "it has n_inner={value}; this model does 4 * n_embd",
                value=repr(theirs["n_inner"]),
            )
        )
    dropouts = [theirs.get(name, 0.1) for name in ("embd_pdrop", "attn_pdrop", "resid_pdrop")]
    if type(dropouts[0]) not in (int, float) or dropouts != 3 * dropouts[:1]:
        raise ValueError(
            sentence(
                "it has dropouts {dropouts}; this model has one number for all", dropouts=dropouts
            )
        )
    tied = theirs.get("tie_word_embeddings", True)
    if type(tied) is not bool:
        raise ValueError(
            sentence(
                "it has tie_word_embeddings={tied}, which must be true or false", tied=repr(tied)
            )
        )
    return GPTConfig(**sizes, dropout=dropouts[0], tie_weights=tied)


def _config_from_nbutils(stored: dict) -> GPTConfig:
    """The config that ``save_pretrained`` wrote for a model with a switch on."""
    try:
        return GPTConfig(**{name: x for name, x in stored.items() if name != "model_type"})
    except TypeError as error:
        raise ValueError(
            sentence("it has values that this model does not know ({error})", error=error)
        ) from error


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise FileNotFoundError(
            sentence(
                "{path} is missing: save the model again as one file in safetensors format",
                path=path,
            )
        )
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(
            sentence("{path} is damaged, copy or save it again ({error})", path=path, error=error)
        ) from error


def _hugging_face_weights(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors by their names and turned as theirs; a bias that we do without is zeros there."""
    stored = {}
    for name, tensor in weights.items():
        theirs = hugging_face_name(name)
        stored[theirs] = tensor.t().contiguous() if theirs.endswith(_TRANSPOSED) else tensor
        layer, _, kind = name.rpartition(".")
        if kind == "weight" and layer not in _TABLES and f"{layer}.bias" not in weights:
            stored[hugging_face_name(f"{layer}.bias")] = torch.zeros(len(tensor))
    return stored


def _hugging_face_config(config: GPTConfig) -> dict:
    return {
        "architectures": ["GPT2LMHeadModel"],
        **{name: allowed[0] for name, allowed in _REQUIRED.items()},
        **{theirs: getattr(config, ours) for ours, theirs in _SIZES.items()},
        "embd_pdrop": config.dropout,
        "attn_pdrop": config.dropout,
        "resid_pdrop": config.dropout,
        "tie_word_embeddings": config.tie_weights,
        "bos_token_id": None,  # the encoding knows its special tokens, the model does not
        "eos_token_id": None,
    }
