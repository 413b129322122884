"""Pictures of training: how the loss falls, and the floor that it can't pass."""

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from nbutils.training import History

from .style import BLUE, GREY, ORANGE


def loss_curve(history: History, floor: float | None = None) -> Figure:
    """Training and validation loss over the updates.

    history: what `training.train` returned; floor: the loss that the true distribution itself
    gets, in nats per token, drawn as a line if it is known.
    """
    fig, ax = plt.subplots()
    ax.plot(history.steps, history.train_losses, color=BLUE, label="training")
    ax.plot(history.steps, history.val_losses, color=ORANGE, label="validation")
    if floor is not None:
        ax.axhline(floor, color=GREY, linestyle="--", label=f"floor: {floor:.3f}")
    ax.set(xlabel="updates", ylabel="loss (nats per token)")
    ax.set_ylim(bottom=0)
    ax.legend()
    return fig
