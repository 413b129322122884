from dataclasses import dataclass

from moving.hands import Moving, Pick, write
from nbutils.figures.moving.counter import Counter


@dataclass(frozen=True)
class Enter:
    """A number into a field; ``name`` is that of the trait, or of the number in the shape."""

    label: str
    name: str
    value: int

    def do(self, shown):
        write(shown, shown.place.get_by_label(self.label, exact=True), str(self.value))
        state = shown.state()
        assert (state | state["shape"])[self.name] == self.value


@dataclass(frozen=True)
class Arrow:
    """The arrow up in a field: to the next number that makes sense there."""

    label: str
    name: str
    value: int

    def do(self, shown):
        shown.place.get_by_label(self.label, exact=True).focus()
        shown.page.keyboard.press("ArrowUp")
        assert shown.state()["shape"][self.name] == self.value


def chapter_3c() -> Counter:
    return Counter("gpt3-175b", chip="H100")


def chapter_4b() -> Counter:
    return Counter("gpt2", chip="T4", billions=10)


def preset(name: str) -> dict:
    return chapter_3c().presets[name]


def with_shape(change: str) -> str:
    return (
        "{shape: {layers: 12, width: 768, heads: 12, vocabulary: 50257, context: 1024, tied: true, "
        f"{change}}}}}"
    )


# Of the network, then of the one before.
NUMBERS = """e => ["value", "before"].flatMap((kind) =>
  [...e.querySelectorAll(`[data-${kind}]`)].map((x) => Number(x.dataset[kind])))"""
PICTURES = [
    Moving(
        "notebooks/03c_transformer",
        chapter_3c,
        (
            Pick("Network", "sorter", "shape", preset("sorter")),
            Pick("Network", "gpt2-xl", "shape", preset("gpt2-xl")),
            Pick("Chip", "T4", "chip", "T4"),
            Enter("Width", "width", 1000),
            Enter("Heads", "heads", 8),
            Arrow("Width", "width", 1008),
            Enter("Layers", "layers", 1),
            Enter("Vocabulary", "vocabulary", 1_000_000),
            Enter("Context", "context", 131_072),
            Enter("Training tokens, billions", "billions", 15_000),
            Pick("Chip", "B200", "chip", "B200"),
            Pick("Network", "small", "shape", preset("small")),
        ),
        NUMBERS,
        Counter.numbers,
        {
            with_shape(
                "heads: 13"
            ): "13 heads can't share a width of 768 equally. Take 12 or 16 heads",
            with_shape("heads: 65536"): "Take 768 heads",
            with_shape("layers: 0"): "Layers: 0 is no whole number from 1 to 1,000",
            with_shape("width: NaN"): "Width: NaN is no",
            with_shape("width: 1e300"): "no whole number from 1",
            with_shape("context: null"): "Context: type a whole number from 1 to 1,000,000",
            with_shape("vocabulary: '<b>'"): "Vocabulary: <b> is no",
            with_shape("heads: -1"): "Heads: -1 is",
            "{shape: null}": "Layers: undefined is no",
            "{chip: 'abacus'}": "no chip abacus",
            "{billions: 0.5}": "0.5 is no whole number from 1 to 100,000",
        },
    ),
    Moving(
        "notebooks/04b_training",
        chapter_4b,
        (
            Pick("Chip", "A100", "chip", "A100"),
            Pick("Network", "gpt2-xl", "shape", preset("gpt2-xl")),
            Enter("Training tokens, billions", "billions", 100),
        ),
        NUMBERS,
        Counter.numbers,
        {"{billions: 0}": "0 is no whole number from 1 to 100,000"},
    ),
]
