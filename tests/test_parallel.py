"""Many processes, one run: each step, each checkpoint and each end as of one process alone."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import processes
import pytest
import torch
from safetensors.torch import load_file

from nbutils import config, device, parallel
from nbutils.checkpoints.shards import Shards
from nbutils.checkpoints.state import CheckpointError
from nbutils.cli import main
from nbutils.model import GPT
from nbutils.training import TrainConfig

CLOSE = dict(rel=0, abs=2e-5)  # losses near 4, in float32 summed in another order
SECONDS = 1800  # a process that waits for a dead one must not wait for ever


def four(folder, tests):
    import sys

    sys.path.insert(0, tests)
    import processes

    return processes.of_four(folder)


def two(folder, tests):
    import sys

    sys.path.insert(0, tests)
    import processes

    return processes.of_two(folder)


def started(function, folder, n):
    here = str(Path(__file__).parent)
    return parallel.launch(function, str(folder), here, processes=n, seconds=SECONDS)


@pytest.fixture(autouse=True, scope="module")
def float32():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device, "pick", lambda name: processes.CHIP)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def alone(folder):
    """The run that all others must equal."""
    return processes.trained(None, folder / "alone.safetensors", checkpoint=str(folder / "alone"))


@pytest.fixture(scope="module")
def on_four(folder, alone):
    return started(four, folder, 4)


@pytest.fixture(scope="module")
def on_two(folder, on_four):
    return started(two, folder, 2)


def losses(history):
    return history["train_losses"] + history["val_losses"]


def assert_weights_equal(path, other):
    for name, weight in load_file(path).items():
        torch.testing.assert_close(weight, load_file(other)[name], rtol=0, atol=2e-4, msg=name)


kinds = pytest.mark.parametrize("kind", config.PARALLEL)


# Each step


@kinds
def test_four_processes_train_as_one(kind, folder, alone, on_four):
    assert losses(on_four[kind]) == pytest.approx(losses(alone), **CLOSE)
    assert_weights_equal(folder / f"{kind}-4.safetensors", folder / "alone.safetensors")


@kinds
def test_two_processes_train_as_one_a_batch_in_parts(kind, folder, alone, on_two):
    assert losses(on_two[kind]["parts"]) == pytest.approx(losses(alone), **CLOSE)
    assert_weights_equal(folder / f"{kind}-parts.safetensors", folder / "alone.safetensors")


def test_the_runs_clip_and_ignore_labels_unevenly():
    """Else the tests above would say less than they seem to."""
    from nbutils.windows import IGNORE, Windows

    windows = Windows(processes.corpus(), 8, 16, start_token=0)
    ignored = [(windows.batch(step)[1] == IGNORE).sum(1) for step in range(processes.STEPS)]
    shares = torch.stack(ignored).view(-1, 4, 2).sum(2)  # of four processes, at each step
    assert any(len(set(row.tolist())) > 1 for row in shares)
    torch.manual_seed(0)
    model = processes.model()
    model(*windows.batch(0))[1].backward()
    norm = torch.nn.utils.get_total_norm([weight.grad for weight in model.parameters()])
    assert norm > 2 * processes.recipe(None).grad_clip


def test_muon_works_with_whole_copies(folder, on_two):
    history = processes.trained(None, folder / "muon-1.safetensors", optimizer="muon")
    # Muon multiplies matrices in bfloat16, which makes more of a rounding.
    assert losses(on_two["muon"]) == pytest.approx(losses(history), rel=0, abs=1e-3)


@kinds
def test_products_in_16_bits_train_as_one(kind, on_two):
    """Evaluation too; FSDP brings weights and inputs to 16 bits by itself, autocast the others'."""
    alone = processes.trained_in_16_bits(None)
    assert losses(on_two["16 bits"][kind]) == pytest.approx(losses(alone), rel=0, abs=5e-3)


def test_heads_with_rotary_and_norms_are_shared_too(on_two):
    history = processes.trained(None, shape=processes.MODERN)
    assert losses(on_two["modern"]) == pytest.approx(losses(history), **CLOSE)


def test_rows_by_process_and_back():
    rows = torch.arange(24).view(12, 2)  # 4 queries, 4 keys, 4 values
    for n in (1, 2, 4):
        moved = parallel._by_process(rows, n)
        assert torch.equal(parallel._by_role(moved, n), rows)
    first = parallel._by_process(rows, 2)[:6, 0] // 2
    assert first.tolist() == [0, 1, 4, 5, 8, 9]  # of each role the first half


# Checkpoints


@kinds
def test_saved_on_four_resumed_on_two(kind, folder, alone, on_two):
    assert losses(on_two[kind]["resumed"]) == pytest.approx(losses(alone), **CLOSE)
    assert_weights_equal(folder / f"{kind}-2.safetensors", folder / "alone.safetensors")


@kinds
@pytest.mark.parametrize("n", [4, 2])
def test_saved_on_several_resumed_on_one(kind, n, folder, alone, on_two, tmp_path):
    saved = {4: processes.SAVED_ON_4, 2: processes.SAVED_ON_2}[n]
    copy = shutil.copytree(folder / f"{kind}-cut-on-{n}", tmp_path / "run")
    assert (copy / f"checkpoint-{saved:09}").is_dir()
    history = processes.trained(None, tmp_path / "weights", checkpoint=str(copy))
    assert losses(history) == pytest.approx(losses(alone), **CLOSE)
    assert history["seconds"][: saved + 1] == stored_seconds(copy, saved)  # not trained anew
    assert_weights_equal(tmp_path / "weights", folder / "alone.safetensors")
    # From here on the run is that of one process, and its own file is the newest.
    assert processes.trained(None, checkpoint=str(copy)) == history  # a finished run is only read


def stored_seconds(folder, step):
    about = json.loads((folder / f"checkpoint-{step:09}" / "about.json").read_text("utf-8"))
    return about["about"]["history"]["seconds"]


def test_a_process_more_than_there_were_has_its_own_random_state(folder, on_two):
    run, group = folder / "ddp-cut-on-2", parallel.Group()
    group.rank = 7  # of which the two that saved knew nothing
    model = processes.model()
    shards = Shards(run, model, torch.optim.AdamW(model.parameters()), group)
    loaded = shards._load(run / f"checkpoint-{processes.SAVED_ON_2:09}")
    assert torch.equal(loaded["random.cpu"], torch.get_rng_state())


def test_a_damaged_checkpoint_is_told_and_the_one_before_used_by_another_kind(alone, on_two):
    result = on_two["crossed"]
    assert result["before"] == ["checkpoint-000000002"]
    assert len(result["told"]) == 1 and "checkpoint-000000004 is damaged" in result["told"][0]
    assert losses(result["history"]) == pytest.approx(losses(alone), **CLOSE)


@pytest.mark.parametrize("damage", ["cut", "gone", "about", "added"])
def test_whatever_is_wrong_with_a_checkpoint_is_noticed(damage, folder, on_two, tmp_path):
    copy = shutil.copytree(folder / "fsdp-cut-on-2", tmp_path / "run")
    newest = copy / f"checkpoint-{processes.SAVED_ON_2:09}"
    part = newest / "__0_0.distcp"
    if damage == "cut":
        part.write_bytes(part.read_bytes()[:-1])
    elif damage == "gone":
        part.unlink()
    elif damage == "about":
        (newest / "about.json").write_text("{", "utf-8")
    else:
        (newest / "more").write_text("", "utf-8")
    with pytest.warns(UserWarning, match="damaged"):
        history = processes.trained(None, checkpoint=str(copy))
    assert not newest.exists()
    assert len(history["steps"]) == processes.STEPS + 1


def test_if_all_are_damaged_the_run_says_so(folder, on_two, tmp_path):
    copy = shutil.copytree(folder / "ddp-cut-on-4", tmp_path / "run")
    for part in copy.glob("*/about.json"):
        part.unlink()
    with pytest.raises(CheckpointError, match="damaged; delete what is there"):
        processes.trained(None, checkpoint=str(copy))
    assert list(copy.glob("checkpoint-*"))  # nobody but the learner deletes the last


def test_what_a_killed_run_left_half_written_is_not_a_checkpoint(folder, on_two, tmp_path):
    copy = shutil.copytree(folder / "ddp-cut-on-4", tmp_path / "run")
    for whole in list(copy.iterdir()):
        whole.rename(f"{whole}.part")
    history = processes.trained(None, checkpoint=str(copy), steps=0)
    assert history["steps"] == [0]


# Ends


@kinds
def test_a_signal_to_one_process_stops_all_at_the_same_step(kind, on_two, folder):
    assert on_two[kind]["stopped"] == [2, 2]
    assert (folder / f"{kind}-stopped" / "checkpoint-000000002").is_dir()


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("batch", "ValueError: batch_size=5 can't be shared by 2 processes"),
        ("parts", "choose a multiple of 4"),
        ("heads", "n_head=1 heads can't be shared equally by 2 processes"),
        ("file", "is the checkpoint of one process alone"),
        ("another", "is another run: seed was 0 and is now 1"),
        ("diverged", "TrainingDivergedError: the "),
        ("unwritable", "No space left on device"),
    ],
)
def test_what_is_wrong_is_said_to_all(case, said, on_two):
    told = on_two["errors"][case]
    if case == "unwritable":  # the run goes on, and the first tells
        told = told[:1]
    assert all(said in error for error in told), told


def test_a_checkpoint_that_fails_leaves_nothing(on_two, folder):
    assert list((folder / "full").iterdir()) == []


def test_muon_and_unknown_kinds_are_refused():
    for kind in ("fsdp", "tensor"):
        with pytest.raises(ValueError, match="optimizer='muon' needs whole matrices"):
            TrainConfig(optimizer="muon", parallel=kind)
    with pytest.raises(ValueError, match="parallel='pp' is none of None, ddp, fsdp, tensor"):
        TrainConfig(parallel="pp")


def test_without_torchrun_the_error_says_how_to_start():
    with pytest.raises(RuntimeError, match="torchrun --nproc-per-node 2"):
        processes.trained("ddp")


# Starting


def failing(message):
    raise ValueError(message)


def sleeping():
    import time

    time.sleep(86_400)


def test_a_process_that_fails_is_reported():
    with pytest.raises(RuntimeError, match="ValueError: some reason"):
        parallel.launch(failing, "some reason", seconds=SECONDS)


def test_a_process_that_hangs_is_ended():
    """It sleeps for a day, so the test would."""
    with pytest.raises(RuntimeError, match="2 processes took more than seconds=4"):
        parallel.launch(sleeping, seconds=4)


# From a shell

TINY = (
    "--text pydocs --documents 20 --steps 60 --eval-every 20 --eval-batches 2 --batch-size 4 "
    "--warmup-steps 2 --device cpu --model.n-layer 1 --model.n-head 2 --model.n-embd 16 "
    "--model.vocab-size 300"
).split()


def torchrun(out, *more, n=2):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", str(n), "-m", "nbutils", "train", "--out", str(out), *TINY]
    return subprocess.Popen(
        [*command, *more],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.part("package")
def test_train_under_torchrun_stops_goes_on_and_leaves_what_sample_reads(tmp_path):
    out = tmp_path / "out"
    run = torchrun(out, "--parallel", "fsdp")
    for line in run.stdout:
        if line.startswith("step 20/"):
            run.send_signal(signal.SIGINT)  # Ctrl-C
            break
    _, errors = run.communicate(timeout=SECONDS)
    assert "process 0: stopped at step" in errors and "process 1: stopped at step" in errors
    assert [path.name[:11] for path in out.iterdir()] == ["checkpoint-"]

    printed, errors = torchrun(out, "--parallel", "ddp").communicate(timeout=SECONDS)
    assert "step  0/" not in printed and "step 60/60" in printed, errors
    assert printed.count("loss on all validation text") == 1  # only one speaks
    assert {"config.json", "model.safetensors", "encoding.json"} < {p.name for p in out.iterdir()}
    assert GPT.from_pretrained(out).config.n_head == 2


def test_processes_that_would_all_train_alone_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert main(["train", "--out", str(tmp_path / "out"), *TINY]) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("process 1: error: torchrun started 2 processes")
    assert "--parallel ddp" in errors and not (tmp_path / "out").exists()
