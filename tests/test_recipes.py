"""The course's model is trained once, by one program, and what was stored is what was trained."""

import json
import subprocess
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from nbutils import recipes, smallworld, text
from nbutils.checkpoints import CheckpointError
from nbutils.model import GPTConfig
from nbutils.training import TrainingInterrupt


@pytest.fixture(autouse=True)
def small_recipe(tmp_path, monkeypatch):
    monkeypatch.setenv("NBUTILS_CACHE", str(tmp_path))
    shape = GPTConfig(n_layer=1, n_head=2, n_embd=8, block_size=smallworld.MAX_TOKENS)
    monkeypatch.setattr(recipes, "MODEL", shape)
    monkeypatch.setattr(recipes, "DOCUMENTS", 200)
    training = replace(
        recipes.TRAINING, steps=30, batch_size=2, warmup_steps=3, eval_every=5, device="cpu"
    )
    monkeypatch.setattr(recipes, "TRAINING", training)


@pytest.fixture
def trained(monkeypatch):
    """How often the recipe trained."""
    calls, train = [], recipes.train

    def counted(*args, **kwargs):
        calls.append(args)
        return train(*args, **kwargs)

    monkeypatch.setattr(recipes, "train", counted)
    return calls


def same(one, other) -> bool:
    states = (one.state_dict(), other.state_dict())
    return all(torch.equal(a, b) for a, b in zip(*(s.values() for s in states), strict=True))


def test_the_second_call_reads_what_the_first_trained(trained):
    first, second = recipes.smallworld(), recipes.smallworld()
    assert len(trained) == 1
    assert first.history == second.history
    assert first.history.steps == [0, 5, 10, 15, 20, 25, 30]
    assert same(first.model, trained[0][0])  # the model that was trained
    assert same(second.model, first.model)
    assert not second.model.training


def test_the_model_can_be_had_as_it_was():
    run = recipes.smallworld()
    assert run.steps == [0, 5, 10, 15, 20, 25, 30]
    assert same(run.at(30), run.model)
    torch.manual_seed(run.config.seed)
    assert same(run.at(0), recipes.GPT(recipes.MODEL))  # before any update
    assert not same(run.at(10), run.at(15))
    with pytest.raises(ValueError, match=r"step=7 was not kept; there are \[0, 5, 10"):
        run.at(7)


def test_steps_are_kept_closely_at_first_and_sparsely_later():
    steps = recipes._kept_steps(replace(recipes.TRAINING, steps=3000, eval_every=50))
    assert steps[:4] == [0, 50, 100, 150]
    assert steps[-1] == 3000
    assert len(steps) < 25
    assert steps == sorted(set(steps))


def test_another_recipe_is_another_run(trained, monkeypatch):
    one = recipes.smallworld()
    monkeypatch.setattr(recipes, "TRAINING", replace(recipes.TRAINING, learning_rate=1e-3))
    other = recipes.smallworld()
    assert len(trained) == 2
    assert one.folder != other.folder
    assert not same(one.model, other.model)


def test_every_part_of_a_recipe_names_its_folder(monkeypatch):
    names = {recipes._fingerprint(recipes.TRAINING)}
    changes = {
        "MODEL": replace(recipes.MODEL, n_head=1),
        "DOCUMENTS": 300,
        "world": SimpleNamespace(generate=lambda n: ["another world"]),
    }
    for name, value in changes.items():
        with monkeypatch.context() as patch:
            patch.setattr(recipes, name, value)
            names.add(recipes._fingerprint(recipes.TRAINING))
    assert len(names) == 4


def test_windows_begin_with_a_document_and_validation_text_is_not_trained_on(trained):
    run = recipes.smallworld()
    assert run.config.start_token == smallworld.encoding().eot_token
    train_tokens, val_tokens = trained[0][1:3]
    decode = smallworld.encoding().decode
    held_out = text.load("smallworld", "val", n_documents=1)[0]
    assert decode(val_tokens.tolist()).split("<|endoftext|>")[1] == held_out
    assert decode(train_tokens.tolist()).split("<|endoftext|>")[1] != held_out


def test_a_finished_run_is_read_where_nothing_can_be_written(monkeypatch, trained):
    recipes.smallworld()
    monkeypatch.setattr(recipes, "_alone", None)  # needs a file of its own
    recipes.smallworld()
    assert len(trained) == 1


@pytest.mark.parametrize(
    "lost", ["step-10/model.safetensors", "step-30/config.json", "history.json"]
)
@pytest.mark.parametrize("kept", [0, 0.5, None])
def test_a_run_that_lost_a_part_is_trained_anew(trained, capsys, lost, kept):
    before = recipes.smallworld()
    path = before.folder / lost
    if kept is not None:
        path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    elif lost != "history.json":  # without it the run is not over
        path.unlink()
    capsys.readouterr()
    anew = kept is not None or lost != "history.json"
    assert same(recipes.smallworld().at(10), before.at(10))
    assert len(trained) == 1 + anew
    assert ("lost a part since: it is trained anew" in capsys.readouterr().out) == anew
    assert recipes.smallworld().history.steps == before.history.steps


def test_a_run_that_was_cut_off_goes_on(trained, monkeypatch):
    monkeypatch.setattr(recipes, "TRAINING", replace(recipes.TRAINING, checkpoint_every=10))
    whole = recipes.smallworld()
    expected = whole.model
    # As if killed after step 20: its checkpoint is there, and what comes later is not.
    recipes.shutil.rmtree(whole.folder)
    train = recipes.train

    def killed(model, train_tokens, val_tokens, config, on_eval):
        def stop(step, model):
            on_eval(step, model)
            if step == 25:
                raise TrainingInterrupt(step)

        return train(model, train_tokens, val_tokens, config, on_eval=stop)

    with monkeypatch.context() as patch, pytest.raises(TrainingInterrupt):
        patch.setattr(recipes, "train", killed)
        recipes.smallworld()
    assert not (whole.folder / "history.json").exists()
    steps = []
    with monkeypatch.context() as patch:
        patch.setattr(
            recipes,
            "train",
            lambda *a, on_eval: train(
                *a, on_eval=lambda step, model: (steps.append(step), on_eval(step, model))
            ),
        )
        run = recipes.smallworld()
    assert steps == [25, 30]  # not from the start
    assert same(run.model, expected)
    assert run.history.val_losses == whole.history.val_losses


def test_a_folder_that_cannot_be_written_is_named_with_a_way_out(tmp_path, monkeypatch, trained):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NBUTILS_CACHE", str(tmp_path / "file"))
    with pytest.raises(CheckpointError, match="file can't be written .*set .*NBUTILS_CACHE"):
        recipes.smallworld()
    assert not trained


def test_who_comes_second_waits(trained, capsys):
    runs = []
    threads = [threading.Thread(target=lambda: runs.append(recipes.smallworld())) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(trained) == 1
    assert same(runs[0].model, runs[1].model)
    assert capsys.readouterr().out.count("Another program trains the course's model") == 1


def test_the_caller_draws_the_same_numbers_whether_it_was_stored_or_not():
    drawn = []
    for _ in range(2):
        torch.manual_seed(5)
        recipes.smallworld()
        drawn.append(torch.rand(3).tolist())
    assert drawn[0] == drawn[1]


def test_a_notebook_shows_progress_while_it_trains_and_nothing_afterwards():
    """In a kernel the line is replaced, so a page doesn't depend on what was stored."""
    code = """
from dataclasses import replace
import nbutils
from nbutils import recipes
recipes.MODEL = replace(recipes.MODEL, n_layer=1, n_embd=8, n_head=2)
recipes.DOCUMENTS = 200
recipes.TRAINING = replace(recipes.TRAINING, steps=10, batch_size=2, warmup_steps=1, eval_every=5)
recipes.smallworld()
print("done")
"""
    program = f"""
import json, nbformat
from nbclient import NotebookClient
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell({code!r})])
seen = []
class Client(NotebookClient):
    def process_message(self, message, cell, index):
        seen.append(message["content"].get("text", ""))
        return super().process_message(message, cell, index)
Client(notebook, kernel_name="python3").execute()
print(json.dumps(["".join(seen), [output.get("text") for output in notebook.cells[0].outputs]]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen, left = json.loads(done.stdout.splitlines()[-1])
    assert "only this once: 5 of 10" in seen
    assert left == ["done\n"]
