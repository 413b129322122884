"""The GPU's benchmark, on a CPU: every path at a tiny size, and nothing stored without a GPU."""

import importlib
import json
import signal
import subprocess
import time
import weakref
from dataclasses import replace
from types import SimpleNamespace

import nbformat
import pytest
import torch

from authoring import measured_words
from nbutils import chips, device, ladder
from nbutils.model import GPT

CPU = replace(device.pick("cpu"), dtype=torch.float32)  # some gain from 16 bits, others not
GPU = replace(CPU, device=torch.device("cuda"), dtype=torch.float16, name="Tesla T4")


def module(name: str):
    """A module of bench/, whose folder is on the path as it is for a script there."""

    @pytest.fixture
    def imported(root, monkeypatch):
        monkeypatch.syspath_prepend(str(root / "bench"))
        return importlib.import_module(name)

    return imported


gpu, gpu_run, gpu_speed = module("gpu"), module("gpu_run"), module("gpu_speed")
gpu_ladder, gpu_programs = module("gpu_ladder"), module("gpu_programs")
learning_rates = module("ladder")


@pytest.fixture
def freed(gpu_run, monkeypatch) -> list:
    """An entry for each time that the chip was freed, which looks through all of Python's objects."""
    times = []
    monkeypatch.setattr(gpu_run.Bench, "free", lambda bench: times.append(bench.chip))
    monkeypatch.setattr(ladder, "empty_cache", times.append)
    return times


@pytest.fixture
def bench(gpu_run, freed):
    return gpu_run.Bench(CPU, quick=True, run=chips.new_run(CPU, "make gpu"))


@pytest.fixture
def nanogpt(tmp_path):
    (tmp_path / "nanogpt").mkdir()
    (tmp_path / "nanogpt" / "model.py").write_text(STAND_IN, "utf-8")
    return tmp_path / "nanogpt"


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


# The whole of it


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, so it would be measured")
def test_without_a_gpu_it_says_so_and_stores_nothing(gpu, capsys):
    before = chips.FILE.read_bytes()
    assert gpu.main([]) == gpu.main(["--device", "cpu"]) == 0
    assert capsys.readouterr().out.count("no GPU with CUDA here") == 2
    assert chips.FILE.read_bytes() == before


def test_quick_runs_every_path_and_stores_only_where_it_is_told(
    gpu, freed, capsys, monkeypatch, nanogpt, tmp_path
):
    """But for the last two, each of which starts a program of its own."""
    monkeypatch.setattr(device, "measure_peak", lambda chip, seconds, n: 1e11)  # slow in float16
    monkeypatch.setattr(device, "pick", lambda name=None: CPU)
    groups = [name for name in chips.WANTED if name not in ("tests", "notebooks")]
    before, to = chips.FILE.read_bytes(), tmp_path / "x.json"
    quick = ["--device", "cpu", "--quick", "--only", *groups]
    assert gpu.main([*quick, "--nanogpt", str(nanogpt), "--to", str(to)]) == 0
    assert chips.FILE.read_bytes() == before
    (run,) = chips.all_runs(to)
    assert run.card == device.processor() and run.command == "bench/gpu.py --quick"
    wanted = [row for name in groups for row in chips.WANTED[name]]
    assert run.missing(wanted) == ["From a CPU's losses, 16 bits"]  # this chip gains nothing there
    assert all(row["value"] >= 0 for row in run.rows)
    assert run.row("From a CPU's losses, float32")["value"] < 1e-4
    assert ", then again " in run.row("Training, nanoGPT")["how"]
    assert "its model.py " in run.row("Training, nanoGPT")["how"]
    assert "| Training, nanoGPT" in capsys.readouterr().out
    assert freed.count(CPU) >= len(run.rows) / 2  # after each step
    assert unnamed(run) == []


def unnamed(run) -> list[str]:
    """What the page says of a run and has no words for in other languages."""
    known = {unit.says for unit in measured_words.units()}
    rows = tuple(row["what"] for row in run.rows)
    return [said for said in measured_words.of_runs(rows, [run]) if said not in known]


def test_all_that_is_wanted_is_measured_once_and_training_twice(gpu, bench, nanogpt, monkeypatch):
    for chip, rows in ((GPU, 0), (replace(GPU, dtype=torch.float32), 1)):
        steps = gpu.steps(replace(bench, chip=chip, quick=False, nanogpt=nanogpt))
        named = [name for step in steps if not step.twice for name in step.rows]
        wanted = [name for names in chips.WANTED.values() for name in names]
        assert len(set(named)) == len(named) == len(wanted) - rows and set(named) <= set(wanted)
        again = [step.rows for step in steps if step.twice]
        assert again == [chips.training(name) for name in chips.CONTENDERS]
        order = list(dict.fromkeys(step.group for step in steps))
        assert order == list(chips.WANTED)


def test_peers_that_are_not_here_are_told_of(gpu, bench, monkeypatch, capsys):
    monkeypatch.setattr(gpu.importlib.util, "find_spec", lambda name: None)
    named = [name for step in gpu.steps(bench) for name in step.rows]
    assert not [name for name in named if "nanoGPT" in name or "transformers" in name]
    told = capsys.readouterr().out
    assert told.count("make gpu NANOGPT=folder") == told.count("pip install transformers") == 1


def test_a_pretended_chip_is_another_process_and_never_stored_as_a_real_one(
    gpu, monkeypatch, tmp_path, root
):
    asked = []
    monkeypatch.setattr(
        gpu.subprocess, "run", lambda c: asked.append(c) or SimpleNamespace(returncode=3)
    )
    assert gpu.main(["--pretend", "two T4", "--minutes", "1"]) == 3
    (command,) = asked
    assert command[1:4] == [str(root / "tests" / "chips" / "run.py"), "two T4", "program"]
    assert command[4:] == [gpu.__file__, "--pretend", "two T4", "--minutes", "1"]
    options = gpu.parsed(["--device", "cpu", "--pretend", "two T4"])
    bench = gpu.begun(options, pretended=True)
    assert bench.quick and bench.file is None and bench.run.card.endswith(", which is not there")
    assert bench.python == tuple(command[:4])


# One step after the other


def step(gpu_run, *names, seconds=1, does=None, group="peak", twice=False):
    def measure(bench):
        if does is not None:
            does()
        yield from (gpu_run.Row(name, 1.0, "s", "") for name in names)

    return gpu_run.Step(group, names, seconds, measure, twice)


def raises(error):
    def does():
        raise error

    return does


def test_a_second_call_goes_on_where_the_first_stopped(gpu_run, bench, tmp_path):
    done = []
    bench = replace(bench, file=tmp_path / "x.json")
    steps = [step(gpu_run, name, does=lambda name=name: done.append(name)) for name in "abc"]
    assert gpu_run.measure(bench, steps[:2]) == ([], [])
    bench = replace(bench, run=chips.resumed_run(chips.new_run(CPU, "make gpu"), bench.file))
    assert gpu_run.measure(bench, steps) == ([], []) and done == ["a", "b", "c"]
    gpu_run.measure(bench, steps, only=["ladder"])
    gpu_run.measure(
        bench, [*steps, step(gpu_run, "d", group="ladder", does=lambda: done.append("d"))], ["peak"]
    )
    assert done == [*"abc", *"abc"]


def test_what_was_measured_once_is_measured_again(gpu_run, bench):
    again = step(gpu_run, "a", twice=True)
    assert not again.is_done(bench.run) and again.name == "a, again"
    bench.keep(gpu_run.Row("a", 1.0, "", "10 once"))
    assert not again.is_done(bench.run)
    bench.keep(gpu_run.Row("a", 1.0, "", f"10, {gpu_run.AGAIN} 11"))
    assert again.is_done(bench.run)


def test_a_step_that_will_not_fit_is_left_and_a_shorter_one_is_not(gpu_run, bench):
    bench = replace(bench, ends=time.monotonic() + 100)
    steps = [step(gpu_run, name, seconds=n) for name, n in zip("abcd", (200, 200, 50, 101))]
    assert gpu_run.measure(bench, steps) == (["b", "d"], [])  # the first may be as long as it is
    assert [row["what"] for row in bench.run.rows] == ["a", "c"]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no alarms")
def test_time_that_is_up_stops_a_step_and_keeps_its_rows(gpu_run, bench, capsys):
    def slow(bench):
        yield gpu_run.Row("a", 1.0, "s", "")
        time.sleep(30)

    start, bench = time.monotonic(), replace(bench, ends=time.monotonic() + 0.3)
    steps = [gpu_run.Step("peak", ("a", "b"), 1, slow), step(gpu_run, "c")]
    assert gpu_run.measure(bench, steps) == (["a", "c"], [])
    assert time.monotonic() - start < 10 and "Time is up" in capsys.readouterr().out
    assert [row["what"] for row in bench.run.rows] == ["a"]
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_step_that_fails_is_told_and_the_others_go_on(gpu_run, bench, capsys, freed):
    steps = [
        step(
            gpu_run, "a", does=raises(torch.OutOfMemoryError("CUDA out of memory. Tried 9 GB\nand"))
        ),
        step(gpu_run, "b", does=raises(gpu_run.NoRoom("No room"))),
        step(gpu_run, "c", does=raises(ZeroDivisionError("what nobody expected"))),
        step(gpu_run, "d"),
    ]
    assert gpu_run.measure(bench, steps) == ([], ["a", "b", "c"])
    told = capsys.readouterr()
    assert "Out of memory: CUDA out of memory. Tried 9 GB\n" in told.out and "No room" in told.out
    assert "in does" in told.err and "what nobody expected" in told.err
    assert "OutOfMemoryError" not in told.err
    assert [row["what"] for row in bench.run.rows] == ["d"]
    assert len(freed) == 4


def test_what_is_freed_is_gone(gpu_run):
    """Also what is known to itself alone."""
    network = torch.nn.Linear(2, 2)
    known = weakref.ref(network)
    network.itself = [network]
    del network
    gpu_run.Bench(CPU, True, chips.new_run(CPU, "make gpu")).free()
    assert known() is None


# Training


def test_a_folder_without_nanogpt_ends_with_a_sentence(gpu, tmp_path):
    with pytest.raises(SystemExit, match="no model.py"):
        gpu.main(["--device", "cpu", "--quick", "--nanogpt", str(tmp_path)])


def test_contenders_compute_one_loss_of_one_shape(gpu_run, gpu_speed, nanogpt):
    found = {
        name: gpu_speed.contender(name, CPU, gpu_run.TINY, nanogpt) for name in chips.CONTENDERS
    }
    sizes = {name: sum(p.numel() for p in c.model.parameters()) for name, c in found.items()}
    assert len(set(sizes.values())) == 1, sizes
    x, y = gpu_speed.random_batch(gpu_run.TINY, 2, CPU)
    for contender in found.values():
        assert float(contender.update(x, y)) == pytest.approx(4.85, abs=0.15)  # ln 128


def test_a_float16_chip_scales_its_losses(gpu_run, gpu_speed, gpu_ladder, bench):
    chip = replace(CPU, dtype=torch.float16, scaler=True)
    contender = gpu_speed.contender("ours, blocks compiled", chip, gpu_run.TINY)
    assert contender.scaler.is_enabled()
    for group in contender.optimizer.param_groups:
        group["lr"] = 1e-2
    batch = gpu_speed.random_batch(gpu_run.TINY, 2, chip)
    found = [float(contender.update(*batch)) for _ in range(12)]
    assert found[-1] < found[0] - 0.2
    exact, short = gpu_ladder.agreement(replace(bench, chip=chip))
    assert exact.what.endswith("float32") and short.how.endswith("float16")
    assert exact.value < 1e-4 and 0 < short.value < 0.05


def speeds(gpu_speed, monkeypatch, *values):
    given = iter(values)
    monkeypatch.setattr(gpu_speed, "training_speed", lambda bench, name: next(given))


def test_a_row_has_both_measures_and_their_mean(gpu_run, gpu_speed, bench, monkeypatch):
    how = "batch of 8 x 1024"
    speeds(gpu_speed, monkeypatch, (900.0, how), (1100.0, how), (500.0, "batch of 4 x 1024"))
    bench.peak = 1e9
    for again, value in ((False, 900), (True, 1000)):
        for row in gpu_speed.training(bench, "transformers", again):
            bench.keep(row)
        assert bench.run.row("Training, transformers")["value"] == value
    assert bench.run.row("Training, transformers")["how"] == f"{how}; 900, then again 1,100"
    share = 100 * 1000 * GPT(gpu_run.TINY).flops_per_token() / 1e9
    kept = bench.run.row("Utilisation, transformers")
    assert kept["value"] == pytest.approx(share, rel=1e-3) and kept["how"].startswith(
        "of 0.001 TFL"
    )
    (row, _) = gpu_speed.training(bench, "transformers", True)  # another batch is no second measure
    assert (row.value, row.how) == (500, "batch of 4 x 1024; 500 once")
    assert set(measured_words.patterns([row.how])) <= set(measured_words.OF_CHIPS)


def test_the_share_is_of_what_the_run_measured(gpu_run, bench):
    bench.keep(gpu_run.Row("Fastest product, float32", 2.5, "TFLOP/s", ""))
    assert bench.peak == 2.5e12


def test_the_batch_is_the_largest_that_fits_by_plan(gpu_run, gpu_speed, bench, monkeypatch, capsys):
    """And of what is out of memory all the same, half."""
    tried = []

    def out_of_memory_above_2(bench, name, B):
        tried.append(B)
        if B > 2:
            raise torch.OutOfMemoryError("full")
        return 1.0, "how"

    monkeypatch.setattr(gpu_speed, "speed_of_batch", out_of_memory_above_2)
    bench = replace(bench, chip=GPU, quick=False)
    for free, batches in ((15e9, [8, 4, 2]), (9e9, [4, 2]), (5e9, [1])):
        monkeypatch.setattr(device, "free_memory", lambda chip, free=free: free)
        for name in ("transformers", "ours, blocks compiled"):  # in the same batch, to be compared
            assert gpu_speed.training_speed(bench, name) == (1.0, "how")
            assert tried == batches
            tried.clear()
    told = capsys.readouterr().out
    assert (
        "An update of ours, blocks compiled, batch of 8: 9.4 GB by plan, 15.0 GB are free" in told
    )
    assert "An update of transformers, batch of 8: 13 GB by plan" in told
    monkeypatch.setattr(device, "free_memory", lambda chip: 3e9)
    with pytest.raises(
        gpu_run.NoRoom,
        match="1 GB to spare are needed, and .* are free. End what else runs on Tesla T4",
    ):
        gpu_speed.training_speed(bench, "transformers")
    monkeypatch.setattr(device, "free_memory", lambda chip: 15e9)
    monkeypatch.setattr(
        gpu_speed, "speed_of_batch", lambda *_: raises(torch.OutOfMemoryError("full"))()
    )
    with pytest.raises(gpu_run.NoRoom, match="transformers finds no room even for a batch of 1"):
        gpu_speed.training_speed(bench, "transformers")


def test_no_contender_and_no_rung_needs_more_than_about_10_gb(
    gpu_run, gpu_speed, gpu_ladder, freed, monkeypatch
):
    needed = []
    for module in (gpu_speed, gpu_ladder):
        monkeypatch.setattr(module, "find_room", lambda bench, what, size: needed.append(size))
    monkeypatch.setattr(gpu_speed, "speed_of_batch", lambda *_: (1.0, ""))
    monkeypatch.setattr(device, "free_memory", lambda chip: 140e9)
    monkeypatch.setattr(ladder, "free_memory", lambda chip: 140e9)
    bench = gpu_run.Bench(GPU, False, chips.new_run(GPU, "make gpu"))
    gpu_speed.training_speed(bench, "ours, compiled whole")
    monkeypatch.setattr(ladder, "speeds", lambda makers, *_: dict.fromkeys(makers, 1.0))
    for name in ladder.SPEED:
        list(gpu_ladder.rung_speed(bench, name))
    assert len(needed) == 1 + len(ladder.SPEED) and 9e9 < max(needed) < 11e9


def test_a_compiler_that_fails_leaves_the_network_as_it_was(
    gpu_run, gpu_speed, monkeypatch, capsys
):
    contender, batch = (
        gpu_speed.contender("ours", CPU, gpu_run.TINY),
        gpu_speed.random_batch(gpu_run.TINY, 2, CPU),
    )

    def broken(error):
        def compile(self, **how):
            self._compiled_call_impl = lambda *inputs: raises(error)()

        return compile

    monkeypatch.setattr(torch.nn.Module, "compile", broken(ZeroDivisionError("of mine")))
    monkeypatch.setattr(ladder, "cpp_compiler", lambda: "g++")
    for whole in (True, False):
        assert not gpu_speed.compile_in_place(contender, whole, *batch)
    assert "Compiling failed (ZeroDivisionError: of mine)" in capsys.readouterr().out
    assert float(contender.update(*batch)) > 0
    monkeypatch.setattr(torch.nn.Module, "compile", broken(torch.OutOfMemoryError("full")))
    with pytest.raises(torch.OutOfMemoryError):  # no fault of the compiler
        gpu_speed.compile_in_place(contender, True, *batch)
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **how: None)
    contender = gpu_speed.contender("ours", CPU, gpu_run.TINY)
    assert gpu_speed.compile_in_place(contender, True, *batch)


def test_a_rung_that_does_not_compile_is_measured_without_it_and_says_so(
    gpu_ladder, bench, monkeypatch
):
    bench = replace(bench, chip=replace(CPU, device=torch.device("cuda")))
    monkeypatch.setattr(device, "free_memory", lambda chip: 15e9)
    tried = []

    def measured(makers, chip, seconds):
        (maker,) = makers.values()
        tried.append(maker.args[1].compile)
        if tried[-1]:
            raise RuntimeError("no Triton")
        return dict.fromkeys(makers, 7.0)

    monkeypatch.setattr(ladder, "speeds", measured)
    (row,) = gpu_ladder.rung_speed(bench, "compiled blocks")
    assert tried == [True, False] and row.value == 7 and row.how.endswith(", not compiled")
    (row,) = gpu_ladder.rung_speed(bench, "plain")
    assert not row.how.endswith("not compiled")


# Programs of their own


@pytest.mark.parametrize(
    "printed, value, how",
    [
        ("...\n20 passed, 3 skipped, 9 warnings in 61.20s (0:01:01)\n", 20, "3 skipped, 60 s"),
        (
            "FAILED tests/test_gpu.py::test_a[x] - AssertionError\n1 failed, 19 passed in 9s\n",
            "failed",
            "19 passed, test_a",
        ),
        ("23 skipped in 5.51s\n", "failed", "0 passed"),
        ("ERROR: usage: python -m pytest\n", "failed", "0 passed"),
    ],
)
def test_a_row_says_how_many_tests_passed(gpu_programs, printed, value, how):
    row = gpu_programs.tests_row(printed, 60.2)
    assert row.value == value and row.how.startswith(how) and row.what in chips.WANTED["tests"]
    run = replace(chips.new_run(CPU, "make gpu"), rows=[row._asdict()])
    assert unnamed(run) == []


def test_the_tests_run_on_the_same_chip(gpu, gpu_programs, bench, monkeypatch, capsys):
    asked = []

    def run(command, **how):
        asked.append(command)
        return subprocess.CompletedProcess(command, 1, "1 failed, 2 passed", "why")

    monkeypatch.setattr(gpu.subprocess, "run", run)
    list(gpu_programs.tests(replace(bench, python=("python", "run.py", "T4", "program"))))
    assert asked[0][:6] == ["python", "run.py", "T4", "program", "-m", "pytest"]
    assert {"--part", "gpu"} <= set(asked[0])
    assert "1 failed, 2 passedwhy" in capsys.readouterr().out


def test_a_notebook_is_timed_and_one_that_fails_names_its_cell_alone(
    gpu_programs, bench, monkeypatch, tmp_path, capsys
):
    source = '"""\nValueError: no error, but a line of the code\n"""\n1 / 0'
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="by-zero")])
    nbformat.write(made, tmp_path / "a.ipynb")
    monkeypatch.setattr(gpu_programs, "NOTEBOOKS", tmp_path)
    (row,) = gpu_programs.notebook(bench, "a")
    assert row == ("Notebook a", "failed", "", "cell by-zero: ZeroDivisionError")
    assert "division by zero" in capsys.readouterr().out

    def run(command, **how):
        return subprocess.CompletedProcess(command, 0, "notebooks/a.ipynb ...\n12.3 s\n", "")

    monkeypatch.setattr(subprocess, "run", run)
    (row,) = gpu_programs.notebook(bench, "a")
    assert (row.value, row.unit) == (12.3, "s")
    assert row.how in measured_words.OF_CHIPS


def test_a_notebook_is_thought_to_take_what_it_took_here(gpu_programs, root):
    stored = json.loads((root / "book" / "measured.json").read_text("utf-8"))["chapters"]["rows"]
    for row in stored:
        step = gpu_programs.of_notebook(row["page"].removeprefix("notebooks/"))
        assert step.seconds == row["seconds"] and set(step.rows) <= set(chips.WANTED["notebooks"])


# What others use of it


def test_learning_rates_are_compared_for_each_learning_rung(learning_rates, monkeypatch):
    first = dict(list(ladder.LEARNING.items())[:2])
    monkeypatch.setattr(ladder, "LEARNING", first)
    rows = learning_rates.measure((1e-3, 2e-3), updates=1)
    assert [row.what for row in rows[::2]] == ["GPT-2, AdamW, 0.001", "GPT-2, AdamW, 0.002"]
    low, high = rows[0].value.split(" and ")
    assert low != high and 5 < float(low) < 8


def test_what_a_gpu_trains_is_gpt2_with_a_padded_vocabulary(gpu_run):
    with torch.device("meta"):  # shapes only
        model = GPT(gpu_run.GPT2)
        logits = model(torch.zeros(64, 1024, dtype=torch.int64))
    assert logits.shape == (64, 1024, 50304)
    assert model.num_parameters() == 124_439_808 + 47 * 768
