"""Training beside others, and the trials of a short run: each is judged alike, and its row is kept."""

import io
import json
import math
import re
import sys
from dataclasses import replace
from functools import partial

import pytest
import torch

import nbutils

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
    (tmp_path / "model.py").write_text(NANOGPT, "utf-8")
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
    script.write_text(STAND_IN, "utf-8")
    train = bench("train")
    monkeypatch.setattr(train.contenders, "__file__", str(script))
    monkeypatch.setenv("LOG", str(log))
    return train, lambda: log.read_text("utf-8").splitlines()


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


@pytest.mark.parametrize("who", ["ours", "nanoGPT", "transformers"])
def test_a_loss_is_told_without_ours_at_its_best_beside_it(stand_in, capsys, who):
    train, _ = stand_in
    train.main(["--who", who, "--nanogpt", "folder", "--seconds", "20", "--turns", "2"])
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines() if "| 20 " in line]
    assert len(rows) == len(train.RATES[who])
    assert {(row[2].strip(), row[4].strip(), row[5].strip()) for row in rows} == {
        (who, "2.500", "")
    }


@pytest.mark.parametrize(
    "who",
    [
        ["nanoGPT"],
        ["nanoGPT", "--quick"],
        ["transformers", "--seconds"],
        ["ours at its best", "--seconds"],
    ],
)
def test_where_nothing_is_to_be_run_the_options_say_what_is_missing(bench, capsys, who):
    with pytest.raises(SystemExit):
        bench("train").main(["--who", *who])
    assert (
        "nothing is to be run: speeds are compared with ours, losses after"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("turns", [0, 2])
def test_an_error_of_a_contender_names_the_job(stand_in, turns):
    train, _ = stand_in
    job = train.Job("ours", TINY, 1.0, turns, text="missing")
    with pytest.raises(RuntimeError, match="ours stopped with an error .*missing"):
        (train.side_by_side if turns else partial(train.one_by_one, repeats=1))([job])


@pytest.mark.parametrize("who", ["nanoGPT", "transformers", "ours"])
def test_a_contender_trains_a_stretch_each_time_it_is_told(tiny, tmp_path, monkeypatch, who):
    contenders, job = tiny
    (tmp_path / "model.py").write_text(NANOGPT, "utf-8")
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


# --- trials of a short run ----------------------------------------------------------------------


def test_tricks_begin_as_our_gpt_and_then_change_it(bench):
    short, config = bench("short"), nbutils.config.GPTConfig.preset("modern", block_size=8)
    ids = torch.arange(16).view(2, 8)
    model = nbutils.model.GPT(config)
    logits = model(ids)
    for name, trick in short.TRICKS.items():
        other = trick(config)
        if name == "zero_projections":
            nothing_added = other.final_norm(other.token_embedding(ids))
            torch.testing.assert_close(other.hidden(ids), nothing_added)
            continue
        extra = other.load_state_dict(model.state_dict(), strict=False).missing_keys
        torch.testing.assert_close(other(ids), logits)
        for parameter in extra:
            torch.nn.init.normal_(other.get_parameter(parameter))
        assert extra and not torch.allclose(other(ids), logits, atol=1e-3)


def test_the_tricks_are_those_that_have_a_row(bench):
    short = bench("short")
    tried = {short.parsed(words)[0] for words in short.stored()}
    assert tried == {None, *short.TRICKS}


def test_a_trial_of_a_short_run_has_one_row(bench, monkeypatch, tmp_path, capsys):
    short, file = bench("short"), tmp_path / "text.txt"
    file.write_text(TEXT, "utf-8")
    shape = replace(short.FIRST.shape, n_layer=1, n_head=1, n_embd=8, block_size=8, batch_size=2)
    monkeypatch.setattr(short, "FIRST", replace(short.FIRST, vocab_size=280, shape=shape))
    monkeypatch.setattr(short, "TABLE", tmp_path / "short.md")
    monkeypatch.setattr(short, "UPDATES", 3)
    (tmp_path / "short.md").write_text("# Words that stay\n\n", "utf-8")
    trial = "trick=smear steps=2 vocab_size=270 learning_rate=0.01"
    for _ in range(2):
        short.main(["--text", str(file), trial])
    assert capsys.readouterr().out.count("\n") == 2  # the second time nothing is run
    found = short.stored()
    assert set(found) == {"", trial} and all(len(set(bits)) > 1 for bits in found.values())
    page = (tmp_path / "short.md").read_text("utf-8")
    assert page.startswith("# Words that stay\n\n| Changed") and f"| {trial} | 2 " in page


def test_chapter_6_shows_the_trials_that_are_stored(bench, root):
    notebook = json.loads((root / "notebooks" / "06_faster.ipynb").read_text("utf-8"))
    (text,) = ("".join(c["source"]) for c in notebook["cells"] if c["id"] == "a-tenth-trials")
    shown = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    stored = {}
    for line in (root / "bench" / "short.md").read_text("utf-8").splitlines():
        if line.startswith("|") and "." in line:
            _, updates, mean, seeds, _ = (cell.strip() for cell in line.strip("|").split("|"))
            low, *_, high = sorted(map(float, seeds.split()))
            row = f"{float(mean):.3f}", f"{low:.3f} to {high:.3f}"
            stored[row] = updates
    rows = shown[2:]
    assert len(rows) > 5
    for name, updates, mean, seeds in rows:
        assert stored.get((mean, seeds)) == updates, name


def test_chapter_6_tells_the_losses_that_are_stored(root):
    notebook = json.loads((root / "notebooks" / "06_faster.ipynb").read_text("utf-8"))
    (text,) = ("".join(c["source"]) for c in notebook["cells"] if c["id"] == "a-tenth")
    told = re.search(
        r"nanoGPT had ([\d.]+) bits a byte after 180 seconds, ours ([\d.]+) after 18 ", text
    )
    rows = (root / "bench" / "train.md").read_text("utf-8").splitlines()
    of = {tuple(cell.strip() for cell in row.strip("|").split("|"))[:4] for row in rows}
    assert ("180", "nanoGPT", "0.003", told[1]) in of
    assert ("18", "ours at its best", "0.006", told[2]) in of
