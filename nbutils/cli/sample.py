"""``python -m nbutils sample``: a model's folder or file and a prompt -> text."""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

import nbutils
from nbutils.cli.model_folder import check_finished, load_model
from nbutils.cli.options import parsed
from nbutils.files import expanded


@dataclass(frozen=True)
class Sample:
    """Let a trained GPT go on with a prompt, and print both."""

    folder: Annotated[Path, tyro.conf.arg(name="from")]
    """The folder that `train` wrote, or a .safetensors file that a page of the course saved."""
    prompt: str = ""
    """The beginning of a document; without it the model begins one."""
    max_new_tokens: int = 200
    """Stop after so many tokens, if the document does not end before."""
    temperature: float = 1.0
    """0: always the likeliest token; 1: as the model believes; above: bolder."""
    top_k: int | None = None
    """Draw only from so many of the likeliest tokens."""
    top_p: float | None = None
    """Draw only from the likeliest tokens that together have this probability."""
    seed: int | None = None
    """The same seed draws the same text."""
    device: str = "auto"
    """The chip: auto, cpu, cuda or mps."""


def main(arguments: list[str]) -> None:
    options = parsed(Sample, arguments, "sample")
    folder = expanded(options.folder)
    check_finished(folder)

    import torch

    chip = nbutils.device.pick(options.device)
    encoding, model = load_model(folder)
    prompt = [encoding.eot_token, *nbutils.tokens.encode(options.prompt, encoding, "prompt")]
    new = nbutils.sampling.stream(
        model.to(chip.device),
        torch.tensor([prompt], device=chip.device),
        options.max_new_tokens,
        temperature=options.temperature,
        top_k=options.top_k,
        top_p=options.top_p,
        stop=encoding.eot_token,
        seed=options.seed,
        suppress_tokens=nbutils.tokens.unused_ids(encoding, model.config.vocab_size),
    )
    print(options.prompt, end="", flush=True)
    for part in _characters((int(token) for token in new), encoding):
        print(part, end="", flush=True)
    print()


def _characters(tokens: Iterable[int], encoding) -> Iterator[str]:
    """The document's text as its tokens come: a token may hold a part of a character, which waits."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for token in tokens:
        if token != encoding.eot_token:
            yield decoder.decode(nbutils.tokens.token_bytes(token, encoding))
    yield decoder.decode(b"", final=True)
