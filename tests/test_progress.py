"""How far a run is: its history, its clock, what it prints, and the signals that stop it."""

import dataclasses
import itertools
import json
import math
import signal
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from runs import CONFIG, CORPUS, fresh, weights

from nbutils import progress
from nbutils.checkpoints import single_file
from nbutils.checkpoints.single_file import CHECKPOINT
from nbutils.model import GPT
from nbutils.optim import learning_rate_at
from nbutils.progress import History, TrainingInterrupt
from nbutils.training import train

# The history and the clock


def test_a_run_by_the_clock_ends_when_its_time_is_over(monkeypatch):
    looks = itertools.count(step=1 / 64)  # between two looks at the clock passes the same time
    clock = SimpleNamespace(perf_counter=lambda: next(looks))
    monkeypatch.setattr(progress, "time", clock)
    config = dataclasses.replace(CONFIG, seconds=0.5, steps=1, eval_every=1_000_000)
    history = train(fresh(), CORPUS, CORPUS, config)
    assert history.steps == [0, 32]  # an update begins with a look and ends with one
    assert history.learning_rates[-1] == 0
    assert history.seconds[-1] >= 0.5


def test_history_has_one_entry_for_each_evaluation():
    calls = []

    def on_eval(step, model):
        calls.append((step, model.training, torch.is_grad_enabled()))

    model = fresh()
    history = train(model, CORPUS, CORPUS, dataclasses.replace(CONFIG, steps=50), on_eval=on_eval)
    assert history.steps == [0, 20, 40, 50]
    assert calls == [(step, False, False) for step in history.steps]
    assert not model.training
    for name, values in history.to_dict().items():
        assert len(values) == 4, name
    assert history.val_losses[0] == pytest.approx(math.log(12), abs=0.1)
    assert history.train_losses[0] == pytest.approx(math.log(12), abs=0.1)
    assert history.train_losses[-1] < history.train_losses[1] < history.train_losses[0]
    assert history.tokens_per_second[0] == 0 and min(history.tokens_per_second[1:]) > 0
    assert history.seconds == sorted(history.seconds)
    assert history.learning_rates[1] == learning_rate_at(20, dataclasses.replace(CONFIG, steps=50))


def test_train_losses_are_means_of_the_batches_in_between(float32):
    every = train(fresh(), CORPUS, CORPUS, dataclasses.replace(CONFIG, eval_every=1))
    some = train(fresh(), CORPUS, CORPUS, CONFIG)
    assert some.train_losses[1:] == pytest.approx(
        [np.mean(every.train_losses[i + 1 : i + 21]) for i in (0, 20, 40)]
    )
    assert some.val_losses == every.val_losses[::20]


def test_history_goes_through_json():
    history = train(fresh(), CORPUS, CORPUS, dataclasses.replace(CONFIG, steps=5))
    assert History.from_dict(json.loads(json.dumps(history.to_dict()))) == history


def test_no_updates_is_one_evaluation():
    model = fresh()
    history = train(model, CORPUS, CORPUS, dataclasses.replace(CONFIG, steps=0))
    assert history.steps == [0] and torch.equal(weights(model), weights(fresh()))


# What it prints


def test_a_log_gets_one_line_an_evaluation(capsys):
    train(fresh(), CORPUS, CORPUS, dataclasses.replace(CONFIG, progress=True))
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert [line.split()[1] for line in lines] == ["0/60", "20/60", "40/60", "60/60"]
    assert "\r" not in out and err == ""
    assert all("train" in line and "val" in line and "tokens/s" in line for line in lines)


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    train(fresh(), CORPUS, CORPUS, dataclasses.replace(CONFIG, progress=True))
    out, err = capsys.readouterr()
    assert out == "" and "60/60" in err and "val=" in err


def test_no_progress_says_nothing(capsys):
    train(fresh(), CORPUS, CORPUS, CONFIG)
    assert capsys.readouterr() == ("", "")


# Signals


@pytest.fixture
def usual_ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(config, at, presses=1):
    """Train and press Ctrl-C in the middle of update ``at``."""
    model, calls = fresh(dropout=0.2), 0

    def forward(tokens, labels):
        nonlocal calls
        calls += model.training
        if model.training and calls == at + 1:
            for _ in range(presses):
                signal.raise_signal(signal.SIGINT)
        return GPT.forward(model, tokens, labels)

    model.forward = forward
    train(model, CORPUS, CORPUS, config)


@pytest.mark.parametrize("at", [0, 26, 39, 59])
def test_ctrl_c_keeps_the_run(tmp_path, usual_ctrl_c, at):
    expected = train(fresh(dropout=0.2), CORPUS, CORPUS, CONFIG)
    config = dataclasses.replace(CONFIG, checkpoint=str(tmp_path))
    with pytest.raises(KeyboardInterrupt, match=f"stopped at step {at + 1}; the same") as stop:
        interrupted(config, at)
    assert stop.value.step == at + 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert single_file._read(tmp_path / CHECKPOINT).about["step"] == at + 1
    history = train(fresh(dropout=0.2), CORPUS, CORPUS, config)
    assert history.train_losses == expected.train_losses
    assert history.val_losses == expected.val_losses


def test_a_second_ctrl_c_stops_at_once_and_leaves_the_checkpoint_before(tmp_path, usual_ctrl_c):
    config = dataclasses.replace(CONFIG, checkpoint=str(tmp_path), checkpoint_every=20)
    with pytest.raises(KeyboardInterrupt) as stop:
        interrupted(config, 26, presses=2)
    assert not isinstance(stop.value, TrainingInterrupt)
    assert single_file._read(tmp_path / CHECKPOINT).about["step"] == 20
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_ignored_ctrl_c_and_other_threads_are_left_alone(tmp_path, usual_ctrl_c):
    config = dataclasses.replace(CONFIG, steps=2, checkpoint=str(tmp_path))
    failed = []

    def work():
        try:
            train(fresh(), CORPUS, CORPUS, config)
        except ValueError as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not failed
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupted(dataclasses.replace(config, checkpoint=str(tmp_path / "other")), 1)
