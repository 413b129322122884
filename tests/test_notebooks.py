"""Rules for the notebooks.

That each runs alone in an empty folder, and gives what it stores, nbval shows: notebooks/conftest.py.
"""

import ast
import json
import re
import statistics
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

from authoring import notebooks as tool

ROOT = Path(__file__).parents[1]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXERCISES = sorted((ROOT / "notebooks" / "exercises").glob("[0-9]*.ipynb"))
PICTURES = {"image/png", "image/svg+xml", "image/jpeg"}
LECTURE = "7xTGNNLPyMI"
# The course's facts: the cell of each chapter that computes one, and what it asserts.
FACTS = {
    "01_tokens": {
        "cl100k": ["cl100k.n_vocab == 100277"],
        "viewing-single": ["cl100k.encode('|Viewing Single') == [91, 860, 287, 11579]"],
        "next-tokens": ["[4] == 3962", "(3962, 11799, 19438)", "[' Post', ' Case', ' Direction']"],
        "fineweb": ["round(disk / fineweb_tokens) == 3"],
    },
    "02_io": {
        "context-and-label": ["context == [91, 860, 287, 11579] and label == 3962"],
        "three-candidates": ["names == [' Post', ' Case', ' Direction']"],
        "count-looks": ["round(looks(16000) / looks(4000)) == 16"],
        "cost-figure": ["growth > 4"],
        "ask-box": ["logits.shape == (1, 4, 100277)"],
        "untrained-batch": ["abs(loss.item() - math.log(V)) < 0.05"],
        "too-long": ["shape == (1, 16, V)"],
        "count-changes": ["row[0] == V", "[1:] == [1, 1]"],
        "train-a-little": ["abs().max() < 0.005"],
        "until-four": ["== [3.91, 4.0, 1.97]", "(moved < drawn)[others]"],
        "rest-spread": ["rule[possible]", "== 4.52"],
        "todays-windows": ["round(more, -2) == 62500"],
        "after-one-nudge": [
            "after[POST] > before[POST]",
            "after[others].sum() < before[others].sum()",
        ],
        "find-the-nudge": ["0.03 < was[POST] < now[POST]", "(now < was)[others]"],
        "loop-against-once": ["torch.testing.assert_close(once, looped"],
        "no-peeking-check": ["torch.testing.assert_close(box(changed)[:, :-1], once[:, :-1])"],
        "train": ["floor < history.val_losses[-1]"],
    },
    "03a_knobs": {
        "turned-pictures": ["torch.testing.assert_close(on_turned, F.linear(pixels, W1, b1)"],
        "opposites-figure": ["cosines.mean() > of_all.mean() + 0.15"],
        "removed-figure": ["whole > 0.95 and half > 0.9 and (last < 0.5)"],
        "convolution-count": ["+ 10 == 6970"],
        "moved-figure": ["away['convolutions'] > away['fully connected'] + 0.15"],
        "kinds-asked": ["['x' * 12, '.....xxx....', 'xxxxxxx.....', 'xxxxxxx.....']"],
        "it-is-a-network": [
            "torch.testing.assert_close(network(grid)[:, 0], combination(x1, x2, nine).flatten())",
        ],
        "slopes-by-autograd": ["torch.testing.assert_close(by_autograd, by_trying"],
        "best-line": ["abs(line_right - 0.75) < 1e-06"],
        "hidden-layer-drawn": ["clouds_right(learned, torch.sigmoid) > 0.98"],
        "step-slopes": ["slopes[0].abs().max() == 0 and slopes[1].abs().max() == 0"],
        "parallel": ["torch.testing.assert_close(looped, at_once", "middle - began > 5 * once"],
        "count-knobs": ["count == 784 * 16 + 16 + 16 * 16 + 16 + 16 * 10 + 10 == 13002"],
        "train-reader": ["0.9 < share_right(reader, test_rows)"],
        "two-analogies": [
            "solve(table, 'king', 'man', 'woman')[0] == 'queen'",
            "solve(table, 'sushi', 'Japan', 'Germany')[0] == 'bratwurst'",
        ],
        "score-all": [
            "score(untrained, of_countries) < 16",
            "score(table, of_countries) > 1500 and score(table, of_figures) > 19",
        ],
        "arrows-measured": ["arrow_likeness(table) > 0.8 > 0.2 > abs(arrow_likeness(untrained))"],
    },
    "03b_attention": {
        "score-all-stories": ["assert right.all() if name == 'query and key' else not right.any()"],
        "attend-equal": [
            "torch.testing.assert_close(attend(q, k, v), attend_in_a_loop(q, k, v))",
            "torch.testing.assert_close(attend(q, k, v), F.scaled_dot_product_attention(",
        ],
        "measure-scale": ["0.9 < spread / D ** 0.5 < 1.1"],
        "train-peeking": ["history.val_losses[-1] < floor"],
        "peeking-honestly": ["honest > 1"],
        "train-heads": ["both > 0.9 if heads > 1 else"],
        "heads-by-hand": ["torch.testing.assert_close(attention_by_hand(x, layer, H=4), layer(x))"],
        "alignment-figure": [
            "alignment[0, 0] > 0.5 and alignment[2, 2] > 0.5 and (alignment[4, 5] > 0.5)",
        ],
        "parts-figure": ["end['layer norm'] > max(end['attention'], end['MLP']) + 0.2"],
        "block-equal": ["torch.testing.assert_close(block_by_hand(x, block, H=4), block(x)"],
    },
    "03c_transformer": {
        "make-sorter": [
            "sorter.num_parameters(head=False) == 85584",
            "sorter.num_parameters() == 85728",
        ],
        "train-until-right": ["solved(sorter, everything) == 729"],
        "generate-everything": ["torch.equal(written, texts)"],
        "trace-one": ["torch.testing.assert_close(seen.logits, walk(sorter, one))"],
        "knock-out-layers": ["no_upper > 650 and no_first < 200"],
        "mole-figure": ["(a[0] == b[0, 0]).all()"],
        "mole-numbers": ["parted[-1] > 5 * within[-1]"],
        "tips": ["tips[0] == 0 and (tips.diff() > 0).all()"],
        "tower-figure": ["famous[-1] > 0.5 and miniature[-1] < -0.5"],
        "very-what-figure": ["rows['the Eiffel tower'][0] > 0.9"],
        "giants-facts": [
            "sum(giants['gpt2'].values()) == 124439808",
            "sum(giants['gpt3-175b'].values()) == 174604259328",
            "GPTConfig.preset('gpt3-175b').n_layer == 96",
        ],
        "six-turned": ["turned.answer() == 'AABBCC' and 350 < turned.solved() < 500"],
        "adjective-figure": ["by_noun.max() < 0.25 and by_is.max() > 0.35"],
        "terms-counted": ["350000000000.0 < operations < 370000000000.0"],
        "silence-shares": ["min(single) > 0.8 and together[3] > 0.6 > together[-1]"],
        "no-memory-shown": ["torch.equal(answer(question), once)"],
        "tiny-same": ["torch.testing.assert_close(mine, theirs, atol=1e-05, rtol=1e-05)"],
        "tiny-exact": ["(exact[0](ids) - exact[1](ids)).abs().max() < 1e-09"],
        "tiny-counted": ["count == sum(count_parts(shape).values()) == model.num_parameters()"],
    },
    "04a_descent": {
        "chain-rule": ["math.isclose(L(3.001) - L(3), 0.024, rel_tol=0.001)"],
        "slope-of-logits": ["torch.testing.assert_close(z.grad, p - label)"],
        "linear-check": ["torch.testing.assert_close(linear_back(d_y, vectors, W), slopes_of("],
        "attend-check": ["torch.testing.assert_close(d_qkv,"],
        "forward": ["torch.testing.assert_close(forward(tiny, x).logits, tiny(x))"],
        "by-hand-equals-autograd": [
            "torch.testing.assert_close(by_hand, {",
            "sum((d.numel() for d in by_hand.values())) == tiny.num_parameters()",
        ],
        "adamw-check": ["torch.testing.assert_close(knob, theirs.detach())"],
        "schedule-figure": ["torch.testing.assert_close(schedule(0.006), [learning_rate_at("],
        "same-as-train": ["torch.testing.assert_close(by_loop, history.train_losses[1:]"],
        "optimizers-figure": ["best(full).val + 0.3 < min(best(momentum).val, best(plain).val)"],
        "without-warmup-and-clipping": [
            "full[0.006].val + 0.2 < min(cold[0.006].val, free[0.006].val)",
            "full[0.003].val < free[0.003].val",
        ],
        "evidence-b": ["stone < train_end['B'] < math.log(V) < val_end['B']"],
        "noise-figure": ["errors[-1] > 1"],
    },
    "04b_training": {
        "tiny-beside": ["torch.testing.assert_close(torch.tensor(mine), torch.tensor(packaged)"],
        "gap": [
            "0 < difference.mean() < 0.1",
            "torch.testing.assert_close(by_hand, torch.tensor(ours[0]).double()",
        ],
        "never-below": ["losses.mean() > true_losses.mean()"],
        "shipped": [
            "0 < (course_losses - true_losses).mean() < min(0.03, 0.7 * difference.mean())"
        ],
        "two-networks": ["0.3 < theirs < 0.9 * mine"],
        "order-measured": [
            "updates_until('form') <= updates_until('choices') <= updates_until('facts')",
            "updates_until('facts') < updates_until('sums') <= updates_until('lookups')",
        ],
        "share-of-gap": ["left[here].sum() > 0.1 * left.sum()"],
        "baseline-table": ["gpt < table < zipped"],
        "fit-numbers": ["few[1].train_losses[-1] < floor"],
        "by-heart": ["mean < mean_truth"],
        "flops-by-hand": ["by_hand == model.flops_per_token(T)"],
        "flops-counted": ["3 * counter.get_total_flops() == model.flops_per_token(T) * T"],
        "gpt3": ["3.1e+23 < total < 3.3e+23"],
        "training-floor": ["in_windows > true_losses.mean() + 0.03"],
    },
    "05_inference": {
        "tiny-writes": ["write_by_hand(ids, most=80, seed=1, network=tiny) == written"],
        "same-as-package": ["torch.testing.assert_close(by_package[0], torch.tensor(written))"],
        "greedy-by-hand": ["sampling.next_token_probabilities(logits, temperature=0)"],
        "temperature-by-hand": ["sampling.next_token_probabilities(logits, temperature=0.5)"],
        "top-k-by-hand": ["sampling.next_token_probabilities(logits, top_k=5)"],
        "top-p-by-hand": ["sampling.next_token_probabilities(logits, top_p=0.7)"],
        "loss-of-temperature": ["0 < gap[1] < min(gap[0.5], gap[1.5], gap[0.25], gap[2])"],
        "prefix-stays": ["torch.testing.assert_close(longer[:, :20], shorter"],
        "cache-by-hand": ["torch.testing.assert_close(new, attention(x)[:, 19:])"],
        "count-multiplications": ["counter.get_total_flops() == 2 * multiplications(20, 20)"],
        "cache-bytes": ["round(per_token / 1000000.0, 1) == 4.7"],
        "reliability-figure": [
            "2 * off['temperature 1'] < min(off['temperature 0.5'], off['temperature 2'])",
        ],
        "same-answer": ["torch.equal(probabilities_after(ids), first)"],
    },
    "06_faster": {
        "lines-shown": ["yours in both[0] and package in both[1]"],
        "beyond-check": ["climbed_to > level + 0.15 > last_alone"],
        "plain-step-equal": ["torch.testing.assert_close(by_hand, by_ladder)"],
        "lost-and-saved": ["lost(slopes) > 0.3 and lost(slopes * 2 ** 16) < 0.05"],
        "scaler-check": ["errors[1] < errors[0]"],
        "overflow-skips": [
            "eager.get_scale() == 2.0 ** 39",
            "torch.equal(weights, nn.utils.parameters_to_vector(learner.parameters()))",
        ],
        "attention-written-out": [
            "torch.testing.assert_close(written_out(q, k, v), fused(q, k, v)",
        ],
        "attention-memory-check": ["growth['written out'] > 3.5 and growth['fused'] < 2.5"],
        "fused-optimizer": ["torch.testing.assert_close(mine, theirs"],
        "accumulate": [
            "torch.testing.assert_close(gradient_at_once, weight.grad",
            "part < 0.5 * total",
        ],
        "padded-vocabulary": ["vocab_size == 50304", "padded.vocab_size % 64 == 0"],
        "speed-table": ["best > 1.05 * speeds['plain']"],
        "checkpointing-measured": [
            "torch.testing.assert_close(slope_usual, slope_frugal",
            "bytes_kept[1] < 0.6 * bytes_kept[0]",
        ],
        "turn-figure": ["torch.testing.assert_close(placed, rotate(x.expand(6, 32)))"],
        "distance-only": ["torch.testing.assert_close(near, far)"],
        "rms-norm-by-hand": [
            "torch.testing.assert_close(rms(x), F.rms_norm(x, (128,), eps=1e-05))",
        ],
        "qk-norm-bound": ["scores.abs().max() <= 32 ** 0.5"],
        "singular-check": ["spectra['gradient'][15] < 0.2 and spectra['evened out'][15] > 0.5"],
        "muon-check": ["torch.testing.assert_close(weight, ours"],
        "noise": ["gains[-1] > 0.1 and after_200['QK-norm'].loss < after_200['GPT-2, AdamW'].loss"],
        "twice-the-rate": ["hot['QK-norm'] < hot['RMSNorm']"],
        "ladder-check": [
            "gain > 0.1",
            "fastest_learner not in ('plain step', 'GPT-2, AdamW')",
        ],
    },
    "07_bigger": {
        "months-llama": ["f'{llama:.1e}' == '3.8e+25' and 60 < seconds / 86400 < 80"],
        "sizes": ["N['gpt2'] == 124439808 and N['gpt2-xl'] == 1557611200"],
        "gpt3-compute": ["f'{rough:.2e}' == '3.14e+23'"],
        "counted": ["counter.get_total_flops() == 1024 * planning.training_flops(shapes['gpt2'])"],
        "megatron-days": ["round(days) == 34"],
        "block-by-hand": [
            "norms + inputs + looks + mlp == 36 * C == planning.saved_by_block(shapes['gpt2'])",
        ],
        "activations-compared": ["0.98 < planned / kept < 1.02"],
        "states-compared": ["parts[name] == sum((x.numel() * x.element_size() for x in tensors))"],
        "peak-measured": ["0.95 < planned / watch.most < 1.05"],
        "gpt3-memory": ["stays == 16 * N['gpt3-175b']"],
        "chinchilla-shape": [
            "64000000000.0 < ours < 65000000000.0 and round(one_more / 1000000000.0) == 70",
        ],
        "three-ratios": ["round(n / 1000000000.0) == 69 and round(d / 1000000000000.0, 1) == 1.4"],
        "fit-law": ["torch.testing.assert_close([float(A), float(B)], [law.A, law.B]"],
        "larger-checked": ["0.6 < reached / predicted < 1.6"],
        "unknown-floor-fits": [
            "blind.loss(1000000.0, 10000000.0) < law.E < law.loss(1000000.0, 10000000.0)",
        ],
        "two-processes": ["torch.testing.assert_close(torch.tensor(losses), torch.tensor(alone))"],
        "held-compared": ["count == planned"],
        "go-on": ["torch.testing.assert_close(torch.tensor(resumed), torch.tensor(whole)"],
        "plan-gpt2": ["8.4e+18 < work < 8.6e+18 and fullest < 24000000000.0"],
        "split-by-hand": ["torch.testing.assert_close(halves[0] + halves[1], whole"],
    },
}


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


def cells(notebook, kind):
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def lines(cell) -> int:
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def prose(notebook) -> str:
    return "\n\n".join(cell.source for cell in cells(notebook, "markdown"))


def test_there_are_notebooks():
    assert [path.stem for path in PATHS] == sorted(FACTS)


def test_valid_with_names_for_cells(notebook):
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))
    for name in ids:  # words, since translations are keyed by them; no random letters
        assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name), name
        assert not re.fullmatch(r"[0-9a-f]{8}(-.*)?", name), name


ALL = pytest.mark.parametrize(
    "path", [*PATHS, *EXERCISES], ids=lambda path: f"{path.parent.name}-{path.stem}"
)


@ALL
def test_every_notebook_begins_with_the_same_cell(path):
    notebook = nbformat.read(path, as_version=4)
    setup = notebook.cells[1]
    expected = tool.setup_cell()
    assert [setup.id, setup.source, setup.metadata] == [
        expected.id,
        expected.source,
        expected.metadata,
    ]
    assert len(setup.source.splitlines()) <= 3
    assert sum("pip" in cell.source for cell in cells(notebook, "code")) == 1


@ALL
def test_the_long_ones_ask_colab_for_a_gpu_and_say_how_long_they_take(path):
    notebook = nbformat.read(path, as_version=4)
    long = ("04b_training", "06_faster", "07_bigger", "06_your_gpt")
    assert notebook.metadata == tool.metadata(path)
    asked = notebook.metadata.get("accelerator"), notebook.metadata.get("colab")
    assert asked == (("GPU", {"gpuType": "T4"}) if path.stem in long else (None, None))
    if path.stem in long:
        opening = notebook.cells[0].source
        told = re.search(r"about (\w+) minutes? on two processor cores", opening)[1]
        minutes = ["", "a", "two", "three", "four", "five", "six"].index(told)
        assert 0.5 <= minutes / (measured_seconds(path) / 60) <= 2
        assert "GPU" in opening


def measured_seconds(path) -> float:
    """What the notebook took in `make measure`, from top to bottom."""
    rows = json.loads((ROOT / "book" / "measured.json").read_text("utf-8"))["chapters"]["rows"]
    page = path.relative_to(ROOT).with_suffix("").as_posix()
    return next(row["seconds"] for row in rows if row["page"] == page)


def test_code_comes_in_small_cells(notebook):
    sizes = [lines(cell) for cell in cells(notebook, "code")]
    assert max(sizes) <= 40
    assert statistics.median(sizes) <= 5


def test_text_and_code_are_in_balance(notebook):
    ratio = len(cells(notebook, "markdown")) / len(cells(notebook, "code"))
    assert 1.2 <= round(ratio, 1) <= 2.0
    assert len(prose(notebook).split()) >= 2000


def test_opens_with_its_question_and_its_minute(notebook):
    opening = cells(notebook, "markdown")[0].source
    assert opening.startswith("# ")
    assert "?" in opening
    assert LECTURE in opening


def test_every_link_to_the_lecture_names_its_second(notebook):
    for link in re.findall(rf"https?://[^\s)]*{LECTURE}[^\s)]*", prose(notebook)):
        assert re.search(r"[?&]t=\d+s?$", link), link


def test_asks_for_predictions(notebook):
    asked = [c for c in cells(notebook, "markdown") if "predict first" in c.source.lower()]
    assert len(asked) >= 8
    for cell in asked:
        assert "?" in cell.source, f"{cell.id} asks nothing"


def test_ends_with_what_the_learner_can_compute(notebook):
    assert re.findall(r"^## .+$", prose(notebook), re.M)[-1] == "## What you can now compute"


def test_every_picture_has_an_alt_text(notebook):
    for cell in cells(notebook, "code"):
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        if kinds & PICTURES:
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt.split()) >= 6, f"{cell.id} shows a picture without saying what it shows"
    for alt in re.findall(r"!\[([^\]]*)\]\(", prose(notebook)):
        assert len(alt.split()) >= 6


def test_bold_terms_stand_in_the_glossary(notebook):
    glossary = (ROOT / "book" / "glossary.md").read_text("utf-8").lower().splitlines()
    for term in re.findall(r"(?<!\w)\*\*([^*]{2,})\*\*(?!\w)", prose(notebook)):
        if not term.endswith((".", "?")):  # those are the openings of paragraphs
            assert {term.lower(), term.lower().removesuffix("s")} & set(glossary), term


def public_names() -> set[str]:
    """Functions and classes that modules of nbutils define for others; what students write is not."""
    names = set()
    for source in (ROOT / "nbutils").rglob("*.py"):
        if "exercises" not in source.parts:
            names |= defined(ast.parse(source.read_text("utf-8")).body)
    return {name for name in names if not name.startswith("_")} - {"main"}


def defined(statements) -> set[str]:
    kinds = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    return {node.name for node in statements if isinstance(node, kinds)}


def test_defines_nothing_that_the_package_defines(path, notebook):
    own = set()
    for cell in cells(notebook, "code"):
        own |= defined(ast.walk(ast.parse(python(cell.source))))
    written_here = {
        "TinyNorm",
        "TinyMLP",
        "TinyAttention",
        "TinyBlock",
        "TinyGPT",
    }  # tests/test_gpt_map.py
    allowed = written_here if path.stem == "03c_transformer" else set()
    assert not own & public_names() - allowed


def python(source) -> str:
    """The source without IPython's own lines."""
    kept = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    return "\n".join(kept)


def test_the_facts_are_computed_and_asserted(path, notebook):
    sources = {cell.id: python(cell.source) for cell in cells(notebook, "code")}
    for name, expected in FACTS[path.stem].items():
        asserted = "\n".join(assertions(sources.get(name, "")))
        for fact in expected:
            assert fact in asserted, f"cell {name!r} no longer asserts {fact}"


def assertions(source) -> list[str]:
    """Assert statements and calls of assert_close."""
    found = [n for n in ast.walk(ast.parse(source)) if isinstance(n, (ast.Assert, ast.Call))]
    code = [ast.unparse(node) for node in found]
    return [line for line in code if line.startswith(("assert ", "torch.testing.assert_close("))]


def test_nothing_is_stored_that_differs_between_runs(path, notebook):
    clean = tool.normalise(notebook, path)
    changed = [old.id for old, new in zip(notebook.cells, clean.cells) if old != new]
    assert not changed, "run `make notebooks`"
    assert clean == notebook, "run `make notebooks`"


def test_no_trace_of_a_machine_or_an_error(notebook):
    for cell in cells(notebook, "code"):
        stored = str(cell.outputs)
        path = re.search(r"/(home|root|tmp|work|Users)/|site-packages|[A-Z]:\\\\", stored)
        assert not path, cell.id
        assert not re.search(r" at 0x[0-9a-f]{6,}", stored), cell.id
        assert "raises-exception" in cell.metadata.get("tags", []) or not any(
            output.output_type == "error" for output in cell.outputs
        )


def test_uses_only_the_package_and_what_it_requires(notebook):
    allowed = {
        "nbutils",
        "torch",
        "numpy",
        "matplotlib",
        "tiktoken",
        "IPython",
        "ipywidgets",
        "sklearn",
    }
    for cell in cells(notebook, "code"):
        for node in ast.walk(ast.parse(python(cell.source))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            tops = {name.partition(".")[0] for name in names}
            assert tops <= allowed | sys.stdlib_module_names, cell.id


def test_the_book_runs_no_notebook():
    execute = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["execute"]
    assert execute["execute_notebooks"] == "off"
