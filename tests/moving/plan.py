from moving.hands import Moving, Pick, SlideOver
from moving.heads import Tick
from nbutils.figures.moving.plan import CHOICES, Plan


class Choose(SlideOver):
    choices = CHOICES


PICTURES = [
    Moving(
        "notebooks/07_bigger",
        Plan,
        (
            Choose("Layers", "layers", 48),
            Choose("Width", "width", 1600),
            Choose("Tokens", "tokens", 10**11),
            Choose("Windows", "windows", 1),
            Tick("FSDP", "sharded", True),
            Choose("Chips", "chips", 1024),
            Choose("Width", "width", 12_288),
            Choose("Layers", "layers", 96),
            Tick("16 bits", "short", False),
            Pick("Kind", "B200", "chip", "B200"),  # whose peak in 32 bits nobody says
            Pick("Kind", "T4", "chip", "T4"),
            Choose("Used", "utilisation", 0.6),
            Choose("Chip, hour", "dollars", 0.25),
            Tick("FSDP", "sharded", False),
            Tick("16 bits", "short", False),
            Choose("Chips", "chips", 1),
            Choose("Layers", "layers", 1),
            Choose("Width", "width", 64),
            Choose("Tokens", "tokens", 10**6),
        ),
        "e => [...e.querySelectorAll('[data-value]')].map(x => Number(x.dataset.value))",
        Plan.numbers,
        {
            "{layers: 13}": "layers is 13. The slider has 1, 2, 4",
            "{width: NaN}": "width is NaN",
            "{tokens: 'many'}": "tokens is many",
            "{windows: null}": "windows is null",
            "{chips: 3}": "chips is 3. The slider has 1, 2, 4",
            "{utilisation: 1}": "utilisation is 1. The slider has 0.1",
            "{dollars: '한\\ud800'}": "dollars is 한",
            "{chip: 'abacus'}": "No chip is called abacus",
            "{chip: 'toString'}": "No chip is called toString",
            "{short: 1}": "short is 1; it must be true or false",
            "{sharded: 'yes'}": "sharded is yes; it must be",
            "{short: false, chip: 'B200'}": "Nobody says how fast the B200 is in 32 bits",
        },
    ),
]
