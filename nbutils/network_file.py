"""A network in one file that says what its ids mean: a page saves it and opens it, and Python does so, too.

It is a safetensors file. The "__metadata__" of its head has, as JSON, the network's ``GPTConfig`` ("config"), its
encoding ("encoding": ids of smallworld's, or characters) and by what settings it was made ("made").
``figures/moving/own.js`` reads and writes the same.
"""

import json
import os
from dataclasses import asdict
from pathlib import Path

import tiktoken
import torch

from nbutils import smallworld
from nbutils.arguments import of_type, shown
from nbutils.config import GPTConfig
from nbutils.files import check_name, expanded, written_aside
from nbutils.hub import plain_names
from nbutils.ids import check_model, not_finite
from nbutils.tokens import check_encoding
from nbutils.vocabularies import Characters, ChosenTokens, base_ids

SUFFIX = ".safetensors"
_AGAIN = "save or copy it again"


def save_network(model, path: str | os.PathLike, encoding: tiktoken.Encoding | None = None) -> None:
    """Write a `GPT` in float32, with what its ids mean, to a file that a page of the course opens.

    ``encoding``: smallworld's, or one of `vocabularies`; without it a page can't know what the ids mean.
    Raises ``ValueError`` for another encoding, for one of another size than the model's vocabulary, and for
    weights that are not finite.
    """
    path = expanded(
        of_type("path", path, (str, os.PathLike), f"give a file's path, like my-gpt{SUFFIX}")
    )
    content = safetensors_bytes(model, encoding, torch.float32)
    with written_aside(path) as aside:
        aside.write_bytes(content)


def safetensors_bytes(
    model, encoding: tiktoken.Encoding | None = None, dtype: torch.dtype = torch.float16
) -> bytes:
    """The same as the file's bytes, in a number format of choice."""
    from safetensors.torch import save as saved

    check_model(model)
    weights = {
        name: x.to(dtype).contiguous() for name, x in plain_names(model.state_dict()).items()
    }
    about = {"config": json.dumps(asdict(model.config))}
    if encoding is not None:
        check_encoding(encoding)
        if encoding.n_vocab != model.config.vocab_size:
            raise ValueError(
                f"encoding has {encoding.n_vocab} tokens and model's vocabulary {model.config.vocab_size}: "
                "give the encoding that the model was trained with"
            )
        about["encoding"] = json.dumps(_described(encoding))
        if name := not_finite(weights):
            raise ValueError(
                f"model's weight {name} is not finite: train it with a lower learning rate"
            )
    return saved(weights, about)


def read_config(path: Path) -> GPTConfig:
    """The shape of a file's network.

    Raises ``ValueError`` for a file that is damaged, or of another program.
    """
    head = _head(path)
    about = head.get("__metadata__")
    if not isinstance(about, dict) or not isinstance(about.get("config"), str):
        raise ValueError(
            f"{path} does not say its network's shape, so another program has saved it: give a file that a page "
            "of this course, or network_file.save_network, has saved; of a GPT-2 give the folder with its config.json"
        )
    try:
        fields = json.loads(about["config"])
        if not isinstance(fields, dict):
            raise ValueError(f"{shown(fields)} has no names with values")
        config = GPTConfig(**fields)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(
            f"{path} describes no network that there is here ({error}): {_AGAIN}"
        ) from error
    _check_sizes(path, config, head)
    return config


def _check_sizes(path: Path, config: GPTConfig, head: dict) -> None:
    """Raise unless the sizes that decide how much is made are those of the file's tensors."""
    layers = {name.split(".")[1] for name in head if name.startswith("blocks.")}
    if len(layers) != config.n_layer:
        raise ValueError(
            f"{path} has weights of {len(layers)} layers and says n_layer={config.n_layer}: {_AGAIN}"
        )
    tables = {"token_embedding.weight": [config.vocab_size, config.n_embd]}
    if not config.rotary:
        tables["position_embedding.weight"] = [config.block_size, config.n_embd]
    for name, shape in tables.items():
        tensor = head.get(name)
        if not isinstance(tensor, dict) or tensor.get("shape") != shape:
            raise ValueError(
                f"{path} says that {name} has the shape {shape}, which it has not: {_AGAIN}"
            )


def read_weights(
    path: Path, config: GPTConfig, wanted: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """A file's tensors in float32, by the names and with the shapes of ``wanted``.

    Raises ``ValueError`` for a file that is damaged, or whose tensors are others than its config says.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        stored = load(path.read_bytes())
    except (
        SafetensorError,
        KeyError,
    ) as error:  # a KeyError: a number format that this PyTorch lacks
        raise ValueError(f"{path} is cut off or damaged ({error}): {_AGAIN}") from error
    for name, tensor in wanted.items():
        if name not in stored:
            raise ValueError(f"{path} has no {name}, which its config asks for: {_AGAIN}")
        found = stored[name]
        if found.shape != tensor.shape or not found.is_floating_point():
            raise ValueError(
                f"{path}: {name} is {found.dtype} {tuple(found.shape)}, and the config makes floating-point "
                f"numbers {tuple(tensor.shape)}: {_AGAIN}"
            )
    if left := sorted(stored.keys() - wanted.keys()):
        raise ValueError(f"{path} has {left[0]}, for which its config has no place: {_AGAIN}")
    return {name: stored[name].float() for name in wanted}


def read_encoding(path: str | os.PathLike) -> tiktoken.Encoding:
    """What the ids of a file's network mean: an encoding for `sampling.generate`'s prompts and answers.

    Raises ``FileNotFoundError`` where no file is, and ``ValueError`` for one that does not say it, or says
    what can't be.
    """
    path = expanded(
        of_type("path", path, (str, os.PathLike), f"give a file's path, like my-gpt{SUFFIX}")
    )
    if not path.is_file():
        raise FileNotFoundError(
            f"path={str(path)!r} is no file: give a network's, like my-gpt{SUFFIX}"
        )
    config, about = read_config(path), _head(path)["__metadata__"]
    if "encoding" not in about:
        raise ValueError(
            f"{path} does not say what its ids mean: save it with network_file.save_network(model, path, encoding)"
        )
    try:
        encoding = _understood(json.loads(about["encoding"]))
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} says of its ids what can't be ({error}): {_AGAIN}") from error
    if encoding.n_vocab != config.vocab_size:
        raise ValueError(
            f"{path} gives a meaning to {encoding.n_vocab} ids, and its network has {config.vocab_size}: {_AGAIN}"
        )
    return encoding


def _described(encoding: tiktoken.Encoding) -> dict[str, list]:
    if isinstance(encoding, Characters):
        return {"characters": encoding._characters}
    if getattr(encoding, "_base", encoding).name == smallworld.encoding().name:
        return {"smallworld": base_ids(encoding)}
    raise ValueError(
        f"encoding={encoding.name!r} is none that a page knows: give smallworld.encoding(), or one of "
        "nbutils.vocabularies over it or over characters"
    )


def _understood(described) -> tiktoken.Encoding:
    match described:
        case {"smallworld": list(ids)}:
            return ChosenTokens(smallworld.encoding(), ids)
        case {"characters": list(characters)}:
            return Characters(characters)
    raise ValueError(f"{shown(described)} is neither ids of smallworld nor characters")


def _head(path: Path) -> dict:
    """The head of a safetensors file: its tensors' places by their names, and "__metadata__"."""
    check_name(path)
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        try:
            if size > os.path.getsize(path):
                raise ValueError(f"its head would have {size:,} bytes")
            head = json.loads(file.read(size))
            if not isinstance(head, dict):
                raise ValueError(f"its head holds {shown(head)}")
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"{path} is no safetensors file, or is cut off or damaged ({error}): {_AGAIN}"
            ) from error
    return head
