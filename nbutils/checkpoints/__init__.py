"""What a run leaves on the disk, so that the same call goes on where it stopped.

A run of one process writes one file, `single_file`; one of several processes writes `shards`, from
which any number of processes goes on, with the same losses but for rounding, and one alone too.
Either way the newest checkpoint and the one before are kept, and the one before is used, with a
warning, if the newest is damaged.

A checkpoint that can't be written, as on a full disk, does not end the run: a ``CheckpointWarning``
says how much room was missing, the checkpoint before stays, and the next is tried in its turn. That
holds for the last one too, since what the hour of training gave, the model and the history, is
there to be returned.
"""

from collections.abc import Callable

import torch
from torch import nn

from nbutils.checkpoints import single_file
from nbutils.checkpoints.shards import Shards
from nbutils.checkpoints.state import (
    CheckpointError,
    State,
    load_model_state,
    load_optimizer_state,
    model_state,
    named,
    optimizer_state,
    rng_state,
    set_rng_state,
)
from nbutils.files import check_name, expanded
from nbutils.parallel import Group
from nbutils.words import sentence


class Store:
    """The checkpoints of one run: a model's and an optimizer's state, and what is told about it.

    Args:
        folder: where they are kept; None: nowhere, and nothing is written or found.
        every: steps between two.
        identity: what must be equal for two runs to be the same run, of what JSON can hold.
        model, optimizer: whose state it is, as this process holds it.
        group: the processes that train the model; all of them must call each method.

    ``kept``: the step of the newest checkpoint in the folder; 0 if there is none.
    """

    def __init__(
        self,
        folder: str | None,
        every: int,
        identity: dict,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        group: Group,
    ):
        self.every, self.identity = every, identity
        self.model, self.optimizer, self.group = model, optimizer, group
        self.device = next(model.parameters()).device
        self.folder = self.shards = None
        if folder is not None:
            self.folder = expanded(folder)
            check_name(self.folder)
            self.shards = Shards(self.folder, model, optimizer, group)
        self.kept = self._tried = 0

    def due(self, step: int, now: bool) -> bool:
        """Is there a checkpoint to write at this step, in its turn or because it must be ``now``?"""
        wanted = self.folder is not None and step != self._tried
        return wanted and (now or step % self.every == 0)

    def state(self, about: dict) -> State:
        """All that decides how the run goes on."""
        tensors = {
            **named("model", model_state(self.model)),
            **named("optimizer", optimizer_state(self.optimizer)),
            **named("random", rng_state(self.device)),
        }
        return State(self.identity, tensors, about)

    def write(self, step: int, state: State) -> None:
        """Write the newest checkpoint, after ``step`` updates.

        Raises ``CheckpointError`` if that can't be done; the newest is then what it was.
        """
        self._tried = step
        if self.group.kind is None:
            single_file.write(self.folder, state)
        else:
            self.shards.write(step, state)
        self.kept = step

    def restore(self, load: Callable[[dict], None]) -> bool:
        """Go on from the newest whole checkpoint, if there is one; ``load`` takes what is about it.

        Raises ``CheckpointError`` for a checkpoint of another run or model, if all are damaged, and in a
        group for that of one process alone.
        """
        if self.folder is None:
            return False

        def load_all(state: State) -> None:
            load_model_state(self.model, state.part("model"))
            load_optimizer_state(self.optimizer, state.part("optimizer"))
            set_rng_state(state.part("random"), self.device)
            load(state.about)
            self.kept = self._tried = state.about["step"]

        alone, file = self.group.kind is None, self.folder / single_file.CHECKPOINT
        newer = self.shards.newer_than(file)
        if not alone and file.exists() and not newer:
            raise CheckpointError(
                sentence(
                    "{file} is the checkpoint of one process alone, from which several can't go on: go on "
                    "without parallel, or choose another folder",
                    file=file,
                )
            )
        if alone and not newer:
            return single_file.restore(self.folder, self.identity, load_all)
        return self.shards.restore(self.identity, load_all)

    def prepare(self) -> None:
        """See that a checkpoint can be written. Raises ``CheckpointError`` if not."""
        if self.folder is not None:
            single_file.prepare(self.folder)
