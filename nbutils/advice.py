"""What to try where a training fails: its numbers are none, or the memory is too small."""

from dataclasses import dataclass

from nbutils.config import TrainConfig
from nbutils.device import missing_memory
from nbutils.words import sentence


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
        return sentence(
            "the {what} is {value} at step {step}, with a learning rate of {rate}; try "
            "learning_rate={lower}, a longer warm-up (warmup_steps={longer})"
            if config.grad_clip
            else "the {what} is {value} at step {step}, with a learning rate of {rate}; try "
            "learning_rate={lower}, a longer warm-up (warmup_steps={longer}), grad_clip=1.0",
            what=what,
            value=value,
            step=step,
            rate=f"{rate:.2g}",
            lower=f"{config.learning_rate / 10:.2g}",
            longer=max(100, 2 * config.warmup_steps),
        )

    def out_of_memory(self, error: BaseException, step: int, kept: int) -> str:
        """For PyTorch's error at a step; ``kept``: the step of the newest checkpoint, or 0."""
        finer = self._finer()
        told = dict(
            step=f"{step:,}",
            missing=missing_memory(error),
            shorter=self.block_size,
            fewer=self.config.batch_size,
            finer=finer,
            parts=self.config.accumulation,
            kept=f"{kept:,}",
        )
        if finer is None:
            return sentence(
                "out of memory at step {step}{missing}; try block_size below {shorter}, a smaller model; the "
                "checkpoint of step {kept} is kept"
                if kept
                else "out of memory at step {step}{missing}; try block_size below {shorter}, a smaller model",
                **told,
            )
        return sentence(
            "out of memory at step {step}{missing}; try accumulation={finer} (now {parts}; the same gradient "
            "in smaller parts), batch_size below {fewer}, block_size below {shorter}, a smaller model; the "
            "checkpoint of step {kept} is kept, and goes on with another accumulation"
            if kept
            else "out of memory at step {step}{missing}; try accumulation={finer} (now {parts}; the same "
            "gradient in smaller parts), batch_size below {fewer}, block_size below {shorter}, a smaller model",
            **told,
        )

    def _finer(self) -> int | None:
        """In how many parts fewer windows are computed at once; None if it is one already."""
        parts, size = self.config.accumulation, self.config.batch_size
        return next((n for n in range(parts + 1, size + 1) if size % n == 0), None)
