"""How near is a step of sampling to what the machine can do? Each piece beside its bytes.

``python bench/limit_sampling.py`` times every piece of a step where it stands, one thread, 16 texts, and
beside it the same operation alone, repeated, with its numbers in the nearest memory. Then what attention
reads a second, beside what a plain sum over as much memory reads in the same run.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from statistics import median

import torch
from rows import Row, fastest, table
from sample import BLOCK_SIZE, SHAPES, talkative

from nbutils import decoding
from nbutils.model import GPT

B, LENGTHS = 16, (100, 350, 650)


def measure(quick: bool) -> list[Row]:
    """The small shape of ``sample.py``. ``quick``: fewer repetitions."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            model = talkative(*SHAPES["4/4/128"]).eval()
            return [
                row for S in LENGTHS for row in step_beside_limit(model, S, 5 if quick else 100)
            ]
    finally:
        torch.set_num_threads(before)


def step_beside_limit(model: GPT, S: int, times: int) -> list[Row]:
    """A step that reads S tokens of each text, piece by piece."""
    _, cache = decoding.read_prompt(model, torch.zeros(B, S - 1, dtype=torch.int64), BLOCK_SIZE)
    step, newest = decoding._DecodeStep(model, cache, B), torch.zeros(B, dtype=torch.int64)

    def once() -> None:
        cache.length = S - 1  # the same length each time
        step.forward(newest)

    whole = fastest(once, times)
    spent = watch(step)
    for _ in range(times):
        once()
    rows = [Row(f"Step, {S} tokens", 1e6 * whole, "us", f"{B} texts, one thread, the fastest")]
    for name, (seconds, call) in spent.items():
        alone = 1e6 * fastest(call, times)
        each = f"{len(seconds) // times} in a step; alone {alone:.1f} us"
        rows.append(Row(f"  {name}, {S} tokens", 1e6 * median(seconds), "us", each))
    inputs = model.config.n_layer * B * S * model.config.n_embd * 4  # bytes, read once in a step
    seconds = model.config.n_layer * median(spent["attention"][0])
    memory = torch.ones(inputs // 4)
    limit = inputs / fastest(memory.sum, times)
    how = f"{inputs / 1e6:.1f} MB; a sum over as much reads {limit / 1e9:.1f} GB/s"
    reached = Row(f"Attention reads, {S} tokens", inputs / seconds / 1e9, "GB/s", how)
    return [*rows, reached, Row(f"  its share, {S} tokens", inputs / seconds / limit, "", how)]


def watch(step: decoding._DecodeStep) -> dict[str, tuple[list[float], Callable[[], object]]]:
    """From now on the pieces of ``step`` note their seconds; beside these a call like their last."""
    spent, calls = defaultdict(list), {}

    def watched(name: str, function: Callable) -> Callable:
        def timed(*arguments):
            start = time.perf_counter()
            result = function(*arguments)
            spent[name].append(time.perf_counter() - start)
            calls[name] = lambda: function(*arguments)
            return result

        return timed

    for block in (forward.__self__ for forward in step.blocks):
        attention, mlp = block.attention.__self__, block.mlp.__self__
        places = [(block, "attention_norm", "norm"), (block, "mlp_norm", "norm")]
        places += [(attention, "query", "query"), (attention, "projection", "projection")]
        places += [(mlp, "expand", "MLP's first product"), (mlp, "activation", "GELU")]
        places += [(mlp, "contract", "MLP's second product")]
        for owner, attribute, name in places:
            setattr(owner, attribute, watched(name, getattr(owner, attribute)))
    step.attention = watched("attention", step.attention)
    step.unembed = watched("unembedding", step.unembed)
    names = ["norm", "query", "attention", "projection", "MLP's first product", "GELU"]
    names += ["MLP's second product", "unembedding"]
    return {name: (spent[name], lambda name=name: calls[name]()) for name in names}


if __name__ == "__main__":
    print(table(measure(quick=False)))
