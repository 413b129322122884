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
from nbutils.words import sentence

SUFFIX = ".safetensors"
_AGAIN = "save or copy it again"
_GIVE_PATH = "give a file's path, like my-gpt.safetensors"


def save_network(model, path: str | os.PathLike, encoding: tiktoken.Encoding | None = None) -> None:
    """Write a `GPT` in float32, with what its ids mean, to a file that a page of the course opens.

    ``encoding``: smallworld's, or one of `vocabularies`; without it a page can't know what the ids mean.
    Raises ``ValueError`` for another encoding, for one of another size than the model's vocabulary, and for
    weights that are not finite.
    """
    path = expanded(of_type("path", path, (str, os.PathLike), _GIVE_PATH))
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
                sentence(
                    "encoding has {n_vocab} tokens and model's vocabulary {vocab_size}: give the encoding "
                    "that the model was trained with",
                    n_vocab=encoding.n_vocab,
                    vocab_size=model.config.vocab_size,
                )
            )
        about["encoding"] = json.dumps(_described(encoding))
        if name := not_finite(weights):
            raise ValueError(
                sentence(
                    "model's weight {name} is not finite: train it with a lower learning rate",
                    name=name,
                )
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
            sentence(
                "{path} does not say its network's shape, so another program has saved it: give a file "
                "that a page of this course, or network_file.save_network, has saved; of a GPT-2 give "
                "the folder with its config.json",
                path=path,
            )
        )
    try:
        fields = json.loads(about["config"])
        if not isinstance(fields, dict):
            raise ValueError(sentence("{fields} has no names with values", fields=shown(fields)))
        config = GPTConfig(**fields)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(
            sentence(
                "{path} describes no network that there is here ({error}): {again}",
                path=path,
                error=error,
                again=sentence(_AGAIN),
            )
        ) from error
    _check_sizes(path, config, head)
    return config


def _check_sizes(path: Path, config: GPTConfig, head: dict) -> None:
    """Raise unless the sizes that decide how much is made are those of the file's tensors."""
    layers = {name.split(".")[1] for name in head if name.startswith("blocks.")}
    if len(layers) != config.n_layer:
        raise ValueError(
            sentence(
                "{path} has weights of {count} layers and says n_layer={n_layer}: {again}",
                path=path,
                count=len(layers),
                n_layer=config.n_layer,
                again=sentence(_AGAIN),
            )
        )
    tables = {"token_embedding.weight": [config.vocab_size, config.n_embd]}
    if not config.rotary:
        tables["position_embedding.weight"] = [config.block_size, config.n_embd]
    for name, shape in tables.items():
        tensor = head.get(name)
        if not isinstance(tensor, dict) or tensor.get("shape") != shape:
            raise ValueError(
                sentence(
                    "{path} says that {name} has the shape {shape}, which it has not: {again}",
                    path=path,
                    name=name,
                    shape=shape,
                    again=sentence(_AGAIN),
                )
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
        raise ValueError(
            sentence(
                "{path} is cut off or damaged ({error}): {again}",
                path=path,
                error=error,
                again=sentence(_AGAIN),
            )
        ) from error
    for name, tensor in wanted.items():
        if name not in stored:
            raise ValueError(
                sentence(
                    "{path} has no {name}, which its config asks for: {again}",
                    path=path,
                    name=name,
                    again=sentence(_AGAIN),
                )
            )
        found = stored[name]
        if found.shape != tensor.shape or not found.is_floating_point():
            raise ValueError(
                sentence(
                    "{path}: {name} is {dtype} {shape}, and the config makes floating-point numbers "
                    "{wanted}: {again}",
                    path=path,
                    name=name,
                    dtype=found.dtype,
                    shape=tuple(found.shape),
                    wanted=tuple(tensor.shape),
                    again=sentence(_AGAIN),
                )
            )
    if left := sorted(stored.keys() - wanted.keys()):
        raise ValueError(
            sentence(
                "{path} has {left}, for which its config has no place: {again}",
                path=path,
                left=left[0],
                again=sentence(_AGAIN),
            )
        )
    return {name: stored[name].float() for name in wanted}


def read_encoding(path: str | os.PathLike) -> tiktoken.Encoding:
    """What the ids of a file's network mean: an encoding for `sampling.generate`'s prompts and answers.

    Raises ``FileNotFoundError`` where no file is, and ``ValueError`` for one that does not say it, or says
    what can't be.
    """
    path = expanded(of_type("path", path, (str, os.PathLike), _GIVE_PATH))
    if not path.is_file():
        raise FileNotFoundError(
            sentence(
                "path={path} is no file: give a network's, like my-gpt{suffix}",
                path=repr(str(path)),
                suffix=SUFFIX,
            )
        )
    config, about = read_config(path), _head(path)["__metadata__"]
    if "encoding" not in about:
        raise ValueError(
            sentence(
                "{path} does not say what its ids mean: save it with network_file.save_network(model, "
                "path, encoding)",
                path=path,
            )
        )
    try:
        encoding = _understood(json.loads(about["encoding"]))
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(
            sentence(
                "{path} says of its ids what can't be ({error}): {again}",
                path=path,
                error=error,
                again=sentence(_AGAIN),
            )
        ) from error
    if encoding.n_vocab != config.vocab_size:
        raise ValueError(
            sentence(
                "{path} gives a meaning to {n_vocab} ids, and its network has {vocab_size}: {again}",
                path=path,
                n_vocab=encoding.n_vocab,
                vocab_size=config.vocab_size,
                again=sentence(_AGAIN),
            )
        )
    return encoding


def _described(encoding: tiktoken.Encoding) -> dict[str, list]:
    if isinstance(encoding, Characters):
        return {"characters": encoding._characters}
    if getattr(encoding, "_base", encoding).name == smallworld.encoding().name:
        return {"smallworld": base_ids(encoding)}
    raise ValueError(
        sentence(
            "encoding={name} is none that a page knows: give smallworld.encoding(), or one of "
            "nbutils.vocabularies over it or over characters",
            name=repr(encoding.name),
        )
    )


def _understood(described) -> tiktoken.Encoding:
    match described:
        case {"smallworld": list(ids)}:
            return ChosenTokens(smallworld.encoding(), ids)
        case {"characters": list(characters)}:
            return Characters(characters)
    raise ValueError(
        sentence(
            "{described} is neither ids of smallworld nor characters", described=shown(described)
        )
    )


def _head(path: Path) -> dict:
    """The head of a safetensors file: its tensors' places by their names, and "__metadata__"."""
    check_name(path)
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        try:
            if size > os.path.getsize(path):
                raise ValueError(sentence("its head would have {size} bytes", size=f"{size:,}"))
            head = json.loads(file.read(size))
            if not isinstance(head, dict):
                raise ValueError(sentence("its head holds {head}", head=shown(head)))
        except (ValueError, RecursionError) as error:
            raise ValueError(
                sentence(
                    "{path} is no safetensors file, or is cut off or damaged ({error}): {again}",
                    path=path,
                    error=error,
                    again=sentence(_AGAIN),
                )
            ) from error
    return head
