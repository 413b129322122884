"""The benchmarks: they run, their rows fit together, and their parts measure what they say."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

import nbutils
from nbutils import profiling

FIELDS = {"what", "value", "unit", "how"}


@pytest.mark.part("package")
def test_the_quick_run_writes_its_rows_as_table_and_as_json(root, tmp_path):
    file = tmp_path / "bench.json"
    done = subprocess.run(
        [sys.executable, root / "bench" / "run.py", "--quick", "--json", file],
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(file.read_text("utf-8"))
    assert all(set(row) == FIELDS for row in rows)
    for row in rows:
        assert f"| {row['what']} " in done.stdout and row["how"] in done.stdout
        assert isinstance(row["value"], str) or row["value"] > 0
    value = {row["what"]: row["value"] for row in rows}
    assert len(value) == len(rows)
    floor, loss, gap = (
        value[name] for name in ("The floor", "Loss after 5 s", "Above the floor after 5 s")
    )
    assert loss - floor == pytest.approx(gap) and gap > 0
    assert {row["unit"] for row in rows} >= {"tokens/s", "MB/s", "s", "nats per token"}
    assert sum(row["unit"] == "tokens/s" for row in rows) == 10
    assert any(row["what"].startswith("BPE training") for row in rows)


def test_json_with_a_file_goes_beside_the_table(bench, monkeypatch, capsys, tmp_path):
    run, row = bench("run"), bench("rows").Row("Speed", 1.5, "m/s", "a stop-watch")
    monkeypatch.setattr(run, "measure", lambda quick, path: [row])
    run.main(["--quick", "--json", str(tmp_path / "bench.json")])
    assert json.loads((tmp_path / "bench.json").read_text("utf-8")) == [row._asdict()]
    assert "| Speed " in capsys.readouterr().out


def test_a_quick_run_asks_every_subject_but_the_book_once(bench, monkeypatch):
    asked = []
    for name in ("machine", "imports", "bpe", "packing", "training", "checkpoints", "sample"):
        monkeypatch.setattr(
            bench(name), "measure", lambda quick, *more, name=name: asked.append(name) or [name]
        )
    assert bench("run").measure(True, None) == asked and len(asked) == 7


def test_json_without_a_file_goes_to_the_output_alone(bench, monkeypatch, capsys):
    run, rows = bench("run"), bench("rows")
    row = rows.Row("Speed", 1.5, "m/s", "a stop-watch")
    monkeypatch.setattr(run, "measure", lambda quick, path: [row])
    run.main(["--quick", "--json"])
    assert json.loads(capsys.readouterr().out) == [row._asdict()]


def test_the_table_is_markdown_with_columns_that_line_up(bench):
    rows = bench("rows")
    lines = rows.table(
        [rows.Row("Speed", 12345.6, "m/s", "far"), rows.Row("Name", "x", "", "near")]
    ).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [cell.strip() for cell in lines[2].split("|")[1:-1]] == ["Speed", "12,346 m/s", "far"]
    assert [cell.strip() for cell in lines[3].split("|")[1:-1]] == ["Name", "x", "near"]
    assert set(lines[1]) == {"|", "-"}


def test_the_fastest_of_several_runs_counts(bench, monkeypatch):
    rows, looks = bench("rows"), iter([0.0, 3.0, 10.0, 12.0, 20.0, 24.0])
    monkeypatch.setattr(rows, "time", SimpleNamespace(perf_counter=lambda: next(looks)))
    assert rows.fastest(lambda: None, 3) == 2


def test_packing_with_threads_packs_the_same(bench, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    from nbutils import text, tokens

    packing, encoding = bench("packing"), tokens.train_bpe("some text", 260)
    assert "".join(packing.pages()) == "".join(text.load("pydocs"))
    documents = list(packing.documents(packing.pages(), 100_000))
    assert 97_000 <= sum(map(len, documents)) <= 100_000
    with open(tmp_path / "file", "wb") as file, ThreadPoolExecutor(2) as pool:
        count = packing.written(file, documents, encoding, pool)
    row = tokens.encode_documents(documents, encoding)[1:]
    assert (tmp_path / "file").read_bytes() == row.tobytes() and count == len(row)


def test_a_program_has_a_row_for_each_kind_and_one_for_all(bench, monkeypatch, capsys):
    limit = bench("limit")
    parts = [
        profiling.Part("products", profiling.Work(3, 2_000_000, 4_000_000), 0.002, 0.004),
        profiling.Part("Python, rest", profiling.Work(), 0.0, 0.001),
    ]
    found = profiling.BesideLimit(300e9, 40e9, 10_000_000, parts)
    monkeypatch.setattr(limit.profiling, "beside_limit", lambda *_: found)
    monkeypatch.setattr(limit.ladder, "make_update", lambda *_: (None, 0))
    monkeypatch.setattr(limit.profiling, "sampling_steps", lambda *_: None)
    rows = limit.measure(quick=True)
    programs = ["Training, 4/4/128/64/12", "Sampling, 1 text", "Sampling, 16 texts"]
    assert [row.program for row in rows[::3]] == programs
    assert rows[0] == (programs[0], "products", 3, 2.0, 4.0, 2.0, 4.0, 0.5)
    assert rows[2][1:] == ("all, at 300 GFLOP/s and 40 GB/s", 3, 2.0, 4.0, 2.0, 5.0, 0.4)
    limit.main(["--quick"])
    out = capsys.readouterr().out
    assert "| 50%   |" in out and "| 40%   |" in out
    limit.main(["--quick", "--json"])
    assert json.loads(capsys.readouterr().out)[0]["limit"] == 2.0


@pytest.mark.part("package")
def test_real_programs_have_all_kinds_of_operations(bench):
    rows = bench("limit").measure(quick=True)
    kinds = {row.kind for row in rows}
    assert {"matrix products", "attention", "optimizer", "norms, elementwise"} <= kinds
    whole = [row for row in rows if row.kind.startswith("all")]
    assert len(whole) == 3 and all(row.takes > 0 and row.limit > 0 for row in whole)


def test_what_is_imported_in_turn_is_timed_alone(bench, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name, seconds in (("slow_module", 2), ("quick_module", 0)):
        (tmp_path / f"{name}.py").write_text(f"import time; time.sleep({seconds})", "utf-8")
    slow, quick = bench("imports").in_turn(("slow_module", "quick_module"), 2)
    assert len(slow) == len(quick) == 2
    assert min(slow) >= 2 and min(slow) > min(quick) > 0


@pytest.mark.part("package")
def test_waiting_threads_are_measured_alone_and_beside_another_program(bench):
    threads = bench("threads")
    rows = threads.measure(turns=("500",), updates=8, rounds=1)
    assert [row.what for row in rows] == ["500 turns, alone", "500 turns, two programs at once"]
    assert all(0 < row.value < 60_000 for row in rows)
    assert nbutils.WAITING["GOMP_SPINCOUNT"] in threads.TURNS  # what the course takes is among them
    with pytest.raises(RuntimeError, match="GOMP_SPINCOUNT=500 ended with status 1"):
        threads.milliseconds("500", programs=1, updates=-1)


def test_the_model_brings_no_other_library_than_pytorch_and_few_modules():
    code = """
import json, sys
import torch

import nbutils
before = set(sys.modules)
import nbutils.model
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    modules = json.loads(done.stdout)
    others = {name.split(".")[0] for name in modules} - sys.stdlib_module_names
    assert others == {"nbutils"} and len(modules) <= 11, modules


@pytest.mark.parametrize("size", [1, 2, 3, 4, 10, 11, 12, 100])
def test_a_text_is_cut_to_the_byte_but_never_in_a_character(bench, size):
    documents = ["나무", "tree", "árbol"]
    kept = "".join(bench("bpe").cut(documents, size))
    assert "".join(documents).startswith(kept)
    whole = len("".join(documents).encode())
    assert min(size, whole) - 3 <= len(kept.encode()) <= size


def test_the_loss_is_taken_with_a_schedule_that_fits_the_time(bench, monkeypatch):
    training = bench("training")
    corpus = training.Corpus(documents=400)
    ran = []
    original = training.Corpus.run

    def run(self, model, **changes):
        ran.append(changes)
        return original(self, model, **changes | {"steps": 1})

    monkeypatch.setattr(training.Corpus, "run", run)
    speed = training.RECIPE.batch_size * corpus.block_size * 3  # three updates a second
    training.against_the_floor(corpus, speed, seconds=20)
    assert ran[0]["steps"] == 60


def test_a_trial_of_the_recipe_has_one_row_and_is_run_once(bench, monkeypatch, tmp_path):
    recipe = bench("recipe")
    monkeypatch.setattr(recipe, "TABLE", tmp_path / "recipe.md")
    monkeypatch.setattr(recipe, "DOCUMENTS", 300)
    (tmp_path / "recipe.md").write_text("# Words that stay\n\n", "utf-8")
    shape = "n_layer=1 n_embd=8 n_head=2 batch_size=2"
    trials = [f"{shape} steps=2 betas=(0.9,0.95) qk_norm=True", f"{shape} steps=3 seed=1"]
    recipe.main(trials)
    first, second = recipe.rows()
    assert (first["Width"], first["Updates"], second["Seed"]) == ("8", "2", "1")
    assert first["Also changed"] == "betas=(0.9,0.95) qk_norm=True"
    assert 6.5 < float(first["Gap"]) < 7 < float(first["Certain"]) < 7.3  # about ln V - floor, ln V
    assert not first["Seconds"]
    with monkeypatch.context() as patch:
        patch.setattr(recipe, "Corpus", None)
        recipe.main(trials)
        assert recipe.rows() == [first, second]
        cost = {recipe.shape(row): 8.0 for row in (first, second)}
        cost[recipe.shape(recipe.settings({}))] = 0.004  # 2,000 times as cheap
        patch.setattr(recipe, "costs", lambda table: cost)
        recipe.main(["--costs"])
    assert [row["Update costs"] for row in recipe.rows()] == ["2000.00"] * 2
    assert [row["Seconds"] for row in recipe.rows()] == ["130", "195"]
    assert (tmp_path / "recipe.md").read_text("utf-8").startswith("# Words that stay\n\n| Layers")
    with pytest.raises(ValueError, match="'layers=2': neither"):
        recipe.main(["layers=2"])


def test_an_update_of_a_larger_shape_costs_more(bench, monkeypatch):
    recipe = bench("recipe")
    monkeypatch.setattr(recipe, "MODEL", recipe.GPTConfig(n_layer=1, n_embd=16, block_size=80))
    small, large = (
        recipe.settings(recipe.parsed(f"n_layer=1 n_head=2 batch_size={size} n_embd={width}"))
        for size, width in ((1, 8), (16, 64))
    )
    found = recipe.costs([small, large, small])
    assert len(found) == 3  # and that of the first recipe
    assert 0 < found[recipe.shape(small)] < found[recipe.shape(large)]


@pytest.fixture
def peers(bench):
    pytest.importorskip("transformers")
    sample = bench("sample")
    return sample, sample.Peers((1, 2, 16), torch.device("cpu"), cuda_graph=True)


def test_sampling_is_compared_cell_by_cell(peers, monkeypatch):
    sample, models = peers
    # A difference of two short times, which on a busy machine may be negative; it has a test of its own.
    monkeypatch.setattr(sample, "step_by_length", lambda programs, *_: [0.5] * len(programs))
    line = sample.compare(models, 2, 3, new=6, times=1)
    assert len(line) + 1 == len(sample.HEAD) and line[:2] == ("2", "3")
    speeds = [float(cell.replace(",", "")) for cell in line[2:-2]]
    assert min(speeds) > 0 and speeds[-2:] == [4, 4]
    assert speeds[2] == pytest.approx(speeds[0] / speeds[1], rel=0.05, abs=0.06)
    text = models.by_us(torch.zeros(1, 1, dtype=torch.long), 40, greedy=True)
    assert len(set(text[0].tolist())) > 2  # else the same tokens would say little


def test_greedy_tokens_that_differ_stop_the_comparison(peers, monkeypatch):
    sample, models = peers
    monkeypatch.setattr(models, "by_us", lambda prompt, new, greedy: prompt)
    with pytest.raises(AssertionError, match="greedy tokens differ for 2 texts, prompts of 3"):
        sample.compare(models, 2, 3, new=6, times=1)


def test_a_step_without_a_cache_is_timed_at_several_lengths_of_text(bench, monkeypatch):
    sample, lengths = bench("sample"), set()
    clock = SimpleNamespace(now=0.0, perf_counter=lambda: clock.now)
    monkeypatch.setattr(bench("rows"), "time", clock)

    def program(prompt, new):
        lengths.add(prompt.size(1))
        clock.now += 20 + 2 * new  # what a call costs beside its steps does not count
        return prompt

    prompt = torch.zeros(1, 10, dtype=torch.long)
    (seconds,) = sample.step_by_length([program], prompt, 104, times=2)
    assert lengths == {10, 35, 60, 85, 110}
    assert seconds == pytest.approx(2)


def test_each_combination_of_ways_is_measured_and_the_fastest_time_counts(bench, monkeypatch):
    combined, asked = bench("combined"), []

    def make_update(shape, rung, chip, batch_size):
        asked.append(rung)
        return lambda: torch.zeros(()), 640

    monkeypatch.setattr(combined.ladder, "make_update", make_update)
    monkeypatch.setattr(combined.device, "measure_peak", lambda chip: 1e9)
    clock = iter([0.0, 2.0, 3.0, 4.0] + [0.0] * 10**4)
    run = combined.measure(rounds=1)
    assert len(asked) == len({*asked}) == len(run["speeds"]) == 2 ** len(combined.ladder.WAYS)
    assert asked[0] == combined.ladder.Rung()
    assert run["peak"] == 1e9 and run["shape"]["n_layer"] == 2
    monkeypatch.setattr(combined.time, "perf_counter", lambda: next(clock))
    made = {"plain": lambda: make_update(None, None, None, None)}
    chip = combined.device.pick("cpu")
    assert combined.speeds(made, chip, rounds=2) == {"plain": 640.0}  # 2 s, then 1 s


def test_a_machine_that_is_measured_again_has_its_new_speeds_alone(bench, monkeypatch, tmp_path):
    combined = bench("combined")
    monkeypatch.setattr(combined.ladder, "COMBINED", tmp_path / "ladder.json")
    one = {"machine": "A", "chip": "B", "speeds": {"000000": 1.0}}
    for run in (one, one | {"chip": "C"}, one | {"speeds": {"000000": 2.0}}):
        combined.store(run)
    stored = combined.ladder.stored_combinations()
    assert [(run["chip"], run["speeds"]["000000"]) for run in stored] == [("C", 1.0), ("B", 2.0)]


def test_the_report_names_each_way_alone(bench):
    combined = bench("combined")
    run = {"speeds": {signs: float(i) for i, signs in enumerate(combined.combinations())}}
    rows = {row.what: row.how for row in combined.report(run)}
    assert rows["plain"] == "000000" and rows["16-bit products"] == "100000"
    assert rows["padded vocabulary"] == "000001" and rows["all"] == rows["the fastest"] == "111111"
