"""What to try where a training fails: its numbers are none, or the memory is too small."""

from dataclasses import dataclass

from nbutils.config import TrainConfig
from nbutils.device import missing_memory


class TrainingDivergedError(RuntimeError):
    """The loss is no longer a number."""


class TrainingMemoryError(RuntimeError):
    """The chip has too little memory for this run."""


@dataclass(frozen=True)
class Advice:
    """What a run's recipe leaves to be lowered.

    ``block_size``: tokens in its windows.
    """

    config: TrainConfig
    block_size: int

    def diverged(self, what: str, value: float, step: int, rate: float) -> str:
        """For a value that is no finite number at a step with this learning rate."""
        config = self.config
        clip = "" if config.grad_clip else ", grad_clip=1.0"
        return (
            f"the {what} is {value} at step {step}, with a learning rate of {rate:.2g}; try "
            f"learning_rate={config.learning_rate / 10:.2g}, a longer warm-up (warmup_steps="
            f"{max(100, 2 * config.warmup_steps)}){clip}"
        )

    def out_of_memory(self, error: BaseException, step: int, kept: int) -> str:
        """For PyTorch's error at a step; ``kept``: the step of the newest checkpoint, or 0."""
        checkpoint = f"; the checkpoint of step {kept:,} is kept" if kept else ""
        if finer := self._finer():
            checkpoint += ", and goes on with another accumulation" if kept else ""
        return (
            f"out of memory at step {step:,}{missing_memory(error)}; try {finer}"
            f"block_size below {self.block_size}, a smaller model{checkpoint}"
        )

    def _finer(self) -> str:
        """How to compute fewer windows at once; empty if it is one already."""
        parts, size = self.config.accumulation, self.config.batch_size
        finer = next((n for n in range(parts + 1, size + 1) if size % n == 0), None)
        if finer is None:
            return ""
        return (
            f"accumulation={finer} (now {parts}; the same gradient in smaller parts), "
            f"batch_size below {size}, "
        )
