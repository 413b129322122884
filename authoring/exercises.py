"""Write the notebooks of exercises, one for each chapter: python -m authoring.exercises FOLDER.

Their text has one source, the modules of nbutils/exercises/problems. Those of the course are stored
with their outputs: python -m authoring.exercises notebooks/exercises, then make notebooks.
"""

import ast
import inspect
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from authoring.notebooks import METADATA, setup_cell
from nbutils.exercises.exercise import CHAPTERS, Exercise, exercise, names
from nbutils.exercises.grading import SKIPPED
from nbutils.words import fill, language, table

# Each chapter's number in the course, and its title here.
TITLES = {
    "tokens": ("1", "text becomes tokens"),
    "io": ("2", "what goes in and what comes out"),
    "internals": ("3", "inside the network"),
    "training": ("4", "how it learns"),
    "inference": ("5", "how it talks"),
    "kernel": ("6b", "attention without its matrix"),
}
INTRODUCTION = """\
# Exercises {number}: {title}

{count} functions to write, {minutes} minutes in all if it goes well. Write each in its cell in place of
the last line, and run the cell and the check below it: it says whether the function is right, and if not,
which mistake it makes. `hint("{first}")` gives a first hint, then the next; `solution("{first}")` shows
the course's answer once you have tried.

What you get right is kept in a small file, `next_token_progress.json`, beside this notebook (on Colab in
your Drive, if it is mounted). {becomes} Where one is
missing, the course's own stands in, so skip what you like.
"""
PART_OF_THE_GPT = "Once a function is right, it can become part of your own GPT."
# Where a chapter's functions make something else.
BECOMES = {
    "kernel": "Once a function is right, it becomes part of the attention at this notebook's end."
}
IMPORTS = """\
import nbutils  # before torch
from nbutils.exercises import check, hint, progress, solution
{imports}
"""
FUNCTIONS = """\
## Put together

`your_functions()` gives all functions by their names: yours where the check has found them right, the
course's elsewhere. {why}
"""
# What each chapter's functions make together: why, and the cells that make it.
TOGETHER = {
    "tokens": (
        "Here they make a tokenizer. It learns inside words, and each word once, times the number of "
        "places where it stands; so it calls the parts of `learn_merges`, not the whole.",
        """\
from nbutils import smallworld
from nbutils.exercises.your_gpt import YourTokenizer, your_functions

your = your_functions()
your""",
        """\
documents = smallworld.generate(500)
tokenizer = YourTokenizer(your, documents, n_merges=400)
ids = tokenizer.encode(documents[0])
assert tokenizer.decode(ids) == documents[0]
print(f"{len(ids)} tokens of {your.bytes_per_token(documents[0], ids):.1f} bytes on average:")
print("|".join(tokenizer.decode([i]) for i in ids))""",
    ),
    "io": (
        "Here they make a model that counts pairs, and measure it on documents that it has not seen. "
        "The floor is what nobody can beat, since this small world knows its own probabilities.",
        """\
from nbutils import smallworld, tokens
from nbutils.exercises.your_gpt import your_functions

your = your_functions()
your""",
        """\
encoding = smallworld.encoding()
seen, new = (
    torch.tensor(tokens.encode_documents(smallworld.generate(n, seed), encoding).astype(int))
    for n, seed in ((3000, 0), (300, 1))
)
table = your.bigram_probabilities(your.bigram_counts(seen, encoding.n_vocab), 0.01)
starts = torch.arange(0, your.window_starts(len(new), 80), 80)
contexts, labels = your.windows_at(new, starts, 80)
loss = your.cross_entropy_loss(table[contexts].log().flatten(0, 1), labels.flatten())
floor = smallworld.loss_floor(tokens.END.join([*smallworld.generate(300, 1), ""]))
print(f"pairs: {loss:.3f} nats a token, perplexity {your.perplexity(loss):.2f}")
print(f"floor: {floor:.3f} nats a token, perplexity {your.perplexity(torch.tensor(floor)):.2f}")""",
    ),
    "internals": (
        "Here they make a GPT, with the same knobs as the course's own. What both give must be the same, "
        "but for rounding. (`attention`, `split_heads` and the like were steps on the way to "
        "`multi_head_attention`; the GPT calls that one.)",
        """\
from nbutils.exercises.your_gpt import YourGPT, your_functions
from nbutils.model import GPTConfig

your = your_functions()
your""",
        """\
torch.manual_seed(0)
sizes = GPTConfig(vocab_size=1000, block_size=80, n_layer=3, n_head=4, n_embd=128, bias=False)
gpt = YourGPT(your, sizes)
ids = torch.randint(1000, (2, 80))
with torch.no_grad():
    apart = (gpt(ids) - gpt.reference(ids)).abs().max()
assert apart < 1e-4
print(f"{tuple(ids.shape)} ids to {tuple(gpt(ids).shape)} logits, 0.0001 apart at most")""",
    ),
    "training": (
        "Here they train a small GPT for a few updates. Its parts are those of chapters 2 and 3: yours, if "
        "you have written them.",
        """\
from nbutils import smallworld
from nbutils.exercises.your_gpt import YourGPT, YourTokenizer, train, your_functions
from nbutils.model import GPTConfig

your = your_functions()
your""",
        """\
torch.manual_seed(0)
documents = smallworld.generate(500)
tokenizer = YourTokenizer(your, documents, n_merges=200)
sizes = GPTConfig(
    vocab_size=tokenizer.vocab_size, block_size=64, n_layer=1, n_head=4, n_embd=64, bias=False
)
stream = tokenizer.encode_documents(documents)
run = train(YourGPT(your, sizes), stream, tokenizer.end_id, updates=120, highest=1e-2, warmup=10)
losses = [loss for _, loss in run]
for step in range(0, 120, 20):
    print(f"updates {step + 1} to {step + 20}: {sum(losses[step : step + 20]) / 20:.1f} nats a token")
assert losses[-1] < losses[0] / 2""",
    ),
    "inference": (
        "Here they let the course's own GPT talk, the network of chapters 3c and 5: first with its likeliest "
        "tokens, then with drawn ones.",
        """\
from nbutils import recipes, smallworld
from nbutils.exercises.your_gpt import your_functions

your = your_functions()
your""",
        """\
model, encoding = recipes.smallworld().model, smallworld.encoding()
end, longest = encoding.eot_token, model.config.block_size


@torch.no_grad()
def next_logits(ids):
    return model(torch.tensor([your.crop_context(ids, longest)]))[0, -1]


prompt = [end, *encoding.encode("This is Anna.")]
print(encoding.decode(your.generate_ids(next_logits, prompt, 60, end)[1:]))""",
        """\
torch.manual_seed(0)
ids = list(prompt)
while ids[-1] != end or len(ids) == 1:
    likely = your.keep_top_p(your.with_temperature(next_logits(ids), 0.8), 0.9)
    ids.append(your.draw_token(likely, float(torch.rand(()))))
print(encoding.decode(ids[1:-1]))
with torch.no_grad():
    logits = model(torch.tensor([ids[:-1]]))[0]
print(f"e^{your.log_probability(logits, torch.tensor(ids[1:])):.1f} was the chance of this text")""",
    ),
    "kernel": (
        "Here they make attention without its matrix, for one head: it goes from tile to tile, skips those of "
        "which all is hidden, and keeps a maximum and a sum for each row. What it has added up of the values "
        "is rescaled by the same factor as the sum.",
        """\
from nbutils import kernels
from nbutils.exercises.your_gpt import your_functions

your = your_functions()
your""",
        """\
def rows_in_tiles(q, k, v, first_query, tile):
    \"""The outputs of one tile of queries q; k, v: (T, D), all keys and values.\"""
    maximum, total = torch.full((len(q),), -math.inf), torch.zeros(len(q))
    mixed = torch.zeros_like(q)
    for first_key in range(0, len(k), tile[1]):
        hidden = your.hidden_in_tile(first_query, first_key, tile)
        if hidden == "all":
            break
        keys, values = (x[first_key : first_key + tile[1]] for x in (k, v))
        scores = q @ keys.T / math.sqrt(q.shape[1])
        if hidden == "some":
            later = torch.ones_like(scores, dtype=torch.bool).triu(first_query - first_key + 1)
            scores = scores.masked_fill(later, -math.inf)
        before = maximum.clone()
        found = your.running_softmax(maximum, total, scores.clone())
        maximum, total = (torch.as_tensor(x, dtype=q.dtype) for x in found)
        mixed = mixed * (before - maximum).exp()[:, None]
        mixed += (scores - maximum[:, None]).exp() @ values
    return mixed / total[:, None]""",
        """\
torch.manual_seed(0)
T, D, tile = 100, 16, (32, 24)
q, k, v = torch.randn(3, T, D)
starts = range(0, T, tile[0])
out = torch.cat([rows_in_tiles(q[i : i + tile[0]], k, v, i, tile) for i in starts])
whole = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
assert (out - whole).abs().max() < 1e-5
visited = len(kernels.tiles(T, tile))
print(f"as PyTorch's own, with {visited} of {len(starts) * -(-T // tile[1])} tiles")""",
        """\
D, tile = 64, (128, 64)
print("tokens        plain     in tiles")
for T in (256, 1024, 4096, 16384):
    plain, tiled = your.attention_bytes(T, D, tile, 4, causal=True)
    assert plain == kernels.plain_attention_bytes(T, D)
    assert tiled == kernels.tiled_attention_bytes(T, D, tile)
    print(f"{T:6} {plain / 1e6:9.1f} MB {tiled / 1e6:9.1f} MB, {plain / tiled:.1f} times less")""",
    ),
}


def file_name(chapter: str) -> str:
    return f"0{TITLES[chapter][0]}_{chapter}.ipynb"


def notebook(chapter: str):
    """The chapter's notebook, with nothing filled in."""
    asked = [exercise(name) for name, of in names().items() if of == chapter]
    number, title = TITLES[chapter]
    about = INTRODUCTION.format(
        number=number,
        title=title,
        becomes=BECOMES.get(chapter, PART_OF_THE_GPT),
        count=len(asked),
        first=asked[0].name,
        minutes=sum(one.minutes for one in asked),
    )
    code = _code("imports", IMPORTS.format(imports=imports(asked)))
    cells = [_text("title", about), setup_cell(), code]
    for one in asked:
        check = _code(f"{one.name}-check", f'check("{one.name}", {one.name})')
        cells += [*asked_in(one), check]
    why, first, *more = TOGETHER[chapter]
    cells += [_text("together", FUNCTIONS.format(why=why)), _kept("functions", first)]
    cells += [_kept(f"together-{i}", source) for i, source in enumerate(more, start=1)]
    cells += [_text("done", "## What is done"), _kept("progress", "progress()")]
    return new_notebook(cells=cells, metadata=METADATA, nbformat_minor=5)


def asked_in(one: Exercise) -> tuple:
    """The cells of an exercise in the language spoken: what is asked, and where the answer is written."""
    return _text(f"{one.name}-text", statement(one)), _code(one.name, one.starter())


def imports(asked: list[Exercise]) -> str:
    """The imports that these exercises' answers and signatures use."""
    lines = set()
    for one in asked:
        used = {node.id for node in ast.walk(ast.parse(one.source)) if isinstance(node, ast.Name)}
        for node in ast.parse(inspect.getsource(inspect.getmodule(one.answer))).body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                named = {(alias.asname or alias.name).split(".")[0] for alias in node.names}
                lines |= {ast.unparse(node)} if named & used else set()
    return "\n".join(sorted(lines))


def statement(one: Exercise) -> str:
    """The exercise's heading, how hard it is, and its text."""
    how = fill(
        table("book/exercises", language())["how"],
        name=one.name,
        difficulty=_stars(one.difficulty),
        importance=_stars(one.importance),
        minutes=one.minutes,
    )
    return f"## {one.title}\n\n{how}\n\n{one.statement}"


def _stars(n: int) -> str:
    return n * "★" + (5 - n) * "☆"


def _text(name: str, text: str):
    return new_markdown_cell(text.strip(), id=name.replace("_", "-"))


def _code(name: str, text: str):
    return new_code_cell(text.strip(), id=name.replace("_", "-"))


def _kept(name: str, text: str):
    """A cell whose output depends on what the student has done, and that defines no answer."""
    cell = _code(name, text)
    cell.metadata.tags = ["nbval-ignore-output", SKIPPED]
    return cell


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for chapter in CHAPTERS:
        made = notebook(chapter)
        nbformat.validate(made)
        nbformat.write(made, folder / file_name(chapter))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
