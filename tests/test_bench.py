"""The benchmarks: they run, their rows fit together, and their parts measure what they say."""

import importlib
import io
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
import torch

import nbutils

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


@pytest.mark.part("package")
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


def test_json_with_a_file_goes_beside_the_table(bench, monkeypatch, capsys, tmp_path):
    run, row = bench("run"), bench("rows").Row("Speed", 1.5, "m/s", "a stop-watch")
    monkeypatch.setattr(run, "measure", lambda quick, path: [row])
    run.main(["--quick", "--json", str(tmp_path / "bench.json")])
    assert json.loads((tmp_path / "bench.json").read_text()) == [row._asdict()]
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


def test_what_is_imported_in_turn_is_timed_alone(bench, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name, seconds in (("slow_module", 2), ("quick_module", 0)):
        (tmp_path / f"{name}.py").write_text(f"import time; time.sleep({seconds})")
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
    assert others == {"nbutils"} and len(modules) < 10, modules


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


# --- training beside others ---------------------------------------------------------------------

TEXT = "To be, or not to be, that is the question: whether 'tis nobler, naïve. " * 40
TINY = (1, 1, 8, 8, 2)


@pytest.fixture
def tiny(bench, monkeypatch, tmp_path):
    """The module ``contenders`` with a recipe that compiles nothing, and a job on a short text."""
    contenders = bench("contenders")
    monkeypatch.setattr(contenders, "RECIPE", replace(contenders.RECIPE, compile=None))
    best = contenders.Best(280, contenders.Shape(*TINY), 0.02, 0.1)
    monkeypatch.setattr(contenders, "best_for", lambda seconds: best)
    file = tmp_path / "text.txt"
    file.write_text(TEXT, "utf-8")
    job = contenders.Job("ours", TINY, 0.5, text=str(file), device="cpu")
    return contenders, job


NANOGPT = """
from dataclasses import dataclass
import torch

import nbutils

@dataclass
class GPTConfig:
    n_layer: int
    n_head: int
    n_embd: int
    block_size: int
    vocab_size: int
    bias: bool
    dropout: float

class GPT(torch.nn.Embedding):
    def __init__(self, config):
        assert (config.bias, config.dropout) == (False, 0.0)
        super().__init__(config.vocab_size, config.vocab_size)
        torch.nn.init.zeros_(self.weight)

    def configure_optimizers(self, weight_decay, learning_rate, betas, device_type):
        return torch.optim.AdamW(self.parameters(), learning_rate, betas)

    def forward(self, idx, targets):
        logits = super().forward(idx)
        loss = torch.nn.functional.cross_entropy(
            logits.mT, targets.view(-1).view_as(idx), ignore_index=-1
        )
        return logits, loss
"""


@pytest.mark.parametrize("who", ["nanoGPT", "transformers", "ours", "ours at its best"])
def test_every_contender_trains_and_is_judged(tiny, tmp_path, who):
    contenders, job = tiny
    (tmp_path / "model.py").write_text(NANOGPT)
    job = replace(job, learning_rate=0.02, nanogpt=str(tmp_path))
    result = contenders.CONTENDERS[who](job)
    assert result.updates > 0 and min(result.tokens_per_second) > 0
    uniform = math.log2(len(set(TEXT)))  # what one pays who knows nothing
    assert 0 < result.bits_per_byte < uniform + 0.1
    assert result.flops_per_token > 6 * 12 * 8 * 8 and result.peak > 0 and result.threads > 0


@pytest.mark.parametrize("block_size", [7, 8, 10_000])
def test_every_byte_of_the_validation_text_counts_once(tiny, block_size):
    contenders, job = tiny
    corpus = contenders.Corpus(job.text)
    assert corpus.train + corpus.val == TEXT and len(corpus.train) == int(0.9 * len(TEXT))
    seen = []

    class KnowsNothing(torch.nn.Linear):
        def forward(self, ids, labels):
            seen.extend(labels[labels >= 0].tolist())
            return None, torch.tensor(math.log(encoded.vocab_size))

    knows_nothing = KnowsNothing(1, 1)
    chip = contenders.device.pick("cpu")
    for encoded in (corpus.characters(), corpus.bpe(280)):
        seen.clear()
        bits = encoded.bits_per_byte(knows_nothing, block_size, chip)
        assert seen == encoded.val.tolist()
        paid = len(encoded.val) * math.log2(encoded.vocab_size)
        assert bits == pytest.approx(paid / len(corpus.val.encode()))
    assert corpus.characters().vocab_size == len(set(TEXT))


def test_nanogpts_rate_rises_for_100_updates_and_falls_to_a_tenth(bench):
    rate = bench("contenders")._nanogpt_rate
    assert rate(0, 0.0) == pytest.approx(1 / 101) and rate(99, 0.5) == pytest.approx(100 / 101)
    assert [rate(100, done) for done in (0, 0.5, 1)] == pytest.approx([1, 0.55, 0.1])


STAND_IN = """
import json, os, sys
job = json.loads(sys.argv[1])
who = job["who"]
assert not os.listdir(os.environ["TORCHINDUCTOR_CACHE_DIR"])
open(os.path.join(os.environ["TORCHINDUCTOR_CACHE_DIR"], "compiled"), "w").close()
def note(what):
    with open(os.environ["LOG"], "a") as log:
        log.write(f"{who} {what}\\n")
if job["text"] == "missing":
    sys.exit("no such text")
for turn in range(job["turns"] + 1 if job["turns"] else 0):
    note(turn)
    print(flush=True)
    sys.stdin.readline()
note("answers")
speeds = [{"nanoGPT": 100, "transformers": 50}.get(who, 200) + turn for turn in range(job["turns"])]
bits = None if job["turns"] else 2.0 if who == "ours at its best" else 2.5
print(json.dumps(dict(updates=7, tokens_per_second=speeds or [1], bits_per_byte=bits,
                      flops_per_token=1000, peak=1e6, threads=2)))
"""


@pytest.fixture
def stand_in(bench, monkeypatch, tmp_path):
    """The module ``train``, with processes that only tell who does what, and where they tell it."""
    script, log = tmp_path / "contender.py", tmp_path / "log"
    script.write_text(STAND_IN)
    train = bench("train")
    monkeypatch.setattr(train.contenders, "__file__", str(script))
    monkeypatch.setenv("LOG", str(log))
    return train, lambda: log.read_text().splitlines()


def test_contenders_take_turns_and_the_tables_compare_them_with_ours(stand_in):
    train, told = stand_in
    options = train._options(["--nanogpt", "folder", "--seconds", "60"])
    speed = list(train.speed(["4/4/128/64/12"], 3, options))
    learning = list(train.learning("4/4/128/64/12", options.seconds, options))
    runs = train.side_by_side(speed)
    names = ["nanoGPT", "transformers", "ours"]
    assert told() == [f"{who} {n}" for n in (0, 1, 2, 3, "answers") for who in names]
    rows = train.speed_table(runs, speed, peak=1e6)
    assert rows[1][1:6] == ("nanoGPT", "101", "100 to 102", "0", "10%")
    assert rows[1][6] == "1.99 times" and rows[3][1] == "ours" and rows[3][6] == ""
    runs |= train.one_by_one(learning, 2)
    who = [job.who for job in learning]
    assert [job.seconds for job in learning if job.who == train.BEST] == [6, 60]
    assert learning[-2].learning_rate > learning[-1].learning_rate  # its recipe is another
    assert told()[15:] == [f"{name} answers" for name in 2 * who] and len(runs[learning[0]]) == 2
    rows = {row[1]: row for row in train.learning_table(runs, learning)}
    assert rows[train.BEST][0] == "60"
    assert rows["nanoGPT"][3:5] == ("2.500", "0.500")
    assert rows["ours at its best"][3:5] == ("2.000", "")
    assert "Measured on" in train.report(runs, speed, learning)
    fewer = train._options(["--nanogpt", "folder", "--seconds", "60", "--who", "nanoGPT"])
    assert {job.who for job in train.learning("4/4/128/64/12", [60], fewer)} == {"nanoGPT"}
    assert train.report(runs, [], learning).count("Updates") == 1


@pytest.mark.parametrize("turns", [0, 2])
def test_an_error_of_a_contender_names_the_job(stand_in, turns):
    train, _ = stand_in
    job = train.Job("ours", TINY, 1.0, turns, text="missing")
    with pytest.raises(RuntimeError, match="ours stopped with an error .*missing"):
        (train.side_by_side if turns else partial(train.one_by_one, repeats=1))([job])


@pytest.mark.parametrize("who", ["nanoGPT", "transformers", "ours"])
def test_a_contender_trains_a_stretch_each_time_it_is_told(tiny, tmp_path, monkeypatch, who):
    contenders, job = tiny
    (tmp_path / "model.py").write_text(NANOGPT)
    monkeypatch.setattr(contenders, "TURN", 4 * 16)  # four updates
    told = io.StringIO("\n" * 4)
    said = io.StringIO()
    monkeypatch.setattr(sys, "stdin", told)
    monkeypatch.setattr(sys, "__stdout__", said)
    job = replace(job, who=who, seconds=0, turns=3, nanogpt=str(tmp_path))
    with torch.compiler.set_stance("force_eager"):
        result = contenders.CONTENDERS[who](job)
    assert said.getvalue() == "\n" * 4 and told.read() == ""
    assert result.updates == 12 and len(result.tokens_per_second) == 3
    assert min(result.tokens_per_second) > 0 and result.bits_per_byte is None
