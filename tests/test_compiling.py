"""Networks as programs of torch.compile: they learn the same, and stop being programs."""

import dataclasses
import os
import tempfile

import pytest
import torch
from runs import CONFIG, CORPUS, fresh
from torch._dynamo.utils import counters

from nbutils import device, doctor
from nbutils.training import train


# Blocks share one graph however many they are; PyTorch gives up after 8 variants.
@pytest.mark.parametrize(
    ("what", "n_layer"),
    [("blocks", 10), pytest.param("model", 3, marks=pytest.mark.part("package"))],
)
def test_compiled_parts_learn_the_same_and_are_left_as_they_were(compiler, float32, what, n_layer):
    model, twin = fresh(n_layer=n_layer), fresh(n_layer=n_layer)
    config = dataclasses.replace(CONFIG, steps=12, eval_every=6)
    torch.compiler.reset()
    counters.clear()
    seen, part = [], lambda model: model if what == "model" else model.blocks[0]
    compiled = train(
        model,
        CORPUS,
        CORPUS,
        dataclasses.replace(config, compile=what),
        on_eval=lambda step, model: seen.append(part(model)._compiled_call_impl),
    )
    assert counters["stats"]["unique_graphs"] == 1
    plain = train(twin, CORPUS, CORPUS, config)
    assert compiled.val_losses == pytest.approx(plain.val_losses, rel=1e-4)
    assert None not in seen and part(model)._compiled_call_impl is None


def test_without_a_compiler_nothing_is_begun(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")  # where Windows looks
    model, seen = fresh(), []
    with torch._inductor.config.patch({"cpp.cxx": ("no-such-compiler",)}):
        assert device.cpp_compiler() is None
        with pytest.raises(
            RuntimeError, match="compile='blocks' needs a C\\+\\+ compiler on a CPU.*apt install g"
        ):
            train(
                model,
                CORPUS,
                CORPUS,
                dataclasses.replace(CONFIG, compile="blocks"),
                on_eval=lambda *_: seen.append(1),
            )
    assert not seen and model.blocks[0]._compiled_call_impl is None


@pytest.mark.parametrize(
    ("variable", "folder"),
    [
        ("TMPDIR", "hong gildong"),
        ("TMPDIR", "it's"),
        ("TMPDIR", 'a "b"'),
        ("TORCHINDUCTOR_CACHE_DIR", "hong gildong"),
    ],
)
def test_a_folder_that_the_compiler_is_not_given_whole_is_a_sentence(
    compiler, monkeypatch, tmp_path, variable, folder
):
    assert device.unfit_for_compiler() == ""
    awkward = tmp_path / folder
    awkward.mkdir()
    monkeypatch.setenv(variable, str(awkward))
    monkeypatch.setattr(tempfile, "tempdir", None)  # it is asked for anew
    with pytest.raises(RuntimeError, match=f"compile='blocks': set {variable} to a folder without"):
        train(fresh(), CORPUS, CORPUS, dataclasses.replace(CONFIG, compile="blocks"))
    assert any("C++ compiler" in str(one) and variable in one.advice for one in doctor._compiler())


def test_a_user_and_a_pytorch_that_the_compiler_can_t_be_told_of(monkeypatch, tmp_path):
    monkeypatch.setenv("LOGNAME", "hong gildong")
    assert device.unfit_for_compiler().startswith("set LOGNAME to a name without blanks")
    monkeypatch.setenv("LOGNAME", "홍길동")
    assert device.unfit_for_compiler() == ""
    if os.name == "nt":
        return  # there PyTorch quotes its own folder
    monkeypatch.setattr(torch, "__file__", str(tmp_path / "next token" / "torch" / "__init__.py"))
    assert device.unfit_for_compiler().startswith("install PyTorch in a folder without blanks")
