"""Whose functions a GPT is made of: the student's where they are right and of use, else the course's."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from nbutils.device import pick
from nbutils.exercises.exercise import exercise, names
from nbutils.exercises.record import load_progress
from nbutils.exercises.sources import load_answers
from nbutils.exercises.your_gpt.fitness import unfit
from nbutils.words import sentence

IN_THE_GPT = frozenset(
    {
        "split_words",
        "to_bytes",
        "count_pairs",
        "best_pair",
        "merge_pair",
        "encode_text",
        "decode_ids",
        "join_documents",
        "windows_at",
        "embed",
        "transformer_block",
        "layer_norm",
        "multi_head_attention",
        "mlp",
        "linear",
        "cross_entropy_loss",
        "decays",
        "clip_gradients",
        "rate_at",
        "adamw_step",
        "mean_loss",
        "crop_context",
        "with_temperature",
        "keep_top_p",
        "draw_token",
    }
)
"""The functions that are called in this package; the others are steps on the way to them, or measures."""


@dataclass(frozen=True)
class Functions:
    """All exercises' functions by name: ``your.linear`` is the function ``linear``.

    yours: names of those that the student wrote. instead: why the course's own stands in for one
    that is right but of no use here, by name.
    """

    all: dict[str, Callable]
    yours: tuple[str, ...] = ()
    instead: dict[str, str] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Callable:
        try:
            return self.__dict__["all"][name]
        except KeyError:
            raise AttributeError(sentence("there is no exercise {name}", name=repr(name))) from None

    def __repr__(self) -> str:
        chapters = Counter(exercise(name).chapter for name in self.yours)
        count = {chapter: list(names().values()).count(chapter) for chapter in names().values()}
        rows = [
            sentence(
                "{chapter} {n} of {all} yours",
                chapter=f"{chapter:10}",
                n=f"{chapters[chapter]:2}",
                all=of,
            )
            for chapter, of in count.items()
        ]
        rows += [
            sentence("{name}: {why}; the course's stands in", name=name, why=why)
            for name, why in self.instead.items()
        ]
        return "\n".join(rows)


def your_functions(device: str | torch.device = "auto") -> Functions:
    """Your functions where they are right and fit for training on that device, else the course's.

    A right answer may be of no use in a network: it gives no gradient, or it goes through its
    numbers one by one and is more than `TOO_SLOW` times as slow, or it makes a tensor on the CPU that
    a GPU can't meet. ``instead`` says so.

    Args:
        device: where the network will be trained, as for `train`.

    Raises:
        ValueError: there is no such device here.
    """
    device, entries = pick(device).device, load_progress().entries
    found, instead, yours = load_answers(), {}, []
    for name, function in found.items():
        if function is exercise(name).answer or name not in entries:
            continue
        why = unfit(name, function, device)
        if why:
            instead[name], found[name] = why, exercise(name).answer
        else:
            yours.append(name)
    return Functions(found, tuple(yours), instead)
