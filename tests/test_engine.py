"""The GPT that learns in the page: gradients, optimizers and logits are PyTorch's, in each way that it runs."""

import itertools
import json
import re
import shutil

import numpy as np
import pytest
import torch
import trainers
from shown import bundled
from trainers import POSITIONS, SHAPES, WAYS

from authoring import kernels
from nbutils import device
from nbutils.config import GPTConfig
from nbutils.model import GPT

STEPS, RATE = 50, 1e-2
RUNS = {"adamw": "rotary", "muon": "table"}  # the optimizers, and with which positions
CASES = list(itertools.product(SHAPES, POSITIONS))
# Each way computes a gradient of each shape and each kind of positions; the slowest is JavaScript, which goes without
# some of their pairs.
GRADIENTS = [
    (*c, way) for c in CASES for way in WAYS if way != "js" or c[0] == "small" or c[1] == "rotary"
]
LOSSES = list(itertools.product(RUNS, WAYS))
TINY = dict(vocab_size=5, block_size=4, n_layer=1, n_head=2, n_embd=8)


# What is refused, and the words for it.
WRONG = [
    {
        "shape": {"n_embd": 6},
        "message": "n_embd=6 must be a multiple of 4: the loops take four numbers at a time",
    },
    {
        "shape": {"n_head": 3},
        "message": "n_embd=8 is not divisible by n_head=3: the heads share the width equally",
    },
    {"shape": {"n_layer": 1.5}, "message": "n_layer=1.5 must be a whole number from 1 on"},
    {"shape": {"positions": "sine"}, "message": "positions=sine must be rotary, table or none"},
    {
        "shape": {"n_embd": 4, "n_head": 4, "positions": "rotary"},
        "message": "positions=rotary turns pairs of numbers: n_embd=4 over n_head=4 must be even",
    },
    {
        "options": {"most": 4, "longest": 9},
        "message": "longest=9 is more than block_size=4: choose a larger block_size",
    },
    {
        "batch": [[1, 2, 3], [1, 2, 3, 4]],
        "message": "a batch of 5 tokens: most=4 is what there is room for, and 1 is the least",
    },
    {
        "batch": [],
        "message": "a batch of 0 tokens: most=4 is what there is room for, and 1 is the least",
    },
    {
        "batch": [[1, 2], [3]],
        "message": "documents[1] has 1 ids, and must have from 2 to longest + 1 = 5",
    },
    {"batch": [[1, 5]], "message": "documents[0] has the id 5, and vocab_size=5 ends at 4"},
    {
        "tensor": "final.norm",
        "message": "name=final.norm is no tensor of this network: tensors has their names",
    },
]


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict:
    """By trial what the page gets, and what PyTorch gets."""
    folder = tmp_path_factory.mktemp("engine")
    made = {each: trainers.case(*each) for each in CASES}
    trials = {}
    for number, (each, case) in enumerate(made.items()):
        file = trainers.write_weights(case, folder / f"{number}.weights")
        for way in [way for *other, way in GRADIENTS if tuple(other) == each]:
            trials[*each, way] = case.trial(what="gradients", way=way, weights=file)
        if each[0] == "small":
            trials["logits", each[1]] = case.trial(what="logits", way="simd", weights=file)
    runs = {name: trainers.case("small", positions, 5) for name, positions in RUNS.items()}
    for optimizer, case in runs.items():
        file = trainers.write_weights(case, folder / f"{optimizer}.weights")
        for way in WAYS:
            run = dict(way=way, weights=file, optimizer=optimizer, rate=RATE, steps=STEPS)
            trials[optimizer, way] = case.trial(what="losses", **run)
    tiny = {"shape": TINY, "most": 4, "batches": [[[0, 1, 2]]]}
    trials |= {("small numbers", way): {"what": "small", "way": way, **tiny} for way in WAYS}
    for wrong in WRONG:
        shape, options = TINY | wrong.get("shape", {}), {"most": 4, **wrong.get("options", {})}
        trials[wrong["message"]] = {**wrong, "what": "told", "shape": shape, "options": options}
    script = bundled(trainers.TRIAL + trainers.IN_NODE)
    told = dict(zip(trials, trainers.in_node(script, list(trials.values()), folder)))
    return {"told": told, "made": made, "losses": by_pytorch(runs)}


def by_pytorch(runs: dict) -> dict:
    chip = device.Chip(torch.device("cpu"), torch.float32, "test")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device, "pick", lambda name: chip)
        return {name: trainers.losses(case, name, RATE, STEPS) for name, case in runs.items()}


@pytest.mark.parametrize("name, positions, way", GRADIENTS)
def test_each_gradient_is_autograd_s(found, name, positions, way):
    agrees(found["told"][name, positions, way], found["made"][name, positions])


def agrees(told: dict, case: trainers.Case) -> None:
    """Each tensor's gradient is autograd's, up to float32's sums in another order."""
    (loss, expected), at = trainers.gradients(case), 0
    assert told["loss"] == pytest.approx(loss, abs=1e-5)
    for tensor, gradient in expected.items():
        got = np.array(told["numbers"][at : at + len(gradient)])
        at += len(gradient)
        assert np.abs(got - gradient).max() < 1e-6 + 1e-5 * np.abs(gradient).max(), tensor
    assert at == len(told["numbers"])


@pytest.mark.parametrize("optimizer, way", LOSSES)
def test_fifty_updates_go_as_nbutils_optim_s(found, optimizer, way):
    """Muon in float32 on both sides: on some processors nbutils.optim takes bfloat16."""
    got, expected = found["told"][optimizer, way]["numbers"], found["losses"][optimizer]
    assert len(got) == len(expected) == STEPS
    assert np.abs(got - expected).max() < 1e-3
    assert expected[-1] < expected[0] - 1  # it has learned these few batches by heart


@pytest.mark.parametrize("positions", POSITIONS)
def test_the_network_that_it_gives_is_read_by_gpt_and_by_the_pictures(found, positions):
    case, told = found["made"]["small", positions], found["told"]["logits", positions]
    switches = {
        name: told["config"][name] for name in ("rotary", "rms_norm", "qk_norm", "relu_squared")
    }
    assert switches == {name: name == positions for name in switches}
    model, numbers = GPT(GPTConfig(**told["config"])), torch.from_numpy(told["numbers"])
    [ids], V = case.batches[0][:1], model.config.vocab_size
    engine, pictures, weights = numbers.split([*[(len(ids) - 1) * V] * 2, model.num_parameters()])
    state = dict(model.named_parameters())
    parts = weights.split([state[name].numel() for name in told["names"]])
    model.load_state_dict({n: part.view_as(state[n]) for n, part in zip(told["names"], parts)})
    with torch.no_grad():
        logits = model(torch.tensor([ids[:-1]]))[0].ravel()
        assert torch.equal(logits, case.model(torch.tensor([ids[:-1]]))[0].ravel())
    assert (engine - logits).abs().max() < 1e-4 and (pictures - logits).abs().max() < 1e-4


@pytest.mark.parametrize("way", WAYS)
def test_no_number_becomes_so_small_that_a_processor_is_slow(found, way):
    """Means fall and fall where no gradient comes; below 1e-38 a product takes 100 times as long."""
    assert found["told"]["small numbers", way] == {"denormal": 0, "left": 0}


@pytest.mark.parametrize("told", WRONG, ids=lambda told: told["message"][:40])
def test_what_makes_no_network_and_no_batch_is_told(found, told):
    assert found["told"][told["message"]]["message"] == f"RangeError: {told['message']}"


def test_the_compiled_loops_are_of_the_source_as_it_is():
    stored = json.loads(kernels.BUILT.read_text("utf-8"))
    assert stored["sha256"] == kernels.fingerprint(), "kernels.c has changed: run make kernels"
    sizes = {way: len(code) for way, code in kernels.stored().items()}
    assert list(sizes) == list(WAYS[:-1]) and max(sizes.values()) < 10_000, sizes


@pytest.mark.part("package")
def test_compiled_anew_they_are_the_same_bytes():
    """`make all PART=package` installs the compiler."""
    assert kernels.PYTHON.exists(), "run make all PART=package"
    assert kernels.build(str(kernels.PYTHON)) == kernels.stored()


@pytest.mark.part("pages")
def test_firefox_gets_the_same_gradients(tmp_path):
    """Each way that it has: relaxed SIMD came to it late."""
    firefox = shutil.which("firefox-esr") or shutil.which("firefox")
    if not firefox:
        pytest.skip("no Firefox is installed: sudo apt install firefox-esr")
    case = trainers.case("the page's", "rotary")
    file = trainers.write_weights(case, tmp_path / "weights")
    trials = [case.trial(way=way, weights=file) for way in WAYS]
    script = bundled(trainers.TRIAL + trainers.IN_PAGE)
    relaxed, *others = trainers.in_firefox(firefox, script, trials, tmp_path)
    assert "Firefox" in relaxed["agent"]
    assert "failed" not in relaxed or relaxed["failed"].endswith("js runs in the place of relaxed")
    for told in others if "failed" in relaxed else [relaxed, *others]:
        agrees(told, case)


def test_its_speed_is_measured_beside_pytorch_s(bench):
    page = bench("page")
    first, *others = page.measure(quick=True)
    assert first.way == page.PYTORCH and first.share == 1
    assert [line.way for line in others] == list(page.WAYS.values())
    for line in others:
        assert line.share == pytest.approx(line.speed / first.speed)
        assert 5 < line.megabytes < 20 and 3 < line.kilobytes < 20
    assert others[-1].kilobytes < others[0].kilobytes  # JavaScript needs no compiled loops
    assert others[-1].speed < others[0].speed / 3  # measured: a tenth


def test_the_sections_that_its_comments_name_are_there(root):
    """The engine is a lesson: each part says which chapter explains it."""
    sources = [*kernels.ENGINE.glob("*.js"), kernels.SOURCE]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    joined = re.sub(r"\n *(\*|//) ?", " ", text)
    named = set(re.findall(r'chapter (\d\w?), "([^"]+)"', joined))
    assert {chapter for chapter, _ in named} >= {"3a", "3b", "3c", "4a", "6"} and len(named) > 12
    for chapter, section in named:
        [path] = root.glob(f"notebooks/*{chapter}_*.ipynb")
        cells = json.loads(path.read_text("utf-8"))["cells"]
        lines = [line.strip() for cell in cells for line in cell["source"]]
        assert any(line.lstrip("#") == f" {section}" for line in lines if line[:2] == "##"), section
