"""The benchmarks: they run, their rows fit together, and their parts measure what they say."""

import importlib
import json
import os
import subprocess
import sys
import time

import pytest
import torch

FIELDS = {"what", "value", "unit", "how"}


@pytest.fixture
def bench(root, monkeypatch):
    """Imports a module of bench/, whose folder is on the path as it is for a script there."""
    monkeypatch.syspath_prepend(str(root / "bench"))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(root / "bench") in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_the_quick_run_writes_its_rows_as_table_and_as_json(root, tmp_path):
    file = tmp_path / "bench.json"
    done = subprocess.run(
        [sys.executable, root / "bench" / "run.py", "--quick", "--json", file],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(file.read_text())
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


def test_the_fastest_of_several_runs_counts(bench):
    waits = iter([0.05, 0.002, 0.05])
    seconds = bench("rows").fastest(lambda: time.sleep(next(waits)), 3)
    assert 0.002 <= seconds < 0.05


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


def test_what_is_imported_in_turn_is_timed_alone(bench, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name, seconds in (("slow_module", 0.2), ("quick_module", 0.0)):
        (tmp_path / f"{name}.py").write_text(f"import time; time.sleep({seconds})")
    slow, quick = bench("imports").in_turn(("slow_module", "quick_module"), 3)
    assert len(slow) == len(quick) == 3
    assert min(slow) >= 0.2 > min(quick) > 0


def test_the_model_takes_a_twentieth_of_pytorchs_time_to_import_and_brings_no_other_library():
    code = """
import json, sys, time
start = time.perf_counter()
import torch
middle, before = time.perf_counter(), set(sys.modules)
import nbutils.model
share = (time.perf_counter() - middle) / (middle - start)
print(json.dumps([share, sorted(set(sys.modules) - before)]))
"""
    for _ in range(5):  # another program may have had the processor just then
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        share, modules = json.loads(done.stdout)
        others = {name.split(".")[0] for name in modules} - sys.stdlib_module_names
        assert others == {"nbutils"}
        if share < 0.05:
            return
    pytest.fail(f"import nbutils.model takes {share:.0%} of the time of import torch beyond it")


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
    (tmp_path / "recipe.md").write_text("# Words that stay\n\n")
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
    assert (tmp_path / "recipe.md").read_text().startswith("# Words that stay\n\n| Layers")
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


def test_sampling_is_compared_cell_by_cell(peers):
    sample, models = peers
    line = sample.compare(models, 2, 3, new=6, times=1)
    assert len(line) + 1 == len(sample.HEAD) and line[:2] == ("2", "3")
    speeds = [float(cell.replace(",", "")) for cell in line[2:-2]]
    assert min(speeds) > 0
    assert speeds[2] == pytest.approx(speeds[0] / speeds[1], rel=0.05, abs=0.06)
    text = models.by_us(torch.zeros(1, 1, dtype=torch.long), 40, greedy=True)
    assert len(set(text[0].tolist())) > 2  # else the same tokens would say little


def test_greedy_tokens_that_differ_stop_the_comparison(peers, monkeypatch):
    sample, models = peers
    monkeypatch.setattr(models, "by_us", lambda prompt, new, greedy: prompt)
    with pytest.raises(AssertionError, match="greedy tokens differ for 2 texts, prompts of 3"):
        sample.compare(models, 2, 3, new=6, times=1)


def test_a_step_without_a_cache_is_timed_at_several_lengths_of_text(bench):
    sample, lengths = bench("sample"), set()

    def program(prompt, new):
        lengths.add(prompt.size(1))
        time.sleep(0.02 + 0.002 * new)  # what a call costs beside its steps does not count
        return prompt

    prompt = torch.zeros(1, 10, dtype=torch.long)
    (seconds,) = sample.step_by_length([program], prompt, 104, times=2)
    assert lengths == {10, 35, 60, 85, 110}
    assert 0.0015 < seconds < 0.004


def test_notebook_times_are_read_from_the_builds_cache(bench, tmp_path):
    import nbformat
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    bundle = CacheBundleIn(notebook, str(tmp_path / "07_x.ipynb"), data={"execution_seconds": 3.5})
    get_cache(tmp_path / "cache").cache_notebook_bundle(bundle, check_validity=False)
    assert bench("book").notebook_seconds(tmp_path / "cache") == [("07_x", 3.5)]
