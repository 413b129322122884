"""How fast does it talk? New tokens a second against transformers and nanoGPT.

``python bench/sample.py`` compares with ``transformers.generate``, and with ``--nanogpt FOLDER``
(a clone of https://github.com/karpathy/nanoGPT) with nanoGPT's too. All have the same weights and
the same number of threads, take turns in one process, and the fastest of several runs counts.
Greedy tokens must be those of transformers, or it stops.
"""

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from peers import nanogpt_gpt
from rows import Row, fastest, markdown

from nbutils import device
from nbutils.config import GPTConfig
from nbutils.hub import hugging_face_name
from nbutils.model import GPT
from nbutils.sampling import generate

SHAPES = {"4/4/128": (4, 4, 128), "6/6/384": (6, 6, 384)}  # n_layer, n_head, n_embd
CELLS = [(1, 1), (1, 200), (16, 1), (16, 200)]  # B texts, T tokens of prompt
NEW = 500
BLOCK_SIZE = 704
POINTS, STEPS = 5, 4  # without a cache: lengths at which steps are timed, and steps at each
Program = Callable[[torch.Tensor, int], torch.Tensor]  # prompt (B, T), new: text (B, T + new)


def measure(quick: bool) -> list[Row]:
    """The course's model alone. ``quick``: each once, instead of the fastest of five."""
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


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="30 new tokens, once, the small shape, threads as set"
    )
    parser.add_argument(
        "--nanogpt", type=Path, metavar="FOLDER", help="also compare with the nanoGPT there"
    )
    parser.add_argument("--shape", choices=SHAPES, help="only this n_layer/n_head/n_embd")
    parser.add_argument("--threads", type=int, help="only so many threads, instead of one and two")
    parser.add_argument("--device", default="cpu", help='"cpu", "cuda", ... (default: cpu)')
    parser.add_argument(
        "--cuda-graph", action="store_true", help="ours records its step and replays it"
    )
    options = parser.parse_args(arguments)
    chip = device.pick(options.device)
    shapes = [options.shape] if options.shape else list(SHAPES)[: 1 if options.quick else None]
    threads = [options.threads] if options.threads else [1, 2]
    if options.quick:
        threads = [torch.get_num_threads()]
    new, times = (30, 1) if options.quick else (NEW, 3)
    for shape in shapes:
        peers = Peers(SHAPES[shape], chip.device, options.nanogpt, options.cuda_graph)
        lines = [HEAD]
        for count in threads:
            torch.set_num_threads(count)
            lines += [(str(count), *compare(peers, B, T, new, times)) for B, T in CELLS]
        size = f"{peers.ours.num_parameters():,} parameters"
        print(f"\n{shape} ({size}), {new} new tokens each, tokens/s on {chip.name}\n")
        print(markdown(lines), flush=True)


class Peers:
    """One model, and the same weights in transformers and, where it is given, in nanoGPT."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        chip: torch.device,
        nanogpt: Path | None = None,
        cuda_graph: bool = False,
    ):
        import transformers

        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        self.chip, self.cuda_graph = chip, cuda_graph
        self.ours = talkative(*shape).to(chip).eval()
        with tempfile.TemporaryDirectory() as folder:
            self.ours.save_pretrained(folder)
            theirs = transformers.GPT2LMHeadModel.from_pretrained(  # nosec B615 - of a folder here
                folder, attn_implementation="sdpa"
            )
        self.theirs = theirs.to(chip).eval()
        self.nano = nanogpt and load_nanogpt(nanogpt, self.ours).to(chip).eval()

    def by_us(self, prompt: torch.Tensor, new: int, use_cache=True, greedy=False) -> torch.Tensor:
        choice = dict(temperature=0 if greedy else 1, cuda_graph=use_cache and self.cuda_graph)
        return generate(self.ours, prompt, new, use_cache=use_cache, **choice)

    @torch.inference_mode()  # faster than the no_grad that it sets itself
    def by_transformers(
        self, prompt: torch.Tensor, new: int, use_cache=True, greedy=False
    ) -> torch.Tensor:
        return self.theirs.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=new,
            do_sample=not greedy,
            top_k=0,  # its default would keep 50 tokens
            use_cache=use_cache,
            pad_token_id=0,
        )

    @torch.inference_mode()
    def by_nanogpt(self, prompt: torch.Tensor, new: int) -> torch.Tensor:
        return self.nano.generate(prompt, new)


def talkative(n_layer: int, n_head: int, n_embd: int) -> GPT:
    """A random GPT whose next token hangs on the context; a new one repeats one token for ever."""
    torch.manual_seed(0)
    shape = dict(n_layer=n_layer, n_head=n_head, n_embd=n_embd)
    model = GPT(GPTConfig(block_size=BLOCK_SIZE, **shape))
    for name, parameter in model.named_parameters():
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=0.3 if "embedding" in name else 0.08)
    return model


def load_nanogpt(folder: Path, model: GPT) -> torch.nn.Module:
    """The nanoGPT of a clone, with our weights: it names them as Hugging Face does."""
    nano = nanogpt_gpt(model.config, folder)
    weights = {hugging_face_name(name): weight for name, weight in model.state_dict().items()}
    nano.load_state_dict({**weights, "lm_head.weight": model.token_embedding.weight})
    return nano


HEAD = ("Threads", "Texts", "Prompt", "greedy: ours", "transformers", "ratio", "drawn: ours")
HEAD += ("transformers", "ratio", "no cache: ours", "transformers", "nanoGPT", "cache to nanoGPT")


def compare(peers: Peers, B: int, T: int, new: int, times: int) -> tuple[str, ...]:
    """A line of the table, without its number of threads."""
    prompt = torch.randint(peers.ours.config.vocab_size, (B, T), device=peers.chip)
    ours, theirs = (by(prompt, new, greedy=True) for by in (peers.by_us, peers.by_transformers))
    assert torch.equal(ours, theirs), f"greedy tokens differ for {B} texts, prompts of {T}"
    line = (str(B), str(T))
    for greedy in (True, False):
        programs = [partial(by, greedy=greedy) for by in (peers.by_us, peers.by_transformers)]
        ours, theirs = (B * new / s for s in in_turn([(p, prompt, new) for p in programs], times))
        line += (f"{ours:,.0f}", f"{theirs:,.0f}", f"{ours / theirs:.1f}")
    programs = [partial(by, use_cache=False) for by in (peers.by_us, peers.by_transformers)]
    if peers.nano:
        programs.append(peers.by_nanogpt)
    speeds = [B / s for s in step_by_length(programs, prompt, new, times)]
    line += tuple(f"{speed:,.0f}" for speed in speeds)
    return line + ((f"{ours / speeds[2]:.1f}",) if peers.nano else ("", ""))


def in_turn(calls: list[tuple], times: int) -> list[float]:
    """Seconds of each call's fastest run; they take turns, so that all meet the same machine."""
    best = [float("inf")] * len(calls)
    for _ in range(times):
        for i, call in enumerate(calls):
            best[i] = min(best[i], fastest(lambda call=call: call[0](*call[1:]).tolist(), times=1))
    return best


def step_by_length(
    programs: list[Program], prompt: torch.Tensor, new: int, times: int
) -> list[float]:
    """Seconds of a mean step without a cache, where a step's time grows with the text.

    All steps would take minutes, so a few are timed at evenly spaced lengths of text, as what
    ``STEPS`` more tokens add to a call.
    """
    B, T = prompt.shape
    totals = [0.0] * len(programs)
    for length in torch.linspace(T, T + new - STEPS, POINTS).long().tolist():
        text = prompt.new_zeros(B, length)
        calls = [(program, text, n) for program in programs for n in (1, 1 + STEPS)]
        seconds = in_turn(calls, times)
        for i in range(len(programs)):
            totals[i] += (seconds[2 * i + 1] - seconds[2 * i]) / STEPS / POINTS
    return totals


if __name__ == "__main__":
    main()
