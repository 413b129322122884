"""A model's folder: `train` leaves there what `sample` reads. Or a file that a page saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import nbutils
from nbutils.files import quoted
from nbutils.words import sentence

if TYPE_CHECKING:
    import tiktoken


def check_free(folder: Path) -> None:
    """Raise ``ValueError`` if training would overwrite somebody's model."""
    if _is_another_model(folder):
        raise ValueError(
            sentence(
                "out={folder} holds a model but no checkpoint of a run that could go on; training would "
                "overwrite it: choose another folder",
                folder=folder,
            )
        )


def check_finished(folder: Path) -> None:
    """Raise ``FileNotFoundError``, before PyTorch is loaded, unless a model and its encoding are there.

    A file has both in one, or is told of when it is read.
    """
    name = nbutils.packing.ENCODING
    if folder.is_file() or (folder / name).exists():
        return
    if _is_another_model(folder):
        raise FileNotFoundError(
            sentence(
                "{folder} holds a model without {name}, so what its tokens mean is unknown: give a "
                "folder that `train` wrote, or copy its encoding there",
                folder=folder,
                name=name,
            )
        )
    if folder.suffix.lower() == ".safetensors" and not folder.is_dir():
        raise FileNotFoundError(
            sentence(
                "from={folder} is no file here: give one that a page has saved, or a folder",
                folder=folder,
            )
        )
    raise FileNotFoundError(
        sentence(
            "{folder} holds no finished model; make one with `python -m nbutils train --out "
            "{quoted}`",
            folder=folder,
            quoted=quoted(folder),
        )
    )


def _is_another_model(folder: Path) -> bool:
    """Whether the folder holds a model that no run of `train` here left unfinished or whole."""
    holds = any((folder / name).exists() for name in ("config.json", "model.safetensors"))
    return holds and not any(folder.glob("checkpoint[.-]*"))


def save_model(folder: Path, model: nbutils.model.GPT, encoding: tiktoken.Encoding) -> None:
    model.save_pretrained(folder)
    nbutils.tokens.save(encoding, folder / nbutils.packing.ENCODING)


def load_model(folder: Path) -> tuple[tiktoken.Encoding, nbutils.model.GPT]:
    """The encoding and the model, on the CPU: of a folder, or of a file that a page saved.

    Raises ``ValueError`` if they are damaged, or not of one run.
    """
    if folder.is_file():
        encoding = nbutils.network_file.read_encoding(folder)
        return encoding, nbutils.model.GPT.from_pretrained(folder)
    try:
        encoding = nbutils.tokens.get_encoding(str(folder / nbutils.packing.ENCODING))
        end, model = encoding.eot_token, nbutils.model.GPT.from_pretrained(folder)
    except (TypeError, LookupError, AttributeError) as error:
        raise ValueError(
            sentence(
                "{folder} is damaged ({error}): train or copy it again",
                folder=folder,
                error=repr(error),
            )
        ) from error
    if not end < encoding.n_vocab or not _fits(encoding.n_vocab, model.config.vocab_size):
        raise ValueError(
            sentence(
                "{folder} holds an encoding of {n_vocab} tokens and a model of {vocab_size}: they were "
                "not made together; copy both from one run",
                folder=folder,
                n_vocab=encoding.n_vocab,
                vocab_size=model.config.vocab_size,
            )
        )
    return encoding, model


def _fits(n_tokens: int, vocab_size: int) -> bool:
    """Whether a model has a row for each token, and no more but to fill up to a multiple of 2**n."""
    return any(
        vocab_size == -(-n_tokens // filled) * filled for filled in (1, 8, 64, 128, 256, 512)
    )
