"""The benchmarks of training: beside its limit, and the trials of a short run."""

import importlib
from dataclasses import replace

import pytest
import torch

from nbutils.config import GPTConfig
from nbutils.model import GPT


def module(name: str):
    """A module of bench/, whose folder is on the path as it is for a script there."""

    @pytest.fixture
    def imported(root, monkeypatch):
        monkeypatch.syspath_prepend(str(root / "bench"))
        return importlib.import_module(name)

    return imported


limit, short = module("limit_training"), module("short")


# --- a training beside its limit ----------------------------------------------------------------


def test_an_operations_work_is_counted(limit):
    a, b = torch.ones(4, 8), torch.ones(8, 2)
    with limit.Counted(limit.Machine(peak=1e3, bandwidth=1e2)) as counted:
        a @ b
        a.t().unsqueeze(0), torch.empty_like(a)  # new names and new room are no work
        a.add_(1)
    flops, moved, least = counted.flops, counted.moved, counted.least
    assert flops["matrix products"] == 2 * 4 * 8 * 2 and not flops["norms, elementwise"]
    assert moved["matrix products"] == 4 * (4 * 8 + 8 * 2 + 4 * 2)
    assert moved["norms, elementwise"] == 4 * 2 * 4 * 8  # read and written
    assert least["matrix products"] == pytest.approx(max(128 / 1e3, 224 / 1e2))


def test_the_parts_of_an_update_make_up_the_whole(limit):
    shape = limit.Shape(n_layer=2, n_head=2, n_embd=16, block_size=8, batch_size=3)
    *parts, whole = limit.measured(quick=True, shape=shape)
    by_name = {part.name: part for part in parts}
    matrices = 2 * 12 * 16**2 + limit.CHARACTERS * 16
    assert by_name["matrix products"].flops == 6 * matrices * 3 * 8
    assert by_name["attention"].flops > 0 and by_name["loss"].moved > 0
    weights = 4 * (matrices + 8 * 16)
    assert by_name["optimizer"].moved > 2 * 4 * weights  # weights, gradients, two averages
    for total in ("flops", "moved", "least"):
        assert getattr(whole, total) == pytest.approx(sum(getattr(part, total) for part in parts))
    assert len(limit.rows([*parts, whole])) == len(limit.cells([*parts, whole])) - 1
    assert 0 < whole.share() < 1.5


# --- trials of a short run ----------------------------------------------------------------------


def test_tricks_begin_as_our_gpt_and_then_change_it(short):
    config = GPTConfig.preset("modern", block_size=8)
    ids = torch.arange(16).view(2, 8)
    model = GPT(config)
    logits = model(ids)
    for name, trick in short.TRICKS.items():
        other = trick(config)
        if name == "zero_projections":
            nothing_added = other.final_norm(other.token_embedding(ids))
            torch.testing.assert_close(other.hidden(ids), nothing_added)
            continue
        extra = other.load_state_dict(model.state_dict(), strict=False).missing_keys
        if name == "capped_logits":
            torch.testing.assert_close(other(ids), 15 * torch.tanh(logits / 15))
            continue
        torch.testing.assert_close(other(ids), logits)
        for parameter in extra:
            torch.nn.init.normal_(other.get_parameter(parameter))
        assert extra and not torch.allclose(other(ids), logits, atol=1e-3)


def test_a_trial_of_a_short_run_has_one_row(short, monkeypatch, tmp_path, capsys):
    file = tmp_path / "text.txt"
    file.write_text(
        "To be, or not to be, that is the question: whether 'tis nobler. " * 40, "utf-8"
    )
    shape = replace(short.FIRST.shape, n_layer=1, n_head=1, n_embd=8, block_size=8, batch_size=2)
    monkeypatch.setattr(short, "FIRST", replace(short.FIRST, vocab_size=280, shape=shape))
    monkeypatch.setattr(short, "TABLE", tmp_path / "short.md")
    monkeypatch.setattr(short, "UPDATES", 3)
    (tmp_path / "short.md").write_text("# Words that stay\n\n")
    trial = "trick=smear steps=2 vocab_size=270 learning_rate=0.01"
    for _ in range(2):
        short.main(["--text", str(file), trial])
    assert capsys.readouterr().out.count("\n") == 2  # the second time nothing is run
    found = short.stored()
    assert set(found) == {"", trial} and all(len(set(bits)) > 1 for bits in found.values())
    page = (tmp_path / "short.md").read_text()
    assert page.startswith("# Words that stay\n\n| Changed") and f"| {trial} | 2 " in page
