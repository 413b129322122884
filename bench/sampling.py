"""How fast does it talk? New tokens a second, with and without the KV cache, one text or many."""

import nbutils  # before torch: it tells waiting threads to sleep
import torch
from rows import Row, fastest, table

from nbutils import device
from nbutils.model import GPT, GPTConfig
from nbutils.sampling import generate


def measure(quick: bool) -> list[Row]:
    """``quick``: each once, instead of the fastest of five."""
    chip = device.pick()
    model = GPT(GPTConfig.preset("small")).to(chip.device).eval()
    new = model.config.block_size - 1

    def speed(texts: int, use_cache: bool) -> float:
        prompt = torch.zeros(texts, 1, dtype=torch.int64, device=chip.device)
        generate(model, prompt, 2, seed=0)  # what is done only once is done here
        seconds = fastest(
            lambda: generate(model, prompt, new, seed=0, use_cache=use_cache).tolist(),
            times=1 if quick else 5,
        )
        return texts * new / seconds

    how = f"GPT of {model.num_parameters():,} parameters, {new} new tokens"
    return [
        Row("Sampling, one text", speed(1, True), "tokens/s", f"{how}, KV cache"),
        Row("Sampling, no KV cache", speed(1, False), "tokens/s", f"{how}, all of it each time"),
        Row("Sampling, 32 texts", speed(32, True), "tokens/s", f"{how} each, KV cache"),
    ]


if __name__ == "__main__":
    print(table(measure(quick=False)))
