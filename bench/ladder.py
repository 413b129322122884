"""Which learning rate suits each learning rung of chapter 6? About ten minutes on one core."""

from dataclasses import replace

from rows import Row, table
from world import World

from nbutils import device, ladder


def measure(rates: tuple[float, ...] = (3e-3, 6e-3, 12e-3), updates: int = 200) -> list[Row]:
    """Nats above smallworld's floor after so many updates, for two orders of the text."""
    chip, world = device.pick(), World()
    val = world.windows(world.val, 32, chip)
    rows = []
    for rate in rates:
        for name, rung in ladder.LEARNING.items():
            rung, found = replace(rung, learning_rate=rate), []
            for seed in (0, 1):
                train = world.windows(world.train, 8, chip, seed)
                run = ladder.short_run(world.shape, rung, chip, train, val, updates=updates)
                found.append(f"{run.loss - world.floor:.3f}")
            rows.append(Row(f"{name}, {rate:g}", " and ".join(found), "nats", f"{updates} updates"))
    return rows


if __name__ == "__main__":
    print(table(measure()))
