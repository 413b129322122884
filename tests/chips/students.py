"""What a student's own GPT must do on any chip, tried on one that is not there, as package.py does."""

import inspect
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import torch
from package import CPU, DOCUMENTS, ENCODING, END, IDS, ONE, Kept, V, place, refused
from torch.utils._pytree import tree_leaves

from nbutils import device
from nbutils.exercises import record, your_gpt
from nbutils.exercises.compare import difference
from nbutils.exercises.exercise import Inputs, exercise, names
from nbutils.exercises.guard import outcome
from nbutils.exercises.your_gpt import fitness
from nbutils.model import GPTConfig


def students_gpt() -> your_gpt.YourGPT:
    """Of the course's answers alone."""
    torch.manual_seed(0)
    own = your_gpt.Functions({name: exercise(name).answer for name in names()})
    sizes = GPTConfig(vocab_size=V, block_size=24, n_layer=1, n_head=2, n_embd=16, bias=False)
    return your_gpt.YourGPT(own, sizes)


STREAM = torch.tensor(IDS.astype(int))
TOKENIZER = SimpleNamespace(end_id=END, encode=ENCODING.encode, decode=ENCODING.decode)


def trained(model, updates: int, where="auto"):
    torch.manual_seed(1)
    how = dict(batch_size=2, highest=1e-2, warmup=1, device=where)
    return your_gpt.train(model, STREAM, END, updates, **how)


def a_student_s_gpt_does_what_it_does_on_a_cpu(chip):
    """Trained there, with the same losses; then it is asked where the network is, with the same answers."""
    here, told = device.pick().device, []
    for where in ("cpu", "auto"):
        model, losses = students_gpt(), []
        for step, loss in trained(model, 3, where):
            assert isinstance(loss, float) and place(model) == {
                CPU if where == "cpu" else chip.current
            }
            losses.append(loss)
            if step == 2:
                model.cpu()  # and it trains on where it did
        assert place(model) == {CPU}
        model.to(CPU if where == "cpu" else here)
        torch.manual_seed(2)
        texts = [
            your_gpt.write(model, TOKENIZER, "Anna", most=6, **how)
            for how in ({"temperature": 0}, {"temperature": 0.5, "top_p": 0.9})
        ]
        told.append((losses, your_gpt.evaluate(model, TOKENIZER, DOCUMENTS[:3]), texts))
    (cpu_losses, cpu_loss, cpu_texts), (losses, loss, texts) = told
    assert max(abs(a - b) for a, b in zip(cpu_losses, losses, strict=True)) < 1e-4
    assert abs(cpu_loss - loss) < 1e-2 and texts == cpu_texts
    assert chip.lost == 0 and not chip.emulated, "float32, and no shorter format"
    ids = STREAM[None, :5]
    assert refused(model, ids).startswith("tokens is on cpu and the model on")
    on_the_chip = next(your_gpt.train(model, STREAM.to(here), END, 1, batch_size=2, warmup=1))
    assert on_the_chip[0] == 1 and model(ids.to(here)).dtype == torch.float32


def a_student_s_gpt_comes_back(chip):
    """However the run ends, and also while somebody keeps the error, as a notebook does."""
    kept, model = [], students_gpt()
    for kind in (Kept, KeyboardInterrupt):
        try:
            for _ in trained(model, 3):
                raise kind
        except BaseException as error:
            kept.append(error)
        assert place(model) == {CPU}
    for _ in trained(model, 3):
        break
    assert place(model) == {CPU} and len(kept) == 2
    device.empty_cache(device.pick())
    assert chip.used == 0, f"{chip.used} bytes are still held"


def a_student_s_training_waits_no_more_than_its_functions(chip):
    """Three times in an update: twice for the labels that count, once for the gradient's length; and its loss."""
    waits = []
    for updates in (2, 4):
        before = chip.waits
        list(trained(students_gpt(), updates))
        waits.append(chip.waits - before)
    assert waits[1] - waits[0] <= 2 * 4, f"{waits[1] - waits[0]} waits in 2 updates"


def windows_of_a_cpu(tokens, starts, T):
    index = starts[:, None] + torch.arange(T)
    return tokens[index], tokens[index + 1]


def back_on_the_cpu(x, weight, bias):
    return x.cpu() @ weight.cpu().T


def by_numpy(gradients, most):
    length = sum((g.numpy() ** 2).sum() for g in gradients) ** 0.5
    return [g * min(1.0, most / float(length)) for g in gradients]


def tries_a_student_s_functions_where_they_will_compute(chip):
    for name, function, why in (
        (
            "windows_at",
            windows_of_a_cpu,
            "that it made on the CPU (make it with device=tokens.device)",
        ),
        (
            "linear",
            back_on_the_cpu,
            "its result is on the CPU (make new tensors with device=x.device)",
        ),
        ("clip_gradients", by_numpy, "it calls NumPy"),
    ):
        assert why in your_gpt.unfit(name, function), (name, your_gpt.unfit(name, function))
        assert not your_gpt.unfit(name, function, "cpu"), name
    for name in fitness.TRAINING_INPUTS:
        assert not your_gpt.unfit(name, exercise(name).answer), name
    if chip.spec.kind == "mps":
        in_double = next(f for f in exercise("linear").right if f.__name__ == "in_double")
        assert "no float64" in your_gpt.unfit("linear", in_double)
        return
    size = int(device.free_memory(device.pick())) - 2**10
    chip.take(size)  # as another program does: then only the CPU is asked
    assert not your_gpt.unfit("windows_at", windows_of_a_cpu)
    chip.used_on[0] -= size


def a_student_s_gpt_takes_the_course_s_function_instead(chip):
    with tempfile.TemporaryDirectory() as folder:
        progress = record.Progress(Path(folder, "progress.json"))
        for name, function in (
            ("windows_at", windows_of_a_cpu),
            ("rate_at", exercise("rate_at").answer),
        ):
            source = inspect.getsource(function).replace(function.__name__, name, 1)
            entry = record.Entry(passed="2026-01-01", code=f"import math, torch\n{source}")
            progress.entries[name] = entry
        record.store_progress(progress)
        with mock.patch.dict(os.environ, NBUTILS_PROGRESS=str(progress.path)):
            own, on_the_cpu = your_gpt.your_functions(), your_gpt.your_functions("cpu")
    assert set(on_the_cpu.yours) == {"windows_at", "rate_at"} and own.yours == ("rate_at",)
    assert own.windows_at is exercise("windows_at").answer
    assert "windows_at: on the GPU it meets a tensor that it made on the CPU" in repr(own)


def _on_the_chip(cases, chip) -> list:
    """Those with tensors, in formats that the chip has."""
    lacking = {torch.float64} if chip.current.type == "mps" else set()
    dtypes = [
        (case, {x.dtype for x in tree_leaves(case.args) if isinstance(x, torch.Tensor)})
        for case in cases
    ]
    return [case for case, found in dtypes if found and not found & lacking]


def the_course_s_answers_compute_where_their_inputs_are(chip):
    """But two, among whose inputs are functions that stay on the CPU, or compute in float64.

    A Mac's GPU has no float64, so there the largest cases without it are tried.
    """
    for name in names():
        if name in ("transformer_block", "slope_by_turning"):
            continue
        answer = exercise(name).answer
        for case in _on_the_chip(exercise(name).cases(Inputs(0)), chip)[-2:]:  # the largest
            alone = outcome(answer, case.args)
            found = outcome(answer, fitness.move(case.args, chip.current))
            assert type(found.error) is type(alone.error), (name, case.shows, found.error)
            assert not difference(found.value, alone.value), (name, case.shows)


CHECKS = dict.fromkeys(
    (
        a_student_s_gpt_does_what_it_does_on_a_cpu,
        a_student_s_gpt_comes_back,
        a_student_s_training_waits_no_more_than_its_functions,
        tries_a_student_s_functions_where_they_will_compute,
        a_student_s_gpt_takes_the_course_s_function_instead,
        the_course_s_answers_compute_where_their_inputs_are,
    ),
    ONE,
)
