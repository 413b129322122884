"""The GPU's benchmark, on a CPU: every path at a tiny size, and nothing stored without a GPU."""

import json
from dataclasses import replace

import pytest
import torch

from nbutils import device, ladder
from nbutils.model import GPT

CPU = device.pick("cpu")


@pytest.fixture
def gpu(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / "bench"))
    import gpu

    return gpu


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, so it would be measured")
def test_without_a_gpu_it_says_so_and_stores_nothing(gpu, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(ladder, "MEASURED", tmp_path / "measured.json")
    gpu.main([])
    gpu.main(["--device", "cpu"])
    assert capsys.readouterr().out.count("no GPU here") == 2
    assert ladder.stored() is None


def test_quick_runs_every_path_and_stores_only_where_it_is_told(gpu, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(ladder, "MEASURED", tmp_path / "measured.json")
    nanogpt = tmp_path / "nanogpt"
    nanogpt.mkdir()
    (nanogpt / "model.py").write_text(STAND_IN)
    gpu.main(["--device", "cpu", "--quick", "--nanogpt", str(nanogpt), "--to", str(tmp_path / "x")])
    assert ladder.stored() is None
    found = json.loads((tmp_path / "x").read_text())
    assert found["card"] == CPU.name and len(found["date"]) == 10
    assert list(found["ladder"]) == list(ladder.SPEED)
    names = [row["what"] for row in found["rows"]]
    for name in ("Training, ours, compiled whole", "Training, transformers", "Training, nanoGPT"):
        assert name in names and name.replace("Training", "Share of peak") in names
    for way in ("KV cache", "CUDA graph", "no KV cache", "transformers"):
        assert {f"Sampling, {way}, 1", f"Sampling, {way}, 16"} <= set(names)
    value = {row["what"]: row["value"] for row in found["rows"]}
    assert all(isinstance(x, str) or x >= 0 for x in value.values())
    assert value["From a CPU's losses, float32"] < 1e-4
    assert set(found["learning"]) <= set(ladder.LEARNING)
    assert "| Training, nanoGPT" in capsys.readouterr().out


STAND_IN = """
from dataclasses import dataclass
from nbutils.model import GPT as Ours, GPTConfig as Config

@dataclass
class GPTConfig:
    dropout: float
    vocab_size: int
    block_size: int
    n_layer: int
    n_head: int
    n_embd: int
    bias: bool

def GPT(config):
    print("its size")
    return Ours(Config(**vars(config)))
"""


def test_a_folder_without_nanogpt_ends_with_a_sentence(gpu, tmp_path):
    with pytest.raises(SystemExit, match="no model.py"):
        gpu.contenders(CPU, gpu.TINY, tmp_path)


def test_contenders_compute_one_loss_of_one_shape(gpu):
    found = gpu.contenders(CPU, gpu.TINY, None)
    sizes = {name: sum(p.numel() for p in c.model.parameters()) for name, c in found.items()}
    assert len(set(sizes.values())) == 1, sizes
    x, y = gpu._batch(gpu.TINY, 2, CPU)
    for contender in found.values():
        assert float(contender.update(x, y)) == pytest.approx(4.85, abs=0.15)  # ln 128


def test_a_float16_chip_scales_its_losses(gpu):
    chip = replace(CPU, dtype=torch.float16, scaler=True)
    contender = gpu.Contender(GPT(gpu.TINY), lambda model, x, y: model(x, y)[1], chip)
    assert contender.scaler.is_enabled()
    for group in contender.optimizer.param_groups:
        group["lr"] = 1e-2
    batch = gpu._batch(gpu.TINY, 2, chip)
    found = [float(contender.update(*batch)) for _ in range(12)]
    assert found[-1] < found[0] - 0.2
    differences = gpu.agreement(chip, gpu.World(100), 3)
    assert [row.what[-7:] for row in differences] == ["float32", "float16"]
    assert differences[0].value < 1e-4 and 0 < differences[1].value < 0.05


def test_the_largest_batch_is_the_first_that_fits(gpu, monkeypatch):
    contender = gpu.Contender(GPT(gpu.TINY), lambda model, x, y: model(x, y)[1], CPU)
    tried, update = [], contender.update

    def limited(x, y):
        tried.append(len(x))
        if len(x) > 2:
            raise torch.cuda.OutOfMemoryError("full")
        return update(x, y)

    monkeypatch.setattr(contender, "update", limited)
    assert gpu.largest_batch(contender, gpu.TINY, (8, 4, 2, 1)) == 2
    assert tried == [8, 4, 2]
    with pytest.raises(RuntimeError, match="not even a batch of 4"):
        gpu.largest_batch(contender, gpu.TINY, (8, 4))


def test_a_compiler_that_fails_leaves_the_network_as_it_was(gpu, monkeypatch, capsys):
    contender = gpu.Contender(GPT(gpu.TINY), lambda model, x, y: model(x, y)[1], CPU)

    def broken(self, **how):
        self._compiled_call_impl = lambda *inputs: 1 / 0

    monkeypatch.setattr(torch.nn.Module, "compile", broken)
    for whole in (True, False):
        assert not gpu.compile_in_place(contender, whole, 2, gpu.TINY)
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert float(contender.update(*gpu._batch(gpu.TINY, 2, CPU))) > 0
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **how: None)
    assert gpu.compile_in_place(contender, True, 2, gpu.TINY)


def test_learning_rates_are_compared_for_each_learning_rung(gpu, monkeypatch):
    import ladder as rates  # bench/ladder.py

    first = dict(list(ladder.LEARNING.items())[:2])
    monkeypatch.setattr(ladder, "LEARNING", first)
    rows = rates.measure((1e-3, 2e-3), updates=1)
    assert [row.what for row in rows[::2]] == ["GPT-2, AdamW, 0.001", "GPT-2, AdamW, 0.002"]
    low, high = rows[0].value.split(" and ")
    assert low != high and 5 < float(low) < 8


def test_what_a_gpu_trains_is_gpt2_with_a_padded_vocabulary(gpu):
    with torch.device("meta"):  # shapes only
        model = GPT(gpu.GPT2)
        logits = model(torch.zeros(64, 1024, dtype=torch.int64))
    assert logits.shape == (64, 1024, 50304)
    assert model.num_parameters() == 124_439_808 + 47 * 768
