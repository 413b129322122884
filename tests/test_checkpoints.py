"""A checkpoint is whole or noticed: cut, flipped, foreign, or on a full disk."""

import errno
import os
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from nbutils.checkpoints import single_file
from nbutils.checkpoints import state as of_state
from nbutils.checkpoints.single_file import CHECKPOINT, PREVIOUS, prepare, restore, write
from nbutils.checkpoints.state import CheckpointError, CheckpointWarning, OtherModelError, State

RUN = {"model": "tiny", "learning_rate": 0.1}


def state(step: int = 1, **identity) -> State:
    torch.manual_seed(step)
    tensors = {
        "model.weight": torch.randn(30, 20),
        "model.mask": torch.rand(7) > 0.5,
        "model.half": torch.randn(3, dtype=torch.bfloat16),
        "model.none": torch.empty(0, 4),
        "optimizer.0.step": torch.tensor(float(step)),
        "random.cpu": torch.arange(100, dtype=torch.uint8),
    }
    return State(RUN | identity, tensors, {"step": step, "history": [1.5, 0.1 + 0.2]})


def same(one: State, other: State) -> bool:
    return (one.identity, one.about) == (other.identity, other.about) and all(
        a[0] == b[0] and a[1].dtype == b[1].dtype and torch.equal(a[1], b[1])
        for a, b in zip(sorted(one.tensors.items()), sorted(other.tensors.items()), strict=True)
    )


def restored(folder) -> State | None:
    found = []
    assert restore(folder, RUN, found.append) == bool(found)
    return found[0] if found else None


def flip(path, position: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1 << bit
    path.write_bytes(content)


def test_what_was_written_is_read(tmp_path):
    assert restored(tmp_path) is None
    write(tmp_path, state())
    assert same(restored(tmp_path), state())


def test_the_newest_is_read_and_the_one_before_is_kept(tmp_path):
    for step in (1, 2, 3):
        write(tmp_path, state(step))
    assert {path.name for path in tmp_path.iterdir()} == {CHECKPOINT, PREVIOUS}
    assert same(restored(tmp_path), state(3))
    (tmp_path / CHECKPOINT).unlink()  # as after a kill, on a file system without links
    assert same(restored(tmp_path), state(2))


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def empty(path):
    path.write_bytes(b"")


def zero(path):
    path.write_bytes(bytes(path.stat().st_size))


def foreign(path):
    path.write_bytes(b"not safetensors at all")


def without_our_words(path):
    single_file.save_tensors({"a": torch.zeros(1)}, path, {})


def flip_a_weight(path):
    flip(path, -500)


def other_step(path):
    path.write_bytes(path.read_bytes().replace(b'step\\": 2', b'step\\": 4'))


DAMAGES = (cut, empty, zero, foreign, without_our_words, flip_a_weight, other_step)


@pytest.mark.parametrize("damage", DAMAGES)
def test_if_the_newest_is_damaged_the_one_before_is_used_and_told(tmp_path, damage):
    for step in (1, 2):
        write(tmp_path, state(step))
    damage(tmp_path / CHECKPOINT)
    with pytest.warns(CheckpointWarning, match=f"{CHECKPOINT} is damaged.*checkpoint before it"):
        assert same(restored(tmp_path), state(1))
    assert same(restored(tmp_path), state(1))  # the damaged one is gone, without another warning
    write(tmp_path, state(3))
    assert same(single_file._read(tmp_path / PREVIOUS), state(1))  # not the damaged one


def test_where_nothing_can_be_written_a_damaged_checkpoint_stays_and_that_is_told(
    tmp_path, monkeypatch
):
    for step in (1, 2):
        write(tmp_path, state(step))
    empty(tmp_path / CHECKPOINT)

    def refuse(**where):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(single_file.tempfile, "TemporaryFile", refuse)
    message = "can't be written .Read-only file system"
    with pytest.warns(CheckpointWarning), pytest.raises(CheckpointError, match=message):
        restored(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {CHECKPOINT, PREVIOUS}


@pytest.mark.parametrize("damage", DAMAGES)
def test_if_there_is_no_other_a_damaged_checkpoint_is_an_error(tmp_path, damage):
    write(tmp_path, state(2))
    damage(tmp_path / CHECKPOINT)
    content = (tmp_path / CHECKPOINT).read_bytes()
    with pytest.raises(CheckpointError, match=f"{CHECKPOINT}: damaged, or no checkpoint.*afresh"):
        restored(tmp_path)
    assert (tmp_path / CHECKPOINT).read_bytes() == content


def test_if_both_are_damaged_both_are_named(tmp_path):
    for step in (1, 2):
        write(tmp_path, state(step))
    empty(tmp_path / CHECKPOINT)
    cut(tmp_path / PREVIOUS)
    with pytest.raises(CheckpointError, match=f"{CHECKPOINT} and .*{PREVIOUS}: damaged"):
        restored(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_every_flipped_bit_is_noticed(tmp_path):
    """At 300 places of the file, those of the header among them."""
    write(tmp_path, state())
    path = tmp_path / CHECKPOINT
    whole = path.read_bytes()
    draw = random.Random(0)
    places = [*range(20), *(draw.randrange(len(whole)) for _ in range(280))]
    for place in places:
        flip(path, place, draw.randrange(8))
        with pytest.raises((CheckpointError, single_file._DamagedError)):
            single_file._load(path, RUN, lambda found: None)
        path.write_bytes(whole)
    assert same(restored(tmp_path), state())


def test_what_does_not_fit_the_run_is_damage_too(tmp_path):
    for step in (1, 2):
        write(tmp_path, state(step))
    taken = []

    def take(found):
        taken.append(found.about["step"])
        if found.about["step"] == 2:
            raise ValueError("a weight is missing")

    with pytest.warns(CheckpointWarning):
        assert restore(tmp_path, RUN, take)
    assert taken == [2, 1]


@pytest.mark.parametrize("step", [1, 2])
def test_another_run_is_refused_and_stays(tmp_path, step):
    for n in range(step):
        write(tmp_path, state(n, learning_rate=0.2))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    message = r"another run: learning_rate was 0.2 and is now 0.1; choose another folder"
    with pytest.raises(CheckpointError, match=message):
        restored(tmp_path)
    if step == 2:  # the one before is another's too, and is not taken in place of a damaged one
        cut(tmp_path / CHECKPOINT)
        with pytest.raises(CheckpointError, match=message):
            restored(tmp_path)
        assert (tmp_path / PREVIOUS).read_bytes() == before[PREVIOUS]


def test_identities_are_compared_as_json_has_them(tmp_path):
    write(tmp_path, state(betas=(0.9, 0.99)))
    assert restore(tmp_path, RUN | {"betas": (0.9, 0.99)}, lambda found: None)


# A disk that is full


def full(number):
    def save_tensors(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError(number, os.strerror(number))

    return save_tensors


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS])
def test_what_could_not_be_written_leaves_what_was(tmp_path, monkeypatch, number):
    for step in (1, 2):
        write(tmp_path, state(step))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr(single_file, "save_tensors", full(number))
    monkeypatch.setattr(single_file, "_free", lambda folder: 12_345)
    big = state(3)
    big.tensors["model.weight"] = torch.zeros(1_000_000)
    words = f"can't be written .{os.strerror(number)}.: it needs 4.0 MB, and 0.0 MB are free"
    with pytest.raises(CheckpointError, match=words):
        write(tmp_path, big)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_nothing_is_given_up_for_a_limit_that_room_does_not_lift(tmp_path, monkeypatch):
    for step in (1, 2):
        write(tmp_path, state(step))
    monkeypatch.setattr(single_file, "save_tensors", full(errno.EFBIG))
    with pytest.raises(CheckpointError, match="File too large"):
        write(tmp_path, state(3))
    assert same(single_file._read(tmp_path / PREVIOUS), state(1))


def test_a_disk_with_room_for_two_gives_up_the_one_before(tmp_path, monkeypatch):
    for step in (1, 2):
        write(tmp_path, state(step))
    monkeypatch.setattr(single_file, "_free", lambda folder: 100)
    save = single_file.save_tensors

    def crowded(tensors, path, metadata):
        (full(errno.ENOSPC) if (tmp_path / PREVIOUS).exists() else save)(tensors, path, metadata)

    monkeypatch.setattr(single_file, "save_tensors", crowded)
    write(tmp_path, state(3))
    assert same(restored(tmp_path), state(3))
    assert same(single_file._read(tmp_path / PREVIOUS), state(2))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
def test_a_file_as_long_as_the_system_allows_and_no_longer(tmp_path):
    """No patch: the system itself stops the writer."""
    code = f"""
import resource, signal, sys
sys.path.insert(0, {os.path.dirname(__file__)!r})
from pathlib import Path
from test_checkpoints import *
folder = Path({str(tmp_path)!r})
write(folder, state(1))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
size = (folder / CHECKPOINT).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size - 100, size - 100))
try:
    write(folder, state(2))
except CheckpointError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert "File too large" in done.stdout and "MB are free" in done.stdout
    assert os.listdir(tmp_path) == [CHECKPOINT]
    assert same(restored(tmp_path), state(1))


def test_a_folder_is_prepared_and_what_killed_runs_left_is_gone(tmp_path):
    prepare(tmp_path / "a" / "b")
    left = tmp_path / f"{CHECKPOINT}.0.part"
    left.mkdir()
    (left / CHECKPOINT).write_bytes(b"half")
    (tmp_path / "mine.part").touch()
    prepare(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "mine.part"}


# What a state is made of


def model(width: int = 4) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(width, 3), nn.LayerNorm(3), nn.Linear(3, width))
    net.register_buffer("scale", torch.ones(2))
    return net


def trained(kind, steps: int = 2) -> tuple[nn.Module, torch.optim.Optimizer]:
    net = model()
    optimizer = kind(net.parameters())
    for _ in range(steps):
        net(torch.ones(5, 4)).square().mean().backward()
        optimizer.step()
    return net, optimizer


KINDS = {
    "adamw": lambda params: torch.optim.AdamW(params, lr=0.01),
    "momentum": lambda params: torch.optim.SGD(params, lr=0.01, momentum=0.9),
    "adagrad": lambda params: torch.optim.Adagrad(params),
    "groups": lambda params: torch.optim.AdamW([{"params": [p]} for p in params]),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_any_optimizer_goes_on_as_if_it_had_not_stopped(tmp_path, kind):
    net, optimizer = trained(kind)
    tensors = of_state.named("model", of_state.model_state(net))
    tensors |= of_state.named("optimizer", of_state.optimizer_state(optimizer))
    write(tmp_path, State(RUN, tensors, {}))
    other = model()
    with torch.no_grad():
        other[0].weight += 1
    second = kind(other.parameters())
    stored = restored(tmp_path)
    of_state.load_model_state(other, stored.part("model"))
    of_state.load_optimizer_state(second, stored.part("optimizer"))
    for each, steps in ((net, optimizer), (other, second)):
        steps.zero_grad()
        each(torch.ones(5, 4)).square().mean().backward()
        steps.step()
    assert all(map(torch.equal, net.state_dict().values(), other.state_dict().values()))


@pytest.mark.parametrize(
    "change",
    [
        lambda kept: kept.pop("0.exp_avg"),
        lambda kept: kept.update({"0.exp_avg": torch.zeros(4, 3)}),
        lambda kept: kept.update({"1.exp_avg_sq": torch.zeros(())[None]}),
        lambda kept: kept.update({"99.exp_avg": torch.zeros(4)}),
        lambda kept: kept.update({"exp_avg": torch.zeros(4)}),
    ],
)
def test_an_optimizer_s_memory_that_does_not_fit_is_refused(change):
    optimizer = trained(KINDS["adamw"])[1]
    kept = of_state.optimizer_state(optimizer)
    of_state.load_optimizer_state(optimizer, kept)
    change(kept)
    with pytest.raises(ValueError):
        of_state.load_optimizer_state(optimizer, kept)


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(OtherModelError, match=r"its 0.weight has shape \(3, 5\), and .* \(3, 4\)"):
        of_state.load_model_state(model(), of_state.model_state(model(5)))
    kept = of_state.model_state(model())
    del kept["scale"]
    with pytest.raises(OtherModelError, match="it has no scale, which this model has"):
        of_state.load_model_state(model(), kept)
    with pytest.raises(OtherModelError, match="it has more, which this model has not"):
        of_state.load_model_state(model(), of_state.model_state(model()) | {"more": torch.ones(1)})


def test_a_tied_weight_is_stored_once():
    net = model()
    net[2].weight = nn.Parameter(net[0].weight.T.contiguous())
    net.add_module("head", nn.Linear(3, 4))
    net.head.weight = net[2].weight
    kept = of_state.model_state(net)
    assert "2.weight" in kept and "head.weight" not in kept
    of_state.load_model_state(net, kept)
    assert net.head.weight is net[2].weight


def test_random_numbers_go_on_where_they_were():
    torch.manual_seed(3)
    kept = of_state.rng_state(torch.device("cpu"))
    expected = torch.rand(5)
    torch.rand(7)
    of_state.set_rng_state(kept, torch.device("cpu"))
    assert torch.equal(torch.rand(5), expected)


def test_a_corpus_is_known_by_its_length_and_its_beginning():
    corpus = np.arange(50, dtype=np.uint16)
    assert of_state.fingerprint(corpus) == of_state.fingerprint(corpus.astype(np.int64))
    others = (corpus[:-1], corpus[::-1], corpus + 1)
    assert len({of_state.fingerprint(other) for other in (corpus, *others)}) == 4


def test_what_only_one_of_two_runs_has_set_is_told():
    with pytest.raises(CheckpointError, match="each_once was True and is now its default"):
        of_state.same_run("run", {"each_once": True}, {})
    with pytest.raises(CheckpointError, match="each_once was its default and is now True"):
        of_state.same_run("run", {}, {"each_once": True})
