"""Pictures of the pages with 256 colours each: a third of the weight, and nobody sees a difference.

matplotlib writes every PNG with 16 million colours. The notebooks keep those; only the copies
that a built page loads are changed.
"""

from pathlib import Path

from PIL import Image
from sphinx.application import Sphinx


def lighten_all(app: Sphinx, error) -> None:
    """Rewrite each PNG of the pages, where that makes it smaller."""
    if error or app.builder.format != "html":
        return
    for path in Path(app.outdir, "_images").glob("*.png"):
        lighten(path)


def lighten(path: Path) -> None:
    with Image.open(path) as image:
        if image.mode not in ("RGB", "RGBA") or getattr(image, "n_frames", 1) > 1:
            return
        if image.convert("RGBA").getextrema()[3] != (255, 255):
            return  # a palette would make its edges hard
        few = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    aside = path.with_suffix(".part")
    few.save(aside, format="png", optimize=True)
    if aside.stat().st_size < path.stat().st_size:
        aside.replace(path)
    else:
        aside.unlink()


def setup(app: Sphinx) -> dict:
    # Before build_numbers weighs the pages.
    app.connect("build-finished", lighten_all, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
