"""Chapter 4b's moving picture in which a GPT is trained, in the page itself."""

import traitlets

from .picture import Picture
from .sampler import world_tables


class TrainGPT(Picture):
    """Choose a network and a learning rate, press Train, and watch its loss come down to the floor."""

    script = "train.js"
    resources = {"world": world_tables}
    kept = ("layers", "width")

    layers = traitlets.Int(2).tag(sync=True)
    width = traitlets.Int(48).tag(sync=True)

    def summary(self) -> str:
        return "A network."
