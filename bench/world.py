"""smallworld as chapter 6 trains on it, for those who measure on it."""

from nbutils import smallworld, text, tokens
from nbutils.config import GPTConfig
from nbutils.device import Chip
from nbutils.windows import Windows


class World:
    """smallworld as tokens, and the floor of its held-out part."""

    def __init__(self, documents: int = 20_000, held_out: int = 200):
        encoding = smallworld.encoding()
        held_out = text.load("smallworld", "val", n_documents=held_out)
        written = text.load("smallworld", n_documents=documents)
        self.train = tokens.encode_documents(written, encoding)
        self.val = tokens.encode_documents(held_out, encoding)
        self.floor = smallworld.loss_floor("".join(d + tokens.END for d in held_out))
        self.start_token = encoding.eot_token
        self.shape = GPTConfig.preset("small", n_layer=2, block_size=smallworld.MAX_TOKENS)

    def windows(self, ids, batch_size: int, chip: Chip, seed: int = 0) -> Windows:
        where = {"start_token": self.start_token, "device": chip.device, "seed": seed}
        return Windows(ids, batch_size, self.shape.block_size, **where)
