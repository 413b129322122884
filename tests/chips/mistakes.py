"""Mistakes that only a GPU would show, planted one at a time: each must be caught by a check.

A mistake is a change of a function's text. If the text is no longer there, planting it raises.
"""

import inspect
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import package
import students

from nbutils import (
    checkpoints,
    decoding,
    device,
    evaluation,
    ladder,
    optim,
    sampling,
    training,
    windows,
)
from nbutils.exercises import your_gpt
from nbutils.kernels.memory import Row
from nbutils.model import CausalSelfAttention


class Mistake(NamedTuple):
    where: object  # the module or class that has the function
    function: str
    right: str
    wrong: str
    caught_by: object  # of package.CHECKS or students.CHECKS
    chips: tuple[str, ...]


T4, MAC = ("T4",), ("Mac",)
BOTH = (*T4, *MAC)
MISTAKES = {
    "labels stay on the CPU": Mistake(
        windows.Windows,
        "_gather",
        "self._to_device(labels)",
        "torch.from_numpy(labels)",
        package.has_a_cpus_losses,
        BOTH,
    ),
    "a mask is made on the CPU": Mistake(
        CausalSelfAttention,
        "attention_weights",
        "torch.ones_like(scores, dtype=torch.bool)",
        "torch.ones(scores.shape, dtype=torch.bool)",
        package.takes_ids_from_anywhere,
        BOTH,
    ),
    "numpy() of a tensor on the chip": Mistake(
        evaluation, "_document_losses", ".cpu()", "", package.takes_ids_from_anywhere, BOTH
    ),
    "a CPU's generator draws": Mistake(
        sampling,
        "_generator",
        "torch.Generator(device)",
        "torch.Generator()",
        package.draws_the_same_in_every_way,
        BOTH,
    ),
    "float64 on a Mac": Mistake(
        training, "evaluate", "float(loss)", "float(loss.double())", package.has_a_cpus_losses, MAC
    ),
    "nobody waits before the clock is read": Mistake(
        ladder,
        "_seconds_per_update",
        "    float(loss)\n    return",
        "    return",
        package.reads_the_clock_when_it_is_done,
        BOTH,
    ),
    "every update waits": Mistake(
        training._Step,
        "__call__",
        "return loss",
        "return loss + 0 * int(loss > 0)",
        package.does_not_wait_for_each_update,
        BOTH,
    ),
    "a second copy of AdamW's state": Mistake(
        training._Step,
        "__call__",
        "return loss",
        "self.copy = [x.clone() for of in self.optimizer.state.values() for x in of.values()]; return loss",
        package.needs_what_was_planned,
        T4,
    ),
    "a wait while a graph is recorded": Mistake(
        decoding._DecodeStep,
        "forward",
        "x = F.embedding(tokens, self.table)",
        "x = F.embedding(tokens, self.table) if int(tokens.max()) >= 0 else None",
        package.draws_the_same_in_every_way,
        T4,
    ),
    "float16 without loss scaling": Mistake(
        device, "_cuda", "scaler=True", "scaler=False", package.uses_its_own_format, T4
    ),
    "bfloat16 where it is emulated": Mistake(
        optim,
        "orthogonalize",
        "device.pick(x.device).dtype if dtype is None",
        "(torch.float32 if x.device.type == 'cpu' else torch.bfloat16) if dtype is None",
        package.uses_its_own_format,
        T4,
    ),
    "the chip's random numbers are forgotten": Mistake(
        checkpoints,
        "rng_state",
        "device.type ==",
        "'forgotten' ==",
        package.goes_on_as_if_it_had_not_stopped,
        BOTH,
    ),
    "the network is left on the chip": Mistake(
        training,
        "_restore_device",
        "model.eval().to(home)",
        "model.eval()",
        package.brings_the_network_back,
        BOTH,
    ),
    "a context of a student's GPT is made on the CPU": Mistake(
        your_gpt,
        "write",
        ", device=place",
        "",
        students.a_student_s_gpt_does_what_it_does_on_a_cpu,
        T4,
    ),
    "a student's GPT is left on the chip": Mistake(
        your_gpt, "train", "model.to(home)", "pass", students.a_student_s_gpt_comes_back, BOTH
    ),
    "a student's training waits for every knob": Mistake(
        your_gpt,
        "train",
        "w.copy_(new)",
        "w.copy_(new if float(new.sum()) < 1e9 else w)",
        students.a_student_s_training_waits_no_more_than_its_functions,
        T4,
    ),
    "a student's functions are tried on the CPU alone": Mistake(
        your_gpt,
        "unfit",
        "or name in ON_THE_CPU",
        "or True",
        students.tries_a_student_s_functions_where_they_will_compute,
        BOTH,
    ),
    "a kernel's tensors stay on the chip": Mistake(
        Row,
        "_bring",
        "self.there.cpu()",
        "self.there",
        package.runs_kernels_where_their_tensors_are,
        BOTH,
    ),
    "a generator of the first card beside the second": Mistake(
        sampling,
        "_generator",
        "torch.Generator(device)",
        "torch.Generator('cuda:0')",
        package.keeps_to_the_second_card,
        ("two T4",),
    ),
}


@contextmanager
def planted(mistake: Mistake) -> Iterator[None]:
    """Inside it the function has the mistake. Raises ``ValueError`` if its text has changed."""
    own = getattr(mistake.where, mistake.function)
    source = textwrap.dedent(inspect.getsource(own))
    if mistake.right not in source:
        raise ValueError(f"{mistake.function} has no {mistake.right!r} any more: plant it anew")
    module = inspect.getmodule(inspect.unwrap(own))
    names = {}
    exec(source.replace(mistake.right, mistake.wrong), vars(module), names)
    setattr(mistake.where, mistake.function, names[mistake.function])
    try:
        yield
    finally:
        setattr(mistake.where, mistake.function, own)


def slipped_through(chip, name: str) -> list[str]:
    """The mistakes that nothing caught on the chip of this name."""
    through = []
    for says, mistake in MISTAKES.items():
        if name not in mistake.chips:
            continue
        chip.forget()
        with planted(mistake):
            try:
                mistake.caught_by(chip)
            except (NameError, AttributeError):  # of the planted text itself
                raise
            except Exception:
                continue
        through.append(says)
    return through
