"""Pictures of training: how the loss falls, and the floor it can't pass."""

from nbutils.figures.style import BLUE, GREY, ORANGE
from nbutils.training import History


def loss_curve(history: History, floor: float | None = None, ax=None):
    """Training and validation loss over the updates, and the floor as a line; gives the Axes.

    Args:
        history: what `training.train` returned.
        floor: the loss that the true distribution gets, in nats per token, if it is known.
        ax: the matplotlib Axes to draw in; None: a new figure.
    """
    import matplotlib.pyplot as plt

    ax = ax or plt.subplots()[1]
    ax.plot(history.steps, history.train_losses, color=BLUE, label="training")
    ax.plot(history.steps, history.val_losses, color=ORANGE, label="validation")
    if floor is not None:
        ax.axhline(floor, color=GREY, linestyle="--", label=f"floor: {floor:.3f}")
    ax.set_xlabel("updates")
    ax.set_ylabel("loss (nats per token)")
    ax.set_ylim(bottom=0)
    ax.legend()
    return ax
