"""What the student's GPT writes: one token after the other, chosen by the student's functions."""

import torch

from nbutils.exercises.your_gpt.model import YourGPT, check_vocabulary
from nbutils.exercises.your_gpt.tokenizer import YourTokenizer


@torch.no_grad()
def write(
    model: YourGPT,
    tokenizer: YourTokenizer,
    prompt: str = "",
    *,
    temperature: float = 1.0,
    top_p: float = 1.0,
    most: int = 80,
) -> str:
    """Go on with a text until the network ends it, or for ``most`` tokens.

    `crop_context`, `with_temperature`, `keep_top_p` and `draw_token` are called. The network computes
    where it is; from its row of logits the CPU chooses, by the same random numbers for each device.

    Raises:
        ValueError: the tokenizer has more ids than the model.
    """
    check_vocabulary(model, tokenizer)
    your, place = model.your, next(model.parameters()).device
    ids = [tokenizer.end_id, *tokenizer.encode(prompt)]
    for _ in range(most):
        context = your.crop_context(list(ids), model.config.block_size)
        logits = model(torch.tensor([context], device=place))[0, -1].cpu()
        probabilities = your.with_temperature(logits, temperature)
        if top_p < 1:
            probabilities = your.keep_top_p(probabilities, top_p)
        ids.append(your.draw_token(probabilities, float(torch.rand(()))))
        if ids[-1] == tokenizer.end_id:
            break
    return tokenizer.decode(ids)
